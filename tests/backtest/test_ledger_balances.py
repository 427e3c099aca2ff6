"""The compiled ledger against a slow one, and identities that hold for any market."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from oracle import slow_books

from superhet.backtest import NativeEngine
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
    slow = slow_books(engine.tape(weights, market))
    assert_allclose(result.equity, slow.equity[1:], rtol=0, atol=1e-6)
    assert_allclose(result.cash, slow.cash[1:], rtol=0, atol=1e-6)
    assert ((result.holdings.values != 0) == (slow.shares[1:] != 0)).all()
    assert result.trades["shares"].tolist() == [q for _, _, q, *_ in slow.fills]
    assert result.trades["price"].tolist() == [row[3] for row in slow.fills]
    paid = sum(result.trades[n] for n in ("commission", "stamp_duty", "transfer_fee", "slippage"))
    assert_allclose(paid, [sum(row[4]) for row in slow.fills], atol=1e-6)
    assert result.orders_refused["rule"].tolist() == [row[3] for row in slow.refused]
    assert_allclose(result.orders_refused["shares"], [row[2] for row in slow.refused], atol=1e-6)


@pytest.mark.parametrize("cut", [5, 17, 30])
def test_a_book_that_goes_on_from_its_state_ends_as_one_that_never_stopped(cut):
    market = market_with_deaths(3)
    weights = random_weights(market, 3, 1.5)
    engine = NativeEngine(capital=3e6, max_gross=2.0)
    whole = engine.run(weights, market)
    date = market.dates.values[cut]
    first = engine.run(weights.until(date), market.until(date))
    rest = engine.resume(first.final_state, weights, market)
    for name in ("equity", "cash", "returns", "turnover"):
        joined = np.concatenate([getattr(first, name), getattr(rest, name)])
        assert np.array_equal(joined, getattr(whole, name)), name
    assert np.array_equal(rest.target.values, whole.target.values[len(first.dates) :])
    assert first.trades.rows + rest.trades.rows == whole.trades.rows
    assert np.array_equal(rest.final_state.goal, whole.final_state.goal)


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
        # whole shares stay; the rest of a share is paid out at the new mark
        held, last = np.trunc(held * ratio + np.sign(held) * 1e-6), last / ratio
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
