"""What the machine is handed: statements on the day they became known, and bars reduced to the day.

1. quarters: statement columns and their arithmetic on histories, [states, quarters]   -> _quarterly
2. the newest quarter of each state, and arithmetic of announcements, [states]         -> _newest, _element
3. announcements carried forward to the sessions that are read                         -> Carried
4. all bar formulas in one pass over the bars                                          -> prepare
5. operators that a user wrote on whole arrays                                         -> _plain

Histories of columns are a hundred times smaller than panels; each goes when nothing needs it any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.factors.conventions import CONVENTIONS
from superhet.factors.expression import Expression
from superhet.factors.lower import on_arrays
from superhet.factors.sources import Sources
from superhet.kernels.announcements import NO_ANSWER

Values = npt.NDArray[np.float64]
_HOUSE = CONVENTIONS["superhet"]
Daily = Callable[[list[Expression]], dict[Expression, Any]]


class Carried:
    """Announcements carried forward while their asset is listed, as an array would show them.

    Parameters
    ----------
    values : [states]
    sources : the market
    """

    def __init__(self, values: Values, sources: Sources) -> None:
        self._values, self._sources = values, sources

    def __getitem__(self, cut: tuple[slice, slice]) -> Values:
        """Give a part, [sessions, assets] of the cut."""
        return self._sources.listed_only(self._sources.placement.carried(self._values, *cut), cut)


class Outside:
    """Computes leaves that are no fields, each once.

    Parameters
    ----------
    sources : the market
    quarters : quarters before the newest that any formula needs
    daily : computes daily formulas that stand inside bar formulas, [sessions, assets] each
    dtype, threads : of the bars
    """

    def __init__(
        self, sources: Sources, quarters: int, daily: Daily, dtype: Any, threads: int
    ) -> None:
        self._sources, self._depth, self._daily = sources, quarters + 1, daily
        self._dtype, self._threads = dtype, threads
        self._known: dict[Expression, Any] = {}

    def prepare(self, leaves: Iterable[Expression], first: int = 0) -> None:
        """Compute statements, and all bar formulas in as few passes over the bars as they allow.

        Parameters
        ----------
        leaves : of daily formulas, and announcements
        first : position of the first session that will be read; what is earlier stays NaN
        """
        lacking = [n for n in leaves if n not in self._known]
        statements = [n for n in lacking if n.kind == "carry" or n.level == "event"]
        if statements:
            self._known |= self._announced(statements)
        roots = [n for n in lacking if n.kind == "call" and n.operator.family == "intraday"]
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
        """Give a leaf, [sessions, assets], or something that is cut like one; of announcements, [states]."""
        if node not in self._known:
            self.prepare([node])
        if node not in self._known:
            self._known[node] = self._plain(node)
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

    def _announced(self, roots: list[Expression]) -> dict[Expression, Any]:
        """Compute formulas of statements, each part once; what nothing needs any more is let go."""
        order = list(dict.fromkeys(n for root in roots for n in root.walk()))
        uses = Counter(a for node in order for a in node.arguments)
        uses.update(roots)
        known: dict[Expression, Any] = {}
        for node in order:
            known[node] = self._one(node, [known[a] for a in node.arguments])
            for below in node.arguments:
                uses[below] -= 1
                if not uses[below]:
                    known.pop(below)
        return known

    def _one(self, node: Expression, below: list[Any]) -> Any:
        if node.kind == "number":
            return np.float64(node.value)
        if node.kind == "name":
            return self._sources.history(node.word, self._depth)
        if node.kind == "carry":
            return Carried(below[0], self._sources)
        if node.kind == "newest":
            return self._newest(node, below[0])
        if node.kind == "as_quarter":
            return self._sources.single_quarters(below[0], node.arguments[0].word)
        if node.operator.family == "elementwise":
            return self._element(node, below)
        return self._quarterly(node, below)

    def _newest(self, node: Expression, history: Values) -> Values:
        """Take the newest quarter of each state, [states]; say where an announcement has no answer."""
        newest = history[:, 0]
        silent = np.where(self._sources.announced(node.statement_columns), NO_ANSWER, np.nan)
        return np.where(np.isfinite(newest), newest, silent)

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
        news = np.zeros(self._sources.placement.row.size, dtype=bool)
        sides = []
        for value, argument in zip(below, node.arguments, strict=True):
            moves = argument.level == "event"
            if moves:
                news |= ~np.isnan(value)
            sides.append(self._sources.placement.latest(value) if moves else value)
        found = on_arrays(node.operator, sides, _HOUSE)
        return np.where(news, np.where(np.isfinite(found), found, NO_ANSWER), np.nan)
