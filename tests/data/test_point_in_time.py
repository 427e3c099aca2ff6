"""Statements and macro releases: what was known when."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from superhet.data.base import MemoryTables
from superhet.data.calendar import TradingCalendar
from superhet.data.point_in_time import (
    ImplausibleAnnouncement,
    MissingAnnouncement,
    macro_events,
    rate_events,
    statement_events,
)
from superhet.panel import Assets

ASSETS = Assets(["000001.SZ", "600000.SH"])
CALENDAR = TradingCalendar(
    [
        str(d)
        for d in np.arange("2019-01-01", "2020-07-01", dtype="datetime64[D]")
        if np.is_busday(d)
    ]
)
LAST = np.datetime64("2020-06-30")


def statements(rows: list[tuple[object, ...]], meta: dict | None = None) -> MemoryTables:
    schema = ["asset", "report_date", "announce_date", "revision", "net_profit", "equity"]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return MemoryTables(
        {
            "statements": frame.with_columns(
                pl.col("report_date", "announce_date").str.to_date(),
                pl.col("net_profit", "equity").cast(pl.Float64),
            )
        },
        meta={"statements": meta or {}},
    )


def events(tables: MemoryTables, **options):
    return statement_events(tables, ASSETS, CALENDAR, LAST, **options)


def test_annual_and_first_quarter_of_one_day_become_known_together_older_period_first():
    told = events(
        statements(
            [
                ("600000.SH", "2020-03-31", "2020-04-28", 0, 3.0, 30.0),
                ("600000.SH", "2019-12-31", "2020-04-28", 0, 9.0, 27.0),
            ]
        )
    )
    assert [str(d) for d in told.known_at] == ["2020-04-29", "2020-04-29"]
    assert [str(d) for d in told["report_date"]] == ["2019-12-31", "2020-03-31"]
    assert told["net_profit"].tolist() == [9.0, 3.0]
    assert told["asset"].tolist() == [1, 1]


def test_a_restatement_is_a_further_row_and_hides_nothing_before_it_is_told():
    told = events(
        statements(
            [
                ("600000.SH", "2019-12-31", "2020-05-29", 1, 4.0, 20.0),
                ("600000.SH", "2019-12-31", "2020-04-10", 0, 9.0, 27.0),
            ]
        )
    )
    assert told["revision"].tolist() == [0, 1]
    before = told.until("2020-05-29")  # a Friday: published after its close
    assert before["net_profit"].tolist() == [9.0]
    assert told.until("2020-06-01")["net_profit"].tolist() == [9.0, 4.0]


def test_a_friday_evening_announcement_is_known_on_monday():
    told = events(statements([("000001.SZ", "2019-12-31", "2020-04-10", 0, 1.0, 1.0)]))
    assert str(told.known_at[0]) == "2020-04-13"


def test_same_day_statements_are_known_on_their_session():
    rows = [("000001.SZ", "2019-12-31", "2020-04-10", 0, 1.0, 1.0)]
    told = events(statements(rows, {"known_at": "same_day"}))
    assert str(told.known_at[0]) == "2020-04-10"


def test_report_date_is_a_look_ahead_of_the_reporting_lag():
    tables = statements([("000001.SZ", "2019-12-31", "2020-04-10", 0, 1.0, 1.0)])
    told = events(tables, known_at="report_date")
    assert str(told.known_at[0]) == "2020-01-01"


def test_history_before_the_calendar_keeps_its_own_date():
    rows = [("000001.SZ", "2017-12-31", "2018-04-20", 0, 1.0, 1.0)]
    assert str(events(statements(rows)).known_at[0]) == "2018-04-21"


def test_what_is_known_only_after_the_last_session_is_left_out():
    rows = [("000001.SZ", "2020-03-31", "2020-06-30", 0, 1.0, 1.0)]
    assert events(statements(rows)).rows == 0


def test_flows_are_year_to_date_and_stocks_are_levels_unless_the_source_says_otherwise():
    rows = [("000001.SZ", "2019-12-31", "2020-04-10", 0, 1.0, 1.0)]
    assert events(statements(rows)).basis == {"net_profit": "ytd", "equity": "level"}
    stated = events(statements(rows, {"basis": {"net_profit": "quarter"}}))
    assert stated.basis["net_profit"] == "quarter"


def test_statements_without_an_announcement_date_are_dropped_and_counted():
    rows = [
        ("000001.SZ", "2019-12-31", None, 0, 1.0, 1.0),
        ("000001.SZ", "2019-09-30", "2019-10-30", 0, 2.0, 1.0),
    ]
    with pytest.warns(MissingAnnouncement, match="1 of 2 rows"):
        told = events(statements(rows))
    assert told["net_profit"].tolist() == [2.0]


def test_statements_announced_before_their_period_ends_are_dropped_and_counted():
    rows = [
        ("000001.SZ", "2019-12-31", "2019-12-01", 0, 1.0, 1.0),
        ("000001.SZ", "2019-09-30", "2019-10-30", 0, 2.0, 1.0),
    ]
    with pytest.warns(ImplausibleAnnouncement, match="1 of 2 rows .* period 2019-12-31"):
        told = events(statements(rows))
    assert told["net_profit"].tolist() == [2.0]


def test_without_a_revision_the_earlier_announcements_of_a_report_are_counted():
    rows = [
        ("000001.SZ", "2019-12-31", "2020-05-20", 0, 2.0, 1.0),
        ("000001.SZ", "2019-12-31", "2020-04-20", 0, 1.0, 1.0),
        ("600000.SH", "2019-12-31", "2020-05-20", 0, 3.0, 1.0),
    ]
    frame = statements(rows).read("statements").drop("revision")
    told = events(MemoryTables({"statements": frame}))
    assert dict(zip(told["net_profit"].tolist(), told["revision"].tolist(), strict=True)) == {
        1.0: 0,
        2.0: 1,
        3.0: 0,
    }


def test_statements_of_strangers_are_left_out():
    rows = [("999999.SH", "2019-12-31", "2020-04-10", 0, 1.0, 1.0)]
    assert events(statements(rows)).rows == 0


def test_missing_figures_are_nan():
    rows = [("000001.SZ", "2019-12-31", "2020-04-10", 0, None, 1.0)]
    assert np.isnan(events(statements(rows))["net_profit"]).all()


def test_a_macro_release_on_a_weekend_is_known_on_monday():
    frame = pl.DataFrame(
        {
            "series": ["pmi", "cpi", "pmi"],
            "period": [date(2020, 5, 31), date(2020, 4, 30), date(2020, 6, 30)],
            "release_date": [date(2020, 5, 31), date(2020, 5, 12), date(2020, 7, 1)],
            "value": [50.6, 3.3, 50.9],
        }
    )
    told = macro_events(MemoryTables({"macro": frame}), CALENDAR, LAST)
    assert told["series"].tolist() == ["cpi", "pmi"]  # the July release is not known yet
    assert [str(d) for d in told.known_at] == ["2020-05-12", "2020-06-01"]
    assert told["value"].tolist() == [3.3, 50.6]


def test_a_rate_of_a_day_without_trading_is_known_on_the_next_session() -> None:
    # 2020-06-06 is a Saturday, 2020-06-08 the Monday after it; its own rate takes the Saturday's place
    days = [date(2020, 6, 5), date(2020, 6, 6), date(2020, 6, 8)]
    frame = pl.DataFrame({"date": days, "rate": [0.02, 0.03, 0.04]})
    rates = rate_events(MemoryTables({"risk_free": frame}), CALENDAR, LAST)
    assert [str(d) for d in rates.known_at] == ["2020-06-05", "2020-06-08", "2020-06-08"]
    assert rates["rate"].tolist() == [0.02, 0.03, 0.04]
