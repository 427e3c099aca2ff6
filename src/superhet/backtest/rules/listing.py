"""Who is listed and trades on a session: the part that all markets share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.backtest.base import Codes
from superhet.backtest.fills import FillPrices, FillSpec, fill_prices
from superhet.kernels.ledger_market import closed_codes
from superhet.panel import Market


def priced(market: Market, fill: FillSpec | FillPrices) -> FillPrices:
    """Give the prices of a fill, laid out already or not."""
    return fill if isinstance(fill, FillPrices) else fill_prices(market, fill)


def closed_market(market: Market, prices: FillPrices) -> Codes:
    """Give the refusal code of assets that do not trade, [steps, assets]; 0 where they do.

    An asset without a fill price or close, or flagged as suspended, is suspended; one with a listing
    age below 0 is not listed (before listing and after delisting).
    """
    codes: Codes = closed_codes(
        np.asarray(prices.session, dtype=np.int64),
        _read_only(prices.price),
        _read_only(market["close"].values),
        _read_only(_panel(market, "suspended", bool)),
        _read_only(_panel(market, "listing_age", float)),
    )
    return codes


def _panel(market: Market, name: str, dtype: type) -> npt.NDArray[Any]:
    """Give a daily panel, or one without rows where the market has none."""
    if name not in market:
        return np.zeros((0, 0), dtype=dtype)
    return np.ascontiguousarray(market[name].values, dtype=dtype)


def _read_only(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = np.ascontiguousarray(values).view()
    view.setflags(write=False)
    return view
