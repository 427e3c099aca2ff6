"""Exponentially weighted covariance of factor returns, updated date by date.

Every sum is carried forward: S <- decay S + new product, so that a date costs F^2 operations however long
the history, and what is given for date t is the same, bit for bit, whether or not later dates are there.

1. variances and covariances at lags 0 to D, each about the weighted mean, over the pairs of dates that
   know both returns                                                                   -> _remember
2. Newey and West add the lags with Bartlett weights: V = C_0 + sum_d (1 - d/(D+1)) (C_d + C_d')
   with one half-life for variances -> _variances, another for correlations -> _correlations
3. squared returns over the variance forecast a date before tell how far forecasts are off -> _surprise

Rows are dates; NaN = not known. Age is counted in rows, so a row without returns ages what is remembered.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from superhet.kernels.ranking import Floats, Reals
from superhet.kernels.regression_date import Counts

FLOOR = 0.1
"""Least share of the variance at lag 0 that the lags may leave."""


class Memory(NamedTuple):
    """How fast the past is forgotten.

    Parameters
    ----------
    variance, correlation, regime : weight of a date over that of the next, in (0, 1]
    variance_lags, correlation_lags : lags of Newey and West
    least : dates that a factor must be known on before it has a forecast
    """

    variance: float
    variance_lags: int
    correlation: float
    correlation_lags: int
    regime: float
    least: int


class Path(NamedTuple):
    """Forecasts at the close of the wanted rows, and how past forecasts fared; per date, not annualised.

    Parameters
    ----------
    covariance : [wanted, F, F] symmetric; NaN for a factor that is known on too few dates. Not always
        positive semi-definite: half-lives are mixed, lags added and pairs of dates may differ
    one_day : [wanted, F] variance without lags
    surprise : [dates] mean over factors of (f / deviation)^2, the deviation being that at the date before
    regime : [dates] square of the multiplier: weighted mean of `surprise` so far; NaN before the first
    """

    covariance: Floats
    one_day: Floats
    surprise: Floats
    regime: Floats


def decay(half_life: float | None) -> float:
    """Give the weight of a date over that of the next; None = all dates alike.

    Examples
    --------
    >>> round(decay(1.0), 3)
    0.5
    """
    return 1.0 if half_life is None else float(0.5 ** (1.0 / half_life))


def ew_covariance(f: Floats, rows: Counts, memory: Memory) -> Path:
    """Forecast the covariance of factor returns at some rows.

    Parameters
    ----------
    f : [dates, F] factor returns
    rows : [wanted] ascending
    memory : half-lives and lags

    References
    ----------
    Menchero, Orr, Wang, *The Barra US Equity Model (USE4): Methodology Notes*, 2011, section 4;
    Newey and West (1987), Econometrica 55.
    """
    f = np.ascontiguousarray(f, dtype=np.float64)
    T, F = f.shape
    out = Path(
        np.full((rows.size, F, F), np.nan),
        np.full((rows.size, F), np.nan),
        np.full(T, np.nan),
        np.full(T, np.nan),
    )
    _walk(f, np.ascontiguousarray(rows, dtype=np.int64), memory, out)
    return out


def regime_path(surprise: Floats, half_life: float) -> Floats:
    """Average what forecasts were off by: the square of the volatility multiplier, [dates].

    Parameters
    ----------
    surprise : [dates] mean squared standardised return; NaN = none that date
    half_life : in dates

    Examples
    --------
    >>> regime_path(np.array([1.0, 4.0]), 1.0).round(3)
    array([1., 3.])
    """
    keep, total, weight = decay(half_life), 0.0, 0.0
    out = np.full(surprise.size, np.nan)
    for t, square in enumerate(surprise):
        total, weight = keep * total, keep * weight
        if square == square:
            total, weight = total + square, weight + 1.0
        if weight > 0.0:
            out[t] = total / weight
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(f: Floats, rows: Counts, memory: Memory, out: Path) -> None:
    T, F = f.shape
    variances = np.zeros((memory.variance_lags + 1, 4, F))
    pairs = np.zeros((memory.correlation_lags + 1, 4, F, F))
    count, one_day, variance = np.zeros(F, np.int64), np.full(F, np.nan), np.empty(F)
    known, total, weight, place = np.empty((T, F)), 0.0, 0.0, 0
    for t in range(T):
        if place == rows.size:
            return
        out.surprise[t] = _surprise(f[t], one_day)
        total, weight = memory.regime * total, memory.regime * weight
        if out.surprise[t] == out.surprise[t]:
            total, weight = total + out.surprise[t], weight + 1.0
        if weight > 0.0:
            out.regime[t] = total / weight
        for k in range(F):
            known[t, k] = 1.0 if f[t, k] - f[t, k] == 0.0 else 0.0
            count[k] += known[t, k] == 1.0
        for lag in range(memory.variance_lags + 1):
            _remember(f, known, t, lag, memory.variance, variances[lag])
        for lag in range(memory.correlation_lags + 1):
            _remember_pairs(f, known, t, lag, memory.correlation, pairs[lag])
        _variances(variances, count, memory.least, one_day, variance)
        if t == rows[place]:
            out.one_day[place] = one_day
            _correlations(pairs, variance, out.covariance[place])
            place += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _surprise(f: Reals, variance: Floats) -> float:
    total, count = 0.0, 0
    for k in range(f.size):
        square = f[k] * f[k] / variance[k]
        if variance[k] > 0.0 and square == square:
            total += square
            count += 1
    return total / count if count > 0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _remember(f: Floats, known: Floats, t: int, lag: int, keep: float, sums: Floats) -> None:
    """Carry the sums of a lag [4, F]: product, return, earlier return and weight, where both are known."""
    for i in range(4):
        for k in range(f.shape[1]):
            sums[i, k] *= keep
    if t < lag:
        return
    for k in range(f.shape[1]):
        if known[t, k] * known[t - lag, k] == 1.0:
            sums[0, k] += f[t, k] * f[t - lag, k]
            sums[1, k] += f[t, k]
            sums[2, k] += f[t - lag, k]
            sums[3, k] += 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def _remember_pairs(f: Floats, known: Floats, t: int, lag: int, keep: float, sums: Floats) -> None:
    """Carry the sums of a lag [4, F, F] of each factor and each factor `lag` dates before."""
    F = f.shape[1]
    s, a, b, w = sums[0], sums[1], sums[2], sums[3]
    if t < lag:
        return
    late, late_known = np.empty(F), np.empty(F)
    for m in range(F):
        late_known[m] = known[t - lag, m]
        late[m] = f[t - lag, m] if late_known[m] == 1.0 else 0.0
    for k in range(F):
        x, is_known = (f[t, k], 1.0) if known[t, k] == 1.0 else (0.0, 0.0)
        for m in range(F):
            s[k, m] = keep * s[k, m] + x * late[m]
            a[k, m] = keep * a[k, m] + x * late_known[m]
            b[k, m] = keep * b[k, m] + is_known * late[m]
            w[k, m] = keep * w[k, m] + is_known * late_known[m]


@njit(cache=True, nogil=True, error_model="numpy")
def _variances(sums: Floats, count: Counts, least: int, one_day: Floats, variance: Floats) -> None:
    """Write the variance without lags and with them."""
    lags = sums.shape[0] - 1
    for k in range(count.size):
        one_day[k] = np.nan
        variance[k] = np.nan
        if count[k] < least:
            continue
        mean = sums[0, 1, k] / sums[0, 3, k]
        one_day[k] = max(sums[0, 0, k] / sums[0, 3, k] - mean * mean, 0.0)
        total = one_day[k]
        for lag in range(1, lags + 1):
            s, a, b, w = sums[lag, 0, k], sums[lag, 1, k], sums[lag, 2, k], sums[lag, 3, k]
            if w > 0.0:
                covariance = (s - mean * (a + b)) / w + mean * mean
                total += 2.0 * (1.0 - lag / (lags + 1.0)) * covariance
        variance[k] = max(total, FLOOR * one_day[k])


@njit(cache=True, nogil=True, error_model="numpy")
def _correlations(sums: Floats, variance: Floats, out: Floats) -> None:
    """Write correlations with lags times the deviations."""
    lags, F = sums.shape[0] - 1, variance.size
    mean = np.empty(F)
    for k in range(F):
        mean[k] = sums[0, 1, k, k] / sums[0, 3, k, k]
    for k in range(F):
        for m in range(k + 1):
            total = 0.0
            for lag in range(lags + 1):
                bartlett = 1.0 - lag / (lags + 1.0)
                total += bartlett * _centred(sums[lag], mean, k, m)
                if lag > 0:
                    total += bartlett * _centred(sums[lag], mean, m, k)
            out[k, m] = total
    for k in range(F):
        least = FLOOR * _centred(sums[0], mean, k, k)
        out[k, k] = max(out[k, k], least)
        mean[k] = np.sqrt(variance[k] / out[k, k]) if variance[k] > 0.0 else variance[k]
    for k in range(F):
        for m in range(k):
            bound = np.sqrt(variance[k] * variance[m])
            value = min(max(out[k, m] * mean[k] * mean[m], -bound), bound)
            out[k, m] = value if bound == bound else np.nan
            out[m, k] = out[k, m]
        out[k, k] = variance[k]


@njit(cache=True, nogil=True, error_model="numpy")
def _centred(sums: Floats, mean: Floats, k: int, m: int) -> float:
    """Return the covariance of k with the earlier m about their means; 0 where they never met."""
    w = sums[3, k, m]
    if w > 0.0:
        s, a, b = sums[0, k, m], sums[1, k, m], sums[2, k, m]
        found: float = (s - mean[m] * a - mean[k] * b) / w + mean[k] * mean[m]
        return found
    return 0.0
