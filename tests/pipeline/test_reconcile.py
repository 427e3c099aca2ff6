"""Reconciliation: planted differences are found on their day, in their order, and with their reason."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from superhet.backtest import ENGINES, NativeEngine
from superhet.panel import Panel
from superhet.pipeline.backtest_engines import Task, run_engines
from superhet.pipeline.reconcile import reconcile
from superhet.pipeline.reconcile_reasons import CHANGES, gaps, reason_table, without
from superhet.testing.markets import RandomMarket


@pytest.fixture(scope="module")
def market():
    return RandomMarket(dates=80, assets=20, seed=3, bars=0).build()


@pytest.fixture(scope="module")
def weights(market):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((12, 20))
    values *= 0.9 / np.abs(values).sum(axis=1, keepdims=True)
    at = np.arange(5, 65, 5)
    return Panel(values=values, dates=market.dates[at], assets=market.assets, unit="weight")


@pytest.fixture
def beside(market, weights, tmp_path, monkeypatch):
    """Keep the same book with another engine, made of ours with some settings changed."""

    def run(change, **of_class):
        @dataclasses.dataclass(frozen=True, kw_only=True)
        class Changed(NativeEngine):
            def run(self, weights, market):
                own = {f.name: getattr(self, f.name) for f in dataclasses.fields(NativeEngine)}
                return change(NativeEngine(**own)).run(weights, market)

        for name, value in of_class.items():
            setattr(Changed, name, value)
        monkeypatch.setitem(ENGINES._known, "other", Changed)
        task = Task(weights=weights, market=market, settings={}, out=tmp_path)
        ran = run_engines(["native", "other"], task)
        assert not ran.failed
        return ran

    return run


def _costs(**changes):
    return lambda e: dataclasses.replace(e, costs=dataclasses.replace(e.costs, **changes))


def test_the_same_book_differs_nowhere(beside):
    found = reconcile(beside(lambda e: e).books)
    assert found.to_dict() == {
        "max_abs_equity_difference": {"other": 0.0},
        "first_difference": {"other": None},
    }


def test_a_missing_stamp_duty_shows_on_the_first_sale(beside):
    ran = beside(_costs(stamp_duty=0.0))
    found = reconcile(ran.books).engines["other"].first
    trades = ran.books["native"].table("trades")
    sold = trades.filter(trades["shares"] < 0.0).sort("date", "asset")
    assert found["date"] == str(sold["date"][0])
    assert found["asset"] == sold["asset"][0]
    assert found["reason"].startswith("stamp_duty: ")
    duty = trades.filter(trades["date"] == sold["date"][0])["stamp_duty"].sum()
    assert found["equity_difference"] == pytest.approx(duty)


def test_an_order_that_one_engine_refuses_names_the_rule(beside):
    ran = beside(lambda e: dataclasses.replace(e, participation=None))
    found = reconcile(ran.books).engines["other"].first
    refused = ran.books["native"].table("refused")
    capped = refused.filter(refused["rule"] == "volume_cap").sort("date", "asset")
    assert (found["date"], found["asset"]) == (str(capped["date"][0]), capped["asset"][0])
    assert found["reason"].startswith("volume_cap: native refuses the order or part of it")
    assert abs(found["engine_shares"]) > abs(found["native_shares"])


def test_a_missing_borrow_fee_belongs_to_the_book(beside):
    found = reconcile(beside(_costs(borrow=0.0)).books).engines["other"].first
    assert found["asset"] is None
    assert found["reason"].startswith("borrow: -")


def test_worth_of_a_rule_is_what_an_engine_without_it_ends_with(beside, market, weights):
    ran = beside(_costs(stamp_duty=0.0), cannot=("stamp_duty",))
    base, theirs = (ran.books[n].summary["final_equity"] for n in ("native", "other"))
    table = reason_table(weights, market, NativeEngine(), base, ("other",))
    rows = {r.rule: r for r in table}
    assert set(rows) == set(CHANGES)
    assert rows["stamp_duty"].worth == pytest.approx(theirs - base)
    assert rows["stamp_duty"].said_by == {"other": "no"}
    assert rows["commission_minimum"].said_by == {"other": "adapter"}
    usual, free = (
        without(weights, market, NativeEngine(), CHANGES[rule]).equity[-1]
        for rule in ("dated_rates", "limits_lots")
    )
    assert rows["limits_lots"].worth == pytest.approx(free - usual)
    assert free != usual


def test_gap_at_the_end_is_explained_to_the_cent(beside, market, weights):
    ran = beside(_costs(stamp_duty=0.0))
    base, theirs = (ran.books[n].summary["final_equity"] for n in ("native", "other"))
    found = gaps(weights, market, NativeEngine(), ran.books)["other"]
    assert sum(found.values()) == pytest.approx(theirs - base)
    assert abs(found["residual"]) < 0.01
    assert found["fees"] > 0.0


def test_books_with_the_same_key_are_not_run_again(beside, market, weights, tmp_path):
    first = beside(lambda e: e)
    again = beside(lambda e: e)
    assert again.kept == ["native", "other"]
    assert again.books["native"].summary == first.books["native"].summary
    assert again.results == {}
