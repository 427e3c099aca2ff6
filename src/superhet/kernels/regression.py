"""Cross-section regressions, one row (date) at a time, by Frisch-Waugh-Lovell.

The regression of a row on one-hot groups and K exposures never builds the group columns:

1. known cells are marked, and those inside with a positive weight get their weight -> `_prepare`
2. values and exposures are demeaned within groups, twice for accuracy              -> `_demean`
3. exposures are orthogonalized in the weighted inner product, each twice; a column that keeps less
   than `TOLERANCE` of its length is collinear with groups and earlier columns: it is
   dropped                                                                          -> _orthogonalize
4. the values are projected, and demeaned once more                                 -> `_residual_rows`

Demeaning and projection are applied to every known cell, while means and inner products come from the
fitted cells only: names outside are transformed with what was estimated inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]

TOLERANCE = 1e-10
"""Relative length below which a column is collinear with the columns before it."""


@dataclass(frozen=True, eq=False)
class RegressionReport:
    """What happened in each row of a regression.

    Parameters
    ----------
    kept : [rows, exposures], False where a column was collinear and dropped
    slopes : [rows, exposures], 0 where dropped, NaN where nothing was fitted
    fitted : [rows], number of cells the regression was fitted on
    alone : [rows], number of fitted cells that are alone in their group (their residual is 0)
    """

    kept: Flags
    slopes: Floats
    fitted: Counts
    alone: Counts


def residual(
    values: Numbers,
    groups: Numbers | None,
    exposures: Numbers,
    weights: Numbers | None = None,
    inside: Numbers | None = None,
) -> Floats:
    """Residual of the weighted cross-section regression of each row on groups and exposures.

    Parameters
    ----------
    values : [rows, assets]
    groups : [rows, assets] integer codes, -1 = a group of its own; None fits one intercept
    exposures : [K, rows, assets]; K may be 0
    weights : [rows, assets] regression weights, or None for equal; cells without a positive weight are
        not fitted, but still get a residual
    inside : [rows, assets], cells to fit on; None for all

    Returns
    -------
    [rows, assets]; NaN where the value or any exposure is not finite, and where nothing of the group was
    fitted. For fitted cells X'W e = 0 to rounding, for every group and every exposure. Collinear
    columns change nothing (see `residual_with_report`).

    Notes
    -----
    Frisch & Waugh (1933), Lovell (1963): regressing group-demeaned values on group-demeaned exposures
    gives the slopes and the residual of the full regression.

    Examples
    --------
    >>> y = np.array([[1.0, 2.0, 3.0, 5.0]])
    >>> residual(y, None, np.array([[[0.0, 1.0, 2.0, 3.0]]])).round(3)
    array([[ 0.2, -0.1, -0.4,  0.3]])
    """
    return residual_with_report(values, groups, exposures, weights, inside)[0]


def residual_with_report(
    values: Numbers,
    groups: Numbers | None,
    exposures: Numbers,
    weights: Numbers | None = None,
    inside: Numbers | None = None,
) -> tuple[Floats, RegressionReport]:
    """Do what `residual` does and say which columns were dropped, by row."""
    x = np.ascontiguousarray(values, dtype=np.float64)
    z = np.ascontiguousarray(exposures, dtype=np.float64)
    if x.ndim != 2 or z.ndim != 3 or z.shape[1:] != x.shape:
        raise ValueError(f"values {x.shape} and exposures {z.shape} must be [T, N] and [K, T, N]")
    codes = _shaped("groups", groups, x, np.int32)
    largest = int(codes.max(initial=-1)) if codes.size else 0
    rows, count = len(x), len(z)
    out = np.empty_like(x)
    report = RegressionReport(
        kept=np.zeros((rows, count), dtype=np.bool_),
        slopes=np.zeros((rows, count)),
        fitted=np.zeros(rows, dtype=np.int64),
        alone=np.zeros(rows, dtype=np.int64),
    )
    _residual_rows(
        x,
        codes,
        largest + 2,
        z,
        _shaped("weights", weights, x, np.float64),
        _shaped("inside", inside, x, np.bool_),
        out,
        report.kept,
        report.slopes,
        report.fitted,
        report.alone,
    )
    return out, report


def slopes(
    values: Numbers,
    exposures: Numbers,
    groups: Numbers | None = None,
    weights: Numbers | None = None,
    inside: Numbers | None = None,
) -> Floats:
    """Slopes of the regression of `residual`, [rows, K] (Fama-MacBeth when the values are returns).

    A collinear column has slope 0; a row without fitted cells has NaN.
    """
    return residual_with_report(values, groups, exposures, weights, inside)[1].slopes


def _shaped(name: str, array: Numbers | None, x: Floats, dtype: Any) -> Any:
    """Convert an optional [rows, assets] argument; an empty array stands for None."""
    if array is None:
        return np.empty((0, 0), dtype=dtype)
    if array.shape != x.shape:
        raise ValueError(f"{name} has shape {array.shape}, the values have {x.shape}")
    return np.ascontiguousarray(array, dtype=dtype)


@njit(cache=True, nogil=True, error_model="numpy")
def _dot(a: Floats, b: Floats, w: Floats) -> float:
    """Sum of w a b in four chains: quicker, and more accurate than one."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    n = a.size
    whole = n - n % 4
    for j in range(0, whole, 4):
        s0 += w[j] * a[j] * b[j]
        s1 += w[j + 1] * a[j + 1] * b[j + 1]
        s2 += w[j + 2] * a[j + 2] * b[j + 2]
        s3 += w[j + 3] * a[j + 3] * b[j + 3]
    for j in range(whole, n):
        s0 += w[j] * a[j] * b[j]
    return (s0 + s1) + (s2 + s3)


@njit(cache=True, nogil=True, error_model="numpy")
def _subtract(a: Floats, b: Floats, c: float) -> None:
    for j in range(a.size):
        a[j] -= c * b[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _demean(
    a: Floats, codes: Codes, w: Floats, totals: Floats, counts: Counts, sums: Floats
) -> None:
    """Subtract the weighted group mean; a cell alone in its group becomes exactly 0."""
    sums[:] = 0.0
    for j in range(a.size):
        sums[codes[j]] += w[j] * a[j]
    for g in range(sums.size):
        sums[g] = sums[g] / totals[g] if totals[g] > 0.0 else 0.0
    for j in range(a.size):
        g = codes[j]
        a[j] = 0.0 if counts[g] == 1 and w[j] > 0.0 else a[j] - sums[g]


@njit(cache=True, nogil=True, error_model="numpy")
def _prepare(
    x: Floats,
    codes: Codes,
    z: Floats,
    weights: Floats,
    inside: Flags,
    t: int,
    y: Floats,
    q: Floats,
    w: Floats,
    g: Codes,
    known: Flags,
    totals: Floats,
    counts: Counts,
) -> int:
    """Copy one row: cells that are not known become 0 with weight 0. Return the fitted count."""
    totals[:] = 0.0
    counts[:] = 0
    unknown = totals.size - 1
    fitted = 0
    for j in range(x.shape[1]):
        v = x[t, j]
        ok = v - v == 0.0
        for k in range(z.shape[0]):
            e = z[k, t, j]
            q[k, j] = e
            ok = ok and e - e == 0.0
        code = codes[t, j] if codes.size else 0
        g[j] = code if code >= 0 else unknown
        known[j] = ok
        y[j] = v if ok else 0.0
        w[j] = 0.0
        if not ok:
            for k in range(z.shape[0]):
                q[k, j] = 0.0
        elif inside.size == 0 or inside[t, j]:
            u = weights[t, j] if weights.size else 1.0
            if u > 0.0 and u - u == 0.0:
                w[j] = u
                totals[g[j]] += u
                counts[g[j]] += 1
                fitted += 1
    return fitted


@njit(cache=True, nogil=True, error_model="numpy")
def _orthogonalize(
    q: Floats,
    g: Codes,
    w: Floats,
    totals: Floats,
    counts: Counts,
    sums: Floats,
    R: Floats,
    kept: Flags,
) -> None:
    """Turn demeaned columns into orthonormal ones, q R = columns; mark what is not collinear."""
    R[:] = 0.0
    for k in range(q.shape[0]):
        whole = np.sqrt(_dot(q[k], q[k], w))
        _demean(q[k], g, w, totals, counts, sums)
        _demean(q[k], g, w, totals, counts, sums)
        for _ in range(2):
            for m in range(k):
                if kept[m]:
                    c = _dot(q[m], q[k], w)
                    R[m, k] += c
                    _subtract(q[k], q[m], c)
        length = np.sqrt(_dot(q[k], q[k], w))
        kept[k] = length > TOLERANCE * whole
        if kept[k]:
            R[k, k] = length
            for j in range(q.shape[1]):
                q[k, j] /= length


@njit(cache=True, nogil=True, error_model="numpy")
def _residual_rows(
    x: Floats,
    codes: Codes,
    groups: int,
    z: Floats,
    weights: Floats,
    inside: Flags,
    out: Floats,
    kept: Flags,
    slope: Floats,
    fitted: Counts,
    alone: Counts,
) -> None:
    K, size = z.shape[0], x.shape[1]
    y, q, w = np.empty(size), np.empty((K, size)), np.empty(size)
    g, known = np.empty(size, np.int32), np.empty(size, np.bool_)
    totals, counts, sums = np.empty(groups), np.empty(groups, np.int64), np.empty(groups)
    R = np.empty((K, K))
    for t in range(x.shape[0]):
        n = _prepare(x, codes, z, weights, inside, t, y, q, w, g, known, totals, counts)
        fitted[t] = n
        if n == 0:
            out[t] = np.nan
            slope[t] = np.nan
            continue
        for c in counts:
            alone[t] += c == 1
        _demean(y, g, w, totals, counts, sums)
        _demean(y, g, w, totals, counts, sums)
        _orthogonalize(q, g, w, totals, counts, sums, R, kept[t])
        for _ in range(2):
            for k in range(K):
                if kept[t, k]:
                    c = _dot(q[k], y, w)
                    slope[t, k] += c
                    _subtract(y, q[k], c)
        for k in range(K - 1, -1, -1):
            if kept[t, k]:
                s = slope[t, k]
                for m in range(k + 1, K):
                    if kept[t, m]:
                        s -= R[k, m] * slope[t, m]
                slope[t, k] = s / R[k, k]
        _demean(y, g, w, totals, counts, sums)
        for j in range(size):
            out[t, j] = y[j] if known[j] and totals[g[j]] > 0.0 else np.nan
