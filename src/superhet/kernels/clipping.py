"""Order statistics of each row: clipping at quantiles, MAD or deviations, and group medians.

Rows are dates, NaN = missing; cells that are not finite never enter a statistic.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.ranking import Floats, Numbers, flags, floats

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]

MAD_TO_STD = 1.482602218505602
"""Deviation of a normal law with median absolute deviation 1: 1 / ndtri(0.75)."""
_FLAT = 1e-13  # a deviation below this share of the largest absolute value is rounding, not signal
_CLIP_QUANTILE, _CLIP_MAD, _CLIP_STD = 0, 1, 2


def winsorize_quantile(
    values: Numbers, lower: float, upper: float, inside: Numbers | None = None
) -> Floats:
    """Clip each row at two quantiles of its inside cells (linear interpolation, as numpy).

    NaN stays NaN, infinities are clipped; fewer than 2 inside cells give a NaN row.
    """
    return _clipped(values, inside, _CLIP_QUANTILE, lower, upper)


def clip_mad(values: Numbers, k: float = 5.0, inside: Numbers | None = None) -> Floats:
    """Clip each row at median ± k · 1.4826 · MAD of its inside cells.

    Where more than half of the names share one value the MAD is 0 and says nothing about scale: such a
    row is left as it is. NaN stays NaN; fewer than 2 inside cells give a NaN row.
    """
    return _clipped(values, inside, _CLIP_MAD, k * MAD_TO_STD, 0.0)


def clip_std(values: Numbers, k: float = 3.0, inside: Numbers | None = None) -> Floats:
    """Clip each row at mean ± k population deviations of its inside cells.

    NaN stays NaN, infinities are clipped; fewer than 2 inside cells give a NaN row.
    """
    return _clipped(values, inside, _CLIP_STD, k, 0.0)


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
    _median_rows(x, codes, flags(inside, x), out)
    return out


def _clipped(values: Numbers, inside: Numbers | None, mode: int, a: float, b: float) -> Floats:
    x = floats(values)
    out = np.empty_like(x)
    _clip_rows(x, flags(inside, x), mode, float(a), float(b), out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def gather(x: Floats, inside: Flags, buffer: Floats) -> int:
    """Copy the finite inside cells of a row into `buffer`; return their number."""
    n = 0
    for j in range(x.size):
        v = x[j]
        if inside[j] and v - v == 0.0:
            buffer[n] = v
            n += 1
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def moments(buffer: Floats, n: int) -> tuple[float, float]:
    """Mean and population deviation of n cells; deviation 0 where they do not vary."""
    low, high, total = buffer[0], buffer[0], 0.0
    for i in range(n):
        v = buffer[i]
        total += v
        low = min(low, v)
        high = max(high, v)
    if low == high:
        return low, 0.0
    mean = total / n
    square, rest = 0.0, 0.0
    for i in range(n):
        d = buffer[i] - mean
        square += d * d
        rest += d
    mean += rest / n
    std = np.sqrt(square / n)
    if std <= _FLAT * max(abs(low), abs(high)):
        std = 0.0
    return mean, std


@njit(cache=True, nogil=True, error_model="numpy")
def _select(buffer: Floats, n: int, k: int) -> float:
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
    return float(buffer[k])


@njit(cache=True, nogil=True, error_model="numpy")
def _quantile(buffer: Floats, n: int, q: float) -> float:
    """Quantile of buffer[:n] by linear interpolation; reorders the buffer."""
    place = q * (n - 1)
    k = min(int(place), n - 1)
    low = float(_select(buffer, n, k))
    share = place - k
    if share == 0.0 or k + 1 >= n:
        return low
    high = float(buffer[k + 1])
    for i in range(k + 2, n):
        high = min(high, float(buffer[i]))
    return low + (high - low) * share


@njit(cache=True, nogil=True, error_model="numpy")
def _clip_rows(x: Floats, inside: Flags, mode: int, a: float, b: float, out: Floats) -> None:
    size = x.shape[1]
    buffer = np.empty(size)
    for t in range(x.shape[0]):
        n = gather(x[t], inside[t], buffer)
        if n < 2:
            out[t] = np.nan
            continue
        if mode == _CLIP_QUANTILE:
            low = _quantile(buffer, n, a)
            high = _quantile(buffer, n, b)
        elif mode == _CLIP_MAD:
            middle = _quantile(buffer, n, 0.5)
            for i in range(n):
                buffer[i] = abs(buffer[i] - middle)
            reach = a * _quantile(buffer, n, 0.5)
            if reach == 0.0:
                reach = np.inf
            low, high = middle - reach, middle + reach
        else:
            mean, std = moments(buffer, n)
            low, high = mean - a * std, mean + a * std
        for j in range(size):
            v = x[t, j]
            if v < low:
                v = low
            elif v > high:
                v = high
            out[t, j] = v


@njit(cache=True, nogil=True, error_model="numpy")
def _median_rows(x: Floats, codes: Codes, inside: Flags, out: Floats) -> None:
    groups, size = out.shape[1], x.shape[1]
    start = np.empty(groups + 1, np.int64)
    buffer = np.empty(size)
    for t in range(x.shape[0]):
        start[:] = 0
        for j in range(size):
            if inside[t, j] and x[t, j] - x[t, j] == 0.0:
                start[(codes[t, j] + groups) % groups + 1] += 1
        for g in range(groups):
            start[g + 1] += start[g]
        free = start.copy()
        for j in range(size):
            if inside[t, j] and x[t, j] - x[t, j] == 0.0:
                g = (codes[t, j] + groups) % groups
                buffer[free[g]] = x[t, j]
                free[g] += 1
        for g in range(groups):
            n = start[g + 1] - start[g]
            out[t, g] = _quantile(buffer[start[g] : start[g + 1]], n, 0.5) if n else np.nan
