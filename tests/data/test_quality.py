"""What a finding says: its cases, of how many, the first of them; and how a report prints."""

from __future__ import annotations

import json
from datetime import date, datetime

import polars as pl
import pytest
from quality_tables import DAYS, bars, minutes

from superhet.data.base import MemoryTables
from superhet.data.quality import Limits, check


def report(**tables: pl.DataFrame):
    return check(MemoryTables({"calendar": pl.DataFrame({"date": DAYS}), **tables}))


def test_a_split_that_the_factor_mends_is_no_jump():
    close = [10.0] * 5 + [5.0] * 5
    split = bars(close=close, adjust_factor=[1.0] * 5 + [2.0] * 5)
    found = report(bars_1d=split)
    assert found["bars_1d.jumps"].count == 0
    assert found["bars_1d.factor_discontinuities"].count == 0


def test_missing_sessions_are_counted_inside_an_assets_life_only():
    found = report(bars_1d=bars()[[2, 3, 7]])["bars_1d.missing_sessions"]
    assert (found.count, found.total) == (3, 6)
    assert found.share == 0.5
    assert found.examples == ("A 3 sessions before 2020-01-08",)


def test_a_session_without_any_bar_is_a_gap_of_the_calendar():
    assert report(bars_1d=bars()[[0, 1, 3]])["calendar.gaps"].examples == ("2020-01-03",)


def test_minute_bars_are_held_against_their_day():
    daily, fine = bars(), minutes(bars())
    fine = fine.with_columns(
        volume=pl.when(pl.col("time") < datetime(2020, 1, 2)).then(1.0).otherwise("volume"),
        high=pl.when(pl.col("time").is_between(datetime(2020, 1, 2), datetime(2020, 1, 3)))
        .then(99.0).otherwise("high"),
        close=pl.when(pl.col("time").is_between(datetime(2020, 1, 3), datetime(2020, 1, 4)))
        .then(pl.col("close") * 1.01).otherwise("close"),
    ).filter(pl.col("time") != datetime(2020, 1, 4, 10))  # fmt: skip
    found = report(bars_1d=daily[:9], bars_15min=fine.filter(pl.col("time").dt.day() != 6))
    assert found["bars_15min.volume_differs"].examples == ("A 2020-01-01", "A 2020-01-04")
    assert found["bars_15min.beyond_high_or_low"].examples == ("A 2020-01-02",)
    assert found["bars_15min.close_differs"].examples == ("A 2020-01-03",)
    assert found["bars_15min.incomplete_days"].examples == ("A 2020-01-04 1",)
    assert found["bars_15min.days_without_minutes"].examples == ("A 2020-01-06",)
    assert found["bars_15min.minutes_without_day"].examples == ("A 2020-01-10",)


def test_impossible_and_suspicious_dates_of_statements_are_told_apart():
    statements = pl.DataFrame(
        {
            "asset": ["A"] * 4,
            "report_date": [
                date(2020, 3, 31),
                date(2020, 6, 30),
                date(2020, 9, 30),
                date(2019, 12, 31),
            ],
            "announce_date": [
                date(2020, 3, 30),
                date(2020, 6, 30),
                date(2020, 10, 20),
                date(2020, 12, 1),
            ],
            "revision": [0] * 4,
        }
    )
    found = report(statements=statements)
    assert found["statements.announced_before_period"].examples == ("A 2020-03-31 2020-03-30",)
    assert found["statements.announced_on_period_end"].share == 0.25
    assert found["statements.announced_late"].count == 1
    assert found["statements.older_period"].examples == ("A 2019-12-31 2020-12-01",)


def test_limits_are_the_users():
    tables = MemoryTables({"bars_1d": bars()})
    assert check(tables, Limits(jump=0.001))["bars_1d.jumps"].count == 9


def test_the_report_prints_and_is_json():
    found = report(bars_1d=bars(volume=[0.0] + [1.0] * 9))
    assert "zero_volume" in str(found)
    assert json.loads(json.dumps(found.to_dict()))["snapshot"] == "memory"
    with pytest.raises(KeyError):
        found["bars_1d.nothing"]
