"""Walks: what follows the bars of a day in order, lane by lane.

Values of the whole day are bars of `LANES` lanes each, flat. NaN rule: a bar that is NaN or infinite is
missing; it stays NaN in a cumulated value and counts for nothing in the next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels import bar_codes as codes
from superhet.kernels.bar_codes import LANES

Cells = npt.NDArray[Any]
Sums = npt.NDArray[np.float64]
Order = npt.NDArray[np.int64]


@njit(cache=True, nogil=True, error_model="numpy")
def lag(out: Cells, x: Cells, bars: int) -> None:
    """Write the value `bars` bars earlier; NaN before the first bar."""
    shift = min(bars * LANES, x.size)
    out[:shift] = np.nan
    later, before = out[shift:], x[: x.size - shift]
    for i in range(later.size):
        later[i] = before[i]


@njit(cache=True, nogil=True, error_model="numpy")
def back_return(out: Cells, x: Cells, bars: int) -> None:
    """Write the return from the bar `bars` bars earlier; NaN before the first bar."""
    inf, nan = x.dtype.type(np.inf), x.dtype.type(np.nan)
    shift = min(bars * LANES, x.size)
    out[:shift] = np.nan
    later, now, before = out[shift:], x[shift:], x[: x.size - shift]
    for i in range(later.size):
        q = (now[i] - before[i]) / before[i]  # the difference of two near prices is exact
        later[i] = q if abs(q) < inf else nan


@njit(cache=True, nogil=True, error_model="numpy")
def cumulate(code: int, out: Cells, x: Cells, total: Sums) -> None:
    """Write the sum, the greatest or the least of all bars so far; `total` is one row to spare."""
    nan = x.dtype.type(np.nan)
    first = 0.0 if code == codes.CUMULATE else (np.inf if code == codes.CUMULATE_MIN else -np.inf)
    for j in range(LANES):
        total[j] = first
    for at in range(0, x.size, LANES):
        row, now = x[at : at + LANES], out[at : at + LANES]
        for j in range(LANES):
            v = np.float64(row[j])
            known = abs(v) < np.inf
            if code == codes.CUMULATE:
                total[j] += v if known else 0.0
            elif code == codes.CUMULATE_MAX:
                total[j] = v if known & (v > total[j]) else total[j]
            else:
                total[j] = v if known & (v < total[j]) else total[j]
            now[j] = total[j] if known else nan


@njit(cache=True, nogil=True, error_model="numpy")
def spread(out: Cells, day: Cells) -> None:
    """Write a value of the day on each of its bars."""
    for at in range(0, out.size, LANES):
        row = out[at : at + LANES]
        for j in range(LANES):
            row[j] = day[j]


@njit(cache=True, nogil=True, error_model="numpy")
def place(out: Cells) -> None:
    """Write the place of each bar, counted from 1."""
    for at in range(0, out.size, LANES):
        out[at : at + LANES] = at // LANES + 1


@njit(cache=True, nogil=True, error_model="numpy")
def end_known(code: int, out: Cells, x: Cells) -> None:
    """Write the first or the last known bar of a slice; most lanes know one of the first rows."""
    inf = x.dtype.type(np.inf)
    out[:] = np.nan
    for at in range(0, x.size, LANES):
        begin = x.size - LANES - at if code == codes.LAST_KNOWN else at
        row, missing = x[begin : begin + LANES], 0
        for j in range(LANES):
            v = row[j] if (out[j] != out[j]) & (abs(row[j]) < inf) else out[j]
            out[j] = v
            missing += 1 if v != v else 0
        if missing == 0:
            break


@njit(cache=True, nogil=True, error_model="numpy")
def place_of_extreme(code: int, out: Cells, x: Cells, ahead: int) -> None:
    """Write the place of the first least or greatest bar of a slice, counted from 1 at the day's open.

    Parameters
    ----------
    ahead : bars of the day before the slice
    """
    sign = 1.0 if code == codes.ARG_MAX else -1.0
    least = max(1.0, 0.5 * (x.size // LANES))
    for j in range(LANES):
        count, best, found = 0.0, -np.inf, 0
        for i in range(j, x.size, LANES):
            v = x[i] * sign
            if abs(v) < np.inf:
                count += 1.0
                if v > best:
                    best, found = v, i // LANES
        out[j] = ahead + found + 1 if count >= least else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _gather(x: Cells, lane: int, known: Sums, order: Order) -> int:
    """Copy the known bars of a lane in order of time, and their places; give their number."""
    n = 0
    for i in range(lane, x.size, LANES):
        if abs(x[i]) < np.inf:
            known[n] = x[i]
            order[n] = i // LANES
            n += 1
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _sort(keys: Sums, order: Order, n: int, spare: Sums, spare_order: Order) -> None:
    """Sort keys with their places, by merging, so that equal keys keep their order."""
    width = 1
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            a, b = low, middle
            for i in range(low, high):
                if a < middle and (b >= high or keys[a] <= keys[b]):
                    spare[i], spare_order[i] = keys[a], order[a]
                    a += 1
                else:
                    spare[i], spare_order[i] = keys[b], order[b]
                    b += 1
        for i in range(n):
            keys[i], order[i] = spare[i], spare_order[i]
        width *= 2


@njit(cache=True, nogil=True, error_model="numpy")
def rank(out: Cells, x: Cells, keys: Sums, order: Order) -> None:
    """Write the rank of each bar among the known bars of the day, from 1/n to 1; equal bars share theirs.

    Parameters
    ----------
    keys, order : to spare, twice the bars each
    """
    bars = x.size // LANES
    out[:] = np.nan
    for j in range(LANES):
        n = _gather(x, j, keys, order)
        _sort(keys, order, n, keys[bars:], order[bars:])
        low = 0
        while low < n:
            high = low
            while high + 1 < n and keys[high + 1] == keys[low]:
                high += 1
            for i in range(low, high + 1):
                out[order[i] * LANES + j] = (0.5 * (low + high) + 1.0) / n
            low = high + 1


@njit(cache=True, nogil=True, error_model="numpy")
def quantile(out: Cells, x: Cells, level: float, keys: Sums, order: Order) -> None:
    """Write the quantile of a slice, linear between neighbours; half the bars must be known."""
    bars = x.size // LANES
    for j in range(LANES):
        out[j] = np.nan
        n = _gather(x, j, keys, order)
        if n >= max(1.0, 0.5 * bars):
            _sort(keys, order, n, keys[bars:], order[bars:])
            low = min(int(level * (n - 1)), n - 1)
            share = level * (n - 1) - low
            out[j] = keys[low] + (keys[min(low + 1, n - 1)] - keys[low]) * share


@njit(cache=True, nogil=True, error_model="numpy")
def top_mean(
    out: Cells, x: Cells, weight: Cells, key: Cells, share: float, keys: Sums, order: Order
) -> None:
    """Write the weighted mean of `x` over the bars of greatest `key` that hold a share of all weight.

    The bar on which the share is reached counts with the part of its weight that is still needed; of
    equal keys the earlier bar comes first. A bar takes part where all three are known and its weight is
    positive; half the bars of the slice must be known.
    """
    bars = x.size // LANES
    for j in range(LANES):
        out[j] = np.nan
        n, known, total = 0, 0, 0.0
        for i in range(j, x.size, LANES):
            if abs(x[i]) < np.inf and abs(weight[i]) < np.inf and abs(key[i]) < np.inf:
                known += 1
                if weight[i] > 0.0:
                    keys[n] = -key[i]
                    order[n] = i
                    total += weight[i]
                    n += 1
        if n == 0 or known < 0.5 * bars:
            continue
        _sort(keys, order, n, keys[bars:], order[bars:])
        left, mean = share * total, 0.0
        for i in range(n):
            part = min(np.float64(weight[order[i]]), left)
            mean += part * x[order[i]]
            left -= part
            if left <= 0.0:
                break
        out[j] = mean / (share * total)


@njit(cache=True, nogil=True, error_model="numpy")
def finish(code: int, out: Cells, sums: Sums, scale: Cells, bars: int) -> None:
    """Make a statistic of the sums of a slice; NaN where fewer than half its bars are known.

    Parameters
    ----------
    scale : of moments, see `find_centre`
    bars : bars of the slice
    """
    least = max(1.0, 0.5 * bars)
    if code == codes.STD:
        least = max(2.0, least)
    elif code in (codes.SKEW, codes.CORR, codes.BETA, codes.RSQUARE):
        least = max(3.0, least)
    elif code == codes.KURT:
        least = max(4.0, least)
    for j in range(LANES):  # one loop for each code, since most then vectorise
        out[j] = np.nan if sums[j] < least else 0.0
    if code == codes.TOTAL:
        for j in range(LANES):
            out[j] += sums[LANES + j]
    elif code == codes.MEAN:
        for j in range(LANES):
            out[j] += sums[LANES + j] / sums[j]
    elif code == codes.KNOWN:
        for j in range(LANES):
            out[j] += sums[j]
    elif code == codes.STD:
        for j in range(LANES):
            out[j] += np.sqrt(_square(sums, j) / (sums[j] - 1.0)) / scale[j]
    elif code == codes.SKEW:
        for j in range(LANES):
            out[j] += _skew(sums, j)
    elif code == codes.KURT:
        for j in range(LANES):
            out[j] += _kurt(sums, j)
    else:
        for j in range(LANES):
            out[j] += _of_pair(code, sums, j)


@njit(cache=True, nogil=True, error_model="numpy")
def _square(sums: Sums, lane: int) -> float:
    """Give the sum of squared deviations from the mean, scaled."""
    s1 = sums[LANES + lane]
    return float(max(sums[2 * LANES + lane] - s1 * s1 / sums[lane], 0.0))


@njit(cache=True, nogil=True, error_model="numpy")
def _skew(sums: Sums, lane: int) -> float:
    """Give the adjusted skewness; NaN without variance."""
    n, s2, s3 = sums[lane], sums[2 * LANES + lane], sums[3 * LANES + lane]
    m, variance = sums[LANES + lane] / n, _square(sums, lane) / n
    g = (s3 / n - 3.0 * m * s2 / n + 2.0 * m * m * m) / (variance * np.sqrt(variance))
    return g * np.sqrt(n * (n - 1.0)) / (n - 2.0) if variance > 0.0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _kurt(sums: Sums, lane: int) -> float:
    """Give the adjusted excess kurtosis; NaN without variance."""
    n, s2, s3 = sums[lane], sums[2 * LANES + lane], sums[3 * LANES + lane]
    m, variance = sums[LANES + lane] / n, _square(sums, lane) / n
    fourth = sums[4 * LANES + lane] - 4.0 * m * s3 + 6.0 * m * m * s2 - 3.0 * n * m * m * m * m
    g = fourth / n / (variance * variance) - 3.0
    adjusted = ((n + 1.0) * g + 6.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0))
    return adjusted if variance > 0.0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _of_pair(code: int, sums: Sums, lane: int) -> float:
    """Give the correlation, its square, or the slope of `y` on `x`; NaN without variance."""
    n, sx, sy = sums[lane], sums[LANES + lane], sums[2 * LANES + lane]
    xx = sums[3 * LANES + lane] - sx * sx / n
    yy = sums[4 * LANES + lane] - sy * sy / n
    xy = sums[5 * LANES + lane] - sx * sy / n
    if code == codes.BETA:
        return xy / xx if xx > 0.0 else np.nan
    corr = max(-1.0, min(1.0, xy / (np.sqrt(max(xx, 0.0)) * np.sqrt(max(yy, 0.0)))))
    corr = corr if (xx > 0.0) & (yy > 0.0) else np.nan
    return corr * corr if code == codes.RSQUARE else corr
