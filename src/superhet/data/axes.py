"""The axes of a market: the sessions that have bars, and every asset of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from superhet.data.calendar import TradingCalendar
from superhet.data.pivot import Grid, days
from superhet.data.store.mapped import Mapped, mapped_bars
from superhet.errors import ConfigError, DataError
from superhet.panel import Assets, Dates
from superhet.panel.axes import DateArray

if TYPE_CHECKING:
    from superhet.data.base import Tables


def market_axes(
    tables: Tables, start: str | None, end: str | None, kept: Mapped | None = None
) -> tuple[TradingCalendar, Grid]:
    """Find the calendar, and the axes of a period.

    Dates are the sessions from the first to the last bar of the period. Assets are all of `securities`,
    sorted, whatever the period, so that a shorter history has the same axis; without that table, what has
    a bar in the period. Without a `calendar` table the dates of the bars are the calendar.

    Parameters
    ----------
    tables : a store, or frames in memory
    start, end : first and last day; None = all that the bars cover
    kept : what `mapped_bars` gives of the tables, if the caller has asked already

    Raises
    ------
    ConfigError
        if the period has no bars
    DataError
        if there are no daily bars, or one is on no session
    """
    if "bars_1d" not in tables.names():
        there = ", ".join(tables.names()) or "none"
        raise DataError(
            f"the store has no daily bars (tables: {there}). Import `bars_1d` first.",
            file="bars_1d",
        )
    first, last = _day(start, "start"), _day(end, "end")
    kept = mapped_bars(tables) if kept is None else kept
    traded = _dates_with_bars(tables, first, last, kept)
    if not traded.size:
        every = _dates_with_bars(tables, None, None, kept)
        span = f"{every[0]} to {every[-1]}" if every.size else "no date at all"
        raise ConfigError(
            "market.start",
            f"there are no bars from {start or 'the beginning'} to {end or 'the end'}; the store "
            f"covers {span}.",
        )
    if "calendar" in tables.names():
        calendar = TradingCalendar.from_tables(tables)
        sessions = calendar.sessions_between(traded[0], traded[-1])
        _require_sessions(traded, sessions)
    else:
        calendar = TradingCalendar(_dates_with_bars(tables, None, last, kept))
        sessions = Dates(traded)
    if "securities" in tables.names():
        named = tables.read("securities", columns=["asset"])
    else:
        named = tables.read("bars_1d", columns=["asset"], start=first, end=last)
    return calendar, Grid(sessions, Assets(sorted(named["asset"].unique().to_list())))


def _dates_with_bars(
    tables: Tables, start: np.datetime64 | None, end: np.datetime64 | None, kept: Mapped | None
) -> DateArray:
    """Find the days that have bars; of all of them where that is kept, and then cut."""

    def read(start: np.datetime64 | None, end: np.datetime64 | None) -> DateArray:
        found = tables.read("bars_1d", columns=["date"], start=start, end=end)["date"].unique()
        return np.sort(days(found))

    if kept is None:
        return read(start, end)
    every = kept.keep("days", lambda: read(None, None))
    inside = np.ones(every.size, dtype=bool)
    if start is not None:
        inside &= every >= start
    if end is not None:
        inside &= every <= end
    return every[inside]


def _require_sessions(traded: DateArray, sessions: Dates) -> None:
    away = traded[~np.isin(traded, sessions.values)]
    if away.size:
        raise DataError(
            f"bars on {away[0]}, which is not a session of the calendar ({away.size} such dates). "
            "Drop those rows, or add the sessions to `calendar`.",
            file="bars_1d",
            column="date",
        )


def _day(value: str | None, key: str) -> np.datetime64 | None:
    if value is None:
        return None
    try:
        moment: np.datetime64 = np.datetime64(value).astype("datetime64[D]")
    except ValueError as error:
        raise ConfigError(
            f"market.{key}", f"{value!r} is not a date; write it as 2018-01-31."
        ) from error
    return moment
