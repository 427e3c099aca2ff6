import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from superhet.kernels.covariance import newey_west_mean_variance
from superhet.kernels.long_run import (
    FLOOR,
    critical_value,
    lags_of,
    mean_errors,
    two_sided_p,
)

NUMBERS = st.lists(st.floats(-1.0, 1.0), min_size=12, max_size=40)


def gappy(count, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(count).cumsum()
    x[rng.random(count) < 0.3] = np.nan
    x[[0, -1]] = 1.0, 2.0  # known at both ends: the series is as long as the array
    return x


def weight(d, lags):
    """Twice the Bartlett weight at 2 lags minus that at lags: whole up to `lags`, then falling to 0."""
    return 1.0 if d <= lags else max(2.0 - d / lags, 0.0)


def test_the_lags_are_the_horizon_or_two_thirds_of_the_root_of_the_dates():
    assert lags_of(250, 20) == 20
    assert lags_of(2500, 20) == 32  # 0.65 · 50
    assert lags_of(30, 20) == 15  # never more than half of the dates
    assert lags_of(2, 1) == 1


@pytest.mark.parametrize("horizon", [1, 5, 9])
def test_the_variance_is_the_double_sum_with_whole_weights_up_to_the_lags(horizon):
    x = gappy(60)
    known = ~np.isnan(x)
    u = np.where(known, x - x[known].mean(), 0.0)
    lags, n = lags_of(60, horizon), known.sum()
    pairs = [(i, j) for i in range(60) for j in range(60)]
    total = sum(weight(abs(i - j), lags) * u[i] * u[j] for i, j in pairs)
    narrow = sum(max(1.0 - abs(i - j) / lags, 0.0) * u[i] * u[j] for i, j in pairs)
    spread = sum(weight(abs(i - j), lags) ** 2 * known[i] * known[j] for i, j in pairs) / n**2
    found = mean_errors(x[:, None], horizon)
    assert found.variance[0] == pytest.approx(max(total, FLOOR * narrow) / n**2)
    assert found.spread[0] == pytest.approx(spread)


def test_it_is_twice_newey_west_of_double_the_lags_minus_newey_west():
    x = np.random.default_rng(1).standard_normal(200).cumsum()
    lags = lags_of(200, 10)
    wide, narrow = (newey_west_mean_variance(x, m - 1) for m in (2 * lags, lags))
    assert mean_errors(x[:, None], 10).variance[0] == pytest.approx(2.0 * wide - narrow)


def test_a_moving_sum_has_the_error_that_its_overlap_gives():
    rng = np.random.default_rng(2)
    steps = rng.standard_normal((1000 + 19, 300)).cumsum(axis=0)
    sums = steps[19:] - np.vstack([np.zeros(300), steps[:-20]])
    found = mean_errors(sums, 20)
    truth = 20**2 / 1000  # long-run variance of a sum of 20 independent steps, over the dates
    assert found.variance.mean() == pytest.approx(truth, rel=0.1)
    narrow = np.mean([newey_west_mean_variance(x, 20) for x in sums.T])
    assert narrow < 0.72 * truth  # what Newey and West's weights alone take away


def test_a_constant_has_no_error_and_one_date_has_no_answer():
    assert mean_errors(np.full((2500, 1), 0.3), 5).variance[0] == 0.0
    alone = mean_errors(np.array([[np.nan], [2.0], [np.nan]]), 1)
    assert alone.mean[0] == 2.0
    assert np.isnan(alone.variance[0])
    nothing = mean_errors(np.full((4, 1), np.nan), 1)
    assert nothing.known[0] == 0
    assert np.isnan(nothing.mean[0])


@settings(max_examples=50, deadline=None)
@given(NUMBERS, st.floats(0.01, 100.0), st.integers(1, 8))
def test_scaling_a_series_scales_its_error_and_padding_changes_nothing(numbers, scale, horizon):
    x = np.array(numbers)
    plain = mean_errors(x[:, None], horizon)
    padded = np.concatenate([[np.nan] * 3, x * scale, [np.nan] * 5])
    found = mean_errors(padded[:, None], horizon)
    assert_allclose(found.variance, plain.variance * scale**2, rtol=1e-6, atol=1e-12 * scale**2)
    assert found.spread[0] == plain.spread[0]


def test_series_side_by_side_give_what_each_gives_alone():
    many = np.column_stack([gappy(80, seed) for seed in range(5)])
    together = mean_errors(many, 5)
    for k in range(5):
        alone = mean_errors(many[:, [k]], 5)
        assert all(a[0] == b[k] for a, b in zip(alone, together, strict=True))


def test_few_lags_on_many_dates_are_the_normal_law():
    assert critical_value(0.05, 1e-6) == pytest.approx(1.96, abs=1e-3)
    assert two_sided_p(1.0, 1e-6) == pytest.approx(0.3173, abs=1e-3)


@given(st.floats(0.001, 1.0), st.floats(0.001, 0.5))
def test_the_critical_value_is_passed_with_its_probability(spread, level):
    assert two_sided_p(critical_value(level, spread), spread) == pytest.approx(level)


@given(st.floats(0.0011, 0.86))
def test_a_noisier_error_asks_for_a_larger_t(spread):
    assert critical_value(0.05, spread * 1.01) > critical_value(0.05, spread)


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [12, 32, 54, 90, 200])
def test_the_law_of_t_is_that_of_simulated_white_noise(horizon):
    rng = np.random.default_rng(horizon)
    levels = np.array([0.2, 0.1, 0.05, 0.02, 0.01])
    passed = np.zeros(5)
    for _ in range(4):
        found = mean_errors(rng.standard_normal((400, 10_000)), horizon)
        p = two_sided_p(found.mean / np.sqrt(found.variance), found.spread)
        passed += (p[:, None] < levels).mean(axis=0) / 4
    assert_allclose(passed[2:], levels[2:], rtol=0.1)  # three deviations of such a simulation
    assert np.all(passed[:2] < levels[:2] * 1.03)  # where it is not exact it errs on the safe side
    assert np.all(passed[:2] > levels[:2] * 0.85)
