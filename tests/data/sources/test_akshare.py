"""akshare through a stand-in with its column names: fall-backs, units, announcements, changed pages."""

from __future__ import annotations

import sys
import time
from datetime import date, datetime
from datetime import time as time_of_day

import polars as pl
import pytest
from sources import fake_akshare

from superhet.data.pulling import Patience, pull
from superhet.data.sources.akshare import Akshare
from superhet.data.sources.vendor import Access, PullRequest, Universe
from superhet.data.store import Store
from superhet.errors import MissingExtra


def wish(*tables, start=date(2020, 1, 2), end=date(2020, 1, 31), universe="600000.SH"):
    return PullRequest(
        universe=Universe.parse(universe),
        start=start,
        end=end,
        today=date(2021, 1, 4),
        tables=tables,
    )


def go(store, request, timeout=5.0):
    patience = Patience(sleep=lambda seconds: None)
    return pull(Akshare, request, store, Access(timeout=timeout), patience=patience)


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


def broken(error):
    def fail(*_, **__):
        raise error

    return fail


def test_lots_become_shares_and_share_counts_join_the_bars(store, monkeypatch):
    fake_akshare.install(monkeypatch)
    assert go(store, wish("bars_1d", "daily")).ok
    bar = store.read("bars_1d").row(0, named=True)
    assert (bar["date"], bar["volume"]) == (date(2020, 1, 2), 12_345_600.0)
    assert bar["amount"] / bar["volume"] == pytest.approx(10.2)
    assert (bar["total_shares"], bar["float_shares"]) == (29352080397.0, 28103763899.0)
    daily = store.read("daily").row(0, named=True)
    assert daily["turnover_rate"] == pytest.approx(0.004)
    assert daily["pb"] == 0.7


@pytest.mark.parametrize(
    ("failing", "answered"),
    [
        (["stock_zh_a_hist"], "stock_zh_a_daily"),
        (["stock_zh_a_hist", "stock_zh_a_daily"], "stock_zh_a_hist_tx"),
    ],
)
def test_the_next_page_answers_with_the_same_bars(store, monkeypatch, failing, answered):
    faults = {name: broken(ConnectionError("Connection aborted.")) for name in failing}
    fake_akshare.install(monkeypatch, **faults)
    report = go(store, wish("bars_1d"))
    assert report.ok
    assert report.notes == {f"bars of {answered}, since others failed": 1}
    bar = store.read("bars_1d").row(0, named=True)
    assert (bar["volume"], bar["amount"]) == (12_345_600.0, 125_925_120.0)


def test_when_no_page_answers_each_is_quoted(store, monkeypatch):
    names = ("stock_zh_a_hist", "stock_zh_a_daily", "stock_zh_a_hist_tx")
    fake_akshare.install(
        monkeypatch, **{n: broken(ConnectionError(f"{n} is blocked")) for n in names}
    )
    (message,) = go(store, wish("bars_1d")).failed.values()
    assert all(n in message for n in names)


def test_a_page_that_fails_three_times_running_is_left_alone(store, monkeypatch):
    asked = []

    def blocked(**options):
        asked.append(options["symbol"])
        raise ConnectionError("blocked")

    fake_akshare.install(monkeypatch, stock_zh_a_hist=blocked)
    codes = ",".join(["600000.SH", "000001.SZ"])
    assert go(store, wish("bars_1d", universe=codes)).ok
    assert go(store, wish("bars_1d", universe=codes, start=date(2020, 1, 1))).ok
    assert len(asked) == 4
    monkeypatch.setattr("superhet.data.sources.akshare.prices._TIRED", 1)
    assert go(store, wish("bars_1d", universe=codes, start=date(2019, 12, 1))).ok
    assert len(asked) == 5


def test_a_volume_that_is_in_shares_where_lots_were_expected_is_found_out(store, monkeypatch):
    def in_shares(**options):
        return fake_akshare.stock_zh_a_hist(**options).assign(成交量=12_345_600)

    fake_akshare.install(monkeypatch, stock_zh_a_hist=in_shares)
    report = go(store, wish("bars_1d"))
    assert store.read("bars_1d")["volume"][0] == 12_345_600.0
    assert "stock_zh_a_hist gave volumes in shares; taken as such" in report.notes


@pytest.mark.parametrize(("table", "count"), [("bars_5min", 48), ("bars_60min", 4)])
def test_minute_bars_are_in_shares_and_stamped_at_their_end(store, monkeypatch, table, count):
    fake_akshare.install(monkeypatch)
    report = go(store, wish(table))
    assert report.ok
    assert any("are given before 2020-01-20" in note for note in report.notes)
    bars = store.read(table)
    assert len(bars) == 10 * count
    last = bars.row(count - 1, named=True)
    assert (last["time"], last["volume"]) == (datetime(2020, 1, 20, 15), 123_400.0)
    assert last["amount"] / last["volume"] == pytest.approx(10.2)
    assert store.read(table)["time"].dt.time().min() > time_of_day(9, 30)


def test_minute_bars_of_the_second_page_are_the_same_without_amounts(store, tmp_path, monkeypatch):
    fake_akshare.install(monkeypatch)
    assert go(store, wish("bars_15min")).ok
    blocked = broken(ConnectionError("blocked"))
    fake_akshare.install(monkeypatch, stock_zh_a_hist_min_em=blocked)
    other = Store.create(tmp_path / "other")
    report = go(other, wish("bars_15min"))
    assert "minute bars of stock_zh_a_minute, since others failed" in report.notes
    columns = ["time", "asset", "open", "high", "low", "close", "volume"]
    ours, theirs = store.read("bars_15min"), other.read("bars_15min")
    assert theirs.select(columns).equals(ours.select(columns))
    assert theirs["amount"].null_count() == len(theirs)


def test_factors_are_the_backward_ones_until_the_last_wished_day(store, monkeypatch):
    fake_akshare.install(monkeypatch)
    assert go(store, wish("adjust_factors")).ok
    rows = store.read("adjust_factors").select("date", "adjust_factor").rows()
    assert rows == [(date(1900, 1, 1), 1.0), (date(2019, 6, 3), 12.0), (date(2020, 1, 15), 12.5)]


def test_a_share_without_any_payment_has_no_factors_and_no_error(store, monkeypatch):
    missing = broken(ValueError("sina hfq factor not available"))
    fake_akshare.install(monkeypatch, stock_zh_a_daily=missing)
    report = go(store, wish("adjust_factors"))
    assert (report.ok, report.empty) == (True, 1)


def test_industries_of_shenwan_have_names_and_a_history(store, monkeypatch):
    fake_akshare.install(monkeypatch)
    report = go(store, wish("industry"))
    rows = store.read("industry").select("asset", "scheme", "industry", "start_date").rows()
    assert ("600000.SH", "sw2021_l1", "银行", date(2014, 1, 1)) in rows
    assert ("600001.SH", "sw2021_l1", "210000", date(2008, 6, 2)) in rows
    assert "1 labels of older editions of Shenwan are numbers, not names" in report.notes


def test_statements_count_from_the_latest_of_their_three_pages(store, monkeypatch):
    fake_akshare.install(monkeypatch)
    request = wish("statements", start=date(2020, 4, 1), end=date(2020, 4, 2), universe="all")
    report = go(store, request)
    assert report.ok
    table = store.read("statements").filter(pl.col("report_date") == date(2020, 3, 31))
    by_asset = {row["asset"]: row for row in table.iter_rows(named=True)}
    assert by_asset["600000.SH"]["announce_date"] == date(2020, 4, 27)
    assert by_asset["600000.SH"]["gross_profit"] == 300.0
    assert by_asset["000001.SZ"]["announce_date"] == date(2020, 4, 28)  # from the disclosure page
    assert "430047.BJ" not in by_asset  # nobody says when
    assert store.meta("statements")["basis"]["investing_cash_flow"] == "ytd"
    assert any("1 statements without any date" in note for note in report.notes)


def test_a_quarter_without_reports_is_empty(store, monkeypatch):
    nothing = broken(TypeError("'NoneType' object is not subscriptable"))
    fake_akshare.install(monkeypatch, stock_yjyg_em=nothing)
    report = go(store, wish("forecasts"))
    assert report.ok
    assert report.empty == report.done > 0


def test_forecasts_are_of_the_profit_and_express_reports_in_fractions(store, monkeypatch):
    fake_akshare.install(monkeypatch)
    request = wish("forecasts", "express_reports", start=date(2020, 4, 1), end=date(2020, 4, 2))
    assert go(store, request).ok
    forecast = store.read("forecasts").filter(pl.col("report_date") == date(2020, 3, 31))
    assert forecast.select("profit_low", "change_low", "kind").rows() == [(1.5e8, 0.5, "预增")]
    express = store.read("express_reports").row(0, named=True)
    assert express["roe"] == pytest.approx(0.115)


def test_macro_figures_are_released_after_their_month_by_assumption(store, monkeypatch):
    fake_akshare.install(monkeypatch)
    report = go(store, wish("macro"))
    rows = store.read("macro").select("series", "period", "release_date", "value").rows()
    assert ("pmi", date(2020, 1, 31), date(2020, 2, 1), 50.0) in rows
    assert ("cpi_yoy", date(2020, 2, 29), date(2020, 3, 16), 5.2) in rows
    assert all(released > period for _, period, released, _ in rows)
    assert any("assumed" in note for note in report.notes)


def test_lists_hold_the_delisted_and_members_count_from_their_list(store, monkeypatch):
    fake_akshare.install(monkeypatch)
    request = wish("securities", "calendar", "index_members", "index_weights", "index_bars",
                   universe="000300.SH")  # fmt: skip
    assert go(store, request).ok
    gone = store.read("securities").drop_nulls("delist_date")
    assert gone["asset"].to_list() == ["000024.SZ", "600001.SH"]
    assert "430047.BJ" in store.read("securities")["asset"].to_list()
    assert store.read("index_members")["start_date"].unique().to_list() == [date(2020, 2, 3)]
    assert store.read("index_weights")["weight"].sum() == pytest.approx(1.0)
    assert set(store.read("calendar")["date"]) == set(fake_akshare.SESSIONS)


def test_changed_columns_name_the_function_and_the_difference(store, monkeypatch):
    def renamed(**options):
        return fake_akshare.stock_lrb_em(**options).rename(columns={"公告日期": "最新公告日期"})

    fake_akshare.install(monkeypatch, stock_lrb_em=renamed)
    report = go(store, wish("statements"))
    assert next(iter(report.failed.values())).startswith(
        "akshare stock_lrb_em: its columns have changed: without 公告日期; not known:"
    )
    assert "最新公告日期" in next(iter(report.failed.values()))
    assert len(set(report.failed.values())) == 1


def test_a_function_that_is_gone_names_the_version(store, monkeypatch):
    module = fake_akshare.install(monkeypatch)
    del module.macro_china_pmi
    report = go(store, wish("macro"))
    assert "akshare 1.19.5 has no such function any more" in next(iter(report.failed.values()))
    assert report.done == 3


def test_a_page_that_hangs_is_given_up_in_time(store, monkeypatch):
    fake_akshare.install(monkeypatch, tool_trade_date_hist_sina=lambda: time.sleep(2))
    report = go(store, wish("calendar"), timeout=0.05)
    assert "no answer within 0.05 s" in next(iter(report.failed.values()))


def test_without_the_library_the_extra_is_named(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "akshare", None)
    with pytest.raises(MissingExtra, match=r"superhet\[cn\]"):
        go(store, wish("calendar"))
