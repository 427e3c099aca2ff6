"""Formulas + Market -> signals, each on its native clock.

1. read the formulas and merge them into one plan                     -> plan.plan
2. see that the market has every field, before anything is computed   -> sources.require_fields
3. compute node by node, each once; let go what is no longer needed   -> Evaluator.run
4. wrap every output into a panel on the market's sessions            -> _panel

A formula of statements only stays an *event* panel (a value on the session on which it became known, NaN
elsewhere); where it meets daily fields, or enters a `ts_` or `cs_` function, it is carried forward as-of.
What was known before the first session stands on the first session; `known_since` says since when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError, FormulaError
from superhet.factors.expression import Expression
from superhet.factors.parse import parse
from superhet.factors.plan import Plan, plan
from superhet.factors.sources import Sources, require_fields
from superhet.kernels.point_in_time import carry_forward
from superhet.panel import Cube, Market, Panel
from superhet.progress import Progress

Formulas: TypeAlias = Mapping[str, "Expression | str"]


def evaluate(
    formulas: Formulas,
    market: Market,
    *,
    frequency: str = "15min",
    progress: Progress | None = None,
) -> Cube:
    """Compute formulas on a market.

    Parameters
    ----------
    formulas : name -> formula, as text or expression
    market : where the fields come from
    frequency : the bars that `bar_` functions read
    progress : called with the number of nodes done, of all nodes, and "signals"

    Returns
    -------
    one panel a formula on the market's sessions, unit "score", frequency "1d" or "event"; blocks "minute",
    "daily", "quarterly" by the data that a formula reads

    Raises
    ------
    FormulaError
        if a formula cannot be read, or names a field that the market lacks; says which formula and where
    """
    if not formulas:
        raise ConfigError("signals", "no formula was given")
    merged = plan(expressions(formulas))
    require_fields(merged, formulas, market, frequency)
    arrays = Evaluator(merged, Sources(market, frequency)).run(progress)
    panels = {
        name: _panel(name, arrays[name], merged.outputs[name], market) for name in merged.outputs
    }
    return Cube(panels, blocks={n: e.block for n, e in merged.outputs.items()})


def known_since(formulas: Formulas, market: Market) -> dict[str, Panel]:
    """Say when the newest statement behind each value became known, where that is not the value's own date.

    Two kinds of values are older than the session on which they stand: what was known before the first
    session, and statements that a formula has carried forward (`cs_rank(sue(net_profit))`). A formula that
    also reads daily fields or bars is as new as its session, and is left out.

    Parameters
    ----------
    formulas, market : as in `evaluate`

    Returns
    -------
    name -> panel of unit "count": days since 1970-01-01, NaN where it is the row's own date
    """
    found = {}
    for name, expression in expressions(formulas).items():
        if expression.statement_columns and not expression.fields | expression.bar_fields:
            days = _newest_days(expression, market)
            found[name] = Panel(
                values=days,
                dates=market.dates,
                assets=market.assets,
                name=f"known since of {name}",
                unit="count",
                frequency=expression.clock,
            )
    return found


def _newest_days(expression: Expression, market: Market) -> npt.NDArray[np.float32]:
    """Give the day of the newest statement of each cell, [sessions, assets]; see `known_since`."""
    nodes = {str(i): n for i, n in enumerate(expression.walk()) if n.kind == "newest"}
    runner = Evaluator(plan(nodes), Sources(market, ""))
    placed = runner.run(None)
    days = np.full((len(market.dates), len(market.assets)), np.nan)
    if expression.clock == "1d":
        own = market.dates.days.astype(np.int64).astype(np.float64)[:, None]
        for values in placed.values():
            days = np.fmax(days, np.where(np.isnan(values), np.nan, own))
    if len(days):
        days[0] = np.fmax.reduce([runner.since[n] for n in nodes.values()])
    if expression.clock == "1d":
        days = carry_forward(days)
    return days.astype(np.float32)  # exact: days are whole numbers far below 2^24


def expressions(formulas: Formulas) -> dict[str, Expression]:
    """Read all formulas; an error opens with the formula's name."""
    read = {}
    for name, formula in formulas.items():
        try:
            read[name] = parse(formula) if isinstance(formula, str) else formula
        except FormulaError as error:
            message = error.message.split(" (column", 1)[0]
            raise type(error)(f"{name}: {message}", error.formula, error.column) from None
    return read


class Evaluator:
    """Run one plan; holds an array only while it is needed.

    Parameters
    ----------
    merged : the plan
    sources : where fields come from

    Attributes
    ----------
    since : newest node -> [assets], days since 1970 on which the first session's value became known
    """

    def __init__(self, merged: Plan, sources: Sources) -> None:
        self._plan, self._sources = merged, sources
        self._values: dict[Expression, Any] = {}
        self.since: dict[Expression, npt.NDArray[np.float64]] = {}

    def run(self, progress: Progress | None) -> dict[str, npt.NDArray[np.float64]]:
        """Compute all nodes and give the outputs by name."""
        left = dict(self._plan.uses)
        for done, node in enumerate(self._plan.order, start=1):
            with np.errstate(all="ignore"):  # what is not a finite number is turned into NaN
                self._values[node] = self._compute(node)
            for operand in set(node.arguments):
                left[operand] -= node.arguments.count(operand)
                if left[operand] == 0:
                    del self._values[operand]
            if progress is not None:
                progress(done, len(self._plan.order), "signals")
        return {name: self._values[node] for name, node in self._plan.outputs.items()}

    def _compute(self, node: Expression) -> Any:
        if node.kind == "number":
            return np.float64(node.value)
        if node.kind == "name":
            return self._sources.values(node.level, node.word, self._plan.quarters + 1)
        below = [self._values[a] for a in node.arguments]
        if node.kind == "carry":
            return self._sources.listed_only(carry_forward(below[0]))
        if node.kind == "newest":
            placed, self.since[node] = self._sources.place(below[0])
            return placed
        if node.kind == "as_quarter":
            return self._sources.single_quarters(below[0], node.arguments[0].word)
        return self._call(node, below)

    def _call(self, node: Expression, below: list[Any]) -> Any:
        known = node.operator
        if known.family == "elementwise":
            return self._elementwise(node, below)
        arguments = []
        for i, value in enumerate(below):
            role = known.parameter(i).role
            plain = int(value) if role.name == "whole" else value
            if role.name == "number":
                plain = float(value)
            if role.name == "signal" and known.family == "intraday":
                plain = self._sources.on_bars(value, node.arguments[i].level)
            arguments.append(plain)
        given = {g: self._sources.given(g, node) for g in known.given}
        return known.function(*arguments, **given)

    def _elementwise(self, node: Expression, below: list[Any]) -> Any:
        levels = [a.level for a in node.arguments]
        if node.level == "bar":
            below = [self._sources.on_bars(v, k) for v, k in zip(below, levels, strict=True)]
        if node.level != "event":
            return np.asarray(node.operator.function(*below), dtype=np.float64)
        # on the clock of announcements: whenever one side has news, the other stands as last known
        news = np.zeros(self._sources.shape, dtype=bool)
        sides = []
        for value, level in zip(below, levels, strict=True):
            if level == "event":
                news |= ~np.isnan(value)
            sides.append(carry_forward(value) if level == "event" and len(below) > 1 else value)
        return np.where(news, node.operator.function(*sides), np.nan)


def _panel(
    name: str, values: npt.NDArray[np.float64], expression: Expression, market: Market
) -> Panel:
    endless = np.isinf(values)
    return Panel(
        values=np.where(endless, np.nan, values) if endless.any() else values,
        dates=market.dates,
        assets=market.assets,
        name=name,
        unit="score",
        frequency=expression.clock,
    )
