"""Expressions: immutable formulas, of which equal ones are one object.

A node is a number, a name, a call, or one of three steps that the grammar leaves unsaid:

- `newest`: of one number a quarter, that of the newest quarter, on the day it became known;
- `carry`: an announcement carried forward to the sessions, where it meets daily values;
- `as_quarter`: a bare statement column inside `yoy`, `sue`, `change` taken quarter by quarter.

Every node has a *level*: a plain `number`, one number a `bar`, a `quarter`, an announcement (`event`) or a
session (`daily`). `call` checks that the levels of its operands fit and adds the unsaid steps. Nodes are
kept in a weak table, so that a formula that occurs twice is computed once, however it was built.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias
from weakref import WeakValueDictionary

import superhet.factors.operators  # noqa: F401 - fills the registry
from superhet.factors.base import OPERATORS, Operator, Parameter

Level: TypeAlias = Literal["number", "bar", "quarter", "event", "daily", "group"]
Kind: TypeAlias = Literal["number", "name", "call", "newest", "carry", "as_quarter"]

BAR_FIELDS = ("open", "high", "low", "close", "volume", "amount")
PRICES = ("open", "high", "low", "close", "vwap")
_ADJUSTED = {f"adjusted_{p}": p for p in PRICES}
_TIGHT = 10  # how tightly a call, a name or a number binds
_BINDING = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6, "^": 8}
_COMPARISON, _UNARY, _TERNARY = 4, 7, 0
_DEEPEST = 300


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


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Expression:
    """One node of a formula; made by `parse`, `number`, `name` and `call`, never directly.

    Parameters
    ----------
    kind, level : see the module
    word : the operator's name, the field's name, or the number as written
    value : the number
    arguments : the nodes below
    """

    kind: Kind
    level: Level
    word: str = ""
    value: float = 0.0
    arguments: tuple[Expression, ...] = ()

    @cached_property
    def operator(self) -> Operator:
        """The operator of a call."""
        return OPERATORS.get(self.word)

    @property
    def clock(self) -> Literal["1d", "event"]:
        """The native clock of the result: announcements, or sessions."""
        return "event" if self.level == "event" else "1d"

    @cached_property
    def lookback(self) -> int:
        """Sessions before the newest that a value needs."""
        below = max((a.lookback for a in self.arguments), default=0)
        own = self._rows() if self.kind == "call" and self.operator.family == "time_series" else 0
        return below + own

    @cached_property
    def quarters(self) -> int:
        """Quarters before the newest that a value needs."""
        below = max((a.quarters for a in self.arguments), default=0)
        if self.kind == "as_quarter":
            return below + 1
        own = self._rows() if self.kind == "call" and self.operator.family == "statements" else 0
        return below + own

    @cached_property
    def depth(self) -> int:
        """Calls in one another."""
        return 1 + max((a.depth for a in self.arguments), default=0)

    @cached_property
    def names(self) -> frozenset[tuple[Level, str]]:
        """Levels and names of all fields below."""
        if self.kind == "name":
            return frozenset({(self.level, self.word)})
        return frozenset().union(*(a.names for a in self.arguments))

    @property
    def fields(self) -> frozenset[str]:
        """Daily fields of the market that the formula reads (bare prices are the adjusted ones)."""
        return frozenset(market_field(word) for level, word in self.names if level == "daily")

    @property
    def bar_fields(self) -> frozenset[str]:
        """Fields of the intraday bars that the formula reads."""
        return frozenset(word for level, word in self.names if level == "bar")

    @property
    def statement_columns(self) -> frozenset[str]:
        """Columns of the statements that the formula reads."""
        return frozenset(word for level, word in self.names if level == "quarter")

    @property
    def groups(self) -> frozenset[str]:
        """Classifications that the formula reads."""
        return frozenset(word for level, word in self.names if level == "group")

    @property
    def block(self) -> Literal["minute", "daily", "quarterly"]:
        """The fastest kind of data in it, or "quarterly" if it reads statements but no bars."""
        if self.bar_fields:
            return "minute"
        return "quarterly" if self.statement_columns else "daily"

    def walk(self) -> Iterator[Expression]:
        """Give every node once, operands before what uses them."""
        seen: set[Expression] = set()
        stack = [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                yield node
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((a, False) for a in reversed(node.arguments))

    def _rows(self) -> int:
        roles = [self.operator.parameter(i).role.name for i in range(len(self.arguments))]
        whole = [int(a.value) for a, r in zip(self.arguments, roles, strict=True) if r == "whole"]
        return self.operator.rows(*whole)

    def __repr__(self) -> str:
        return _written(self, _TERNARY)

    def __copy__(self) -> Expression:
        return self

    def __deepcopy__(self, memo: object) -> Expression:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return _one, (self.kind, self.level, self.word, self.value, self.arguments)


def number(value: float) -> Expression:
    """Give the node of a number."""
    value = float(value) + 0.0  # there is one zero
    return _one("number", "number", f"{value:.17g}", value, ())


def name(word: str, level: Level) -> Expression:
    """Give the node of a field; `adjusted_close` is what the bare `close` means."""
    return _one("name", level, _ADJUSTED.get(word, word) if level == "daily" else word, 0.0, ())


def call(word: str, arguments: tuple[Expression, ...]) -> Expression:
    """Give the node of a call, checked.

    Raises
    ------
    Misfit
        if the number, the kind or the level of the arguments is wrong
    """
    known = OPERATORS.get(word)
    _check_count(known, len(arguments))
    fitted, levels = [], set()
    for i, argument in enumerate(arguments):
        parameter = known.parameter(i)
        if parameter.role.name == "signal":
            levels.add(argument.level)
        elif parameter.role.name in ("whole", "number"):
            _check_number(known, parameter, argument, i)
        elif argument.kind != "name":
            raise Misfit(
                f"{known.signature}: {parameter.name!r} takes the name of a classification", i
            )
        fitted.append(argument)
    _check_levels(known, arguments)
    if known.family == "elementwise":
        level = _joint_level(levels)
        operands = tuple(_lift(a, level) for a in fitted)
    elif known.family == "intraday":
        level, operands = "bar" if known.bars else "daily", tuple(fitted)
    elif known.family == "statements":
        level, operands = "quarter", tuple(fitted)
    else:
        level = "daily"
        signals = [known.parameter(i).role.name == "signal" for i in range(len(fitted))]
        operands = tuple(carry(a) if s else a for a, s in zip(fitted, signals, strict=True))
    return _one("call", level, word, 0.0, operands)


def carry(node: Expression) -> Expression:
    """Carry announcements forward to the sessions; other nodes stay as they are."""
    return _one("carry", "daily", "", 0.0, (node,)) if node.level == "event" else node


def newest(node: Expression) -> Expression:
    """Take the newest quarter; other nodes stay as they are."""
    return _one("newest", "event", "", 0.0, (node,)) if node.level == "quarter" else node


def as_quarter(node: Expression) -> Expression:
    """Take a statement column quarter by quarter."""
    return _one("as_quarter", "quarter", "", 0.0, (node,))


def market_field(word: str) -> str:
    """Give the market's field that a daily name means.

    Examples
    --------
    >>> market_field("close"), market_field("raw_close"), market_field("volume")
    ('adjusted_close', 'close', 'volume')
    """
    if word in PRICES:
        return f"adjusted_{word}"
    if word.startswith("raw_") and word[4:] in PRICES:
        return word[4:]
    return word


def _check_count(known: Operator, count: int) -> None:
    if count < known.fewest or (known.most is not None and count > known.most):
        wanted = str(known.fewest)
        if known.most is None:
            wanted = f"at least {known.fewest}"
        elif known.most != known.fewest:
            wanted = f"{known.fewest} to {known.most}"
        plural = "" if wanted == "1" else "s"
        raise Misfit(f"{known.signature} takes {wanted} argument{plural}, got {count}")


def _check_number(known: Operator, parameter: Parameter, argument: Expression, at: int) -> None:
    label = f"{known.name}: {parameter.name}"
    if argument.kind != "number":
        raise Misfit(f"{label} must be a plain number, not {argument!r}", at)
    value = argument.value
    if parameter.role.name == "whole":
        if value != int(value):
            raise Misfit(f"{label} must be a whole number, got {argument!r}", at)
        if value < 0 and parameter.role.what != "place":
            raise Misfit(f"a {parameter.role.what} is positive", at, future=True)
        if value == 0 and parameter.role.what == "place":
            raise Misfit(f"{label}: places count from 1 at the open or -1 at the close", at)
    for bound in parameter.bounds:
        low, high = getattr(bound, "ge", None), getattr(bound, "le", None)
        if low is not None and value < low:
            raise Misfit(f"{label} must be at least {low}, got {argument!r}", at)
        if high is not None and value > high:
            raise Misfit(f"{label} must be at most {high}, got {argument!r}", at)


_ALLOWED: dict[str, tuple[set[str], str]] = {
    "time_series": ({"event", "daily"}, "takes a signal with one value a session"),
    "cross_section": ({"event", "daily"}, "takes a signal with one value a session"),
    "intraday": ({"bar", "number", "daily"}, "takes fields of the bars"),
    "statements": ({"quarter"}, "takes columns of the statements"),
}


def _check_levels(known: Operator, arguments: tuple[Expression, ...]) -> None:
    if known.family == "elementwise":
        return
    allowed, wanted = _ALLOWED[known.family]
    some = False
    for i, argument in enumerate(arguments):
        if known.parameter(i).role.name != "signal":
            continue
        some = some or argument.level == "bar"
        if argument.level not in allowed:
            raise Misfit(f"{known.signature} {wanted}, not {argument!r}", i)
        if known.family == "intraday" and argument.level == "daily" and not argument.bar_fields:
            raise Misfit(f"{known.signature} {wanted}, not {argument!r}", i)
        plain = argument.kind in ("name", "as_quarter")
        if "basis" in known.given and known.name in ("ttm", "quarterly") and not plain:
            raise Misfit(
                f"{known.name} takes one statement column; write {known.name}(a) - {known.name}(b), "
                f"not {known.name}(a - b)",
                i,
            )
    if known.family == "intraday" and not some:
        raise Misfit(f"{known.signature} {wanted}", 0)


def _joint_level(levels: set[Level]) -> Level:
    """Find the level of an element-wise result: the finest that all operands can be put on."""
    for inner in ("bar", "quarter"):
        if inner in levels:
            strange = (
                levels - {inner, "number", "daily"}
                if inner == "bar"
                else levels - {inner, "number"}
            )
            if strange:
                raise Misfit(f"a value of one {inner} cannot meet a value of one {strange.pop()}")
            return inner
    if "daily" in levels:
        return "daily"
    return "event" if "event" in levels else "number"


def _lift(node: Expression, level: Level) -> Expression:
    return carry(node) if level == "daily" else node


_nodes: WeakValueDictionary[tuple[object, ...], Expression] = WeakValueDictionary()
_lock = threading.Lock()


def _one(
    kind: Kind, level: Level, word: str, value: float, arguments: tuple[Expression, ...]
) -> Expression:
    """Give the one node with this content."""
    key = (kind, level, word, value, arguments)
    with _lock:
        node = _nodes.get(key)
        if node is None:
            node = Expression(kind=kind, level=level, word=word, value=value, arguments=arguments)
            if node.depth > _DEEPEST:
                raise Misfit(f"the formula is deeper than {_DEEPEST} calls in one another")
            _nodes[key] = node
    return node


def _written(node: Expression, around: int) -> str:
    """Write a node so that `parse` reads the same; `around` is how tightly its surroundings bind."""
    if node.kind == "number":
        text = repr(int(node.value)) if node.value == int(node.value) else repr(node.value)
        return f"({text})" if node.value < 0 and around > _UNARY else text
    if node.kind == "name":
        return node.word
    if node.kind != "call":
        return _written(node.arguments[0], around)
    parts, symbol = node.arguments, node.operator.symbol
    if symbol:
        binding = _BINDING.get(symbol, _COMPARISON)
        left, right = binding, binding + 1
        if symbol == "^":
            left, right = binding + 1, _UNARY
        elif binding == _COMPARISON:
            left = binding + 1
        text = f"{_written(parts[0], left)} {symbol} {_written(parts[1], right)}"
    elif node.word == "negate" and parts[0].kind != "number":
        binding, text = _UNARY, f"-{_written(parts[0], _UNARY)}"
    elif node.word == "where":
        binding = _TERNARY
        text = f"{_written(parts[0], 1)} ? {_written(parts[1], 0)} : {_written(parts[2], 0)}"
    else:
        binding = _TIGHT
        text = f"{node.word}({', '.join(_written(p, _TERNARY) for p in parts)})"
    return f"({text})" if binding < around else text
