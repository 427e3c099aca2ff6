"""Every folder of unconverted vendor files: a drafted map imports it, and what came in is what is known."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import polars as pl
import pytest
import yaml

from superhet.data.ingest import import_files
from superhet.data.sources.column_map import ColumnMap
from superhet.data.sources.draft_map import draft_map
from superhet.data.store import Store
from superhet.errors import DataError

SAMPLES = Path(__file__).parents[3] / "shared/data/raw-samples"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not SAMPLES.exists(), reason="the real market data are not beside the project"
    ),
]


@pytest.fixture
def come_in(tmp_path):
    """Draft a map of a folder, import with it: tables of the map, doubts, rows of the report, the store."""

    def run(name):
        draft = draft_map(SAMPLES / name)
        content = yaml.safe_load(draft.text)
        report = import_files(SAMPLES / name, tmp_path / "s", ColumnMap.from_dict(content))
        rows = {t.table: (t.read, t.written) for t in report.tables}
        for table in report.tables:
            assert table.read == table.written + sum(table.dropped.values())
        return content["tables"], draft, rows, Store.open(tmp_path / "s")

    return run


def test_xbx_one_file_with_and_one_without_headers(come_in):
    tables, _, rows, store = come_in("cn_daily_xbx")
    assert rows == {"bars_1d": (3298, 3298)}
    assert {len(t.get("header", [])) for t in tables} == {0, 12}
    first = store.read("bars_1d").filter(pl.col("asset") == "600005.SH").row(0, named=True)
    assert (first["date"], first["close"], first["volume"]) == (date(2010, 6, 3), 4.78, 20_566_248)
    last = store.read("bars_1d").filter(pl.col("asset") == "600005.SH")["adjust_factor"][-1]
    assert last > 1.1  # its dividends, found in the ex-right previous close


def test_wind_monthly_in_gbk_dated_by_the_name_of_the_file(come_in):
    tables, _, rows, store = come_in("cn_monthly_wind_gbk")
    assert rows == {"daily": (300, 300)}
    assert tables[0]["encoding"] == "gb18030"
    assert store.read("daily")["date"].unique().to_list() == [date(2012, 1, 31)]
    assert 0.0 < store.read("daily")["earnings_yield"].median() < 0.2


def test_industries_in_gbk(come_in):
    _, _, rows, store = come_in("cn_industry_gbk")
    assert rows == {"industry": (1499, 1365)}
    frame = store.read("industry").filter(pl.col("asset") == "600000.SH")
    assert frame.select("scheme", "industry", "start_date").rows() == [
        ("sw1", "银行", date(2023, 3, 20))
    ]


def test_akshare_lots_and_silently_forward_adjusted(come_in):
    tables, draft, rows, store = come_in("cn_daily_akshare")
    assert rows == {"bars_1d": (799, 799), "daily": (799, 799)}
    assert tables[0]["units"] == {"volume": 100}
    assert any("forward-adjusted" in doubt for doubt in draft.doubts)
    assert store.read("bars_1d")["volume"][0] == 20_028_300


def test_tushare_newest_first_and_silently_forward_adjusted(come_in):
    tables, draft, rows, store = come_in("cn_daily_tushare")
    assert rows == {"bars_1d": (399, 399), "securities": (599, 599)}
    assert tables[0]["sort"] is True
    assert tables[0]["units"] == {"volume": 100, "amount": 1000}
    assert any("forward-adjusted" in doubt for doubt in draft.doubts)
    assert store.read("bars_1d")["date"].is_sorted()


def test_baostock_shuffled_with_status_and_flags(come_in):
    tables, draft, rows, store = come_in("cn_daily_baostock")
    assert rows == {"bars_1d": (499, 499), "daily": (499, 499)}
    assert not any("adjusted" in doubt for doubt in draft.doubts)
    frame = store.read("bars_1d")
    assert frame["asset"].unique().to_list() == ["600745.SH"]
    assert frame["adjust_factor"].n_unique() == 3  # two days with another previous close
    turnover = store.read("daily")["turnover_rate"]
    assert abs(turnover[0] - 0.025523) < 1e-12
    assert "is_st" in tables[0]["columns"]


def test_quarterly_tushare_with_repeated_pages(come_in):
    tables, _, rows, store = come_in("cn_quarterly_tushare")
    assert rows == {"statements": (2998, 2596)}
    assert [t.get("drop_duplicates") for t in tables] == [None, "first"]
    frame = store.read("statements")
    half = frame.filter(pl.col("report_date") == date(2015, 6, 30))
    in_time = half["announce_date"].is_between(date(2015, 7, 1), date(2015, 9, 2))
    assert in_time.mean() > 0.9  # the others are prospectuses of shares that were listed later
    assert frame.filter(pl.col("report_date") == date(2015, 12, 31)).height == 999
    wanted = half.filter(pl.col("asset") == "600977.SH").row(0, named=True)
    assert wanted["net_profit"] == 450_457_000.0


def test_transposed_annual_statements_and_a_file_of_sections(come_in):
    _, draft, rows, store = come_in("cn_annual_statements")
    assert rows == {"statements": (54, 54)}
    frame = store.read("statements")
    wanted = frame.filter(
        (pl.col("asset") == "600519.SH") & (pl.col("report_date") == date(2019, 12, 31))
    )
    assert wanted["revenue"].to_list() == [85_429_570_000.0]
    assert list(draft.refused) == ["revenueByIndustry_600519.csv"]
    with pytest.raises(DataError, match="no one table"):
        draft_map(SAMPLES / "cn_annual_statements/revenueByIndustry_600519.csv")


def test_fifteen_minutes_stamped_at_their_end(come_in):
    _, _, rows, store = come_in("cn_15min")
    assert rows == {"bars_15min": (2298, 2298)}
    clocks = store.read("bars_15min")["time"].dt.time()
    assert (clocks.min(), clocks.max()) == (time(9, 45), time(15, 0))
    assert store.read("bars_15min")["asset"].unique().sort().to_list() == ["600000.SH", "600777.SH"]


def test_macro_with_empty_rows_and_an_index_newest_first(come_in):
    tables, _, rows, store = come_in("cn_macro")
    assert rows == {"index_bars": (599, 599), "macro": (653, 651)}
    assert tables[0]["units"] == {"volume": 10_000, "amount": 10_000}
    last = store.read("index_bars").row(-1, named=True)
    assert (last["index"], last["date"], last["close"]) == ("H30374", date(2021, 12, 31), 4230.64)


def test_google_with_zero_opens(come_in):
    _, _, rows, store = come_in("us_daily_google")
    assert rows == {"bars_1d": (899, 898)}
    opens = store.read("bars_1d").filter(pl.col("asset") == "AAPL")["open"]
    assert opens.null_count() == len(opens) == 499


def test_yahoo_with_two_rows_of_headers(come_in):
    _, draft, rows, _ = come_in("us_daily_yahoo")
    assert rows == {"index_bars": (598, 598)}
    assert any("series of closes" in doubt for doubt in draft.doubts)


def test_american_statements_of_three_makes(come_in):
    tables, draft, rows, store = come_in("us_fundamentals")
    assert rows == {"statements": (323, 323)}
    assert [t.get("date_format") for t in tables] == [None, {"report_date": "%m/%d/%Y"}, None]
    assert any(
        "one store holds one" in doubt for doubt in draft.doubts
    )  # quarters and years together
    frame = store.read("statements").filter(pl.col("asset") == "AAPL")
    assert (
        frame.filter(pl.col("report_date") == date(2009, 6, 27))["net_profit"][0] == 1_229_000_000
    )


def test_a_folder_of_qlib_needs_no_map():
    with pytest.raises(DataError, match="--source qlib_bin"):
        draft_map(SAMPLES / "cn_qlib_bin")
