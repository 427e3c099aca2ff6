"""Tables as they were known on a day: no later revision, no later member, no end that lay ahead."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from superhet.data.asof import as_of, read_period
from superhet.data.base import MemoryTables
from superhet.data.calendar import TradingCalendar
from superhet.data.point_in_time import statement_events
from superhet.errors import ConfigError, UnknownName
from superhet.panel import Assets

SESSIONS = [
    date.fromordinal(o)
    for o in range(date(2019, 1, 1).toordinal(), date(2021, 1, 1).toordinal())
    if date.fromordinal(o).weekday() < 5
]


def frame(schema: str, rows: list[tuple[object, ...]]) -> pl.DataFrame:
    """Make a frame; columns that end in _date, and `date` and `period`, are dates."""
    names = schema.split()
    made = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    dated = [n for n in names if n.endswith("date") or n == "period"]
    return made.with_columns(pl.col(dated).cast(pl.String).str.to_date())


def store(**frames: pl.DataFrame) -> MemoryTables:
    return MemoryTables({"calendar": pl.DataFrame({"date": SESSIONS}), **frames})


STATEMENTS = frame(
    "asset report_date announce_date revision profit",
    [
        ("600000.SH", "2019-09-30", "2019-10-25", 0, 3.0),
        ("600000.SH", "2019-12-31", "2020-04-24", 0, 9.0),
        ("600000.SH", "2020-03-31", "2020-04-24", 0, 2.0),
        ("600000.SH", "2019-12-31", "2020-06-12", 1, 4.0),  # restated
        ("000001.SZ", "2019-12-31", "2020-03-10", 0, 7.0),
    ],
)


def profits(day: str, period: str | None = None) -> dict[tuple[str, str], float]:
    told = as_of(store(statements=STATEMENTS), "statements", day, period)
    return {(r["asset"], str(r["report_date"])): r["profit"] for r in told.iter_rows(named=True)}


def test_a_restatement_shows_from_the_session_after_it_and_not_before() -> None:
    assert profits("2020-06-12", "2019Q4")["600000.SH", "2019-12-31"] == 9.0
    assert profits("2020-06-14", "2019Q4")["600000.SH", "2019-12-31"] == 9.0  # a Sunday
    assert profits("2020-06-15", "2019Q4")["600000.SH", "2019-12-31"] == 4.0


def test_two_reports_of_one_day_are_both_there() -> None:
    assert ("600000.SH", "2020-03-31") not in profits("2020-04-24")
    told = profits("2020-04-27")
    assert told["600000.SH", "2019-12-31"] == 9.0
    assert told["600000.SH", "2020-03-31"] == 2.0


def test_a_period_not_yet_announced_is_not_there() -> None:
    assert profits("2020-04-23") == {
        ("600000.SH", "2019-09-30"): 3.0,
        ("000001.SZ", "2019-12-31"): 7.0,
    }
    assert profits("2019-10-01") == {}


def test_of_two_revisions_of_one_weekend_the_higher_number_counts() -> None:
    table = frame(
        "asset report_date announce_date revision profit",
        [
            ("600000.SH", "2019-12-31", "2020-04-25", 1, 4.0),  # Saturday
            ("600000.SH", "2019-12-31", "2020-04-26", 0, 9.0),  # Sunday
        ],
    )
    told = as_of(store(statements=table), "statements", "2020-04-27")
    assert told["profit"].to_list() == [4.0]


@example(seed=66)
@given(seed=st.integers(0, 10_000))
def test_it_says_what_the_events_of_a_market_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names, days = ["000001.SZ", "600000.SH"], np.array(SESSIONS, dtype="datetime64[D]")
    rows = []
    for n in range(rng.integers(1, 20)):
        period = np.datetime64("2019-03-31") + np.timedelta64(91 * int(rng.integers(0, 5)), "D")
        announced = period + np.timedelta64(int(rng.integers(1, 300)), "D")
        rows.append((str(rng.choice(names)), str(period), str(announced), n, float(n)))
    table = frame("asset report_date announce_date revision profit", rows)
    day = days[rng.integers(0, days.size)]
    told = as_of(store(statements=table), "statements", day)
    events = statement_events(
        store(statements=table), Assets(names), TradingCalendar(days.astype(str).tolist()), days[-1]
    ).until(day)
    newest = {
        (names[a], str(p)): v
        for a, p, v in zip(events["asset"], events["report_date"], events["profit"], strict=True)
    }  # later events overwrite earlier ones
    found = {(r["asset"], str(r["report_date"])): r["profit"] for r in told.iter_rows(named=True)}
    assert found == newest


def test_a_macro_revision_is_a_vintage_of_its_own() -> None:
    macro = frame(
        "series period release_date value",
        [
            ("cpi", "2020-01-31", "2020-02-10", 5.4),
            ("cpi", "2020-01-31", "2020-05-12", 5.2),
            ("cpi", "2020-02-29", "2020-03-10", 5.2),
        ],
    )
    told = as_of(store(macro=macro), "macro", "2020-04-01")
    assert told["value"].to_list() == [5.4, 5.2]
    assert as_of(store(macro=macro), "macro", "2020-05-12", "2020-01")["value"].to_list() == [5.2]


def test_members_are_those_in_force_and_their_end_is_not_known_before_it_comes() -> None:
    members = frame(
        "index asset start_date end_date",
        [
            ("000300.SH", "600000.SH", "2019-01-02", "2020-06-15"),
            ("000300.SH", "000001.SZ", "2020-06-15", None),
        ],
    )
    before = as_of(store(index_members=members), "index_members", "2020-06-12")
    assert before["asset"].to_list() == ["600000.SH"]
    assert before["end_date"].to_list() == [None]
    after = as_of(store(index_members=members), "index_members", "2020-06-15")
    assert after["asset"].to_list() == ["000001.SZ"]


def test_a_new_industry_label_takes_the_place_of_the_old_one() -> None:
    labels = frame(
        "asset scheme industry start_date end_date",
        [
            ("600000.SH", "sw1", "banks", "2014-02-21", None),
            ("600000.SH", "sw1", "non-bank finance", "2020-07-30", None),
        ],
    )
    tables = store(industry=labels)
    assert as_of(tables, "industry", "2020-07-29")["industry"].to_list() == ["banks"]
    assert as_of(tables, "industry", "2020-07-30")["industry"].to_list() == ["non-bank finance"]


def test_the_newest_bar_and_the_newest_list_of_weights() -> None:
    bars = frame(
        "date asset close",
        [("2020-01-02", "a", 1.0), ("2020-01-03", "a", 2.0), ("2020-01-02", "b", 5.0)],
    )
    assert as_of(store(bars_1d=bars), "bars_1d", "2020-01-03")["close"].to_list() == [5.0, 2.0]
    weights = frame(
        "index date asset weight",
        [("i", "2020-01-02", "a", 1.0), ("i", "2020-02-03", "b", 1.0)],
    )
    assert as_of(store(index_weights=weights), "index_weights", "2020-02-28")["asset"][0] == "b"


def test_a_delisting_is_not_known_before_it_happens() -> None:
    names = frame(
        "asset list_date delist_date",
        [("old", "1999-01-04", "2020-03-02"), ("new", "2020-05-06", None)],
    )
    told = as_of(store(securities=names), "securities", "2020-02-28")
    assert told.rows() == [("old", date(1999, 1, 4), None)]
    told = as_of(store(securities=names), "securities", "2020-05-06")
    assert told["delist_date"].to_list() == [None, date(2020, 3, 2)]


@pytest.mark.parametrize(
    ("text", "last"),
    [("2019", "2019-12-31"), ("2019Q1", "2019-03-31"), ("2020-02", "2020-02-29")],
)
def test_periods_are_named_in_the_usual_ways(text: str, last: str) -> None:
    assert str(read_period(text)[1]) == last


def test_questions_that_have_no_answer() -> None:
    tables = store(statements=STATEMENTS)
    with pytest.raises(UnknownName, match="unknown table 'statement'; did you mean"):
        as_of(tables, "statement", "2020-01-02")
    with pytest.raises(ConfigError, match=r"'2019-Q9' is not a period"):
        as_of(tables, "statements", "2020-01-02", "2019-Q9")
    with pytest.raises(ConfigError, match="calendar ends on 2020-12-31"):
        as_of(tables, "statements", "2021-06-30")
    with pytest.raises(ConfigError, match="table calendar has no periods"):
        as_of(tables, "calendar", "2020-01-02", "2019")
