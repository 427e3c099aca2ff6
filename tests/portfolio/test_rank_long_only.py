"""The long-only rule against its benchmark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from superhet.errors import ConfigError
from superhet.panel import Panel
from superhet.portfolio import PORTFOLIO_RULES, RankLongOnly, diagnose
from superhet.portfolio.turnover import drifted, growth, one_way
from superhet.testing.markets import RandomMarket


@pytest.fixture(scope="module")
def market():
    return RandomMarket(dates=80, assets=100, industries=6, seed=2, bars=0).build()


def noise(market, seed=0):
    values = np.random.default_rng(seed).normal(size=(len(market.dates), len(market.assets)))
    panel = Panel(values=values, dates=market.dates, assets=market.assets, name="noise")
    return panel.rows(np.arange(30, len(market.dates), 5))


def wanted_industry_sums(market, date, inside):
    """Benchmark sums of the industries that have a pool name, brought to 1."""
    codes = market.groups("industry").at(date)
    benchmark = market.benchmark.weights.at(date)
    sums = {k: benchmark[codes == k].sum() for k in np.unique(codes[inside])}
    total = sum(sums.values())
    return {k: v / total for k, v in sums.items()}


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 500),
    base=st.sampled_from(["benchmark", "equal"]),
    top=st.floats(0.05, 1.0),
    match=st.booleans(),
    cap=st.one_of(st.none(), st.floats(0.02, 0.5)),
)
def test_weights_are_positive_sum_to_one_and_hold_the_benchmarks_industries(
    market, seed, base, top, match, cap
):
    alpha = noise(market, seed)
    rule = RankLongOnly(base=base, top=top, match_size=match, max_turnover=cap)
    weights = rule.weights(alpha, market)
    assert (weights.values >= 0).all()
    assert_allclose(weights.values.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    codes = market.groups("industry")
    for date in weights.dates:
        inside = market.universe.tradable.at(date) & (codes.at(date) >= 0)
        assert (weights.at(date)[~inside] == 0).all()
        for code, wanted in wanted_industry_sums(market, date, inside).items():
            held = weights.at(date)[codes.at(date) == code].sum()
            assert abs(held - wanted) < 1e-10


def test_without_tilt_and_selection_the_book_is_the_benchmark_of_the_pool(market):
    weights = RankLongOnly(tilt=0.0, top=1.0).weights(noise(market), market)
    for date in weights.dates:
        inside = weights.at(date) > 0
        codes = market.groups("industry").at(date)
        for code in np.unique(codes[inside]):
            cell = inside & (codes == code)
            share = weights.at(date)[cell] / market.benchmark.weights.at(date)[cell]
            assert_allclose(share, share[0])


def test_the_best_names_of_each_industry_are_held(market):
    alpha = noise(market)
    flat = alpha.with_values(alpha.values)
    weights = RankLongOnly(top=0.3, base="equal", tilt=0.0).weights(flat, market)
    codes = market.groups("industry")
    for date in weights.dates:
        inside = market.universe.tradable.at(date) & (codes.at(date) >= 0)
        for code in np.unique(codes.at(date)[inside]):
            cell = inside & (codes.at(date) == code)
            assert (weights.at(date)[cell] > 0).sum() == np.ceil(0.3 * cell.sum() - 1e-9)


def test_a_larger_tilt_gives_a_larger_alpha(market):
    alpha = noise(market)
    earned = [
        np.nansum(RankLongOnly(tilt=tilt, top=1.0).weights(alpha, market).values * alpha.values)
        for tilt in (0.0, 1.0, 3.0)
    ]
    assert earned[0] < earned[1] < earned[2]


def test_matching_size_brings_the_size_exposure_to_the_benchmarks(market):
    alpha = noise(market)
    free = diagnose(RankLongOnly(base="equal").weights(alpha, market), alpha, market)
    matched = diagnose(
        RankLongOnly(base="equal", match_size=True).weights(alpha, market), alpha, market
    )
    assert free.relative_to == "benchmark"
    # the benchmark also holds names outside the pool, whose size the diagnosis leaves out
    assert np.abs(matched.size_exposure).max() < 0.1 < np.abs(free.size_exposure).max()


def test_the_cap_on_turnover_holds_except_for_what_the_pool_forces(market):
    alpha, cap = noise(market), 0.1
    weights = RankLongOnly(max_turnover=cap).weights(alpha, market)
    rows = [market.dates.index(d) for d in alpha.dates]
    turnover = [
        one_way(
            drifted(weights.values[k - 1], growth(market, rows[k - 1], rows[k])), weights.values[k]
        )
        for k in range(1, len(rows))
    ]
    assert np.median(turnover) <= cap + 1e-9
    assert max(turnover) < 0.2


def test_a_market_without_benchmark_weights_is_refused(market):
    bare = replace(market, benchmark=None)
    with pytest.raises(ConfigError, match="needs the weights of a benchmark"):
        RankLongOnly().weights(noise(market), bare)


def test_both_rules_are_registered_by_name():
    assert {"rank_long_only", "rank_long_short"} <= set(PORTFOLIO_RULES.names())
