"""Expressions: immutable formulas, of which equal ones are one object.

A node is a number, a name, a call, or one of three steps that the grammar leaves unsaid:

- `newest`: of one number a quarter, that of the newest quarter, on the day it became known;
- `carry`: an announcement carried forward to the sessions, where it meets daily values;
- `as_quarter`: a bare statement column inside `yoy`, `sue`, `change` taken quarter by quarter.

Every node has a *level*: a plain `number`, one number a `bar`, a `quarter`, an announcement (`event`) or a
session (`daily`); names of classifications (`group`) and of assets (`asset`) have no numbers. `call` checks
that the levels of its operands fit and adds the unsaid steps. Nodes are kept in a weak table, so that a
formula that occurs twice is computed once, however it was built.

What a node knows of all below it — look-back, names, size — follows from its operands when it is made, so
that nothing here walks down a formula by recursion, however deep it is.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias
from weakref import WeakValueDictionary

import superhet.factors.operators  # noqa: F401 - fills the registry
from superhet.factors.base import OPERATORS, Operator
from superhet.factors.fitting import Misfit, check_argument, check_count, check_levels, joint_level
from superhet.factors.units import unit_of
from superhet.factors.writing import written

__all__ = [
    "BAR_FIELDS",
    "MOST_NODES",
    "PRICES",
    "Expression",
    "Level",
    "as_quarter",
    "asset_name",
    "call",
    "carry",
    "market_field",
    "name",
    "newest",
    "number",
]

Level: TypeAlias = Literal["number", "bar", "quarter", "event", "daily", "group", "asset"]
Kind: TypeAlias = Literal["number", "name", "call", "newest", "carry", "as_quarter"]
_Row: TypeAlias = tuple[Kind, Level, str, float, tuple[int, ...]]

BAR_FIELDS = ("open", "high", "low", "close", "volume", "amount")
PRICES = ("open", "high", "low", "close", "vwap")
MOST_NODES = 100_000
_ADJUSTED = {f"adjusted_{p}": p for p in PRICES}
_BEFORE = re.compile(r"(SH|SZ|BJ)\.?([0-9]{6})", re.IGNORECASE)
_AFTER = re.compile(r"([0-9]{6})\.(SH|SZ|BJ|XSHG|XSHE)", re.IGNORECASE)
_EXCHANGES = {"XSHG": "SH", "XSHE": "SZ"}


@dataclass(frozen=True, eq=False, kw_only=True, repr=False, slots=True, weakref_slot=True)
class Expression:
    """One node of a formula; made by `parse`, `number`, `name` and `call`, never directly.

    Parameters
    ----------
    kind, level : see the module
    word : the operator's name, the field's name, or the number as written
    value : the number
    arguments : the nodes below
    lookback : sessions before the newest that a value needs
    lookahead : sessions after its own that a value needs; 0 but for labels
    quarters : quarters before the newest that a value needs
    depth : calls in one another
    size : nodes as written; a part that occurs twice counts twice
    names : levels and names of all fields below
    """

    kind: Kind
    level: Level
    word: str = ""
    value: float = 0.0
    arguments: tuple[Expression, ...] = ()
    lookback: int = 0
    lookahead: int = 0
    quarters: int = 0
    depth: int = 1
    size: int = 1
    names: frozenset[tuple[Level, str]] = frozenset()

    @property
    def operator(self) -> Operator:
        """The operator of a call."""
        return OPERATORS.get(self.word)

    @property
    def clock(self) -> Literal["1d", "event"]:
        """The native clock of the result: announcements, or sessions."""
        return "event" if self.level == "event" else "1d"

    @property
    def unit(self) -> str | None:
        """The unit of the values ("price", "ratio", …), None where units do not fit; see `units`."""
        return unit_of(self)

    @property
    def fields(self) -> frozenset[str]:
        """Daily fields of the market that the formula reads (bare prices are the adjusted ones)."""
        return frozenset(market_field(word) for level, word in self.names if level == "daily")

    @property
    def bar_fields(self) -> frozenset[str]:
        """Fields of the intraday bars that the formula reads."""
        return self._words("bar")

    @property
    def statement_columns(self) -> frozenset[str]:
        """Columns of the statements that the formula reads."""
        return self._words("quarter")

    @property
    def groups(self) -> frozenset[str]:
        """Classifications that the formula reads."""
        return self._words("group")

    @property
    def assets(self) -> frozenset[str]:
        """Assets that the formula calls by name."""
        return self._words("asset")

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

    def _words(self, wanted: Level) -> frozenset[str]:
        return frozenset(word for level, word in self.names if level == wanted)

    def __repr__(self) -> str:
        return written(self)

    def __copy__(self) -> Expression:
        return self

    def __deepcopy__(self, memo: object) -> Expression:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        place: dict[Expression, int] = {}
        rows: list[_Row] = []
        for node in self.walk():  # a flat table: a deep formula would exhaust the pickler's stack
            below = tuple(place[a] for a in node.arguments)
            place[node] = len(rows)
            rows.append((node.kind, node.level, node.word, node.value, below))
        return _rebuilt, (tuple(rows),)


def number(value: float) -> Expression:
    """Give the node of a number; NaN, written `nan`, is a value that is not known."""
    value = math.nan if math.isnan(value) else float(value) + 0.0  # there is one zero, and one NaN
    if math.isinf(value):
        raise Misfit("numbers are finite")
    return _one("number", "number", f"{value:.17g}", value, ())


def name(word: str, level: Level) -> Expression:
    """Give the node of a field; `adjusted_close` is what the bare `close` means."""
    if level == "daily":
        word = _ADJUSTED.get(word, word)
    elif level == "asset":
        word = asset_name(word)
    return _one("name", level, word, 0.0, ())


def asset_name(word: str) -> str:
    """Give the name of an asset as stores have it; other names than those of A-shares stay as they are.

    Examples
    --------
    >>> asset_name("SH600000"), asset_name("sz.000001"), asset_name("600000.XSHG"), asset_name("AAPL")
    ('600000.SH', '000001.SZ', '600000.SH', 'AAPL')
    """
    word = word.strip()
    if before := _BEFORE.fullmatch(word):
        return f"{before[2]}.{before[1].upper()}"
    if after := _AFTER.fullmatch(word):
        exchange = after[2].upper()
        return f"{after[1]}.{_EXCHANGES.get(exchange, exchange)}"
    if not word or ('"' in word and "'" in word) or len(word.splitlines()) > 1:
        raise Misfit(f"{word!r} cannot be the name of an asset")
    return word


def call(word: str, arguments: tuple[Expression, ...], *, label: bool = False) -> Expression:
    """Give the node of a call, checked.

    Parameters
    ----------
    word, arguments : the operator's name and its operands
    label : whether lags may be negative and operands may read the future, as targets of learning do

    Raises
    ------
    Misfit
        if the number, the kind or the level of the arguments is wrong
    """
    known = OPERATORS.get(word)
    check_count(known, len(arguments))
    levels: set[Level] = set()
    for i, argument in enumerate(arguments):
        check_argument(known, argument, i, label)
        if known.parameter(i).role.name == "signal":
            levels.add(argument.level)
    check_levels(known, arguments)
    level: Level = "daily"
    operands = arguments
    if known.family == "elementwise":
        level = joint_level(levels)
        if level == "daily" and "event" in levels:
            operands = tuple(carry(a) for a in arguments)
    elif known.family == "intraday":
        level = "bar" if known.bars else "daily"
    elif known.family == "statements":
        level = "quarter"
    elif "event" in levels:
        operands = tuple(carry(a) for a in arguments)
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


_nodes: WeakValueDictionary[tuple[object, ...], Expression] = WeakValueDictionary()
_lock = threading.Lock()


def _one(
    kind: Kind, level: Level, word: str, value: float, arguments: tuple[Expression, ...]
) -> Expression:
    """Give the one node with this content."""
    key = (kind, level, word, arguments)
    with _lock:
        node = _nodes.get(key)
    if node is not None:
        return node
    lookback, lookahead, quarters = _reach(kind, word, arguments)
    size = 1 + sum(a.size for a in arguments)
    if size > MOST_NODES:
        raise Misfit(f"the formula has more than {MOST_NODES:,} nodes")
    made = Expression(
        kind=kind,
        level=level,
        word=word,
        value=value,
        arguments=arguments,
        lookback=lookback,
        lookahead=lookahead,
        quarters=quarters,
        depth=1 + max((a.depth for a in arguments), default=0),
        size=size,
        names=frozenset({(level, word)}) if kind == "name" else _names(arguments),
    )
    with _lock:
        return _nodes.setdefault(key, made)


def _names(arguments: tuple[Expression, ...]) -> frozenset[tuple[Level, str]]:
    """Join the names of the operands; operands of equal names share one set."""
    joined: frozenset[tuple[Level, str]] = frozenset()
    for argument in arguments:
        if not argument.names <= joined:
            joined = joined | argument.names if joined else argument.names
    return joined


def _reach(kind: Kind, word: str, arguments: tuple[Expression, ...]) -> tuple[int, int, int]:
    """Give look-back, look-ahead and quarters of a node from those of its operands."""
    back = max((a.lookback for a in arguments), default=0)
    ahead = max((a.lookahead for a in arguments), default=0)
    quarters = max((a.quarters for a in arguments), default=0)
    if kind == "as_quarter":
        return back, ahead, quarters + 1
    if kind != "call":
        return back, ahead, quarters
    known = OPERATORS.get(word)
    if known.family not in ("time_series", "statements"):
        return back, ahead, quarters
    numbers = []
    for i, argument in enumerate(arguments):
        role = known.parameter(i).role.name
        if role in ("whole", "number"):
            numbers.append(int(argument.value) if role == "whole" else argument.value)
    try:
        own = int(known.rows(*numbers))
    except ArithmeticError:
        raise Misfit(f"{known.signature}: no look-back is long enough for {numbers}") from None
    if known.family == "statements":
        return back, ahead, quarters + own
    if word == "ts_lag":  # reads the shifted row alone
        return max(0, back + own), max(0, ahead - own), quarters
    return back + max(own, 0), ahead + max(-own, 0), quarters


def _rebuilt(rows: tuple[_Row, ...]) -> Expression:
    """Make the node again that `Expression.__reduce__` wrote down."""
    nodes: list[Expression] = []
    for kind, level, word, value, below in rows:
        if kind == "number":
            nodes.append(number(value))
        else:
            nodes.append(_one(kind, level, word, value, tuple(nodes[i] for i in below)))
    return nodes[-1]
