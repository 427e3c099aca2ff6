"""Derived daily fields, from raw bars: what a row of the design page's field list means, in arrays.

Every function maps `[dates, assets]` arrays to one array of the same shape; row *t* depends on rows up to
*t* only, and bit for bit so (sums run forward in time, never through a transform of the whole column).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from superhet.data.calendar import TradingCalendar
from superhet.panel.axes import DateArray, Dates

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

SEASONED = 250
"""Age, in sessions, given on the first session of a table to an asset that already trades there and
whose listing date nobody knows: old enough for every rule about new listings."""


def carry(values: Floats) -> Floats:
    """Carry the last known value forward, [dates, assets]; NaN before the first."""
    out = values.copy()
    for row in range(1, len(out)):
        np.copyto(out[row], out[row - 1], where=np.isnan(out[row]))
    return out


def listing_age(
    calendar: TradingCalendar, dates: Dates, listed_on: DateArray, delisted_on: DateArray
) -> Integers:
    """Count the sessions since listing, from dates alone.

    Parameters
    ----------
    calendar : all sessions; before it begins, weekdays are counted
    dates : [dates], the sessions wanted
    listed_on : [assets] datetime64[D], NaT = never
    delisted_on : [assets] datetime64[D], first day on which it is listed no more, NaT = not (yet)

    Returns
    -------
    [dates, assets], 0 on the first day, −1 before listing and from delisting on
    """
    now = calendar.position(dates.values)[:, None]
    age = now - calendar.position(listed_on)[None, :]
    gone = dates.values[:, None] >= delisted_on[None, :]
    return np.where((age < 0) | gone, -1, age)


def correct_age_by_trades(
    age: Integers, traded: Flags, dates: Dates, delisted_on: DateArray
) -> Integers:
    """Let what traded be listed: a trade before the stated listing, or on the day of delisting.

    An asset that trades before its stated listing date counts as listed from that first trade.

    Parameters
    ----------
    age : [dates, assets] from `listing_age`
    traded : [dates, assets]
    dates : [dates]
    delisted_on : [assets] datetime64[D]
    """
    out = age.copy()
    has_traded = traded.any(axis=0)
    first = traded.argmax(axis=0)
    columns = np.flatnonzero(has_traded)
    wrong = columns[(age[first[columns], columns] < 0)]
    for column in wrong:
        day = dates.values[first[column]]
        if not np.isnat(delisted_on[column]) and delisted_on[column] <= day:
            continue  # trades after delisting are not a listing; the day itself is mended below
        rows = np.arange(first[column], len(dates))
        open_still = np.isnat(delisted_on[column]) | (dates.values[rows] < delisted_on[column])
        out[rows[open_still], column] = np.arange(rows.size)[open_still]
    last_day = traded & (dates.values[:, None] == delisted_on[None, :])
    for row, column in np.argwhere(last_day):
        out[row, column] = max(int(out[row - 1, column]), -1) + 1 if row else 0
    return out


def adjustment_since_trade(adjust_factor: Floats, traded: Flags) -> Floats:
    """Give the ratio of the adjust factor at the last trade to that of the day, [dates, assets].

    Exactly 1 where no ex-date fell in between; last close × ratio is the ex-right reference price.
    """
    return carry(np.where(traded, adjust_factor, np.nan)) / adjust_factor


def previous_close(close: Floats, adjust_factor: Floats, traded: Flags) -> Floats:
    """Give the raw reference price of each day, [dates, assets], price.

    The last close before the day × adjust factor then / adjust factor today, so that on an ex-date it is
    the ex-right price; NaN on the first row and before the first trade.
    """
    factor_then = carry(np.where(traded, adjust_factor, np.nan))
    out = np.full(close.shape, np.nan)
    out[1:] = carry(close)[:-1] * (factor_then[:-1] / adjust_factor[1:])
    return out


def total_returns(adjusted_close: Floats, listed: Flags) -> Floats:
    """Give simple total returns between carried adjusted closes, [dates, assets], fraction per day.

    0 while suspended; NaN on the first row, up to the first trade, and when not listed.
    """
    level = carry(adjusted_close)
    out = np.full(level.shape, np.nan)
    out[1:] = level[1:] / level[:-1] - 1.0
    out[~listed] = np.nan
    return out


def typical_price(high: Floats, low: Floats, close: Floats) -> Floats:
    """Give (high + low + close) / 3, [dates, assets], price."""
    price: Floats = (high + low + close) / 3.0
    return price


def vwap(bars: dict[str, Floats]) -> Floats:
    """Give the volume-weighted average price, [dates, assets], price.

    amount / volume, clipped into [low, high] where the vendor's amount is off; where amount or volume
    is missing, (high + low + close) / 3 stands in; NaN on days without trade.

    Parameters
    ----------
    bars : high, low, close, volume and, if known, amount; NaN on days without trade
    """
    stand_in = typical_price(bars["high"], bars["low"], bars["close"])
    if "amount" not in bars or "volume" not in bars:
        return stand_in
    priced = bars["volume"] > 0
    price = np.full(stand_in.shape, np.nan)
    np.divide(bars["amount"], bars["volume"], out=price, where=priced)
    price = np.where(np.isnan(price), stand_in, price)
    clipped: Floats = np.minimum(np.maximum(price, bars["low"]), bars["high"])
    return clipped


def trailing_mean(values: Floats, window: int, *, least: int = 1) -> Floats:
    """Average the known values of the last `window` rows, [dates, assets].

    NaN with fewer than `least` known values. Running sums go forward in time, so a later value never
    changes an earlier mean.
    """
    known = ~np.isnan(values)
    total = np.cumsum(np.where(known, values, 0.0), axis=0)
    count = np.cumsum(known, axis=0).astype(np.float64)
    for sums in (total, count):
        sums[window:] -= sums[:-window].copy()
    out = np.full(values.shape, np.nan)
    np.divide(total, count, out=out, where=count >= max(least, 1))
    return out


def estimated_amount(bars: dict[str, Floats]) -> Floats:
    """Estimate the traded value where no amount is recorded, [dates, assets], currency.

    volume × (high + low + close) / 3.
    """
    amount: Floats = bars["volume"] * typical_price(bars["high"], bars["low"], bars["close"])
    return amount
