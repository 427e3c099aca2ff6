"""Drafted column maps: synthetic files of the make of each vendor are told apart, mapped and imported."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pytest
import typer
import yaml
from small_xlsx import write_xlsx
from typer.testing import CliRunner

from superhet.cli.data_export import register
from superhet.data.ingest import import_files
from superhet.data.sources.column_map import ColumnMap
from superhet.data.sources.draft_map import draft_map
from superhet.data.store import Store
from superhet.errors import DataError

app = typer.Typer()
register(app)
DAYS = [d for k in range(140) if (d := date(2020, 1, 2) + timedelta(days=k)).weekday() < 5]


def prices(seed=0):
    """Give open, high, low, close and volume on a tick of 0.01."""
    rng, days = np.random.default_rng(seed), len(DAYS)
    close = np.round(np.exp(3 + np.cumsum(rng.normal(0, 0.02, days))), 2)
    start = np.round(close * rng.uniform(0.99, 1.01, days), 2)
    high = np.round(np.maximum(start, close) + 0.05, 2)
    low = np.round(np.minimum(start, close) - 0.05, 2)
    return start, high, low, close, np.round(rng.uniform(1e6, 1e7, days), -2)


def bars(row, seed=0, newest_first=False):
    """Write lines, one a day: `row` gives the cells of (day, o, h, low, c, previous, v, mean)."""
    start, high, low, close, volume = prices(seed)
    previous = np.r_[close[0], close[:-1]]
    mean = (high + low + close) / 3
    cells = zip(DAYS, start, high, low, close, previous, volume, mean, strict=True)
    lines = [",".join(str(c) for c in row(*one)) for one in cells]
    return lines[::-1] if newest_first else lines


def put(path, header, lines, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join([*header, *lines]) + "\n").encode(encoding))
    return path


def drafted(path, tmp_path):
    """Draft a map, import with it; give the draft's first table, its doubts, and the store."""
    draft = draft_map(path)
    content = yaml.safe_load(draft.text)
    store = tmp_path / "drafted"
    import_files(path, store, ColumnMap.from_dict(content))
    return content["tables"], draft.doubts, Store.open(store)


def assert_bars(store, seed=0, asset="600000.SH"):
    start, high, low, close, volume = prices(seed)
    frame = store.read("bars_1d")
    assert frame["date"].to_list() == DAYS
    assert frame["asset"].unique().to_list() == [asset]
    for column, true in zip(
        ("open", "high", "low", "close", "volume"), (start, high, low, close, volume), strict=True
    ):
        np.testing.assert_allclose(frame[column], true, rtol=1e-9)
    if "amount" in frame.columns:
        np.testing.assert_allclose(frame["amount"], volume * (high + low + close) / 3, rtol=1e-4)


def test_tushare_daily_newest_first_lots_and_thousands(tmp_path):
    put(
        tmp_path / "in/600000.SH.csv",
        ["ts_code,trade_date,open,high,low,close,pre_close,change,pct_chg,vol,amount"],
        bars(
            lambda d, o, h, w, c, p, v, m: (
                "600000.SH", f"{d:%Y%m%d}", o, h, w, c, p, c - p, 0, v / 100, v * m / 1000,
            ),
            newest_first=True,
        ),
    )  # fmt: skip
    (table,), _, store = drafted(tmp_path / "in", tmp_path)
    assert_bars(store)
    assert table["units"] == {"volume": 100, "amount": 1000}
    assert table["sort"] is True
    assert table["date_format"] == {"date": "%Y%m%d"}


def test_akshare_daily_with_a_mark_of_utf8_and_a_turnover_in_percent(tmp_path):
    put(
        tmp_path / "in/600000.csv",
        ["日期,股票代码,开盘,收盘,最高,最低,成交量,成交额,振幅,涨跌幅,涨跌额,换手率"],
        bars(
            lambda d, o, h, w, c, p, v, m: (d, "600000", o, c, h, w, v / 100, v * m, 1, 1, 1, 0.5)
        ),
        "utf-8-sig",
    )
    tables, doubts, store = drafted(tmp_path / "in", tmp_path)
    assert_bars(store)
    assert [t["table"] for t in tables] == ["bars_1d", "daily"]
    assert store.read("daily")["turnover_rate"].unique().to_list() == [0.005]
    assert any("no adjust factor" in doubt for doubt in doubts)


def test_baostock_daily_shuffled_with_flags_and_an_ex_right_previous_close(tmp_path):
    step = DAYS[50]  # ten for ten: the exchange halves the previous close
    lines = bars(
        lambda d, o, h, w, c, p, v, m: (
            v, "sh.600000", h, 3, 1 if d != DAYS[3] else 0, p / 2 if d == step else p, o, c, 0, w, d, v * m,
        )
    )  # fmt: skip
    header = "volume,code,high,adjustflag,tradestatus,preclose,open,close,isST,low,date,amount"
    put(tmp_path / "in/sh.600000.csv", [header], lines)
    (table,), _, store = drafted(tmp_path / "in", tmp_path)
    assert_bars(store)
    frame = store.read("bars_1d")
    assert frame["adjust_factor"].to_list() == [1.0] * 50 + [2.0] * (len(DAYS) - 50)
    assert frame["suspended"].to_list().index(True) == 3
    assert table["derive"]["adjust_factor"] == "ex_right(close, _previous)"


def test_a_junk_first_line_and_a_neighbour_without_headers(tmp_path):
    names = "股票代码,股票名称,交易日期,开盘价,最高价,最低价,收盘价,前收盘价,成交量,成交额,流通市值,总市值"

    def row(d, o, h, w, c, p, v, m):
        return ("sh600000", "样本", d, o, h, w, c, p, v, v * m, c * 1e9, c * 2e9)

    put(tmp_path / "in/sh600000.csv", ["数据由某某整理", names], bars(row))
    lines = [line.replace("sh600000", "sz000001") for line in bars(row, seed=1)]
    put(tmp_path / "in/sz000001.csv", ["数据由某某整理"], lines)
    tables, doubts, store = drafted(tmp_path / "in", tmp_path)
    assert [t["skip_rows"] for t in tables] == [1, 1]
    frame = store.read("bars_1d")
    assert frame.group_by("asset").len().sort("asset").rows() == [
        ("000001.SZ", len(DAYS)), ("600000.SH", len(DAYS)),
    ]  # fmt: skip
    np.testing.assert_allclose(frame["total_shares"], 2e9, rtol=1e-9)
    assert any("have no headers" in doubt for doubt in doubts)
    alone = draft_map(put(tmp_path / "alone/sz000001.csv", ["数据由某某整理"], lines))
    assert yaml.safe_load(alone.text)["tables"][0]["header"][:3] == ["asset", "name", "date"]


def test_a_text_export_of_tdx_in_gbk_with_a_title_and_a_last_line(tmp_path):
    lines = bars(lambda d, o, h, w, c, p, v, m: (f"{d:%Y/%m/%d}", o, h, w, c, v, round(v * m, 2)))
    lines = [line.replace(",", "\t") for line in lines]
    header = "\t".join(
        ("      日期", "    开盘", "    最高", "    最低", "    收盘", "    成交量", "    成交额")
    )
    put(
        tmp_path / "in/SH#600000.txt",
        ["600000 样本 日线 不复权", header],
        [*lines, "数据来源:通达信"],
        "gb18030",
    )
    (table,), _, store = drafted(tmp_path / "in", tmp_path)
    assert_bars(store)
    assert table["encoding"] == "gb18030"
    assert "数据来源:通达信" in table["missing"]


def test_forward_adjusted_prices_are_suspected(tmp_path):
    def row(d, o, h, w, c, p, v, m):
        f = 1.0 if d > DAYS[60] else 0.937
        return (f"{d}", *(round(x * f, 4) for x in (o, h, w, c)), v, v * m)

    put(tmp_path / "in/000001.csv", ["date,open,high,low,close,volume,money"], bars(row))
    _, doubts, _ = drafted(tmp_path / "in", tmp_path)
    assert any("forward-adjusted prices are suspected" in doubt for doubt in doubts)
    rounded = [
        ",".join([line.split(",")[0], *(f"{float(x):.2f}" for x in line.split(",")[1:])])
        for line in bars(row)
    ]
    put(tmp_path / "two/000001.csv", ["date,open,high,low,close,volume,money"], rounded)
    assert any("amount / volume" in doubt for doubt in draft_map(tmp_path / "two").doubts)
    raw = bars(lambda d, o, h, w, c, p, v, m: (d, o, h, w, c, v, v * m))
    put(tmp_path / "raw/000001.csv", ["date,open,high,low,close,volume,money"], raw)
    assert not any("adjusted prices" in doubt for doubt in draft_map(tmp_path / "raw").doubts)


@pytest.mark.parametrize(("label", "first"), [("end", "09:45:00"), ("start", "09:30:00")])
def test_minute_bars_and_what_they_are_stamped_with(tmp_path, label, first):
    clocks = {
        "end": ("09:45:00", "10:00:00", "15:00:00"),
        "start": ("09:30:00", "09:45:00", "14:45:00"),
    }
    lines = [
        f"{d} {c},600000,10.3,10.4,10.2,10.3,1000,10300.0" for d in DAYS[:30] for c in clocks[label]
    ]
    put(tmp_path / "in/m.csv", ["datetime,symbol,open,high,low,close,volume,amount"], lines)
    (table,), _, store = drafted(tmp_path / "in", tmp_path)
    assert table["table"] == "bars_15min"
    assert table.get("bar_label", "end") == label
    times = store.read("bars_15min")["time"].dt.time().unique().sort()
    assert [str(t) for t in times] == list(clocks["end"])


def test_minute_bars_of_a_day_and_a_clock(tmp_path):
    lines = [f"{d:%Y/%m/%d},{c},1,1,1,1,5,5" for d in DAYS[:5] for c in ("0935", "0940", "1500")]
    put(tmp_path / "in/sh600000.csv", ["日期,时间,开盘,最高,最低,收盘,成交量,成交额"], lines)
    (table,), _, store = drafted(tmp_path / "in", tmp_path)
    assert table["columns"]["time"] == ["日期", "时间"]
    assert store.read("bars_5min").height == 15


def test_quarterly_reports_with_repeated_pages_and_days_without_a_year(tmp_path):
    rows = ["0,603843,样本一,0.08,3.76,2399.31,09-02", "1,000002,样本二,--,13.9,6236.72,08-31"]
    rows += ["2,603843,样本一,0.08,3.76,2399.31,09-02", "3,600977,样本三,0.3,1,1,01-15"]
    put(tmp_path / "in/report2015_2.csv", [",code,name,eps,roe,net_profits,report_date"], rows)
    (table,), doubts, store = drafted(tmp_path / "in", tmp_path)
    frame = store.read("statements").sort("asset")
    assert frame["asset"].to_list() == ["000002.SZ", "600977.SH", "603843.SH"]
    assert frame["report_date"].unique().to_list() == [date(2015, 6, 30)]
    assert frame["announce_date"].to_list() == [
        date(2015, 8, 31),
        date(2016, 1, 15),
        date(2015, 9, 2),
    ]
    assert frame["eps"].to_list() == [None, 0.3, 0.08]
    np.testing.assert_allclose(frame["net_profit"], [62_367_200.0, 10_000.0, 23_993_100.0])
    assert table["drop_duplicates"] == "first"
    assert any("without a year" in doubt for doubt in doubts)


def test_transposed_statements_in_ten_thousands(tmp_path):
    lines = ["营业收入(万元),300,200,100,", "净利润(万元),30,--,10,", "\t\t"]
    put(tmp_path / "in/600519.csv", ["报告日期,2019-12-31,2018-12-31,2017-12-31,"], lines)
    (table,), doubts, store = drafted(tmp_path / "in", tmp_path)
    frame = store.read("statements").sort("report_date")
    assert frame["revenue"].to_list() == [1e6, 2e6, 3e6]
    assert frame["net_profit"].to_list() == [1e5, None, 3e5]
    assert str(frame["announce_date"][0]) == "2018-04-30"
    assert table["transpose"] == "报告日期"
    assert any("no day of publication" in doubt for doubt in doubts)


def test_statements_with_american_dates_and_their_flows(tmp_path):
    ends = [(y, m, d) for y in range(2014, 2018) for m, d in ((3, 31), (6, 30), (9, 30), (12, 31))]
    lines = [f"AAPL,{m:02}/{d}/{y},{100 * (i % 4 + 1)},{i}" for i, (y, m, d) in enumerate(ends)]
    put(
        tmp_path / "in/f.csv",
        ["Ticker Symbol,Period Ending,Net Income,Goodwill"],
        lines,
        "utf-8-sig",
    )
    (table,), _, store = drafted(tmp_path / "in", tmp_path)
    assert table["date_format"] == {"report_date": "%m/%d/%Y"}
    assert table["basis"] == {"net_profit": "ytd"}
    assert store.read("statements").height == 16
    assert "# goodwill: Goodwill   # 0, 1" in draft_map(tmp_path / "in").text


def test_industries_in_gbk(tmp_path):
    lines = [
        "2023-03-20,sh.600000,样本一,银行,申万一级行业",
        "2023-03-20,sh.600001,样本二,,申万一级行业",
    ]
    header = "updateDate,code,code_name,industry,industryClassification"
    put(tmp_path / "in/i.csv", [header], lines, "gbk")
    _, _, store = drafted(tmp_path / "in", tmp_path)
    assert store.read("industry").drop("end_date", strict=False).rows() == [
        ("600000.SH", "sw1", "银行", date(2023, 3, 20))
    ]


def test_a_series_with_empty_rows_at_its_end_is_macro(tmp_path):
    put(tmp_path / "in/pork.csv", ["日期,猪肉"], ["2009-01-02,20.1", "2009-01-09,20.06", ",", ","])
    (table,), doubts, store = drafted(tmp_path / "in", tmp_path)
    assert table["drop"] == ["missing_key"]
    assert store.read("macro")["value"].to_list() == [20.1, 20.06]
    assert any("no day of release" in doubt for doubt in doubts)


def test_two_rows_of_headers_and_zero_opens_of_american_files(tmp_path):
    put(
        tmp_path / "y/q.csv",
        ["symbol,date,close,volume", ",,AAPL,AAPL"],
        ["AAPL,2010-01-04,6.4,49"],
    )
    (table,), doubts, _ = drafted(tmp_path / "y", tmp_path / "1")
    assert (table["skip_rows_after_header"], table["table"]) == (1, "index_bars")
    assert any("series of closes" in doubt for doubt in doubts)
    lines = [f"{d} 16:00:00-05:00,0.0,1.2,1.1,1.2,300" for d in DAYS]
    put(tmp_path / "g/NASDAQ_AAPL_x.csv", [",Open,High,Low,Close,Volume"], lines)
    put(tmp_path / "g/NYSE_DUK.csv", [",Open,High,Low,Close,Volume"], lines)
    _, _, store = drafted(tmp_path / "g", tmp_path / "2")
    frame = store.read("bars_1d")
    assert frame["asset"].unique().sort().to_list() == ["AAPL", "DUK"]
    assert frame["open"].null_count() == frame.height == 2 * len(DAYS)


def test_a_workbook_and_a_table_of_names(tmp_path):
    rows = [["代码", "名称", "上市日期"], ["600000", "样本", date(1999, 11, 10)]]
    write_xlsx(tmp_path / "names.xlsx", {"说明": [["x"]], "名单": [["证券名单"], *rows]})
    (table,), _, store = drafted(tmp_path / "names.xlsx", tmp_path)
    assert (table["sheet"], table["skip_rows"]) == ("名单", 1)
    assert store.read("securities").select("asset", "name", "list_date").rows() == [
        ("600000.SH", "样本", date(1999, 11, 10))
    ]


def test_what_cannot_be_drafted_says_why(tmp_path):
    sections = [
        f"样本,600000,收入构成,报告日期,{y}-12-31,\n按行业,收入,成本,利润,毛利,占比\n酒,1,2,3,4,5\n"
        for y in range(2015, 2020)
    ]
    put(tmp_path / "s/r.csv", sections, [])
    with pytest.raises(
        DataError, match="no one table: the headers 按行业, 收入, 成本 … stand there 5"
    ):
        draft_map(tmp_path / "s")
    put(tmp_path / "w/notes.csv", ["who,what"], ["a,b", "c,d"])
    with pytest.raises(DataError, match="cannot be told which table"):
        draft_map(tmp_path / "w")
    put(tmp_path / "e/empty.csv", [], [])
    with pytest.raises(DataError, match=r"empty.csv: the file is empty"):
        draft_map(tmp_path / "e")
    put(tmp_path / "h/600000.csv", ["date,open,high,low,close,volume"], [])
    with pytest.raises(DataError, match="has headers and no rows"):
        draft_map(tmp_path / "h")
    with pytest.raises(DataError, match="no such file"):
        draft_map(tmp_path / "nowhere")
    for name in ("calendars", "features"):
        (tmp_path / "q" / name).mkdir(parents=True)
    with pytest.raises(DataError, match="--source qlib_bin"):
        draft_map(tmp_path / "q")


def test_one_bad_file_among_good_ones_is_named_in_the_draft(tmp_path):
    put(tmp_path / "in/pork.csv", ["日期,猪肉"], ["2009-01-02,20.1"])
    put(tmp_path / "in/notes.csv", ["who,what"], ["a,b", "c,d"])
    draft = draft_map(tmp_path / "in")
    assert "# not drafted: notes.csv:" in draft.text
    assert list(draft.refused) == ["notes.csv"]


def test_the_command_prints_or_writes_the_map(tmp_path):
    path = put(tmp_path / "pork.csv", ["日期,猪肉"], ["2009-01-02,20.1"])
    runner = CliRunner()
    shown = runner.invoke(app, ["map", str(path)])
    assert "# check:" in shown.stdout
    written = runner.invoke(app, ["map", str(path), "--out", str(tmp_path / "map.yaml"), "--json"])
    report = json.loads(written.stdout)
    assert (tmp_path / "map.yaml").read_text() == report["map"] == shown.stdout.rstrip("\n") + "\n"
    import_files(path, tmp_path / "s", tmp_path / "map.yaml")
    assert runner.invoke(app, ["map", str(tmp_path / "none.csv")]).exit_code == 2
