"""Trading calendar: the sessions of a market, and where a date falls among them.

Sessions come from the store's `calendar` table; without one, from `exchange_calendars` within its
coverage. Nothing is guessed outside the coverage: a question there is an error that says so.
"""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from superhet.errors import DataError
from superhet.panel.axes import DateArray, DateLike, Dates

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables


class TradingCalendar:
    """The sessions of one market, in order.

    Parameters
    ----------
    sessions : [sessions] datetime64[D], strictly increasing

    Raises
    ------
    DataError
        if there is no session, or they do not increase

    Examples
    --------
    >>> calendar = TradingCalendar(["2024-02-08", "2024-02-19", "2024-02-20"])
    >>> str(calendar.next_session("2024-02-08")), calendar.is_session("2024-02-09")
    ('2024-02-19', False)
    """

    def __init__(self, sessions: Dates | DateArray | list[str]) -> None:
        dates = sessions if isinstance(sessions, Dates) else Dates(sessions)
        if not len(dates):
            raise DataError("a trading calendar needs at least one session", column="date")
        self.dates = dates

    @classmethod
    def from_tables(cls, tables: Tables, exchange: str | None = None) -> TradingCalendar:
        """Take the `calendar` table, or else the calendar of `exchange` ("XSHG", "XNYS").

        Raises
        ------
        DataError
            if there is neither a table nor an exchange
        """
        if "calendar" in tables.names():
            days = tables.read("calendar", columns=["date"])["date"].to_numpy()
            return cls(np.unique(days.astype("datetime64[D]")))
        if exchange is None:
            raise DataError(
                "the store has no `calendar` table. Import one (a column `date` with every "
                "session), or name the exchange whose calendar is meant (XSHG, XNYS).",
                file="calendar",
            )
        return cls.of_exchange(exchange)

    @classmethod
    def of_exchange(
        cls, exchange: str, start: str | None = None, end: str | None = None
    ) -> TradingCalendar:
        """Take the sessions that `exchange_calendars` knows, from `start` to `end`.

        Parameters
        ----------
        exchange : ISO code of the exchange: "XSHG" (Shanghai), "XNYS" (New York)
        start, end : default to all that the library covers

        Raises
        ------
        DataError
            if the exchange or the range is not covered
        """
        from exchange_calendars import get_calendar
        from exchange_calendars.errors import CalendarError

        try:
            with warnings.catch_warnings():
                # the library still uses spellings that newer versions of pandas deprecate
                warnings.simplefilter("ignore", DeprecationWarning)
                found = get_calendar(exchange, start=start or "1990-12-20", end=end)
        except (CalendarError, ValueError) as error:
            raise DataError(
                f"exchange_calendars has no sessions of {exchange!r} from {start or '1990-12-20'} "
                f"to {end or 'now'} ({error}). Import a `calendar` table instead."
            ) from error
        return cls(found.sessions.to_numpy().astype("datetime64[D]"))

    @cached_property
    def sessions(self) -> DateArray:
        """All sessions, [sessions] datetime64[D]."""
        return self.dates.values

    @property
    def first(self) -> np.datetime64:
        """The first session covered."""
        return np.datetime64(self.sessions[0])

    @property
    def last(self) -> np.datetime64:
        """The last session covered."""
        return np.datetime64(self.sessions[-1])

    def is_session(self, date: DateLike) -> bool:
        """Say whether the market trades on `date`."""
        day = np.datetime64(date).astype("datetime64[D]")
        at = int(np.searchsorted(self.sessions, day))
        return at < self.sessions.size and bool(self.sessions[at] == day)

    def next_session(self, date: DateLike) -> np.datetime64:
        """Find the first session strictly after `date`.

        Raises
        ------
        DataError
            if the calendar ends at or before `date`
        """
        day = np.datetime64(date).astype("datetime64[D]")
        at = int(np.searchsorted(self.sessions, day, side="right"))
        if at == self.sessions.size:
            raise DataError(
                f"no session after {day}: the calendar ends on {self.last}. "
                "Extend the `calendar` table."
            )
        return np.datetime64(self.sessions[at])

    def sessions_between(self, start: DateLike | None, end: DateLike | None) -> Dates:
        """Give the sessions from `start` to `end`, both included."""
        return self.dates[self.dates.between(start, end)]

    def known_from(self, days: DateArray, *, strictly_after: bool) -> DateArray:
        """Find the session on which something of each day can first be used.

        Parameters
        ----------
        days : [rows] datetime64[D]
        strictly_after : True for what is published after the close (usable on the next session);
            False for what is published by the close (usable on the session itself, or the next one
            if the day is none)

        Returns
        -------
        [rows] datetime64[D]; NaT after the last session; before the first session, where the
        calendar cannot say, the day itself (or the day after, if `strictly_after`)
        """
        days = np.asarray(days, dtype="datetime64[D]")
        earliest = days + np.timedelta64(int(strictly_after), "D")
        at = np.searchsorted(self.sessions, earliest, side="left")
        padded = np.append(self.sessions, np.datetime64("NaT", "D"))
        return np.where(earliest < self.first, earliest, padded[at])

    def position(self, days: DateArray) -> npt.NDArray[np.int64]:
        """Give the number of the first session at or after each day; the first session is 0.

        Before the calendar begins, weekdays are counted backwards (holidays are not known there, so
        the number is some 6 % too large in absolute value); NaT gives the largest integer.
        """
        days = np.asarray(days, dtype="datetime64[D]")
        missing = np.isnat(days)
        filled = np.where(missing, self.last, days)
        at = np.searchsorted(self.sessions, filled, side="left").astype(np.int64)
        early = filled < self.first
        at[early] = -np.busday_count(filled[early], self.first)
        at[missing] = np.iinfo(np.int64).max // 2
        return at

    def __len__(self) -> int:
        return len(self.dates)

    def __repr__(self) -> str:
        return f"TradingCalendar({self.dates.describe()})"


def extended(tables: Tables, seed: TradingCalendar) -> pl.DataFrame:
    """Give the `calendar` table with the sessions of another calendar before and after its own.

    Inside the span that the store covers its own sessions stand, whatever the other calendar says.

    Parameters
    ----------
    tables : the store; it may have no calendar yet
    seed : what to add
    """
    import polars as pl

    sessions = seed.sessions
    if "calendar" in tables.names():
        own = TradingCalendar.from_tables(tables)
        outside = sessions[(sessions < own.first) | (sessions > own.last)]
        sessions = np.sort(np.concatenate([own.sessions, outside]))
    return pl.DataFrame({"date": sessions}).with_columns(pl.col("date").cast(pl.Date))
