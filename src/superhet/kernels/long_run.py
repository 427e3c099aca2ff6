"""How far off the mean of a series that remembers may be: its variance, and the law of its t.

The variance is Newey and West's, taken twice. With lags L the Bartlett weights of Newey and West pull every
autocovariance towards zero and make the error of an overlapping mean too small. Twice the estimate at 2L
minus the one at L weighs the first L autocovariances whole, all that returns overlapping over at most L dates
have. The price is a noisier variance, and t is read from the law that such noise gives it ("fixed b"), not
from the normal one.

1. a series is trimmed, its deviations summed from the left       -> mean_errors
2. the two estimates of Newey and West, each in one pass          -> _bartlett
3. how much of the series one estimate spans, gaps included       -> _spread
4. the Student law of that spread                                 -> two_sided_p, critical_value
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import stdtr, stdtrit

Floats = npt.NDArray[np.float64]
FLOOR = 0.25
"""Twice the one minus the other may turn out negative; it is never taken below this part of the other."""


# The law of t over white noise: at each spread, the Student law whose 5 % point and nearby tail are those of
# 160,000 simulated series. Up to a spread of 0.1 (twenty-five horizons) it is theirs within the noise of such
# a simulation; beyond, the 5 % point is theirs, p is a tenth too large at 0.3 and a quarter at 0.002.
# tests/kernels/test_long_run.py simulates it again.
_SPREADS = np.array(
    [0.0, 0.018, 0.035, 0.061, 0.104, 0.153, 0.202, 0.26, 0.327, 0.41, 0.507, 0.635, 0.742, 0.875]
)
_INVERSE_FREEDOM = np.array(
    [
        1e-9,
        0.0205,
        0.0395,
        0.069,
        0.114,
        0.15,
        0.163,
        0.168,
        0.17,
        0.171,
        0.171,
        0.167,
        0.165,
        0.163,
    ]
)
_SCALES = np.array(
    [1.0, 1.009, 1.016, 1.035, 1.065, 1.124, 1.21, 1.328, 1.46, 1.61, 1.805, 2.074, 2.316, 2.722]
)


class MeanErrors(NamedTuple):
    """What the mean of each series is and how far off it may be: [series] each.

    `known` is the number of dates, `variance` that of the mean; `spread` is the squared weights of the lags,
    summed over the pairs of dates that have them and divided by the squared number of dates: 1 / dates
    without lags, more with many.
    """

    known: Floats
    mean: Floats
    std: Floats
    variance: Floats
    spread: Floats
    above: Floats
    below: Floats


def mean_errors(series: Floats, horizon: int) -> MeanErrors:
    """Estimate the mean of each series and its error.

    Parameters
    ----------
    series : [dates, series]; a NaN keeps its place in time and adds nothing, but does not count before
        the first known date or after the last
    horizon : dates over which neighbouring values overlap

    Returns
    -------
    NaN where fewer than two dates are known; `above` and `below` are the shares of dates above and below 0

    References
    ----------
    Newey & West (1987), Econometrica 55; twice the wide minus the narrow: Politis & Romano (1995), Journal
    of Time Series Analysis 16; gaps: Datta & Du (2012), Federal Reserve IFDP 1060.
    """
    out = np.empty((7, series.shape[1]))
    _mean_errors(np.ascontiguousarray(series.T, dtype=np.float64), horizon, out)
    return MeanErrors(*out)


@njit(cache=True, nogil=True, error_model="numpy")
def lags_of(dates: int, horizon: int) -> int:
    """Choose the lags: the horizon, or 0.65 times the root of the dates where that is more, at most half.

    The wider of the two estimates then has the 1.3 times the root of Lazarus, Lewis, Stock & Watson (2018),
    Journal of Business & Economic Statistics 36.
    """
    return max(1, min(max(horizon, int(0.65 * np.sqrt(dates))), dates // 2))


@njit(cache=True, nogil=True, error_model="numpy")
def long_run(prefix: Floats, dates: int, lags: int) -> float:
    """Give `dates` times the long-run variance from running sums of deviations, [dates + 1]."""
    narrow = _bartlett(prefix, dates, lags)
    wide = _bartlett(prefix, dates, 2 * lags)
    return float(max(2.0 * wide - narrow, FLOOR * narrow))


@njit(cache=True, nogil=True, error_model="numpy")
def _bartlett(prefix: Floats, dates: int, width: int) -> float:
    """Sum products of deviations, those d dates apart with the weight 1 - d / width.

    The same as the squared sums of every `width` neighbouring dates, those at the ends included, divided by
    the width; never negative. All deviations together sum to 0.
    """
    total = 0.0
    for end in range(
        1, width
    ):  # windows that begin before the first date, and those that end after the last
        left = prefix[min(end, dates)]
        right = prefix[dates] - prefix[max(dates - end, 0)]
        total += left * left + right * right
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    whole = max(dates - width + 1, 0)
    for begin in range(0, whole - 3, 4):  # four sums, for one would wait for itself
        end = begin + width
        a += (prefix[end] - prefix[begin]) ** 2
        b += (prefix[end + 1] - prefix[begin + 1]) ** 2
        c += (prefix[end + 2] - prefix[begin + 2]) ** 2
        d += (prefix[end + 3] - prefix[begin + 3]) ** 2
    for begin in range(whole - whole % 4, whole):
        a += (prefix[begin + width] - prefix[begin]) ** 2
    total += a + b + c + d
    return total / width


@njit(cache=True, nogil=True, error_model="numpy")
def _spread(known: npt.NDArray[np.bool_], count: int, lags: int) -> float:
    dates = known.size
    total = float(count)
    for d in range(1, min(2 * lags, dates)):
        weight = 2.0 * (1.0 - d / (2.0 * lags)) - max(1.0 - d / lags, 0.0)
        pairs = dates - d
        if count < dates:
            pairs = 0
            for t in range(d, dates):
                pairs += known[t] & known[t - d]
        total += 2.0 * pairs * weight * weight
    return total / (float(count) * count)


@njit(cache=True, nogil=True, error_model="numpy")
def _mean_errors(series: Floats, horizon: int, out: Floats) -> None:
    """Fill the rows of `MeanErrors`; `series` is [series, dates]."""
    for k in range(series.shape[0]):
        row = series[k]
        known = ~np.isnan(row)
        count = int(np.sum(known))
        out[:, k] = np.nan
        out[0, k] = count
        if count == 0:
            continue
        mean = np.nansum(row) / count
        mean += np.nansum(row - mean) / count  # the mean of a constant is that constant
        out[1, k] = mean
        out[5, k] = np.sum(row > 0.0) / count
        out[6, k] = np.sum(row < 0.0) / count
        if count < 2:
            continue
        out[2, k] = np.sqrt(np.nansum((row - mean) ** 2) / (count - 1))
        first, last = 0, row.size
        while not known[first]:
            first += 1
        while not known[last - 1]:
            last -= 1
        dates = last - first
        prefix = np.zeros(dates + 1)
        for t in range(dates):
            here = first + t
            prefix[t + 1] = prefix[t] + (row[here] - mean if known[here] else 0.0)
        lags = lags_of(dates, horizon)
        out[3, k] = long_run(prefix, dates, lags) / (float(count) * count)
        out[4, k] = _spread(known[first:last], count, lags)


def two_sided_p(t: Floats | float, spread: Floats | float) -> Floats:
    """Give the probability of a t at least as far from 0, if the true mean is 0.

    Parameters
    ----------
    t : mean / its error, from `mean_errors`
    spread : from the same
    """
    freedom, scale = student(spread)
    return np.asarray(2.0 * stdtr(freedom, -np.abs(t) / scale))


def critical_value(level: float, spread: Floats | float) -> Floats:
    """Give the |t| that is passed with probability `level` if the true mean is 0."""
    freedom, scale = student(spread)
    return np.asarray(-scale * stdtrit(freedom, level / 2.0))


def student(spread: Floats | float) -> tuple[Floats, Floats]:
    """Give degrees of freedom and scale of the Student law that t follows.

    Of white noise; between the knots by straight lines.
    """
    b = np.asarray(spread, dtype=np.float64)
    return 1.0 / np.interp(b, _SPREADS, _INVERSE_FREEDOM), np.interp(b, _SPREADS, _SCALES)
