"""The unconverted vendor files beside the project can be described by a column map and imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from superhet.data.ingest import import_files
from superhet.data.sources.column_map import ColumnMap
from superhet.data.store import Store
from superhet.errors import DataError

SAMPLES = Path(__file__).parents[3] / "shared/data/raw-samples"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not SAMPLES.exists(), reason="the real market data are not beside the project"
    ),
]
PRICES = {name: name for name in ("open", "high", "low", "close")}
XBX = {
    "table": "bars_1d",
    "files": "cn_daily_xbx/sz000004.csv",
    "skip_rows": 1,
    "columns": {
        "date": "交易日期", "asset": "股票代码", "open": "开盘价", "high": "最高价", "low": "最低价",
        "close": "收盘价", "volume": "成交量", "amount": "成交额", "_float_cap": "流通市值",
        "_total_cap": "总市值", "_previous": "前收盘价",
    },
    "asset_format": "cn",
    "derive": {"float_shares": "_float_cap / close", "total_shares": "_total_cap / close"},
}  # fmt: skip
XBX_BARE = {
    **XBX,
    "files": "cn_daily_xbx/sh600005.csv",
    "header": [
        "股票代码",
        "股票名称",
        "交易日期",
        *"开高低收前",
        "成交量",
        "成交额",
        "流通市值",
        "总市值",
    ],
    "columns": {
        **XBX["columns"],
        "open": "开",
        "high": "高",
        "low": "低",
        "close": "收",
        "_previous": "前",
    },
}
TUSHARE = {
    "table": "bars_1d",
    "files": "cn_daily_tushare/300750.SZ.csv",
    "columns": {
        **PRICES,
        "date": "trade_date",
        "asset": "ts_code",
        "volume": "vol",
        "amount": "amount",
    },
    "date_format": "%Y%m%d",
    "units": {"volume": 100, "amount": 1000},
    "sort": True,
}
BAOSTOCK = {
    "table": "daily",
    "files": "cn_daily_baostock/*.csv",
    "columns": {
        "date": "date", "asset": "code", "pe_ttm": "peTTM", "pb": "pbMRQ", "turnover_rate": "turn",
        "_status": "tradestatus",
    },
    "units": {"turnover_rate": 0.01},
    "asset_format": "cn",
    "drop": [{"suspended": "_status == 0"}],
}  # fmt: skip
AKSHARE = {
    "table": "bars_1d",
    "files": "cn_daily_akshare/*.csv",
    "columns": {
        "date": "日期", "asset": "股票代码", "open": "开盘", "high": "最高", "low": "最低",
        "close": "收盘", "volume": "成交量", "amount": "成交额",
    },
    "units": {"volume": 100},
    "asset_format": "cn",
}  # fmt: skip
GOOGLE = {
    "table": "bars_1d",
    "files": "us_daily_google/*.csv",
    "columns": {
        "date": "", "open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume",
    },
    "from_file": {"asset": "^[A-Z]+_([A-Z]+)_"},
    "date_format": "%Y-%m-%d*",
    "drop": ["non_positive_price", "bad_ohlc"],
}  # fmt: skip
YAHOO = {
    "table": "index_bars",
    "files": "us_daily_yahoo/*.csv",
    "skip_rows_after_header": 1,
    "columns": {"index": "symbol", "date": "date", "close": "close", "volume": "volume"},
}
MINUTES = {
    "table": "bars_15min",
    "files": "cn_15min/*.csv",
    "columns": {
        **PRICES,
        "time": "datetime",
        "asset": "symbol",
        "volume": "volume",
        "amount": "amount",
    },
    "asset_format": "cn",
    "drop": ["no_trade"],
}
GBK_INDUSTRY = {
    "table": "industry",
    "files": "cn_industry_gbk/*.csv",
    "encoding": "gbk",
    "columns": {"asset": "code", "industry": "industry", "start_date": "updateDate"},
    "constants": {"scheme": "sw1"},
    "asset_format": "cn",
    "drop": [{"no_label": "industry is null"}],
}
WIND = {
    "table": "daily",
    "files": "cn_monthly_wind_gbk/*.csv",
    "encoding": "gbk",
    "columns": {"asset": "code", "earnings_yield": "EP", "book_to_price": "BP"},
    "from_file": {"date": r"^(\d{4}-\d{2}-\d{2})"},
}
ANNUAL = {
    "table": "statements",
    "files": "cn_annual_statements/[06]*.csv",
    "transpose": "报告日期",
    "columns": {"report_date": "报告日期", "eps": "基本每股收益(元)"},
    "from_file": {"asset": r"^(\d{6})$"},
    "asset_format": "cn",
    "assume": {"announce_date": {"after": "report_date", "months": 4}},
    "basis": {"eps": "ytd"},
}
SEC = {
    "table": "statements",
    "files": "us_fundamentals/AAPL_sec.csv",
    "columns": {
        "asset": "ticker", "report_date": "period_end", "announce_date": "available_date",
        "net_profit": "net_income",
    },
}  # fmt: skip
KAGGLE = {
    "table": "statements",
    "files": "us_fundamentals/kaggle*.csv",
    "columns": {
        "asset": "Ticker Symbol",
        "report_date": "Period Ending",
        "cash_ratio": "Cash Ratio",
    },
    "date_format": "%m/%d/%Y",
    "assume": {"announce_date": {"after": "report_date", "days": 90}},
}
PORK = {
    "table": "macro",
    "files": "cn_macro/pork_price.csv",
    "columns": {"period": "日期", "release_date": "日期", "value": "猪肉"},
    "constants": {"series": "pork"},
    "drop": ["missing_key"],
}


VENDORS = {
    "xbx": XBX,
    "xbx without headers": XBX_BARE,
    "tushare": TUSHARE,
    "baostock": BAOSTOCK,
    "akshare": AKSHARE,
    "google": GOOGLE,
    "yahoo": YAHOO,
    "minutes": MINUTES,
    "gbk industry": GBK_INDUSTRY,
    "wind": WIND,
    "annual": ANNUAL,
    "sec": SEC,
    "kaggle": KAGGLE,
    "pork": PORK,
}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_own_file_is_imported_whole(tmp_path, vendor):
    entry = VENDORS[vendor]
    (table,) = import_files(
        SAMPLES, tmp_path / "store", ColumnMap.from_dict({"tables": [entry]})
    ).tables
    assert table.read == table.written + sum(table.dropped.values())
    assert table.written > 30
    frame = Store.open(tmp_path / "store").read(entry["table"])
    assert frame.height == table.written


def test_a_gbk_file_read_as_utf8_is_named(tmp_path):
    wrong = ColumnMap.from_dict({"tables": [{**GBK_INDUSTRY, "encoding": "utf-8"}]})
    with pytest.raises(DataError, match="stock_industry_gbk.csv: byte .* it reads as gb18030"):
        import_files(SAMPLES, tmp_path / "store", wrong)


def test_newest_first_files_are_refused_until_the_map_says_sort(tmp_path):
    unsorted = ColumnMap.from_dict({"tables": [{**TUSHARE, "sort": False}]})
    with pytest.raises(
        DataError, match="300750.SZ.csv, row 2, column 'date': dates are not in order"
    ):
        import_files(SAMPLES, tmp_path / "store", unsorted)
