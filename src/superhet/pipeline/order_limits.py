"""Price limits of the next session, by the rules known at a close.

The reference price of the next session is this close, or the last mark of a suspended name; a dividend or
split of the next session, which the exchange announces before its open, is not known here and would lower it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from superhet.data.limits import BOARDS, limit_percent, limit_prices
from superhet.panel import Dates, Market

Floats = npt.NDArray[np.float64]


def next_weekday(day: np.datetime64) -> np.datetime64:
    """Give the first weekday after a day: which rates and rules are in force on the next session.

    Examples
    --------
    >>> next_weekday(np.datetime64("2023-08-25"))
    np.datetime64('2023-08-28')
    """
    return np.busday_offset(day.astype("datetime64[D]"), 1, roll="backward")


def next_limits(market: Market, reference: Floats, rules: str) -> tuple[Floats, Floats]:
    """Compute the limit prices of the session after the last, [assets] each; NaN where there is none.

    Parameters
    ----------
    market : cut at the close
    reference : [assets], the price that limits are counted from
    rules : only "ashare" has limits
    """
    count = len(market.assets)
    nothing = np.full(count, np.nan)
    if rules != "ashare" or "limit_up" not in market:
        return nothing, nothing.copy()
    age = np.full(count, 10_000, dtype=np.int64)
    if "listing_age" in market:
        last = np.asarray(market["listing_age"].values[-1], dtype=np.float64)
        age = np.where(last >= 0.0, last + 1.0, -1.0).astype(np.int64)
    special = np.zeros(count, dtype=bool)
    if "is_st" in market:
        special = np.asarray(market["is_st"].values[-1]).astype(bool)
    sessions = len(market.dates)
    first = sessions - age  # position of the session of listing
    listed = np.full(count, np.datetime64("NaT"), dtype="datetime64[D]")
    recent = (first >= 0) & (first < sessions) & (age >= 0)
    listed[recent] = market.dates.days[first[recent]]
    percent = limit_percent(
        Dates([next_weekday(market.dates.days[-1])]),
        _boards(market),
        special[None, :],
        age[None, :].astype(np.int32),
        listed,
    )
    up, down = limit_prices(reference[None, :], percent)
    return up[0], down[0]


def _boards(market: Market) -> npt.NDArray[np.int64]:
    """Give the board of each asset as a code of `BOARDS`."""
    from superhet.backtest.rules.boards import boards

    return np.array([BOARDS.index(b) if b in BOARDS else -1 for b in boards(market)])
