"""Regress many signals on the groups and exposures that they share, row by row.

1. each date is ordered and factored                                                   -> regression_date
2. for each signal, the fitted cells that it lacks are taken out of the products; where too many are,
   the date is factored for it alone                                                   -> _without
3. the signal is demeaned, projected and demeaned again, twice over in double precision -> _project

What a signal gets does not depend on the signals beside it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from superhet.kernels.ranking import Flags, Floats, Reals, group_count
from superhet.kernels.regression_date import (
    CLEAR,
    Cells,
    Counts,
    Date,
    Factor,
    add_unknown,
    add_up,
    arrange,
    cholesky,
    demean,
    dot,
    factor_date,
    fill,
    mark_unknown,
    new_date,
    products_of,
)

_PLAIN = 1e-4  # squared relative length above which single precision needs no second projection
_FEW = 4  # a signal that lacks less than a quarter of the fitted cells shares the factored date
_HEAVY = 1e-6  # the least share of a column's square that the cells of such a signal must hold


class Found(NamedTuple):
    """The fields of `RegressionReport` for m signals: [m, rows, ...]."""

    kept: Flags
    slopes: Floats
    fitted: Counts
    alone: Counts


def empty_report(signals: int, rows: int, exposures: int) -> Found:
    """Make room for the reports of `signals` regressions."""
    shape = (signals, rows)
    return Found(
        np.zeros((*shape, exposures), dtype=np.bool_),
        np.zeros((*shape, exposures)),
        np.zeros(shape, dtype=np.int64),
        np.zeros(shape, dtype=np.int64),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def residual_rows(
    xs: Reals, z: Reals, cells: Cells, single: bool, found: Found, out: Reals
) -> None:
    """Write the residuals of xs [m, rows, assets] on groups and z [K, rows, assets].

    `single` fits a date on the cells of the one signal from the start; weights need it.
    """
    m, size, K = xs.shape[0], cells.size, z.shape[0]
    groups = group_count(cells.codes, min(size, cells.codes.shape[1]))
    date = new_date(K, size, groups, cells.weights.shape[1] > 0)
    shared = Factor(np.empty((K, K)), np.empty(K, np.bool_))
    fewer = Factor(np.empty((K, K)), np.empty(K, np.bool_))
    bad, line = np.empty(size, z.dtype), np.empty(size)
    y, gone = np.empty(size), np.empty(size, np.int64)
    counts, b, part = np.empty(groups, np.int64), np.empty(K), np.empty((K, size // _FEW + 1))
    apart = np.empty(m, np.bool_)
    for t in range(cells.inside.shape[0]):
        apart[:] = single
        # all signals together, then those that need the date to themselves
        for turn in range(-1, m):
            if (turn < 0 and single) or (turn >= 0 and not apart[turn]):
                continue
            mark_unknown(z, t, bad)
            if turn >= 0:
                add_unknown(xs[turn, t, :size], bad)
            arrange(bad, cells, t, date)
            fill(z, t, date)
            plain = factor_date(date, shared)
            for f in range(max(turn, 0), m if turn < 0 else turn + 1):
                for j in range(size):  # in the order of memory, before it is jumped about in
                    line[j] = xs[f, t, j]
                lost, absent = _take(line, date, y, gone, counts)
                factor, clear = shared, plain
                if lost > 0:
                    factor, clear = fewer, 0.0
                    if lost * _FEW < date.start[groups]:
                        clear = _without(date, gone[:lost], counts, part, shared.kept, fewer)
                    apart[f] = clear < CLEAR
                    if apart[f]:
                        continue
                goal = out[f, t, :size]
                goal[:] = np.nan
                n = _note(counts, factor.kept, found, f, t)
                if n > 0:
                    passes = 1 if out.itemsize == 4 and clear > _PLAIN else 2
                    slope = found.slopes[f, t]
                    _project(date, factor, gone[:lost], counts, passes, y, b, slope)
                    _set(y, gone[:absent], np.nan)
                    _put(y, date, counts, goal)


@njit(cache=True, nogil=True, error_model="numpy")
def _note(counts: Counts, kept: Flags, found: Found, f: int, t: int) -> int:
    """Report the cells that are fitted, those alone in their group and the columns; return the first."""
    n, alone = 0, 0
    for c in counts:
        n += c
        alone += c == 1
    found.fitted[f, t], found.alone[f, t] = n, alone
    for k in range(kept.size):
        found.kept[f, t, k] = kept[k] and n > 0
        found.slopes[f, t, k] = 0.0 if n > 0 else np.nan
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _take(x: Floats, date: Date, y: Floats, gone: Counts, counts: Counts) -> tuple[int, int]:
    """Copy a signal in the order of the date, 0 where it is missing.

    The places of missing cells go to `gone`, the number of fitted cells of each group to `counts`; return
    how many missing cells would be fitted, and how many there are.
    """
    groups = counts.size
    n, known = date.start[groups], date.start[2 * groups]
    lost, absent = 0, 0
    for i in range(known):
        v = x[date.order[i]]
        y[i] = v
        if v - v != 0.0:
            y[i] = 0.0
            gone[absent] = i
            absent += 1
            lost += i < n
    first = 0
    for g in range(groups):
        last = first
        while last < lost and gone[last] < date.start[g + 1]:
            last += 1
        counts[g] = date.start[g + 1] - date.start[g] - (last - first)
        first = last
    return lost, absent


@njit(cache=True, nogil=True, error_model="numpy")
def _without(
    date: Date, gone: Counts, counts: Counts, part: Floats, kept: Flags, factor: Factor
) -> float:
    """Factor the date without some of its fitted cells; return how clear of collinearity it is.

    Means move as well: with S the sum of the columns over the cells of a group that are gone, and c the
    number of those that stay, the products lose S S'/c on top of what the cells held. Where
    hardly anything of a column stays the difference is not to be trusted: 0.
    """
    K, lost = date.q.shape[0], gone.size
    for k in range(K):
        for i in range(lost):
            part[k, i] = date.q[k, gone[i]]
    left, sums = np.empty((K, K)), np.empty(K)
    products_of(part, part, lost, left)
    for k in range(K):
        for m in range(k + 1):
            left[k, m] = date.products[k, m] - left[k, m]
    first = 0
    for g in range(counts.size):
        last = first
        while last < lost and gone[last] < date.start[g + 1]:
            last += 1
        if last > first and counts[g] > 0:
            for k in range(K):
                sums[k] = add_up(part[k, first:last])
                for m in range(k + 1):
                    left[k, m] -= sums[k] * sums[m] / counts[g]
        first = last
    for k in range(K):
        if kept[k] and left[k, k] < _HEAVY * date.products[k, k]:
            return 0.0
    clear: float = cholesky(left, date.squares, factor)
    return clear


@njit(cache=True, nogil=True, error_model="numpy")
def _project(
    date: Date,
    factor: Factor,
    gone: Counts,
    counts: Counts,
    passes: int,
    y: Floats,
    b: Floats,
    slope: Floats,
) -> None:
    """Take groups and columns out of y, in place, and add to the slopes of the exposures."""
    K, kept, R = b.size, factor.kept, date.mixed
    n, known = date.start[counts.size], date.start[2 * counts.size]
    for turn in range(passes + 1):
        if turn > 0:
            for k in range(K):
                b[k] = dot(date.v[k, :n], y[:n]) if kept[k] else 0.0
            _solve(factor, b)
            for k in range(K):
                slope[k] += b[k]
            _subtract(date.q, b, y[:known])
        _set(
            y, gone, 0.0
        )  # what is gone has no part in the means, and none in what is measured next
        demean(y, date, counts)
        _set(y, gone, 0.0)
    for k in range(K - 1, -1, -1):
        s = slope[k]
        for m in range(k + 1, K):
            s -= R[k, m] * slope[m]
        slope[k] = s / R[k, k] if kept[k] else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _set(y: Floats, places: Counts, value: float) -> None:
    for i in places:
        y[i] = value


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(factor: Factor, b: Floats) -> None:
    """Solve L L'b = b in place; columns that do not count have 0."""
    L, kept = factor.lower, factor.kept
    for k in range(b.size):
        for m in range(k):
            b[k] -= L[k, m] * b[m]
        b[k] = b[k] / L[k, k] if kept[k] else 0.0
    for k in range(b.size - 1, -1, -1):
        for m in range(k + 1, b.size):
            b[k] -= L[m, k] * b[m]
        b[k] = b[k] / L[k, k] if kept[k] else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _subtract(q: Floats, b: Floats, y: Floats) -> None:
    """Subtract the columns times b, four at a time."""
    K = b.size
    whole = K - K % 4
    for k in range(0, whole, 4):
        b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
        q0, q1, q2, q3 = q[k], q[k + 1], q[k + 2], q[k + 3]
        for i in range(y.size):
            y[i] = y[i] - b0 * q0[i] - b1 * q1[i] - b2 * q2[i] - b3 * q3[i]
    for k in range(whole, K):
        for i in range(y.size):
            y[i] -= b[k] * q[k, i]


@njit(cache=True, nogil=True, error_model="numpy")
def _put(y: Floats, date: Date, counts: Counts, out: Reals) -> None:
    """Write the known cells of the groups that have a fitted cell."""
    groups = counts.size
    for s in range(2 * groups):
        if counts[s % groups] > 0:
            for i in range(date.start[s], date.start[s + 1]):
                out[date.order[i]] = y[i]
