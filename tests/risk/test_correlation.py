"""The ten rulers: what is a style is found to be that style, and what is none is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from test_validation import estimates

from superhet.errors import AxisMismatch, NoSignal
from superhet.evaluation import style_correlation
from superhet.panel import Cube, Dates, Panel
from superhet.risk import correlate


@pytest.fixture(scope="module")
def made():
    return estimates()


def panel(made, values, name="signal"):
    return Panel(values=values, dates=made.dates, assets=made.assets, name=name)


def test_a_style_correlates_wholly_with_itself(made):
    found = correlate(panel(made, 3.0 * made.styles[0] + 1.0), made)
    assert found.correlation["size"] == pytest.approx(1.0)
    assert found.r2 == pytest.approx(1.0) or np.isnan(found.r2)  # collinear: inflation is infinite
    assert found.returns["size"] > 0.5  # the return of its fifths is mostly the style's
    assert found.exposure["size"] > 2.0


def test_noise_correlates_with_no_style(made):
    noise = np.random.default_rng(1).standard_normal(made.styles[0].shape)
    found = correlate(panel(made, noise), made)
    assert max(abs(c) for c in found.correlation.values()) < 0.03
    assert found.r2 < 0.05
    assert found.vif == pytest.approx(1.0, abs=0.05)


def test_a_mix_has_the_r2_that_was_mixed(made):
    noise = np.random.default_rng(2).standard_normal(made.styles[0].shape)
    mixed = correlate(panel(made, made.styles[0] + noise), made)
    assert mixed.r2 == pytest.approx(0.5, abs=0.08)
    assert mixed.vif == pytest.approx(2.0, abs=0.3)


def test_sign_and_scale_of_a_signal_only_turn_the_sign(made):
    values = made.styles[0] + np.random.default_rng(3).standard_normal(made.styles[0].shape)
    one, two = correlate(panel(made, values), made), correlate(panel(made, -2.0 * values), made)
    for name in one.correlation:
        assert_allclose(one.correlation[name], -two.correlation[name])
        assert_allclose(one.exposure[name], -two.exposure[name])
        assert_allclose(one.returns[name], -two.returns[name])
    assert one.r2 == pytest.approx(two.r2)


def test_exposure_of_a_portfolio_is_its_weighted_exposure(made):
    weights = np.zeros(made.styles[0].shape)
    weights[:, 3], weights[:, 8] = 0.7, 0.3
    found = correlate(panel(made, weights), made, portfolio=True)
    byhand = 0.7 * made.styles[1, 0, 3] + 0.3 * made.styles[1, 0, 8]
    assert found.exposure["value"] == pytest.approx(byhand)
    assert found.kind == "portfolio"


def test_return_of_a_portfolio_is_that_of_the_day_after(made):
    pure = made.factor_returns[:, 4]
    returns = np.zeros(made.returns.shape)
    returns[:, 0] = pure
    weights = np.zeros(returns.shape)
    weights[:, 0] = 1.0
    found = correlate(panel(made, weights), replace(made, returns=returns), portfolio=True)
    assert found.returns["size"] == pytest.approx(1.0)
    assert found.return_r2 == pytest.approx(1.0)


def test_evaluation_gives_the_same_correlations(made):
    values = np.random.default_rng(4).standard_normal(made.styles[0].shape)
    signal = panel(made, values)
    styles = Cube({"size": panel(made, made.styles[0]), "value": panel(made, made.styles[1])})
    other, found = style_correlation(signal, styles), correlate(signal, made)
    assert other.exposure == pytest.approx(dict(found.correlation))
    assert other.r2 == pytest.approx(found.r2)


def test_a_constant_signal_is_refused_with_the_reason(made):
    with pytest.raises(NoSignal, match="cannot be compared with the styles"):
        correlate(panel(made, np.ones(made.returns.shape)), made)


def test_other_axes_are_refused(made):
    other = Dates(made.dates.values + 1)
    signal = Panel(values=made.styles[0], dates=other, assets=made.assets, name="late")
    with pytest.raises(AxisMismatch, match="late"):
        correlate(signal, made)
