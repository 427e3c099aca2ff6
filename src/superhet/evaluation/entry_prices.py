"""Entry prices: at what adjusted price a name could be bought on a session, and who could not be.

1. the open, the close or the whole day's vwap are daily fields                    -> entry_prices
2. the vwap of a window of the day is summed from the minute bars that lie in it   -> window_vwap
3. a price at its limit is locked: no one sells at limit up, no one buys at limit down
4. an entry that fails may wait for the first later session that trades            -> first_open_door
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.panel import Cube, Market

Entry: TypeAlias = Literal["open", "close", "vwap"]
Window: TypeAlias = tuple[str, str]
Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

LONGEST_WAIT = 5
"""Sessions that a shifted entry waits at most."""
_AT_LIMIT = 1e-6  # relative: prices are quoted to the cent, and vwap is a quotient


@dataclass(frozen=True, eq=False, kw_only=True)
class EntryPrices:
    """Prices at which one trades, session by session.

    Parameters
    ----------
    prices : [dates, assets], adjusted; NaN where nothing traded
    locked : [dates, assets], the price stands at its limit, up or down
    """

    prices: Floats
    locked: Flags

    @property
    def open_door(self) -> Floats:
        """Prices where one could trade, NaN elsewhere, [dates, assets]."""
        return np.where(self.locked, np.nan, self.prices)


def entry_prices(
    market: Market, entry: Entry = "open", window: Window | None = None
) -> EntryPrices:
    """Find the adjusted prices at which one trades, and which of them stand at their limit.

    Parameters
    ----------
    market : needs `adjusted_<entry>`; price limits are honoured where it has them
    entry : "open", "close" or "vwap"
    window : with "vwap", the first and last moment of a part of the day, ("09:30", "10:00"); needs the
        market's intraday bars, and the vwap is of those bars that end in it

    Raises
    ------
    ConfigError
        for a window with another entry, without bars, or between which and its bars no edge agrees
    """
    if window is None:
        prices = np.asarray(market[f"adjusted_{entry}"].values, dtype=np.float64)
        # a vwap at the limit means a day with one price: its low (its high) is at the limit
        names = ("low", "high") if entry == "vwap" else (entry, entry)
        low = market[names[0]].values if "limit_up" in market else prices
        high = market[names[1]].values if "limit_down" in market else prices
    elif entry == "vwap":
        raw, low, high = window_vwap(market, window)
        prices = raw * market["adjust_factor"].values
    else:
        raise ConfigError(
            "window",
            f"is the part of the day whose vwap is paid: it needs entry: vwap (got {entry})",
        )
    locked = np.zeros(prices.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        if "limit_up" in market:
            locked |= low >= market["limit_up"].values * (1.0 - _AT_LIMIT)
        if "limit_down" in market:
            locked |= high <= market["limit_down"].values * (1.0 + _AT_LIMIT)
    return EntryPrices(prices=prices, locked=locked & ~np.isnan(prices))


def window_vwap(market: Market, window: Window) -> tuple[Floats, Floats, Floats]:
    """Give vwap, low and high of a part of each day, raw, [dates, assets]; NaN where nothing traded.

    Parameters
    ----------
    market : with intraday bars; the coarsest whose edges agree with the window is summed
    window : ("09:30", "10:00"); bars that begin at or after the first and end at or before the last count

    Examples
    --------
    >>> from superhet.testing.markets import random_market
    >>> window_vwap(random_market(dates=20), ("09:30", "10:00"))[0].shape
    (20, 60)
    """
    first, last = (_minutes(moment) for moment in window)
    bars, chosen = _bars_of(market.intraday_cubes, first, last, window)
    days, assets = len(market.dates), len(market.assets)
    row = np.searchsorted(market.dates.values, bars.dates.days[chosen])
    amount, volume = np.zeros((days, assets)), np.zeros((days, assets))
    low, high = np.full((days, assets), np.nan), np.full((days, assets), np.nan)
    fields = {n: bars[n].values for n in ("amount", "volume", "low", "high")}
    for bar, day in zip(np.flatnonzero(chosen), row, strict=True):
        traded = (fields["volume"][bar] > 0) & (fields["amount"][bar] > 0)
        amount[day] += np.where(traded, fields["amount"][bar], 0.0)
        volume[day] += np.where(traded, fields["volume"][bar], 0.0)
        low[day] = np.fmin(low[day], np.where(traded, fields["low"][bar], np.nan))
        high[day] = np.fmax(high[day], np.where(traded, fields["high"][bar], np.nan))
    vwap = np.divide(amount, volume, out=np.full((days, assets), np.nan), where=volume > 0)
    return vwap, low, high


def first_open_door(open_door: Floats, horizon: int, wait: int = LONGEST_WAIT) -> Floats:
    """Give the price of the first session from each one on that could trade, [dates, assets].

    Parameters
    ----------
    open_door : [dates, assets], NaN where one could not trade
    horizon : sessions from the first attempt to the exit; an entry at the exit is none
    wait : sessions one waits at most
    """
    out = open_door.copy()
    for k in range(1, min(wait, horizon - 1) + 1):
        later = out[:-k]
        np.copyto(later, open_door[k:], where=np.isnan(later))
    return out


def check_delay(delay: int, entry: str) -> None:
    """Insist on a known kind of price, and on a trade after the signal is known.

    Raises
    ------
    ConfigError
    """
    if entry not in {"open", "close", "vwap"}:
        raise ConfigError("entry", f"must be open, close or vwap (got {entry!r})")
    if delay < 1 and not (delay == 0 and entry == "close"):
        raise ConfigError(
            "delay",
            f"must be at least 1 session (got {delay}): a signal known at the close of t cannot be "
            f"traded at the {entry} of t. Use delay: 1, or entry: close with delay: 0.",
        )


def _bars_of(
    cubes: Mapping[str, Cube], first: int, last: int, window: Window
) -> tuple[Cube, Flags]:
    """Choose the coarsest bars whose edges agree with a window, and say which of them lie in it."""
    for frequency in sorted(cubes, key=_length, reverse=True):
        ends = cubes[frequency].dates.values
        clock = (ends - ends.astype("datetime64[D]")).astype("timedelta64[m]").astype(np.int64)
        inside = (clock > first) & (clock <= last)
        reaches = inside.any() and clock[inside].max() == last
        if reaches and clock[inside].min() - _length(frequency) == first:
            return cubes[frequency], inside
    raise ConfigError(
        "window",
        f"{window[0]}-{window[1]} needs bars that begin and end at its edges; the market has "
        f"{', '.join(sorted(cubes)) or 'no intraday bars'}. Load finer ones under market.intraday, or move "
        "the window to the edges of these.",
    )


def _length(frequency: str) -> int:
    return int(frequency.removesuffix("min"))


def _minutes(moment: str) -> int:
    try:
        hour, minute = (int(part) for part in moment.split(":"))
    except ValueError:
        raise ConfigError("window", f"must be two moments such as 09:30 (got {moment!r})") from None
    return 60 * hour + minute
