"""Who is listed and trades on a session: the part that all markets share."""

from __future__ import annotations

import numpy as np

from superhet.backtest.base import Codes, Fill
from superhet.kernels.ledger_books import NOT_LISTED, SUSPENDED
from superhet.panel import Market


def closed_market(market: Market, fill: Fill) -> Codes:
    """Give the refusal code of assets that do not trade, [dates, assets]; 0 where they do.

    An asset without a fill price or close, or flagged as suspended, is suspended; one with a listing
    age below 0 is not listed (before listing and after delisting).
    """
    price, close = market[fill].values, market["close"].values
    codes = np.zeros(close.shape, dtype=np.int8)
    codes[~((price > 0.0) & (close > 0.0))] = SUSPENDED
    if "suspended" in market:
        codes[market["suspended"].values.astype(bool)] = SUSPENDED
    if "listing_age" in market:
        codes[market["listing_age"].values < 0] = NOT_LISTED
    return codes
