import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.covariance import LedoitWolf

from superhet.kernels.covariance import (
    half_life_weights,
    ledoit_wolf,
    ledoit_wolf_constant_correlation,
    newey_west_mean_variance,
)


def correlated(n, k, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, k)) @ rng.standard_normal((k, k))


@pytest.mark.parametrize(("n", "k"), [(20, 3), (60, 30), (30, 60), (500, 5)])
def test_ledoit_wolf_is_that_of_scikit_learn(n, k):
    x = correlated(n, k)
    oracle = LedoitWolf().fit(x)
    covariance, shrinkage = ledoit_wolf(x)
    assert_allclose(covariance, oracle.covariance_, rtol=1e-12, atol=1e-12)
    assert shrinkage == pytest.approx(oracle.shrinkage_, abs=1e-12)


def test_constant_correlation_follows_the_paper_term_by_term():
    x = correlated(40, 4, seed=2)
    x = x - x.mean(axis=0)
    n, k = x.shape
    s = x.T @ x / n
    r = [s[i, j] / np.sqrt(s[i, i] * s[j, j]) for i in range(k) for j in range(k) if i != j]
    mean_r = np.mean(r)
    target = np.array(
        [
            [s[i, i] if i == j else mean_r * np.sqrt(s[i, i] * s[j, j]) for j in range(k)]
            for i in range(k)
        ]
    )
    pi, rho, gamma = 0.0, 0.0, 0.0
    for i in range(k):
        for j in range(k):
            error = x[:, i] * x[:, j] - s[i, j]
            pi += np.mean(error**2)
            gamma += (target[i, j] - s[i, j]) ** 2
            if i == j:
                rho += np.mean(error**2)
                continue
            of_i = np.mean((x[:, i] ** 2 - s[i, i]) * error)
            of_j = np.mean((x[:, j] ** 2 - s[j, j]) * error)
            ratio = np.sqrt(s[j, j] / s[i, i])
            rho += mean_r / 2 * (ratio * of_i + of_j / ratio)
    wanted = max(0.0, min(1.0, (pi - rho) / gamma / n))
    covariance, shrinkage = ledoit_wolf_constant_correlation(x)
    assert 0.0 < wanted < 1.0
    assert shrinkage == pytest.approx(wanted, abs=1e-12)
    assert_allclose(covariance, wanted * target + (1 - wanted) * s, atol=1e-12)
    assert_allclose(np.diag(covariance), np.diag(s))


def test_two_variables_have_a_constant_correlation_already():
    x = correlated(30, 2)
    assert_allclose(ledoit_wolf_constant_correlation(x)[0], np.cov(x.T, ddof=0), atol=1e-12)
    assert ledoit_wolf_constant_correlation(x[:, :1])[1] == 0.0


@settings(deadline=None, max_examples=25)
@given(st.integers(3, 40), st.integers(1, 12), st.integers(0, 999))
def test_shrinkage_lies_between_none_and_all_and_grows_with_overlap(n, k, seed):
    x = correlated(n, k, seed)
    for shrink in (ledoit_wolf, ledoit_wolf_constant_correlation):
        plain, more = shrink(x)[1], shrink(x, overlap=3.0)[1]
        assert 0.0 <= plain <= more <= 1.0


def test_shrunk_covariance_is_invertible_with_fewer_samples_than_variables():
    covariance, _ = ledoit_wolf(correlated(10, 40))
    assert np.linalg.eigvalsh(covariance)[0] > 0.0


def test_half_life_weights_halve_and_sum_to_one():
    weights = half_life_weights(50, 10.0)
    assert weights.sum() == pytest.approx(1.0)
    assert_allclose(weights[10:] / weights[:-10], 2.0)
    assert_allclose(half_life_weights(4, None), 0.25)


def newey_west_by_loop(x, lags):
    n, mean = len(x), x.mean()
    total = 0.0
    for d in range(-lags, lags + 1):
        weight = 1 - abs(d) / (lags + 1)
        total += weight * sum(
            (x[t] - mean) * (x[t - d] - mean) / n for t in range(n) if 0 <= t - d < n
        )
    return total / n


@pytest.mark.parametrize("lags", [0, 1, 5, 20])
def test_newey_west_is_the_double_sum_of_the_paper(lags):
    x = np.random.default_rng(0).standard_normal(80).cumsum()
    assert newey_west_mean_variance(x, lags) == pytest.approx(newey_west_by_loop(x, lags))


def test_without_lags_newey_west_is_the_variance_of_the_mean():
    x = np.random.default_rng(0).standard_normal(80)
    assert newey_west_mean_variance(x, 0) == pytest.approx(x.var() / 80)


def test_a_gap_keeps_its_place_in_time():
    x = np.array([1.0, np.nan, -1.0, 0.5, np.nan, -0.5])
    # neighbours known on both sides: (-1, 0.5) at lag 1; the mean is 0
    assert newey_west_mean_variance(x, 1) == pytest.approx((2.5 + 2 * 0.5 * -0.5) / 16)


def test_newey_west_knows_the_error_of_an_overlapping_mean():
    # sums of 5 independent numbers: the true variance of the mean is about 25 / n
    rng = np.random.default_rng(1)
    steps = rng.standard_normal((400, 504))
    sums = np.lib.stride_tricks.sliding_window_view(steps, 5, axis=1).sum(axis=2)
    estimated = np.mean([newey_west_mean_variance(x, 20) for x in sums])
    assert estimated == pytest.approx(sums.mean(axis=1).var(), rel=0.15)
    naive = np.mean([newey_west_mean_variance(x, 0) for x in sums])
    assert naive < 0.3 * estimated


def test_one_value_has_no_error_and_a_constant_none():
    assert np.isnan(newey_west_mean_variance(np.array([1.0, np.nan]), 2))
    assert newey_west_mean_variance(np.ones(10), 3) == 0.0
