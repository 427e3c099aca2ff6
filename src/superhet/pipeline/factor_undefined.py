"""Undefined: where a formula's operands are known and its operation has no answer.

Each doubtful step of a formula gives a formula of its own that is 1 where the step is undefined, built of the
same operands, so that it is computed along with them:

- division by zero: `x / y`, `ts_return(x, k)`, `x ^ y` with a negative number `y`
- logarithm of what is not positive: `log(x)`
- root of what is negative: `sqrt(x)`, `x ^ y` with a broken `y`

Steps that cannot fail are left out: prices are positive, volumes and squares are not negative, and so are
sums of them; `volume + 1e-12` is never zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from superhet.factors import Expression
from superhet.factors.expression import PRICES, call, number
from superhet.factors.lower import in_machine

Kind: TypeAlias = Literal["division_by_zero", "log_of_non_positive", "root_of_negative"]
KINDS: tuple[Kind, ...] = ("division_by_zero", "log_of_non_positive", "root_of_negative")
_POWERS = ("power", "signed_power")
_ANY, _NOT_NEGATIVE, _POSITIVE = 0, 1, 2
_COUNTS = {
    "volume",
    "amount",
    "turnover",
    "total_shares",
    "float_shares",
    "market_cap",
    "float_cap",
}
_KEEP = {"ts_lag", "ts_mean", "ts_sum", "ts_min", "ts_max", "ts_median"}
_SQUARES = {"abs", "ts_std", "ts_var", "ts_mad", "is_nan", "less", "greater", "less_equal"}


def undefined(expression: Expression) -> dict[Kind, tuple[Expression, ...]]:
    """Give formulas that are 1 where a step of a formula is undefined, by kind; only steps on daily values.

    Examples
    --------
    >>> from superhet.factors import parse
    >>> undefined(parse("1 / volume + log(returns) / close"))
    {'division_by_zero': (volume == 0,), 'log_of_non_positive': (returns <= 0,)}
    """
    found: dict[Kind, dict[Expression, None]] = {}
    for node in expression.walk():
        if in_machine(node) and node.level == "daily":
            for kind, test in _tests(node):
                found.setdefault(kind, {})[test] = None
    return {kind: tuple(found[kind]) for kind in KINDS if kind in found}


def _tests(node: Expression) -> Iterator[tuple[Kind, Expression]]:
    operands = node.arguments
    if node.word == "divide":
        yield from _zero(operands[0], operands[1])
    elif node.word == "ts_return":
        yield from _zero(operands[0], call("ts_lag", operands))
    elif node.word == "log" and not is_positive(operands[0]):
        yield "log_of_non_positive", call("less_equal", (operands[0], number(0)))
    elif node.word == "sqrt" and not is_not_negative(operands[0]):
        yield "root_of_negative", call("less", (operands[0], number(0)))
    elif node.word in _POWERS and operands[1].kind == "number" and not is_positive(operands[0]):
        base, exponent = operands[0], operands[1].value
        if exponent < 0:
            yield "division_by_zero", call("equal", (base, number(0)))
        if node.word == "power" and exponent != int(exponent) and not is_not_negative(base):
            yield "root_of_negative", call("less", (base, number(0)))


def _zero(above: Expression, below: Expression) -> Iterator[tuple[Kind, Expression]]:
    """Test a quotient whose denominator may be zero, where its numerator is known."""
    if below.kind == "number" or is_positive(below):
        return
    zero = call("equal", (below, number(0)))
    if above.kind != "number" and above is not below:
        known = call("equal", (call("is_nan", (above,)), number(0)))
        zero = call("both", (zero, known))
    yield "division_by_zero", zero


def is_positive(node: Expression) -> bool:
    """Say whether the values of a formula are above zero, whatever the data.

    Examples
    --------
    >>> from superhet.factors import parse
    >>> is_positive(parse("ts_mean(close, 5)")), is_positive(parse("volume + 1e-12"))
    (True, True)
    >>> is_positive(parse("volume")), is_positive(parse("high - low + 1e-12"))
    (False, False)
    """
    return _sign(node) == _POSITIVE


def is_not_negative(node: Expression) -> bool:
    """Say whether the values of a formula are zero or above, whatever the data."""
    return _sign(node) >= _NOT_NEGATIVE


def _sign(formula: Expression) -> int:
    signs: dict[Expression, int] = {}
    for node in formula.walk():
        below = [signs[a] for a in node.arguments]
        signs[node] = _ANY
        if node.kind == "number":
            signs[node] = _POSITIVE if node.value > 0 else _NOT_NEGATIVE * (node.value == 0)
        elif node.kind == "name" and node.level == "daily":
            field = node.word.removeprefix("raw_")
            signs[node] = _POSITIVE if field in PRICES else _NOT_NEGATIVE * (field in _COUNTS)
        elif node.kind == "call":
            signs[node] = _sign_of_call(node, below)
    return signs[formula]


def _sign_of_call(node: Expression, below: list[int]) -> int:
    if node.word in _KEEP:
        return below[0]
    if node.word == "add":
        return max(below) if min(below) else _ANY
    if node.word in ("multiply", "divide", "minimum"):
        return min(below)
    if node.word == "maximum":
        return max(below)
    if node.word == "exp":
        return _POSITIVE
    return _NOT_NEGATIVE if node.word in _SQUARES else _ANY
