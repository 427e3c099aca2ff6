"""The statistics by which a forecast of risk is judged, and the portfolios that it is tried on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import DataError
from superhet.panel import Assets, Dates
from superhet.risk import bias, bias_band, q_statistic, rolling_deviation, validate
from superhet.risk.estimates import Fit, RiskEstimates
from superhet.risk.forecast_bias import PERFECT_Q, share_in_band
from superhet.risk.stability import style_stability
from superhet.risk.trial_portfolios import (
    CrossSection,
    Draws,
    optimised_weights,
    random_weights,
    tilted_weights,
    variances,
)
from superhet.risk.validation import TrialSettings

_T, _N, _INDUSTRIES, _STYLES = 400, 90, 3, 2
_FACTORS = 1 + _INDUSTRIES + _STYLES


def estimates(seed: int = 0, scale: float = 1.0, unadjusted: float | None = None) -> RiskEstimates:
    """A model whose forecasts are the truth times `scale`; returns are drawn from the truth."""
    rng = np.random.default_rng(seed)
    daily = np.diag(np.array([1.0, 0.4, 0.4, 0.4, 0.3, 0.2]) * 0.01) ** 2
    f = rng.multivariate_normal(np.zeros(_FACTORS), daily, _T)
    styles = np.broadcast_to(rng.standard_normal((_STYLES, 1, _N)), (_STYLES, _T, _N)).copy()
    codes = np.broadcast_to(np.arange(_N, dtype=np.int32) % _INDUSTRIES, (_T, _N)).copy()
    own = np.full(_N, 0.02)
    residual = own * rng.standard_normal((_T, _N))
    made = RiskEstimates(
        model={"name": "made", "horizon": "short"},
        dates=Dates(np.arange(np.datetime64("2018-01-01"), np.datetime64("2018-01-01") + _T)),
        assets=Assets(f"A{k:03d}" for k in range(_N)),
        factors=("country", "i0", "i1", "i2", "size", "value"),
        blocks=("country", "industry", "industry", "industry", "style", "style"),
        styles=styles,
        codes=codes,
        caps=np.broadcast_to(np.exp(rng.standard_normal(_N)), (_T, _N)).copy(),
        estimable=np.ones((_T, _N), dtype=bool),
        returns=residual.copy(),
        factor_returns=f,
        residual=residual,
        fit=Fit(
            t=np.full((_T, _FACTORS), 3.0),
            r2=np.full(_T, 0.3),
            r2_centred=np.full(_T, 0.2),
            vif=np.full((_T, _STYLES), 1.1),
            identity_error=np.full(_T, 1e-15),
            names=np.full(_T, _N),
            left_out=np.zeros((_T, 4), dtype=np.int64),
            clipped=np.zeros(_T, dtype=np.int64),
            outliers=np.zeros(_T, dtype=np.int64),
        ),
        covariance=np.broadcast_to(252.0 * daily * scale**2, (_T, _FACTORS, _FACTORS)).copy(),
        specific=np.broadcast_to(np.sqrt(252.0) * own * scale, (_T, _N)).copy(),
        unadjusted=None
        if unadjusted is None
        else np.broadcast_to(252.0 * daily * unadjusted**2, (_T, _FACTORS, _FACTORS)).copy(),
    )
    for t in range(_T):
        made.returns[t] += made.exposures(t) @ f[t]
    return made


def section_of(made: RiskEstimates) -> CrossSection:
    return CrossSection(
        held=np.ones(_N, dtype=bool),
        exposures=made.exposures(0),
        specific=made.specific[0],
        caps=made.caps[0],
    )


def test_bias_of_a_year_of_months_lies_between_0_59_and_1_41():
    assert_allclose(bias_band(12), (0.59, 1.41), atol=0.005)
    assert_allclose(bias_band(252), (0.91, 1.09), atol=0.005)


def test_q_of_normal_returns_is_one_plus_gamma_plus_log_two():
    assert pytest.approx(2.2704, abs=5e-5) == PERFECT_Q
    z = np.random.default_rng(1).standard_normal((400_000, 1))
    assert q_statistic(z)[0] == pytest.approx(PERFECT_Q, abs=0.01)


def test_q_is_lowest_where_the_forecast_is_right():
    z = np.random.default_rng(2).standard_normal((20_000, 1))
    assert q_statistic(z)[0] < min(q_statistic(0.8 * z)[0], q_statistic(1.25 * z)[0])


def test_mrad_of_normal_returns_over_twelve_months_is_0_17():
    z = np.random.default_rng(3).standard_normal((600, 60))
    assert rolling_deviation(z) == pytest.approx(0.1702, abs=0.003)


def test_expected_bias_of_twelve_perfect_forecasts_is_0_977():
    z = np.random.default_rng(4).standard_normal((12, 20_000))
    assert bias(z).mean() == pytest.approx(0.977, abs=0.003)


def test_bias_of_forecasts_half_as_high_as_the_truth_is_two():
    z = 2.0 * np.random.default_rng(5).standard_normal((2_000, 4))
    assert_allclose(bias(z), 2.0, atol=0.1)
    assert share_in_band(z) == 0.0


def test_bias_is_unknown_with_too_few_observations():
    z = np.full((20, 1), np.nan)
    z[:5] = 1.0
    assert np.isnan(bias(z)[0])


def test_optimised_portfolio_is_that_of_the_inverted_covariance():
    made = estimates()
    section, covariance = section_of(made), made.covariance[0]
    directions = np.random.default_rng(0).standard_normal((4, _FACTORS))
    held = optimised_weights(section, covariance, directions)
    full = section.exposures @ covariance @ section.exposures.T + np.diag(section.specific**2)
    expected = section.exposures @ directions.T
    byhand = np.linalg.solve(full, expected)
    byhand /= np.einsum("nk,nk->k", byhand, expected)
    assert_allclose(held, byhand.T, rtol=1e-9, atol=1e-12)


def test_optimised_portfolio_has_less_risk_than_any_other_with_its_expected_return():
    made = estimates()
    section, covariance = section_of(made), made.covariance[0]
    direction = np.array([[0.0, 0.0, 0.0, 0.0, 1.0, -1.0]])
    held = optimised_weights(section, covariance, direction)
    rng = np.random.default_rng(1)
    expected = section.exposures @ direction[0]
    for _ in range(20):
        other = held + 0.01 * rng.standard_normal(held.shape)
        other /= other @ expected
        assert variances(section, covariance, other)[0] > variances(section, covariance, held)[0]


def test_variance_of_a_portfolio_is_that_of_the_full_covariance():
    made = estimates()
    section, covariance = section_of(made), made.covariance[0]
    weights = np.random.default_rng(2).standard_normal((3, _N))
    full = section.exposures @ covariance @ section.exposures.T + np.diag(section.specific**2)
    assert_allclose(
        variances(section, covariance, weights), np.diagonal(weights @ full @ weights.T)
    )


def test_random_portfolios_do_not_depend_on_the_order_of_assets():
    made = estimates()
    section = section_of(made)
    order = np.random.default_rng(3).permutation(_N)
    shuffled = replace(section, caps=section.caps[order])
    names = np.array(made.assets.values)
    one = Draws(made.assets, made.blocks, count=5, names=20, seed=0)
    two = Draws(Assets(names[order]), made.blocks, count=5, names=20, seed=0)
    assert_array_equal(
        random_weights(section, one)[:, order] > 0, random_weights(shuffled, two) > 0
    )
    assert_allclose(random_weights(section, one).sum(axis=1), 1.0)
    assert ((random_weights(section, one) > 0).sum(axis=1) == 20).all()


def test_tilted_portfolios_are_long_what_has_most_of_the_style():
    made = estimates()
    section = section_of(made)
    exposure = tilted_weights(section, _FACTORS - _STYLES) @ section.exposures
    assert (np.diagonal(exposure[:_STYLES, -_STYLES:]) > 0.5).all()
    assert (np.diagonal(exposure[_STYLES:, -_STYLES:]) < -0.5).all()
    assert_allclose(exposure[:, 0], 0.0, atol=1e-12)  # the market is taken off


def test_true_forecasts_have_a_bias_of_one_in_every_family():
    found = validate(estimates(), TrialSettings(step=1, burn_in=0, portfolios=40))
    for name, family in found.families.items():
        assert family.to_dict()["bias"] == pytest.approx(1.0, abs=0.06), name
        assert family.to_dict()["in_band"] > 0.75, name
    assert_allclose(found.deciles["specific_size"], 1.0, atol=0.05)


def test_forecasts_half_as_high_have_a_bias_of_two():
    found = validate(estimates(scale=0.5), TrialSettings(step=1, burn_in=0, portfolios=40))
    for name in ("random", "optimised", "pure", "single_stocks"):
        assert found.families[name].to_dict()["bias"] == pytest.approx(2.0, abs=0.15), name


def test_unadjusted_covariance_is_tried_beside_the_adjusted():
    found = validate(
        estimates(unadjusted=0.5), TrialSettings(step=1, burn_in=0, portfolios=40)
    ).to_dict()
    assert found["bias"]["eigenfactors"]["bias"] == pytest.approx(1.0, abs=0.06)
    without = found["bias_without_eigenfactor_adjustment"]
    assert without["eigenfactors"]["bias"] == pytest.approx(2.0, abs=0.12)
    assert "random" not in without


def test_returns_of_a_month_are_held_against_a_month_of_risk():
    found = validate(estimates(), TrialSettings(step=5, burn_in=0))
    assert found.families["random"].to_dict()["bias"] == pytest.approx(1.0, abs=0.15)
    assert len(found.tests) == (_T - 5) // 5


def test_exposures_that_stay_are_stable_and_noise_is_not():
    made = estimates()
    noise = np.random.default_rng(0).standard_normal(made.styles[0].shape)
    mixed = replace(made, styles=np.stack([made.styles[0], noise]))
    steady, loose = style_stability(mixed)
    assert steady == pytest.approx(1.0)
    assert abs(loose) < 0.1


def test_too_short_a_history_is_said():
    with pytest.raises(DataError, match="Give it more history"):
        validate(estimates(), TrialSettings(step=21, burn_in=390))
