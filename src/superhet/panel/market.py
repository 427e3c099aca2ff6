"""Market: everything known about a set of assets, and `until(t)`, the one door to the past.

Daily fields are panels on one pair of axes; intraday bars are Cubes on their own bar ends; statements
and macro series are Events that keep the moment each became known. All of it is read-only, and
`until(t)` cuts every part at *t*: every fit inside a backtest receives that and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from superhet.errors import UnknownName
from superhet.panel.axes import Assets, DateLike, Dates
from superhet.panel.cube import Cube, PanelSource
from superhet.panel.panel import Panel
from superhet.panel.records import Events
from superhet.panel.universe import Universe


@dataclass(frozen=True, eq=False, kw_only=True)
class Benchmark:
    """A return series and, where known, the weights behind it.

    Parameters
    ----------
    name : the index code, or "cap_weighted"
    returns : [dates], simple daily returns; NaN where the index has no close
    weights : [dates, assets] at the close, or None
    bars : of an index, field ("open", "high", "low", "close", "volume", "amount") -> [dates], as published;
        NaN where not known. Fields that the store lacks are left out
    """

    name: str
    returns: npt.NDArray[np.float64]
    weights: Panel | None = None
    bars: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Market(Mapping[str, Panel]):
    """A read-only bundle of daily fields, groups, intraday bars and events.

    Parameters
    ----------
    fields : the daily panels (see the field list in the design page); loaded when first asked for
    universe : member, tradable, estimable
    group_panels : name of a classification ("industry", "board") -> group panel
    intraday_cubes : frequency ("15min") -> Cube of open, high, low, close, volume, amount
    events : name ("statements", "macro") -> Events
    benchmark : the benchmark, or None
    size : name of the field whose logarithm is "size" ("market_cap")
    snapshot : id of the store snapshot it was loaded from
    """

    fields: Cube
    universe: Universe
    group_panels: Mapping[str, Panel] = field(default_factory=dict)
    intraday_cubes: Mapping[str, Cube] = field(default_factory=dict)
    events: Mapping[str, Events] = field(default_factory=dict)
    benchmark: Benchmark | None = None
    size: str = "market_cap"
    snapshot: str = ""

    @property
    def dates(self) -> Dates:
        """The sessions."""
        return self.fields.dates

    @property
    def assets(self) -> Assets:
        """The assets."""
        return self.fields.assets

    def __getitem__(self, name: str) -> Panel:
        if name not in self.fields:
            raise UnknownName("field", name, self.fields)
        return self.fields[name]

    def __contains__(self, name: object) -> bool:
        return name in self.fields

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def groups(self, name: str) -> Panel:
        """Give a classification: integer codes with labels, -1 = not known."""
        try:
            return self.group_panels[name]
        except KeyError:
            raise UnknownName("group", name, self.group_panels) from None

    def intraday(self, frequency: str) -> Cube:
        """Give the bars of one frequency, on their own bar ends."""
        try:
            return self.intraday_cubes[frequency]
        except KeyError:
            raise UnknownName("intraday frequency", frequency, self.intraday_cubes) from None

    def table(self, name: str) -> Events:
        """Give statements or macro releases with the moment each became known."""
        try:
            return self.events[name]
        except KeyError:
            raise UnknownName("table", name, self.events) from None

    def until(self, date: DateLike) -> Market:
        """Cut every part after the close of `date`; arrays are views, nothing is copied."""
        return self._cut(lambda panel: panel.until(date), self.universe.until(date), None, date)

    def between(self, start: DateLike | None, end: DateLike | None) -> Market:
        """Keep the sessions from `start` to `end`; events before `start` stay known."""
        return self._cut(
            lambda panel: panel.between(start, end), self.universe.between(start, end), start, end
        )

    def on_rows(self, rows: npt.NDArray[np.int64]) -> Market:
        """Keep some sessions, by position: the market as a coarser decision clock sees it.

        Daily fields, groups, universe and benchmark weights are those of the kept sessions; the
        benchmark's returns and bars, and the intraday bars, belong to every session and are left out.
        """
        universe = self.universe
        kept = Universe(
            member=universe.member.rows(rows),
            tradable=universe.tradable.rows(rows),
            estimable=universe.estimable.rows(rows),
            reasons={n: p.rows(rows) for n, p in universe.reasons.items()},
        )
        benchmark = self.benchmark
        if benchmark is not None:
            weights = None if benchmark.weights is None else benchmark.weights.rows(rows)
            nothing = np.full(len(rows), np.nan)
            benchmark = replace(benchmark, returns=nothing, weights=weights, bars={})
        return replace(
            self,
            fields=Cube(
                {n: _cut_loader(self.fields, n, lambda p: p.rows(rows)) for n in self.fields},
                dates=self.dates[rows],
                assets=self.assets,
            ),
            universe=kept,
            group_panels={n: p.rows(rows) for n, p in self.group_panels.items()},
            intraday_cubes={},
            benchmark=benchmark,
        )

    def with_fields(self, extra: Mapping[str, PanelSource]) -> Market:
        """Add or replace daily fields."""
        fields = Cube(
            {**{n: _loader(self.fields, n) for n in self.fields}, **extra},
            dates=self.dates,
            assets=self.assets,
        )
        return replace(self, fields=fields)

    def __repr__(self) -> str:
        return (
            f"Market({len(self)} fields, dates {self.dates.describe()}, assets "
            f"{self.assets.describe()}; groups: {', '.join(self.group_panels) or 'none'}; intraday: "
            f"{', '.join(self.intraday_cubes) or 'none'}; events: {', '.join(self.events) or 'none'})"
        )

    def _cut(
        self,
        cut: Callable[[Panel], Panel],
        universe: Universe,
        start: DateLike | None,
        end: DateLike | None,
    ) -> Market:
        keep = self.dates.between(start, end)
        benchmark = self.benchmark
        if benchmark is not None:
            weights = None if benchmark.weights is None else cut(benchmark.weights)
            bars = {n: values[keep] for n, values in benchmark.bars.items()}
            returns = benchmark.returns[keep]
            benchmark = replace(benchmark, returns=returns, weights=weights, bars=bars)
        fields = Cube(
            {n: _cut_loader(self.fields, n, cut) for n in self.fields},
            blocks=self.fields.blocks,
            dates=self.dates[keep],
            assets=self.assets,
        )
        intraday = {
            f: Cube(
                {n: _cut_loader(cube, n, cut) for n in cube},
                dates=cube.dates[cube.dates.between(start, end)],
                assets=cube.assets,
            )
            for f, cube in self.intraday_cubes.items()
        }
        return replace(
            self,
            fields=fields,
            universe=universe,
            group_panels={n: cut(p) for n, p in self.group_panels.items()},
            intraday_cubes=intraday,
            events={n: e if end is None else e.until(end) for n, e in self.events.items()},
            benchmark=benchmark,
        )


def _loader(cube: Cube, name: str) -> Callable[[], Panel]:
    return lambda: cube[name]


def _cut_loader(cube: Cube, name: str, cut: Callable[[Panel], Panel]) -> Callable[[], Panel]:
    return lambda: cut(cube[name])
