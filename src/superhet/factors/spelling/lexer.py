"""Lexer: formula text -> tokens, each with the column where it begins.

All spellings share numbers, names, quoted texts and codes of assets; they differ in their symbols, in the
words that stand for symbols (`and`), and in how a field is marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from superhet.errors import FormulaError
from superhet.factors.writing import BARE_ASSET

if TYPE_CHECKING:
    from superhet.factors.spelling.base import Dialect

NAME = r"[^\W\d]\w*"
_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TEXT = r"\"[^\"\r\n]*\"|'[^'\r\n]*'"


class Token(NamedTuple):
    """One word of a formula and the column where it begins.

    `kind` is "number", "name", "field" (marked as one), "asset", "text" (quoted), "symbol" or "end".
    """

    kind: str
    text: str
    column: int


def pattern(symbols: Iterable[str], name: str = NAME, field: str = "(?!)") -> re.Pattern[str]:
    """Give the pattern of one token of a spelling.

    Parameters
    ----------
    symbols : all that are not words
    name, field : what names look like, and fields that are marked as such
    """
    longest_first = "|".join(re.escape(s) for s in sorted(symbols, key=lambda s: -len(s)))
    return re.compile(
        rf"\s*(?:(?P<asset>{BARE_ASSET})|(?P<number>{_NUMBER})|(?P<field>{field})|(?P<name>{name})"
        rf"|(?P<text>{_TEXT})|(?P<symbol>{longest_first})|(?P<other>\S))"
    )


def tokens(text: str, dialect: Dialect) -> list[Token]:
    """Cut a text into the tokens of a spelling, the last of which is the end.

    Raises
    ------
    FormulaError
        at a character that begins no token
    """
    found, position, length = [], 0, len(text.rstrip())
    plain = text.translate(dialect.same) if dialect.same else text
    while position < length:
        match = dialect.pattern.match(plain, position)
        if match is None or match.lastgroup is None:
            raise FormulaError(f"did not expect {text[position]!r}", text, position)
        kind = match.lastgroup
        word, column = match[kind], match.start(kind)
        if kind == "other":
            hint = dialect.hints.get(word, "")
            raise FormulaError(f"did not expect {text[column]!r}{hint}", text, column)
        if kind in ("name", "symbol"):
            symbol = dialect.meant.get(word.lower() if dialect.any_case else word)
            kind, word = ("symbol", symbol) if symbol is not None else (kind, word)
        found.append(Token(kind, word, column))
        position = match.end()
    return [*found, Token("end", "the end", length)]
