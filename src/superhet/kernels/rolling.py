"""Rolling windows down the dates of a `[dates, assets]` array.

Sums, products, extremes and moments are built by *shift and combine*: a window of `a + b` rows is the
window of the newest `a` rows joined with the window of `b` rows that ends `a` rows earlier, so that a
window of `w` rows costs about `2 log2(w)` joins. There is no running state: nothing drifts, a spike that
has left the window leaves no trace, a constant window has variance exactly 0, and the number at row *t*
depends on the rows of its window and on nothing else, bit for bit.

1. cut the array into tiles of `_COLUMNS` assets that fit the cache   -> _windows
2. fill a tile, one entry a cell; a missing cell is the neutral entry -> _fill
3. double and join until the window is covered                        -> _cover
4. turn the joined moments into the statistic                         -> _finish_…

Weighted means, ranks, places and quantiles scan their window: they are in `rolling_scan`.

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

from superhet.kernels.rolling_scan import position, quantile, weighted_mean

__all__ = ["moment", "pair", "position", "quantile", "reduce", "weighted_mean"]

Values = npt.NDArray[np.float64]
Tile = npt.NDArray[np.float64]

_COLUMNS = 16  # with 256 rows, all entries of a tile stay in the cache nearest the core
_ROWS = 256
_SUM, _PRODUCT, _MIN, _MAX, _MEAN = 0, 1, 2, 3, 4
_VAR, _STD, _ZSCORE, _SKEW, _KURT = 5, 6, 7, 8, 9
_COV, _CORR, _SLOPE, _RSQUARE, _RESIDUAL = 10, 11, 12, 13, 14
_MOMENTS, _PAIRS = 20, 21

Reduction = Literal["sum", "mean", "product", "min", "max"]
Moment = Literal["var", "std", "skew", "kurt", "zscore"]
Pair = Literal["cov", "corr", "slope", "rsquare", "residual"]


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
    code = {"sum": _SUM, "mean": _MEAN, "product": _PRODUCT, "min": _MIN, "max": _MAX}[how]
    return _plain(_windows(_ready(values), np.empty((0, 0)), window, needed, code))


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
    return _plain(_windows(_ready(values), np.empty((0, 0)), window, needed, code))


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
    return _plain(_windows(_ready(y), regressor, window, needed, code[how]))


def _ready(values: Any) -> Values:
    return np.ascontiguousarray(values, dtype=np.float64)


def _plain(values: Any) -> Values:
    return np.asarray(values, dtype=np.float64)


# A tile is one array, [3 sets, entries, cells]: this level, the next level, and what is joined so far.


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(s: Tile, x: Values, top: int, bottom: int, left: int, right: int, neutral: float) -> None:
    """Copy a tile row by row into set 0: count 1 and the value, or 0 and `neutral` where missing."""
    width = right - left
    count, values = s[0, 0], s[0, 1]
    for r in range(top, bottom):
        i = (r - top) * width
        target, row = values[i : i + width], x[r, left:right]
        for c in range(width):
            target[c] = row[c]
    length = (bottom - top) * width
    for i in range(length):
        known = np.isfinite(values[i])
        count[i] = 1.0 if known else 0.0
        values[i] = values[i] if known else neutral
    for k in range(2, s.shape[1]):
        for i in range(length):
            s[0, k, i] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _cover(s: Tile, window: int, width: int, length: int, how: int) -> None:
    """Double set 0 and join its powers of two into set 2 until the window is covered."""
    this, other, a, done = 0, 1, 1, 0
    while True:
        if window & a:
            if done:
                _join(s, 2, 2, this, done * width, length, how)
            else:
                _copy(s, 2, this, length)
            done += a
        if done == window:
            return
        _join(s, other, this, this, a * width, length, how)
        this, other = other, this
        a *= 2


@njit(cache=True, nogil=True, error_model="numpy")
def _copy(s: Tile, out: int, a: int, length: int) -> None:
    for k in range(s.shape[1]):
        for i in range(length):
            s[out, k, i] = s[a, k, i]


@njit(cache=True, nogil=True, error_model="numpy")
def _join(s: Tile, out: int, a: int, b: int, shift: int, length: int, how: int) -> None:
    """Put into `out` the windows of set `a`, each joined with that of set `b` that ends `shift` earlier."""
    if out != a:  # the first rows have no earlier window
        _copy(s, out, a, min(shift, length))
    if shift >= length:
        return
    # slices beforehand: an index that may be negative would keep the loops from being vectorised
    o, newer, older = s[out, :, shift:length], s[a, :, shift:length], s[b, :, : length - shift]
    if how == _MOMENTS:
        _join_moments(o, newer, older)
    elif how == _PAIRS:
        _join_pairs(o, newer, older)
    else:
        _join_one(o[0], newer[0], older[0], _SUM)
        _join_one(o[1], newer[1], older[1], how)


@njit(cache=True, nogil=True, error_model="numpy")
def _join_one(o: Values, a: Values, b: Values, how: int) -> None:
    if how == _SUM:
        for i in range(o.size):
            o[i] = a[i] + b[i]
    elif how == _PRODUCT:
        for i in range(o.size):
            o[i] = a[i] * b[i]
    elif how == _MIN:
        for i in range(o.size):
            o[i] = min(a[i], b[i])
    else:
        for i in range(o.size):
            o[i] = max(a[i], b[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _join_moments(o: Tile, a: Tile, b: Tile) -> None:
    """Join (count, mean, M2 and, where there is room, M3, M4) of disjoint sets (Pébay 2008, eq. 3.1 …)."""
    if o.shape[0] == 3:
        for i in range(o.shape[1]):
            na, nb, mean = a[0, i], b[0, i], a[1, i]
            f = nb / max(na + nb, 1.0)
            d = b[1, i] - mean
            o[2, i] = a[2, i] + (b[2, i] + d * d * na * f)
            o[1, i] = mean + d * f
            o[0, i] = na + nb
        return
    for i in range(o.shape[1]):
        na, nb, mean = a[0, i], b[0, i], a[1, i]
        n = na + nb
        q = 1.0 / max(n, 1.0)
        d = b[1, i] - mean
        dq = d * q
        a2, b2, a3, b3 = a[2, i], b[2, i], a[3, i], b[3, i]
        cross = d * dq * na * nb
        o[4, i] = (
            a[4, i]
            + b[4, i]
            + cross * dq * dq * (na * na - na * nb + nb * nb)
            + 6.0 * dq * dq * (na * na * b2 + nb * nb * a2)
            + 4.0 * dq * (na * b3 - nb * a3)
        )
        o[3, i] = a3 + b3 + cross * dq * (na - nb) + 3.0 * dq * (na * b2 - nb * a2)
        o[2, i] = a2 + b2 + cross
        o[1, i] = mean + d * (nb * q)
        o[0, i] = n


@njit(cache=True, nogil=True, error_model="numpy")
def _join_pairs(o: Tile, a: Tile, b: Tile) -> None:
    """Join (count, mean x, mean y, Mxx, Myy, Mxy) of disjoint sets."""
    for i in range(o.shape[1]):
        na, nb, mx, my = a[0, i], b[0, i], a[1, i], a[2, i]
        f = nb / max(na + nb, 1.0)
        dx, dy = b[1, i] - mx, b[2, i] - my
        g = na * f
        o[3, i] = a[3, i] + (b[3, i] + dx * dx * g)
        o[4, i] = a[4, i] + (b[4, i] + dy * dy * g)
        o[5, i] = a[5, i] + (b[5, i] + dx * dy * g)
        o[1, i] = mx + dx * f
        o[2, i] = my + dy * f
        o[0, i] = na + nb


@njit(cache=True, nogil=True, error_model="numpy")
def _windows(y: Values, x: Values, window: int, needed: int, how: int) -> Values:
    """Give one statistic of every window; `x` is the second signal of a pair, empty for time."""
    rows, columns = y.shape
    out = np.empty((rows, columns))
    join = how if how <= _MAX else _SUM if how == _MEAN else _MOMENTS if how < _COV else _PAIRS
    entries = 2 if how <= _MEAN else 3 if how <= _ZSCORE else 5 if how < _COV else 6
    s = np.empty((3, entries, (_ROWS + window) * _COLUMNS))
    neutral = 1.0 if how == _PRODUCT else np.inf if how == _MIN else -np.inf if how == _MAX else 0.0
    for left in range(0, columns, _COLUMNS):
        right = min(left + _COLUMNS, columns)
        width = right - left
        for first in range(0, rows, _ROWS):
            last = min(first + _ROWS, rows)
            top = max(first - window + 1, 0)
            _fill(s, y, top, last, left, right, neutral)
            if join == _PAIRS:
                _fill_second(s, x, top, last, left, right, first)
            _cover(s, window, width, (last - top) * width, join)
            found = s[2, :, (first - top) * width : (last - top) * width]
            if join == _PAIRS:
                _finish_pairs(found, y, x, first, left, width, needed, how)
            elif join == _MOMENTS:
                _finish_moments(found, y, first, left, width, needed, how)
            else:
                _finish_reduce(found, needed, how)
            for r in range(first, last):
                i = (r - first) * width
                target, row = out[r, left:right], found[1, i : i + width]
                for c in range(width):
                    target[c] = row[c]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_second(
    s: Tile, x: Values, top: int, bottom: int, left: int, right: int, origin: int
) -> None:
    """Put the second signal, or the rows counted from `origin`, beside the first."""
    i = 0
    for r in range(top, bottom):
        for c in range(left, right):
            u = float(r - origin) if x.size == 0 else x[r, c]
            known = np.isfinite(u) and s[0, 0, i] == 1.0
            s[0, 0, i] = 1.0 if known else 0.0
            s[0, 2, i] = s[0, 1, i] if known else 0.0
            s[0, 1, i] = u if known else 0.0
            i += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _finish_reduce(s: Tile, needed: int, how: int) -> None:
    """Turn joined entries into the statistic, in entry 1."""
    count, value = s[0], s[1]
    if how == _MEAN:
        for i in range(count.size):
            value[i] /= count[i]
    for i in range(count.size):
        value[i] = value[i] if count[i] >= needed else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _finish_moments(
    s: Tile, x: Values, first: int, left: int, width: int, needed: int, how: int
) -> None:
    """Turn joined moments into the statistic, in entry 1."""
    for i in range(s.shape[1]):
        n, mean, m2 = s[0, i], s[1, i], s[2, i]
        value = np.nan
        if n >= needed and n >= 2:
            if how == _VAR:
                value = m2 / (n - 1)
            elif how == _STD:
                value = np.sqrt(m2 / (n - 1))
            elif m2 > 0.0:
                if how == _ZSCORE:
                    value = (x[first + i // width, left + i % width] - mean) / np.sqrt(m2 / (n - 1))
                elif how == _SKEW and n >= 3:
                    g = (s[3, i] / n) / (m2 / n * np.sqrt(m2 / n))
                    value = g * np.sqrt(n * (n - 1)) / (n - 2)
                elif how == _KURT and n >= 4:
                    g = n * s[4, i] / (m2 * m2)
                    value = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g - 3 * (n - 1))
        s[1, i] = value


@njit(cache=True, nogil=True, error_model="numpy")
def _finish_pairs(
    s: Tile, y: Values, x: Values, first: int, left: int, width: int, needed: int, how: int
) -> None:
    """Turn joined co-moments into the statistic, in entry 1."""
    for i in range(s.shape[1]):
        n, xx, yy, xy = s[0, i], s[3, i], s[4, i], s[5, i]
        value = np.nan
        if n >= needed and n >= 2:
            if how == _COV:
                value = xy / (n - 1)
            elif xx > 0.0 and how in (_SLOPE, _RESIDUAL):
                value = xy / xx
                if how == _RESIDUAL:
                    r, c = first + i // width, left + i % width
                    u = float(r - first) if x.size == 0 else x[r, c]
                    value = (y[r, c] - s[2, i]) - value * (u - s[1, i])
            elif xx > 0.0 and yy > 0.0:
                value = max(-1.0, min(1.0, xy / (np.sqrt(xx) * np.sqrt(yy))))
                if how == _RSQUARE:
                    value = value * value
        s[1, i] = value
