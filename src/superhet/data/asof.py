"""Tables as they were known at the close of one day: no later revision, no later row, no end that lay ahead.

| table of | what is given |
|---|---|
| revisions (statements, forecasts, express reports, estimates, macro) | the newest one of each period |
| spells (status, industry, members) | those in force; an end that lies ahead is not known |
| days (bars, daily, weights, factors, rates) | the newest row of each asset or index |
| events (corporate actions), sessions, securities | what had happened, or was listed, by then |
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from superhet.data.base import to_day
from superhet.data.calendar import TradingCalendar
from superhet.data.known_at import known_days, known_sessions
from superhet.data.quarantine import QUARANTINE
from superhet.data.schema import table_spec
from superhet.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables
    from superhet.data.table import Table
    from superhet.panel.axes import DateLike

_PERIODS = {"statements", "forecasts", "express_reports", "estimates"}
_EVENTS = {"corporate_actions", "calendar"}
_SESSION = "_session"


def as_of(
    tables: Tables, table: str, day: DateLike, period: str | date | None = None
) -> pl.DataFrame:
    """Give a table as it was known at the close of a day.

    Parameters
    ----------
    tables : the store
    table : any table but the quarantine
    day : on a day that is no session, what was known at the close of the last one before it
    period : only this one: a date, "2019Q3", "2019-12" or "2019"; of statements and macro series

    Returns
    -------
    Rows in the columns of the table, sorted by its key.

    Raises
    ------
    UnknownName
        if the store has no such table
    ConfigError
        if `period` cannot be read, or the table has no periods
    """
    import polars as pl

    if table not in tables.names() or table == QUARANTINE:
        raise UnknownName("table", table, set(tables.names()) - {QUARANTINE}, "--table")
    spec, limit = table_spec(table), to_day(day)
    frame = tables.read(table, end=None if table in _PERIODS else limit)
    frame = _known(tables, table, frame, np.datetime64(limit))
    if period is not None:
        frame = _of_period(frame, table, period)
    if table in _PERIODS or table == "macro":
        # of one session the highest revision counts, as in a market, on whatever day of it it came
        order = [c for c in (_SESSION, "revision", spec.known_at) if c in frame.columns]
        frame = frame.sort([*spec.newest_of, *order], maintain_order=True)
        frame = frame.unique(list(spec.newest_of), keep="last", maintain_order=True)
    elif "start_date" in spec.key:
        frame = _in_force(frame, spec, limit)
    elif table == "securities":
        frame = _listed(frame, limit)
    elif table not in _EVENTS:
        frame = _newest(frame, spec)
    return frame.drop(_SESSION).sort(pl.col(k) for k in spec.key)


def _known(tables: Tables, table: str, frame: pl.DataFrame, limit: np.datetime64) -> pl.DataFrame:
    """Keep the rows that were known at the close of a day, each with the session on which it became so."""
    import polars as pl

    meta = tables.meta(table)
    if "calendar" in tables.names() and table != "calendar":
        calendar = TradingCalendar.from_tables(tables)
        if limit > calendar.last:
            raise ConfigError(
                "--date",
                f"the store's calendar ends on {calendar.last}; what was known on {limit} cannot be said. "
                "Extend the table calendar.",
            )
        known = known_sessions(table, frame, calendar, meta)
    else:
        known = known_days(table, frame, meta)
    return frame.with_columns(pl.Series(_SESSION, known)).filter(pl.Series(known <= limit))


def _of_period(frame: pl.DataFrame, table: str, period: str | date) -> pl.DataFrame:
    column = "period" if table == "macro" else "report_date"
    if table not in _PERIODS and table != "macro":
        raise ConfigError("--period", f"table {table} has no periods")
    first, last = read_period(str(period))
    return frame.filter(frame[column].is_between(first, last))


def read_period(text: str) -> tuple[date, date]:
    """Read a period: its first and last possible end.

    Examples
    --------
    >>> read_period("2019Q3")
    (datetime.date(2019, 9, 1), datetime.date(2019, 9, 30))
    """
    quarter = re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text)
    month = re.fullmatch(r"(\d{4})-(\d{1,2})", text)
    if quarter:
        year, last = int(quarter[1]), 3 * int(quarter[2])
    elif month and 1 <= int(month[2]) <= 12:
        year, last = int(month[1]), int(month[2])
    elif re.fullmatch(r"\d{4}", text):
        return date(int(text), 12, 1), date(int(text), 12, 31)
    else:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise ConfigError(
                "--period",
                f"{text!r} is not a period; write its last day (2019-09-30), 2019Q3, 2019-09 or 2019",
            ) from None
        return day, day
    return date(year, last, 1), date(year, last, monthrange(year, last)[1])


def _in_force(frame: pl.DataFrame, spec: Table, limit: date) -> pl.DataFrame:
    """Keep the newest spell of each key that has not ended; forget ends that lie ahead."""
    import polars as pl

    of = [k for k in spec.key if k != "start_date"]
    frame = frame.sort([*of, "start_date"]).unique(of, keep="last", maintain_order=True)
    if "end_date" not in frame.columns:
        return frame
    ahead = pl.col("end_date").is_null() | (pl.col("end_date") > limit)
    return frame.filter(ahead).with_columns(end_date=pl.lit(None, pl.Date))


def _listed(frame: pl.DataFrame, limit: date) -> pl.DataFrame:
    """Keep what was listed by a day, delisted names included; forget delistings that lie ahead."""
    import polars as pl

    if "list_date" in frame.columns:
        frame = frame.filter(pl.col("list_date").is_null() | (pl.col("list_date") <= limit))
    if "delist_date" in frame.columns:
        known = pl.when(pl.col("delist_date") <= limit).then(pl.col("delist_date"))
        frame = frame.with_columns(delist_date=known)
    return frame


def _newest(frame: pl.DataFrame, spec: Table) -> pl.DataFrame:
    """Keep the newest row of each asset; of index weights, the newest list of each index."""
    import polars as pl

    if spec.name == "index_weights":
        return frame.filter(pl.col("date") == pl.col("date").max().over("index"))
    of = [k for k in spec.key if k != spec.date]
    if not of:
        return frame.tail(1)
    return frame.sort([*of, str(spec.date)]).unique(of, keep="last", maintain_order=True)


__all__ = ["as_of", "read_period"]
