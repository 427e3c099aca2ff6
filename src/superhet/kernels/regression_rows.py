"""Regress many signals on the groups and exposures that they share, row by row.

1. by tables of group sums: exposures are multiplied with each other once for all signals   -> _by_tables
2. where that cancels: the date is ordered and demeaned cell by cell to tell which exposures are
   collinear, and done by tables without them                                         -> _find_kept
3. where that does not help, or a signal lacks many cells: the date is ordered for the one signal -> _by_order

What a signal gets does not depend on the signals beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from superhet.kernels.ranking import Flags, Floats, Reals, group_count
from superhet.kernels.regression_date import (
    Cells,
    Counts,
    Date,
    Factor,
    add_unknown,
    arrange,
    demean,
    dot,
    factor_date,
    fill,
    new_date,
    solve,
)
from superhet.kernels.regression_planes import Planes, planes_of, row_of
from superhet.kernels.regression_tables import (
    BATCH,
    Own,
    Tables,
    add_columns,
    enter,
    factor_signal,
    new_own,
    new_tables,
    solve_signal,
    take_signal,
)

_PLAIN = 1e-4  # squared relative length above which single precision needs no second projection


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


def residual_rows(
    xs: Sequence[Reals] | Reals,
    z: Sequence[Reals] | Reals,
    cells: Cells,
    single: bool,
    found: Found,
    out: Sequence[Reals] | Reals,
) -> None:
    """Write the residuals of m signals on groups and K exposures.

    Parameters
    ----------
    xs, out : [m, rows, assets], or m arrays [rows, assets]
    z : [K, rows, assets], or K arrays [rows, assets]. All are of one type, float32 or float64, and hold the
        assets of a row side by side; they may be wider than `cells.size`
    single : order every date for each signal from the start; weights need it
    found : what is reported
    """
    rows, size = len(cells.inside), cells.size
    like = np.empty(size, out[0].dtype)
    groups = int(group_count(cells.codes, min(size, cells.codes.shape[1])))
    signals, exposures, goals = (planes_of(planes, rows, like) for planes in (xs, z, out))
    todo = np.ones((len(xs), rows), np.bool_)
    if not single:
        date, own = _room(like, len(z), size, groups, min(len(xs), BATCH))
        kept = np.ones((rows, len(z)), np.bool_)
        _by_tables(signals, exposures, cells, kept, (date, own), todo, found, goals)
        if todo.any():
            left = todo.copy()
            _find_kept(exposures, cells, groups, like, left.any(axis=0), kept)
            left[:, kept.all(axis=1)] = False
            todo &= ~left
            _by_tables(signals, exposures, cells, kept, (date, own), left, found, goals)
            todo |= left
    if todo.any():
        _by_order(signals, exposures, cells, groups, like, todo, found, goals)


_KEPT = threading.local()


def _room(like: Reals, *sizes: int) -> tuple[Tables, Own]:
    """Give this thread's room: fresh memory is cleared page by page, which costs as much as its use."""
    key = (like.dtype, *sizes)
    if getattr(_KEPT, "key", None) != key:
        _KEPT.room = new_tables(like, *sizes), new_own(like, *sizes[:3])
        _KEPT.key = key
    room: tuple[Tables, Own] = _KEPT.room
    return room


@njit(cache=True, nogil=True, error_model="numpy")
def _by_tables(
    xs: Planes,
    z: Planes,
    cells: Cells,
    kept: Flags,
    room: tuple[Tables, Own],
    todo: Flags,
    found: Found,
    out: Planes,
) -> None:
    """Do what is to be done and can be trusted so; the rest stays to be done. `kept` [rows, K]."""
    date, own = room
    m, like, batch = todo.shape[0], date.bad, date.lost.size
    for t in range(todo.shape[1]):
        if not todo[:, t].any():
            continue
        whole = enter(z, t, cells, kept[t], date)
        for first in range(0, m, batch):
            last = min(first + batch, m)
            for f in range(first, last):
                take_signal(row_of(xs, f, t, like), date, f - first)
            add_columns(date, first == 0)
            for f in range(first, last):
                if todo[f, t] and factor_signal(date, f - first, own):
                    todo[f, t] = False
                    x, goal = row_of(xs, f, t, like), row_of(out, f, t, like)
                    solve_signal(x, whole, date, f - first, own, goal)
                    if _note(own.counts, own.factor.kept, own.b, found, f, t):
                        _clear_alone(date, own, goal)


@njit(cache=True, nogil=True, error_model="numpy")
def _find_kept(z: Planes, cells: Cells, groups: int, like: Reals, todo: Flags, kept: Flags) -> None:
    """Tell for some of the dates which exposures neither groups nor earlier ones explain on all fitted cells.

    What is collinear on all cells is so on those of any signal.
    """
    K = z.begins.size
    date = new_date(K, like.size, groups, cells.weights.shape[1] > 0)
    factor = Factor(np.empty((K, K)), np.empty(K, np.bool_))
    exposures, bad = np.empty((K, like.size), like.dtype), np.empty(like.size, like.dtype)
    for t in range(todo.size):
        if todo[t]:
            bad[:] = 0.0
            _order(z, t, cells, exposures, bad, date)
            factor_date(date, factor)
            kept[t] = factor.kept


@njit(cache=True, nogil=True, error_model="numpy")
def _order(z: Planes, t: int, cells: Cells, exposures: Reals, bad: Reals, date: Date) -> None:
    """Order the cells of a date, but those that are `bad`, and its exposures."""
    for k in range(exposures.shape[0]):
        exposures[k] = row_of(z, k, t, bad)
        add_unknown(exposures[k], bad)
    arrange(bad, cells, t, date)
    fill(exposures, date)


@njit(cache=True, nogil=True, error_model="numpy")
def _clear_alone(date: Tables, own: Own, goal: Reals) -> None:
    """Give what is alone in its group exactly 0."""
    none = np.uint32(own.counts.size - 1)
    for j in range(goal.size):
        g = date.fit[j]
        if g < none and own.counts[g] == 1 and goal[j] == goal[j]:
            goal[j] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _note(counts: Counts, kept: Flags, slopes: Floats, found: Found, f: int, t: int) -> int:
    """Report the regression of a date; return how many cells are alone in their group."""
    n, alone = 0, 0
    for c in counts:
        n += c
        alone += c == 1
    found.fitted[f, t], found.alone[f, t] = n, alone
    for k in range(kept.size):
        found.kept[f, t, k] = kept[k] and n > 0
        found.slopes[f, t, k] = slopes[k] if n > 0 else np.nan
    return alone


@njit(cache=True, nogil=True, error_model="numpy")
def _by_order(
    xs: Planes,
    z: Planes,
    cells: Cells,
    groups: int,
    like: Reals,
    todo: Flags,
    found: Found,
    out: Planes,
) -> None:
    """Do the dates that are left of each signal on its own."""
    size, K = like.size, z.begins.size
    date = new_date(K, size, groups, cells.weights.shape[1] > 0)
    factor = Factor(np.empty((K, K)), np.empty(K, np.bool_))
    exposures, bad = np.empty((K, size), like.dtype), np.empty(size, like.dtype)
    y, b, slopes = np.empty(size), np.empty(K), np.empty(K)
    for f in range(todo.shape[0]):
        for t in range(todo.shape[1]):
            if not todo[f, t]:
                continue
            x, goal = row_of(xs, f, t, like), row_of(out, f, t, like)
            bad[:] = 0.0
            add_unknown(x, bad)
            _order(z, t, cells, exposures, bad, date)
            clear = factor_date(date, factor)
            for i in range(date.start[2 * groups]):
                y[i] = x[date.order[i]]
            passes = 1 if like.itemsize == 4 and clear > _PLAIN else 2
            _project(date, factor, passes, y, b, slopes)
            counts = date.start[1 : groups + 1] - date.start[:groups]
            _note(counts, factor.kept, slopes, found, f, t)
            goal[:] = np.nan
            _put(y, date, counts, goal)


@njit(cache=True, nogil=True, error_model="numpy")
def _project(date: Date, factor: Factor, passes: int, y: Floats, b: Floats, slopes: Floats) -> None:
    """Take groups and columns out of y, in place, and give the slopes of the exposures."""
    K, kept, R = b.size, factor.kept, date.mixed
    n, known = date.start[date.totals.size], date.start[2 * date.totals.size]
    slopes[:] = 0.0
    for turn in range(passes + 1):
        if turn > 0:
            for k in range(K):
                b[k] = dot(date.v[k, :n], y[:n]) if kept[k] else 0.0
            solve(factor, b)
            for k in range(K):
                slopes[k] += b[k]
            _subtract(date.q, b, y[:known])
        demean(y, date)
    for k in range(K - 1, -1, -1):
        s = slopes[k]
        for m in range(k + 1, K):
            s -= R[k, m] * slopes[m]
        slopes[k] = s / R[k, k] if kept[k] else 0.0


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
