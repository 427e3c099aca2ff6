"""Quantile portfolios: money that could have been made, worked by hand, and against the forward returns."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import AxisMismatch, ConfigError
from superhet.evaluation import (
    ASHARE_COST,
    TradePrices,
    TradingCost,
    forward_returns,
    holding_sweep,
    quantile_portfolios,
    quantile_returns,
)
from superhet.panel import Market, Panel
from superhet.testing.markets import random_market


@pytest.fixture(scope="module")
def market():
    return random_market(dates=160, assets=80, seed=2)


@pytest.fixture(scope="module")
def noise(market):
    return scored(market, np.random.default_rng(0).standard_normal((160, 80)))


def with_prices(market: Market, closes: np.ndarray, opens: np.ndarray | None = None) -> Market:
    """Replace the prices; nothing is locked."""
    panel = market["adjusted_close"]
    nowhere = panel.with_values(np.full(closes.shape, np.nan))
    return market.with_fields(
        {
            "adjusted_close": panel.with_values(closes),
            "adjusted_open": panel.with_values(closes if opens is None else opens),
            "limit_up": nowhere,
            "limit_down": nowhere,
        }
    )


def scored(market: Market, values: np.ndarray) -> Panel:
    return market["adjusted_close"].with_values(values, name="x", unit="score")


def test_one_session_from_the_open_is_the_forward_return_where_nothing_moves_overnight(
    market, noise
):
    closes = 10 * np.exp(0.02 * np.random.default_rng(5).standard_normal((160, 80)).cumsum(axis=0))
    opens = np.vstack([closes[:1], closes[:-1]])
    quiet = with_prices(market, closes, opens)
    found = quantile_portfolios(noise, quiet, holding=1)
    means = quantile_returns(noise, forward_returns(quiet, horizon=1), 1).returns
    assert_allclose(found.returns[1:-1], means[:-2], atol=1e-13)


def test_one_session_from_the_close_is_the_forward_return_of_the_session_before(market, noise):
    found = quantile_portfolios(noise, market, holding=1, entry="close")
    means = quantile_returns(noise, forward_returns(market, horizon=1, entry="close"), 1).returns
    assert_allclose(found.returns[2:], means[:-2], atol=1e-13)


def test_long_leg_and_short_leg_add_up_to_the_long_short(market, noise):
    found = quantile_portfolios(noise, market)
    assert_allclose(found.long_leg + found.short_leg, found.long_short)
    known = ~np.isnan(found.universe)
    assert known.sum() == 159


def test_costs_are_taken_from_both_legs(market, noise):
    free = quantile_portfolios(noise, market, cost=0.0)
    paid = quantile_portfolios(noise, market, cost=0.001)
    assert_array_equal(free.long_short_net, free.long_short)
    ends = (paid.books.bought + paid.books.sold)[:, [0, -1]].sum(axis=1)
    assert_allclose(paid.long_short - paid.long_short_net, 0.001 * ends)
    assert_allclose(paid.net, paid.returns - 0.002 * paid.turnover)


def test_at_its_break_even_cost_the_long_short_earns_nothing(market):
    rng = np.random.default_rng(1)
    ahead = np.nan_to_num(forward_returns(market, horizon=5).values)
    signal = scored(market, ahead + 0.05 * rng.standard_normal(ahead.shape))
    cost = quantile_portfolios(signal, market).break_even_cost
    assert cost > 0
    nothing = quantile_portfolios(signal, market, cost=cost).long_short_net
    assert np.nanmean(nothing) == pytest.approx(0.0, abs=1e-15)


def test_a_constant_ranking_trades_only_once(market):
    order = np.tile(np.arange(80.0), (160, 1))
    found = quantile_portfolios(scored(market, order), market, holding=1, entry="close")
    noisy = quantile_portfolios(
        scored(market, np.random.default_rng(0).permuted(order, axis=1)), market, holding=1
    )
    # what is left: drift, and names that cannot be traded on a day
    assert (found.annual_turnover < 0.2 * noisy.annual_turnover).all()
    # a fifth stays by chance, and one side's trades are four fifths of the portfolio a day
    assert noisy.annual_turnover / 244 == pytest.approx(0.8, abs=0.03)


def test_planted_returns_make_a_staircase(market):
    ahead = forward_returns(market, horizon=5).values
    found = quantile_portfolios(scored(market, ahead), market)
    assert found.monotonicity == 1.0
    assert found.spread.low > 0
    assert found.performance(found.long_short).sharpe > 5


def test_the_portfolio_weighted_by_the_signal_has_the_beta_that_was_planted():
    """Weights of size -1 … 1 on names whose beta is 1 + x: the portfolio's beta is mean |x|-weighted x."""
    dates, assets = 260, 40
    rng = np.random.default_rng(8)
    market = random_market(dates=dates, assets=assets)
    x = np.linspace(-0.5, 0.5, assets)
    moves = 0.01 * rng.standard_normal(dates)
    closes = 10 * np.cumprod(1.0 + moves[:, None] * (1.0 + x), axis=0)
    market = with_prices(market, closes)
    found = quantile_portfolios(
        scored(market, np.tile(x, (dates, 1))), market, holding=1, entry="close"
    )
    assert found.regression.beta == pytest.approx((x**2).sum() / np.abs(x).sum(), rel=1e-9)
    assert found.regression.alpha == pytest.approx(0.0, abs=1e-12)


def test_the_names_that_made_it_are_named_with_their_share(market):
    # one name doubles while it is in the top quantile; all others stand still
    closes = np.ones((160, 80))
    closes[100:, 79] = 2.0
    still = with_prices(market, closes)
    order = scored(market, np.tile(np.arange(80.0), (160, 1)))
    names, share = quantile_portfolios(order, still, holding=5).largest_names()
    assert names[0] == (
        market.assets.values[79],
        pytest.approx(1 / 16),
    )  # one of 16 names gains 100 %
    assert share == pytest.approx(1.0)


def test_prices_found_once_serve_many_signals(market, noise):
    prices = TradePrices.of(market)
    once, again = quantile_portfolios(noise, prices), quantile_portfolios(noise, market)
    assert_array_equal(once.returns, again.returns)
    assert once.cost == ASHARE_COST


def test_longer_holding_trades_less(market, noise):
    rows = holding_sweep(noise, market, holdings=(1, 5, 20, 500))
    assert [r.holding for r in rows] == [1, 5, 20]  # 500 sessions are longer than the data
    assert rows[0].annual_turnover > 4 * rows[1].annual_turnover > 12 * rows[2].annual_turnover
    assert rows[0].annual_return - rows[0].annual_return_net > 0.1


def test_no_return_of_today_knows_prices_of_tomorrow(market, noise):
    whole = quantile_portfolios(noise, market)
    cut = market.dates.values[99]
    part = quantile_portfolios(noise.until(cut), market.until(cut))
    assert_array_equal(whole.returns[:100], part.returns)
    assert_array_equal(whole.long_short_net[:100], part.long_short_net)


def test_json_holds_every_number_and_no_nan(market, noise):
    found = quantile_portfolios(noise, market).to_dict(series=True)
    assert found["series"]["returns"][0] == [None] * 5
    assert len(found["series"]["nav_net"]) == 160
    assert found["long_short"]["sharpe"] > found["long_short_net"]["sharpe"]
    assert "break-even cost" in str(quantile_portfolios(noise, market))


def test_what_cannot_be_asked_is_refused_with_the_reason(market, noise):
    with pytest.raises(ConfigError, match="quantiles: must be 2 to 100"):
        quantile_portfolios(noise, market, quantiles=1)
    with pytest.raises(ConfigError, match="holding: must be at least 1 session"):
        quantile_portfolios(noise, market, holding=0)
    with pytest.raises(ConfigError, match="cannot be traded at the open of t"):
        quantile_portfolios(noise, market, delay=0)
    with pytest.raises(AxisMismatch, match="different dates"):
        quantile_portfolios(noise.rows(slice(0, 50)), market)
    assert TradingCost(buy=0.1, sell=0.2).sell == 0.2


@pytest.mark.parametrize("values", [np.zeros((160, 80)), np.full((160, 80), np.nan)])
def test_a_signal_that_says_nothing_gives_no_spread(market, values):
    found = quantile_portfolios(scored(market, values), market)
    assert not np.isfinite(found.spread.t)
    assert np.isnan(found.break_even_cost) or found.break_even_cost == 0.0
