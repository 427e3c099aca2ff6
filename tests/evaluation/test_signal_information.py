import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import AxisMismatch, ConfigError
from superhet.evaluation import (
    forward_returns,
    ic_decay,
    information,
    information_by_group,
    quantile_returns,
    rank_autocorrelation,
    size_groups,
    summarize_series,
)
from superhet.panel import Assets, Dates, Panel
from superhet.testing.markets import random_market


def panel(values, name="", unit="score", start="2023-11-01"):
    values = np.asarray(values, dtype=float)
    days = np.arange(np.datetime64(start), np.datetime64(start) + len(values))
    assets = Assets([f"A{i}" for i in range(values.shape[1])])
    return Panel(values=values, dates=Dates(days), assets=assets, name=name, unit=unit)


@pytest.fixture(scope="module")
def planted():
    """120 dates of 200 names whose returns contain the signal with correlation 0.1."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((120, 200))
    y = 0.02 * (0.1 * z + np.sqrt(0.99) * rng.standard_normal(z.shape))
    z[rng.random(z.shape) < 0.1] = np.nan
    return panel(z, "planted"), panel(y, "forward", "return")


def test_the_planted_information_is_found(planted):
    found = information(*planted, 1)
    assert found.linear.mean == pytest.approx(0.1, abs=0.02)
    rank_correlation = 6 / np.pi * np.arcsin(0.1 / 2)  # of normal numbers correlated by 0.1
    assert found.rank.low < rank_correlation < found.rank.high
    assert found.rank.t > 8
    assert found.mean_coverage == pytest.approx(0.9, abs=0.01)


def test_the_numbers_are_those_of_pandas(planted):
    signal, forward = planted
    left, right = (pd.DataFrame(p.values) for p in planted)
    oracle = left.corrwith(right, axis=1, method="spearman")
    found = information(signal, forward, 1)
    assert_allclose(found.rank_ic, oracle, atol=1e-12)
    assert found.rank.mean == pytest.approx(oracle.mean())
    assert found.rank.std == pytest.approx(oracle.std())
    assert found.rank.icir == pytest.approx(oracle.mean() / oracle.std())
    assert found.rank.win_rate == pytest.approx((oracle > 0).mean())


def test_years_are_summarized_apart(planted):
    found = information(*planted, 1)
    assert list(found.by_year) == [2023, 2024]
    assert sum(s.count for s in found.by_year.values()) == found.rank.count == 120
    assert found.by_year[2023].mean == pytest.approx(found.rank_ic[:61].mean())


def test_a_date_with_two_pairs_is_not_known():
    signal = panel([[1, 2, 3, 4], [1, 2, np.nan, np.nan]])
    forward = panel([[1, 2, 4, 3], [2, 1, 3, 4]])
    found = information(signal, forward, 1)
    assert_allclose(found.rank_ic, [0.8, np.nan])
    assert_array_equal(found.pairs, [4, 2])
    assert found.rank.count == 1
    assert found.rank.icir != found.rank.icir  # one date has no deviation


def test_a_signal_that_knows_nothing_at_all_gives_an_empty_summary():
    found = information(panel(np.full((3, 4), np.nan)), panel(np.ones((3, 4))), 1)
    assert found.rank.count == 0
    assert found.to_dict()["rank_ic"]["mean"] is None
    assert "0 dates" in str(found)


def test_a_win_is_the_expected_sign():
    series = np.array([0.1, -0.2, -0.3, np.nan])
    assert summarize_series(series, 1, expected_sign=-1).win_rate == pytest.approx(2 / 3)


def test_overlapping_horizons_lower_the_t_statistic(planted):
    """A constant signal against 20-day sums: the naive t is far too sure of itself."""
    rng = np.random.default_rng(2)
    daily = rng.standard_normal((540, 100))
    slow = np.tile(rng.standard_normal(100), (521, 1))
    sums = np.lib.stride_tricks.sliding_window_view(daily, 20, axis=0).sum(axis=2)
    found = information(panel(slow), panel(sums), 20)
    naive = found.rank.icir * np.sqrt(found.rank.count)
    assert abs(found.rank.t) < 0.4 * abs(naive)


def test_json_and_text_hold_the_same_numbers(planted):
    found = information(*planted, 5)
    numbers = json.loads(json.dumps(found.to_dict(series=True), allow_nan=False))
    assert numbers["rank_ic"]["mean"] == found.rank.mean
    assert len(numbers["series"]["rank_ic"]) == 120
    assert f"{found.rank.mean:.4f}" in str(found)


def test_other_axes_are_refused(planted):
    signal, forward = planted
    with pytest.raises(AxisMismatch, match="different dates"):
        information(signal, forward.until("2024-01-01"), 1)


def test_quantiles_of_a_perfect_signal_are_a_staircase():
    y = np.tile(np.arange(10.0), (6, 1)) / 100
    found = quantile_returns(panel(y), panel(y), 1, quantiles=5)
    assert_allclose(found.mean, [0.005, 0.025, 0.045, 0.065, 0.085])
    assert_allclose(found.relative_mean.sum(), 0.0, atol=1e-15)
    assert found.monotonicity == 1.0
    assert_allclose(found.spread, 0.08)
    assert_allclose(found.mean_turnover, 0.0)
    assert "monotonicity +1.00" in str(found)


def test_quantile_means_are_those_of_pandas(planted):
    signal, forward = planted
    found = quantile_returns(signal, forward, 1, quantiles=10)
    for t in (0, 60):
        both = ~np.isnan(signal.values[t])
        x, y = signal.values[t, both], forward.values[t, both]
        rank = pd.Series(x).rank()
        code = np.floor((rank - 0.5) * 10 / len(x))
        assert_allclose(found.returns[t], pd.Series(y).groupby(code).mean().to_numpy())
    assert found.spread_summary.mean > 0
    json.dumps(found.to_dict(series=True), allow_nan=False)


def test_one_quantile_is_none(planted):
    with pytest.raises(ConfigError, match="quantiles: must be at least 2"):
        quantile_returns(*planted, 1, quantiles=1)


def test_a_signal_that_does_not_move_has_autocorrelation_one(planted):
    signal, _ = planted
    still = panel(np.tile(np.arange(30.0), (5, 1)))
    assert_allclose(rank_autocorrelation(still, 2), [np.nan, np.nan, 1, 1, 1])
    assert abs(np.nanmean(rank_autocorrelation(signal))) < 0.03
    with pytest.raises(ConfigError, match="lag: must be at least 1"):
        rank_autocorrelation(still, 0)


def test_decay_shows_how_far_a_signal_looks():
    """A signal that is the return of the 3rd session ahead is right at lag 3 and nowhere else."""
    market = random_market(100, 50)
    ahead = forward_returns(market, horizon=1, delay=3)
    found = ic_decay(ahead.renamed("oracle"), market, (1, 2, 3, 4))
    assert found.rank_ic[2] == pytest.approx(1.0)
    assert np.abs(found.rank_ic[[0, 1, 3]]).max() < 0.1
    json.dumps(found.to_dict(), allow_nan=False)


def test_decay_may_be_asked_on_a_slower_clock():
    market = random_market(60, 30)
    weekly = market["returns"].rows(np.arange(0, 60, 5))
    found = ic_decay(weekly, market, (1, 2))
    daily = ic_decay(market["returns"], market, (1, 2))
    assert found.summaries[0].count < daily.summaries[0].count / 4


def test_half_life_is_read_between_the_lags():
    market = random_market(80, 40)
    found = ic_decay(market["returns"], market, (1, 2, 4))
    made = type(found)(
        name="",
        horizon=1,
        lags=(1, 2, 4),
        summaries=tuple(summarize_series(np.array([v, v + 0.02]), 1) for v in (0.07, 0.05, 0.01)),
    )
    # means 0.08, 0.06, 0.02: half of the first is reached in the middle of lags 2 and 4
    assert made.half_life == pytest.approx(3 - 1)
    with pytest.raises(ConfigError, match="lags: must be increasing"):
        ic_decay(market["returns"], market, (2, 2))


def test_information_by_group_is_the_information_of_the_group_alone():
    market = random_market(80, 60)
    signal, forward = market["returns"], forward_returns(market, horizon=5)
    industry = market.groups("industry")
    found = information_by_group(signal, forward, industry, 5)
    for g, label in enumerate(industry.labels):
        alone = signal.with_values(np.where(industry.values == g, signal.values, np.nan))
        oracle = information(alone, forward, 5).rank
        assert found.summaries[g].mean == pytest.approx(oracle.mean)
        assert found.to_dict()["groups"][label]["count"] == oracle.count
    assert "industry 0" in str(found)
    with pytest.raises(AxisMismatch, match="not of groups"):
        information_by_group(signal, forward, signal, 5)


def test_size_groups_put_the_smallest_first():
    market = random_market(30, 50)
    groups = size_groups(market, 5)
    cap = market["market_cap"].values[20]
    assert groups.values[20][np.nanargmin(cap)] == 0
    assert groups.values[20][np.nanargmax(cap)] == 4
    assert_array_equal(groups.values[20] >= 0, ~np.isnan(cap))
