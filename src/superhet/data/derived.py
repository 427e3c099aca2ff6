"""Derived daily fields, from raw bars: what a row of the design page's field list means, in arrays.

Every function maps `[dates, assets]` arrays to one array of the same shape; row *t* depends on rows up to
*t* only, and bit for bit so (sums run forward in time, never through a transform of the whole column).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from superhet.data.calendar import TradingCalendar
from superhet.panel.axes import DateArray, Dates

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Ages = npt.NDArray[np.int32]

SEASONED = 250
"""Age, in sessions, given on the first session of a table to an asset that already trades there and
whose listing date nobody knows: old enough for every rule about new listings."""


class ImplausibleAmount(UserWarning):
    """Most amounts do not fit their volumes and prices: a unit is wrong."""


def carry(values: Floats, out: Floats | None = None) -> Floats:
    """Carry the last known value forward, [dates, assets]; NaN before the first.

    Written into `out` where given, which may be `values` itself.
    """
    out = values.copy() if out is None else out
    for row in range(1, len(out)):
        np.copyto(out[row], out[row - 1], where=np.isnan(out[row]))
    return out


def listing_age(
    calendar: TradingCalendar, dates: Dates, listed_on: DateArray, delisted_on: DateArray
) -> Ages:
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
    never = np.iinfo(np.int32).max // 2
    since = np.minimum(calendar.position(listed_on), never).astype(np.int32)
    now = calendar.position(dates.values).astype(np.int32)
    age: Ages = now[:, None] - since[None, :]
    np.maximum(age, -1, out=age)
    for column in np.flatnonzero(~np.isnat(delisted_on)):
        age[np.searchsorted(dates.values, delisted_on[column]) :, column] = -1
    return age


def correct_age_by_trades(age: Ages, traded: Flags, dates: Dates, delisted_on: DateArray) -> Ages:
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
    for column in np.flatnonzero((traded & (age < 0)).any(axis=0)):
        first = int(traded[:, column].argmax())
        if age[first, column] >= 0:
            continue  # listed when it first traded
        day = dates.values[first]
        if not np.isnat(delisted_on[column]) and delisted_on[column] <= day:
            continue  # trades after delisting are not a listing; the day itself is mended below
        rows = np.arange(first, len(dates))
        open_still = np.isnat(delisted_on[column]) | (dates.values[rows] < delisted_on[column])
        out[rows[open_still], column] = np.arange(rows.size)[open_still]
    last = np.searchsorted(dates.values, delisted_on)  # NaT lies after all days
    for column in np.flatnonzero(last < len(dates)):
        row = last[column]
        if dates.values[row] == delisted_on[column] and traded[row, column]:
            out[row, column] = max(int(out[row - 1, column]), -1) + 1 if row else 0
    return out


def previous_close(close: Floats, adjust_factor: Floats, traded: Flags) -> Floats:
    """Give the raw reference price of each day, [dates, assets], price.

    The last close before the day × adjust factor then / adjust factor today, so that on an ex-date it is
    the ex-right price, and exactly the last close where the factor did not change; NaN on the first row
    and before the first trade.
    """
    out = np.empty(close.shape)
    last, factor = np.full(close.shape[1], np.nan), np.full(close.shape[1], np.nan)
    for row in range(len(out)):
        out[row] = last * (factor / adjust_factor[row])
        np.copyto(last, close[row], where=traded[row])
        np.copyto(factor, adjust_factor[row], where=traded[row])
    return out


def last_price(close: Floats, adjust_factor: Floats, traded: Flags) -> Floats:
    """Give the last close, ex-right if an ex-date came since, [dates, assets], price."""
    out = np.empty(close.shape)
    last, factor = np.full(close.shape[1], np.nan), np.full(close.shape[1], np.nan)
    for row in range(len(out)):
        np.copyto(last, close[row], where=traded[row])
        np.copyto(factor, adjust_factor[row], where=traded[row])
        out[row] = last * (factor / adjust_factor[row])
    return out


def total_returns(close: Floats, adjust_factor: Floats, listed: Flags) -> Floats:
    """Give simple total returns between carried adjusted closes, [dates, assets], fraction per day.

    0 while suspended; NaN on the first row, up to the first trade, and when not listed.
    """
    out = np.empty(close.shape)
    before = np.full(close.shape[1], np.nan)
    for row in range(len(out)):
        level = close[row] * adjust_factor[row]
        np.copyto(level, before, where=np.isnan(level))
        out[row] = level / before - 1.0
        out[row, ~listed[row]] = np.nan
        before = level
    return out


def typical_price(high: Floats, low: Floats, close: Floats) -> Floats:
    """Give (high + low + close) / 3, [dates, assets], price."""
    price: Floats = (high + low + close) / 3.0
    return price


def vwap(bars: Mapping[str, Floats]) -> Floats:
    """Give the volume-weighted average price, [dates, assets], price.

    amount / volume, clipped into [low, high] where the vendor's amount is off; where amount or volume
    is missing, (high + low + close) / 3 stands in; NaN on days without trade.

    Warns
    -----
    ImplausibleAmount
        if amount / volume is off by more than five times on most bars: one of them has another unit

    Parameters
    ----------
    bars : high, low, close, volume and, if known, amount; NaN on days without trade
    """
    high, low, close = bars["high"], bars["low"], bars["close"]
    if "amount" not in bars or "volume" not in bars:
        return typical_price(high, low, close)
    out = np.full(close.shape, np.nan)
    priced = off = 0
    for row in range(len(out)):
        volume = bars["volume"][row]
        np.divide(bars["amount"][row], volume, out=out[row], where=volume > 0)
        priced += int(np.count_nonzero(~np.isnan(out[row])))
        off += int(np.count_nonzero((out[row] > 5.0 * high[row]) | (out[row] < 0.2 * low[row])))
        stand_in = typical_price(high[row], low[row], close[row])
        np.copyto(out[row], stand_in, where=np.isnan(out[row]))
        np.minimum(np.maximum(out[row], low[row]), high[row], out=out[row])
    if off > priced / 2:
        warnings.warn(
            f"amount / volume is off the price by more than five times on {off} of {priced} bars: amount "
            "or volume is in another unit than currency and shares. State the units in the import map.",
            ImplausibleAmount,
            stacklevel=2,
        )
    return out


def trailing_mean(values: Floats, window: int, *, least: int = 1) -> Floats:
    """Average the known values of the last `window` rows, [dates, assets].

    NaN with fewer than `least` known values. Running sums go forward in time, so a later value never
    changes an earlier mean.
    """
    out = np.full(values.shape, np.nan)
    total, count = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for row in range(len(out)):
        for sign, at in ((1.0, row), (-1.0, row - window)):
            if at >= 0:
                total += sign * np.nan_to_num(values[at])
                count += sign * ~np.isnan(values[at])
        np.divide(total, count, out=out[row], where=count >= max(least, 1))
    return out


def estimated_amount(bars: Mapping[str, Floats]) -> Floats:
    """Estimate the traded value where no amount is recorded, [dates, assets], currency.

    volume × (high + low + close) / 3.
    """
    amount: Floats = bars["volume"] * typical_price(bars["high"], bars["low"], bars["close"])
    return amount
