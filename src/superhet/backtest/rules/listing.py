"""Who is listed and trades on a session: the part that all markets share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.backtest.base import Codes, RuleTable
from superhet.backtest.fills import FillPrices, FillSpec, fill_prices
from superhet.backtest.frozen import frozen
from superhet.kernels.ledger_market import closed_codes
from superhet.panel import Market


def priced(market: Market, fill: FillSpec | FillPrices) -> FillPrices:
    """Give the prices of a fill, laid out already or not."""
    return fill if isinstance(fill, FillPrices) else fill_prices(market, fill)


def single_shares(
    market: Market, fill: FillSpec | FillPrices, conventions: Mapping[str, str]
) -> RuleTable:
    """Tabulate a market that stops nothing but what does not trade: no limits, orders of any whole number."""
    blocked = closed_market(market, priced(market, fill))
    one = np.ones(len(market.assets))
    return RuleTable(
        buy_block=blocked,
        sell_block=blocked,
        minimum=one,
        step=one,
        conventions={"price limits": "none", "lots": "single shares", **conventions},
    )


def closed_market(market: Market, prices: FillPrices) -> Codes:
    """Give the refusal code of assets that do not trade, [steps, assets]; 0 where they do.

    An asset without a fill price or close, or flagged as suspended, is suspended; one with a listing
    age below 0 is not listed (before listing and after delisting).
    """
    codes: Codes = closed_codes(
        frozen(prices.session, np.int64),
        frozen(prices.price, np.float64),
        frozen(market["close"].values, np.float64),
        _panel(market, "suspended", bool),
        _panel(market, "listing_age", float),
    )
    return codes


def _panel(market: Market, name: str, dtype: type) -> npt.NDArray[Any]:
    """Give a daily panel, or one without rows where the market has none."""
    return frozen(market[name].values if name in market else np.zeros((0, 0)), dtype)
