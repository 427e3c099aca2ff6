"""The wall: whatever happens after a date changes nothing that the risk model said at its close."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from superhet.data import MarketRequest, UniverseRule, load_market
from superhet.panel.axes import Assets
from superhet.pipeline.perturb import OtherFuture
from superhet.risk import CovarianceSettings, FundamentalModel, RegressionSettings

MODEL = FundamentalModel(
    covariance=CovarianceSettings(eigen_draws=40),
    regression=RegressionSettings(least_listed=20),
)
REQUEST = MarketRequest(universe=UniverseRule(new_listing=20))
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def real(tiny_store):
    market = load_market(tiny_store, REQUEST)
    return market, MODEL.fit(market)


@pytest.mark.parametrize("mode", ["noise", "nothing"])
def test_another_future_changes_nothing_before_it(mode, real, tiny_store):
    market, fitted = real
    row = 230
    date, last = market.dates.values[row], market.dates.values[row + 25]
    other = load_market(OtherFuture(tiny_store, date, mode, last), REQUEST)
    again = MODEL.fit(other)
    place = market.assets.positions(Assets(other.assets.values).values)
    assert (place >= 0).all()
    kept = slice(0, row + 1)
    assert_array_equal(
        again.regressions_.residual[kept], fitted.regressions_.residual[kept][:, place]
    )
    for t in (150, row):
        one, two = again.at(market.dates.values[t]), fitted.at(market.dates.values[t])
        shared = [n for n in one.factors if n in two.factors]
        assert list(one.factors) == [n for n in two.factors if n in shared]
        assert_array_equal(one.exposures, two.exposures[place])
        assert_array_equal(one.factor_covariance, two.factor_covariance)
        assert_array_equal(one.specific_variance, two.specific_variance[place])


def test_a_different_past_is_noticed(real):
    """The test above would pass on anything if the model did not look at its data."""
    market, fitted = real
    returns = market["returns"].values.copy()
    returns[200] = np.where(np.isnan(returns[200]), np.nan, returns[200] + 0.001)
    other = market.with_fields({"returns": market["returns"].with_values(returns)})
    date = market.dates.values[230]
    assert (MODEL.fit(other).at(date).factor_covariance != fitted.at(date).factor_covariance).any()
