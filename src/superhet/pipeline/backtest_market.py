"""The market of a backtest: the assets that a book trades, every session up to the last one wanted.

Sessions before the first decision are kept, as views: a stock that is suspended on it has its last close, and
square-root impact its volatility, from there. Fields are read when an engine asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.backtest import Frictions, Lending
from superhet.data.base import Tables
from superhet.panel import Assets, Cube, Events, Market, Panel, Universe
from superhet.pipeline.factor_market import MarketChoice, market_for
from superhet.progress import Progress, silent

Positions = npt.NDArray[np.int64]


def whole_market(
    tables: Tables,
    *,
    start: str | None = None,
    end: str | None = None,
    benchmark: str | None = None,
    frequency: str | None = None,
    progress: Progress = silent,
) -> Market:
    """Load every asset of a store, from its first session to `end`.

    Parameters
    ----------
    tables : a store
    start : checked against the store's sessions, and no more
    end : last session; None = the store's
    benchmark : index code, "cap_weighted" or "equal_weighted"
    frequency : of bars to load beside the daily ones ("5min"), for fills within the day
    """
    choice = MarketChoice(
        start=start,
        end=end,
        benchmark=benchmark,
        frequency=frequency or "15min",
        barred=frequency is not None,
    )
    market, _ = market_for([], tables, choice, progress)
    return market


def only_held(weights: Panel, market: Market, engine: Any) -> tuple[Panel, Market]:
    """Leave out the assets that a book never holds, unless what is held is priced by all of them.

    Where a friction of an asset is not known the median of the session stands in for it.
    """
    if not priced_alone(engine):
        return weights, market
    held = np.flatnonzero(np.nan_to_num(weights.values).any(axis=0))
    names = Assets([weights.assets.values[k] for k in held])
    cut = replace(weights, values=weights.values[:, held], assets=names)
    return cut, some_assets(market, names)


def priced_alone(engine: Any) -> bool:
    """Say whether what an asset costs to hold and trade depends on no other asset."""
    return (engine.frictions, engine.lending) == (Frictions(), Lending())


def some_assets(market: Market, names: Assets) -> Market:
    """Keep some assets of a market; fields are cut when asked for.

    Benchmark weights belong to all assets and are left out; its returns stay.
    """
    if names == market.assets:
        return market
    columns = market.assets.positions(names.values)

    def cut(panel: Panel) -> Panel:
        return replace(panel, values=panel.values[:, columns], assets=names)

    def cube(of: Cube) -> Cube:
        loaders = {n: _loader(of, n, cut) for n in of}
        return Cube(loaders, blocks=of.blocks, dates=of.dates, assets=names)

    universe = market.universe
    benchmark = market.benchmark
    return replace(
        market,
        fields=cube(market.fields),
        universe=Universe(
            member=cut(universe.member),
            tradable=cut(universe.tradable),
            estimable=cut(universe.estimable),
            reasons={},
        ),
        group_panels={n: cut(p) for n, p in market.group_panels.items()},
        intraday_cubes={f: cube(c) for f, c in market.intraday_cubes.items()},
        events=_SomeEvents(market.events, columns, len(market.assets)),
        benchmark=None if benchmark is None else replace(benchmark, weights=None),
    )


def _loader(cube: Cube, name: str, cut: Callable[[Panel], Panel]) -> Callable[[], Panel]:
    return lambda: cut(cube[name])


class _SomeEvents(Mapping[str, Events]):
    """Tables of events, with the rows of some assets, each read when first asked for."""

    def __init__(self, events: Mapping[str, Events], columns: Positions, count: int) -> None:
        self._events = events
        self._new = np.full(count, -1, dtype=np.int64)
        self._new[columns] = np.arange(columns.size)

    def __getitem__(self, name: str) -> Events:
        found = self._events[name]
        if "asset" not in found or found["asset"].dtype.kind not in "iu":
            return found
        moved = np.where(found["asset"] >= 0, self._new[found["asset"]], -1)
        kept = replace(found, columns={**found.columns, "asset": moved})
        return kept.take(np.flatnonzero(moved >= 0))

    def __contains__(self, name: object) -> bool:
        return name in self._events

    def __iter__(self) -> Iterator[str]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)
