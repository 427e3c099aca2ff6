"""The fitted model: its parts add up, a later day changes nothing, a refit is the same bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import AxisMismatch, ConfigError, DataError, LookAhead
from superhet.panel import Cube
from superhet.risk import (
    RISK_MODELS,
    CovarianceSettings,
    FundamentalModel,
    RegressionSettings,
    RiskModel,
)

MODEL = FundamentalModel(
    covariance=CovarianceSettings(eigen_draws=60),
    regression=RegressionSettings(least_listed=20),
)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def fitted(tiny_loaded):
    return MODEL.fit(tiny_loaded)


@pytest.fixture(scope="module")
def whole(fitted):
    """All dates; made of another fitted model, so that `fitted` stays one that forecasts date by date."""
    again = replace(fitted)
    again._state.update(regressions=fitted.regressions_)
    return again.estimates()


def assert_same_snapshot(one, two):
    assert one.factors == two.factors
    for name in ("exposures", "factor_covariance", "specific_variance"):
        assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


def test_model_is_registered_and_keeps_the_protocol():
    assert RISK_MODELS.get("cne5") is FundamentalModel
    assert isinstance(MODEL, RiskModel)


def test_exposures_and_factor_returns_add_up_to_the_return(fitted, tiny_loaded):
    found = fitted.regressions_
    of = fitted.without_forecasts()
    checked = 0
    for t in range(1, len(found.dates)):
        paid = np.nan_to_num(found.f[t])
        explained = np.nan_to_num(of.exposures(t - 1)) @ paid + found.residual[t]
        known = ~np.isnan(explained) & (np.abs(found.returns[t]) < 0.04)  # none of them is clipped
        assert_allclose(explained[known], found.returns[t, known], atol=1e-14)
        checked += known.sum()
    assert checked > 10_000


def test_identities_hold_on_every_date(fitted):
    error = fitted.regressions_.fit.identity_error
    assert np.nanmax(error) < 1e-10


def test_snapshot_of_a_date_is_that_of_all_dates(fitted, whole):
    for row in (-1, -40):
        date = whole.dates.values[row]
        assert_same_snapshot(fitted.at(date), whole.at(date))


def test_refit_until_a_date_gives_the_same_bits(fitted, tiny_loaded):
    for row in (200, 290):
        date = tiny_loaded.dates.values[row]
        before = MODEL.fit(tiny_loaded.until(date))
        assert_same_snapshot(before.at(date), fitted.at(date))
        earlier = tiny_loaded.dates.values[row - 30]
        assert_same_snapshot(before.at(earlier), fitted.at(earlier))


def test_update_by_a_day_is_a_full_refit_bit_for_bit(fitted, whole, tiny_loaded):
    before = MODEL.fit(tiny_loaded.until(tiny_loaded.dates.values[-3]))
    before.estimates()
    updated = before.update(tiny_loaded)
    assert updated.regressions_.reused == len(tiny_loaded.dates) - 2
    found = updated.estimates()
    for name in ("factor_returns", "residual", "covariance", "unadjusted", "specific", "styles"):
        assert_array_equal(getattr(found, name), getattr(whole, name), err_msg=name)
    for name in ("t", "r2", "vif", "identity_error", "names", "left_out", "clipped", "outliers"):
        assert_array_equal(getattr(found.fit, name), getattr(whole.fit, name), err_msg=name)
    assert found.notes == whole.notes


def test_update_fits_again_what_was_restated(fitted, tiny_loaded):
    before = MODEL.fit(tiny_loaded.until(tiny_loaded.dates.values[-2]))
    returns = tiny_loaded["returns"].values.copy()
    asset = int(np.flatnonzero(~np.isnan(returns[250]))[0])
    returns[250, asset] += 0.01
    restated = tiny_loaded.with_fields({"returns": tiny_loaded["returns"].with_values(returns)})
    updated = before.update(restated)
    assert updated.regressions_.reused <= 250
    refit = MODEL.fit(restated).regressions_
    assert_array_equal(updated.regressions_.f, refit.f)
    assert updated.regressions_.fit.counts == refit.fit.counts
    assert refit.fit.counts["suspended"] > 0


def test_volatility_of_the_market_is_of_the_size_of_its_returns(whole):
    snapshot = whole.at(whole.dates.values[-1])
    caps = np.where(
        whole.estimable[-1] & ~np.isnan(snapshot.specific_variance), whole.caps[-1], 0.0
    )
    forecast = snapshot.volatility(caps / caps.sum())
    realised = np.nanstd(whole.factor_returns[-120:, 0]) * np.sqrt(252)
    assert 0.5 * realised < forecast < 2.0 * realised


def test_asset_without_industry_has_no_risk_forecast(whole):
    codes = whole.codes.copy()
    asset = int(np.flatnonzero(~np.isnan(whole.specific[-1]))[0])
    codes[-1, asset] = -1
    snapshot = replace(whole, codes=codes).at(whole.dates.values[-1])
    assert np.isnan(snapshot.exposures[asset]).all()
    assert np.isnan(snapshot.specific_variance[asset])


def test_model_refuses_dates_it_has_not_seen(fitted, tiny_loaded):
    with pytest.raises(LookAhead, match="fitted on data until"):
        fitted.at("2100-01-04")
    with pytest.raises(AxisMismatch, match="not on the axis"):
        fitted.at("2018-01-06")  # a Saturday
    with pytest.raises(DataError, match="too few returns by then"):
        fitted.at(tiny_loaded.dates.values[5])
    with pytest.raises(LookAhead, match="not fitted"):
        MODEL.at("2018-06-01")


def test_unknown_horizon_is_named():
    with pytest.raises(ConfigError, match="must be short, long or daily"):
        FundamentalModel(horizon="weekly")


def test_factor_of_the_user_stands_beside_the_styles(tiny_loaded):
    rng = np.random.default_rng(0)
    close = tiny_loaded["close"]
    noise = close.with_values(rng.standard_normal(close.values.shape), unit="score")
    fitted = MODEL.fit(tiny_loaded, user=Cube({"noise": noise}))
    of = fitted.without_forecasts()
    assert of.factors[-1] == "noise"
    assert of.blocks[-1] == "user"
    t = of.fit.t[:, -1]
    assert (np.abs(t[~np.isnan(t)]) > 2.0).mean() < 0.15  # noise is not priced


def test_factor_of_the_user_that_repeats_a_style_is_named(tiny_loaded):
    size = tiny_loaded[tiny_loaded.size]
    copy = MODEL.fit(tiny_loaded).without_forecasts().styles[0]
    repeated = size.with_values(copy, unit="exposure", name="again")
    with pytest.raises(ConfigError, match="user.again"):
        MODEL.fit(tiny_loaded, user=Cube({"again": repeated}))


def test_what_is_odd_in_the_data_is_said(fitted):
    notes = " ".join(fitted.without_forecasts().notes)
    assert "makes do without" in notes
    assert "not fitted" in notes


def test_update_by_a_day_that_nobody_traded_on_is_a_full_refit_too(tiny_loaded):
    day = tiny_loaded.dates.values[-1]
    returns = tiny_loaded["returns"].values.copy()
    returns[-1] = np.nan
    market = tiny_loaded.with_fields({"returns": tiny_loaded["returns"].with_values(returns)})
    updated = MODEL.fit(market.until(tiny_loaded.dates.values[-2])).update(market)
    assert_array_equal(updated.regressions_.f, MODEL.fit(market).regressions_.f)
    assert_same_snapshot(updated.at(day), MODEL.fit(market).at(day))


def test_cne6_runs_on_a_simulated_market_and_says_what_it_lacks(tiny_loaded):
    """Of its 17 styles one lacks a field and one lacks history; three more the table itself has not."""
    fitted = replace(MODEL, table="cne6").fit(tiny_loaded)
    of, found = fitted.without_forecasts(), fitted.regressions_
    assert len(of.style_names) == 16
    assert "dividend_yield" not in of.style_names
    said = "\n".join(of.notes)
    assert "Style dividend_yield is left out: import statements: dividend" in said
    assert "long_term_reversal is known of no asset on any date" in said
    assert "Table cne6 is partial and lacks seasonality" in said
    assert np.nanmax(found.fit.identity_error) < 1e-10
    known = np.isfinite(found.f[-1, of.first_style :])
    assert [n for n, k in zip(of.style_names, known, strict=True) if not k] == [
        "long_term_reversal"
    ]
    assert 0.3 < np.nanmean(found.fit.r2) < 0.7
