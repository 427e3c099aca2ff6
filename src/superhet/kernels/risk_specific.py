"""Specific risk by time series: weighted deviation with lags of each asset, and how far it can be trusted.

1. exponentially weighted variance and lagged covariances of each asset's specific returns, carried
   forward date by date, some assets at a time                                          -> _carry
2. squared specific returns over the variance of the date before, weighted by capitalisation, tell how
   far forecasts are off                                                                -> _surprise
3. for the wanted rows, the known returns of the last `window` rows are kept in order: their count,
   quartiles and the deviation of those that are no outliers tell how normal they are   -> _trust

Rows are dates, NaN = not known. What is given for a row does not depend on later ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from superhet.kernels.ranking import Floats, Reals
from superhet.kernels.regression_date import Counts
from superhet.kernels.risk_covariance import FLOOR, decay

QUARTILES_TO_DEVIATION = 1.35
"""Interquartile range of a standard normal, as the model's documents round it."""
OUTLIER = 10.0
"""Robust deviations past which a return does not count for the equal-weighted deviation."""
_ASSETS = 128  # that are carried together: their sums fit the nearest cache


class SpecificMemory(NamedTuple):
    """How fast the past is forgotten.

    Parameters
    ----------
    half_life : dates
    lags : of Newey and West
    window : rows in which valid dates are counted and quartiles taken
    low, high : valid dates up to which a time series has no trust, and from which it may have full trust
    """

    half_life: float
    lags: int
    window: int
    low: int
    high: int


class SpecificPath(NamedTuple):
    """Time-series forecasts at the wanted rows, per date, not annualised.

    Parameters
    ----------
    deviation : [wanted, assets] with lags; NaN where no return was known
    trust : [wanted, assets] gamma in [0, 1]: what the time series counts for
    valid : [wanted, assets] dates with a return within the window
    surprise : [dates] mean of (u / deviation)^2 weighted by capitalisation, the deviation being that without
        lags at the date before, over assets with at least `low` valid dates in all
    """

    deviation: Floats
    trust: Floats
    valid: Counts
    surprise: Floats


def specific_path(u: Floats, caps: Floats, rows: Counts, memory: SpecificMemory) -> SpecificPath:
    """Forecast specific deviations at some rows.

    gamma = clip((h - low) / (high - low), 0, 1) clip(exp(1 - Z), 0, 1), where h counts the valid dates in the
    window and Z = |s_eq - s_rob| / s_rob compares their deviation without outliers with (Q3 - Q1) / 1.35.

    Parameters
    ----------
    u : [dates, assets] specific returns
    caps : [dates, assets] known before the returns; NaN or 0 = no weight in `surprise`
    rows : [wanted] ascending
    memory : half-life, lags and bounds

    References
    ----------
    Menchero, Orr, Wang, *The Barra US Equity Model (USE4): Methodology Notes*, 2011, section 6.
    """
    u = np.ascontiguousarray(u, dtype=np.float64)
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    out = SpecificPath(
        np.full((rows.size, u.shape[1]), np.nan),
        np.zeros((rows.size, u.shape[1])),
        np.zeros((rows.size, u.shape[1]), np.int64),
        np.full(len(u), np.nan),
    )
    weights = np.zeros(len(u))
    caps = np.ascontiguousarray(caps, dtype=np.float64)
    _carry(u, caps, rows, decay(memory.half_life), memory, out, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        out.surprise[:] /= weights
    _trust(np.ascontiguousarray(u.T), rows, memory, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _carry(
    u: Floats,
    caps: Floats,
    rows: Counts,
    keep: float,
    memory: SpecificMemory,
    out: SpecificPath,
    weights: Floats,
) -> None:
    """Write deviations, and surprises times the sum of weights, which goes to `weights`."""
    T, N = u.shape
    lags = memory.lags
    out.surprise[:] = 0.0
    for begin in range(0, N, _ASSETS):
        end = min(begin + _ASSETS, N)
        n = end - begin
        sums, count = np.zeros((lags + 1, 2, n)), np.zeros(n)
        mean, one_day, place = np.zeros(n), np.full(n, np.nan), 0
        for t in range(T):
            if place == rows.size:
                break
            now = u[t, begin:end]
            out.surprise[t] += _surprise(now, caps[t, begin:end], one_day, weights, t)
            for i in range(n):
                count[i] += 1.0 if now[i] == now[i] else 0.0
                mean[i] = keep * mean[i] + (now[i] if now[i] == now[i] else 0.0)
            for lag in range(min(lags, t) + 1):
                _remember(now, u[t - lag, begin:end], keep, sums[lag, 0], sums[lag, 1])
            for i in range(n):
                m = mean[i] / sums[0, 1, i]
                enough = count[i] >= memory.low
                one_day[i] = sums[0, 0, i] / sums[0, 1, i] - m * m if enough else np.nan
            if t == rows[place]:
                for i in range(n):
                    out.deviation[place, begin + i] = _deviation(sums, mean, i)
                place += 1
    weights[:] = np.where(weights > 0.0, weights, np.nan)


@njit(cache=True, nogil=True, error_model="numpy")
def _surprise(u: Reals, caps: Reals, variance: Floats, weights: Floats, t: int) -> float:
    total, weight = 0.0, 0.0
    for i in range(u.size):
        square = u[i] * u[i] / variance[i]
        fits = (square - square == 0.0) & (caps[i] > 0.0) & (variance[i] > 0.0)
        total += caps[i] * square if fits else 0.0
        weight += caps[i] if fits else 0.0
    weights[t] += weight
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _remember(now: Reals, before: Reals, keep: float, products: Floats, weights: Floats) -> None:
    """Carry the product of two returns and the weight of the dates that know both."""
    for i in range(products.size):
        p = now[i] * before[i]
        products[i] = keep * products[i] + (p if p == p else 0.0)
        weights[i] = keep * weights[i] + (1.0 if p == p else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _deviation(sums: Floats, means: Floats, i: int) -> float:
    """Return the deviation with lags of one asset; each lag about the mean of all its returns."""
    lags, weight = sums.shape[0] - 1, sums[0, 1, i]
    if not weight > 0.0:
        return np.nan
    mean = means[i] / weight
    least = max(sums[0, 0, i] / weight - mean * mean, 0.0)
    total = least
    for lag in range(1, lags + 1):
        if sums[lag, 1, i] > 0.0:
            covariance = sums[lag, 0, i] / sums[lag, 1, i] - mean * mean
            total += 2.0 * (1.0 - lag / (lags + 1.0)) * covariance
    found: float = np.sqrt(max(total, FLOOR * least))
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _trust(u: Floats, rows: Counts, memory: SpecificMemory, out: SpecificPath) -> None:
    """Write valid dates and trust, given specific returns [assets, dates]."""
    window = memory.window
    ordered = np.empty(window + 1)
    for j in range(u.shape[0]):
        series, size, place = u[j], 0, 0
        first = max(rows[0] - window + 1, 0) if rows.size else 0
        for t in range(first, series.size):
            if place == rows.size:
                break
            old = series[t - window] if t - window >= first else np.nan
            if old == old and series[t] == series[t]:
                _replace(ordered, size, old, series[t])
            elif old == old:
                size = _take_out(ordered, size, old)
            elif series[t] == series[t]:
                size = _put_in(ordered, size, series[t])
            if t == rows[place]:
                out.valid[place, j] = size
                out.trust[place, j] = _gamma(ordered[:size], memory)
                place += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _position(ordered: Floats, size: int, value: float) -> int:
    """Return the place of the first that is not below a value."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def _replace(ordered: Floats, size: int, old: float, new: float) -> None:
    """Take one out and put one in: only what lies between them moves."""
    i = _position(ordered, size, old)
    if new >= old:
        while i + 1 < size and ordered[i + 1] < new:
            ordered[i] = ordered[i + 1]
            i += 1
    else:
        while i > 0 and ordered[i - 1] > new:
            ordered[i] = ordered[i - 1]
            i -= 1
    ordered[i] = new


@njit(cache=True, nogil=True, error_model="numpy")
def _put_in(ordered: Floats, size: int, value: float) -> int:
    place = _position(ordered, size, value)
    for i in range(size, place, -1):
        ordered[i] = ordered[i - 1]
    ordered[place] = value
    return size + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _take_out(ordered: Floats, size: int, value: float) -> int:
    for i in range(_position(ordered, size, value), size - 1):
        ordered[i] = ordered[i + 1]
    return size - 1


@njit(cache=True, nogil=True, error_model="numpy")
def _gamma(ordered: Floats, memory: SpecificMemory) -> float:
    """Return the trust in a sorted sample of specific returns."""
    age = (ordered.size - memory.low) / (memory.high - memory.low)
    if age <= 0.0:
        return 0.0
    middle = _quantile(ordered, 0.5)
    robust = (_quantile(ordered, 0.75) - _quantile(ordered, 0.25)) / QUARTILES_TO_DEVIATION
    if not robust > 0.0:
        return 0.0
    low, high = 0, ordered.size
    while ordered[low] < middle - OUTLIER * robust:
        low += 1
    while ordered[high - 1] > middle + OUTLIER * robust:
        high -= 1
    equal = _deviation_about(ordered[low:high], middle)
    trust: float = min(age, 1.0) * min(np.exp(1.0 - abs(equal - robust) / robust), 1.0)
    return trust


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})
def _deviation_about(x: Floats, middle: float) -> float:
    """Return the equal-weighted deviation; `middle` is near the mean, so that nothing cancels."""
    total, square = 0.0, 0.0
    for i in range(x.size):
        d = x[i] - middle
        total += d
        square += d * d
    found: float = np.sqrt(max(square / x.size - (total / x.size) ** 2, 0.0))
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _quantile(ordered: Floats, share: float) -> float:
    """Interpolate between the two nearest, as numpy does."""
    at = share * (ordered.size - 1)
    low = int(at)
    high = min(low + 1, ordered.size - 1)
    found: float = ordered[low] + (at - low) * (ordered[high] - ordered[low])
    return found
