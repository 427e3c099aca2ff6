"""Specific risk: each step does what its name says, and none knows the future."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import ConfigError
from superhet.risk.specific import (
    SpecificSettings,
    shrink_in_deciles,
    specific_risk,
    specific_risk_path,
)

T, N, J = 300, 240, 3
BARE = SpecificSettings(structural=False, shrinkage=0.0, regime_half_life=None)


def exposures_of(seed=0, dates=T):
    rng = np.random.default_rng(seed)
    codes = np.tile((np.arange(N) % J).astype(np.int32), (dates, 1))
    industries = SimpleNamespace(codes=codes, labels=tuple("abc"))
    caps = np.tile(np.exp(rng.normal(22.0, 1.4, N)), (dates, 1))
    styles = np.repeat(rng.standard_normal((2, 1, N)), dates, axis=1)
    return SimpleNamespace(codes=codes, industries=industries, caps=caps, styles=styles)


def until(exposures, t):
    """The exposures of a market that ends with row t."""
    codes = exposures.codes[: t + 1]
    industries = SimpleNamespace(codes=codes, labels=exposures.industries.labels)
    return SimpleNamespace(
        codes=codes,
        industries=industries,
        caps=exposures.caps[: t + 1],
        styles=exposures.styles[:, : t + 1],
    )


def planted(exposures, seed=1):
    """Specific returns whose volatility is exp(0.3 style) of 2 %."""
    rng = np.random.default_rng(seed)
    volatility = 0.02 * np.exp(0.3 * exposures.styles[0, 0] + 0.1 * (exposures.codes[0] == 1))
    return volatility * rng.standard_normal((len(exposures.caps), N)), volatility


def test_time_series_alone_is_the_volatility_that_was_planted():
    exposures = exposures_of()
    u, volatility = planted(exposures)
    found = specific_risk(u, exposures, settings=replace(BARE, lags=0, half_life=1000.0))
    assert_allclose(found / (volatility * np.sqrt(252)), 1.0, atol=0.2)
    assert abs(np.mean(found / (volatility * np.sqrt(252))) - 1.0) < 0.02


def test_a_new_stock_takes_the_risk_of_stocks_like_it():
    exposures = exposures_of()
    u, volatility = planted(exposures)
    u[:-20, :30] = np.nan  # thirty names listed twenty sessions ago
    path = specific_risk_path(u, exposures, [T - 1], settings=replace(BARE, structural=True))
    assert_array_equal(path.trust[0, :30], 0.0)
    ratio = path.values[0, :30] / (volatility[:30] * np.sqrt(252))
    assert_allclose(ratio, 1.0, atol=0.12)
    alone = specific_risk(u, exposures, settings=BARE)[:30] / (volatility[:30] * np.sqrt(252))
    assert np.abs(ratio - 1.0).mean() < 0.5 * np.abs(alone - 1.0).mean()
    assert 1.0 < path.correction[0] < 1.05
    trusted = path.trust[0] >= 1.0
    assert trusted.sum() > 150
    assert_array_equal(path.values[0, trusted], path.time_series[0, trusted])


def test_a_stock_that_never_had_a_return_has_structural_risk_and_an_unlisted_one_none():
    exposures = exposures_of()
    u, _ = planted(exposures)
    u[:, 0] = np.nan
    u[:, 1] = np.nan
    exposures.caps[:, 1] = np.nan
    found = specific_risk(u, exposures, settings=replace(BARE, structural=True))
    assert found[0] > 0.0
    assert np.isnan(found[1])
    assert np.isnan(specific_risk(u, exposures, settings=BARE)[0])


def test_shrinkage_pulls_extremes_to_the_mean_of_their_size_decile():
    rng = np.random.default_rng(0)
    caps = np.exp(rng.normal(22.0, 1.4, 400))
    deviation = rng.uniform(0.01, 0.05, 400)
    found = shrink_in_deciles(deviation, caps, 1.0)
    for decile in np.array_split(np.argsort(caps), 10):
        s, m = deviation[decile], np.average(deviation[decile], weights=caps[decile])
        spread = np.sqrt(np.mean((s - m) ** 2))
        v = np.abs(s - m) / (spread + np.abs(s - m))
        assert_allclose(found[decile], v * m + (1.0 - v) * s)
        assert (v < 1.0).all()


def test_shrinkage_leaves_the_mean_the_lonely_and_the_unsized_alone():
    same = np.full(50, 0.02)
    assert_allclose(shrink_in_deciles(same, np.arange(1.0, 51.0)), same, rtol=1e-15)
    few = np.array([0.01, 0.05, 0.02])  # each alone in its decile
    assert_array_equal(shrink_in_deciles(few, np.array([1.0, 2.0, 3.0])), few)
    deviation = np.random.default_rng(1).uniform(0.01, 0.05, 100)
    caps = np.arange(1.0, 101.0)
    caps[[3, 4]] = np.nan, 0.0
    found = shrink_in_deciles(deviation, caps)
    assert_array_equal(found[[3, 4]], deviation[[3, 4]])
    assert_array_equal(shrink_in_deciles(deviation, caps, 0.0), deviation)


def test_multiplier_doubles_when_specific_volatility_does_and_stays_at_one_otherwise():
    exposures = exposures_of(dates=700)
    u, _ = planted(exposures)
    u[650:] *= 2.0
    daily = replace(BARE, half_life=1000.0, regime_half_life=4.0)
    path = specific_risk_path(u, exposures, [640, 665], settings=daily)
    assert path.multiplier[0] == pytest.approx(1.0, abs=0.1)
    assert path.multiplier[1] == pytest.approx(2.0, abs=0.25)
    assert_allclose(path.values, path.time_series * path.multiplier[:, None])


def test_forecast_of_a_date_is_that_of_a_market_that_ends_there():
    exposures = exposures_of()
    u, _ = planted(exposures)
    u[:200, :40] = np.nan
    path = specific_risk_path(u, exposures)
    for t in (100, 220, 299):
        alone = specific_risk(u[: t + 1], until(exposures, t))
        assert_array_equal(alone, path.values[t])


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match="low: needs 0 < low < high <= window"):
        SpecificSettings(low=200)
