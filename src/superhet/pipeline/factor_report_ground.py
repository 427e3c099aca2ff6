"""Ground: what every factor of a report is measured against, made once.

The market of the period, forward returns of each horizon, groups of assets and of dates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.evaluation import (
    DateGroups,
    SeriesSummary,
    Targets,
    TradePrices,
    forward_return_report,
    forward_returns,
    size_groups,
    sub_universes,
)
from superhet.panel import Cube, Market, Panel
from superhet.pipeline.factor_report_options import ReportOptions
from superhet.preprocess import Neutralize, Winsorize

Series = npt.NDArray[np.float64]
SIZE_BUCKETS = 5
FEWEST_NAMES = 10


@dataclass(frozen=True, eq=False, kw_only=True)
class Ground:
    """The market of a report's period and what follows from it.

    Parameters
    ----------
    market : the period alone
    options : how factors are judged
    notes : what the reader should know of the data, rows of code and values
    threads : None = all cores; the bytes are the same
    members : index -> flag panel of its members, for sub-universes
    regimes : name -> states of the market on the dates
    """

    market: Market
    options: ReportOptions
    notes: list[Mapping[str, Any]] = field(default_factory=list)
    threads: int | None = None
    members: Mapping[str, Panel] = field(default_factory=dict)
    regimes: Mapping[str, DateGroups] = field(default_factory=dict)

    @cached_property
    def forward(self) -> dict[int, Panel]:
        """Forward returns of members by horizon."""
        return {h: self._forward(h) for h in sorted({1, *self.options.horizons})}

    def _forward(self, horizon: int) -> Panel:
        options = self.options
        found = forward_returns(
            self.market,
            horizon=horizon,
            delay=options.delay,
            entry=options.entry,
            relative_to=options.relative_to,
            window=options.window,
            locked=options.locked,
        )
        return found.with_values(np.where(self.member, found.values, np.nan))

    @cached_property
    def targets(self) -> Targets:
        """The same, sorted."""
        return Targets.of(self.forward, threads=self.threads)

    @cached_property
    def prices(self) -> TradePrices:
        """What one trades at."""
        return TradePrices.of(self.market, entry=self.options.entry, window=self.options.window)

    @cached_property
    def parts(self) -> dict[str, Panel]:
        """Parts of the universe: members of indices, or thirds by size where there are none."""
        if not self.members and self.market.size not in self.market:
            return {}
        return sub_universes(self.market, self.members)

    @cached_property
    def forward_counts(self) -> dict[str, int]:
        """How many member-dates have a forward return over the main horizon, and why the others have none."""
        options = self.options
        found = forward_return_report(
            self.market,
            horizon=options.horizon,
            delay=options.delay,
            entry=options.entry,
            window=options.window,
            locked=options.locked,
        )
        return found.to_dict()

    @property
    def member(self) -> npt.NDArray[np.bool_]:
        """Who is judged, [dates, assets]."""
        return self.market.universe.member.values

    @cached_property
    def groups(self) -> dict[str, Panel]:
        """Groups of assets: industry and board where they are known, fifths by size."""
        market, found = self.market, {}
        for name in ("industry", "board"):
            if name in market.group_panels:
                found[name] = market.groups(name)
        if market.size in market:
            inside = market[market.size]
            members = inside.with_values(np.where(self.member, inside.values, np.nan))
            found["size"] = size_groups(
                replace(market, fields=Cube({market.size: members})), SIZE_BUCKETS
            )
        return found

    @cached_property
    def against(self) -> tuple[str, ...]:
        """What can be taken out of what was asked for."""
        there = {"size": self.market.size in self.market}
        kept = []
        for name in self.options.neutral:
            if there.get(name, name in self.market.group_panels or name in self.market):
                kept.append(name)
            else:
                self.notes.append({"code": "not_neutral", "values": {"name": name}})
        return tuple(kept)

    def neutral(self, signal: Panel) -> Panel | None:
        """Clip a signal and take industries and size out of it; None where nothing can be taken out."""
        if not self.against:
            return None
        least = max(2, min(FEWEST_NAMES, int(self.member.sum(axis=1).max(initial=2))))
        clipped = Winsorize(mad=5, min_names=2).transform(_enough(signal, self, least), self.market)
        return Neutralize(against=self.against, min_names=2).transform(clipped, self.market)


def _enough(signal: Panel, ground: Ground, least: int) -> Panel:
    """Blank the dates on which fewer than `least` estimable names are known."""
    inside = ground.market.universe.estimable.values & ground.member
    counts = (inside & np.isfinite(signal.values)).sum(axis=1)
    return signal.with_values(np.where((counts >= least)[:, None], signal.values, np.nan))


def summary_facts(found: SeriesSummary, horizon: int, periods: int) -> dict[str, Any]:
    """Name the numbers of a summary as the contract does."""
    icir = plain(found.icir)
    return {
        "mean": plain(found.mean),
        "std": plain(found.std),
        "icir": icir,
        "annual_icir": None if icir is None else icir * math.sqrt(periods / horizon),
        "t_nw": plain(found.t),
        "t_naive": plain(found.naive_t),
        "p": plain(found.p),
        "ci95": [plain(found.low), plain(found.high)],
        "win_rate": plain(found.win_rate),
        "count": found.count,
    }


def plain(value: Any) -> Any:
    """Turn a number into what JSON can hold; NaN becomes None."""
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def rounded(values: Any) -> Any:
    """Round numbers to six significant digits; NaN becomes None; nested lists stay nested.

    Examples
    --------
    >>> rounded(np.array([1.23456789, np.nan]))
    [1.23457, None]
    """
    if isinstance(values, list | tuple | np.ndarray):
        return [rounded(v) for v in (values.tolist() if isinstance(values, np.ndarray) else values)]
    number = float(values)
    return float(f"{number:.6g}") if math.isfinite(number) else None
