"""What real data do to a risk model: each is said, or harmless, and the identities hold all the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superhet.panel import Universe
from superhet.risk import CovarianceSettings, FundamentalModel, RegressionSettings

MODEL = FundamentalModel(
    covariance=CovarianceSettings(eigen_draws=20),
    regression=RegressionSettings(least_listed=20),
)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def with_cap(market, row: int, asset: int, value: float):
    caps = market["market_cap"].values.copy()
    caps[row:, asset] = value
    return market.with_fields({"market_cap": market["market_cap"].with_values(caps)})


def with_industry(market, codes):
    panel = market.groups("industry")
    labels = (*panel.labels, "alone")
    return replace(
        market,
        group_panels={
            **market.group_panels,
            "industry": replace(panel, values=codes, labels=labels),
        },
    )


def listed(market) -> int:
    """Give an asset that is estimable throughout the second half."""
    return int(np.flatnonzero(market.universe.estimable.values[120:].all(axis=0))[0])


@pytest.mark.parametrize("cap", [0.0, np.nan])
def test_a_name_without_capitalisation_is_not_fitted_and_harms_nobody(cap, tiny_loaded):
    asset = listed(tiny_loaded)
    found = MODEL.fit(with_cap(tiny_loaded, 150, asset, cap)).regressions_
    whole = MODEL.fit(tiny_loaded).regressions_
    assert found.fit.names[160] == whole.fit.names[160] - 1
    assert np.nanmax(found.fit.identity_error) < 1e-10
    assert np.isfinite(found.f[160, 0])
    assert not np.isinf(np.nan_to_num(found.residual)).any()


def test_an_industry_of_one_stock_leans_on_the_market(tiny_loaded):
    asset = listed(tiny_loaded)
    codes = tiny_loaded.groups("industry").values.copy()
    codes[:, asset] = len(tiny_loaded.groups("industry").labels)
    fitted = MODEL.fit(with_industry(tiny_loaded, codes))
    of = fitted.without_forecasts()
    found = fitted.regressions_
    assert np.nanmax(found.fit.identity_error) < 1e-10
    alone = found.f[160:, of.factors.index("alone")]
    own = found.returns[160:, asset] - found.f[160:, 0]
    # alone it would be the stock's own return; four names with the market's stand beside it
    assert np.nanstd(alone) < 0.5 * np.nanstd(own)
    assert any("lean on the market" in n and "alone" in n for n in of.notes)


def test_a_stock_without_industry_is_left_out_and_counted(tiny_loaded):
    asset = listed(tiny_loaded)
    codes = tiny_loaded.groups("industry").values.copy()
    codes[:, asset] = -1
    fitted = MODEL.fit(with_industry(tiny_loaded, codes))
    assert np.isnan(fitted.regressions_.residual[160, asset])
    assert any("have no industry" in n for n in fitted.without_forecasts().notes)
    snapshot = fitted.at(tiny_loaded.dates.values[-1])
    assert np.isnan(snapshot.specific_variance[asset])


@pytest.mark.parametrize(("kept", "is_fitted"), [(30, True), (19, False)])
def test_a_date_with_few_stocks_is_fitted_or_said(kept, is_fitted, tiny_loaded):
    universe = tiny_loaded.universe
    flags = universe.estimable.values.copy()
    there = np.flatnonzero(flags[199])
    flags[199, there[kept:]] = False
    few = Universe(
        member=universe.member,
        tradable=universe.tradable,
        estimable=universe.estimable.with_values(flags),
        reasons=universe.reasons,
    )
    fitted = MODEL.fit(replace(tiny_loaded, universe=few))
    r2 = fitted.regressions_.fit.r2[200]
    if is_fitted:
        assert np.isfinite(r2)
    else:
        assert np.isnan(r2)
        assert any("too few names" in n for n in fitted.without_forecasts().notes)
    assert np.isfinite(fitted.regressions_.fit.r2[202])


def test_a_fall_by_seventy_percent_leaves_every_style_known(tiny_loaded):
    asset = listed(tiny_loaded)
    returns = tiny_loaded["returns"].values.copy()
    returns[200, asset] = -0.7
    market = tiny_loaded.with_fields({"returns": tiny_loaded["returns"].with_values(returns)})
    of = MODEL.fit(market).without_forecasts()
    before = MODEL.fit(tiny_loaded).without_forecasts()
    known = ~np.isnan(before.styles[:, 220, asset])
    assert (~np.isnan(of.styles[:, 220, asset]))[known].all()
    volatility = of.style_names.index("residual_volatility")
    assert of.styles[volatility, 220, asset] > before.styles[volatility, 220, asset]
