"""A tape of one stock, small enough to work out by hand."""

from __future__ import annotations

import numpy as np

from superhet.backtest.tape import AccountTerms, ActionRows, Tape
from superhet.panel import Assets, Dates


def one_stock(**changes):
    """Make a tape of one stock at 10, half of 10,000 in it from the second session on, free of cost."""
    flat = np.full((4, 1), 10.0)
    free = np.zeros((4, 1), dtype=np.int8)
    plain = {
        "dates": Dates(["2024-05-08", "2024-05-09", "2024-05-10", "2024-05-13"]),
        "assets": Assets(["600000.SH"]),
        "boards": ("main",),
        "weights": np.array([[0.5]]),
        "row_of": np.array([0, -1, -1, -1]),
        "close": flat,
        "price": flat,
        "buy_block": free,
        "sell_block": free,
        "minimum": np.array([100.0]),
        "step": np.array([100.0]),
        "mark": np.array([10.0]),
        "rates": np.zeros((4, 7)),
        "days": np.array([0.0, 1.0, 1.0, 3.0]),
        "cash_rate": np.zeros(4),
        "margin_rate": np.zeros(4),
        "terms": AccountTerms(capital=10_000.0),
    }
    return Tape(**{**plain, **changes})


def action(**columns):
    """Make the action of one stock on the third session."""
    row = {
        "session": 2,
        "asset": 0,
        "split": 1.0,
        "dividend": 0.0,
        "dividend_gross": 0.0,
        **columns,
    }
    return ActionRows(
        **{
            name: np.array([value], dtype=np.int64 if name in ("session", "asset") else np.float64)
            for name, value in row.items()
        }
    )


def column(values):
    """Give prices of one stock, [sessions, 1]."""
    return np.array([values], dtype=float).T
