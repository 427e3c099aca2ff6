"""Decay and horizon: the printed numbers, and planted half-lives found again."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.errors import ConfigError
from superhet.frequency import (
    best_horizon,
    decay_curve,
    fit_decay,
    half_life_of,
    horizon_ic,
    phi_of,
)
from superhet.panel import Assets, Dates, Panel

LAGS = np.arange(1, 21)


def panels(signal, returns):
    dates = Dates(np.datetime64("2020-01-01") + np.arange(len(signal)))
    assets = Assets([f"A{i}" for i in range(signal.shape[1])])
    return (
        Panel(values=signal, dates=dates, assets=assets, name="signal"),
        Panel(values=returns, dates=dates, assets=assets, name="returns", unit="return"),
    )


@pytest.mark.parametrize(
    ("phi", "half_life", "gain", "best"), [(0.9, 6.6, 1.96, 12), (0.99, 69.0, 4.07, 125)]
)
def test_the_printed_numbers_of_the_reference(phi, half_life, gain, best):
    own = math.log(0.5) / math.log(phi)
    assert own == pytest.approx(half_life, abs=0.05)
    assert phi_of(own) == pytest.approx(phi)
    assert horizon_ic(1.0, phi, 20) == pytest.approx(gain, abs=0.005)
    assert best_horizon(own) == pytest.approx(best, abs=0.5)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.5, 0.999))
def test_the_best_horizon_is_a_maximum_at_1_8_half_lives(phi):
    half_life = math.log(0.5) / math.log(phi)
    best = best_horizon(half_life)
    assert best / half_life == pytest.approx(1.8126, abs=1e-4)
    top = horizon_ic(0.02, phi, best)
    assert top >= horizon_ic(0.02, phi, best * 1.01)
    assert top >= horizon_ic(0.02, phi, best * 0.99)


def test_one_session_is_the_ic_itself_and_a_lasting_signal_grows_with_the_root():
    assert horizon_ic(0.03, 0.7, 1) == pytest.approx(0.03)
    assert horizon_ic(0.03, 1.0, 16) == pytest.approx(0.12)
    assert horizon_ic(0.03, 1.0 - 1e-9, 16) == pytest.approx(0.12, rel=1e-6)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.3, 60.0), st.sampled_from([0.05, -0.05, 0.001]))
def test_a_clean_curve_gives_its_half_life_back_whatever_its_sign(half_life, initial):
    fit = fit_decay(LAGS, initial * 2.0 ** (-LAGS / half_life))
    assert fit.half_life == pytest.approx(half_life, rel=1e-4)
    assert fit.initial == pytest.approx(initial, rel=1e-4)
    assert fit.r_squared == pytest.approx(1.0)


def test_noise_that_crosses_zero_does_not_break_the_fit():
    rng = np.random.default_rng(0)
    ic = 0.05 * 2.0 ** (-LAGS / 4.0) + 0.003 * rng.standard_normal(LAGS.size)
    assert (ic < 0).any()
    assert fit_decay(LAGS, ic).half_life == pytest.approx(4.0, rel=0.25)


def test_precise_lags_weigh_more():
    ic = 0.05 * 2.0 ** (-LAGS / 5.0)
    ic[10:] = 0.05
    error = np.where(np.arange(20) < 10, 1e-4, 10.0)
    assert fit_decay(LAGS, ic, error).half_life == pytest.approx(5.0, rel=1e-3)


def test_a_curve_that_does_not_fade_has_an_infinite_half_life():
    assert math.isinf(fit_decay(LAGS, np.full(20, 0.03)).half_life)
    assert math.isinf(fit_decay(LAGS, 0.001 * LAGS).half_life)


def test_nothing_to_fit_is_nan():
    for ic in (np.zeros(20), np.full(20, np.nan), np.where(LAGS == 3, 0.1, np.nan)):
        fit = fit_decay(LAGS, ic)
        assert math.isnan(fit.initial)
        assert math.isnan(fit.phi)


def test_the_curve_is_the_mean_of_daily_spearman_correlations():
    rng = np.random.default_rng(3)
    signal, returns = rng.standard_normal((30, 25)).round(1), rng.standard_normal((30, 25))
    signal[rng.random(signal.shape) < 0.1] = np.nan
    returns[rng.random(returns.shape) < 0.1] = np.nan
    curve = decay_curve(*panels(signal, returns), lags=(1, 4))
    for k, lag in enumerate((1, 4)):
        daily = []
        for t in range(30 - lag):
            pairs = ~np.isnan(signal[t]) & ~np.isnan(returns[t + lag])
            daily.append(scipy.stats.spearmanr(signal[t, pairs], returns[t + lag, pairs]).statistic)
        assert curve.ic[k] == pytest.approx(np.mean(daily))
        assert curve.standard_error[k] == pytest.approx(
            np.std(daily, ddof=1) / math.sqrt(len(daily))
        )


def test_a_planted_half_life_is_found_in_data():
    rng = np.random.default_rng(7)
    phi, alpha = phi_of(5.0), np.zeros((400, 300))
    for t in range(1, 400):
        alpha[t] = phi * alpha[t - 1] + math.sqrt(1 - phi**2) * rng.standard_normal(300)
    returns = np.full(alpha.shape, np.nan)
    returns[1:] = 0.1 * alpha[:-1] + rng.standard_normal((399, 300))
    curve = decay_curve(*panels(alpha[50:], returns[50:]))
    assert half_life_of(curve) == pytest.approx(5.0, rel=0.15)


def test_lags_longer_than_the_data_are_not_known():
    curve = decay_curve(*panels(np.eye(4), np.eye(4)), lags=(1, 4, 9))
    assert np.isnan(curve.ic[1:]).all()


@pytest.mark.parametrize("lags", [(), (0, 1), (2, 2)])
def test_lags_must_increase_from_one(lags):
    with pytest.raises(ConfigError, match="lags: must be at least 1 and increasing"):
        decay_curve(*panels(np.eye(4), np.eye(4)), lags=lags)
