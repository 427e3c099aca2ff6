"""Fitting: what an operator asks of its arguments, checked before a node is made.

Number of arguments, numbers and their bounds, names of groups and assets, and the clock (level) of each
signal. Every complaint is a `Misfit`, which the parser turns into a `FormulaError` with a column.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

from superhet.factors.base import Operator, Parameter

if TYPE_CHECKING:
    from superhet.factors.expression import Expression, Level

_SHOWN = 60  # characters of an argument that a message quotes
_ALLOWED: dict[str, tuple[set[str], str]] = {
    "time_series": ({"event", "daily"}, "takes a signal with one value a session"),
    "cross_section": ({"event", "daily"}, "takes a signal with one value a session"),
    "intraday": ({"bar", "number", "daily"}, "takes fields of the bars"),
    "statements": ({"quarter"}, "takes columns of the statements"),
}
_BESIDE = {"bar": {"bar", "daily", "number"}, "quarter": {"quarter", "number"}}
_BOUNDS = (
    ("ge", operator.ge, "at least"),
    ("le", operator.le, "at most"),
    ("gt", operator.gt, "above"),
    ("lt", operator.lt, "below"),
)


class Misfit(Exception):
    """Arguments that do not fit an operator; the parser turns it into a FormulaError with a column.

    Parameters
    ----------
    argument : position of the offending argument, None for the call itself
    future : whether it would read the future
    """

    def __init__(self, message: str, argument: int | None = None, future: bool = False) -> None:
        super().__init__(message)
        self.message, self.argument, self.future = message, argument, future


def brief(node: Expression) -> str:
    """Write a node for a message, shortened where it is long."""
    text = repr(node)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def check_count(known: Operator, count: int) -> None:
    """Insist on as many arguments as the operator takes."""
    if count < known.fewest or (known.most is not None and count > known.most):
        wanted = str(known.fewest)
        if known.most is None:
            wanted = f"at least {known.fewest}"
        elif known.most != known.fewest:
            wanted = f"{known.fewest} to {known.most}"
        plural = "" if wanted == "1" else "s"
        raise Misfit(f"{known.signature} takes {wanted} argument{plural}, got {count}")


def check_argument(known: Operator, argument: Expression, at: int, label: bool) -> None:
    """Insist that the argument at position `at` is what its parameter says."""
    parameter = known.parameter(at)
    role = parameter.role.name
    if role in ("whole", "number"):
        _check_number(known, parameter, argument, at, label)
    elif role == "signal":
        if argument.level in ("group", "asset"):
            raise Misfit(f"{known.signature} takes a signal, not the name {brief(argument)}", at)
        if argument.lookahead > 0 and not label:
            raise Misfit(f"{brief(argument)} is known only later", at, future=True)
    elif argument.kind != "name" or argument.level != role:
        wanted = {
            "group": "the name of a classification",
            "asset": "the name of an asset, such as 600000.SH",
        }
        raise Misfit(f"{known.signature}: {parameter.name!r} takes {wanted[role]}", at)


def _check_number(
    known: Operator, parameter: Parameter, argument: Expression, at: int, label: bool
) -> None:
    title = f"{known.name}: {parameter.name}"
    if argument.kind != "number" or math.isnan(argument.value):
        raise Misfit(f"{title} must be a plain number, not {brief(argument)}", at)
    value = argument.value
    if parameter.role.name == "whole":
        if value != int(value):
            raise Misfit(f"{title} must be a whole number, got {argument!r}", at)
        if value == 0 and parameter.role.what == "place":
            raise Misfit(f"{title}: places count from 1 at the open or -1 at the close", at)
        if value < 0 and parameter.role.what != "place":
            if is_lag(known, parameter) and label:
                return
            only = " (a label may, with label=True)" if is_lag(known, parameter) else ""
            raise Misfit(f"a {parameter.role.what} is positive{only}", at, future=True)
    for bound in parameter.bounds:
        for key, holds, words in _BOUNDS:
            limit = getattr(bound, key, None)
            if limit is not None and not holds(value, limit):
                raise Misfit(f"{title} must be {words} {limit}, got {argument!r}", at)


def is_lag(known: Operator, parameter: Parameter) -> bool:
    """Say whether a parameter counts sessions back, which a label may turn forward."""
    return known.family == "time_series" and parameter.role.what == "lag"


def check_levels(known: Operator, arguments: tuple[Expression, ...]) -> None:
    """Insist that each signal has one value a bar, a quarter or a session, as the family asks."""
    if known.family == "elementwise":
        return
    allowed, wanted = _ALLOWED[known.family]
    some = False
    for i, argument in enumerate(arguments):
        if known.parameter(i).role.name != "signal":
            continue
        some = some or argument.level == "bar"
        if argument.level not in allowed:
            raise Misfit(f"{known.signature} {wanted}, not {brief(argument)}", i)
        if known.family == "intraday" and argument.level == "daily" and not argument.bar_fields:
            raise Misfit(f"{known.signature} {wanted}, not {brief(argument)}", i)
        plain = argument.kind in ("name", "as_quarter")
        if "basis" in known.given and known.name in ("ttm", "quarterly") and not plain:
            raise Misfit(
                f"{known.name} takes one statement column; write {known.name}(a) - {known.name}(b), "
                f"not {known.name}(a - b)",
                i,
            )
    if known.family == "intraday" and not some:
        raise Misfit(f"{known.signature} {wanted}", 0)


def joint_level(levels: set[Level]) -> Level:
    """Find the level of an element-wise result: the finest that all operands can be put on."""
    for inner, beside in _BESIDE.items():
        if inner in levels:
            strange = sorted(levels - beside)
            if strange:
                raise Misfit(f"a value of one {inner} cannot meet a value of one {strange[0]}")
            return inner
    if "daily" in levels:
        return "daily"
    return "event" if "event" in levels else "number"
