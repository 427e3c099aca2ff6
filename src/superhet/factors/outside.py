"""What the machine is handed: statements on the day they became known, and bars reduced to the day.

1. quarters: statement columns and their arithmetic on histories, [states, quarters]   -> _quarterly
2. the newest quarter on its session, and arithmetic of announcements                  -> _element
3. announcements carried forward to the sessions                                       -> _one
4. all bar formulas in one pass over the bars                                          -> prepare
5. operators that a user wrote on whole arrays                                         -> _plain
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.factors.conventions import CONVENTIONS
from superhet.factors.expression import Expression
from superhet.factors.lower import on_arrays
from superhet.factors.sources import Sources
from superhet.kernels.point_in_time import carry_forward

Values = npt.NDArray[np.float64]
_HOUSE = CONVENTIONS["superhet"]
Daily = Callable[[list[Expression]], dict[Expression, Any]]


class Outside:
    """Computes leaves that are no fields, each once.

    Parameters
    ----------
    sources : the market
    quarters : quarters before the newest that any formula needs
    daily : computes daily formulas that stand inside bar formulas, [sessions, assets] each
    dtype, threads : of the bars

    Attributes
    ----------
    since : newest node -> [assets], days since 1970 on which the first session's value became known
    """

    def __init__(
        self, sources: Sources, quarters: int, daily: Daily, dtype: Any, threads: int
    ) -> None:
        self._sources, self._depth, self._daily = sources, quarters + 1, daily
        self._dtype, self._threads = dtype, threads
        self._known: dict[Expression, Any] = {}
        self.since: dict[Expression, Values] = {}

    def prepare(self, leaves: Iterable[Expression], first: int = 0) -> None:
        """Compute all bar formulas among the leaves in as few passes over the bars as they allow.

        Parameters
        ----------
        first : position of the first session that will be read; what is earlier stays NaN
        """
        roots = [n for n in leaves if n.kind == "call" and n.operator.family == "intraday"]
        roots = [n for n in roots if n not in self._known]
        if not roots:
            return
        from superhet.factors.bars import daily_inputs, evaluate_bars

        inputs = daily_inputs(roots)
        cube = self._sources.market.intraday(self._sources.frequency)
        handed = self._daily(list(inputs)) if inputs else {}
        dates, kind = self._sources.market.dates, np.dtype(self._dtype).name
        found = evaluate_bars(
            roots,
            cube,
            dates[first:],
            daily={n: v[first:] for n, v in handed.items()},
            dtype=kind,
            threads=self._threads,
        )
        for node, values in found.items():
            before = np.full((first, values.shape[1]), np.nan, dtype=values.dtype)
            self._known[node] = np.concatenate([before, values]) if first else values

    def values(self, node: Expression) -> Any:
        """Give a leaf, [sessions, assets]."""
        if node not in self._known:
            self.prepare([node])
        if node in self._known:
            return self._known[node]
        if node.kind == "call" and node.level == "daily":
            self._known[node] = self._plain(node)
            return self._known[node]
        for below in node.walk():
            if below not in self._known and below.level in ("number", "quarter", "event", "daily"):
                self._known[below] = self._one(below)
        return self._known[node]

    def _plain(self, node: Expression) -> Any:
        """Call an operator of sessions that takes whole arrays."""
        known = node.operator
        roles = [known.parameter(i).role.name for i in range(len(node.arguments))]
        signals = [a for a, r in zip(node.arguments, roles, strict=True) if r == "signal"]
        handed = self._daily(signals)
        arguments: list[Any] = []
        for argument, role in zip(node.arguments, roles, strict=True):
            if role == "signal":
                arguments.append(np.asarray(handed[argument], dtype=np.float64))
            elif role == "group":
                arguments.append(self._sources.group(argument.word))
            elif role == "asset":
                arguments.append(argument.word)
            else:
                arguments.append(int(argument.value) if role == "whole" else argument.value)
        inside = {"inside": self._sources.market.universe.estimable.values}
        return known.function(*arguments, **{g: inside[g] for g in known.given})

    def _one(self, node: Expression) -> Any:
        if node.kind == "number":
            return np.float64(node.value)
        if node.kind == "name":
            return self._sources.history(node.word, self._depth)
        below = [self._known[a] for a in node.arguments]
        if node.kind == "carry":
            return self._sources.listed_only(carry_forward(below[0]))
        if node.kind == "newest":
            placed, self.since[node] = self._sources.place(below[0])
            return placed
        if node.kind == "as_quarter":
            return self._sources.single_quarters(below[0], node.arguments[0].word)
        if node.operator.family == "elementwise":
            return self._element(node, below)
        return self._quarterly(node, below)

    def _quarterly(self, node: Expression, below: list[Any]) -> Any:
        known = node.operator
        arguments = []
        for i, value in enumerate(below):
            role = known.parameter(i).role.name
            plain = int(value) if role == "whole" else value
            arguments.append(float(value) if role == "number" else plain)
        given = {g: self._given(g, node) for g in known.given}
        return known.function(*arguments, **given)

    def _given(self, what: str, node: Expression) -> Any:
        if what == "season":
            return self._sources.season
        if what == "states":
            return self._sources.states
        below = node.arguments[0]
        while below.kind == "as_quarter":
            below = below.arguments[0]
        return self._sources.basis(below.word if below.kind == "name" else "")

    def _element(self, node: Expression, below: list[Any]) -> Any:
        if node.level != "event":
            return on_arrays(node.operator, below, _HOUSE)
        # on the clock of announcements: whenever one side has news, the other stands as last known
        news = np.zeros(self._sources.shape, dtype=bool)
        sides = []
        for value, argument in zip(below, node.arguments, strict=True):
            if argument.level == "event":
                news |= ~np.isnan(value)
            moved = argument.level == "event" and len(below) > 1
            sides.append(carry_forward(value) if moved else value)
        return np.where(news, on_arrays(node.operator, sides, _HOUSE), np.nan)
