"""yfinance through a stand-in with its column names: splits and dividends undone, so that bars are raw."""

from __future__ import annotations

import sys
from datetime import date
from types import ModuleType

import pandas as pd
import pytest

from superhet.data.pulling import Patience, pull
from superhet.data.sources.vendor import Access, PullRequest, Universe
from superhet.data.sources.yfinance import YFinance
from superhet.data.store import Store
from superhet.errors import ConfigError, MissingExtra

DAYS = pd.DatetimeIndex(
    ["2020-08-27", "2020-08-28", "2020-08-31", "2020-09-01"], tz="America/New_York", name="Date"
)
# Quoted at 500, split 4 for 1 on 2020-08-31 and 2 for 1 on 2022-06-06: Yahoo divides what was before by 8.
QUOTED = [500.0, 504.0, 126.0, 128.0]
SPLITS = {"2020-08-31": 4.0, "2022-06-06": 2.0}
LATER = [8.0, 8.0, 2.0, 2.0]


UNKNOWN = ("GONE",)


class YFRateLimitError(Exception):
    """Named as the library names it."""


class YFPricesMissingError(Exception):
    """Named as the library names it."""


def history(**options):
    assert options["auto_adjust"] is False
    prices = [q / k for q, k in zip(QUOTED, LATER, strict=True)]
    return pd.DataFrame(
        {
            "Open": prices,
            "High": [p * 1.01 for p in prices],
            "Low": [p * 0.99 for p in prices],
            "Close": prices,
            "Adj Close": [p * 0.98 for p in prices],
            "Volume": [int(1e6 * k) for k in LATER],
            "Dividends": [0.0, 0.82 / 8, 0.0, 0.0],
            "Stock Splits": [0.0, 0.0, 4.0, 0.0],
        },
        index=DAYS,
    )


def install(monkeypatch, answer=history):
    class Ticker:
        def __init__(self, symbol):
            self.symbol = symbol

        def history(self, **options):
            if self.symbol in UNKNOWN:
                raise YFPricesMissingError("no data found, symbol may be delisted")
            return answer(**options)

        @property
        def splits(self):
            index = pd.DatetimeIndex(list(SPLITS), tz="America/New_York", name="Date")
            return pd.Series(list(SPLITS.values()), index=index, name="Stock Splits")

    module = ModuleType("yfinance")
    module.__version__ = "1.7.0"
    module.Ticker = Ticker
    monkeypatch.setitem(sys.modules, "yfinance", module)


def go(store, universe="AAPL", slept=None):
    request = PullRequest(
        universe=Universe.parse(universe),
        start=date(2020, 8, 27),
        end=date(2020, 9, 1),
        today=date(2023, 1, 3),
        tables=(),
    )
    sleep = (lambda seconds: None) if slept is None else slept.append
    return pull(YFinance, request, store, Access(timeout=5.0), patience=Patience(sleep=sleep))


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


def test_bars_are_as_they_were_quoted_whatever_split_came_later(store, monkeypatch):
    install(monkeypatch)
    assert go(store).ok
    bars = store.read("bars_1d")
    assert bars["close"].to_list() == pytest.approx(QUOTED)
    assert bars["volume"].to_list() == [1e6] * 4
    assert bars["amount"].null_count() == 4


def test_actions_are_those_of_their_day(store, monkeypatch):
    install(monkeypatch)
    go(store)
    rows = store.read("corporate_actions").select("ex_date", "cash", "split").rows()
    assert rows == [(date(2020, 8, 28), pytest.approx(0.82), 1.0), (date(2020, 8, 31), 0.0, 4.0)]


def test_the_return_over_a_split_is_the_owners(store, monkeypatch):
    install(monkeypatch)
    go(store)
    close = dict(store.read("bars_1d").select("date", "close").iter_rows())
    owned = close[date(2020, 8, 31)] * 4.0 / close[date(2020, 8, 28)]
    assert owned == pytest.approx(1.0)


def test_a_rate_limit_is_waited_for_and_an_unknown_name_fails_alone(store, monkeypatch):
    faults = iter([YFRateLimitError("Too Many Requests"), None])

    def busy(**options):
        error = next(faults, None)
        if error:
            raise error
        return history(**options)

    install(monkeypatch, busy)
    slept: list[float] = []
    assert go(store, slept=slept).ok
    assert slept == [60.0]

    report = go(store, universe="GONE")
    assert "may be delisted" in next(iter(report.failed.values()))
    assert not report.stopped


def test_changed_columns_name_the_function_and_the_difference(store, monkeypatch):
    install(monkeypatch, lambda **options: history(**options).rename(columns={"Close": "Last"}))
    report = go(store)
    message = next(iter(report.failed.values()))
    assert message.startswith(
        "yfinance history: its columns have changed: without Close; not known:"
    )
    assert "Last" in message


def test_it_has_no_list_of_shares(store, monkeypatch):
    install(monkeypatch)
    with pytest.raises(ConfigError, match="name them"):
        go(store, universe="all")


def test_without_the_library_the_extra_is_named(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(MissingExtra, match=r"superhet\[us\]"):
        go(store)
