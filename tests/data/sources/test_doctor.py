"""The doctor: what it says of a vendor that is well, of one that changed, and of one that is not there."""

from __future__ import annotations

import time
from datetime import date, timedelta

import pytest
from sources import fake_akshare
from sources.baostock_market import klines
from sources.baostock_market import market as baostock_market
from sources.fake_tushare import TOKEN
from sources.tushare_market import market as tushare_market

from superhet.data.pulling.doctor import diagnose
from superhet.data.sources.baostock import Baostock
from superhet.data.sources.tushare import Tushare
from superhet.data.sources.vendor import Access, find_vendor
from superhet.errors import ConfigError

TODAY = date(2020, 1, 31)


def test_a_healthy_vendor_shows_rows_columns_and_days_of_each_table():
    with baostock_market() as fake:
        found = diagnose(Baostock, Access(timeout=20.0, server=fake.address), TODAY)
    assert found.ok, str(found)
    assert [p.table for p in found.probes] == list(Baostock.tables)
    bars = next(p for p in found.probes if p.table == "bars_1d")
    assert (bars.query, bars.rows) == ("query_history_k_data_plus", 11)
    assert (bars.first, bars.last) == ("2020-01-17", "2020-01-31")
    assert {"close", "suspended", "is_st"} <= set(bars.columns)
    statements = next(p for p in found.probes if p.table == "statements")
    assert statements.rows == 0 or statements.first


def test_a_changed_column_fails_its_tables_alone():
    def renamed(code, fields, *rest):
        names, rows = klines(code, fields, *rest)
        return ["turnover" if n == "turn" else n for n in names], rows

    with baostock_market(answers={"query_history_k_data_plus": renamed}) as fake:
        access = Access(timeout=20.0, server=fake.address)
        found = diagnose(Baostock, access, TODAY, tables=("calendar", "bars_1d", "securities"))
    assert [p.ok for p in found.probes] == [True, False, True]
    assert "without turn; not known: turnover" in found.probes[1].message
    assert "FAIL bars_1d" in str(found)
    assert not found.ok


def test_a_refused_port_is_said_at_once():
    began = time.monotonic()
    found = diagnose(Baostock, Access(timeout=20.0, server="127.0.0.1:9"), TODAY)
    assert time.monotonic() - began < 20.0
    assert not found.ok
    assert "cannot get in: baostock login: it cannot be reached" in str(found)
    assert "127.0.0.1:9 (Connection refused)" in found.login


def test_a_server_that_says_nothing_ends_with_the_deadline(monkeypatch):
    with baostock_market() as fake:
        monkeypatch.setattr(fake, "_serve", lambda out, line: fake.released.wait(20))
        found = diagnose(Baostock, Access(timeout=0.5, server=fake.address), TODAY)
        fake.released.set()
    assert "no answer within 0.5 s" in found.login


def test_tushare_is_asked_for_every_table_and_the_token_is_not_shown():
    with tushare_market(always={"stk_limit": f"没有权限 {TOKEN}"}) as fake:
        access = Access(timeout=10.0, server=fake.address, token=TOKEN)
        found = diagnose(Tushare, access, TODAY)
    assert found.ok, str(found)
    assert TOKEN not in str(found) + str(found.to_dict())
    with pytest.raises(ConfigError, match="needs a token"):
        diagnose(Tushare, Access(server=fake.address), TODAY)


def test_akshare_and_the_simulated_market_are_well(monkeypatch):
    fake_akshare.install(monkeypatch)
    found = diagnose(find_vendor("akshare"), Access(timeout=5.0), TODAY + timedelta(days=20))
    assert found.ok, str(found)
    assert found.version == "1.19.5"
    assert {p.table for p in found.probes} == set(find_vendor("akshare").tables)


def test_tables_of_no_rows_that_must_have_some_fail(monkeypatch):
    fake_akshare.install(
        monkeypatch, tool_trade_date_hist_sina=lambda: fake_akshare.pd.DataFrame({"trade_date": []})
    )
    found = diagnose(find_vendor("akshare"), Access(timeout=5.0), TODAY, tables=("calendar",))
    assert not found.ok
    assert "no rows for" in found.probes[0].message
