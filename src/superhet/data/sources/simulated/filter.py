"""The best linear forecast of the planted states from what can be observed: a Kalman filter.

State of one asset at the close of session t: x = (minute, daily, surprise, quality), all AR(1) with the
diagonal Φ. Between closes

    x_t = Φ x_{t−1} + η_t,       Var η = diag(1 − φ², 1 − φ², 0, 1 − φ²)
    y_t = d'x_{t−1} − g η_daily,t + ε_t,    the specific return; d = drift of one unit, g = REVERSAL

1. state and y are predicted jointly (the reversal makes their noises correlated),
   Cov(x_t, y_t) = Φ P d − g q e_daily, and y corrects the state            -> correct_by_return
2. then each session may show z (imbalance of the bars), v (turnover), and on the session on which a
   statement becomes known its surprise and its quality                     -> see, see_statement

A statement adds s ~ N(0, 1) to the surprise, then shows the surprise and the quality through noise.
Variances are those of the generator, ε's is conditional on the
volatility of the day; the filter is therefore the best linear one given everything public, were the
factor returns, usual turnover and volatility known. ε has fat tails, which a linear filter ignores; that
the drift in y is neutral to industry and size is allowed for in its mean, not in its variance.

References
----------
Durbin & Koopman, *Time Series Analysis by State Space Methods*, 2nd ed., §4.3 and §4.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from superhet.data.sources.simulated.alphas import (
    MINUTE_NOISE,
    PHI,
    QUALITY_NOISE,
    REVERSAL,
    STATES,
    SURPRISE_NOISE,
    VOLUME_NOISE,
    innovation_variance,
)
from superhet.data.sources.simulated.neutral import Neutralizer
from superhet.data.sources.simulated.recipe import Flags, Floats, Integers, Singles
from superhet.data.sources.simulated.statements import Statements

MINUTE, DAILY, SURPRISE, QUALITY = range(4)
_PHI = np.array([PHI[state] for state in STATES])
_ADDED = np.array([innovation_variance(state) for state in STATES])
_ADDED[SURPRISE] = 0.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Observed:
    """What the sessions show, [dates, assets].

    Parameters
    ----------
    specific, variance, has_return : specific return, variance of its shock, where it is told
    minute, has_minute : z of the bars
    volume, has_volume : v of the turnover
    drifts : [states], drift of one unit of state
    """

    specific: Singles
    variance: Singles
    has_return: Flags
    minute: Singles
    has_minute: Flags
    volume: Singles
    has_volume: Flags
    drifts: Floats


class StateFilter:
    """Mean [states, assets] and covariance [states, states, assets] of the states, given the past."""

    def __init__(self, assets: int) -> None:
        self.mean = np.zeros((4, assets))
        self.covariance = np.zeros((4, 4, assets))
        for state in (MINUTE, DAILY, QUALITY):
            self.covariance[state, state] = 1.0

    def predict(self) -> None:
        """Go on by one session without looking at its return."""
        self.mean *= _PHI[:, None]
        self.covariance *= (_PHI[:, None] * _PHI[None, :])[:, :, None]
        for state in range(4):
            self.covariance[state, state] += _ADDED[state]

    def correct_by_return(
        self, unexpected: Floats, variance: Floats, told: Flags, drifts: Floats
    ) -> None:
        """Go on by one session, and learn from its unexpected specific return where it is told."""
        loading = np.einsum("ijn,j->in", self.covariance, drifts)
        spread = drifts @ loading + REVERSAL**2 * _ADDED[DAILY] + variance
        cross = _PHI[:, None] * loading
        cross[DAILY] -= REVERSAL * _ADDED[DAILY]
        self.predict()
        gain = np.where(told, cross / spread, 0.0)
        self.mean += gain * unexpected
        self.covariance -= gain[:, None, :] * cross[None, :, :]

    def see(self, state: int, value: Floats, noise: float, told: Flags) -> None:
        """Learn from a noisy sight of one state."""
        cross = self.covariance[:, state].copy()
        gain = np.where(told, cross / (cross[state] + noise), 0.0)
        self.mean += gain * (value - self.mean[state])
        self.covariance -= gain[:, None, :] * cross[None, :, :]

    def see_statement(self, assets: Integers, surprise: Floats, quality: Floats) -> None:
        """Let the statements of some assets, each named once, move the surprise; then learn from them."""
        mean, covariance = self.mean[:, assets], self.covariance[:, :, assets]
        covariance[SURPRISE, SURPRISE] += 1.0
        for state, value, noise in (
            (SURPRISE, surprise, SURPRISE_NOISE),
            (QUALITY, quality, QUALITY_NOISE),
        ):
            cross = covariance[:, state].copy()
            gain = cross / (cross[state] + noise)
            mean += gain * (value - mean[state])
            covariance -= gain[:, None, :] * cross[None, :, :]
        self.mean[:, assets], self.covariance[:, :, assets] = mean, covariance


def best_estimates(
    observed: Observed,
    statements: Statements,
    known: dict[int, list[tuple[int, Integers]]],
    history: int,
    neutral: Neutralizer,
) -> dict[str, Singles]:
    """Run the filter over the pre-history and the sample.

    Parameters
    ----------
    known : session from the start of the pre-history -> statements that become known
    history : sessions before the sample; only statements are seen there
    neutral : takes industry and size out of the drift

    Returns
    -------
    state -> [dates, assets], the estimate at the close of each session
    """
    shape = observed.specific.shape
    estimates = np.empty((len(STATES), *shape), dtype=np.float32)
    model = StateFilter(shape[1])
    for session in range(history + shape[0]):
        t = session - history
        if t < 0:
            model.predict()
        else:
            _go_on(model, observed, neutral, t)
            model.see(MINUTE, observed.minute[t], MINUTE_NOISE, observed.has_minute[t])
            model.see(DAILY, observed.volume[t], VOLUME_NOISE, observed.has_volume[t])
        for quarter, assets in known.get(session, []):
            model.see_statement(
                assets,
                statements.surprise_seen[quarter, assets],
                statements.quality_seen[quarter, assets],
            )
        if t >= 0:
            estimates[:, t] = model.mean
    return dict(zip(STATES, estimates, strict=True))


def surprise_state(
    statements: Statements,
    known: dict[int, list[tuple[int, Integers]]],
    history: int,
    shape: tuple[int, int],
) -> Singles:
    """Add up the decayed true surprises of all statements, [dates, assets]."""
    out = np.empty(shape, dtype=np.float32)
    state = np.zeros(shape[1])
    for session in range(history + shape[0]):
        state = PHI["surprise"] * state
        for quarter, assets in known.get(session, []):
            state[assets] += statements.surprise[quarter, assets]
        if session >= history:
            out[session - history] = state
    return out


def _go_on(model: StateFilter, observed: Observed, neutral: Neutralizer, t: int) -> None:
    """Go on to session `t`, and learn from what its specific return differs from the drift expected."""
    drift = (observed.drifts @ model.mean)[None, :]
    expected = neutral.residual(t - 1, drift)[0] if t else drift[0]
    model.correct_by_return(
        observed.specific[t] - expected,
        observed.variance[t],
        observed.has_return[t],
        observed.drifts,
    )
