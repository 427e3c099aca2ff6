"""The model on real A-shares: identities on every date, and figures of the size that practitioners print.

The data lie beside the project and are no part of it; where they are absent the tests are skipped.
"""

from __future__ import annotations

import numpy as np
import pytest
from real_stores import DATA, RealStores

from superhet.data import MarketRequest, load_market
from superhet.risk import FundamentalModel, validate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.exists(), reason="the real data are not beside the project"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    store = RealStores(tmp_path_factory.mktemp("real")).store("cn")
    return load_market(store, MarketRequest(industry="citics_l1_wind"))


@pytest.fixture(scope="module")
def model(market):
    return FundamentalModel().fit(market)


@pytest.fixture(scope="module")
def tried(model):
    return validate(model.estimates()).to_dict()


def test_identities_hold_on_every_date(model):
    error = model.regressions_.fit.identity_error
    assert (~np.isnan(error)).sum() > 2000
    assert np.nanmax(error) < 1e-10


def test_industry_returns_weighted_by_capitalisation_add_up_to_zero(model):
    of = model.without_forecasts()
    found, industries = model.regressions_, len(of.industry_names)
    for t in range(600, len(of.dates), 200):
        known = ~np.isnan(found.residual[t]) & (of.caps[t - 1] > 0) & of.estimable[t - 1]
        # the fit has its own filters; whoever it left out has little of the market
        shares = np.bincount(of.codes[t - 1, known], of.caps[t - 1, known], industries)
        paid = np.nan_to_num(found.f[t, 1 : 1 + industries])
        assert abs(paid @ shares / shares.sum()) < 2e-4


def test_market_and_styles_explain_as_much_as_is_reported_of_a_shares(model):
    """Daily R² of 20 to 45 %, falling from 2012 to the end, but for the crash of 2015."""
    assert 0.2 < np.nanmean(model.regressions_.fit.r2) < 0.45


def test_size_paid_the_small_until_2016(model):
    of = model.without_forecasts()
    size = of.factor_returns[:, of.factors.index("size")]
    early = of.dates.days < np.datetime64("2017-01-01")
    assert np.nansum(size[early]) < -0.15


def test_low_turnover_paid(model):
    of = model.without_forecasts()
    assert np.nansum(of.factor_returns[:, of.factors.index("liquidity")]) < -0.3


def test_rolling_deviation_of_the_bias_is_that_of_published_tables(tried):
    """CNE5's tables report a mean rolling deviation of 0.23 to 0.29 and mean biases of 0.92 to 1.03."""
    for name in ("pure", "random", "tilted", "optimised"):
        assert 0.15 < tried["bias"][name]["mrad"] < 0.32, name
        assert 0.85 < tried["bias"][name]["bias"] < 1.2, name


def test_eigenfactor_adjustment_brings_optimised_portfolios_nearer_to_one(tried):
    adjusted, without = tried["bias"], tried["bias_without_eigenfactor_adjustment"]
    for name in ("optimised", "optimised_factors", "eigenfactors"):
        assert abs(adjusted[name]["bias"] - 1.0) < abs(without[name]["bias"] - 1.0), name
        assert adjusted[name]["in_band"] > without[name]["in_band"] + 0.1, name


def test_exposures_stay_for_a_month(tried):
    assert min(tried["stability"].values()) > 0.8
    assert max(tried["vif"].values()) < 5.0


def test_price_limits_decide_what_is_clipped_of_a_shares(model):
    """No more than a few errors lie beyond the limits, and nothing is an outlier where there are some."""
    counts = model.regressions_.fit.counts
    assert 0 < counts["clipped"] < 100
    assert counts["outliers"] == 0


def test_cne6_goes_as_far_as_these_fields_do_and_names_what_to_import(market, model):
    fitted = FundamentalModel(table="cne6").fit(market)
    found, of = fitted.regressions_, fitted.without_forecasts()
    lacking = {"leverage", "earnings_quality", "profitability", "investment_quality"}
    assert set(found.exposures.made.left_out) == lacking
    assert len(of.style_names) == 13
    said = "\n".join(of.notes)
    assert "Style earnings_quality is left out: import statements: cash_earnings or" in said
    assert "Style earnings_variability makes do without VFLO" in said
    assert "Table cne6 is partial" in said
    assert np.nanmax(found.fit.identity_error) < 1e-10
    both = ~np.isnan(found.fit.r2) & ~np.isnan(model.regressions_.fit.r2)
    more = found.fit.r2[both] - model.regressions_.fit.r2[both]
    assert more.mean() > 0.005  # four styles more
