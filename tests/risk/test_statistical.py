"""Statistical models find planted factors, and a snapshot knows nothing after its date."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import ConfigError, InputError, LookAhead
from superhet.panel import Assets, Cube, Dates, Market, Panel, RiskSnapshot, Universe
from superhet.risk.base import RiskModel
from superhet.risk.statistical import StatisticalModel, fit_asymptotic, threshold

T, N, K = 120, 300, 3


def planted(seed=0, noise=None):
    """Returns of K factors: the first is the market."""
    rng = np.random.default_rng(seed)
    exposures = np.column_stack([rng.normal(1.0, 0.2, N), rng.standard_normal((N, K - 1))])
    f = rng.standard_normal((T, K)) * [0.012, 0.008, 0.006]
    deviation = np.full(N, 0.02) if noise is None else noise
    return f @ exposures.T + deviation * rng.standard_normal((T, N)), f, exposures


def market_of(returns):
    axes = {
        "dates": Dates(np.busday_offset("2020-01-02", np.arange(len(returns)), roll="forward")),
        "assets": Assets([f"{600000 + i}.SH" for i in range(returns.shape[1])]),
    }
    everyone = Panel(values=np.ones(returns.shape, bool), unit="flag", **axes)
    universe = Universe(member=everyone, tradable=everyone, estimable=everyone, reasons={})
    return Market(fields=Cube({"returns": Panel(values=returns, **axes)}), universe=universe)


def span(found, truth):
    """R2 of each true factor return on those that were found."""
    centred = truth - truth.mean(axis=0)
    fitted = found @ np.linalg.lstsq(found, centred, rcond=None)[0]
    return 1.0 - ((centred - fitted) ** 2).sum(axis=0) / (centred**2).sum(axis=0)


def test_planted_factors_are_spanned_by_those_that_are_found():
    returns, f, _ = planted()
    returns[np.random.default_rng(1).random(returns.shape) < 0.05] = np.nan
    found = fit_asymptotic(returns, K)
    assert (span(found.factor_returns, f) > 0.95).all()
    second = found.factor_returns.T @ found.factor_returns / T
    assert_allclose(second, np.eye(K), atol=1e-10)
    assert_allclose(np.median(np.sqrt(found.specific_variance)), 0.02, rtol=0.03)
    assert (found.exposures.sum(axis=0) > 0.0).all()


def test_weighing_by_specific_variance_keeps_noisy_names_from_posing_as_factors():
    noise = np.where(np.arange(N) < 15, 0.25, 0.015)  # five in a hundred are wild
    returns, f, _ = planted(2, noise)
    plain = span(fit_asymptotic(returns, K, reweigh=False).factor_returns, f)
    weighed = span(fit_asymptotic(returns, K).factor_returns, f)
    assert plain.min() < 0.5
    assert weighed.min() > 0.9


def test_snapshot_forecasts_the_volatility_that_was_planted():
    returns, _, exposures = planted(3)
    market = market_of(returns)
    model = StatisticalModel(factors=K, window=T).fit(market)
    assert isinstance(model, RiskModel)
    snapshot = model.at(market.dates.values[-1])
    assert isinstance(snapshot, RiskSnapshot)
    w = np.full(N, 1.0 / N)
    variance = (w @ exposures) ** 2 @ np.array([0.012, 0.008, 0.006]) ** 2 + 0.02**2 / N
    assert snapshot.volatility(w) == pytest.approx(np.sqrt(252 * variance), rel=0.15)
    whole = model.covariance(market.dates.values[-1])
    assert snapshot.volatility(w) == pytest.approx(np.sqrt(w @ whole @ w))


def test_snapshot_of_a_date_is_that_of_a_market_that_ends_there():
    returns, _, _ = planted(4)
    market = market_of(returns)
    date = market.dates.values[90]
    model = StatisticalModel(factors=K, window=60)
    now, later = model.fit(market.until(date)).at(date), model.fit(market).at(date)
    assert_array_equal(now.exposures, later.exposures)
    assert_array_equal(now.specific_variance, later.specific_variance)
    with pytest.raises(LookAhead, match="was fitted on data until"):
        model.fit(market.until(date)).at(market.dates.values[91])
    with pytest.raises(LookAhead, match="call fit"):
        model.at(date)
    with pytest.raises(InputError, match="looks back on 60 dates"):
        model.fit(market).at(market.dates.values[30])


def test_poet_keeps_the_correlation_of_twins_and_drops_noise():
    rng = np.random.default_rng(5)
    u = 0.02 * rng.standard_normal((250, 60))
    u[:, 1] = 0.8 * u[:, 0] + 0.6 * u[:, 1]
    found = threshold(u, 1.5)
    off = found[np.triu_indices(60, 1)]
    assert found[0, 1] > 0.5 * 0.8 * 0.02**2
    assert (off != 0.0).mean() < 0.02
    assert np.linalg.eigvalsh(found)[0] > 0.0
    assert_allclose(np.diag(found), (u**2).mean(axis=0))


def test_poet_covariance_is_positive_definite_and_has_the_snapshots_variances():
    returns, _, _ = planted(6)
    market = market_of(returns)
    date = market.dates.values[-1]
    model = StatisticalModel(factors=K, window=T, kind="poet").fit(market)
    whole, snapshot = model.covariance(date), model.at(date)
    assert np.linalg.eigvalsh(whole)[0] > 0.0
    b = snapshot.exposures
    variances = np.einsum("nk,kl,nl->n", b, snapshot.factor_covariance, b)
    assert_allclose(np.diag(whole), variances + snapshot.specific_variance)


def test_too_many_factors_for_the_window_are_refused():
    with pytest.raises(ConfigError, match="below half the window"):
        StatisticalModel(factors=40, window=60)
