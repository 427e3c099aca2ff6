"""A few bad rows among many are set aside: named, counted, and restorable; nothing is lost."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from superhet.data import Store, import_files
from superhet.data.quarantine import forget, listed, restore
from superhet.errors import DataError

DAY = date(2020, 1, 1)


def bars(rows: int) -> pl.DataFrame:
    """Make daily bars of one share, as text, all of them good."""
    return pl.DataFrame(
        {
            "date": [str(DAY + timedelta(days=i)) for i in range(rows)],
            "asset": ["600000.SH"] * rows,
            "open": ["10.0"] * rows,
            "high": ["10.5"] * rows,
            "low": ["9.5"] * rows,
            "close": ["10.2"] * rows,
            "volume": [str(1000 + i) for i in range(rows)],
        }
    )


def with_cells(frame: pl.DataFrame, cells: dict[tuple[int, str], str]) -> pl.DataFrame:
    """Write cells, given by row (from 0) and column."""
    for (row, column), value in cells.items():
        values = frame[column].to_list()
        values[row] = value
        frame = frame.with_columns(pl.Series(column, values))
    return frame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """4,000 rows, three of them bad: a word, a negative price, high below low."""
    cells = {(9, "close"): "n.a.x", (99, "open"): "-1", (999, "high"): "9.0"}
    with_cells(bars(4000), cells).write_csv(tmp_path / "bars_1d.csv")
    return tmp_path


def test_three_bad_rows_of_many_are_named_and_the_rest_is_in(folder: Path) -> None:
    report = import_files(folder, folder / "store")
    (table,) = report.tables
    assert (table.read, table.written, table.quarantined) == (4000, 3997, 3)
    assert [(f["row"], f["column"]) for f in table.faults] == [
        (10, "close"),
        (100, "open"),
        (1000, "high"),
    ]
    assert "'n.a.x' is not a finite number" in str(report)
    store = Store.open(folder / "store")
    assert store.read("bars_1d").height == 3997
    assert listed(store)["rule"].to_list() == ["not_a_number", "not_positive", "bad_ohlc"]


def test_bad_rows_of_a_small_file_or_too_many_are_an_error(tmp_path: Path) -> None:
    with_cells(bars(900), {(4, "close"): "x"}).write_csv(tmp_path / "bars_1d.csv")
    with pytest.raises(DataError, match="'x' is not a finite number") as caught:
        import_files(tmp_path, tmp_path / "store")
    assert caught.value.row == 5
    many = {(i, "close"): "x" for i in range(0, 4000, 100)}
    with_cells(bars(4000), many).write_csv(tmp_path / "bars_1d.csv")
    with pytest.raises(DataError, match="'x' is not a finite number"):
        import_files(tmp_path, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    import_files(tmp_path, tmp_path / "store", quarantine=0.02)
    assert Store.open(tmp_path / "store").read("bars_1d").height == 3960


def test_no_row_is_set_aside_where_none_may_be(folder: Path) -> None:
    with pytest.raises(DataError, match=r"n.a.x"):
        import_files(folder, folder / "store", quarantine=None)


def test_equal_rows_count_once_and_contradictory_ones_not_at_all(tmp_path: Path) -> None:
    frame = bars(4000)
    twice = pl.concat([frame, frame[5:6], with_cells(frame[7:8], {(0, "close"): "10.3"})])
    twice.write_csv(tmp_path / "bars_1d.csv")
    map_ = {"tables": [{"table": "bars_1d", "files": "bars_1d.csv", "sort": True}]}
    (tmp_path / "map.yaml").write_text(str(map_))
    report = import_files(tmp_path, tmp_path / "store", tmp_path / "map.yaml")
    assert (report.tables[0].written, report.tables[0].quarantined) == (3999, 3)
    store = Store.open(tmp_path / "store")
    left = set(bars(4000)["date"]) - set(store.read("bars_1d")["date"].cast(pl.String))
    assert left == {str(DAY + timedelta(days=7))}


def test_dates_out_of_order_speak_of_the_whole_file(tmp_path: Path) -> None:
    frame = bars(4000)
    pl.concat([frame[1:], frame[:1]]).write_csv(tmp_path / "bars_1d.csv")
    with pytest.raises(DataError, match="dates are not in order"):
        import_files(tmp_path, tmp_path / "store")


def test_a_mended_row_goes_back_and_leaves_quarantine(folder: Path) -> None:
    import_files(folder, folder / "store")
    store = Store.open(folder / "store")
    word = listed(store, rule="not_a_number")
    with pytest.raises(DataError, match="n.a.x"):
        restore(store, word, {}, as_read=True)
    restore(store, word, {"close": "10.1"}, as_read=True)
    day = DAY + timedelta(days=9)
    assert store.read("bars_1d", start=day, end=day)["close"].to_list() == [10.1]
    assert listed(store).height == 2
    assert store.read("bars_1d").height == 3998


def test_a_row_never_takes_the_place_of_one_that_is_there(folder: Path) -> None:
    import_files(folder, folder / "store")
    store = Store.open(folder / "store")
    row = listed(store, rule="not_a_number")
    with pytest.raises(DataError, match="a row with this key already"):
        restore(store, row, {"close": "10.1", "date": str(DAY)}, as_read=True)
    assert listed(store).height == 3


def test_importing_again_replaces_what_was_set_aside(folder: Path) -> None:
    import_files(folder, folder / "store")
    bars(4000).write_csv(folder / "bars_1d.csv")
    import_files(folder, folder / "store")
    assert listed(Store.open(folder / "store")).is_empty()


def test_forgotten_rows_are_gone(folder: Path) -> None:
    import_files(folder, folder / "store")
    store = Store.open(folder / "store")
    forget(store, listed(store, rule="bad_ohlc"))
    assert listed(store)["rule"].to_list() == ["not_a_number", "not_positive"]
    assert store.read("bars_1d").height == 3997


def test_a_row_set_aside_before_its_units_were_known_is_not_put_back_as_it_is(
    tmp_path: Path,
) -> None:
    with_cells(bars(4000), {(9, "close"): "n.a.x"}).write_csv(tmp_path / "bars_1d.csv")
    entry = {"table": "bars_1d", "files": "bars_1d.csv", "units": {"volume": 100}}
    (tmp_path / "map.yaml").write_text(str({"tables": [entry]}))
    import_files(tmp_path, tmp_path / "store", tmp_path / "map.yaml")
    store = Store.open(tmp_path / "store")
    with pytest.raises(DataError, match=r"before the units.*--as-read"):
        restore(store, listed(store), {"close": "10.1"})
    restore(store, listed(store), {"close": "10.1", "volume": "100900"}, as_read=True)
    day = DAY + timedelta(days=9)
    assert store.read("bars_1d", start=day, end=day)["volume"].to_list() == [100900.0]


def test_a_row_that_breaks_a_rule_has_its_units_and_goes_back(tmp_path: Path) -> None:
    with_cells(bars(4000), {(9, "high"): "9.0"}).write_csv(tmp_path / "bars_1d.csv")
    entry = {"table": "bars_1d", "files": "bars_1d.csv", "units": {"volume": 100}}
    (tmp_path / "map.yaml").write_text(str({"tables": [entry]}))
    import_files(tmp_path, tmp_path / "store", tmp_path / "map.yaml")
    store = Store.open(tmp_path / "store")
    restore(store, listed(store), {"high": "10.5"})
    day = DAY + timedelta(days=9)
    assert store.read("bars_1d", start=day, end=day)["volume"].to_list() == [100900.0]
