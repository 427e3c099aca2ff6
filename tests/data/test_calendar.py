"""Sessions, and where a date falls among them."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from superhet.data.base import MemoryTables
from superhet.data.calendar import TradingCalendar, extended
from superhet.errors import DataError

SPRING = ["2024-02-07", "2024-02-08", "2024-02-19", "2024-02-20"]  # New Year holiday in between


def day(text: str) -> np.datetime64:
    return np.datetime64(text, "D")


def test_next_session_is_strictly_after_the_date():
    calendar = TradingCalendar(SPRING)
    assert calendar.next_session("2024-02-08") == day("2024-02-19")
    assert calendar.next_session("2024-02-12") == day("2024-02-19")
    assert calendar.next_session("2024-02-19") == day("2024-02-20")


def test_no_session_is_made_up_after_the_calendar_ends():
    with pytest.raises(DataError, match="the calendar ends on 2024-02-20"):
        TradingCalendar(SPRING).next_session("2024-02-20")


def test_a_holiday_is_no_session():
    calendar = TradingCalendar(SPRING)
    assert calendar.is_session("2024-02-08")
    assert not calendar.is_session("2024-02-09")
    assert not calendar.is_session("2030-01-01")


def test_sessions_between_includes_both_ends():
    between = TradingCalendar(SPRING).sessions_between("2024-02-08", "2024-02-19")
    assert [str(d) for d in between] == ["2024-02-08", "2024-02-19"]


def test_what_is_published_after_the_close_is_known_on_the_next_session():
    calendar = TradingCalendar(SPRING)
    days = np.array(["2024-02-08", "2024-02-09", "2024-02-20", "2023-12-01"], "datetime64[D]")
    known = [str(d) for d in calendar.known_from(days, strictly_after=True)]
    assert known == ["2024-02-19", "2024-02-19", "NaT", "2023-12-02"]


def test_what_is_released_on_a_session_is_known_at_its_close():
    calendar = TradingCalendar(SPRING)
    days = np.array(["2024-02-08", "2024-02-09", "2023-12-01"], "datetime64[D]")
    known = [str(d) for d in calendar.known_from(days, strictly_after=False)]
    assert known == ["2024-02-08", "2024-02-19", "2023-12-01"]


def test_a_holiday_announcement_just_before_the_calendar_is_known_on_its_first_session():
    known = TradingCalendar(SPRING).known_from(
        np.array(["2024-02-06"], "datetime64[D]"), strictly_after=True
    )
    assert str(known[0]) == "2024-02-07"


def test_positions_before_the_calendar_count_weekdays():
    days = np.array(["2024-02-07", "2024-02-10", "2024-01-31"], "datetime64[D]")
    assert TradingCalendar(SPRING).position(days).tolist() == [0, 2, -5]


def test_the_table_of_a_store_comes_first():
    frame = pl.DataFrame({"date": SPRING}).with_columns(pl.col("date").str.to_date())
    calendar = TradingCalendar.from_tables(MemoryTables({"calendar": frame}))
    assert len(calendar) == 4
    assert calendar.last == day("2024-02-20")


def test_without_a_table_the_exchange_must_be_named():
    with pytest.raises(DataError, match="name the exchange"):
        TradingCalendar.from_tables(MemoryTables({}))


@pytest.mark.parametrize(
    ("exchange", "holiday", "session"),
    [("XSHG", "2019-10-01", "2019-10-08"), ("XNYS", "2019-11-28", "2019-11-29")],
)
def test_exchange_calendars_knows_published_holidays(exchange, holiday, session):
    calendar = TradingCalendar.of_exchange(exchange, "2019-01-01", "2019-12-31")
    assert not calendar.is_session(holiday)
    assert calendar.next_session(holiday) == day(session)


def test_shanghai_had_244_sessions_in_2019():
    assert len(TradingCalendar.of_exchange("XSHG", "2019-01-01", "2019-12-31")) == 244


def test_an_unknown_exchange_is_named():
    with pytest.raises(DataError, match="'XXXX'"):
        TradingCalendar.of_exchange("XXXX")


def test_an_empty_calendar_is_refused():
    with pytest.raises(DataError, match="at least one session"):
        TradingCalendar([])


def test_a_seed_adds_sessions_around_the_stores_own_and_changes_none_of_them():
    # 2020-01-31 was no session: the spring holiday was made longer. Let a store say it was one.
    own = MemoryTables({"calendar": pl.DataFrame({"date": [date(2020, 1, 23), date(2020, 1, 31)]})})
    seed = TradingCalendar.of_exchange("XSHG", "2020-01-20", "2020-02-04")
    days = extended(own, seed)["date"].cast(pl.String).to_list()
    assert days == [
        "2020-01-20", "2020-01-21", "2020-01-22", "2020-01-23", "2020-01-31", "2020-02-03",
        "2020-02-04",
    ]  # fmt: skip
    assert len(extended(MemoryTables({}), seed)) == len(seed)
