"""From which session on a row may be used."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from superhet.data.calendar import TradingCalendar
from superhet.data.known_at import known_sessions
from superhet.errors import DataError

# Friday 2020-04-24, Monday 27, Tuesday 28, Wednesday 29, Thursday 30; the May holiday; Wednesday 6
CALENDAR = TradingCalendar(
    ["2020-04-24", "2020-04-27", "2020-04-28", "2020-04-29", "2020-04-30", "2020-05-06"]
)


def report(day: str, moment: str | None = None, asset: str = "600000.SH") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "asset": [asset],
            "report_date": [date(2020, 3, 31)],
            "announce_date": [date.fromisoformat(day)],
            "announce_time": [datetime.fromisoformat(moment) if moment else None],
        },
        schema_overrides={"announce_time": pl.Datetime("ms")},
    )


def known(frame: pl.DataFrame, table: str = "statements", **meta: str) -> str:
    return str(known_sessions(table, frame, CALENDAR, meta)[0])


@pytest.mark.parametrize(
    ("day", "moment", "session"),
    [
        ("2020-04-27", None, "2020-04-28"),  # a day only: published after the close
        ("2020-04-25", None, "2020-04-27"),  # a Saturday
        ("2020-04-30", None, "2020-05-06"),  # before a holiday
        ("2020-04-28", "2020-04-28 08:30:00", "2020-04-28"),  # before the open
        ("2020-04-28", "2020-04-28 15:00:00", "2020-04-28"),  # by the close
        ("2020-04-28", "2020-04-28 15:00:01", "2020-04-29"),  # after the close
        (
            "2020-04-25",
            "2020-04-24 18:10:00",
            "2020-04-27",
        ),  # dated Saturday, out on Friday evening
        (
            "2020-04-27",
            "2020-04-24 14:00:00",
            "2020-04-24",
        ),  # dated Monday, out before Friday's close
        ("2020-04-26", "2020-04-26 10:00:00", "2020-04-27"),  # on a Sunday morning
    ],
)
def test_a_report_is_known_at_the_first_close_after_it_is_out(
    day: str, moment: str | None, session: str
) -> None:
    assert known(report(day, moment)) == session


def test_the_american_close_is_an_hour_later() -> None:
    late = "2020-04-28 15:30:00"
    assert known(report("2020-04-28", late, asset="AAPL")) == "2020-04-28"
    assert known(report("2020-04-28", late)) == "2020-04-29"
    assert known(report("2020-04-28", late, asset="AAPL"), close="13:00") == "2020-04-29"


def test_a_table_may_say_that_its_rows_are_out_before_the_close() -> None:
    assert known(report("2020-04-27"), known_at="same_day") == "2020-04-27"


def test_a_bar_is_known_on_its_day_and_a_release_on_a_sunday_on_monday() -> None:
    bars = pl.DataFrame({"date": [date(2020, 4, 28)], "asset": ["600000.SH"]})
    assert known(bars, "bars_1d") == "2020-04-28"
    release = pl.DataFrame({"release_date": [date(2020, 4, 26)]})
    assert known(release, "macro") == "2020-04-27"


def test_after_the_end_of_the_calendar_nothing_is_guessed() -> None:
    assert np.isnat(known_sessions("statements", report("2020-05-06"), CALENDAR, {})[0])


def test_a_close_that_is_no_time_is_refused() -> None:
    with pytest.raises(DataError, match="'3pm' is not a time of day"):
        known(report("2020-04-28", "2020-04-28 08:30:00"), close="3pm")
