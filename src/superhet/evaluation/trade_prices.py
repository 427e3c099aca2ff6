"""Trade prices: what the portfolios of any number of factors trade at, found once.

1. closes, entry prices and who is locked                              -> TradePrices.of
2. how much a trade moves a price, from what was known at the signal   -> liquidity
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.evaluation.entry_prices import Entry, Window, entry_prices
from superhet.panel import Assets, Dates, Market

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]

LIQUIDITY_WINDOW = 20
"""Sessions over which amount and deviation are averaged."""
_LEAST_KNOWN = 5


@dataclass(frozen=True, kw_only=True)
class TradingCost:
    """What a trade costs whatever its size, as fractions of the traded value.

    Parameters
    ----------
    buy : commission and slippage of a purchase
    sell : the same of a sale, and the stamp duty

    Notes
    -----
    One rate for all years: a sweep of factors asks what survives a cost, not what a broker charged. The
    dated schedules, minimum commissions and the fee of borrowing are the backtest's.
    """

    buy: float
    sell: float


ASHARE_COST = TradingCost(buy=0.00076, sell=0.00126)
"""Commission 2.5 bp, transfer fee 0.1 bp, slippage 5 bp; on sales 5 bp of stamp duty (from 2023-08-28)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TradePrices:
    """Closes and the prices at which one trades, of all sessions.

    Parameters
    ----------
    dates, assets : axes
    entry : kind of price that is traded at
    closes : [dates, assets], adjusted; NaN where nothing traded
    prices : [dates, assets], adjusted, at which one trades; NaN where nothing traded
    locked : [dates, assets], nobody can enter at that price
    friction : [dates, assets], deviation of returns / root of the mean amount, both of the last 20 sessions;
        None where the market has no amount
    thinness : [dates, assets], 1 / mean amount of the last 20 sessions; None as well
    """

    dates: Dates
    assets: Assets
    entry: Entry
    closes: Reals
    prices: Reals
    locked: Flags
    friction: Floats | None = None
    thinness: Floats | None = None

    @classmethod
    def of(
        cls,
        market: Market,
        *,
        entry: Entry = "open",
        window: Window | None = None,
        liquidity: bool = True,
    ) -> TradePrices:
        """Take them from a market.

        Parameters
        ----------
        market : needs `adjusted_close`, and what `entry_prices` needs
        entry, window : as in `forward_returns`
        liquidity : whether to measure it, for `capacity`; needs `amount`
        """
        found = entry_prices(market, entry, window)
        closes = market["adjusted_close"].values
        friction, thinness = None, None
        if liquidity and "amount" in market:
            friction, thinness = measure_liquidity(closes, market["amount"].values)
        return cls(
            dates=market.dates,
            assets=market.assets,
            entry=entry,
            closes=closes,
            prices=found.prices,
            locked=found.locked,
            friction=friction,
            thinness=thinness,
        )


def measure_liquidity(
    closes: Reals, amount: Reals, window: int = LIQUIDITY_WINDOW
) -> tuple[Floats, Floats]:
    """Give deviation / root of the mean amount, and 1 / mean amount, of the sessions up to each.

    Parameters
    ----------
    closes : [dates, assets], adjusted
    amount : [dates, assets], currency; a session without trade counts as 0, for one could not trade then
    window : sessions

    Returns
    -------
    friction, thinness : [dates, assets]; NaN where fewer than 5 sessions traded
    """
    returns = np.full(closes.shape, np.nan)
    with np.errstate(invalid="ignore"):
        returns[1:] = closes[1:] / closes[:-1] - 1.0
    known = ~np.isnan(returns)
    count = _moving_sum(known.astype(np.float64), window)
    plain = np.where(known, returns, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = _moving_sum(plain, window) / count
        deviation = np.sqrt(np.maximum(_moving_sum(plain**2, window) / count - mean**2, 0.0))
        sessions = np.minimum(np.arange(1.0, len(closes) + 1.0), window)[:, None]
        thinness = sessions / _moving_sum(np.nan_to_num(amount), window)
    enough = (count >= _LEAST_KNOWN) & np.isfinite(thinness)
    thinness = np.where(enough, thinness, np.nan)
    return deviation * np.sqrt(thinness), thinness


def _moving_sum(values: Reals, window: int) -> Floats:
    """Sum the last `window` rows, from sums of 1, 2, 4 … rows; no sum holds a row outside its window."""
    rows = len(values)
    out, block = np.zeros(values.shape), np.asarray(values, dtype=np.float64)
    width, behind = 1, 0
    while width <= window and behind < rows:
        if window & width:
            out[behind:] += block[: rows - behind]
            behind += width
        longer = block.copy()
        longer[width:] += block[: max(rows - width, 0)]
        block, width = longer, 2 * width
    return out
