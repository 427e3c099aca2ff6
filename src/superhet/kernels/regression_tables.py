"""One date of a cross-section regression by tables of group sums, without ordering its cells.

The cells stay in the order of memory; what groups explain is taken out of the sums of products:

1. exposures are copied, 0 where a cell is not fitted                                 -> enter
2. signals are copied beside them, and the cells that each lacks are noted            -> take_signal
3. the columns are added up by group, the exposures multiplied with each other        -> add_columns
4. for each signal the products lose what its missing cells and the group means hold, and are
   factored; groups and columns are taken out of the signal                           -> solve_signal

With S the sums of the columns over a group of c cells, the products lose S S'/c. That cancels where groups or
earlier columns explain nearly all of a column: `solve_signal` then refuses, and the date is ordered and
demeaned cell by cell (`regression_date`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from superhet.kernels.ranking import Codes, Flags, Floats, Reals
from superhet.kernels.regression_date import Cells, Counts, Factor, cholesky, solve
from superhet.kernels.regression_planes import Planes, row_of
from superhet.kernels.regression_products import (
    LANES,
    Places,
    add_by_group,
    gram,
    products_with,
    subtract,
)

BATCH = 8  # signals that are added up by group together
_FEW = 4  # a signal must lack less than a quarter of the fitted cells
_LEFT = 1e-6  # the least share of a column's square that groups and earlier columns must leave


class Tables(NamedTuple):
    """Room for a date with K exposures; `groups` stands for no group.

    Parameters
    ----------
    columns : [C, assets] exposures, then signals, then zeros; 0 where a cell is not fitted
    whole : [K, at least 1, assets] exposures; 0 where a cell is not known
    bad : [assets] NaN where an exposure is not finite
    fit, known : [assets] group of each cell that is fitted, that is known
    missing : [assets or more] 1 where a signal lacks a fitted cell
    gone, lost : [batch, assets] these places, [batch] their number
    counts : [groups] fitted cells
    lanes, sums : [LANES, groups + 1, C] and [groups + 1, C] sums of the columns by group
    products : [K, K] inner products of the exposures over the fitted cells, lower half
    """

    columns: Reals
    whole: Reals
    bad: Reals
    fit: Places
    known: Places
    missing: Flags
    gone: Places
    lost: Counts
    counts: Counts
    lanes: Floats
    sums: Floats
    products: Floats


class Own(NamedTuple):
    """Room for what a signal has of its own.

    Parameters
    ----------
    counts, mean : [groups], [groups + 1] fitted cells and intercepts
    totals : [groups + 1, K] sums of the exposures over the fitted cells of each group
    part : [K, ...] cells that are gone, and the sums of each group over the root of its count
    inner, factor : products of the exposures within groups, [K, K]
    b, step : [K] slopes
    sums : [LANES, groups + 1] what the lanes of `rest` hold
    y, spare, rest : [assets]
    """

    counts: Counts
    mean: Floats
    totals: Floats
    part: Floats
    inner: Floats
    factor: Factor
    b: Floats
    step: Floats
    sums: Floats
    y: Floats
    spare: Floats
    rest: Reals


@njit(cache=True, nogil=True, error_model="numpy")
def new_tables(like: Reals, K: int, size: int, groups: int, batch: int) -> Tables:
    """Make room for a date, and for `batch` signals of the type of `like`."""
    C = (K + batch + LANES - 1) // LANES * LANES
    return Tables(
        np.zeros((C, size), like.dtype),
        np.zeros((max(K, 1), size), like.dtype),
        np.empty(size, like.dtype),
        np.full(size, groups, np.uint32),
        np.empty(size, np.uint32),
        np.zeros((size + 7) // 8 * 8, np.uint8),
        np.empty((batch, size), np.uint32),
        np.zeros(batch, np.int64),
        np.zeros(groups + 1, np.int64),
        np.empty((LANES, groups + 1, C)),
        np.empty((groups + 1, C)),
        np.empty((K, K)),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def new_own(like: Reals, K: int, size: int, groups: int) -> Own:
    """Make room for a signal."""
    return Own(
        np.empty(groups + 1, np.int64),
        np.empty(groups + 1),
        np.empty((groups + 1, K)),
        np.empty((K, size // _FEW + 1 + min(groups, size))),
        np.empty((K, K)),
        Factor(np.empty((K, K)), np.empty(K, np.bool_)),
        np.empty(K),
        np.empty(K),
        np.empty((LANES, groups + 1)),
        np.empty(size),
        np.empty(size),
        np.empty(size, like.dtype),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def enter(z: Planes, t: int, cells: Cells, kept: Flags, date: Tables) -> Reals:
    """Copy the exposures of a date, 0 in place of one that is not kept; give those of all known cells."""
    K = date.products.shape[0]
    date.bad[:] = 0.0
    for k in range(K):
        _copy_and_mark(row_of(z, k, t, date.bad), date.columns[k], date.bad)
        if not kept[k]:
            date.columns[k] = 0.0
    unknown = _find_known(cells.codes[t], date)
    outside = _find_fitted(cells.inside[t], date)
    if unknown:
        _clear(date.columns[:K], date.known, date.counts.size - 1)
    if not outside:
        return date.columns
    for k in range(K):
        row, column = date.columns[k], date.whole[k]
        for j in range(row.size):
            column[j] = row[j]
    _clear(date.columns[:K], date.fit, date.counts.size - 1)
    return date.whole


@njit(cache=True, nogil=True, error_model="numpy")
def _copy_and_mark(row: Reals, column: Reals, bad: Reals) -> None:
    """Copy an exposure, and make `bad` NaN where it is not finite."""
    for j in range(row.size):
        column[j] = row[j]
        bad[j] += row[j] - row[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _clear(columns: Reals, places: Places, none: int) -> None:
    """Make 0 the cells without a group."""
    for j in range(places.size):
        if places[j] == np.uint32(none):
            for k in range(columns.shape[0]):
                columns[k, j] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _find_known(codes: Codes, date: Tables) -> bool:
    """Give each cell its group; return whether there are cells without one, as they are not known."""
    bad, known, none = date.bad, date.known, np.uint32(date.counts.size - 1)
    last, most = np.uint32(none - np.uint32(1)), np.uint32(0)
    if codes.size:
        for j in range(bad.size):
            # -1 is the largest unsigned number
            g = min(np.uint32(codes[j]), last)
            g = g if bad[j] == 0.0 else none
            most = max(most, g)
            known[j] = g
    else:
        for j in range(bad.size):
            g = last if bad[j] == 0.0 else none
            most = max(most, g)
            known[j] = g
    return bool(most == none)


@njit(cache=True, nogil=True, error_model="numpy")
def _find_fitted(inside: Flags, date: Tables) -> bool:
    """Give each fitted cell its group; return whether there are others that are known."""
    known, fit, none = date.known, date.fit, np.uint32(date.counts.size - 1)
    changed, outside = np.uint32(0), np.uint32(0)
    if inside.size:
        for j in range(known.size):
            f = known[j] if inside[j] else none
            changed |= np.uint32(fit[j] ^ f)
            outside |= np.uint32(known[j] ^ f)
            fit[j] = f
    else:
        for j in range(known.size):
            changed |= np.uint32(fit[j] ^ known[j])
            fit[j] = known[j]
    if changed:
        date.counts[:] = 0
        for j in range(fit.size):
            date.counts[fit[j]] += 1
        date.counts[none] = 0
    return bool(outside)


@njit(cache=True, nogil=True, error_model="numpy")
def take_signal(x: Reals, date: Tables, place: int) -> None:
    """Copy a signal beside the exposures, and note the fitted cells that it lacks."""
    none = np.uint32(date.counts.size - 1)
    column = date.columns[date.products.shape[0] + place]
    fit, missing = date.fit, date.missing
    for j in range(x.size):
        v = x[j]
        ok = v - v == 0.0
        fits = fit[j] < none
        column[j] = v if ok & fits else 0.0
        missing[j] = fits & (not ok)
    words, gone, lost = missing.view(np.uint64), date.gone[place], 0
    for i in range(words.size):
        if words[i]:
            for j in range(8 * i, 8 * i + 8):
                if missing[j]:
                    gone[lost] = j
                    lost += 1
    date.lost[place] = lost


@njit(cache=True, nogil=True, error_model="numpy")
def add_columns(date: Tables, first: bool) -> None:
    """Add up by group, and multiply the exposures when they are new."""
    K = date.products.shape[0]
    date.lanes[:] = 0.0
    add_by_group(date.columns, date.fit, date.lanes)
    a, b, c, d = date.lanes[0], date.lanes[1], date.lanes[2], date.lanes[3]
    for g in range(a.shape[0]):
        for k in range(a.shape[1]):
            date.sums[g, k] = (a[g, k] + b[g, k]) + (c[g, k] + d[g, k])
    if first:
        gram(date.columns[:K], date.bad.size, date.products)


@njit(cache=True, nogil=True, error_model="numpy")
def factor_signal(date: Tables, place: int, own: Own) -> bool:
    """Factor the products of the exposures over the cells of one signal; return whether to trust them.

    They are not to be trusted where groups and earlier columns leave too little of a column.
    """
    K, groups = date.products.shape[0], date.counts.size - 1
    lost, n = date.lost[place], 0
    own.counts[groups] = 0
    for g in range(groups):
        own.counts[g] = date.counts[g]
        n += date.counts[g]
        for k in range(K):
            own.totals[g, k] = date.sums[g, k]
    if lost * _FEW >= n:
        return False
    for i in range(lost):
        j = date.gone[place, i]
        g = date.fit[j]
        own.counts[g] -= 1
        for k in range(K):
            v = date.columns[k, j]
            own.part[k, i] = v
            own.totals[g, k] -= v
    for g in range(groups):
        if own.counts[g] > 0:
            root = np.sqrt(1.0 / own.counts[g])
            for k in range(K):
                own.part[k, lost] = own.totals[g, k] * root
            lost += 1
    gram(own.part, lost, own.inner)
    for k in range(K):
        for m in range(k + 1):
            own.inner[k, m] = date.products[k, m] - own.inner[k, m]
        if date.products[k, k] > 0.0 and not own.inner[k, k] > _LEFT * date.products[k, k]:
            return False
        own.step[k] = own.inner[k, k]
    if cholesky(own.inner, own.step, own.factor) < _LEFT:
        return False
    for k in range(K):
        left = own.factor.lower[k, k]
        if left * left < _LEFT * date.products[k, k]:
            return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def solve_signal(x: Reals, whole: Reals, date: Tables, place: int, own: Own, out: Reals) -> None:
    """Write the residual of a signal whose products are factored; the slopes are left in own.b.

    In double precision what the first solution leaves is solved for once more.
    """
    K, groups = own.b.size, date.counts.size - 1
    own.b[:] = 0.0
    for g in range(groups + 1):
        own.mean[g] = 0.0 if g < groups and own.counts[g] > 0 else np.nan
    y, sums = date.columns[K + place], date.sums[:, K + place]
    for turn in range(x.itemsize // 4):
        if turn > 0:
            _explain(x, own, date.known, whole, own.rest)
            _keep_fitted(own.rest, date.fit, groups)
            _add_up(own.rest, date.fit, own.sums, sums)
            y = own.rest
        products_with(date.columns, y, own.step)
        _step(own, sums)
    _explain(x, own, date.known, whole, out)


@njit(cache=True, nogil=True, error_model="numpy")
def _step(own: Own, sums: Floats) -> None:
    """Add to slopes and intercepts, given products with the exposures in own.step and sums by group."""
    K = own.b.size
    for g in range(own.counts.size - 1):
        if own.counts[g] > 0:
            mean = sums[g] / own.counts[g]
            for k in range(K):
                own.step[k] -= own.totals[g, k] * mean
    solve(own.factor, own.step)
    for k in range(K):
        own.b[k] += own.step[k]
    for g in range(own.counts.size - 1):
        if own.counts[g] > 0:
            total = sums[g]
            for k in range(K):
                total -= own.totals[g, k] * own.step[k]
            own.mean[g] += total / own.counts[g]


@njit(cache=True, nogil=True, error_model="numpy")
def _explain(x: Reals, own: Own, known: Places, whole: Reals, out: Reals) -> None:
    """Write x less its intercepts and slopes; NaN where x is not finite."""
    y, mean = own.y, own.mean
    for j in range(x.size):
        y[j] = mean[known[j]]
    subtract(x, whole, own.b, y, own.spare, out)


@njit(cache=True, nogil=True, error_model="numpy")
def _keep_fitted(rest: Reals, fit: Places, groups: int) -> None:
    """Make 0 what has no part in sums: cells that are not fitted or lack the signal."""
    for j in range(rest.size):
        v = rest[j]
        rest[j] = v if (fit[j] < np.uint32(groups)) & (v == v) else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _add_up(y: Reals, fit: Places, lanes: Floats, sums: Floats) -> None:
    """Add up by group, in lanes as `add_by_group` does."""
    lanes[:] = 0.0
    whole = y.size - y.size % LANES
    for j in range(0, whole, LANES):
        for lane in range(LANES):
            lanes[lane, fit[j + lane]] += y[j + lane]
    for j in range(whole, y.size):
        lanes[0, fit[j]] += y[j]
    for g in range(sums.size):
        sums[g] = (lanes[0, g] + lanes[1, g]) + (lanes[2, g] + lanes[3, g])
