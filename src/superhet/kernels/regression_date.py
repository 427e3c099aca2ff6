"""One date of a cross-section regression: its cells in order, its exposures demeaned and factored.

This is the careful way, for the cells of one signal: nothing cancels, and collinear columns are told from
others. `regression_tables` is the fast one.

1. cells that are known are put in order: the fitted ones first, each group together  -> arrange
2. the exposures are copied in that order, demeaned within groups and multiplied      -> fill
3. the products are factored (Cholesky); where a column is nearly collinear with earlier ones the columns
   are orthogonalized first, each twice, and one that keeps less than `TOLERANCE` of its length is
   dropped                                                                            -> factor_date
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.ranking import Codes, Flags, Floats, Reals, slot
from superhet.kernels.regression_products import Places

Counts = npt.NDArray[np.int64]

TOLERANCE = 1e-10
"""Relative length below which a column is collinear with the columns before it."""
CLEAR = 1e-8
"""Squared relative length above which the products alone tell that a column is not."""


class Cells(NamedTuple):
    """Which cells a regression is fitted on.

    Parameters
    ----------
    inside, codes, weights : [rows, assets]; without columns they stand for all, one group, equal weights
    size : number of assets; arrays may reach further, and those of several planes past the last row
    """

    inside: Flags
    codes: Codes
    weights: Floats
    size: int


class Date(NamedTuple):
    """The columns of one date.

    Parameters
    ----------
    order : [assets] places of the cells: fitted, outside, not known; the first two by group
    start : [2 groups + 2] where each of these parts begins in `order`
    q, v : [K, assets] columns in that order, and the same times the weight (one array if equal)
    w, totals : [assets] weights in that order; [groups] their sums over the fitted cells
    products : [K, K] inner products of the columns over the fitted cells, lower triangle
    mixed : [K, K] upper triangle; the demeaned exposures are q mixed
    squares : [K] squared length of each exposure before it was demeaned
    """

    order: Places
    start: Counts
    q: Floats
    v: Floats
    w: Floats
    totals: Floats
    products: Floats
    mixed: Floats
    squares: Floats


class Factor(NamedTuple):
    """A Cholesky factor [K, K] of inner products, and the columns [K] that count in it."""

    lower: Floats
    kept: Flags


@njit(cache=True, nogil=True, error_model="numpy")
def new_date(K: int, size: int, groups: int, weighted: bool) -> Date:
    """Make room for a date."""
    q = np.empty((K, size))
    return Date(
        np.empty(size, np.uint32),
        np.empty(2 * groups + 2, np.int64),
        q,
        np.empty((K, size)) if weighted else q,
        np.empty(size if weighted else 0),
        np.empty(groups),
        np.empty((K, K)),
        np.empty((K, K)),
        np.empty(K),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def add_unknown(x: Reals, bad: Reals) -> None:
    """Make `bad` NaN where a signal or an exposure is not finite."""
    for j in range(x.size):
        bad[j] += x[j] - x[j]


@njit(cache=True, nogil=True, error_model="numpy")
def arrange(bad: Reals, cells: Cells, t: int, date: Date) -> None:
    """Order the cells of a row by counting: fitted, outside, not known; each part by group."""
    groups, start = date.totals.size, date.start
    section = _sections(bad, cells.inside[t], cells.codes[t], cells.weights[t], groups)
    free = np.empty(2 * groups + 1, np.int64)
    start[:] = 0
    for s in section:
        start[s + np.uint32(1)] += 1
    for s in range(2 * groups + 1):
        start[s + 1] += start[s]
        free[s] = start[s]
    for j in range(section.size):
        s = section[j]
        date.order[free[s]] = j
        free[s] += 1
    for g in range(groups):
        date.totals[g] = start[g + 1] - start[g]
    if date.w.size:
        weights = cells.weights[t]
        for i in range(start[groups]):
            date.w[i] = weights[date.order[i]]
        for g in range(groups):
            date.totals[g] = add_up(date.w[start[g] : start[g + 1]])


@njit(cache=True, nogil=True, error_model="numpy")
def _sections(bad: Reals, inside: Flags, codes: Codes, weights: Floats, groups: int) -> Places:
    """Give each cell the number of its part: a group, a group's outside, or what is not known."""
    section = np.empty(bad.size, np.uint32)
    for j in range(bad.size):
        s = slot(codes[j], groups) if codes.size else np.uint64(groups - 1)
        fits = inside[j] if inside.size else True
        if weights.size:
            fits = fits & (weights[j] > 0.0) & (weights[j] - weights[j] == 0.0)
        s = s if fits else s + np.uint64(groups)
        section[j] = s if bad[j] == 0.0 else np.uint64(2 * groups)
    return section


@njit(cache=True, nogil=True, error_model="numpy")
def fill(z: Reals, date: Date) -> None:
    """Copy the exposures [K, assets] in the order of the date and demean them."""
    K, groups = z.shape[0], date.totals.size
    known = date.start[2 * groups]
    date.mixed[:] = 0.0
    for k in range(K):
        column, row = date.q[k], z[k]
        for i in range(known):
            column[i] = row[date.order[i]]
        date.squares[k] = demean(column, date)
        date.mixed[k, k] = 1.0
        _weigh(column, date, date.v[k])


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh(column: Floats, date: Date, out: Floats) -> None:
    if date.w.size:
        for i in range(date.start[date.totals.size]):
            out[i] = column[i] * date.w[i]


@njit(cache=True, nogil=True, error_model="numpy")
def demean(y: Floats, date: Date) -> float:
    """Subtract the group means of the fitted cells; return the sum of weight times mean squared."""
    groups = date.totals.size
    square = 0.0
    for g in range(groups):
        fitted, total = y[date.start[g] : date.start[g + 1]], date.totals[g]
        if fitted.size == 0:
            continue
        if fitted.size == 1:
            mean = fitted[0]  # alone: exactly 0 is left
        elif date.w.size:
            mean = dot(fitted, date.w[date.start[g] : date.start[g + 1]]) / total
        else:
            mean = add_up(fitted) / total
        square += total * mean * mean
        _shift(fitted, mean)
        _shift(y[date.start[groups + g] : date.start[groups + g + 1]], mean)
    return square


@njit(cache=True, nogil=True, error_model="numpy")
def _shift(a: Floats, c: float) -> None:
    for i in range(a.size):
        a[i] -= c


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})
def add_up(a: Floats) -> float:
    """Add up; the order depends on the number of cells alone, so it is the same in any tile."""
    total = 0.0
    for i in range(a.size):
        total += a[i]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})
def dot(a: Floats, b: Floats) -> float:
    """Inner product; the order depends on the number of cells alone, as in `add_up`."""
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc"})
def _four_dots(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[float, float, float, float]:
    """Inner products of a and b with c and d: each cell is read once for two of them."""
    ac, ad, bc, bd = 0.0, 0.0, 0.0, 0.0
    for i in range(a.size):
        ac += a[i] * c[i]
        ad += a[i] * d[i]
        bc += b[i] * c[i]
        bd += b[i] * d[i]
    return ac, ad, bc, bd


@njit(cache=True, nogil=True, error_model="numpy")
def products_of(v: Floats, q: Floats, n: int, out: Floats) -> None:
    """Write the lower triangle of the inner products of the first n cells of v and q [K, ...]."""
    K = q.shape[0]
    for k in range(0, K, 2):
        k1 = min(k + 1, K - 1)
        for m in range(0, k1 + 1, 2):
            m1 = min(m + 1, K - 1)
            found = _four_dots(v[k, :n], v[k1, :n], q[m, :n], q[m1, :n])
            out[k, m], out[k, m1], out[k1, m], out[k1, m1] = found


@njit(cache=True, nogil=True, error_model="numpy")
def factor_date(date: Date, factor: Factor) -> float:
    """Multiply the columns, orthogonalized where need be, and factor the products; see `cholesky`."""
    clear = 0.0
    for attempt in range(2):
        products_of(date.v, date.q, date.start[date.totals.size], date.products)
        if attempt == 0:
            for k in range(date.squares.size):
                date.squares[k] += date.products[k, k]
        clear = cholesky(date.products, date.squares, factor)
        if clear >= CLEAR:
            break
        if attempt == 0:
            _orthogonalize(date)
    return clear


@njit(cache=True, nogil=True, error_model="numpy")
def cholesky(products: Floats, squares: Floats, factor: Factor) -> float:
    """Factor the columns that groups do not explain, as far as they are clear of each other.

    Return the least squared length that earlier columns leave of one, relative to that before; where it
    is too little the factor ends.
    """
    L, kept = factor.lower, factor.kept
    clear = 1.0
    for k in range(squares.size):
        left = products[k, k]
        for m in range(k):
            c = products[k, m]
            for i in range(m):
                c -= L[k, i] * L[m, i]
            L[k, m] = c / L[m, m] if kept[m] else 0.0
            left -= L[k, m] * L[k, m]
        kept[k] = products[k, k] > TOLERANCE * TOLERANCE * squares[k]
        L[k, k] = 1.0
        if kept[k]:
            clear = min(clear, left / products[k, k])
            if clear < CLEAR:
                break
            L[k, k] = np.sqrt(left)
    return clear


@njit(cache=True, nogil=True, error_model="numpy")
def _orthogonalize(date: Date) -> None:
    """Make the columns orthonormal over the fitted cells, and 0 where nothing is left of one."""
    q, v, mixed = date.q, date.v, date.mixed
    n, known = date.start[date.totals.size], date.start[2 * date.totals.size]
    for k in range(q.shape[0]):
        for _ in range(2):
            for m in range(k):
                c = dot(v[m, :n], q[k, :n])
                mixed[m, k] += c
                for i in range(known):
                    q[k, i] -= c * q[m, i]
        _weigh(q[k], date, v[k])
        length = np.sqrt(dot(v[k, :n], q[k, :n]))
        if length > TOLERANCE * np.sqrt(date.squares[k]):
            mixed[k, k] = length
            date.squares[k] = 1.0
        else:
            length = np.inf
        for i in range(known):
            q[k, i] /= length
        _weigh(q[k], date, v[k])


@njit(cache=True, nogil=True, error_model="numpy")
def solve(factor: Factor, b: Floats) -> None:
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
