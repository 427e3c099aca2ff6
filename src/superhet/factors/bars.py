"""Formulas of bars: expressions -> a program for the bar machine -> one panel of days for each.

1. which daily values the machine must be given                       -> daily_inputs
2. write all reductions into one program, what they share once        -> _program
3. run it over the sessions                                           -> evaluate_bars

Inside a `bar_` function the names of the bars' fields mean bars, arithmetic is done bar by bar, and a
value of a day (a reduction inside another, a daily field) is the same on all its bars. A comparison with
NaN is NaN and half of a slice must be known, whatever convention the formulas of sessions follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from superhet.factors.expression import BAR_FIELDS, Expression
from superhet.kernels.bar_machine import run
from superhet.kernels.bar_program import Program, Value, Writer
from superhet.panel import Cube, Dates

Array = npt.NDArray[Any]


def daily_inputs(roots: Iterable[Expression]) -> tuple[Expression, ...]:
    """Find the daily values inside reductions of bars that must be computed beforehand.

    Examples
    --------
    >>> from superhet.factors.expression import call, name
    >>> share = call("divide", (name("volume", "bar"), name("float_shares", "daily")))
    >>> daily_inputs([call("bar_max", (share,))])
    (float_shares,)
    """
    return tuple(n for n in _walk(roots) if _is_input(n))


def evaluate_bars(
    roots: Iterable[Expression],
    cube: Cube,
    sessions: Dates,
    *,
    daily: Mapping[Expression, Array] | None = None,
    dtype: Literal["float32", "float64"] = "float64",
    threads: int = 1,
) -> dict[Expression, Array]:
    """Compute reductions of bars, all in one pass.

    Parameters
    ----------
    roots : reductions of bars, or element-wise functions of such
    cube : fields of the bars, [bar ends, assets]
    sessions : the daily axis; bars of other days are left out
    daily : daily input -> [sessions, assets]; see `daily_inputs`
    dtype : type of the values; sums are float64 in both
    threads : how many; the values are the same for any number

    Returns
    -------
    root -> [sessions, assets]; NaN where it is not known or the session has no bars, never infinite
    """
    wanted = tuple(dict.fromkeys(roots))
    if not wanted:
        return {}
    inputs = daily_inputs(wanted)
    program = _program(wanted, inputs)
    shape = (len(inputs), len(sessions), len(cube.assets))
    given = np.empty(shape, dtype=dtype)
    for k, node in enumerate(inputs):
        given[k] = (daily or {})[node]
    read = frozenset().union(*(root.bar_fields for root in wanted))
    rows = session_rows(cube.dates, sessions)
    values = run(program, _fields(cube, read), given, rows, np.dtype(dtype), threads)
    return dict(zip(wanted, values, strict=True))


def session_rows(
    bars: Dates, sessions: Dates
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give for each session its first row of bars, and the one after its last."""
    starts = np.searchsorted(bars.days, sessions.days, side="left")
    stops = np.searchsorted(bars.days, sessions.days, side="right")
    return starts.astype(np.int64), stops.astype(np.int64)


def _is_input(node: Expression) -> bool:
    """Say whether the machine cannot compute a daily node itself."""
    if node.level != "daily" or node.kind == "number":
        return False
    return node.kind != "call" or node.operator.family not in ("elementwise", "intraday")


def _walk(expressions: Iterable[Expression]) -> Iterator[Expression]:
    """Give every node once, operands before what uses them; what is below a daily input is left out."""
    seen: set[Expression] = set()
    for expression in expressions:
        stack = [(expression, False)]
        while stack:
            node, done = stack.pop()
            if done:
                yield node
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                if not _is_input(node):
                    stack.extend((a, False) for a in reversed(node.arguments))


def _program(roots: Sequence[Expression], inputs: Sequence[Expression]) -> Program:
    writer = Writer()
    values: dict[Expression, Value] = {}
    for k, node in enumerate(inputs):
        values[node] = writer.daily(k)
    for node in _walk(roots):
        if node not in values:
            values[node] = _written(node, values, writer)
    return writer.program([values[root] for root in roots])


def _written(node: Expression, values: Mapping[Expression, Value], writer: Writer) -> Value:
    if node.kind == "number":
        return writer.number(node.value)
    if node.kind == "name":
        return writer.field(BAR_FIELDS.index(node.word))
    known = node.operator
    if known.family == "elementwise":
        return writer.element(node.word, *(values[a] for a in node.arguments))
    signals, places, numbers = [], [], []
    for i, argument in enumerate(node.arguments):
        role = known.parameter(i).role
        if role.name == "signal":
            signals.append(values[argument])
        elif role.name == "whole":
            places.append(int(argument.value))
        else:
            numbers.append(argument.value)
    word = node.word.removeprefix("bar_")
    if known.bars:
        return writer.along(word, signals[0], *places)
    return writer.reduce(word, signals, *(places or (1, -1)), *numbers)


def _fields(cube: Cube, read: frozenset[str]) -> tuple[Array, ...]:
    """Give the bars in the order of `BAR_FIELDS`; fields that are not read are empty."""
    none = np.empty((0, len(cube.assets)), dtype=np.float32)
    return tuple(np.asarray(cube[w].values) if w in read else none for w in BAR_FIELDS)
