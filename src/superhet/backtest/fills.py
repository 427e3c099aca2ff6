"""Fills: at which prices, in how many steps, and against which volume the orders of a session are done.

A daily fill has one step a session: the open, the close, or the volume-weighted average of the session. A
window over minute bars has one step a session (`vwap`) or one step a bar (`twap`, `participate`).

1. the bars whose interval lies inside the window, session by session   -> `_window_rows`
2. `vwap`: Σ amount / Σ volume over the window, one step a session      -> `_one_step`
3. `twap`, `participate`: every bar is a step at its own average price  -> `_step_a_bar`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError, DataError
from superhet.panel import Cube, Market

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
DailyFill: TypeAlias = Literal["open", "vwap", "close"]
Style: TypeAlias = Literal["vwap", "twap", "participate"]

_CLOCK = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")
_MINUTE = np.timedelta64(60, "s")


@dataclass(frozen=True, kw_only=True)
class FillWindow:
    """A window of minute bars over which the orders of a session are worked.

    Parameters
    ----------
    bars : frequency of the bars ("5min"), loaded with the market
    start, end : clock times; a bar counts where its whole interval lies between them, so that "09:35" to
        "10:30" of five-minute bars is the bars that end at 09:40, 09:45 … 10:30
    style : "vwap" fills once, at Σ amount / Σ volume of the window; "twap" splits the order evenly over the
        bars, each at its own average price; "participate" takes of every bar what the volume cap allows,
        until the order is done

    Raises
    ------
    ConfigError
        if a time is not HH:MM, or the window is empty
    """

    bars: str = "5min"
    start: str = "09:30"
    end: str = "10:30"
    style: Style = "vwap"

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    def __post_init__(self) -> None:
        for key, clock in (("start", self.start), ("end", self.end)):
            if not _CLOCK.match(clock):
                raise ConfigError(
                    f"backtest.fill.{key}", f"must be a clock time such as '09:35' (got {clock!r})"
                )
        if self.start >= self.end:
            raise ConfigError(
                "backtest.fill.end", f"must be later than start {self.start} (got {self.end})"
            )


FillSpec: TypeAlias = DailyFill | FillWindow


@dataclass(frozen=True, eq=False, kw_only=True)
class FillPrices:
    """The prices at which orders can be filled, step by step in time order.

    Parameters
    ----------
    spec : what was asked for
    session : [steps], position of each step among the market's sessions, never decreasing
    time : [steps] datetime64[s], the end of the bar or window; NaT for daily fills
    price : [steps, assets], raw; NaN where nothing traded
    low, high : [steps, assets], extremes of what traded in the step, for the test of price limits
    volume : [steps, assets], shares traded in the step; NaN or 0 where none; None in a market without volume
    """

    spec: FillSpec
    session: Integers
    time: npt.NDArray[np.datetime64]
    price: Floats
    low: Floats
    high: Floats
    volume: Floats | None

    @property
    def style(self) -> Literal["single", "twap", "participate"]:
        """How an order is spread over the steps of its session; "single" has one (daily, or vwap)."""
        if isinstance(self.spec, str) or self.spec.style == "vwap":
            return "single"
        return self.spec.style

    @property
    def words(self) -> str:
        """The fill in words."""
        spec = self.spec
        if isinstance(spec, str):
            return f"{spec} of the session after the decision"
        span = f"{spec.bars} bars from {spec.start} to {spec.end} of the session after the decision"
        return {
            "vwap": f"once, at the volume-weighted average of {span}",
            "twap": f"in equal parts over {span}, each at the bar's average price",
            "participate": f"over {span}, of each bar what the volume cap allows, at the bar's average price",
        }[spec.style]


def fill_prices(market: Market, spec: FillSpec) -> FillPrices:
    """Lay out the prices of a fill.

    Parameters
    ----------
    market : the sessions of the backtest; nothing trades on the first, which is that of the first decision
    spec : "open", "close", "vwap", or a window of minute bars

    Raises
    ------
    UnknownName
        if the market has no such daily price
    DataError
        if the market has no such bars, or a session after the first has none in the window; says which
        frequency and days to import
    """
    if isinstance(spec, str):
        return _daily(market, spec)
    cube = _bars(market, spec)
    rows, session = _window_rows(market, spec, cube)
    return (
        _one_step(market, spec, cube, rows, session)
        if spec.style == "vwap"
        else _step_a_bar(spec, cube, rows, session)
    )


def _daily(market: Market, spec: DailyFill) -> FillPrices:
    sessions = len(market.dates)
    price = market[spec].values
    low, high = (market["low"].values, market["high"].values) if spec == "vwap" else (price, price)
    return FillPrices(
        spec=spec,
        session=np.arange(sessions),
        time=np.full(sessions, np.datetime64("NaT"), dtype="datetime64[s]"),
        price=price,
        low=low,
        high=high,
        volume=market["volume"].values if "volume" in market else None,
    )


def _bars(market: Market, spec: FillWindow) -> Cube:
    if spec.bars not in market.intraday_cubes:
        there = ", ".join(market.intraday_cubes) or "none"
        raise DataError(
            f"backtest.fill needs {spec.bars} bars, and the market has {there}. Import the table "
            f"bars_{spec.bars} and load it (market.intraday: [{spec.bars}]), or fill at the open, close or "
            "vwap of the session."
        )
    return market.intraday(spec.bars)


def _window_rows(market: Market, spec: FillWindow, cube: Cube) -> tuple[Integers, Integers]:
    """Find the bars inside the window: their rows in the cube and the session of each."""
    days = cube.dates.days
    clock = (cube.dates.values.astype("datetime64[s]") - days) / _MINUTE
    width = _minutes_of_bar(spec.bars)
    inside = (clock - width >= _minutes(spec.start)) & (clock <= _minutes(spec.end))
    at = np.searchsorted(market.dates.days, days)
    at[at == len(market.dates)] = 0
    rows = np.flatnonzero(inside & (market.dates.days[at] == days))
    session = at[rows].astype(np.int64)
    _require_all(market, spec, session)
    return rows, session


def _require_all(market: Market, spec: FillWindow, session: Integers) -> None:
    """Insist that every session on which something may trade has bars in the window."""
    without = np.setdiff1d(np.arange(1, len(market.dates)), session)
    if not without.size:
        return
    first, last = market.dates.values[without[0]], market.dates.values[without[-1]]
    raise DataError(
        f"{without.size} of {len(market.dates) - 1} sessions have no {spec.bars} bar between {spec.start} "
        f"and {spec.end} (first {first}, last {last}). Import bars_{spec.bars} for those days, shorten the "
        "study, or fill at the open, close or vwap of the session."
    )


def _one_step(
    market: Market, spec: FillWindow, cube: Cube, rows: Integers, session: Integers
) -> FillPrices:
    bars = _traded_bars(cube, rows)
    first = np.flatnonzero(np.diff(session, prepend=-1))
    amount = np.add.reduceat(np.nan_to_num(bars["amount"]), first, axis=0)
    volume = np.add.reduceat(np.nan_to_num(bars["volume"]), first, axis=0)
    low = np.fmin.reduceat(bars["low"], first, axis=0)
    high = np.fmax.reduceat(bars["high"], first, axis=0)
    shape = (len(market.dates), len(market.assets))
    there = session[first]
    out = {n: np.full(shape, np.nan) for n in ("price", "low", "high", "volume")}
    time = np.full(shape[0], np.datetime64("NaT"), dtype="datetime64[s]")
    out["price"][there] = _average(amount, volume, low, high)
    out["low"][there], out["high"][there], out["volume"][there] = low, high, volume
    time[there] = cube.dates.values[rows[np.append(first[1:], rows.size) - 1]]
    return FillPrices(spec=spec, session=np.arange(shape[0]), time=time, **out)


def _step_a_bar(spec: FillWindow, cube: Cube, rows: Integers, session: Integers) -> FillPrices:
    bars = _traded_bars(cube, rows)
    low, high = bars["low"], bars["high"]
    return FillPrices(
        spec=spec,
        session=session,
        time=cube.dates.values[rows].astype("datetime64[s]"),
        price=_average(bars["amount"], bars["volume"], low, high),
        low=low,
        high=high,
        volume=bars["volume"],
    )


def _traded_bars(cube: Cube, rows: Integers) -> Mapping[str, Floats]:
    """Read the bars of the window; NaN where a bar has no trade, whatever prices it carries."""
    volume = np.asarray(cube["volume"].values[rows], dtype=np.float64)
    silent = ~(volume > 0.0)
    out = {"volume": volume}
    for name in ("low", "high", "amount"):
        values = np.array(cube[name].values[rows], dtype=np.float64)
        values[silent] = np.nan
        out[name] = values
    volume[silent] = np.nan
    return out


def _average(amount: Floats, volume: Floats, low: Floats, high: Floats) -> Floats:
    """Give amount / volume, kept between low and high; NaN without volume."""
    price = np.full(amount.shape, np.nan)
    np.divide(amount, volume, out=price, where=volume > 0.0)
    return np.asarray(np.minimum(np.maximum(price, low), high))


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def _minutes_of_bar(frequency: str) -> int:
    digits = re.fullmatch(r"(\d+)min", frequency)
    if digits is None:
        raise ConfigError(
            "backtest.fill.bars", f"must be minute bars such as '5min' (got {frequency!r})"
        )
    return int(digits.group(1))


__all__ = ["DailyFill", "FillPrices", "FillSpec", "FillWindow", "fill_prices"]
