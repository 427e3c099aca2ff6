"""Rolling windows that are scanned row by row: weighted means, ranks, places of extremes, quantiles.

The NaN rule and the promise of `rolling` hold: a number depends on the rows of its window only, bit for bit.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numba import njit

Values = npt.NDArray[np.float64]

_LANES = 64
_RANK, _ARGMAX, _ARGMIN = 0, 1, 2

Position = Literal["rank", "argmax", "argmin"]


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
                w, row = weights[lag], x[t - lag, left : left + b]
                for c in range(b):
                    value = row[c]
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
                row = x[t - lag, left : left + b]
                for c in range(b):
                    value = sign * row[c]
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
