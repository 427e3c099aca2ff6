"""An import writes every row or says under which name it left it out; a failed one changes nothing."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest

from superhet.data.base import SOURCES
from superhet.data.ingest import import_files
from superhet.data.sources.column_map import ColumnMap
from superhet.data.store import Store
from superhet.data.store.lock import writer_lock
from superhet.errors import ConfigError, DataError, StoreLocked, UnknownName

HEADER = "date,asset,open,high,low,close,volume"


def bar(day="2020-01-02", asset="A", prices="10,11,9,10", volume="100") -> str:
    return f"{day},{asset},{prices},{volume}"


def folder(path, **files):
    for name, lines in files.items():
        file = path / name.replace("__", "/").replace("_csv", ".csv")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def mapped(*tables) -> ColumnMap:
    return ColumnMap.from_dict({"tables": list(tables)})


def test_files_named_after_tables_need_no_map(tmp_path):
    source = folder(
        tmp_path / "in", bars_1d_csv=[HEADER, bar()], calendar_csv=["date", "2020-01-02"]
    )
    report = import_files(source, tmp_path / "store")
    assert Store.open(tmp_path / "store").names() == ["bars_1d", "calendar"]
    assert {(t.table, t.read, t.written) for t in report.tables} == {
        ("bars_1d", 1, 1),
        ("calendar", 1, 1),
    }
    assert SOURCES.get("files") is import_files


def test_a_folder_named_after_a_table_holds_its_parts(tmp_path):
    source = folder(
        tmp_path / "in",
        bars_1d__2019_csv=[HEADER, bar("2019-01-02")],
        bars_1d__2020_csv=[HEADER, bar()],
    )
    (table,) = import_files(source, tmp_path / "store").tables
    assert (table.files, table.written, table.first, table.last) == (
        2,
        2,
        "2019-01-02",
        "2020-01-02",
    )


def test_files_that_carry_no_tables_name_ask_for_a_map(tmp_path):
    source = folder(tmp_path / "in", prices_csv=[HEADER, bar()])
    with pytest.raises(
        DataError, match=r"no file here is named after a table. Write a column map \(--map\)"
    ):
        import_files(source, tmp_path / "store")
    with pytest.raises(DataError, match="there is no such file or folder; check --path"):
        import_files(tmp_path / "nowhere", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_dropped_rows_are_counted_by_name_and_nothing_is_lost(tmp_path):
    source = folder(
        tmp_path / "in",
        x_csv=[
            HEADER,
            bar(),
            bar("2020-01-03", prices="10,9,8,10"),
            bar("2020-01-06", prices="0,11,9,10"),
            bar("2020-01-07", volume="0"),
            ",,,,,,",
            bar("2020-01-04"),
            bar("2020-01-08"),
            bar("2020-01-08", prices="12,13,11,12"),
            bar("2020-01-09", asset="TEST"),
        ],
    )
    entry = {
        "table": "bars_1d",
        "files": "x.csv",
        "drop": [
            "empty_row", "bad_ohlc", "non_positive_price", "no_trade", "not_a_session",
            {"test_names": "asset == 'TEST'"},
        ],
        "drop_duplicates": "last",
    }  # fmt: skip
    folder(source, c_csv=["date", *(f"2020-01-{d:02d}" for d in (2, 3, 6, 7, 8, 9))])
    both = mapped(entry, {"table": "calendar", "files": "c.csv"})
    report = import_files(source, tmp_path / "store", both)
    table = next(t for t in report.tables if t.table == "bars_1d")
    assert table.dropped == {
        "empty_row": 1,
        "bad_ohlc": 2,  # an open of 0 lies below the low, too
        "non_positive_price": 0,
        "no_trade": 1,
        "not_a_session": 1,
        "test_names": 1,
        "duplicate": 1,
    }
    assert table.read == table.written + sum(table.dropped.values())
    frame = Store.open(tmp_path / "store").read("bars_1d")
    assert frame.select("date", "close").rows() == [
        (date(2020, 1, 2), 10.0),
        (date(2020, 1, 8), 12.0),
    ]
    assert "bad_ohlc 2" in str(report)
    assert json.loads(json.dumps(report.to_dict()))["tables"][0]["table"] == "calendar"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            [bar(), bar()],
            r"in/x.csv, row 2, column 'asset': the same date and asset a second time: 'A'",
        ),
        (
            [bar("2020-01-03"), bar()],
            r"in/x.csv, row 2, column 'date': dates are not in order.*sort: true",
        ),
        (
            [bar(), bar("2020-01-03", prices="a,1,1,1")],
            r"in/x.csv, row 2, column 'open': 'a' is not a finite",
        ),
        (
            [bar(prices="10,11,-9,10")],
            r"in/x.csv, row 1, column 'low': -9.0 is not a positive price",
        ),
        ([bar(prices="10,8,9,10")], r"in/x.csv, row 1, column 'high': high 8.0 is below low"),
        ([bar("2020-01-05")], r"in/x.csv, row 1, column 'date': 2020-01-05 is not in the calendar"),
        ([bar("05.01.2020")], r"in/x.csv, row 1, column 'date': '05.01.2020' is not a date"),
        ([bar("")], r"in/x.csv, row 1, column 'date': missing .*drop: \[missing_key\]"),
    ],
)
def test_bad_files_are_named_and_leave_the_store_as_it_was(tmp_path, lines, message):
    store = Store.create(tmp_path / "store")
    days = pl.DataFrame({"date": [date(2020, 1, 2), date(2020, 1, 3)]})
    snapshot = store.write({"calendar": days})
    source = folder(tmp_path, in__x_csv=[HEADER, *lines])
    with pytest.raises(DataError, match=message):
        import_files(source, store.path, mapped({"table": "bars_1d", "files": "in/*.csv"}))
    assert Store.open(store.path).snapshot == snapshot


def test_the_right_file_is_named_among_several(tmp_path):
    source = folder(
        tmp_path / "in",
        a_csv=[HEADER, bar("2020-01-02"), bar("2020-01-03")],
        b_csv=[HEADER, bar("2020-01-06"), bar("2020-01-03")],
    )
    entry = {"table": "bars_1d", "files": "*.csv", "sort": True}
    with pytest.raises(DataError, match="b.csv, row 2, column 'asset': the same date and asset"):
        import_files(source, tmp_path / "store", mapped(entry))


def test_newest_first_files_need_the_word_sort(tmp_path):
    source = folder(tmp_path / "in", x_csv=[HEADER, bar("2020-01-03"), bar("2020-01-02")])
    import_files(
        source, tmp_path / "store", mapped({"table": "bars_1d", "files": "x.csv", "sort": True})
    )
    days = Store.open(tmp_path / "store").read("bars_1d")["date"].to_list()
    assert days == [date(2020, 1, 2), date(2020, 1, 3)]


def test_importing_again_is_idempotent(tmp_path):
    source = folder(tmp_path / "in", bars_1d_csv=[HEADER, bar()])
    first = import_files(source, tmp_path / "store")
    second = import_files(source, tmp_path / "store")
    assert first == second
    assert Store.open(tmp_path / "store").info()["writes"] == 1


def test_upsert_adds_days_to_a_table(tmp_path):
    source = folder(tmp_path / "in", bars_1d_csv=[HEADER, bar()])
    import_files(source, tmp_path / "store")
    folder(source, bars_1d_csv=[HEADER, bar("2020-01-03"), bar(prices="12,13,11,12")])
    with pytest.raises(DataError, match="dates are not in order"):
        import_files(source, tmp_path / "store", mode="upsert")
    folder(source, bars_1d_csv=[HEADER, bar(prices="12,13,11,12"), bar("2020-01-03")])
    import_files(source, tmp_path / "store", mode="upsert")
    assert Store.open(tmp_path / "store").read("bars_1d")["close"].to_list() == [12.0, 10.0]


def test_columns_are_joined_derived_and_assumed(tmp_path):
    source = folder(
        tmp_path / "in",
        bars_csv=[HEADER, bar("2020-01-02"), bar("2020-01-03", prices="20,22,18,20")],
        adjusted_csv=["day,code,adj", "2020-01-02,A,5", "2020-01-03,A,20"],
        annual_csv=["code,period,profit", "A,2019-12-31,3"],
    )
    report = import_files(
        source,
        tmp_path / "store",
        mapped(
            {
                "table": "bars_1d",
                "files": "bars.csv",
                "join": [
                    {
                        "files": "adjusted.csv",
                        "by": {"date": "day", "asset": "code"},
                        "columns": {"_adjusted": "adj"},
                    }
                ],
                "derive": {"adjust_factor": "rebased(_adjusted / close)"},
            },
            {
                "table": "statements",
                "files": "annual.csv",
                "columns": {"asset": "code", "report_date": "period", "net_profit": "profit"},
                "assume": {"announce_date": {"after": "report_date", "months": 4}},
                "basis": {"net_profit": "ytd"},
                "known_at": "next_session",
            },
        ),
    )
    store = Store.open(tmp_path / "store")
    assert store.read("bars_1d")["adjust_factor"].to_list() == [1.0, 2.0]
    assert "_adjusted" not in store.read("bars_1d").columns
    assert store.read("statements")["announce_date"].to_list() == [date(2020, 4, 30)]
    assert store.meta("statements") == {"basis": {"net_profit": "ytd"}, "known_at": "next_session"}
    assert report.snapshot == store.snapshot


def test_units_and_words_of_joined_columns_are_ours_too(tmp_path):
    source = folder(
        tmp_path / "in",
        bars_csv=[HEADER, bar(), bar("2020-01-03")],
        names_csv=["code,where", "A,科创板"],
        shares_csv=["code,lots", "A,5"],
    )
    names = {"files": "names.csv", "by": {"asset": "code"}, "columns": {"board": "where"}}
    shares = {"files": "shares.csv", "by": {"asset": "code"}, "columns": {"float_shares": "lots"}}
    securities = {
        "table": "securities",
        "files": "bars.csv",
        "columns": {"asset": "asset"},
        "join": [names],
        "values": {"board": {"科创板": "star"}},
        "drop_duplicates": "first",
    }
    bars = {
        "table": "bars_1d",
        "files": "bars.csv",
        "join": [shares],
        "units": {"float_shares": 100},
    }
    report = import_files(source, tmp_path / "store", mapped(securities, bars))
    store = Store.open(tmp_path / "store")
    assert store.read("securities").select("asset", "board").rows() == [("A", "star")]
    assert store.read("bars_1d")["float_shares"].to_list() == [500.0, 500.0]
    assert report.tables[0].dropped == {"duplicate": 1}


def test_a_join_that_would_multiply_rows_is_refused(tmp_path):
    source = folder(
        tmp_path / "in",
        bars_csv=[HEADER, bar()],
        other_csv=["date,asset,x", *["2020-01-02,A,5"] * 2],
    )
    join = {"files": "other.csv", "by": {"date": "date", "asset": "asset"}, "columns": {"_x": "x"}}
    entry = {"table": "bars_1d", "files": "bars.csv", "join": [join]}
    with pytest.raises(
        ConfigError, match=r"tables\[0\].join: other.csv: date, asset do not name one row"
    ):
        import_files(source, tmp_path / "store", mapped(entry))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"drop": [{"x": "clse is null"}]},
            r"tables\[0\].drop\[0\].x: unknown column 'clse'; did you mean",
        ),
        (
            {"derive": {"amount": "close * volum"}},
            r"tables\[0\].derive.amount: unknown column 'volum'",
        ),
        ({"drop": ["not_a_session"]}, r"tables\[0\].drop: not_a_session needs a calendar"),
        (
            {"assume": {"date": {"after": "day"}}},
            r"tables\[0\].assume.date.after: there is no column 'day'",
        ),
    ],
)
def test_a_map_that_does_not_fit_the_files_is_named_by_key(tmp_path, changes, message):
    source = folder(tmp_path / "in", bars_csv=[HEADER, bar()])
    with pytest.raises(ConfigError, match=message):
        import_files(
            source, tmp_path / "store", mapped({"table": "bars_1d", "files": "bars.csv", **changes})
        )


def test_a_basis_for_a_column_that_is_not_there_is_refused(tmp_path):
    source = folder(
        tmp_path / "in", s_csv=["asset,report_date,announce_date,eps", "A,2020-03-31,2020-04-20,1"]
    )
    entry = {"table": "statements", "files": "s.csv", "basis": {"net_profit": "ytd"}}
    with pytest.raises(ConfigError, match="basis.net_profit: table statements has no such column"):
        import_files(source, tmp_path / "store", mapped(entry))


def test_two_entries_of_one_table_are_put_together(tmp_path):
    source = folder(
        tmp_path / "in",
        a_csv=["period,release_date,value", "2020-01-31,2020-02-01,50.1"],
        b_csv=["日期,猪肉", "2020-01-02,45.5", ","],
    )
    import_files(
        source,
        tmp_path / "store",
        mapped(
            {"table": "macro", "files": "a.csv", "constants": {"series": "pmi"}},
            {
                "table": "macro",
                "files": "b.csv",
                "columns": {"period": "日期", "release_date": "日期", "value": "猪肉"},
                "constants": {"series": "pork"},
                "drop": ["missing_key"],
            },
        ),
    )
    frame = Store.open(tmp_path / "store").read("macro")
    assert frame.select("series", "value").rows() == [("pork", 45.5), ("pmi", 50.1)]


def test_progress_counts_files(tmp_path):
    source = folder(
        tmp_path / "in", bars_1d__a_csv=[HEADER, bar()], bars_1d__b_csv=[HEADER, bar("2020-01-03")]
    )
    seen: list[tuple[int, int, str]] = []
    import_files(source, tmp_path / "store", progress=lambda *step: seen.append(step))
    assert seen == [(0, 2, "bars_1d/a.csv"), (1, 2, "bars_1d/b.csv"), (2, 2, "writing")]


def test_headers_that_are_not_used_are_listed(tmp_path):
    source = folder(tmp_path / "in", bars_1d_csv=[HEADER + ",mood", bar() + ",good"])
    report = import_files(source, tmp_path / "store")
    assert report.tables[0].ignored == ["mood"]
    assert "headers not used: mood" in str(report)


def test_one_file_can_be_named_as_the_path(tmp_path):
    source = folder(tmp_path / "in", x_csv=[HEADER, bar()], y_csv=[HEADER, bar("2020-01-03")])
    (table,) = import_files(
        source / "x.csv", tmp_path / "store", mapped({"table": "bars_1d"})
    ).tables
    assert (table.files, table.written) == (1, 1)


def test_a_locked_store_is_an_error_of_the_import(tmp_path):
    source = folder(tmp_path / "in", bars_1d_csv=[HEADER, bar()])
    store = Store.create(tmp_path / "store")
    with writer_lock(store.path), pytest.raises(StoreLocked):
        import_files(source, store)


def test_an_unknown_source_gets_a_suggestion():
    with pytest.raises(UnknownName, match="unknown source 'file'; did you mean 'files'"):
        SOURCES.get("file")
