"""The tear sheet in one go: an example by hand, the single functions, and what must not matter."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import AxisMismatch, ConfigError
from superhet.evaluation import (
    Targets,
    evaluate,
    evaluate_many,
    factor_returns,
    forward_returns,
    information,
    information_by_group,
    quantile_returns,
    rank_autocorrelation,
)
from superhet.kernels.pair_ranks import reals
from superhet.panel import Assets, Cube, Dates, Panel
from superhet.testing.markets import random_market


def panel(values, name="", unit="score", **more):
    values = np.asarray(values)
    values = values if values.dtype == np.float32 or unit == "group" else values.astype(float)
    days = np.arange(np.datetime64("2024-01-30"), np.datetime64("2024-01-30") + len(values))
    assets = Assets([f"A{i}" for i in range(values.shape[1])])
    return Panel(values=values, dates=Dates(days), assets=assets, name=name, unit=unit, **more)


@pytest.fixture
def by_hand():
    """Three dates of four names; the numbers below were worked out on paper."""
    signal = panel([[1, 2, 3, 4], [2, 1, 4, 3], [4, 3, 2, 1]], "example")
    forward = panel([[0.01, 0.03, 0.02, 0.06], [0.03, 0.01, 0.02, 0.04], [0, 0, 0.02, 0.02]])
    groups = panel([[0, 1, 0, 1]] * 3, "pairs", "group", labels=("odd", "even"))
    return evaluate(signal, Targets.of({1: forward}), quantiles=2, groups={"pairs": groups})


def test_correlations_of_the_example(by_hand):
    found = by_hand.information[1]
    # squared rank distances 2 and 6: 1 - 6 d² / (4 · 15); the last date has ties, -4 / sqrt(5 · 4)
    assert_allclose(found.rank_ic, [0.8, 0.4, -4 / np.sqrt(20)])
    assert found.ic[0] == pytest.approx(0.07 / np.sqrt(5 * 0.0014))
    months, means = found.by_month()
    assert [str(m) for m in months] == ["2024-01", "2024-02"]
    assert_allclose(means, [0.6, -4 / np.sqrt(20)])


def test_quantiles_of_the_example(by_hand):
    found = by_hand.quantiles[1]
    assert_allclose(found.returns, [[0.02, 0.04], [0.02, 0.03], [0.02, 0.0]], atol=1e-15)
    assert_allclose(found.universe, [0.03, 0.025, 0.01])
    assert_allclose(found.spread, [0.02, 0.01, -0.02])
    # 0.01 and 0.03 have the deviation 0.0141: an error of 0.01; 0.02 and 0.06 one of 0.02
    assert_allclose(found.errors[0], [0.01, 0.02])
    assert found.spread_error[0] == pytest.approx(np.sqrt(0.01**2 + 0.02**2))
    assert_allclose(found.excess_mean, np.array([-0.01 - 0.005 + 0.01, 0.01 + 0.005 - 0.01]) / 3)
    assert_allclose(found.turnover, [[np.nan, np.nan], [0, 0], [1, 1]])
    assert_array_equal(found.sizes, np.full((3, 2), 2))


def test_the_book_in_proportion_to_the_signal_of_the_example(by_hand):
    found = by_hand.weighted[1]
    # weights -0.375, -0.125, 0.125, 0.375 on the first date
    assert_allclose(found.returns, [0.0175, 0.005, -0.01])
    assert found.regression.beta == pytest.approx(67 / 52)
    assert found.regression.alpha == pytest.approx(-0.02375)
    assert found.regression.annual_alpha == pytest.approx((1 - 0.02375) ** 252 - 1)


def test_groups_and_autocorrelation_of_the_example(by_hand):
    within = by_hand.groups["pairs"][1]
    assert_allclose(within.quantile_returns[0], [[0.01, 0.02], [0.03, 0.06]])
    assert np.isnan(within.rank_ic).all()  # two names each
    assert_allclose(by_hand.autocorrelation[1], [np.nan, 0.6, -0.6])
    assert by_hand.mean_autocorrelation[1] == pytest.approx(0.0)


@pytest.fixture(scope="module")
def market():
    return random_market(60, 50)


@pytest.fixture(scope="module")
def targets(market):
    return Targets.build(market, horizons=(1, 5))


def numbers(found):
    """All that an evaluation holds, as text that keeps every bit."""
    within = {
        f"{by} {h}": (g.rank_ic.tolist(), g.quantile_returns.tolist())
        for by, some in found.groups.items()
        for h, g in some.items()
    }
    every = {h: (q.turnover.tolist(), q.errors.tolist()) for h, q in found.quantiles.items()}
    repeated = {lag: v.tolist() for lag, v in found.autocorrelation.items()}
    return repr((found.to_dict(series=True), within, every, repeated))


def test_all_at_once_is_the_same_as_one_by_one(market, targets):
    signal, industry = market["returns"], market.groups("industry")
    found = evaluate(signal, targets, groups={"industry": industry}, lags=(1, 5))
    for h in (1, 5):
        forward = forward_returns(market, horizon=h)
        alone = information(signal, forward, h)
        assert found.information[h].to_dict(series=True) == alone.to_dict(series=True)
        cut = quantile_returns(signal, forward, h, step=h)
        assert found.quantiles[h].to_dict(series=True) == cut.to_dict(series=True)
        assert_array_equal(found.quantiles[h].turnover, cut.turnover)
        within = information_by_group(signal, forward, industry, h)
        assert_array_equal(found.groups["industry"][h].rank_ic, within.rank_ic)
        held = factor_returns(signal, forward, h)
        assert found.weighted[h].to_dict(series=True) == held.to_dict(series=True)
        assert_array_equal(found.autocorrelation[h], rank_autocorrelation(signal, h))
    json.dumps(found.to_dict(series=True), allow_nan=False)
    assert "Rank autocorrelation by lag: 1:" in str(found)


def test_the_bytes_are_the_same_on_any_number_of_threads(market, targets):
    groups = {"industry": market.groups("industry")}
    found = [
        numbers(evaluate(market["returns"], targets, groups=groups, threads=n)) for n in (1, 2, 7)
    ]
    assert len(set(found)) == 1


def test_many_signals_are_judged_like_one_and_loaded_one_by_one(market, targets):
    names = ("returns", "volume")
    loaded = []

    def each():
        for name in names:
            loaded.append(name)
            yield market[name].renamed(name)

    found = evaluate_many(each(), targets, quantiles=3)
    first = next(found)
    assert loaded == ["returns"]
    assert numbers(first) == numbers(evaluate(market["returns"], targets, quantiles=3))
    kept = numbers(first)
    assert next(found).name == "volume"
    assert numbers(first) == kept  # the room of the next signal is not that of the last
    cube = Cube({name: market[name].renamed(name) for name in names})
    assert [one.name for one in evaluate_many(cube, targets)] == list(names)


def test_single_precision_is_not_copied_and_gives_the_same_ranks(market, targets):
    single = market["returns"].values.astype(np.float32)
    assert np.shares_memory(reals(single), single)
    signal = market["returns"].with_values(single)
    double = signal.with_values(single.astype(float))
    assert numbers(evaluate(signal, targets)) == numbers(evaluate(double, targets))


def test_no_number_of_a_date_knows_later_dates(market, targets):
    """Given its forward returns, a date's numbers do not move when later rows do."""
    rng = np.random.default_rng(0)
    noisy = market["returns"].values.copy()
    noisy[40:] = rng.standard_normal(noisy[40:].shape)
    found = evaluate(market["returns"], targets)
    moved = evaluate(market["returns"].with_values(noisy), targets)
    for h in (1, 5):
        assert_array_equal(found.information[h].ic[:40], moved.information[h].ic[:40])
        assert_array_equal(found.quantiles[h].turnover[:40], moved.quantiles[h].turnover[:40])
        assert_array_equal(found.autocorrelation[h][:40], moved.autocorrelation[h][:40])
    assert (found.information[1].ic[40:50] != moved.information[1].ic[40:50]).all()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_what_must_not_matter_does_not(seed):
    """The order of assets, a rising transform, and whatever stands beside an unknown value."""
    rng = np.random.default_rng(seed)
    x, y = np.round(rng.standard_normal((2, 5, 24)), 1)
    x[rng.random(x.shape) < 0.2] = np.nan
    y[rng.random(y.shape) < 0.2] = np.nan
    codes = rng.integers(-1, 2, x.shape).astype(np.int32)

    def judged(x, y, codes):
        groups = {"g": panel(codes, "g", "group", labels=("a", "b"))}
        return evaluate(panel(x), Targets.of({1: panel(y)}), quantiles=3, groups=groups, threads=1)

    found, order = judged(x, y, codes), rng.permutation(24)
    moved = judged(x[:, order], y[:, order], codes[:, order])
    risen = judged(np.exp(x), y, codes)
    noise = judged(
        np.where(np.isnan(y), rng.standard_normal(x.shape), x),
        np.where(np.isnan(x) & ~np.isnan(y), rng.standard_normal(x.shape), y),
        codes,
    )
    for other in (moved, risen, noise):
        assert_array_equal(found.information[1].rank_ic, other.information[1].rank_ic)
        assert_array_equal(found.groups["g"][1].rank_ic, other.groups["g"][1].rank_ic)
        assert_array_equal(found.quantiles[1].sizes, other.quantiles[1].sizes)
        assert_array_equal(found.quantiles[1].turnover, other.quantiles[1].turnover)
        assert_allclose(found.quantiles[1].returns, other.quantiles[1].returns, atol=1e-15)
    for other in (moved, noise):
        assert_allclose(found.information[1].ic, other.information[1].ic, atol=1e-12)
        assert_allclose(found.weighted[1].returns, other.weighted[1].returns, atol=1e-14)
    assert_array_equal(found.autocorrelation[1], moved.autocorrelation[1])


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("constant", np.full((6, 9), 0.1)),
        ("unknown", np.full((6, 9), np.nan)),
        ("one asset", np.arange(6.0)[:, None]),
    ],
)
def test_a_signal_that_says_nothing_is_not_known(what, values):
    y = np.random.default_rng(0).standard_normal(values.shape)
    found = evaluate(panel(values, what), Targets.of({1: panel(y)}))
    assert np.isnan(found.information[1].rank_ic).all()
    assert np.isnan(found.information[1].ic).all()
    assert np.isnan(found.weighted[1].returns).all()
    assert np.isnan(found.autocorrelation[1]).all()
    assert np.isnan(found.quantiles[1].spread).all()


def test_interpolated_edges_are_those_of_pandas():
    import pandas as pd

    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 30, 47))
    x[::2] = np.round(x[::2], 1)
    found = quantile_returns(panel(x), panel(y), 1, edges="interpolated")
    for t, (row, after) in enumerate(zip(x, y, strict=True)):
        bucket = pd.qcut(row, 5, labels=False)
        assert_allclose(found.returns[t], pd.Series(after).groupby(bucket).mean())


def test_ranks_of_each_date_are_moved_by_names_that_come_and_go():
    signal = panel([[1, 2, 3, 4, np.nan], [1, 2, 3, np.nan, 2.5]])
    assert rank_autocorrelation(signal)[1] == 1.0
    # ranks 1, 2, 3 against 1, 2, 4, for the newcomer stands in third place
    assert rank_autocorrelation(signal, among="date")[1] == pytest.approx(
        np.corrcoef([1, 2, 3], [1, 2, 4])[0, 1]
    )


def test_what_cannot_be_asked_is_refused(market, targets):
    signal = market["returns"]
    with pytest.raises(ConfigError, match="quantiles: must be at least 2"):
        evaluate(signal, targets, quantiles=1)
    with pytest.raises(ConfigError, match="edges: must be rank or interpolated"):
        quantile_returns(signal, targets.forward[1], 1, edges="deciles")
    with pytest.raises(ConfigError, match="lags: must be at least 1 date"):
        evaluate(signal, targets, lags=(0,))
    with pytest.raises(ConfigError, match="among: must be pairs or date"):
        rank_autocorrelation(signal, among="all")
    with pytest.raises(AxisMismatch, match="different dates"):
        evaluate(signal.rows(slice(0, 10)), targets)
    with pytest.raises(AxisMismatch, match="not of groups"):
        evaluate(signal, targets, groups={"industry": signal})


def test_a_lag_longer_than_the_data_is_not_known(targets, market):
    found = evaluate(market["returns"], targets, lags=(1, 500))
    assert np.isnan(found.autocorrelation[500]).all()
    assert found.mean_autocorrelation[500] != found.mean_autocorrelation[500]


def test_targets_are_forward_returns_sorted_once(market, targets):
    for h in targets.horizons:
        assert_array_equal(targets.forward[h].values, forward_returns(market, horizon=h).values)
    assert targets.nbytes < 2 * 13 * targets.forward[1].values.size
    assert "horizons [1, 5]" in repr(targets)


def test_complete_targets_know_all_horizons_or_none(market, targets):
    found = Targets.build(market, horizons=(1, 5), complete=True)
    known = [~np.isnan(found.forward[h].values) for h in (1, 5)]
    assert_array_equal(*known)
    assert_array_equal(known[0], ~np.isnan(targets.forward[5].values))


def test_some_dates_of_targets_need_no_sorting(market, targets):
    weekly = slice(None, None, 5)
    found = evaluate(market["returns"].rows(weekly), targets.rows(weekly))
    whole = evaluate(market["returns"], targets)
    assert_array_equal(found.information[1].rank_ic, whole.information[1].rank_ic[weekly])


def test_horizons_must_increase(market):
    with pytest.raises(ConfigError, match="horizons: must be increasing"):
        Targets.build(market, horizons=(5, 1))
    with pytest.raises(ConfigError, match="horizons: must be increasing"):
        Targets.of({})
