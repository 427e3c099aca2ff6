"""Planted truth: the simulated market knows its own factor returns, and the model must find them again.

The market plants ten styles by definitions of its own, and CNE5 measures them by CNE5's. Where both mean the
same, the pure factor return is the planted one. Where they differ (below), only what they share can be found:

- nonlinear size is planted with size taken out by equal weights, CNE5 takes it out by weights √cap: of
  the pair, each planted return is a mix of the two found
- earnings yield is planted as profit to price; without analysts CNE5's is two thirds cash earnings
- growth is planted as the year's change of profit over equity; CNE5's is the slope of five years of
  earnings and sales
- book-to-price is planted in logarithms
- residual volatility and liquidity are planted as lasting traits that the model only sees through noisy
  returns and turnovers; beta as a trait that returns show late
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superhet.data import MarketRequest, MemoryTables, load_market
from superhet.data.sources.simulated import SimulatedMarket, simulate
from superhet.data.sources.simulated.structure import draw_structure
from superhet.data.sources.simulated.styles import STYLES, StyleModel
from superhet.risk import CovarianceSettings, FundamentalModel, validate
from superhet.risk.exposures import exposures
from superhet.risk.factor_returns import RegressionSettings, estimate_factor_returns
from superhet.risk.validation import TrialSettings

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def fitted(recipe: SimulatedMarket, **settings):
    made = simulate(recipe)
    market = load_market(MemoryTables(made.tables, meta=made.meta), MarketRequest())
    model = FundamentalModel(**settings).fit(market)
    return made.truth, model


def correlations(truth, model) -> dict[str, float]:
    """Correlate each pure style return with the planted one."""
    of = model.without_forecasts()
    planted = truth.factor_returns[np.isin(truth.dates, of.dates.values)]
    found = {}
    for name in of.style_names:
        one = of.factor_returns[:, of.factors.index(name)]
        two = planted[:, truth.factor_names.index(name)]
        known = ~np.isnan(one)
        found[name] = float(np.corrcoef(one[known], two[known])[0, 1])
    return found


def spanned(truth, model, name: str) -> float:
    """Correlate a planted style return with the best mix of all that were found."""
    of = model.without_forecasts()
    y = truth.factor_returns[np.isin(truth.dates, of.dates.values)][
        :, truth.factor_names.index(name)
    ]
    x = of.factor_returns[:, of.first_style :]
    known = ~np.isnan(x).any(axis=1)
    x, y = x[known] - x[known].mean(axis=0), y[known] - y[known].mean()
    return float(np.corrcoef(x @ np.linalg.lstsq(x, y, rcond=None)[0], y)[0, 1])


@pytest.fixture(scope="module")
def small():
    return fitted(SimulatedMarket(assets=250, years=1.5, seed=5, bars=None, industries=4))


def test_size_and_market_of_a_small_market_are_found_again(small):
    truth, model = small
    found = correlations(truth, model)
    assert found["size"] > 0.7
    assert found["liquidity"] > 0.5
    of = model.without_forecasts()
    planted = truth.factor_returns[np.isin(truth.dates, of.dates.values)]
    country = np.corrcoef(
        of.factor_returns[1:, 0], planted[1:, truth.factor_names.index("country")]
    )
    assert country[0, 1] > 0.95


def test_the_multiplier_doubles_when_the_volatility_of_the_planted_returns_does():
    from superhet.risk.factor_covariance import covariance_path

    rng = np.random.default_rng(0)
    f = 0.01 * rng.standard_normal((1200, 12))
    f[800:] *= 2.0
    settings = CovarianceSettings(volatility_half_life=504.0, eigen_draws=0)
    path = covariance_path(f, np.array([799, 884]), settings=settings)
    assert path.multiplier[0] == pytest.approx(1.0, abs=0.06)
    # two half-lives on, three quarters of the way in squares, the slow variance having moved a little
    assert 1.6 < path.multiplier[1] < 2.0


@pytest.fixture(scope="module")
def large():
    recipe = SimulatedMarket(assets=3000, years=2.5, seed=5, bars=None)
    return fitted(recipe)


@pytest.mark.slow
def test_planted_style_returns_are_found_again(large):
    found = correlations(*large)
    for name in ("size", "beta", "momentum", "nonlinear_size", "liquidity"):
        assert found[name] > 0.90, (name, found)
    for name in ("residual_volatility", "leverage"):
        assert found[name] > 0.85, (name, found)
    assert spanned(*large, "size") > 0.95  # with nonlinear size taken out as the market does


@pytest.mark.slow
def test_every_planted_style_return_is_found_from_the_planted_exposures(monkeypatch):
    """On the exposures that the market itself used, only the noise of 8,000 specific returns is left."""
    recipe = SimulatedMarket(assets=9000, years=1.0, seed=5, bars=None)
    seen, plant = [], StyleModel.exposures

    def watched(self, cap, inside):
        seen.append(plant(self, cap, inside))
        return seen[-1]

    monkeypatch.setattr(StyleModel, "exposures", watched)
    made = simulate(recipe)
    market = load_market(MemoryTables(made.tables, meta=made.meta), MarketRequest())
    given = exposures(market)
    place = market.assets.positions([str(a) for a in draw_structure(recipe).assets])
    order = [STYLES.index(n) for n in given.style_names]
    planted = np.full(given.styles.shape, np.nan)
    there = place >= 0
    for date in range(len(market.dates)):  # the first were those before the first session
        planted[:, date, place[there]] = seen[date + 1][order][:, there]
    settings = RegressionSettings(robust=1.345)
    found = estimate_factor_returns(market, replace(given, styles=planted), settings)
    truth = made.truth.factor_returns[np.isin(made.truth.dates, market.dates.values)]
    for name in given.style_names:
        one = found.values[:, found.names.index(name)]
        two = truth[:, made.truth.factor_names.index(name)]
        known = ~np.isnan(one)
        assert np.corrcoef(one[known], two[known])[0, 1] > 0.95, name
        assert np.polyfit(two[known], one[known], 1)[0] == pytest.approx(1.0, abs=0.06), name


@pytest.mark.slow
def test_forecasts_hold_and_the_eigenfactor_adjustment_is_why(large):
    """Random and optimised portfolios: nine tenths in the band with the adjustment, visibly fewer without."""
    tried = validate(large[1].estimates(), TrialSettings(step=21)).to_dict()
    adjusted, without = tried["bias"], tried["bias_without_eigenfactor_adjustment"]
    for name in ("random", "random_active", "optimised"):
        assert adjusted[name]["in_band"] >= 0.9, (name, adjusted[name])
    assert without["optimised"]["in_band"] < adjusted["optimised"]["in_band"] - 0.1
    assert without["eigenfactors"]["bias"] > adjusted["eigenfactors"]["bias"] + 0.1
