"""A frame that breaks the schema is refused with file, row, column and the mend."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal

from superhet.data.base import MemoryTables, Tables
from superhet.data.casting import guess_format
from superhet.data.checking import check_frame, sort_columns
from superhet.data.schema import TABLES, table_spec
from superhet.errors import DataError, UnknownName

SESSIONS = pl.Series([date(2020, 1, 2), date(2020, 1, 3)])


def bars(**changes: list[Any]) -> pl.DataFrame:
    good: dict[str, list[Any]] = {
        "date": ["2020-01-02", "2020-01-03", "2020-01-02", "2020-01-03"],
        "asset": ["B", "B", "A", "A"],
        "open": [1.0, 2.0, 3.0, 4.0],
        "high": [2.0, 3.0, 4.0, 5.0],
        "low": [0.5, 0.5, 0.5, 0.5],
        "close": [1.0, 2.0, 3.0, 4.0],
        "volume": [10, 20, 30, 40],
    }
    return pl.DataFrame({**good, **changes}, strict=False)


def test_rows_come_out_by_date_and_asset_with_canonical_types():
    frame = check_frame("bars_1d", bars(), "bars.csv")
    assert frame.select("date", "asset").rows() == [
        (date(2020, 1, 2), "A"),
        (date(2020, 1, 2), "B"),
        (date(2020, 1, 3), "A"),
        (date(2020, 1, 3), "B"),
    ]
    assert frame.schema["volume"] == pl.Float64
    assert frame["close"].to_list() == [3.0, 1.0, 4.0, 2.0]


def test_checking_twice_changes_nothing():
    once = check_frame("bars_1d", bars())
    assert_frame_equal(check_frame("bars_1d", once), once)


D2, D3 = "2020-01-02", "2020-01-03"
BAD_BARS = {
    "dates out of order": (
        {"date": [D2, D3, D3, D2]},
        r"bars.csv, row 4, column 'date': dates are not in order",
    ),
    "a key twice": (
        {"date": [D2, D2, D2, D3]},
        r"the same date and asset a second time",
    ),
    "another date format": (
        {"date": [D2, "02/01/2020", D2, D3]},
        r"row 2, column 'date': '02/01/2020' is not a date of format %Y-%m-%d; it looks like",
    ),
    "no session": (
        {"date": [D2, D3, D2, "2020-01-05"]},
        r"row 4, column 'date': 2020-01-05 is not in the calendar, which has sessions from 2020-01-02",
    ),
    "a key missing": (
        {"asset": ["B", None, "A", "A"]},
        r"row 2, column 'asset': missing",
    ),
    "text for a number": (
        {"close": ["1", "x1", "3", "4"]},
        r"row 2, column 'close': 'x1' is not a finite number",
    ),
    "an infinite number": (
        {"close": [1.0, float("inf"), 3.0, 4.0]},
        r"row 2, column 'close': inf is not a finite number",
    ),
    "a negative price": (
        {"low": [0.5, 0.5, -0.5, 0.5]},
        r"row 3, column 'low': -0.5 is not a positive price \(date 2020-01-02, asset A\)",
    ),
    "a price of zero": (
        {"open": [0.0, 2.0, 3.0, 0.0]},
        r"row 1, column 'open': 0.0 is not a positive price .*2 rows in all",
    ),
    "high below low": (
        {"high": [2.0, 0.4, 4.0, 5.0]},
        r"row 2, column 'high': high 0.4 is below low",
    ),
    "close above high": (
        {"high": [2.0, 3.0, 4.0, 3.5]},
        r"row 4, column 'high': open or close lies outside",
    ),
    "a negative volume": (
        {"volume": [1, 2, 3, -4]},
        r"row 4, column 'volume': -4.0 is negative",
    ),
    "an unknown column": (
        {"turnover": [1, 2, 3, 4]},
        r"column 'turnover': table bars_1d has no such column",
    ),
}


@pytest.mark.parametrize("case", BAD_BARS)
def test_bad_bars_are_named_by_file_row_and_column(case):
    changes, message = BAD_BARS[case]
    with pytest.raises(DataError, match=message):
        check_frame("bars_1d", bars(**changes), "bars.csv", calendar=SESSIONS)


def test_a_missing_column_is_named_with_a_near_miss():
    with pytest.raises(DataError, match=r"bars.csv, column 'close': .* did you mean 'closed'"):
        check_frame("bars_1d", bars().rename({"close": "closed"}), "bars.csv")


def test_statements_without_announcement_date_are_refused():
    frame = pl.DataFrame(
        {
            "asset": ["A"],
            "report_date": ["2020-03-31"],
            "announce_date": [None],
            "net_profit": [1.0],
        }
    )
    with pytest.raises(DataError, match="row 1, column 'announce_date': missing"):
        check_frame("statements", frame, "income.csv")
    with pytest.raises(
        DataError, match="column 'announce_date': table statements needs this column"
    ):
        check_frame("statements", frame.drop("announce_date"), "income.csv")


def test_statements_take_any_numeric_column_and_no_text():
    frame = pl.DataFrame(
        {
            "asset": ["A"],
            "report_date": ["2020-03-31"],
            "announce_date": ["2020-04-20"],
            "eps": ["0.5"],
        }
    )
    checked = check_frame("statements", frame)
    assert checked["eps"].to_list() == [0.5]
    assert checked["revision"].to_list() == [0]
    with pytest.raises(DataError, match="column 'kind': 'report' is not a finite number"):
        check_frame("statements", frame.with_columns(kind=pl.lit("report")), "income.csv")


def test_an_interval_cannot_end_before_it_starts():
    frame = pl.DataFrame(
        {"index": ["I"], "asset": ["A"], "start_date": ["2020-02-01"], "end_date": ["2020-01-01"]}
    )
    with pytest.raises(DataError, match="column 'end_date': 2020-01-01 is before start_date"):
        check_frame("index_members", frame, "members.csv")


def test_nan_and_blank_become_null():
    frame = check_frame(
        "bars_1d", bars(close=[1.0, float("nan"), 3.0, 4.0], amount=["", "1", "2", "3"])
    )
    assert frame["close"].null_count() == 1
    assert frame["close"].is_nan().sum() == 0
    assert frame["amount"].null_count() == 1


def test_flags_read_words_and_refuse_others():
    frame = pl.DataFrame(
        {"asset": ["A", "B"], "start_date": ["2020-01-02"] * 2, "is_st": ["是", "0"]}
    )
    assert check_frame("status", frame)["is_st"].to_list() == [True, False]
    with pytest.raises(DataError, match="'maybe' is not yes or no"):
        check_frame("status", frame.with_columns(is_st=pl.lit("maybe")), "names.csv")


def test_times_with_a_zone_keep_the_clock_on_the_wall():
    stamps = pl.Series([datetime(2020, 1, 2, 1, 45)]).dt.replace_time_zone("UTC")
    frame = (
        bars().head(1).drop("date").with_columns(time=stamps.dt.convert_time_zone("Asia/Shanghai"))
    )
    assert check_frame("bars_15min", frame)["time"].to_list() == [datetime(2020, 1, 2, 9, 45)]


@pytest.mark.parametrize("name", sorted(TABLES))
def test_keys_are_columns_and_required(name):
    spec = table_spec(name)
    assert set(spec.key) <= set(spec.columns)
    assert set(spec.required) >= set(spec.key) - {"revision"}
    assert sorted(sort_columns(spec)) == sorted({*spec.key, *([spec.date] if spec.date else [])})


def test_an_unknown_table_gets_a_suggestion():
    with pytest.raises(UnknownName, match="did you mean 'bars_1d'"):
        table_spec("bars_id")


@given(order=st.permutations(range(4)))
@settings(deadline=None, max_examples=10)
def test_order_of_rows_does_not_matter_when_sorting_is_asked(order):
    shuffled = bars()[list(order)]
    assert_frame_equal(check_frame("bars_1d", shuffled, sort=True), check_frame("bars_1d", bars()))


@pytest.mark.parametrize(
    ("text", "kind", "form"),
    [
        ("2020/01/31", "date", "%Y/%m/%d"),
        ("12/31/2012", "date", "%m/%d/%Y"),
        ("2020-01-02 09:45:00", "time", "%Y-%m-%d %H:%M:%S"),
        ("2020-01-02 15:00:00", "date", "%Y-%m-%d*"),
        ("soon", "date", ""),
    ],
)
def test_the_usual_date_formats_are_recognised(text, kind, form):
    assert guess_format(text, kind) == form


def test_memory_tables_cut_on_the_day_a_row_is_known():
    frame = pl.DataFrame(
        {
            "asset": ["A", "A"],
            "report_date": [date(2020, 3, 31), date(2020, 6, 30)],
            "announce_date": [date(2020, 4, 20), date(2020, 8, 20)],
            "net_profit": [1.0, 2.0],
        }
    )
    tables = MemoryTables({"statements": frame}, meta={"statements": {"known_at": "same_day"}})
    assert isinstance(tables, Tables)
    assert tables.read("statements", end="2020-07-31")["net_profit"].to_list() == [1.0]
    assert tables.read("statements", start="2020-04-20", end="2020-04-20").height == 1
    assert tables.read("statements", columns=["net_profit"], start="2020-04-21").rows() == [(2.0,)]
    assert tables.meta("statements") == {"known_at": "same_day"}
    assert tables.meta("bars_1d") == {}
    with pytest.raises(UnknownName, match="unknown column of statements 'net_profi'; did you mean"):
        tables.read("statements", columns=["net_profi"])
    with pytest.raises(UnknownName, match="unknown table 'bars'"):
        tables.read("bars")


def test_the_end_day_of_minute_bars_is_included_whole():
    frame = check_frame(
        "bars_15min",
        bars().with_columns(
            time=pl.Series(["2020-01-02 15:00:00", "2020-01-03 09:45:00"] * 2),
        ).drop("date"),
    )  # fmt: skip
    tables = MemoryTables({"bars_15min": frame})
    assert tables.read("bars_15min", end="2020-01-02").height == 2
    assert tables.read("bars_15min", start="2020-01-03").height == 2
