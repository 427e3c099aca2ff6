"""Frictions: impact and spread against plain loops, against planted truth, and blind to the future."""

from __future__ import annotations

import numpy as np
import pytest
from fact_sheets import A, B, with_column
from numpy.testing import assert_allclose
from sheet_market import sheet

from superhet.backtest import Frictions, friction_terms
from superhet.errors import ConfigError
from superhet.panel import Cube, Market
from superhet.testing.markets import random_market

WINDOW = 20


def panels(market, **changed):
    """Replace fields by functions of their values."""
    fields = {
        n: market[n].with_values(changed[n](market[n].values)) if n in changed else market[n]
        for n in market
    }
    return Market(fields=Cube(fields), universe=market.universe)


@pytest.fixture(scope="module")
def market():
    return random_market(dates=60, assets=12, seed=4)


def loop_impact(market, k):
    """Compute k sigma / sqrt(volume) cell by cell."""
    factor = market["adjust_factor"].values
    close = market["close"].values * factor
    volume = market["volume"].values / factor
    out = np.full(close.shape, np.nan)
    for t in range(len(close)):
        for i in range(close.shape[1]):
            rows = range(max(t - WINDOW, 0), t)
            moves = [close[u, i] / close[u - 1, i] - 1 for u in rows if u]
            moves = [m for m in moves if not np.isnan(m)]
            traded = [volume[u, i] for u in rows if volume[u, i] > 0]
            if len(moves) >= WINDOW // 2 and len(traded) >= WINDOW // 2:
                shares = np.mean(traded) * np.nan_to_num(factor[t, i], nan=1.0)
                out[t, i] = k * np.std(moves, ddof=1) / np.sqrt(shares)
    return out


def test_impact_is_that_of_a_plain_loop(market):
    found = friction_terms(Frictions(impact=0.5, window=WINDOW), market).impact
    expected = loop_impact(market, 0.5)
    known = ~np.isnan(expected)
    assert known.sum() > 300
    assert_allclose(found[known], expected[known], rtol=1e-12)


def test_impact_of_a_money_order_does_not_depend_on_a_split():
    rng = np.random.default_rng(1)
    close = 10 * np.exp(np.cumsum(rng.normal(0, 0.02, 40)))
    days = [str(d) for d in np.arange("2024-01-01", "2024-02-10", dtype="datetime64[D]")]
    split = np.where(np.arange(40) >= 30, 2.0, 1.0)
    whole = sheet(days, {A: close}, volume={A: [1e6] * 40})
    halved = sheet(days, {A: close / split}, factors={A: split}, volume={A: 1e6 * split})
    before, after = (friction_terms(Frictions(impact=1.0), m).impact for m in (whole, halved))
    shares = 5_000.0
    assert_allclose(before * np.sqrt(shares), after * np.sqrt(shares * split[:, None]), rtol=1e-12)


def test_one_percent_of_daily_deviation_and_a_day_of_volume_cost_one_percent():
    """k = 1, deviation 1 %, 1,000,000 shares a day: an order of a day's volume costs 1 % of its value."""
    moves = np.tile([0.01, -0.01], 20)
    close = 10 * np.cumprod(1 + moves)
    days = [str(d) for d in np.arange("2024-01-01", "2024-02-10", dtype="datetime64[D]")]
    market = sheet(days, {A: close}, volume={A: [1e6] * 40})
    rate = friction_terms(Frictions(impact=1.0), market, start=30).impact[0, 0]
    deviation = 0.01 * np.sqrt(20 / 19)
    assert rate * np.sqrt(1e6) == pytest.approx(deviation, rel=1e-12)


def test_a_planted_spread_is_found_again():
    """Prices walk with a deviation of 1 % a day; every trade is at the middle ± half of 1 %."""
    rng = np.random.default_rng(7)
    days, ticks, assets, half = 250, 390, 8, 0.005
    walk = np.cumsum(rng.normal(0, 0.01 / np.sqrt(ticks), (days * ticks, assets)), axis=0)
    traded = (walk + half * rng.choice([-1, 1], walk.shape)).reshape(days, ticks, assets)
    dates = [str(d) for d in np.arange("2023-01-01", "2023-09-08", dtype="datetime64[D]")][:days]
    names = [f"{600000 + i}.SH" for i in range(assets)]
    last = 10 * np.exp(traded[:, -1])
    plain = sheet(dates, {n: last[:, i] for i, n in enumerate(names)})
    market = panels(
        plain,
        high=lambda _: 10 * np.exp(traded.max(axis=1)),
        low=lambda _: 10 * np.exp(traded.min(axis=1)),
    )
    found = friction_terms(Frictions(spread="high_low", window=240), market, start=245).half_spread
    assert found.mean() == pytest.approx(half, rel=0.1)


@pytest.mark.parametrize("terms", [{"impact": 1.0}, {"spread": "high_low"}])
def test_no_friction_sees_the_session_it_is_charged_on(market, terms):
    kept = 40

    def other(values):
        return np.vstack([values[:kept], values[kept:] * 3.0 + 1.0])

    found, told = (
        friction_terms(Frictions(**terms), m)
        for m in (
            market,
            panels(market, open=other, high=other, low=other, close=other, volume=other),
        )
    )
    for name in ("half_spread", "impact"):
        if getattr(found, name) is not None:
            # row `kept` is charged on the first changed session
            assert_allclose(
                getattr(found, name)[: kept + 1], getattr(told, name)[: kept + 1], rtol=0
            )


def test_rows_before_the_first_decision_fill_the_windows(market):
    terms = Frictions(impact=1.0, spread="high_low")
    whole, late = friction_terms(terms, market), friction_terms(terms, market, start=33)
    assert_allclose(late.impact, whole.impact[33:], rtol=0)
    assert_allclose(late.half_spread, whole.half_spread[33:], rtol=0)


def test_a_column_of_spreads_is_halved_as_known_before_and_the_median_stands_in():
    days = ["2024-01-08", "2024-01-09", "2024-01-10"]
    c = "600002.SH"
    plain = sheet(days, {A: [10] * 3, B: [10] * 3, c: [10] * 3})
    market = with_column(plain, "spread", {A: [0.002, 0.004, 0.1], B: [0.004, 0.006, 0.1]})
    found = friction_terms(Frictions(spread="spread"), market).half_spread
    assert_allclose(found, [[0, 0, 0], [0.001, 0.002, 0.0015], [0.002, 0.003, 0.0025]])


def test_a_number_is_the_same_everywhere_and_nothing_is_nothing():
    market = sheet(["2024-01-08", "2024-01-09"], {A: [10, 10]})
    assert_allclose(friction_terms(Frictions(spread=0.001), market).half_spread, 0.0005)
    terms = friction_terms(Frictions(), market)
    assert (terms.half_spread, terms.impact) == (None, None)
    assert terms.words == {"spread": "none", "impact": "none"}


def test_an_unknown_column_is_named():
    market = sheet(["2024-01-08", "2024-01-09"], {A: [10, 10]})
    with pytest.raises(ConfigError, match=r"backtest.frictions.spread: .*did you mean 'high_low'"):
        friction_terms(Frictions(spread="high_lo"), market)
