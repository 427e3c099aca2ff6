"""Books: rows of the ledger as named records, and its account rules in words."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.backtest.costs import CostSchedule, Schedule
from superhet.kernels.ledger_books import COSTS, REFUSALS
from superhet.panel import Dates, Records

Floats: TypeAlias = npt.NDArray[np.float64]


def trade_records(rows: Floats, dates: Dates) -> Records:
    """Name the columns of fills: date, asset, shares, price, value, the four costs, delisting.

    `value` is shares x price without sign; `delisting` marks a position closed at the last close,
    without costs, because the asset left the market.
    """
    return Records(
        name="trades",
        columns={
            "date": dates.values[rows[0].astype(np.int64)],
            "asset": rows[1].astype(np.int64),
            "shares": rows[2],
            "price": rows[3],
            "value": np.abs(rows[2]) * rows[3],
            **{name: rows[4 + k] for k, name in enumerate(COSTS[:4])},
            "delisting": rows[8] > 0.0,
        },
    )


def refusal_records(rows: Floats, dates: Dates) -> Records:
    """Name the columns of refusals: date, asset, shares not done (signed), rule."""
    return Records(
        name="orders_refused",
        columns={
            "date": dates.values[rows[0].astype(np.int64)],
            "asset": rows[1].astype(np.int64),
            "shares": rows[2],
            "rule": np.array(REFUSALS)[rows[3].astype(np.int64)],
        },
    )


def conventions(costs: CostSchedule) -> dict[str, str]:
    """State the account rules and the costs in words."""
    per_share = f" + {costs.commission_per_share:g} a share" if costs.commission_per_share else ""
    return {
        "decision": "at the close, sized with equity and prices of that close (a suspended asset at its "
        "last close); targets are cut to whole lots, and differences are sent in shares",
        "order of fills": "sells, then buys, each in asset order; a trade through zero is two legs",
        "cash shortage": "buys are cut to whole lots that fit the cash, in asset order",
        "short sales": "borrowed shares; the proceeds stay as collateral and buy nothing",
        "borrow fee": f"{costs.borrow:.2%} a year of 365 days on short value at the close before, for "
        "every calendar day",
        "commission": f"{costs.commission:.3%} of value{per_share}, at least "
        f"{costs.commission_minimum:g} a leg",
        "stamp duty": f"on sales: {_schedule(costs.stamp_duty)}",
        "transfer fee": f"both sides: {_schedule(costs.transfer_fee)}",
        "slippage": f"{costs.slippage:.3%} of value, booked as a cost; the fill price is not moved",
        "dividends": "reinvested without tax: shares grow with the adjust factor",
        "delisting": "the position is closed at the last close, without costs",
        "cash interest": "none",
        "gross returns": "the same fills without costs",
        "turnover": "half the traded value over the equity before, delistings left out",
    }


def _schedule(rows: Schedule) -> str:
    if not rows:
        return "none"
    return ", ".join(
        f"{rate:.4%}" + (f" from {day}" if k else "") for k, (day, rate) in enumerate(rows)
    )
