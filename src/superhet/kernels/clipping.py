"""Order statistics of each row: clipping at quantiles, MAD or deviations, and group medians.

Rows are dates, NaN = missing; cells that are not finite never enter a statistic.

1. the finite inside cells are gathered side by side                             -> gather
2. a quantile needs one or two order statistics: a sample brackets them, the rest is dropped, and what is
   left is found by counting, or by Hoare's method                               -> _pair
3. the row is clipped at the bounds                                              -> clip_row
4. groups are put together by counting, then treated one by one                  -> _segments
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.ranking import (
    Codes,
    Flags,
    Floats,
    Numbers,
    Reals,
    flags,
    floats,
    group_count,
    slot,
    still,
)

Counts = npt.NDArray[np.int64]
Pair: TypeAlias = tuple[float, float]

MAD_TO_STD = 1.482602218505602
"""Deviation of a normal law with median absolute deviation 1: 1 / ndtri(0.75)."""
QUANTILE, MAD, STD = 0, 1, 2
FLAT = 1e-13  # a deviation below this share of the largest absolute value is rounding, not signal
_SAMPLE, _MARGIN = 128, 14  # 14 places are 2.5 deviations of the median of 128


def winsorize_quantile(
    values: Numbers, lower: float, upper: float, inside: Numbers | None = None
) -> Floats:
    """Clip each row at two quantiles of its inside cells (linear interpolation, as numpy).

    NaN stays NaN, infinities are clipped; fewer than 2 inside cells give a NaN row.
    """
    return _clipped(values, inside, QUANTILE, lower, upper)


def clip_mad(values: Numbers, k: float = 5.0, inside: Numbers | None = None) -> Floats:
    """Clip each row at median ± k · 1.4826 · MAD of its inside cells.

    Where more than half of the names share one value the MAD is 0 and says nothing about scale: such a
    row is left as it is. NaN stays NaN; fewer than 2 inside cells give a NaN row.
    """
    return _clipped(values, inside, MAD, k * MAD_TO_STD, 0.0)


def clip_std(values: Numbers, k: float = 3.0, inside: Numbers | None = None) -> Floats:
    """Clip each row at mean ± k population deviations of its inside cells.

    NaN stays NaN, infinities are clipped; fewer than 2 inside cells give a NaN row.
    """
    return _clipped(values, inside, STD, k, 0.0)


def group_medians(
    values: Numbers, groups: Numbers, n_groups: int, inside: Numbers | None = None
) -> Floats:
    """Median of the finite inside cells of each group.

    Parameters
    ----------
    values, inside : [rows, assets]
    groups : [rows, assets] integer codes below `n_groups`, -1 = the unknown group

    Returns
    -------
    [rows, n_groups + 1]; the last column is the unknown group; NaN where a group has no such cell
    """
    x = floats(values)
    codes = np.ascontiguousarray(groups, dtype=np.int32)
    if codes.shape != x.shape or int(codes.max(initial=-1)) >= n_groups:
        raise ValueError(f"groups must have shape {x.shape} and codes below {n_groups}")
    out = np.empty((len(x), n_groups + 1))
    _median_rows(x, still(codes), flags(inside, x), out)
    return out


def _clipped(values: Numbers, inside: Numbers | None, mode: int, a: float, b: float) -> Floats:
    x = floats(values)
    out = np.empty(x.shape)
    clip_rows(x, flags(inside, x), x.shape[1], mode, (float(a), float(b)), True, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def clip_rows(
    x: Reals, inside: Flags, size: int, mode: int, at: Pair, ends: bool, out: Reals
) -> None:
    """Clip the first `size` cells of each row; `ends` clips infinities, else they are missing.

    `mode` says at what: the two quantiles `at`, at[0] times the MAD about the median, or at[0] deviations
    about the mean.
    """
    buffers = (np.empty(size, x.dtype), np.empty(size, x.dtype))
    for t in range(x.shape[0]):
        clip_row(x[t, :size], inside[t, :size], mode, at, ends, buffers, out[t, :size])


@njit(cache=True, nogil=True, error_model="numpy")
def clip_row(
    x: Reals,
    inside: Flags,
    mode: int,
    at: Pair,
    ends: bool,
    buffers: tuple[Reals, Reals],
    out: Reals,
) -> None:
    """Clip one row; both buffers are of its size and are used."""
    n = gather(x, inside, buffers[0])
    if n < 2:
        out[:] = np.nan
        return
    low, high = _bounds(buffers[0][:n], mode, at, buffers[1])
    for j in range(x.size):
        v = x[j]
        out[j] = _held(v, low, high) if ends or v - v == 0.0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def group_clip_rows(
    x: Reals,
    inside: Flags,
    codes: Codes,
    size: int,
    mode: int,
    at: Pair,
    out: Reals,
) -> None:
    """Do what `clip_rows` does within each group; infinities are missing, code -1 is a group.

    A group of one inside cell is left as it is; one of none is missing.
    """
    buffer, spare = np.empty(size, x.dtype), np.empty(size, x.dtype)
    groups = group_count(codes, size)
    start = np.empty(groups + 1, np.int64)
    low, high = np.empty(groups), np.empty(groups)
    for t in range(x.shape[0]):
        row, code, goal = x[t, :size], codes[t, :size], out[t, :size]
        _segments(row, code, inside[t, :size], start, buffer)
        for g in range(groups):
            n = start[g + 1] - start[g]
            low[g], high[g] = -np.inf, np.inf
            if n == 0:
                low[g] = np.nan
            elif n > 1:
                low[g], high[g] = _bounds(buffer[start[g] : start[g + 1]], mode, at, spare)
        for j in range(size):
            v, g = row[j], slot(code[j], groups)
            missing = v - v != 0.0 or np.isnan(low[g])
            goal[j] = np.nan if missing else _held(v, low[g], high[g])


@njit(cache=True, nogil=True, error_model="numpy")
def _held(v: float, low: float, high: float) -> float:
    if v < low:
        return low
    if v > high:
        return high
    return v


@njit(cache=True, nogil=True, error_model="numpy")
def _bounds(buffer: Reals, mode: int, at: Pair, spare: Reals) -> Pair:
    """Find where to clip; overwrites the buffer."""
    n = buffer.size
    if mode == QUANTILE:
        return quantile(buffer, at[0], spare), quantile(buffer, at[1], spare)
    if mode == STD:
        mean, std = moments(buffer, n)
        return mean - at[0] * std, mean + at[0] * std
    middle = quantile(buffer, 0.5, spare)
    for i in range(n):
        buffer[i] = abs(buffer[i] - middle)
    reach = at[0] * quantile(buffer, 0.5, spare)
    if reach == 0.0:
        reach = np.inf
    return middle - reach, middle + reach


@njit(cache=True, nogil=True, error_model="numpy")
def gather(x: Reals, inside: Flags, buffer: Reals) -> int:
    """Copy the finite inside cells of a row into `buffer`; return their number."""
    n = 0
    for j in range(x.size):
        v = x[j]
        buffer[n] = v
        n += inside[j] & (v - v == 0.0)
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def moments(buffer: Reals, n: int) -> Pair:
    """Mean and population deviation of n cells; deviation 0 where they do not vary."""
    low, high, total = buffer[0], buffer[0], 0.0
    for i in range(n):
        v = buffer[i]
        total += v
        low = min(low, v)
        high = max(high, v)
    if low == high:
        return float(low), 0.0
    mean = total / n
    square, rest = 0.0, 0.0
    for i in range(n):
        d = buffer[i] - mean
        square += d * d
        rest += d
    mean += rest / n
    std = np.sqrt(square / n)
    if std <= FLAT * max(abs(low), abs(high)):
        std = 0.0
    return mean, std


@njit(cache=True, nogil=True, error_model="numpy")
def quantile(buffer: Reals, q: float, spare: Reals) -> float:
    """Quantile of the buffer by linear interpolation; leaves the buffer as it is, uses `spare`."""
    n = buffer.size
    place = q * (n - 1)
    k = min(int(place), n - 1)
    pair: Pair = _pair(buffer, k, spare)
    share = place - k
    if share == 0.0 or k + 1 >= n:
        return pair[0]
    return pair[0] + (pair[1] - pair[0]) * share


@njit(cache=True, nogil=True, error_model="numpy")
def _pair(buffer: Reals, k: int, spare: Reals) -> Pair:
    """Find the k-th smallest and the one after it.

    While many cells are left, two order statistics of a sample bracket both, and only what lies between
    is kept. A bracket that missed, or that keeps most, costs time alone.
    """
    source, n = buffer, buffer.size
    sample = np.empty(_SAMPLE)  # double precision: its comparisons are counted in words of its size
    while n > _SAMPLE:
        for i in range(_SAMPLE):
            sample[i] = source[i * n // _SAMPLE]
        middle = k * _SAMPLE // n
        low, high = buffer.dtype.type(-np.inf), buffer.dtype.type(np.inf)
        if middle >= _MARGIN:
            low = buffer.dtype.type(_counted(sample, middle - _MARGIN))
        if middle + _MARGIN < _SAMPLE:
            high = buffer.dtype.type(_counted(sample, middle + _MARGIN))
        below, kept = 0, 0
        for i in range(n):
            below += source[i] < low
            kept += source[i] <= high
        held = below <= k and (k + 1 < kept or kept == n)
        kept -= below
        if not held or 2 * kept > n:
            break
        m = 0
        for i in range(n):
            v = source[i]
            spare[m] = v
            m += (v >= low) & (v <= high)
        source, n, k = spare, kept, k - below
    if n <= _SAMPLE:
        for i in range(n):
            sample[i] = source[i]
        first = buffer.dtype.type(_counted(sample[:n], k))
    else:
        if n == buffer.size:
            for i in range(n):
                spare[i] = buffer[i]
        source, first = spare, _select(spare, n, k)
    upto, second = 0, buffer.dtype.type(np.inf)
    for i in range(n):
        v = source[i]
        upto += v <= first
        second = min(second, v) if v > first else second
    return float(first), float(first if upto > k + 1 or k + 1 == n else second)


@njit(cache=True, nogil=True, error_model="numpy")
def _counted(few: Floats, k: int) -> Any:
    """Find the k-th smallest by counting who is below each: no branch to foresee, quick for a few."""
    for v in few:
        below = 0
        for j in range(few.size):
            below += few[j] < v
        if below == k:
            return v
    found = -np.inf  # ties at the place: it is the largest with at most k below
    for v in few:
        below = 0
        for j in range(few.size):
            below += few[j] < v
        if below <= k and v > found:
            found = v
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _select(buffer: Reals, n: int, k: int) -> Any:
    """Put the k-th smallest of buffer[:n] at its place (Hoare) and return it."""
    low, high = 0, n - 1
    while low < high:
        pivot = buffer[(low + high) >> 1]
        i, j = low, high
        while i <= j:
            while buffer[i] < pivot:
                i += 1
            while buffer[j] > pivot:
                j -= 1
            if i <= j:
                buffer[i], buffer[j] = buffer[j], buffer[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return buffer[k]


@njit(cache=True, nogil=True, error_model="numpy")
def _segments(x: Reals, codes: Codes, inside: Flags, start: Counts, buffer: Reals) -> None:
    """Put the finite inside cells of each group together, the unknown group last.

    Group g lies at buffer[start[g] : start[g + 1]].
    """
    groups = start.size - 1
    start[:] = 0
    for j in range(x.size):
        if inside[j] and x[j] - x[j] == 0.0:
            start[slot(codes[j], groups) + 1] += 1
    for g in range(groups):
        start[g + 1] += start[g]
    free = start[:groups].copy()
    for j in range(x.size):
        if inside[j] and x[j] - x[j] == 0.0:
            g = slot(codes[j], groups)
            buffer[free[g]] = x[j]
            free[g] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _median_rows(x: Reals, codes: Codes, inside: Flags, out: Floats) -> None:
    groups = out.shape[1]
    start = np.empty(groups + 1, np.int64)
    buffer, spare = np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    for t in range(x.shape[0]):
        _segments(x[t], codes[t], inside[t], start, buffer)
        for g in range(groups):
            group = buffer[start[g] : start[g + 1]]
            out[t, g] = quantile(group, 0.5, spare) if group.size else np.nan
