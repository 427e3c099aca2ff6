"""Statistical factors through time: they add up, keep their places, and look at nothing that comes later."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import InputError
from superhet.risk import StatisticalModel
from superhet.risk.statistical_path import statistical_estimates

MODEL = StatisticalModel(factors=3, window=120)


@pytest.fixture(scope="module")
def found(tiny_loaded):
    return statistical_estimates(MODEL, tiny_loaded)


def test_exposures_times_factor_returns_and_specific_returns_are_the_return(found):
    for t in (130, 200, 300):
        explained = found.exposures(t - 1) @ found.factor_returns[t] + found.residual[t]
        known = ~np.isnan(explained)
        assert known.sum() > 30
        assert_allclose(explained[known], found.returns[t, known], atol=1e-14)


def test_residuals_are_orthogonal_to_the_exposures(found):
    assert np.nanmax(found.fit.identity_error) < 1e-10


def test_first_factor_is_the_market(found, tiny_loaded):
    market = np.nanmean(np.where(found.estimable, found.returns, np.nan)[121:], axis=1)
    assert abs(np.corrcoef(found.factor_returns[121:, 0], market)[0, 1]) > 0.9


def test_factors_keep_their_places_when_they_are_found_anew(found):
    """Without the turn, factors of like variance change places or signs from one search to the next."""
    rows = range(119, len(found.dates) - 21, 21)
    for row in rows:
        one, two = found.styles[:, row], found.styles[:, row + 21]
        both = ~np.isnan(one[0]) & ~np.isnan(two[0])
        overlap = one[:, both] @ two[:, both].T
        assert (np.diagonal(overlap) > 0).all()
        assert_allclose(overlap, overlap.T, atol=1e-8 * np.abs(overlap).max())  # Procrustes


def test_risk_does_not_depend_on_how_factors_are_turned(found, tiny_loaded):
    row = 140  # of the second search
    date = found.dates.values[row]
    one, two = found.at(date), MODEL.fit(tiny_loaded).at(date)
    known = ~np.isnan(one.specific_variance)
    weights = np.where(known, np.random.default_rng(0).random(known.size), 0.0)
    assert one.volatility(weights) == pytest.approx(two.volatility(weights))
    assert not np.allclose(one.exposures[known], two.exposures[known])


def test_nothing_looks_ahead(found, tiny_loaded):
    until = statistical_estimates(MODEL, tiny_loaded.until(tiny_loaded.dates.values[220]))
    for name in ("factor_returns", "residual", "covariance", "specific"):
        assert_array_equal(getattr(until, name), getattr(found, name)[:221], err_msg=name)
    assert_array_equal(until.styles, found.styles[:, :221])


def test_too_short_a_history_is_said(tiny_loaded):
    with pytest.raises(InputError, match="looks back on 120 dates, and the market has 50"):
        statistical_estimates(MODEL, tiny_loaded.until(tiny_loaded.dates.values[49]))
