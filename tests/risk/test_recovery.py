"""Planted truth: the simulated market knows its own factor returns, and the model must find them again.

The market moves returns by CNE5's styles, measured each session from what is public then (see
`data.sources.simulated.styles`), by code of its own. So three things can part the pure factor return from
the planted one:

- the definitions: the measured exposures are held against the planted ones, style by style. Liquidity is
  planted as the usual turnover that trades only show through noise (0.98); beta, momentum and volatility
  remember without the sharp end of CNE5's windows, and know a past before the first session (0.99 after a
  year); all others are the same to a few restated statements
- the noise of specific returns, which falls with the number of names: with 3,000, six of the ten
  stay between 0.91 and 0.95, from the exposures that the market itself used as well; with 8,000 all ten
  are above
- a style that cannot be measured yet but is planted: before momentum is known, 273 sessions, what it
  moves goes to what it correlates with. Only dates on which all ten are known are counted
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from superhet.data import MarketRequest, MemoryTables, load_market
from superhet.data.sources.simulated import SimulatedMarket, Truth, simulate
from superhet.data.sources.simulated.structure import draw_structure
from superhet.data.sources.simulated.styles import STYLES, StyleModel
from superhet.panel import Market
from superhet.risk import CovarianceSettings, FundamentalModel, validate
from superhet.risk.exposures import Exposures, exposures
from superhet.risk.factor_returns import FactorReturns, estimate_factor_returns
from superhet.risk.validation import TrialSettings

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@dataclass(frozen=True, eq=False, kw_only=True)
class Planted:
    """A simulated market, what CNE5 measures in it, and what was planted, [styles, dates, assets]."""

    truth: Truth
    market: Market
    measured: Exposures
    exposures: np.ndarray


def planted(recipe: SimulatedMarket) -> Planted:
    """Simulate a market and watch its exposures, those at each close; in the order of the model."""
    seen, plant = [], StyleModel.exposures

    def watched(self, cap, inside):
        seen.append(plant(self, cap, inside))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StyleModel, "exposures", watched)
        made = simulate(recipe)
    market = load_market(MemoryTables(made.tables, meta=made.meta), MarketRequest())
    measured = exposures(market)
    place = market.assets.positions([str(a) for a in draw_structure(recipe).assets])
    order = [STYLES.index(n) for n in measured.style_names]
    own = np.full(measured.styles.shape, np.nan)
    for date in range(len(market.dates)):  # the first were those before the first session
        own[:, date, place[place >= 0]] = seen[date + 1][order][:, place >= 0]
    return Planted(truth=made.truth, market=market, measured=measured, exposures=own)


def pairs(of: Planted, found: FactorReturns) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pair each pure style return with the planted one, on the dates on which all ten are measured."""
    names = of.measured.style_names
    truth = of.truth.factor_returns[np.isin(of.truth.dates, of.market.dates.values)]
    known = np.isfinite(of.measured.styles).any(axis=2).all(axis=0)
    known = np.append(False, known[:-1])  # exposures are those of the session before
    return {
        n: (
            found.values[known, found.names.index(n)],
            truth[known, of.truth.factor_names.index(n)],
        )
        for n in names
    }


@pytest.fixture(scope="module")
def small() -> Planted:
    return planted(SimulatedMarket(assets=250, years=1.5, seed=5, bars=None, industries=4))


def test_every_style_that_cne5_measures_is_the_one_that_was_planted(small):
    measured, inside = small.measured, small.measured.estimable
    by_name = {}
    for k, name in enumerate(measured.style_names):
        found = []
        for date in range(300, len(small.market.dates), 10):
            one, two = measured.styles[k, date], small.exposures[k, date]
            both = inside[date] & np.isfinite(one) & np.isfinite(two)
            found.append(np.corrcoef(one[both], two[both])[0, 1])
        by_name[name] = np.mean(found)
    assert len(by_name) == 10
    for name, found in by_name.items():
        assert found > (0.95 if name == "liquidity" else 0.97), by_name
    for name in ("size", "nonlinear_size", "book_to_price", "leverage"):
        assert by_name[name] > 0.995, by_name


def test_market_size_and_beta_of_a_small_market_are_found_again(small):
    """With 200 names noise is half of the smaller styles; the larger ones stand out already."""
    found = estimate_factor_returns(small.market, small.measured)
    both = pairs(small, found)
    assert np.corrcoef(*both["size"])[0, 1] > 0.7
    assert np.corrcoef(*both["beta"])[0, 1] > 0.7
    truth = small.truth.factor_returns[np.isin(small.truth.dates, small.market.dates.values)]
    country = found.values[1:, 0], truth[1:, small.truth.factor_names.index("country")]
    assert np.corrcoef(*country)[0, 1] > 0.95


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
def wide() -> Planted:
    return planted(SimulatedMarket(assets=8000, years=2.5, seed=5, bars=None))


@pytest.mark.slow
def test_all_ten_planted_style_returns_are_found_again_with_cne5s_own_descriptors(wide):
    found = estimate_factor_returns(wide.market, wide.measured)
    by_name = {n: float(np.corrcoef(*both)[0, 1]) for n, both in pairs(wide, found).items()}
    assert len(by_name) == 10
    for name, correlation in by_name.items():
        assert correlation >= 0.95, (name, by_name)


@pytest.mark.slow
def test_planted_exposures_give_the_planted_returns_in_size_as_well(wide):
    """On the exposures that the market itself used, only the noise of specific returns is left."""
    given = replace(wide.measured, styles=wide.exposures)
    for name, (one, two) in pairs(wide, estimate_factor_returns(wide.market, given)).items():
        assert np.corrcoef(one, two)[0, 1] > 0.95, name
        assert np.polyfit(two, one, 1)[0] == pytest.approx(1.0, abs=0.06), name


@pytest.mark.slow
def test_forecasts_hold_and_the_eigenfactor_adjustment_is_why():
    """Random and optimised portfolios: nine tenths in the band with the adjustment, visibly fewer without."""
    made = simulate(SimulatedMarket(assets=3000, years=2.5, seed=5, bars=None))
    market = load_market(MemoryTables(made.tables, meta=made.meta), MarketRequest())
    model = FundamentalModel().fit(market)
    tried = validate(model.estimates(), TrialSettings(step=21)).to_dict()
    adjusted, without = tried["bias"], tried["bias_without_eigenfactor_adjustment"]
    for name in ("random", "random_active", "optimised"):
        assert adjusted[name]["in_band"] >= 0.9, (name, adjusted[name])
    assert without["optimised"]["in_band"] < adjusted["optimised"]["in_band"] - 0.1
    assert without["eigenfactors"]["bias"] > adjusted["eigenfactors"]["bias"] + 0.1
