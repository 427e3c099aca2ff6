"""From which session on a row may be used: the one place that knows the rule of each table.

| rule of the table | usable at the close of |
|---|---|
| session | the session of its day, or the next one if the day is none |
| next_session | the session after its day, for it is published after the close |
| time | the session of its moment (a bar is known at its end) |
| static | every session |

A row with an `announce_time` goes by that moment, whatever the day it is dated: published by the close, it is
known at that close, else on the next session. (A report dated Saturday is often public on Friday evening.)
"""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from superhet.data.calendar import TradingCalendar
from superhet.data.pivot import days
from superhet.data.schema import table_spec
from superhet.errors import DataError
from superhet.panel.axes import DateArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

CLOSE, CHINESE_CLOSE = "16:00", "15:00"
_CHINESE = r"^\d{6}\.(SH|SZ|BJ)$"


def known_sessions(
    table: str,
    frame: pl.DataFrame,
    calendar: TradingCalendar,
    meta: Mapping[str, Any],
    published: DateArray | None = None,
) -> DateArray:
    """Give the session at whose close each row is first known, [rows] datetime64[D].

    NaT after the end of the calendar and for a row without a date.

    Parameters
    ----------
    table : its rule counts
    frame : rows, with the table's known-at column and, where there is one, `announce_time`
    calendar : all sessions
    meta : of the table: `known_at: same_day` for what is published before the close, `close: "15:00"` for
        a market that closes at another time than 15:00 (Chinese codes) or 16:00 (all others)
    published : [rows], in place of the known-at column
    """
    spec = table_spec(table)
    if spec.known_at is None:
        return np.full(frame.height, calendar.first)
    day = days(frame[spec.known_at]) if published is None else published
    after_close = spec.known == "next_session" and meta.get("known_at") != "same_day"
    known = calendar.known_from(day, strictly_after=after_close)
    if published is None and "announce_time" in frame.columns:
        moment = frame["announce_time"]
        given = moment.is_not_null().to_numpy()
        late = (moment.dt.time() > _closes(frame, meta)).fill_null(True).to_numpy()
        moments = days(moment.dt.date())
        known = np.where(given & late, calendar.known_from(moments, strictly_after=True), known)
        known = np.where(given & ~late, calendar.known_from(moments, strictly_after=False), known)
    return known


def known_days(table: str, frame: pl.DataFrame, meta: Mapping[str, Any]) -> npt.NDArray[Any]:
    """Give the first day after which each row may be known, for stores that have no calendar.

    Like `known_sessions`, were every day a session.
    """
    every = np.arange(np.datetime64("1980-01-01"), np.datetime64("2100-01-01"))
    return known_sessions(table, frame, TradingCalendar(every), meta)


def _closes(frame: pl.DataFrame, meta: Mapping[str, Any]) -> pl.Series:
    """Give the time at which the market of each row closes, [rows]."""
    import polars as pl

    if "close" in meta:
        return pl.Series([_time(meta["close"])]).new_from_index(0, frame.height)
    if "asset" not in frame.columns:
        return pl.Series([_time(CLOSE)]).new_from_index(0, frame.height)
    chinese = pl.col("asset").str.contains(_CHINESE)
    return frame.select(
        pl.when(chinese).then(pl.lit(_time(CHINESE_CLOSE))).otherwise(pl.lit(_time(CLOSE)))
    ).to_series()


def _time(text: object) -> time:
    try:
        return time.fromisoformat(str(text))
    except ValueError as error:
        raise DataError(
            f"close: {text!r} is not a time of day; write it as 15:00.", column="close"
        ) from error


__all__ = ["known_days", "known_sessions"]
