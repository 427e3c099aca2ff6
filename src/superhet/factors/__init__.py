"""Text -> expression -> steps -> program -> signals on their native clocks."""

from superhet.factors.base import OPERATORS, Operator, operator
from superhet.factors.cache import ValueCache
from superhet.factors.compute import compute
from superhet.factors.conventions import CONVENTIONS, Convention
from superhet.factors.evaluate import Chunk, evaluate, evaluate_chunks, known_since
from superhet.factors.expression import Expression
from superhet.factors.formula import Formula
from superhet.factors.library import LIBRARIES, Library, library, pick
from superhet.factors.parse import parse
from superhet.factors.screen import Scores, Screen
from superhet.factors.sources import available, missing_fields

__all__ = [
    "CONVENTIONS",
    "LIBRARIES",
    "OPERATORS",
    "Chunk",
    "Convention",
    "Expression",
    "Formula",
    "Library",
    "Operator",
    "Scores",
    "Screen",
    "ValueCache",
    "available",
    "compute",
    "evaluate",
    "evaluate_chunks",
    "known_since",
    "library",
    "missing_fields",
    "operator",
    "parse",
    "pick",
]
