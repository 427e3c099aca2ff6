"""What is planted: the hidden states, what they do to returns, and the noise through which they are seen.

All numbers of the planted truth stand here. φ = 2^(−1/half-life); every AR(1) state has unit variance.

=========  =========  =========================================================================
state      half-life  seen through
=========  =========  =========================================================================
minute     2          z = x + n, n ~ N(0, MINUTE_NOISE); imbalance of the bars = squash(z)
daily      8          v = x + n, n ~ N(0, VOLUME_NOISE) in log turnover; −REVERSAL·(x_t − φ x_{t−1})
                      inside the return of the same session
surprise   60         S_t = φ S_{t−1} + s (s ~ N(0, 1) on the session a statement is known);
                      z = S + n, n ~ N(0, SURPRISE_NOISE) in the seasonal change of net profit
quality    60         x + n, n ~ N(0, QUALITY_NOISE) in operating cash flow / assets of a statement
=========  =========  =========================================================================

The drift of session t+1, earned between its open and its close, is

    drift_{t+1} = alpha_scale · M_t Σ_k DRIFT_k · x_{k,t}

where M_t takes out industry means and size (module `neutral`).
"""

from __future__ import annotations

import numpy as np

from superhet.data.sources.simulated.recipe import Floats, SimulatedMarket, Singles

STATES = ("minute", "daily", "surprise", "quality")
COMPONENTS = {"minute": ("minute",), "daily": ("daily",), "quarterly": ("surprise", "quality")}
HALF_LIFE = {"minute": 2.0, "daily": 8.0, "surprise": 60.0, "quality": 60.0, "quarterly": 60.0}
PHI = {name: 2.0 ** (-1.0 / life) for name, life in HALF_LIFE.items()}

DRIFT = {"minute": 0.00185, "daily": 0.00110, "surprise": 0.00065, "quality": 0.00070}
"""Drift of the next session for one unit of state (fraction a session)."""

MINUTE_NOISE = 2.0
VOLUME_NOISE = 10.0
SURPRISE_NOISE = 0.5
QUALITY_NOISE = 0.25
"""Variances of the noise."""

VOLUME_LOADING = 0.13
"""Log turnover for one unit of v: deviation 0.43 a session."""

REVERSAL = 0.034
"""Return of the session for minus one unit of innovation of the daily state (deviation 1.36 %)."""

IMBALANCE_SLOPE = 0.17
IMBALANCE_BOUND = 0.95


def innovation_variance(state: str) -> float:
    """Variance of the innovation of an AR(1) state of unit variance."""
    return float(1.0 - PHI[state] ** 2)


def drifts(recipe: SimulatedMarket) -> Floats:
    """Drift for one unit of each of `STATES`, scaled as the recipe says."""
    return recipe.alpha_scale * np.array([DRIFT[state] for state in STATES])


def imbalance(z: Floats) -> Floats:
    """Squash z to the signed-volume imbalance of a session: near-linear, within ±0.95."""
    return IMBALANCE_BOUND * np.tanh(IMBALANCE_SLOPE * z / IMBALANCE_BOUND)


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], half_life: float) -> Singles:
    """Draw stationary AR(1) paths of unit variance, one a column.

    Parameters
    ----------
    rng : drawn from row by row, so longer paths begin with the shorter ones
    shape : (sessions, assets)
    half_life : in sessions
    """
    phi = 2.0 ** (-1.0 / half_life)
    scale = np.sqrt(1.0 - phi**2)
    out = np.empty(shape, dtype=np.float32)
    state = rng.standard_normal(shape[1])
    for row in range(shape[0]):
        if row:
            state = phi * state + scale * rng.standard_normal(shape[1])
        out[row] = state
    return out
