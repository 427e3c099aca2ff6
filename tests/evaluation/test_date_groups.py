"""Groups of dates: states that one could have known, seasons, and the IC within them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import AxisMismatch, ConfigError
from superhet.evaluation import (
    calendar_months,
    calendar_years,
    information_by_dates,
    market_regimes,
    monthly_table,
    summarize_series,
)
from superhet.panel import Benchmark
from superhet.testing.markets import random_market


def market_of(returns):
    market = random_market(dates=len(returns), assets=5)
    return replace(market, benchmark=Benchmark(name="b", returns=np.asarray(returns, float)))


def test_no_state_changes_when_later_sessions_come():
    market = random_market(dates=400, assets=20)
    whole = market_regimes(market, trend_window=40, volatility_window=10, history=60)
    for day in (150, 266, 399):
        part = market_regimes(
            market.until(market.dates.values[day]),
            trend_window=40,
            volatility_window=10,
            history=60,
        )
        for name in ("trend", "volatility", "both"):
            assert_array_equal(getattr(part, name).codes, getattr(whole, name).codes[: day + 1])


def test_a_market_that_only_rises_is_up_and_one_that_falls_is_down():
    for daily, state in ((0.001, 1), (-0.001, 0)):
        codes = market_regimes(market_of(np.full(200, daily)), trend_window=120).trend.codes
        assert_array_equal(codes[:119], -1)
        assert_array_equal(codes[119:], state)


def test_a_market_that_turns_wild_is_volatile_from_then_on():
    rng = np.random.default_rng(0)
    daily = 0.005 * rng.standard_normal(500)
    daily[400:] *= 6
    found = market_regimes(market_of(daily), volatility_window=20, history=100).volatility
    assert_array_equal(found.codes[:119], -1)
    assert (found.codes[119:] >= 0).all()
    assert_array_equal(found.codes[420:], 1)
    assert found.labels == ("calm", "volatile")


def test_both_states_together_have_four_names():
    found = market_regimes(random_market(dates=500, assets=20))
    assert found.both.labels[3] == "up, volatile"
    known = found.both.codes >= 0
    assert_array_equal(found.both.codes[known] // 2, found.trend.codes[known])
    assert_array_equal(found.both.codes[known] % 2, found.volatility.codes[known])
    assert found.both.share.sum() == pytest.approx(1.0)


def test_without_a_benchmark_the_members_stand_for_the_market():
    market = random_market(dates=300, assets=30)
    alone = replace(market, benchmark=None)
    returns = market["returns"].values
    member = market.universe.member.values
    mean = [
        np.nanmean(np.where(member[t - 1], returns[t], np.nan)) if t else 0.0 for t in range(300)
    ]
    assert_array_equal(
        market_regimes(alone, history=50).both.codes,
        market_regimes(market_of(mean), history=50).both.codes,
    )


def test_ic_of_the_months_of_a_year_is_that_of_their_dates():
    market = random_market(dates=520, assets=5)
    series = np.random.default_rng(3).standard_normal(520)
    months, years = calendar_months(market.dates), calendar_years(market.dates)
    found = information_by_dates(series, months, 5)
    march = np.array([str(d)[5:7] == "03" for d in market.dates.values])
    assert found.labels[2] == "Mar"
    assert found.summaries[2].mean == pytest.approx(series[march].mean())
    assert found.summaries[2].count == march.sum()
    assert years.labels == ("2019", "2020")
    whole = summarize_series(series, 5)
    parts = information_by_dates(series, years, 5).summaries
    assert sum(s.mean * s.count for s in parts) == pytest.approx(whole.mean * whole.count)


def test_dates_of_other_groups_lie_between_and_do_not_make_neighbours():
    """Every second date in each of two groups: neighbours within a group lie two apart."""
    market = random_market(dates=300, assets=5)
    rng = np.random.default_rng(4)
    series = np.convolve(rng.standard_normal(304), np.ones(5) / 5, "valid")
    groups = replace(
        calendar_years(market.dates),
        codes=np.arange(300) % 2,
        labels=("even", "odd"),
        name="parity",
    )
    found = information_by_dates(series, groups, 5).summaries[0]
    kept = np.where(np.arange(300) % 2 == 0, series, np.nan)
    assert found == summarize_series(kept, 5)
    assert found.t != pytest.approx(summarize_series(series[::2], 5).t)


def test_the_monthly_table_has_a_row_for_each_year():
    market = random_market(dates=300, assets=5)
    series = np.arange(300.0)
    series[:3] = np.nan
    years, table = monthly_table(series, market.dates)
    assert years == ("2019", "2020")
    january = market.dates.values.astype("datetime64[M]") == np.datetime64("2019-01")
    assert table[0, 0] == pytest.approx(np.nanmean(series[january]))
    assert_allclose(np.isnan(table[1, 3:]), True)


def test_what_does_not_fit_is_refused():
    market = random_market(dates=50, assets=5)
    with pytest.raises(AxisMismatch, match="49 dates cannot be grouped by year of 50"):
        information_by_dates(np.zeros(49), calendar_years(market.dates), 1)
    with pytest.raises(ConfigError, match="trend_window: must be at least 2"):
        market_regimes(market, trend_window=1)
    with pytest.raises(ConfigError, match="history: must be at least 1"):
        market_regimes(market, history=0)
    short = market_regimes(market)  # shorter than any window: no state is known
    assert (short.both.codes == -1).all()
    assert_array_equal(short.both.share, 0)
    assert "By year" in str(information_by_dates(np.zeros(50), calendar_years(market.dates), 1))
