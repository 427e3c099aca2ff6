"""Returns of each session, before prices: market, industries, styles, planted drift, specific shocks.

For asset i and session t, with c the factor part, d the drift, a the reversal and σ the specific deviation:

    c = market_t + industry_t(i) + Σ_k X_{k,i} f_{k,t}
    overnight = 0.2 c + 0.4 σ ε₁ + news                news: once in 400 sessions, N(0, 7 %)
    intraday  = 0.8 c + d + a + √0.84 σ ε₂          ε Student-t with 5 degrees of freedom, variance 1
    d = M Σ_k DRIFT_k x_{k,t−1} alpha_scale,   a = −REVERSAL (x_t − φ x_{t−1}) of the daily state

M takes out industry means and size as of t−1 (module `neutral`). Industry and style returns have
conditional mean 0, and every asset takes part in the market with weight one, so that the drift is the only
thing in the cross-section that can be foreseen. Variances follow one clock,
h_t = 0.06 + h_{t−1} (0.85 + 0.09 m²_{t−1}), with m the market's shock (GARCH(1,1), mean 1);
σ_i,t = σ_i √((1 + h_t)/2) exp(0.15 slow_i,t).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from superhet.data.sources.simulated.alphas import PHI, REVERSAL, STATES, drifts
from superhet.data.sources.simulated.neutral import Neutralizer, industries_at
from superhet.data.sources.simulated.recipe import Flags, Floats, SimulatedMarket, Singles
from superhet.data.sources.simulated.regimes import MARKET_DEVIATION, MARKET_MEAN, Regimes
from superhet.data.sources.simulated.structure import Structure
from superhet.data.sources.simulated.styles import STYLE_DEVIATION, STYLES

INDUSTRY_DEVIATION = 0.0055
_BETA_SHARE = 0.6  # correlation of the beta style's return with the market's shock
_FREEDOM = 5
_NEWS, _NEWS_DEVIATION = 0.0025, 0.07
_OVERNIGHT = 0.2
_SLOW_DECAY = 2.0 ** (-1.0 / 60.0)
_ALL_INDUSTRIES = 31


@dataclass(frozen=True, eq=False, kw_only=True)
class Shock:
    """What one session does to each asset, fractions, [assets].

    Parameters
    ----------
    overnight, intraday : simple returns to the open, and from the open to the close
    specific : their specific part: drift, reversal and specific shocks
    deviation : deviation of the specific shocks, known beforehand
    variance : of the specific shocks and of the news; that there is news is seen, not its sign
    factors : [1 + industries + styles], factor returns
    """

    overnight: Floats
    intraday: Floats
    specific: Floats
    deviation: Floats
    variance: Floats
    factors: Floats


class ReturnModel:
    """Draws the returns of one session after the other.

    Parameters
    ----------
    recipe, structure, regimes : what has been drawn before
    states : name -> [dates, assets], the planted states
    neutral : takes industry and size out; knows the closes so far
    """

    def __init__(
        self,
        recipe: SimulatedMarket,
        structure: Structure,
        regimes: Regimes,
        states: dict[str, Singles],
        neutral: Neutralizer,
    ) -> None:
        self._recipe, self._structure, self._states = recipe, structure, states
        self._neutral = neutral
        self._regime = regimes.of(recipe.timeline.dates)
        self._factors = recipe.stream("factors")
        self._specific = recipe.stream("specific returns")
        self._news_stream = recipe.stream("news")
        self._slow_stream = recipe.stream("specific volatility")
        self._slow = self._slow_stream.standard_normal(structure.count)
        self._drifts = drifts(recipe)
        self._clock = 1.0

    def draw(self, t: int, exposures: Floats) -> Shock:
        """Draw session `t`, given the exposures [styles, assets] at the close before."""
        factors = self._factor_returns(t)
        styles = 1 + self._recipe.industries
        common = (
            factors[0]
            + factors[1 + industries_at(self._structure, t)]
            + factors[styles:] @ exposures
        )
        deviation = self._deviation()
        noise = self._specific.standard_t(_FREEDOM, (2, deviation.size))
        noise = np.clip(noise / np.sqrt(_FREEDOM / (_FREEDOM - 2)), -12.0, 12.0) * deviation
        has_news, news = self._news(deviation.size)
        early, late = 0.4 * noise[0] + news, np.sqrt(0.84) * noise[1]
        planted = self._planted(t)
        return Shock(
            overnight=np.clip(_OVERNIGHT * common + early, -0.6, 2.0),
            intraday=np.clip((1.0 - _OVERNIGHT) * common + late + planted, -0.6, 2.0),
            specific=early + late + planted,
            deviation=deviation,
            variance=deviation**2 + _NEWS_DEVIATION**2 * has_news,
            factors=factors,
        )

    def _news(self, assets: int) -> tuple[Flags, Floats]:
        chance, size = self._news_stream.random(assets), self._news_stream.standard_normal(assets)
        hit = chance < _NEWS
        return hit, np.where(hit, _NEWS_DEVIATION * size, 0.0)

    def _factor_returns(self, t: int) -> Floats:
        draws = self._factors.standard_normal(1 + _ALL_INDUSTRIES + len(STYLES))
        regime, scale = self._regime[t], np.sqrt(self._clock)
        shock = draws[0]
        self._clock = 0.06 + self._clock * (0.85 + 0.09 * shock**2)
        styles = draws[1 + _ALL_INDUSTRIES :]
        beta = STYLES.index("beta")
        styles[beta] = _BETA_SHARE * shock + np.sqrt(1.0 - _BETA_SHARE**2) * styles[beta]
        market = MARKET_MEAN[regime] + MARKET_DEVIATION[regime] * scale * shock
        industries = INDUSTRY_DEVIATION * scale * draws[1 : 1 + self._recipe.industries]
        return np.concatenate([[market], industries, STYLE_DEVIATION * scale * styles])

    def _deviation(self) -> Floats:
        shock = self._slow_stream.standard_normal(self._slow.size)
        self._slow = _SLOW_DECAY * self._slow + np.sqrt(1.0 - _SLOW_DECAY**2) * shock
        clock = np.sqrt(0.5 + 0.5 * self._clock)
        return np.asarray(self._structure.volatility * clock * np.exp(0.15 * self._slow))

    def _planted(self, t: int) -> Floats:
        """Drift and reversal of session `t`; 0 on the first session, which has no state before it."""
        if t == 0:
            return np.zeros(self._structure.count)
        before = np.stack([self._states[name][t - 1] for name in STATES])
        drift = self._neutral.residual(t - 1, (self._drifts @ before)[None, :])[0]
        daily = self._states["daily"]
        innovation = daily[t] - PHI["daily"] * daily[t - 1]
        return np.asarray(drift - REVERSAL * innovation, dtype=np.float64)
