"""The real yfinance over answers in Yahoo's format: what it swallows is said, and indices come."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from superhet.data.pulling import Patience, pull
from superhet.data.sources.vendor import Access, PullRequest, Universe, find_vendor
from superhet.data.store import Store

yfinance = pytest.importorskip("yfinance")
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # of the library towards pandas

DAYS = (date(2020, 8, 27), date(2020, 8, 28), date(2020, 8, 31))
CLOSES = {
    "AAPL": (125.0, 126.0, 129.0),
    "^GSPC": (3484.5, 3508.0, 3500.3),
    "000300.SS": (4731.3, 4844.3, 4816.2),
}
NEW_YORK = "America/New_York"


class Answer:
    """What the library's own session would have given."""

    def __init__(self, url, content):
        self.url, self.text, self.status_code, self._content = url, "", 200, content

    def json(self):
        return self._content


def chart(symbol):
    if symbol not in CLOSES:
        reason = "No data found, symbol may be delisted"
        return {"chart": {"result": None, "error": {"code": "Not Found", "description": reason}}}
    clock = ZoneInfo(NEW_YORK)
    stamps = [int(datetime(d.year, d.month, d.day, 9, 30, tzinfo=clock).timestamp()) for d in DAYS]
    prices = list(CLOSES[symbol])
    volume = [0, 0, 0] if symbol.endswith(".SS") else [1_000_000, 2_000_000, 3_000_000]
    splits = {
        str(stamps[2]): {
            "date": stamps[2],
            "numerator": 4.0,
            "denominator": 1.0,
            "splitRatio": "4:1",
        }
    }
    meta = {
        "currency": "USD", "symbol": symbol, "exchangeName": "NMS", "instrumentType": "EQUITY",
        "exchangeTimezoneName": NEW_YORK, "timezone": "EDT", "gmtoffset": -14400, "priceHint": 2,
        "regularMarketPrice": prices[-1], "chartPreviousClose": prices[0], "dataGranularity": "1d",
        "range": "", "validRanges": ["1d", "max"], "firstTradeDate": 345479400,
        "regularMarketTime": stamps[-1],
    }  # fmt: skip
    indicators = {
        "quote": [
            {"open": prices, "high": prices, "low": prices, "close": prices, "volume": volume}
        ],
        "adjclose": [{"adjclose": prices}],
    }
    found = {"meta": meta, "timestamp": stamps, "indicators": indicators}
    if symbol == "AAPL":
        found["events"] = {"splits": splits}
    return {"chart": {"result": [found], "error": None}}


@pytest.fixture
def yahoo(monkeypatch, tmp_path):
    """Answer instead of Yahoo; `faults` are raised first."""
    faults = []

    def get(self, url, params=None, timeout=30):
        if faults:
            raise faults.pop(0)
        return Answer(url, chart(url.rpartition("/")[2]))

    yfinance.set_tz_cache_location(str(tmp_path / "zones"))
    monkeypatch.setattr("yfinance.data.YfData.get", get)
    monkeypatch.setattr("yfinance.data.YfData.cache_get", get)
    monkeypatch.setattr("yfinance.base._tz_info_fetch_ctr", 2)
    return faults


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


def go(store, universe, *tables, tries=2):
    request = PullRequest(
        universe=Universe.parse(universe), start=DAYS[0], end=DAYS[-1], today=date(2023, 1, 3), tables=tables
    )  # fmt: skip
    patience = Patience(tries=tries, sleep=lambda seconds: None)
    return pull(find_vendor("yfinance"), request, store, Access(timeout=20.0), patience=patience)


def test_a_share_comes_with_the_index_of_its_market(store, yahoo):
    report = go(store, "AAPL")
    assert report.ok, str(report)
    assert store.read("bars_1d")["close"].to_list() == [500.0, 504.0, 129.0]
    bars = store.read("index_bars").select("index", "date", "close").rows()
    assert bars == [("^GSPC", d, c) for d, c in zip(DAYS, CLOSES["^GSPC"], strict=True)]


@pytest.mark.parametrize(
    ("universe", "index"),
    [("^GSPC", "^GSPC"), ("000300.SH", "000300.SH"), ("600000.SH", "000300.SH")],
)
def test_a_benchmark_is_pulled_by_its_name_or_by_a_share_of_its_market(
    store, yahoo, universe, index
):
    assert go(store, universe, "index_bars").ok
    bars = store.read("index_bars")
    assert bars["index"].unique().to_list() == [index]
    assert bars["volume"].null_count() == (3 if index == "000300.SH" else 0)


def test_a_line_that_is_down_is_an_error_and_not_an_empty_answer(store, yahoo):
    yahoo += [ConnectionError("Could not resolve host")] * 4
    report = go(store, "AAPL", "bars_1d")
    assert "Could not resolve host" in next(iter(report.failed.values()))
    yahoo.clear()
    assert go(store, "AAPL", "bars_1d").rows["bars_1d"] == 3


def test_a_name_that_yahoo_does_not_know_is_a_failure_of_its_own(store, yahoo):
    report = go(store, "AAPL,GONE", "bars_1d")
    assert [unit.split()[1] for unit in report.failed] == ["GONE"]
    assert report.rows["bars_1d"] == 3
    assert yfinance.config.debug.hide_exceptions is True
