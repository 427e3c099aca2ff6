"""Horizon: how fast a signal fades, and how far ahead it should be asked to forecast.

1. the rank IC against the return j sessions later, for many j        -> decay_curve
2. the curve IC(j) = IC0 · phi^j that fits it best                    -> fit_decay, half_life_of
3. the IC against the whole return of H sessions, under that curve    -> horizon_ic
4. the H that makes it largest: 1.8 half-lives                        -> best_horizon

For returns that do not overlap and a signal that fades geometrically,
IC(H) = IC(1) (1 - phi^H) / ((1 - phi) sqrt(H)): the numerator adds up what each session brings, the
root is the growth of the return's own deviation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.kernels.cross_section import rank
from superhet.panel import Panel, require_same_axes

Series = npt.NDArray[np.float64]

_BEST = 1.2564312086261697 / math.log(2.0)  # x that maximizes (1 - e^-x)/sqrt(x), in half-lives


@dataclass(frozen=True, eq=False, kw_only=True)
class DecayCurve:
    """Rank IC by lag.

    Parameters
    ----------
    lags : [lags], sessions between signal and return, increasing
    ic : [lags], mean rank IC; NaN where no date has a value
    standard_error : [lags], of the mean, dates taken as independent; NaN with fewer than 2 dates
    """

    lags: npt.NDArray[np.int64]
    ic: Series
    standard_error: Series


@dataclass(frozen=True, kw_only=True)
class DecayFit:
    """The geometric curve IC(j) = initial · phi^j.

    Parameters
    ----------
    initial : IC at lag 0; negative for a signal that points the wrong way
    phi : share of the IC that is left after one more session
    r_squared : 1 - weighted squared misfit / weighted squared IC
    """

    initial: float
    phi: float
    r_squared: float

    @property
    def half_life(self) -> float:
        """Sessions in which the IC halves; infinite where it does not fade within the curve."""
        return math.log(0.5) / math.log(self.phi) if self.phi < 1.0 else math.inf


def decay_curve(
    signal: Panel, returns: Panel, lags: Sequence[int] = tuple(range(1, 21)), *, minimum: int = 3
) -> DecayCurve:
    """Rank-correlate a signal with the single-session return each lag later.

    Parameters
    ----------
    signal : [dates, assets]
    returns : [dates, assets], return of the session that ends at each date
    lags : 1 is the session after the signal
    minimum : pairs that a date needs
    """
    require_same_axes(signal, returns)
    if not lags or min(lags) < 1 or any(b <= a for a, b in pairwise(lags)):
        raise ConfigError("lags", f"must be at least 1 and increasing (got {list(lags)})")
    means, errors = np.full(len(lags), np.nan), np.full(len(lags), np.nan)
    for k, lag in enumerate(lags):
        series = _rank_ic(signal.values[:-lag], returns.values[lag:], minimum)
        series = series[~np.isnan(series)]
        if series.size:
            means[k] = series.mean()
        if series.size > 1:
            errors[k] = series.std(ddof=1) / math.sqrt(series.size)
    return DecayCurve(lags=np.asarray(lags, dtype=np.int64), ic=means, standard_error=errors)


def fit_decay(
    lags: npt.NDArray[np.int64], ic: Series, standard_error: Series | None = None
) -> DecayFit:
    """Fit IC(j) = initial · phi^j by least squares, of either sign.

    The misfit is measured in IC, not in its logarithm, so noise that turns a small IC negative does no
    harm; for each phi the best initial IC is known in closed form, and the rest is a search in one
    dimension over half-lives from 0.1 session to 50 times the longest lag (the upper end means: does not
    fade).

    Parameters
    ----------
    lags, ic : [lags]; lags with a NaN are left out
    standard_error : [lags], weights are 1 / squared error; None for equal weights

    Returns
    -------
    DecayFit
        NaN where fewer than 2 lags are known or all IC are 0
    """
    from scipy.optimize import minimize_scalar

    known = np.isfinite(ic)
    j, y = lags[known].astype(np.float64), ic[known]
    w = np.ones_like(y)
    if standard_error is not None:
        error = standard_error[known]
        usable = np.isfinite(error) & (error > 0)
        if usable.all():
            w = 1.0 / error**2
    if y.size < 2 or not np.any(y):
        return DecayFit(initial=math.nan, phi=math.nan, r_squared=math.nan)

    def fitted(log_half_life: float) -> tuple[float, float]:
        """Best initial IC and squared misfit."""
        curve = np.exp2(-j / math.exp(log_half_life))
        square = float(np.sum(w * curve * curve))
        initial = float(np.sum(w * curve * y)) / square if square > 0.0 else 0.0
        return initial, float(np.sum(w * (y - initial * curve) ** 2))

    grid = np.linspace(math.log(0.1), math.log(50.0 * j.max()), 200)
    misfit = [fitted(g)[1] for g in grid]
    best = int(np.argmin(misfit))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    found = minimize_scalar(
        lambda g: fitted(g)[1], bounds=(low, high), method="bounded", options={"xatol": 1e-10}
    )
    place = float(found.x) if found.fun <= misfit[best] else float(grid[best])
    initial, rest = fitted(place)
    fades = best < grid.size - 1
    return DecayFit(
        initial=initial,
        phi=0.5 ** (1.0 / math.exp(place)) if fades else 1.0,
        r_squared=1.0 - rest / float(np.sum(w * y * y)),
    )


def half_life_of(curve: DecayCurve) -> float:
    """Sessions in which the IC of a curve halves, by `fit_decay`; NaN where nothing can be fitted."""
    return fit_decay(curve.lags, curve.ic, curve.standard_error).half_life


def phi_of(half_life: float) -> float:
    """Share that is left after one session, 2^(-1 / half_life)."""
    return float(2.0 ** (-1.0 / half_life))


def horizon_ic(ic: float, phi: float, horizon: float) -> float:
    """IC against the return of `horizon` sessions, from the IC against one session.

    Examples
    --------
    >>> round(horizon_ic(1.0, 0.9, 20), 2), round(horizon_ic(1.0, 0.99, 20), 2)
    (1.96, 4.07)
    """
    if phi >= 1.0:
        return ic * math.sqrt(horizon)
    return ic * (1.0 - math.pow(phi, horizon)) / ((1.0 - phi) * math.sqrt(horizon))


def best_horizon(half_life: float) -> float:
    """Horizon with the largest IC: 1.8 half-lives.

    Examples
    --------
    >>> round(best_horizon(1.0), 2)
    1.81
    """
    return _BEST * half_life


def _rank_ic(signal: npt.NDArray[np.floating], returns: Series, minimum: int) -> Series:
    """Spearman correlation of each row, over the pairs known on both sides."""
    pairs = ~(np.isnan(signal) | np.isnan(returns))
    count = pairs.sum(axis=1)
    middle = ((count + 1) / 2.0)[:, None]
    a = np.where(pairs, rank(np.where(pairs, signal, np.nan)) - middle, 0.0)
    b = np.where(pairs, rank(np.where(pairs, returns, np.nan)) - middle, 0.0)
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    out = np.full(len(signal), np.nan)
    np.divide((a * b).sum(axis=1), scale, out=out, where=(count >= minimum) & (scale > 0.0))
    return out
