"""Capacity: the square-root law worked by hand, and what it must scale with."""

from __future__ import annotations

import numpy as np
import pytest

from superhet.errors import ConfigError
from superhet.evaluation import TradePrices, capacity, forward_returns, quantile_portfolios
from superhet.evaluation.trade_prices import measure_liquidity
from superhet.testing.markets import random_market


@pytest.fixture(scope="module")
def market():
    return random_market(dates=160, assets=80, seed=2)


@pytest.fixture(scope="module")
def signal(market):
    ahead = np.nan_to_num(forward_returns(market, horizon=5).values)
    noise = 0.05 * np.random.default_rng(1).standard_normal(ahead.shape)
    return market["adjusted_close"].with_values(ahead + noise, name="x", unit="score")


def test_impact_eats_the_alpha_exactly_at_the_capacity(market, signal):
    found = capacity(quantile_portfolios(signal, market))
    gross = found.net_alpha(np.array([found.eaten])) + found.linear_cost
    assert gross[0] == pytest.approx(0.0, abs=1e-12)
    assert found.net_alpha(np.array([found.eaten_net]))[0] == pytest.approx(0.0, abs=1e-12)


def test_most_money_is_earned_at_four_ninths_of_what_can_be_carried(market, signal):
    found = capacity(quantile_portfolios(signal, market))
    money = np.linspace(0.01, 1.0, 1000) * found.eaten_net
    profit = money * found.net_alpha(money)
    assert money[profit.argmax()] == pytest.approx(4 / 9 * found.eaten_net, rel=0.01)
    assert profit.max() == pytest.approx(found.best_profit, rel=1e-4)


def test_twice_the_impact_is_a_quarter_of_the_capacity(market, signal):
    portfolios = quantile_portfolios(signal, market)
    once, twice = capacity(portfolios), capacity(portfolios, coefficient=2.0)
    assert once.eaten == pytest.approx(4.0 * twice.eaten)
    assert once.participating == twice.participating


def test_a_market_ten_times_as_liquid_carries_ten_times_the_money(market, signal):
    amount = market["amount"]
    liquid = market.with_fields({"amount": amount.with_values(10.0 * amount.values)})
    one, ten = (capacity(quantile_portfolios(signal, m)) for m in (market, liquid))
    assert ten.eaten == pytest.approx(10.0 * one.eaten)
    assert ten.participating == pytest.approx(10.0 * one.participating)


def test_a_full_change_of_equal_names_by_hand():
    """Two names a leg, all replaced each session: every trade is half the leg."""
    amount, deviation = 1e8, 0.02
    share = 0.5
    impact = deviation * np.sqrt(share * 1e6 / amount)  # of one trade, with a million in the leg
    a_session = 4 * 2 * share * impact  # four names out and four in, over both legs: eight trades
    market = random_market(dates=60, assets=4)
    panel = market["adjusted_close"]
    rng = np.random.default_rng(0)
    closes = np.exp(deviation * rng.standard_normal((60, 4)).cumsum(axis=0))
    nowhere = panel.with_values(np.full((60, 4), np.nan))
    market = market.with_fields(
        {
            "adjusted_close": panel.with_values(closes),
            "amount": panel.with_values(np.full((60, 4), amount)),
            "limit_up": nowhere,
            "limit_down": nowhere,
        }
    )
    prices = TradePrices.of(market, entry="close")
    fixed = TradePrices(
        dates=prices.dates,
        assets=prices.assets,
        entry="close",
        closes=closes,
        prices=closes,
        locked=prices.locked,
        friction=np.full((60, 4), deviation / np.sqrt(amount)),
        thinness=np.full((60, 4), 1 / amount),
    )
    flips = np.where(np.arange(60)[:, None] % 2, [0.0, 1, 2, 3], [3.0, 2, 1, 0])
    portfolios = quantile_portfolios(
        panel.with_values(flips, unit="score"), fixed, quantiles=2, holding=1
    )
    found = capacity(portfolios, participation=0.1)
    # drift between two sessions moves the weights a little away from one half
    assert found.impact_at_million == pytest.approx(a_session * 244, rel=0.03)
    # trades of half a leg are a tenth of 1e8 with 2e7 in the leg
    assert found.participating == pytest.approx(2e7, rel=0.03)


def test_liquidity_is_that_of_the_last_twenty_sessions():
    rng = np.random.default_rng(2)
    closes = np.exp(0.01 * rng.standard_normal((50, 2)).cumsum(axis=0))
    amount = rng.uniform(1e7, 2e7, (50, 2))
    amount[30, 1] = np.nan  # suspended: no amount that day
    friction, thinness = measure_liquidity(closes, amount)
    returns = closes[1:] / closes[:-1] - 1.0
    for t in (25, 40):
        window = np.nan_to_num(amount[t - 19 : t + 1])
        np.testing.assert_allclose(thinness[t], 1 / window.mean(axis=0))
        np.testing.assert_allclose(
            friction[t], returns[t - 20 : t].std(axis=0) / np.sqrt(window.mean(axis=0))
        )
    assert np.isnan(thinness[:5]).all()
    again = measure_liquidity(closes[:33], amount[:33])[0]
    np.testing.assert_array_equal(again, friction[:33])  # nothing later is known


def test_without_amount_or_with_a_share_of_nothing_it_says_what_is_missing(market, signal):
    portfolios = quantile_portfolios(signal, TradePrices.of(market, liquidity=False))
    with pytest.raises(ConfigError, match="needs trades and the market's `amount`"):
        capacity(portfolios)
    with pytest.raises(ConfigError, match="coefficient: must be positive"):
        capacity(portfolios, coefficient=0.0)
    with pytest.raises(ConfigError, match="participation: must be a share"):
        capacity(portfolios, participation=1.5)
    found = capacity(quantile_portfolios(signal, market))
    assert "impact eats the alpha at" in str(found)
    assert len(found.to_dict()["curve"]["money"]) == len(found.to_dict()["curve"]["net_alpha"])
