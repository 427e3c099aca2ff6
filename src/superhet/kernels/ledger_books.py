"""What goes into the ledger and what comes out: codes, quotes, terms, books."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int8]

REFUSALS = (
    "",
    "not_listed",
    "suspended",
    "limit_up",
    "limit_down",
    "volume_cap",
    "cash",
    "leverage",
    "lot",
)
NOT_LISTED, SUSPENDED, LIMIT_UP, LIMIT_DOWN, VOLUME_CAP, CASH, LEVERAGE, LOT = range(1, 9)
COSTS = ("commission", "stamp_duty", "transfer_fee", "slippage", "borrow")


class Quotes(NamedTuple):
    """What the market said, [sessions, assets]; prices are raw."""

    price: Floats  # fills happen here
    close: Floats  # NaN without trade
    adjust: Floats  # cumulative adjust factor; NaN before listing
    volume: Floats  # shares
    buy_block: Codes  # 0 = may buy, else a code of REFUSALS
    sell_block: Codes
    mark: Floats  # [assets], raw value at the first session of an asset that does not trade on it


class Terms(NamedTuple):
    """What the broker says.

    `rates` is [sessions, 6]: commission (fraction), its minimum, commission per share, stamp duty on
    sales, transfer fee, slippage. `borrow` is [sessions], the fee on short value for the calendar days
    since the session before. `minimum` and `step` are the lots of each asset, in shares.
    """

    rates: Floats
    borrow: Floats
    minimum: Floats
    step: Floats
    capital: float
    participation: float  # of the session's volume; infinite = no cap
    max_gross: float
    retry: bool


class LedgerBooks(NamedTuple):
    """What the ledger wrote down; see `run_ledger`."""

    equity: Floats  # [sessions], at the close
    cash: Floats  # [sessions]
    holdings: Floats  # [sessions, assets], fraction of equity at the close
    costs: Floats  # [sessions, 5], currency, columns as COSTS
    traded: Floats  # [sessions], absolute traded value, delistings left out
    trades: Floats  # [9, fills]: session, asset, shares, price, four costs, 1 if a delisting
    refused: Floats  # [4, rows]: session, asset, shares not done (signed), code
    ruined: int  # session on which equity fell to zero, -1 if never
