"""Rolling windows down the dates of a `[dates, assets]` array.

Sums, products, extremes and moments are built by *shift and combine*: a window of `a + b` rows is the
window of the newest `a` rows joined with the window of `b` rows that ends `a` rows earlier, so that a
window of `w` rows costs about `2 log2(w)` joins. There is no running state: nothing drifts, a spike that
has left the window leaves no trace, a constant window has variance exactly 0, and the number at row *t*
depends on the rows of its window and on nothing else, bit for bit.

1. cut the array into tiles of `_COLUMNS` assets that fit the cache   -> each kernel's outer loops
2. fill a tile, one entry a cell; a missing cell is the neutral entry -> _fill
3. double and join until the window is covered                        -> _cover
4. turn the joined moments into the statistic                         -> each kernel's last loop

Weighted windows, ranks and positions scan the window directly; quantiles keep a sorted window.

NaN rule of every function here: a NaN (or infinite) cell is missing; a window skips missing cells and
gives NaN when fewer than `needed` cells are left. Rows before the first do not exist.

References
----------
Chan, Golub & LeVeque (1979), *Updating formulae and a pairwise algorithm for computing sample variances*;
Pébay (2008), *Formulas for robust, one-pass parallel computation of covariances and arbitrary-order
statistical moments*, Sandia report SAND2008-6212.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numba import njit

Values = npt.NDArray[np.float64]
Tile = npt.NDArray[np.float64]

_COLUMNS = 16  # with 256 rows, all entries of a tile stay in the cache nearest the core
_ROWS = 256
_LANES = 64
_SUM, _PRODUCT, _MIN, _MAX, _MOMENTS, _PAIRS = 0, 1, 2, 3, 4, 5
_MEAN, _VAR, _STD, _SKEW, _KURT, _ZSCORE = 0, 1, 2, 3, 4, 5
_COV, _CORR, _SLOPE, _RSQUARE, _RESIDUAL = 0, 1, 2, 3, 4
_RANK, _ARGMAX, _ARGMIN = 0, 1, 2

Reduction = Literal["sum", "mean", "product", "min", "max"]
Moment = Literal["var", "std", "skew", "kurt", "zscore"]
Pair = Literal["cov", "corr", "slope", "rsquare", "residual"]
Position = Literal["rank", "argmax", "argmin"]


def reduce(values: Values, window: int, needed: int, how: Reduction) -> Values:
    """Give the sum, mean, product, least or greatest of each window, [dates, assets].

    Parameters
    ----------
    values : [dates, assets]
    window : rows, the newest included
    needed : valid cells without which a window gives NaN

    Examples
    --------
    >>> reduce(np.array([[1.0], [2.0], [np.nan], [4.0]]), 2, 1, "sum").ravel()
    array([1., 3., 2., 4.])
    """
    code = {"sum": _SUM, "mean": _SUM, "product": _PRODUCT, "min": _MIN, "max": _MAX}[how]
    return _plain(_reduce(_ready(values), window, needed, code, how == "mean"))


def moment(values: Values, window: int, needed: int, how: Moment) -> Values:
    """Give variance, deviation (ddof 1), skewness, excess kurtosis or z-score of the newest cell.

    Skewness and kurtosis are the adjusted sample statistics (G1 and G2, as in pandas). A window without
    variance has deviation 0, and NaN for the statistics that divide by it.

    Examples
    --------
    >>> moment(np.array([[1.0], [2.0], [4.0]]), 2, 2, "var").ravel()
    array([nan, 0.5, 2. ])
    """
    code = {"var": _VAR, "std": _STD, "skew": _SKEW, "kurt": _KURT, "zscore": _ZSCORE}[how]
    return _plain(_moments(_ready(values), window, needed, code))


def pair(y: Values, x: Values | None, window: int, needed: int, how: Pair) -> Values:
    """Give covariance, correlation, or the regression of `y` on `x` (slope, fit, newest residual).

    Only rows where both are known count. `x` None regresses on time: the slope is per row. Without
    variance of `x` (for correlation and fit: of either) the answer is NaN.

    Examples
    --------
    >>> pair(np.array([[1.0], [3.0], [5.0]]), None, 3, 2, "slope").ravel()
    array([nan,  2.,  2.])
    """
    code = {"cov": _COV, "corr": _CORR, "slope": _SLOPE, "rsquare": _RSQUARE, "residual": _RESIDUAL}
    regressor = np.empty((0, 0)) if x is None else _ready(x)
    return _plain(_pairs(_ready(y), regressor, window, needed, code[how]))


def weighted_mean(values: Values, weights: Values, needed: int) -> Values:
    """Give the weighted mean of each window; missing cells take their weight with them.

    Parameters
    ----------
    values : [dates, assets]
    weights : [window], the newest row first, positive

    Examples
    --------
    >>> weighted_mean(np.array([[1.0], [4.0]]), np.array([2.0, 1.0]), 1).ravel()
    array([1., 3.])
    """
    return _plain(_weighted(_ready(values), np.ascontiguousarray(weights, np.float64), needed))


def position(values: Values, window: int, needed: int, how: Position) -> Values:
    """Give the rank of the newest cell in its window, or how many rows ago its extreme was.

    The rank is the average rank divided by the number of valid cells, in (0, 1]; NaN where the newest
    cell is missing. Among equal extremes the newest counts.

    Examples
    --------
    >>> position(np.array([[3.0], [1.0], [2.0]]), 3, 1, "argmax").ravel()
    array([0., 1., 2.])
    """
    code = {"rank": _RANK, "argmax": _ARGMAX, "argmin": _ARGMIN}[how]
    return _plain(_positions(_ready(values), window, needed, code))


def quantile(values: Values, window: int, level: float, needed: int) -> Values:
    """Give a quantile of each window, linear between neighbours; `level` in [0, 1].

    Examples
    --------
    >>> quantile(np.array([[3.0], [1.0], [2.0]]), 3, 0.5, 1).ravel()
    array([3., 2., 2.])
    """
    return _plain(_quantiles(_ready(values), window, float(level), needed))


def _ready(values: Any) -> Values:
    return np.ascontiguousarray(values, dtype=np.float64)


def _plain(values: Any) -> Values:
    return np.asarray(values, dtype=np.float64)


# A tile is one array, [3 sets, entries, cells]: this level, the next level, and what is joined so far.


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(s: Tile, x: Values, top: int, bottom: int, left: int, right: int, neutral: float) -> None:
    """Copy a tile row by row into set 0: count 1 and the value, or 0 and `neutral` where missing."""
    width = right - left
    for r in range(top, bottom):
        i = (r - top) * width
        for c in range(width):
            value = x[r, left + c]
            known = np.isfinite(value)
            s[0, 0, i + c] = 1.0 if known else 0.0
            s[0, 1, i + c] = value if known else neutral
            s[2, 0, i + c] = 0.0
            s[2, 1, i + c] = neutral
    for k in range(2, s.shape[1]):
        for i in range((bottom - top) * width):
            s[0, k, i] = 0.0
            s[2, k, i] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _cover(s: Tile, window: int, width: int, length: int, how: int) -> None:
    """Double set 0 and join its powers of two into set 2 until the window is covered."""
    this, other, a, done = 0, 1, 1, 0
    while True:
        if window & a:
            _join(s, 2, this, done * width, length, how)
            done += a
        if done == window:
            return
        for k in range(s.shape[1]):
            for i in range(length):
                s[other, k, i] = s[this, k, i]
        _join(s, other, this, a * width, length, how)
        this, other = other, this
        a *= 2


@njit(cache=True, nogil=True, error_model="numpy")
def _join(s: Tile, j: int, k: int, shift: int, length: int, how: int) -> None:
    """Join to each window of set `j` the one of set `k` that ends `shift` cells earlier."""
    if how == _MOMENTS:
        _join_moments(s[j], s[k], shift, length)
    elif how == _PAIRS:
        _join_pairs(s[j], s[k], shift, length)
    else:
        _join_sums(s[j, 0], s[j, 1], s[k, 0], s[k, 1], shift, length, how)


@njit(cache=True, nogil=True, error_model="numpy")
def _join_sums(
    jn: Values, jv: Values, n: Values, v: Values, shift: int, length: int, how: int
) -> None:
    for i in range(shift, length):
        jn[i] += n[i - shift]
    if how == _SUM:
        for i in range(shift, length):
            jv[i] += v[i - shift]
    elif how == _PRODUCT:
        for i in range(shift, length):
            jv[i] *= v[i - shift]
    elif how == _MIN:
        for i in range(shift, length):
            jv[i] = min(jv[i], v[i - shift])
    else:
        for i in range(shift, length):
            jv[i] = max(jv[i], v[i - shift])


@njit(cache=True, nogil=True, error_model="numpy")
def _join_moments(j: Values, s: Values, shift: int, length: int) -> None:
    """Join (count, mean, M2 and, where there is room, M3, M4) of disjoint sets (Pébay 2008, eq. 3.1 …)."""
    if j.shape[0] == 3:
        for i in range(shift, length):
            k = i - shift
            na, nb = j[0, i], s[0, k]
            f = nb / max(na + nb, 1.0)
            d = s[1, k] - j[1, i]
            j[0, i] = na + nb
            j[1, i] += d * f
            j[2, i] += s[2, k] + d * d * na * f
        return
    for i in range(shift, length):
        k = i - shift
        na, nb = j[0, i], s[0, k]
        n = na + nb
        q = 1.0 / max(n, 1.0)
        d = s[1, k] - j[1, i]
        dq = d * q
        a2, b2, a3, b3 = j[2, i], s[2, k], j[3, i], s[3, k]
        cross = d * dq * na * nb
        j[4, i] += (
            s[4, k]
            + cross * dq * dq * (na * na - na * nb + nb * nb)
            + 6.0 * dq * dq * (na * na * b2 + nb * nb * a2)
            + 4.0 * dq * (na * b3 - nb * a3)
        )
        j[3, i] = a3 + b3 + cross * dq * (na - nb) + 3.0 * dq * (na * b2 - nb * a2)
        j[2, i] = a2 + b2 + cross
        j[1, i] += d * (nb * q)
        j[0, i] = n


@njit(cache=True, nogil=True, error_model="numpy")
def _join_pairs(j: Values, s: Values, shift: int, length: int) -> None:
    """Join (count, mean x, mean y, Mxx, Myy, Mxy) of disjoint sets."""
    for i in range(shift, length):
        k = i - shift
        na, nb = j[0, i], s[0, k]
        f = nb / max(na + nb, 1.0)
        dx, dy = s[1, k] - j[1, i], s[2, k] - j[2, i]
        g = na * f
        j[0, i] = na + nb
        j[1, i] += dx * f
        j[2, i] += dy * f
        j[3, i] += s[3, k] + dx * dx * g
        j[4, i] += s[4, k] + dy * dy * g
        j[5, i] += s[5, k] + dx * dy * g


@njit(cache=True, nogil=True, error_model="numpy")
def _reduce(x: Values, window: int, needed: int, how: int, mean: bool) -> Values:
    """Shift and combine of (count, value); see `reduce`."""
    rows, columns = x.shape
    out = np.empty((rows, columns))
    s = np.empty((3, 2, (_ROWS + window) * _COLUMNS))
    neutral = 0.0
    if how == _PRODUCT:
        neutral = 1.0
    elif how == _MIN:
        neutral = np.inf
    elif how == _MAX:
        neutral = -np.inf
    for left in range(0, columns, _COLUMNS):
        right = min(left + _COLUMNS, columns)
        b = right - left
        for first in range(0, rows, _ROWS):
            last = min(first + _ROWS, rows)
            top = max(first - window + 1, 0)
            _fill(s, x, top, last, left, right, neutral)
            _cover(s, window, b, (last - top) * b, how)
            for r in range(first, last):
                i = (r - top) * b
                for c in range(b):
                    n, value = s[2, 0, i + c], s[2, 1, i + c]
                    value = value / n if mean else value
                    out[r, left + c] = value if n >= needed else np.nan
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _moments(x: Values, window: int, needed: int, how: int) -> Values:
    """Shift and combine of (count, mean, M2, M3, M4); see `moment`."""
    rows, columns = x.shape
    out = np.empty((rows, columns))
    s = np.empty((3, 5 if how in (_SKEW, _KURT) else 3, (_ROWS + window) * _COLUMNS))
    for left in range(0, columns, _COLUMNS):
        right = min(left + _COLUMNS, columns)
        b = right - left
        for first in range(0, rows, _ROWS):
            last = min(first + _ROWS, rows)
            top = max(first - window + 1, 0)
            _fill(s, x, top, last, left, right, 0.0)
            _cover(s, window, b, (last - top) * b, _MOMENTS)
            i = (first - top) * b
            for r in range(first, last):
                for c in range(left, right):
                    n, m2 = s[2, 0, i], s[2, 2, i]
                    value = np.nan
                    if n >= needed and n >= 2:
                        if how == _VAR:
                            value = m2 / (n - 1)
                        elif how == _STD:
                            value = np.sqrt(m2 / (n - 1))
                        elif m2 > 0.0:
                            if how == _ZSCORE:
                                value = (x[r, c] - s[2, 1, i]) / np.sqrt(m2 / (n - 1))
                            elif how == _SKEW and n >= 3:
                                g = (s[2, 3, i] / n) / (m2 / n * np.sqrt(m2 / n))
                                value = g * np.sqrt(n * (n - 1)) / (n - 2)
                            elif how == _KURT and n >= 4:
                                g = n * s[2, 4, i] / (m2 * m2)
                                value = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g - 3 * (n - 1))
                    out[r, c] = value
                    i += 1
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _pairs(y: Values, x: Values, window: int, needed: int, how: int) -> Values:
    """Shift and combine of (count, mean x, mean y, Mxx, Myy, Mxy); see `pair`."""
    rows, columns = y.shape
    out = np.empty((rows, columns))
    on_time = x.size == 0
    s = np.empty((3, 6, (_ROWS + window) * _COLUMNS))
    for left in range(0, columns, _COLUMNS):
        right = min(left + _COLUMNS, columns)
        b = right - left
        for first in range(0, rows, _ROWS):
            last = min(first + _ROWS, rows)
            top = max(first - window + 1, 0)
            _fill(s, y, top, last, left, right, 0.0)
            i = 0
            for r in range(top, last):
                for c in range(left, right):
                    u = float(r - first) if on_time else x[r, c]
                    known = np.isfinite(u) and s[0, 0, i] == 1.0
                    s[0, 0, i] = 1.0 if known else 0.0
                    s[0, 2, i] = s[0, 1, i] if known else 0.0
                    s[0, 1, i] = u if known else 0.0
                    i += 1
            _cover(s, window, b, (last - top) * b, _PAIRS)
            i = (first - top) * b
            for r in range(first, last):
                for c in range(left, right):
                    n, xx, yy, xy = s[2, 0, i], s[2, 3, i], s[2, 4, i], s[2, 5, i]
                    value = np.nan
                    if n >= needed and n >= 2:
                        if how == _COV:
                            value = xy / (n - 1)
                        elif xx > 0.0 and how in (_SLOPE, _RESIDUAL):
                            value = xy / xx
                            if how == _RESIDUAL:
                                u = float(r - first) if on_time else x[r, c]
                                value = (y[r, c] - s[2, 2, i]) - value * (u - s[2, 1, i])
                        elif xx > 0.0 and yy > 0.0:
                            value = max(-1.0, min(1.0, xy / (np.sqrt(xx) * np.sqrt(yy))))
                            if how == _RSQUARE:
                                value = value * value
                    out[r, c] = value
                    i += 1
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _weighted(x: Values, weights: Values, needed: int) -> Values:
    """Scan each window with its weights; see `weighted_mean`."""
    rows, columns = x.shape
    out = np.empty((rows, columns))
    total, mass, count = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)
    for left in range(0, columns, _LANES):
        b = min(_LANES, columns - left)
        for t in range(rows):
            total[:] = 0.0
            mass[:] = 0.0
            count[:] = 0.0
            for lag in range(min(weights.size, t + 1)):
                w = weights[lag]
                for c in range(b):
                    value = x[t - lag, left + c]
                    known = np.isfinite(value)
                    total[c] += w * value if known else 0.0
                    mass[c] += w if known else 0.0
                    count[c] += 1.0 if known else 0.0
            for c in range(b):
                out[t, left + c] = total[c] / mass[c] if count[c] >= needed else np.nan
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _positions(x: Values, window: int, needed: int, how: int) -> Values:
    """Scan each window for ranks and places; see `position`."""
    rows, columns = x.shape
    out = np.empty((rows, columns))
    best, where, count = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)
    sign = -1.0 if how == _ARGMIN else 1.0
    for left in range(0, columns, _LANES):
        b = min(_LANES, columns - left)
        for t in range(rows):
            count[:] = 0.0
            where[:] = 0.0
            for c in range(b):
                best[c] = x[t, left + c] if how == _RANK else -np.inf
            for lag in range(min(window, t + 1)):
                for c in range(b):
                    value = sign * x[t - lag, left + c]
                    known = np.isfinite(value)
                    count[c] += 1.0 if known else 0.0
                    if how == _RANK:  # twice the rank: 2 for each below, 1 for each equal
                        less, equal = value < best[c], value == best[c]
                        where[c] += (2.0 if less else 0.0) + (1.0 if equal else 0.0)
                    else:
                        better = known and value > best[c]
                        best[c] = value if better else best[c]
                        where[c] = float(lag) if better else where[c]
            for c in range(b):
                value = (where[c] + 1.0) / (2.0 * count[c]) if how == _RANK else where[c]
                valid = count[c] >= needed and np.isfinite(best[c])
                out[t, left + c] = value if valid else np.nan
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _quantiles(x: Values, window: int, level: float, needed: int) -> Values:
    """Keep each window sorted, missing cells last; one pass deletes the oldest and inserts the newest.

    With `d` the window without the oldest cell, the new window is max(d[i-1], min(new, d[i])).
    """
    rows, columns = x.shape
    out = np.empty((rows, columns))
    ordered = np.empty((window + 1, _LANES))
    before, count = np.empty(_LANES), np.empty(_LANES)
    old, new = np.empty(_LANES), np.empty(_LANES)
    for left in range(0, columns, _LANES):
        b = min(_LANES, columns - left)
        ordered[:] = np.inf
        count[:] = 0.0
        for t in range(rows):
            before[:] = -np.inf
            for c in range(b):
                value = x[t, left + c]
                new[c] = value if np.isfinite(value) else np.inf
                value = x[t - window, left + c] if t >= window else np.inf
                old[c] = value if np.isfinite(value) else np.inf
                count[c] += (1.0 if new[c] < np.inf else 0.0) - (1.0 if old[c] < np.inf else 0.0)
            for i in range(window):
                for c in range(b):
                    here = ordered[i, c]
                    kept = here if here < old[c] else ordered[i + 1, c]
                    ordered[i, c] = max(before[c], min(new[c], kept))
                    before[c] = kept
            for c in range(b):
                at = level * (count[c] - 1.0)
                value = np.nan
                if count[c] >= max(needed, 1):
                    low = int(at)
                    value = ordered[low, c]
                    if at > low:
                        value += (at - low) * (ordered[low + 1, c] - value)
                out[t, left + c] = value
    return out
