"""The compiled ledger against a slow one, and identities that hold for any market."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from oracle import slow_ledger

from superhet.backtest import AShareRules, Costs, NativeEngine
from superhet.panel import Panel
from superhet.testing.checks.engine import check_engine
from superhet.testing.markets import RandomMarket


def market_with_deaths(seed, dates=40, assets=12, holes=0.08):
    """A random market in which two assets leave and prices often touch their limits."""
    market = RandomMarket(dates=dates, assets=assets, seed=seed, holes=holes, bars=0).build()
    rng = np.random.default_rng(seed + 1)
    age = market["listing_age"].values.copy()
    fields = {}
    gone = np.zeros(age.shape, dtype=bool)
    for i in rng.choice(assets, 2, replace=False):
        gone[rng.integers(dates // 2, dates) :, i] = True
    age[gone] = -1.0
    for name in ("open", "high", "low", "close", "volume", "adjust_factor"):
        fields[name] = market[name].with_values(np.where(gone, np.nan, market[name].values))
    fields["listing_age"] = market["listing_age"].with_values(age)
    fields["suspended"] = market["suspended"].with_values(market["suspended"].values & ~gone)
    previous = market["previous_close"].values
    fields["limit_up"] = market["limit_up"].with_values(previous * 1.015)
    fields["limit_down"] = market["limit_down"].with_values(previous * 0.985)
    return market.with_fields(fields)


def random_weights(market, seed, gross, every=3, long_only=False):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(len(market.dates), len(market.assets)))
    values[rng.random(values.shape) < 0.2] = 0.0
    values = np.abs(values) if long_only else values
    values *= gross / np.abs(values).sum(axis=1, keepdims=True)
    values[np.arange(len(values)) % every != 0] = np.nan
    return Panel(
        values=values, dates=market.dates, assets=market.assets, name="weights", unit="weight"
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("gross", "long_only", "part", "retry"),
    [(1.0, False, 0.1, True), (2.0, False, 1.0, True), (1.0, True, 0.02, False)],
)
def test_the_compiled_ledger_keeps_the_books_of_the_slow_one(seed, gross, long_only, part, retry):
    market = market_with_deaths(seed)
    weights = random_weights(market, seed, gross, long_only=long_only)
    engine = NativeEngine(capital=3e6, participation=part, max_gross=2.0, retry=retry)
    result = engine.run(weights, market)
    schedule = Costs().over(AShareRules.costs)
    equity, cash, shares, rows, undone = slow_ledger(
        weights.values,
        market,
        schedule.rates(market.dates),
        schedule.borrow_fees(market.dates),
        capital=3e6,
        participation=part,
        max_gross=2.0,
        retry=retry,
    )
    assert_allclose(result.equity, equity[1:], rtol=0, atol=1e-6)
    assert_allclose(result.cash, cash[1:], rtol=0, atol=1e-6)
    assert ((result.holdings.values != 0) == (shares[1:] != 0)).all()
    orders = ~result.trades["delisting"]
    assert_allclose(result.trades["shares"][orders], [r[2] for r in rows], atol=1e-6)
    assert_allclose(result.trades["price"][orders], [r[3] for r in rows])
    paid = sum(result.trades[n] for n in ("commission", "stamp_duty", "transfer_fee", "slippage"))
    assert_allclose(paid[orders], [r[4] for r in rows], atol=1e-6)
    sent = np.isin(result.orders_refused["rule"], ["lot", "not_listed"], invert=True)
    gone = {(t, i) for t, i, _ in undone if market["listing_age"].values[t, i] < 0}
    expected = sum(q for t, i, q in undone if (t, i) not in gone)
    assert_allclose(result.orders_refused["shares"][sent].sum(), expected, atol=1e-6)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    gross=st.floats(0.1, 2.0),
    fill=st.sampled_from(["open", "vwap", "close"]),
    every=st.integers(1, 7),
)
def test_the_change_of_equity_is_what_prices_made_minus_what_was_paid(seed, gross, fill, every):
    market = market_with_deaths(seed)
    weights = random_weights(market, seed, gross, every)
    result = NativeEngine(capital=1e7, fill=fill).run(weights, market)
    first = market.dates.index(result.dates.values[0])
    marks = np.zeros(len(market.assets))
    held = np.zeros(len(market.assets))
    adjust, close = market["adjust_factor"].values, market["close"].values
    before = 1e7
    for k, date in enumerate(result.dates):
        t = first + k
        both = (adjust[t] > 0) & (adjust[t - 1] > 0)
        ratio = np.where(both, adjust[t] / adjust[t - 1], 1.0)
        last = np.where(close[t - 1] > 0, close[t - 1], marks)
        held, last = held * ratio, last / ratio
        marks = np.where(close[t] > 0, close[t], last)
        made = float(np.nansum(held * (marks - last)))
        today = result.trades.take(result.trades["date"] == date)
        for asset, shares, price in zip(
            today["asset"], today["shares"], today["price"], strict=True
        ):
            made += shares * (marks[asset] - price)
            held[asset] += shares
        paid = sum(float(series[k]) for series in result.costs.values())
        assert abs(result.equity[k] - before - (made - paid)) < 1e-6
        assert abs(result.cash[k] + float(np.nansum(held * marks)) - result.equity[k]) < 1e-6
        before = result.equity[k]


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), part=st.floats(0.001, 1.0))
def test_every_fill_obeys_the_rules_of_its_day(seed, part):
    market = market_with_deaths(seed)
    result = NativeEngine(capital=1e7, participation=part).run(
        random_weights(market, seed, 1.5), market
    )
    orders = result.trades.take(~result.trades["delisting"])
    row = np.searchsorted(market.dates.values, orders["date"])
    cell = (row, orders["asset"])
    bought = orders["shares"] > 0
    assert not market["suspended"].values[cell].any()
    assert (orders["price"] == market["open"].values[cell]).all()
    assert (orders["price"][bought] < market["limit_up"].values[cell][bought]).all()
    assert (orders["price"][~bought] > market["limit_down"].values[cell][~bought]).all()
    assert (np.abs(orders["shares"]) <= part * market["volume"].values[cell] + 1e-6).all()
    # T+1: nothing is bought and sold on the same day
    sides = {}
    for date, asset, side in zip(orders["date"], orders["asset"], bought, strict=True):
        sides.setdefault((date, asset), set()).add(bool(side))
    assert all(len(found) == 1 for found in sides.values())


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_a_long_only_book_never_borrows_money(seed):
    market = market_with_deaths(seed)
    result = NativeEngine(capital=1e6).run(
        random_weights(market, seed, 1.0, long_only=True), market
    )
    assert result.cash.min() >= -1e-6
    assert (result.holdings.values >= 0).all()
    assert result.costs["borrow"].sum() == 0


def test_scaling_capital_and_volume_scales_the_books_without_lots_and_minimums():
    market = RandomMarket(dates=40, assets=10, bars=0).build()
    weights = random_weights(market, 3, 1.0)
    engine = {"rules": "us", "participation": None}
    small = NativeEngine(capital=1e9, **engine).run(weights, market)
    large = NativeEngine(capital=1e11, **engine).run(weights, market)
    assert_allclose(small.returns, large.returns, atol=1e-6)


@pytest.mark.parametrize("fill", ["open", "vwap", "close"])
@pytest.mark.parametrize("rules", ["ashare", "us"])
def test_the_native_engine_passes_the_battery(fill, rules):
    market = market_with_deaths(1, dates=60)
    check_engine(NativeEngine(fill=fill, rules=rules), random_weights(market, 5, 1.0), market)
