"""Excel files: sheets, junk above the headers, days as Excel keeps them."""

from __future__ import annotations

import sys
from datetime import date, datetime

import pytest
from small_xlsx import write_xlsx

from superhet.data.ingest import import_files
from superhet.data.sources.column_map import ColumnMap
from superhet.data.store import Store
from superhet.errors import DataError, MissingExtra

ROWS = [
    ["日线行情", None, None, None, None, None, None],
    ["日期", "代码", "开盘", "最高", "最低", "收盘", "成交量(手)"],
    [date(2020, 1, 2), "600000", 12.47, 12.64, 12.45, 0.1 + 12.37, 516290],
    [date(2020, 1, 3), "600000", 12.57, 12.63, 12.47, 12.6, "--"],
]
COLUMNS = {
    "date": "日期", "asset": "代码", "open": "开盘", "high": "最高", "low": "最低", "close": "收盘",
    "volume": "成交量(手)",
}  # fmt: skip
ENTRY = {
    "table": "bars_1d", "sheet": "行情", "skip_rows": 1, "columns": COLUMNS, "asset_format": "cn",
    "units": {"volume": 100},
}  # fmt: skip


@pytest.fixture
def book(tmp_path):
    write_xlsx(tmp_path / "daily.xlsx", {"说明": [["来自终端"]], "行情": ROWS})
    return tmp_path / "daily.xlsx"


def imported(path, entry, tmp_path):
    import_files(path, tmp_path / "s", ColumnMap.from_dict({"tables": [entry]}))
    return Store.open(tmp_path / "s").read(entry["table"])


def test_a_sheet_is_read_with_its_days_and_all_digits(book, tmp_path):
    bars = imported(book, ENTRY, tmp_path)
    assert bars["date"].to_list() == [date(2020, 1, 2), date(2020, 1, 3)]
    assert bars["asset"].to_list() == ["600000.SH"] * 2
    assert bars["close"][0] == 0.1 + 12.37
    assert bars["volume"].to_list() == [51_629_000.0, None]


def test_a_workbook_named_after_its_table_needs_no_map(tmp_path):
    stamp = datetime(2020, 1, 2, 9, 45)
    header = ["time", "asset", "open", "high", "low", "close", "volume"]
    write_xlsx(tmp_path / "bars_15min.xlsx", {"Sheet1": [header, [stamp, "AAPL", 1, 2, 1, 2, 100]]})
    import_files(tmp_path / "bars_15min.xlsx", tmp_path / "s")
    assert Store.open(tmp_path / "s").read("bars_15min")["time"].to_list() == [stamp]


def test_headers_can_be_given_by_the_map(tmp_path):
    write_xlsx(tmp_path / "a.xlsx", {"Sheet1": ROWS[2:3]})
    header = list(COLUMNS.values())
    entry = {**ENTRY, "sheet": None, "skip_rows": 0, "header": header}
    assert imported(tmp_path / "a.xlsx", entry, tmp_path)["open"].to_list() == [12.47]


def test_faults_of_a_workbook_are_named(book, tmp_path):
    with pytest.raises(DataError, match="no sheet '行惰'; known: 行情, 说明"):
        imported(book, {**ENTRY, "sheet": "行惰"}, tmp_path)
    with pytest.raises(DataError, match="no row of headers"):
        imported(book, {**ENTRY, "skip_rows": 9}, tmp_path)
    (tmp_path / "text.xlsx").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="text.xlsx: cannot be read as a workbook"):
        imported(tmp_path / "text.xlsx", {**ENTRY, "sheet": None}, tmp_path)


def test_without_the_library_the_extra_is_named(book, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(MissingExtra, match=r"superhet\[excel\]"):
        imported(book, ENTRY, tmp_path)
