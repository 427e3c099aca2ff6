"""Units: what the values of a formula are counted in, as powers of money and of shares.

A price is money a share, an amount is money, a volume is shares, a ratio is neither. Each operator names the
rule by which its unit follows from those of its operands; what does not fit, as price + volume, has no unit,
nor has anything built on it. A number in the text takes whatever unit stands beside it in a sum or a
comparison (`x + 1e-12`), and is a ratio in a product.

Rules: "first" (that of the first operand), "same" (all operands alike), "multiply", "divide", "power",
"root", "square", "product" (over a window of w: to the power of w), "compare" (alike; gives a ratio),
"choice" (the last two alike) and "none" (a ratio, whatever goes in: ranks, correlations, counts).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from superhet.factors.expression import Expression


class Powers(NamedTuple):
    """A unit: money to one power times shares to another."""

    money: float
    shares: float


_Found: TypeAlias = "Powers | Literal['any', 'mixed']"
_Rule: TypeAlias = "Callable[[Expression, list[_Found]], _Found]"

RATIO, PRICE = Powers(0, 0), Powers(1, -1)
CURRENCY, SHARES = Powers(1, 0), Powers(0, 1)
_NAMED = {RATIO: "ratio", PRICE: "price", CURRENCY: "currency", SHARES: "shares"}
_PRICES = ("open", "high", "low", "close", "vwap")
_FIELDS: Mapping[str, Powers] = {
    **{p: PRICE for p in (*_PRICES, *(f"raw_{p}" for p in _PRICES))},
    **{p: PRICE for p in ("previous_close", "limit_up", "limit_down", "eps")},
    **{f"benchmark_{p}": PRICE for p in ("open", "high", "low", "close")},
    "benchmark_volume": SHARES,
    "benchmark_amount": CURRENCY,
    **{s: SHARES for s in ("volume", "total_shares", "float_shares")},
    **{c: CURRENCY for c in ("amount", "market_cap", "float_cap", "average_amount_60")},
}


def unit_of(expression: Expression) -> str | None:
    """Give the unit of a formula's values, None where units do not fit.

    Parameters
    ----------
    expression : the formula

    Returns
    -------
    "price", "currency", "shares", "ratio", or powers of them such as "price^2" and "1/shares"

    Examples
    --------
    >>> from superhet.factors.parse import parse
    >>> unit_of(parse("ts_mean(close, 5)")), unit_of(parse("close + volume"))
    ('price', None)
    """
    known: dict[Expression, _Found] = {}
    for node in expression.walk():
        if node.kind == "number":
            known[node] = "any"
        elif node.kind == "name":
            known[node] = _of_name(node)
        elif node.kind == "call":
            known[node] = _of_call(node, known)
        else:
            known[node] = known[node.arguments[0]]
    found = known[expression]
    if found == "mixed":
        return None
    return spelled(RATIO if found == "any" else found)


def spelled(unit: Powers) -> str:
    """Write a unit.

    Examples
    --------
    >>> spelled(Powers(1, -1)), spelled(Powers(2, -2)), spelled(Powers(0, -1)), spelled(Powers(1, 1))
    ('price', 'price^2', '1/shares', 'currency*shares')
    """
    if unit in _NAMED:
        return _NAMED[unit]
    if unit.money == -unit.shares:
        parts = {"price": unit.money}
    else:
        parts = {"currency": unit.money, "shares": unit.shares}
    above = "*".join(_power(n, p) for n, p in parts.items() if p > 0)
    below = "*".join(_power(n, -p) for n, p in parts.items() if p < 0)
    return f"{above or '1'}/{below}" if below else above


def _power(word: str, power: float) -> str:
    return word if power == 1 else f"{word}^{power:g}"


def _of_name(node: Expression) -> _Found:
    if node.level == "quarter":
        return _FIELDS.get(node.word, CURRENCY)
    return _FIELDS.get(node.word, RATIO)


def _of_call(node: Expression, known: Mapping[Expression, _Found]) -> _Found:
    operator = node.operator
    units = [
        known[a]
        for i, a in enumerate(node.arguments)
        if operator.parameter(i).role.name == "signal"
    ]
    if "mixed" in units:
        return "mixed"
    return _RULES.get(str(getattr(operator, "unit", "first")), _first)(node, units)


def _alike(units: list[_Found]) -> _Found:
    """Give the unit that all share; numbers take that of the others."""
    plain = {u for u in units if u != "any"}
    if len(plain) > 1:
        return "mixed"
    return plain.pop() if plain else "any"


def _times(unit: _Found, power: float) -> Powers:
    money, shares = unit if isinstance(unit, Powers) else RATIO
    return Powers(money * power + 0.0, shares * power + 0.0)


def _joined(units: list[_Found], power: float) -> _Found:
    """Multiply the first unit by a power of the second."""
    if all(u == "any" for u in units):
        return "any"
    one, two = _times(units[0], 1), _times(units[1], power)
    return Powers(one.money + two.money, one.shares + two.shares)


def _first(node: Expression, units: list[_Found]) -> _Found:
    return units[0] if units else RATIO


def _raised(node: Expression, units: list[_Found]) -> _Found:
    base, exponent = units[0], node.arguments[1]
    if units[1] not in ("any", RATIO):
        return "mixed"
    if base in ("any", RATIO):
        return _alike(units)
    return _times(base, exponent.value) if exponent.kind == "number" else "mixed"


def _over_window(node: Expression, units: list[_Found]) -> _Found:
    return _times(units[0], node.arguments[1].value)


_RULES: Mapping[str, _Rule] = {
    "first": _first,
    "same": lambda _, units: _alike(units),
    "compare": lambda _, units: "mixed" if _alike(units) == "mixed" else RATIO,
    "choice": lambda _, units: _alike(units[1:]),
    "multiply": lambda _, units: _joined(units, 1),
    "divide": lambda _, units: _joined(units, -1),
    "power": _raised,
    "root": lambda _, units: units[0] if units[0] == "any" else _times(units[0], 0.5),
    "square": lambda _, units: _times(units[0], 2),
    "product": _over_window,
    "none": lambda _, units: RATIO,
}
