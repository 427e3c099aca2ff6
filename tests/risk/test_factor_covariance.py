"""Factor covariance: planted truths, what no forecast may know, the signature of the eigenfactor bias."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import ConfigError
from superhet.kernels.eigenfactor import volatility_bias, wishart_draws
from superhet.kernels.risk_covariance import regime_path
from superhet.kernels.symmetric import eigen
from superhet.risk.factor_covariance import (
    HORIZONS,
    CovarianceSettings,
    covariance_path,
    factor_covariance,
)

PLAIN = replace(HORIZONS["short"], eigen_draws=0, regime_half_life=None)


def mixed(rng, dates, factors):
    """Returns of correlated factors, and their covariance."""
    a = 0.005 * (np.eye(factors) + 0.3 * rng.standard_normal((factors, factors)))
    return rng.standard_normal((dates, factors)) @ a.T, a @ a.T


def slow(f, settings):
    """The covariance of the last date by its definition, without recursion."""
    T = len(f)

    def lagged(half_life, lag):
        w = 0.5 ** (np.arange(T)[::-1] / half_life)
        mean = w @ f / w.sum()
        late, early, w = f[lag:] - mean, f[: T - lag] - mean, w[lag:]
        return (w[:, None] * late).T @ early / w.sum()

    def summed(half_life, lags):
        total = lagged(half_life, 0)
        for d in range(1, lags + 1):
            c = lagged(half_life, d)
            total = total + (1.0 - d / (lags + 1.0)) * (c + c.T)
        return total

    variance = np.diag(summed(settings.volatility_half_life, settings.volatility_lags))
    c = summed(settings.correlation_half_life, settings.correlation_lags)
    size = np.sqrt(variance / np.diag(c))
    return c * size[:, None] * size * settings.annual


def test_recursion_gives_the_definition():
    f, _ = mixed(np.random.default_rng(3), 400, 6)
    f[5:] += 0.4 * f[:-5]  # so that lags matter
    assert_allclose(factor_covariance(f, settings=PLAIN), slow(f, PLAIN), rtol=1e-10)


def test_lags_find_the_variance_of_a_month_in_trending_returns():
    rng = np.random.default_rng(0)
    e = 0.01 * rng.standard_normal((20_000, 1))
    f = e[1:] + 0.5 * e[:-1]  # long-run variance (1 + 0.5)^2, of one day 1 + 0.5^2
    long = replace(PLAIN, volatility_half_life=5000.0, volatility_lags=5)
    ratio = factor_covariance(f, settings=long) / factor_covariance(
        f, settings=replace(long, volatility_lags=0)
    )
    assert ratio[0, 0] == pytest.approx(1.0 + 2.0 * (5.0 / 6.0) * 0.5 / 1.25, rel=0.03)


@pytest.mark.parametrize("horizon", ["short", "long", "daily"])
def test_forecast_of_a_date_is_that_of_a_market_that_ends_there(horizon):
    f, _ = mixed(np.random.default_rng(1), 200, 5)
    f[:90, 2] = np.nan  # a factor that comes later
    settings = replace(HORIZONS[horizon], eigen_draws=20)
    path = covariance_path(f, settings=settings)
    for t in (62, 63, 100, 152, 199):
        alone = factor_covariance(f[: t + 1], settings=settings)
        assert_array_equal(alone, path.values[t])
    some = covariance_path(f, [80, 150], settings=settings)
    assert_array_equal(some.values, path.values[[80, 150]])


def test_forecasts_are_positive_definite_and_say_what_was_lifted():
    rng = np.random.default_rng(2)
    f = 0.01 * rng.standard_normal((300, 8))
    f[:, 7] = f[:, 0] + f[:, 1]  # singular
    path = covariance_path(f, np.arange(70, 300, 20), settings=replace(PLAIN, correlation_lags=0))
    assert (path.lifted >= 1).all()
    assert (path.least_eigenvalue < 1e-8).all()
    for matrix in path.values:
        assert_array_equal(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix)[0] > 0.0


def test_a_factor_that_is_not_known_long_enough_has_no_forecast():
    f, _ = mixed(np.random.default_rng(4), 150, 3)
    f[:100, 1] = np.nan
    path = covariance_path(f, [61, 62, 149], settings=replace(PLAIN, least=63))
    assert np.isnan(path.values[0]).all()
    for matrix in path.values[1:]:
        assert np.isnan(matrix[1]).all()
        assert np.isfinite(matrix[np.ix_([0, 2], [0, 2])]).all()


def test_eigenfactor_bias_has_the_published_signature():
    # K = 41, T = 252; volatilities like those of styles and industries, and three factors of all names
    volatility = np.concatenate([np.geomspace(2.5e-4, 8e-3, 38), [0.011, 0.017, 0.03]])
    v = volatility_bias(volatility**2, wishart_draws(300, 252, 41, 0))
    assert 1.22 < v[:3].mean() < 1.25, v[:3]
    assert ((v[-3:] > 0.97) & (v[-3:] < 1.02)).all(), v[-3:]


def test_eigenfactor_bias_goes_away_with_longer_samples():
    spectrum = np.linspace(1.0, 4.0, 12)
    short, long = (
        volatility_bias(spectrum, wishart_draws(100, window, 12, 0)) for window in (60, 6000)
    )
    assert np.abs(long - 1.0).max() < 0.02 < np.abs(short - 1.0).max()


def test_wishart_draws_have_the_moments_of_sample_covariances():
    draws = wishart_draws(4000, 50, 3, 1)
    assert_allclose(draws.mean(axis=0), np.eye(3), atol=0.02)
    assert_allclose(draws[:, 0, 0].var(), 2.0 / 50.0, rtol=0.1)
    assert_allclose(draws[:, 2, 1].var(), 1.0 / 50.0, rtol=0.1)


def test_adjustment_raises_the_portfolios_an_optimiser_would_pick():
    f, _ = mixed(np.random.default_rng(5), 300, 10)
    adjusted = factor_covariance(f, settings=replace(PLAIN, eigen_draws=100))
    plain = factor_covariance(f, settings=PLAIN)
    w = np.linalg.solve(plain, np.ones(10))
    assert w @ adjusted @ w > 1.05 * (w @ plain @ w)


def test_multiplier_stays_at_one_while_volatility_is_constant():
    rng = np.random.default_rng(0)
    path = covariance_path(
        0.01 * rng.standard_normal((3000, 40)),
        [2999],
        settings=replace(HORIZONS["short"], eigen_draws=0),
    )
    assert np.abs(path.multipliers[500:] - 1.0).max() < 0.06


def test_multiplier_doubles_when_volatility_does():
    # forecasts that stay: the square goes from 1 to 4
    surprise = np.concatenate([np.ones(200), np.full(420, 4.0)])
    squares = regime_path(surprise, 42.0)
    assert squares[200 + 83] == pytest.approx(1.0 + 3.0 * 0.75, rel=0.01)  # two half-lives
    assert np.sqrt(squares[-1]) == pytest.approx(2.0, rel=0.01)
    # the daily horizon: forecasts have hardly moved after two half-lives of 4 dates
    rng = np.random.default_rng(1)
    f = 0.01 * rng.standard_normal((800, 60))
    f[780:] *= 2.0
    daily = replace(HORIZONS["daily"], eigen_draws=0)
    assert covariance_path(f, [790], settings=daily).multiplier[0] > 1.5


def test_window_shorter_than_the_factors_is_refused():
    with pytest.raises(ConfigError, match="eigen_window: 20 dates are too few for 30 factors"):
        factor_covariance(
            np.ones((100, 30)), settings=CovarianceSettings(eigen_window=20, eigen_draws=5)
        )


@pytest.mark.parametrize("size", [1, 2, 3, 7, 42])
def test_eigenvalues_agree_with_lapack(size):
    rng = np.random.default_rng(size)
    a = rng.standard_normal((size, size))
    a = a + a.T
    values, vectors = eigen(a)
    assert_allclose(values, np.linalg.eigvalsh(a), atol=1e-12)
    assert_allclose(vectors @ vectors.T, np.eye(size), atol=1e-12)
    assert_allclose((vectors.T * values) @ vectors, a, atol=1e-12)


def test_eigenvalues_of_matrices_with_zeros_and_ties():
    assert_array_equal(eigen(np.zeros((4, 4)))[0], np.zeros(4))
    assert_array_equal(eigen(np.diag([2.0, 1.0, 2.0, 0.0]))[0], [0.0, 1.0, 2.0, 2.0])
    block = np.kron(np.eye(3), np.ones((2, 2)))
    assert_allclose(eigen(block)[0], [0, 0, 0, 2, 2, 2], atol=1e-14)
