"""The spellings in which a formula may be written: one lexer and one parser, a table for each."""

from superhet.factors.spelling.base import Dialect
from superhet.factors.spelling.parser import Parser, Reading
from superhet.factors.spelling.qlib import QLIB
from superhet.factors.spelling.superhet import SUPERHET
from superhet.factors.spelling.worldquant import WORLDQUANT

DIALECTS: dict[str, Dialect] = {d.name: d for d in (SUPERHET, QLIB, WORLDQUANT)}

__all__ = ["DIALECTS", "Dialect", "Parser", "Reading"]
