"""Writing: an expression as superhet spells it, so that `parse` reads the same object back.

No recursion: what is still to be written lies on a stack, each node with how tightly its surroundings bind.
The bindings are those of the grammar in `spelling.superhet`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from superhet.factors.expression import Expression

TERNARY, EITHER, BOTH, OPPOSITE, COMPARISON, SUM, PRODUCT, UNARY, POWER, TIGHT = range(10)
BINDING = {"or": EITHER, "and": BOTH, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "^": POWER}
BARE_ASSET = r"[0-9]{4,6}\.(?!and\b|or\b|not\b)[A-Za-z]{2,4}\b"  # 600000.SH, 0700.HK
_EXACT = 1e15  # whole numbers up to here are written with all their digits

_Piece: TypeAlias = "str | tuple[Expression, int]"


def written(node: Expression) -> str:
    """Write an expression.

    Examples
    --------
    >>> from superhet.factors.parse import parse
    >>> written(parse("close-(open-high)"))
    'close - (open - high)'
    """
    text: list[str] = []
    left: list[_Piece] = [(node, TERNARY)]
    while left:
        piece = left.pop()
        if isinstance(piece, str):
            text.append(piece)
            continue
        inner, around = piece
        pieces, binding = _pieces(inner)
        if binding < around:
            pieces = ["(", *pieces, ")"]
        left.extend(reversed(pieces))
    return "".join(text)


def _pieces(node: Expression) -> tuple[list[_Piece], int]:
    """Take one node apart: its own words, its operands, and how tightly it binds."""
    while node.kind not in ("number", "name", "call"):
        node = node.arguments[0]  # the step is left unsaid
    if node.kind == "number":
        return [_number(node.value)], UNARY if node.value < 0 else TIGHT
    if node.kind == "name":
        return [_asset(node.word) if node.level == "asset" else node.word], TIGHT
    parts, symbol = node.arguments, node.operator.symbol
    if symbol:
        binding = BINDING.get(symbol, COMPARISON)
        before, after = binding, binding + 1
        if symbol == "^":
            before, after = binding + 1, UNARY
        elif binding == COMPARISON:
            before = binding + 1
        return [(parts[0], before), f" {symbol} ", (parts[1], after)], binding
    if node.word == "negate" and parts[0].kind != "number":
        return ["-", (parts[0], UNARY)], UNARY
    if node.word == "where":
        choice: list[_Piece] = [
            (parts[0], EITHER), " ? ", (parts[1], TERNARY), " : ", (parts[2], TERNARY),
        ]  # fmt: skip
        return choice, TERNARY
    pieces: list[_Piece] = [f"{node.word}("]
    for i, part in enumerate(parts):
        pieces += [", ", (part, TERNARY)] if i else [(part, TERNARY)]
    return [*pieces, ")"], TIGHT


def _number(value: float) -> str:
    whole = abs(value) < _EXACT and value == int(value)
    return repr(int(value)) if whole else repr(value)


def _asset(word: str) -> str:
    if re.fullmatch(BARE_ASSET, word):
        return word
    return f'"{word}"' if '"' not in word else f"'{word}'"
