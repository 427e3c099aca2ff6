"""superhet's own spelling.

::

    formula    = choice
    choice     = either [ "?" choice ":" choice ]
    either     = both { ("or" | "|") both }
    both       = opposite { ("and" | "&") opposite }
    opposite   = ("not" | "!") opposite | comparison
    comparison = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
    sum        = product { ("+" | "-") product }
    product    = unary { ("*" | "/") unary }
    unary      = ("-" | "+") unary | power
    power      = atom [ "^" unary ]
    atom       = number | "nan" | name | asset | name "(" choice { "," choice } ")" | "(" choice ")"

Names mean daily fields of the market; inside `bar_…(…)` fields of the bars; inside the functions of
statements (`latest`, `ttm`, `yoy`, …) columns of the statements. Bare prices are the adjusted ones,
`raw_close` is the price that was paid. An asset is named bare or in quotes: `cs_asset(close, 600000.SH)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from superhet.errors import did_you_mean
from superhet.factors.base import OPERATORS, Operator
from superhet.factors.expression import (
    BAR_FIELDS,
    Expression,
    Level,
    as_quarter,
    newest,
    number,
)
from superhet.factors.spelling.base import Dialect, Infix, Prefix
from superhet.factors.spelling.lexer import Token, pattern
from superhet.factors.writing import BOTH, COMPARISON, EITHER, OPPOSITE, POWER, PRODUCT, SUM, UNARY
from superhet.registry import load_plugins

if TYPE_CHECKING:
    from superhet.factors.spelling.parser import Parser

_STATED, _SINGLE = "stated", "single"  # statement columns as stated, and quarter by quarter
_AS_STATED = ("latest", "quarterly", "ttm")
COMPARISONS: Mapping[str, str] = {
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "==": "equal",
    "!=": "not_equal",
}
INFIX: Mapping[str, Infix] = {
    "or": Infix("either", EITHER, BOTH),
    "and": Infix("both", BOTH, OPPOSITE),
    **{s: Infix(w, COMPARISON, SUM, "never") for s, w in COMPARISONS.items()},
    "+": Infix("add", SUM, PRODUCT),
    "-": Infix("subtract", SUM, PRODUCT),
    "*": Infix("multiply", PRODUCT, UNARY),
    "/": Infix("divide", PRODUCT, UNARY),
    "^": Infix("power", POWER, UNARY, "right"),
}
PREFIX: Mapping[str, Prefix] = {
    "-": Prefix("minus", UNARY),
    "+": Prefix("plus", UNARY),
    "not": Prefix("not", OPPOSITE),
}
MEANT: Mapping[str, str] = {"&": "and", "&&": "and", "|": "or", "||": "or", "!": "not"}


@dataclass(frozen=True)
class OperatorCall:
    """A call of an operator by its own name; `around` is what a bare name means outside of it."""

    known: Operator
    around: str

    @property
    def signature(self) -> str:
        """As the operator's."""
        return self.known.signature

    def context(self, position: int) -> str:
        """Say what a bare name means in an argument."""
        if self.known.arguments:
            role = self.known.parameter(position).role.name
            if role in ("group", "asset"):
                return role
        if self.known.family == "intraday":
            return "bar"
        if self.known.family == "statements":
            return _STATED if self.known.name in _AS_STATED else _SINGLE
        return self.around

    def build(
        self,
        parser: Parser,
        token: Token,
        arguments: tuple[Expression, ...],
        columns: list[int],
    ) -> Expression:
        """Call the operator; where it leaves the statements, take the newest quarter."""
        node = parser.make(token.text, token.column, arguments, columns)
        return node if self.around in (_STATED, _SINGLE) else newest(node)


class _Names:
    """Names of operators and of fields, as they are registered."""

    def field(self, parser: Parser, token: Token, context: str) -> Expression:
        word = token.text
        if word == "nan":
            return number(math.nan)
        if word in OPERATORS and context != "asset":
            signature = OPERATORS.get(word).signature
            parser.fail(f"{word} is a function: {signature}", token.column)
        if context in (_STATED, _SINGLE):
            node = parser.named(word, "quarter", token.column)
            return as_quarter(node) if context == _SINGLE else node
        if context == "bar" and word not in BAR_FIELDS:
            hint = did_you_mean(word, BAR_FIELDS)
            parser.fail(f"bars have no field {word!r}{hint}", token.column)
        return parser.named(word, cast(Level, context), token.column)

    def function(self, parser: Parser, token: Token, context: str) -> OperatorCall:
        if token.text not in OPERATORS:
            load_plugins()
        if token.text not in OPERATORS:
            hint = did_you_mean(token.text, OPERATORS)
            parser.fail(f"unknown function {token.text!r}{hint}", token.column)
        known = OPERATORS.get(token.text)
        outside = known.family not in ("intraday", "statements", "elementwise")
        if context != "daily" and outside:
            where = "a bar_ function" if context == "bar" else "a statement function"
            parser.fail(
                f"{known.name} works on sessions and cannot stand inside {where}", token.column
            )
        return OperatorCall(known, context)


SUPERHET = Dialect(
    name="superhet",
    pattern=pattern(["&&", "||", *COMPARISONS, *"-+*/^()<>,?:&|!"]),
    meant={"and": "and", "or": "or", "not": "not", **MEANT},
    infix=INFIX,
    prefix=PREFIX,
    choice=True,
    reader=_Names(),
    chain="join two comparisons with 'and'",
    hints={
        "*": "; a power is written ^",
        "=": "; equality is written ==",
        "$": "; fields with $ are Qlib's spelling, read with the syntax 'qlib'",
    },
)
