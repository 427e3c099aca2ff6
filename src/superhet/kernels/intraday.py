"""Many bars of a day to one number a day: `[bars, assets]` to `[days, assets]`.

Bars lie one below the other; day `d` owns the rows `starts[d]` to `stops[d]` (not included), so that days
may have different numbers of bars. A slice picks bars by their place in the day: places count from 1 at
the open and from -1 backwards at the close, both ends included (`-4, -1` is the last hour of 15-minute
bars).

NaN rule: a NaN (or infinite) bar is missing; fewer valid bars than `minimum`, or than half the bars of
the slice, give NaN. The first and last known bar need one only.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numba import njit

Values = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

_SUM, _MEAN, _MIN, _MAX, _FIRST, _LAST = 0, 1, 2, 3, 4, 5
_STD, _SKEW, _CORR = 0, 1, 2

Reduction = Literal["sum", "mean", "min", "max", "first", "last"]
Moment = Literal["std", "skew", "corr"]


def day_reduce(
    values: Values, starts: Rows, stops: Rows, first: int, last: int, how: Reduction
) -> Values:
    """Give the sum, mean, least, greatest, first or last bar of each day's slice, [days, assets].

    Parameters
    ----------
    values : [bars, assets]
    starts, stops : [days], the rows of each day
    first, last : places of the slice, both included

    Examples
    --------
    >>> bars = np.array([[1.0], [2.0], [3.0], [5.0]])
    >>> day_reduce(bars, np.array([0, 2]), np.array([2, 4]), 1, -1, "sum").ravel()
    array([3., 8.])
    """
    code = {"sum": _SUM, "mean": _MEAN, "min": _MIN, "max": _MAX, "first": _FIRST, "last": _LAST}
    out = _day_reduce(_ready(values), _rows(starts), _rows(stops), first, last, code[how])
    return np.asarray(out, dtype=np.float64)


def day_moment(
    y: Values, x: Values, starts: Rows, stops: Rows, first: int, last: int, how: Moment
) -> Values:
    """Give the deviation (ddof 1) or adjusted skewness of `y`, or its correlation with `x`, day by day.

    Without variance the deviation is 0 and the others NaN.

    Examples
    --------
    >>> bars = np.array([[1.0], [2.0], [3.0]])
    >>> day_moment(bars, bars, np.array([0]), np.array([3]), 1, -1, "std").ravel()
    array([1.])
    """
    code = {"std": _STD, "skew": _SKEW, "corr": _CORR}[how]
    out = _day_moment(_ready(y), _ready(x), _rows(starts), _rows(stops), first, last, code)
    return np.asarray(out, dtype=np.float64)


def day_lag(values: Values, starts: Rows, stops: Rows, lag: int) -> Values:
    """Give to each bar the value `lag` bars earlier on the same day, [bars, assets]."""
    out = np.full(values.shape, np.nan)
    out[lag:] = values[: len(values) - lag]
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        out[start : min(start + lag, stop)] = np.nan
    return out


def _ready(values: Any) -> Values:
    return np.ascontiguousarray(values, dtype=np.float64)


def _rows(values: Any) -> Rows:
    return np.ascontiguousarray(values, dtype=np.int64)


@njit(cache=True, nogil=True, error_model="numpy")
def _slice(start: int, stop: int, first: int, last: int) -> tuple[int, int]:
    """Turn places of a day into rows; an empty slice where they lie outside."""
    a = start + first - 1 if first > 0 else stop + first
    z = start + last if last > 0 else stop + last + 1
    return max(a, start), min(z, stop)


@njit(cache=True, nogil=True, error_model="numpy")
def _day_reduce(x: Values, starts: Rows, stops: Rows, first: int, last: int, how: int) -> Values:
    days, assets = starts.size, x.shape[1]
    out = np.full((days, assets), np.nan)
    count, v = np.empty(assets), np.empty(assets)
    for d in range(days):
        a, z = _slice(starts[d], stops[d], first, last)
        count[:] = 0.0
        v[:] = 0.0
        for r in range(a, z):
            for c in range(assets):
                value = x[r, c]
                known = np.isfinite(value)
                fresh = count[c] == 0.0
                if how <= _MEAN:
                    v[c] += value if known else 0.0
                elif how == _MIN:
                    v[c] = value if known and (fresh or value < v[c]) else v[c]
                elif how == _MAX:
                    v[c] = value if known and (fresh or value > v[c]) else v[c]
                elif how == _FIRST:
                    v[c] = value if known and fresh else v[c]
                else:
                    v[c] = value if known else v[c]
                count[c] += 1.0 if known else 0.0
        least = 1.0 if how >= _FIRST else max(0.5 * (z - a), 1.0)
        for c in range(assets):
            if count[c] >= least:
                out[d, c] = v[c] / count[c] if how == _MEAN else v[c]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _day_moment(
    y: Values, x: Values, starts: Rows, stops: Rows, first: int, last: int, how: int
) -> Values:
    """Two passes: means of what exceeds the first valid bar (so that a constant day is exact), moments."""
    days, assets = starts.size, y.shape[1]
    out = np.full((days, assets), np.nan)
    n, xx, yy, xy = np.empty(assets), np.empty(assets), np.empty(assets), np.empty(assets)
    base, mean = np.empty((2, assets)), np.empty((2, assets))
    least_any = 2.0 if how == _STD else 3.0
    for d in range(days):
        a, z = _slice(starts[d], stops[d], first, last)
        n[:] = 0.0
        mean[:] = 0.0
        xx[:] = 0.0
        yy[:] = 0.0
        xy[:] = 0.0
        for r in range(a, z):
            for c in range(assets):
                if np.isfinite(x[r, c]) and np.isfinite(y[r, c]):
                    if n[c] == 0.0:
                        base[0, c], base[1, c] = x[r, c], y[r, c]
                    n[c] += 1.0
                    mean[0, c] += x[r, c] - base[0, c]
                    mean[1, c] += y[r, c] - base[1, c]
        for c in range(assets):
            mean[0, c] /= max(n[c], 1.0)
            mean[1, c] /= max(n[c], 1.0)
        for r in range(a, z):
            for c in range(assets):
                if np.isfinite(x[r, c]) and np.isfinite(y[r, c]):
                    u = (x[r, c] - base[0, c]) - mean[0, c]
                    v = (y[r, c] - base[1, c]) - mean[1, c]
                    xx[c] += u * u
                    yy[c] += v * v
                    xy[c] += v * v * v if how == _SKEW else u * v
        least = max(0.5 * (z - a), least_any)
        for c in range(assets):
            m = n[c]
            if m < least:
                continue
            if how == _STD:
                out[d, c] = np.sqrt(yy[c] / (m - 1))
            elif how == _SKEW and yy[c] > 0.0:
                g = (xy[c] / m) / (yy[c] / m) ** 1.5
                out[d, c] = g * np.sqrt(m * (m - 1)) / (m - 2)
            elif how == _CORR and xx[c] > 0.0 and yy[c] > 0.0:
                value = xy[c] / (np.sqrt(xx[c]) * np.sqrt(yy[c]))
                out[d, c] = max(-1.0, min(1.0, value))
    return out
