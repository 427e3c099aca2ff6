"""Contribution: the net return of each session, split by what was held, traded and paid.

1. holding: weight at the close before x return of the asset, grouped        -> `_holding`
2. trading: shares filled x (close - fill price), over the equity before      -> `_trading`
3. costs: as booked                                                           -> `_costs`
4. the effects of all sessions are linked with Carino's method                -> linking.carino

The three parts are the whole ledger, so that the residual is rounding. Returns are those that the ledger
earns: ratios of adjusted closes, carried over suspensions; a delisted asset returns 0 on the session that
closes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.attribution.base import ATTRIBUTORS
from superhet.attribution.linking import carino
from superhet.errors import AxisMismatch
from superhet.kernels.cross_section import group_sums, power_rank
from superhet.kernels.marks import carried_marks
from superhet.panel import Attribution, BacktestResult, Market
from superhet.panel.panel import Array

Floats: TypeAlias = npt.NDArray[np.float64]
By: TypeAlias = Literal["industry", "side", "size", "cost"]
Grouping: TypeAlias = tuple[Array, tuple[str, ...]]
TRADING, COSTS = "trading", "costs"
_QUINTILES = ("size 1 (smallest)", "size 2", "size 3", "size 4", "size 5 (largest)")


@ATTRIBUTORS.add("contribution")
@dataclass(frozen=True, kw_only=True)
class Contribution:
    """Contribution to net return.

    Parameters
    ----------
    by : how holdings are grouped: "industry"; "side" (long, short); "size" (quintiles of the market's
        size field); "cost" (one group, and every cost on its own)
    """

    by: By = "industry"

    def attribute(self, result: BacktestResult, market: Market) -> Attribution:
        """Split the net return of every session into named effects."""
        return contribution(result, market, self.by)


def contribution(result: BacktestResult, market: Market, by: By = "industry") -> Attribution:
    """Split the net return of every session of a backtest.

    Parameters
    ----------
    result : from a native engine, or one that keeps the same ledger
    market : where it ran; groups and sizes are those known at the close before

    Returns
    -------
    effects by group, "trading" and "costs" (each cost by name for `by="cost"`), which add up to the net
    return of each session; `linked` adds up to the compounded return

    Raises
    ------
    AxisMismatch
        if the market does not hold the sessions of the result
    """
    first = _first_session(result, market)
    last = first + len(result.dates)
    adjust = _adjust(market)[:last]
    marks = carried_marks(market["close"].values[:last], adjust)[first - 1 :]
    before = np.concatenate([[result.equity[0] / (1.0 + result.returns[0])], result.equity[:-1]])
    start = np.vstack([np.zeros((1, len(market.assets))), result.holdings.values[:-1]])
    grown = np.divide(marks[1:], marks[:-1], where=marks[:-1] > 0.0, out=np.ones_like(start)) - 1.0
    earned = start * np.where(start != 0.0, _without_delisted(grown, market, first), 0.0)
    codes, labels = _GROUPINGS[by](start, market, first)
    sums, _ = group_sums(earned, codes, len(labels) - 1)
    effects = {name: sums[:, k] for k, name in enumerate(labels) if sums[:, k].any()}
    effects[TRADING] = _trading(result, marks[1:] / adjust[first:], before)
    paid = {name: -series / before for name, series in result.costs.items()}
    effects.update(paid if by == "cost" else {COSTS: np.sum(list(paid.values()), axis=0)})
    return Attribution(
        name=f"contribution by {by} (holdings at the close before; Carino linking)",
        dates=result.dates,
        total=result.returns,
        effects=effects,
        linked=carino(effects, result.returns),
    )


def _first_session(result: BacktestResult, market: Market) -> int:
    days = market.dates.days
    first = int(np.searchsorted(days, result.dates.days[0]))
    same = np.array_equal(days[first : first + len(result.dates)], result.dates.days)
    if first < 1 or not same or result.holdings.assets != market.assets:
        raise AxisMismatch(
            f"the backtest stands on {result.dates.describe()} and the market on "
            f"{market.dates.describe()}. Give the market that the backtest ran on."
        )
    return first


def _adjust(market: Market) -> Floats:
    if "adjust_factor" in market:
        return np.asarray(market["adjust_factor"].values, dtype=np.float64)
    return np.ones((len(market.dates), len(market.assets)))


def _without_delisted(grown: Floats, market: Market, first: int) -> Floats:
    if "listing_age" not in market:
        return grown
    gone = market["listing_age"].values[first : first + len(grown)] < 0
    return np.where(gone, 0.0, grown)


def _trading(result: BacktestResult, closes: Floats, before: Floats) -> Floats:
    """Give what fills earned between their price and the close, as a fraction of equity."""
    trades = result.trades
    row = np.searchsorted(result.dates.days, trades["date"].astype("datetime64[D]"))
    made = trades["shares"] * (closes[row, trades["asset"]] - trades["price"])
    if "delisting" in trades:
        made = np.where(trades["delisting"], 0.0, made)
    return np.asarray(np.bincount(row, made, len(before)) / before)


def _by_industry(start: Floats, market: Market, first: int) -> Grouping:
    panel = market.groups("industry")
    codes = panel.values[first - 1 : first - 1 + len(start)]
    return codes, (*panel.labels, "unknown")


def _by_side(start: Floats, market: Market, first: int) -> Grouping:
    return np.where(start >= 0.0, 0, 1), ("long", "short", "unknown")


def _by_size(start: Floats, market: Market, first: int) -> Grouping:
    place = power_rank(market[market.size].values[first - 1 : first - 1 + len(start)])
    share = np.where(np.isnan(place), 0.0, place) / 2.0 + 0.5
    codes = np.minimum((share * len(_QUINTILES)).astype(np.int64), len(_QUINTILES) - 1)
    return np.where(np.isnan(place), -1, codes), (*_QUINTILES, "unknown")


def _by_cost(start: Floats, market: Market, first: int) -> Grouping:
    return np.zeros(start.shape, dtype=np.int64), ("holding", "unknown")


_GROUPINGS: dict[str, Callable[[Floats, Market, int], Grouping]] = {
    "industry": _by_industry,
    "side": _by_side,
    "size": _by_size,
    "cost": _by_cost,
}
