"""A signal against a forward return, row by row: correlations, quantiles and what they earned, in few passes.

Rows are dates. Both sides come sorted, as `pair_ranks.ranked` gives them; nothing is sorted here.

1. ranks among the pairs, and their correlation                           -> pair_ranks, rank_products
2. means and deviations of the values give the correlation of Pearson, and the return of a book that holds
   each name in proportion to its signal over the mean                                     -> _moments
3. quantiles are cut where the rank passes an edge                                -> rank_edges, cut
4. the forward returns of each quantile, over the mean of the date, are added up          -> _add_up
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.pair_ranks import (
    Floats,
    Integers,
    Ranked,
    Ranks,
    Reals,
    Whole,
    pair_ranks,
    rank_correlation,
    rank_products,
)

Buckets = npt.NDArray[np.int16]
Numbers = npt.NDArray[Any]
PAIRS, IC, RANK_IC, MEAN, WEIGHTED = 0, 1, 2, 3, 4
"""Columns of what `judge_rows` says of a row: pairs, correlations, mean forward return of the pairs, return
of the book weighted by the signal (gross 1)."""
COLUMNS = 5
_LANES, _EDGES = 4, 4
_SUMS = {"reassoc", "contract"}  # lets a sum be kept in the lanes of a register


@njit(cache=True, nogil=True, error_model="numpy")
def judge_rows(
    x: Reals,
    left: Ranked,
    y: Reals,
    right: Ranked,
    minimum: int,
    interpolated: bool,
    facts: Floats,
    means: Floats,
    errors: Floats,
    sizes: Integers,
    buckets: Buckets,
) -> None:
    """Judge rows of a signal `x` by forward returns `y`.

    Parameters
    ----------
    x, y : [rows, names]
    left, right : of x and of y
    minimum : a row with fewer pairs has no correlation
    interpolated : whether an edge is a percentile between two values, or cuts by average rank
    facts : [rows, COLUMNS], written
    means, errors, sizes : [rows, quantiles], written: mean of y, its standard error, names
    buckets : [rows, names], written: 1 = lowest quantile; 0 = in no pair
    """
    rows, names = x.shape
    quantiles = means.shape[1]
    kind = left.ranks.dtype
    a, b = np.empty(names, kind), np.empty(names, kind)
    edges, room = np.empty(_padded(quantiles), kind), np.empty(names + 1, kind)
    sums = np.empty((_LANES, quantiles + 1, 2))
    for t in range(rows):
        n = pair_ranks(left, right, t, a, b)
        products = rank_products(a, b, n)
        facts[t, PAIRS] = n
        facts[t, RANK_IC] = rank_correlation(products, n, minimum)
        mean = _moments(x[t], y[t], a, n, minimum, facts[t])
        rank_edges(a, n, quantiles, left.tied[t], interpolated, room, edges)
        cut(a, n, edges, left.tied[t], buckets[t], sizes[t])
        _add_up(buckets[t], y[t], mean, sums, means[t], errors[t], sizes[t])


@njit(cache=True, nogil=True, error_model="numpy")
def _moments(x: Reals, y: Reals, a: Ranks, n: Whole, minimum: int, facts: Floats) -> float:
    """Write what depends on values rather than ranks; return the mean of y."""
    sum_x, sum_y = sum_pairs(x, y, a)
    count = np.float64(max(n, 1))
    mean_x, mean_y = sum_x / count, sum_y / count
    xx, xy, yy, gross = pair_deviations(x, y, a, mean_x, mean_y)
    facts[IC] = correlation(xx, xy, yy, mean_x, mean_y) if n >= minimum else np.nan
    facts[MEAN] = mean_y if n > 0 else np.nan
    moves = n >= minimum and xx > _floor(mean_x)
    facts[WEIGHTED] = xy / gross if moves else np.nan
    return float(mean_y)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def sum_pairs(x: Reals, y: Reals, a: Ranks) -> tuple[float, float]:
    """Sum both sides where `a` is not 0."""
    p, q = 0.0, 0.0
    for i in range(x.size):
        inside = a[i] > 0
        p += np.float64(x[i]) if inside else 0.0
        q += np.float64(y[i]) if inside else 0.0
    return p, q


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def pair_deviations(
    x: Reals, y: Reals, a: Ranks, mean_x: float, mean_y: float
) -> tuple[float, float, float, float]:
    """Sum the products of deviations where `a` is not 0: of x, of both, of y; and |deviation of x|."""
    xx, xy, yy, gross = 0.0, 0.0, 0.0, 0.0
    for i in range(x.size):
        inside = a[i] > 0
        p = np.float64(x[i]) - mean_x if inside else 0.0
        q = np.float64(y[i]) - mean_y if inside else 0.0
        xx += p * p
        xy += p * q
        yy += q * q
        gross += abs(p)
    return xx, xy, yy, gross


@njit(cache=True, nogil=True, error_model="numpy")
def correlation(xx: float, xy: float, yy: float, mean_x: float, mean_y: float) -> float:
    """Correlate; NaN where a side does not move, for rounding around a mean is no movement."""
    if not (xx > _floor(mean_x) and yy > _floor(mean_y)):
        return np.nan
    return float(min(max(xy / (np.sqrt(xx) * np.sqrt(yy)), -1.0), 1.0))


@njit(cache=True, nogil=True, error_model="numpy")
def _floor(mean: float) -> float:
    return float(max(1e-13 * abs(mean), 1e-150) ** 2)


@njit(cache=True, nogil=True, error_model="numpy")
def _padded(quantiles: int) -> int:
    """Give the room for edges, which are passed in fours."""
    return (quantiles + 2) // _EDGES * _EDGES


@njit(cache=True, nogil=True, error_model="numpy")
def rank_edges(
    a: Ranks, n: Whole, quantiles: int, tied: bool, interpolated: bool, room: Ranks, edges: Ranks
) -> None:
    """Write the doubled rank that each edge lies at: a name above it is in a higher quantile.

    By average rank, quantile q + 1 begins at (rank - 1/2) / n = q / quantiles. An interpolated edge lies
    between the two values around position (n - 1) q / quantiles, or on one; the lower one is still below.
    Nobody is above the edges that fill up the room.
    """
    for q in range(1, edges.size + 1):
        if q >= quantiles:
            edges[q - 1] = 2 * n
        elif interpolated:
            edges[q - 1] = 2 * ((n - 1) * q // quantiles + 1)
        else:
            edges[q - 1] = (2 * n * q + quantiles - 1) // quantiles
    if tied and interpolated:  # with ties, the rank at a position is that of its tie
        room[: n + 1] = 0
        for i in range(a.size):
            room[a[i] >> 1] += np.uint8(1)
        q, below = 0, np.int64(0)
        for k in range(1, n + 1):
            here = np.int64(room[k])
            while q < quantiles - 1 and here > 0 and edges[q] >> 1 <= below + here:
                edges[q] = 2 * below + here + 1
                q += 1
            below += here


@njit(cache=True, nogil=True, error_model="numpy")
def cut(a: Ranks, n: Whole, edges: Ranks, tied: bool, buckets: Buckets, sizes: Integers) -> None:
    """Write the quantile of each name and their numbers; fewer names than quantiles have none."""
    sizes[:] = 0
    if n < sizes.size:
        buckets[:] = 0
        return
    for i in range(a.size):
        buckets[i] = a[i] > 0
    for q in range(0, edges.size, _EDGES):
        e, f, g, h = edges[q], edges[q + 1], edges[q + 2], edges[q + 3]
        for i in range(a.size):
            r = a[i]
            buckets[i] += np.int16(r > e) + np.int16(r > f) + np.int16(r > g) + np.int16(r > h)
    if tied:
        for i in range(a.size):
            if buckets[i] > 0:
                sizes[buckets[i] - 1] += 1
        return
    below = np.int64(0)
    for q in range(sizes.size - 1):
        sizes[q] = np.int64(edges[q] >> 1) - below
        below = np.int64(edges[q] >> 1)
    sizes[-1] = n - below


@njit(cache=True, nogil=True, error_model="numpy")
def cut_rows(ranks: Ranks, quantiles: int, buckets: Buckets) -> None:
    """Write the quantile of each name by average rank among all that are known, [rows, names]."""
    rows, names = ranks.shape
    edges, room = np.empty(_padded(quantiles), ranks.dtype), np.empty(0, ranks.dtype)
    sizes = np.empty(quantiles, np.int64)
    for t in range(rows):
        n = np.int64(0)
        for i in range(names):
            n += np.int64(ranks[t, i] > 0)
        rank_edges(ranks[t], n, quantiles, False, False, room, edges)
        cut(ranks[t], n, edges, True, buckets[t], sizes)


@njit(cache=True, nogil=True, error_model="numpy")
def add_up_rows(buckets: Buckets, y: Reals, means: Floats, sizes: Integers) -> None:
    """Write mean and number of each quantile, [rows, quantiles]."""
    rows, quantiles = means.shape
    sums, errors = np.empty((_LANES, quantiles + 1, 2)), np.empty(quantiles)
    for t in range(rows):
        sizes[t] = 0
        for i in range(y.shape[1]):
            if buckets[t, i] > 0:
                sizes[t, buckets[t, i] - 1] += 1
        _add_up(buckets[t], y[t], 0.0, sums, means[t], errors, sizes[t])


@njit(cache=True, nogil=True, error_model="numpy")
def pearson_rows(x: Reals, y: Reals, minimum: int, out: Floats) -> None:
    """Write the correlation of each row's pairs, [rows]."""
    rows, names = x.shape
    inside, facts = np.empty(names, np.uint16), np.empty(COLUMNS)
    for t in range(rows):
        n = np.int64(0)
        for i in range(names):
            both = (x[t, i] == x[t, i]) & (y[t, i] == y[t, i])
            inside[i] = both
            n += np.int64(both)
        _moments(x[t], y[t], inside, n, minimum, facts)
        out[t] = facts[IC]


@njit(cache=True, nogil=True, error_model="numpy")
def _add_up(
    buckets: Buckets,
    y: Reals,
    mean: float,
    sums: Floats,
    means: Floats,
    errors: Floats,
    sizes: Integers,
) -> None:
    """Write mean and standard error of each quantile; sums run in lanes, joined in a fixed order."""
    names, quantiles = y.size, means.size
    sums[:] = 0.0
    whole = names - names % _LANES
    for i in range(0, whole, _LANES):
        for lane in range(_LANES):
            v = np.float64(y[i + lane]) - mean
            part = sums[lane, np.uint64(buckets[i + lane])]
            part[0] += v
            part[1] += v * v
    for i in range(whole, names):
        v = np.float64(y[i]) - mean
        part = sums[0, np.uint64(buckets[i])]
        part[0] += v
        part[1] += v * v
    for q in range(1, quantiles + 1):
        n, s, ss = np.float64(sizes[q - 1]), 0.0, 0.0
        for lane in range(_LANES):
            s += sums[lane, q, 0]
            ss += sums[lane, q, 1]
        means[q - 1] = mean + s / n if n > 0.0 else np.nan
        spread = max(ss - s * s / n, 0.0) / (n - 1.0) if n > 1.0 else np.nan
        errors[q - 1] = np.sqrt(spread / n)


@njit(cache=True, nogil=True, error_model="numpy")
def newcomers(
    now: Buckets, before: Buckets, sizes_now: Integers, sizes_before: Integers, out: Floats
) -> None:
    """Write the share of each quantile's names that were not in it before.

    Parameters
    ----------
    now, before : [rows, names], quantiles of two dates
    sizes_now, sizes_before : [rows, quantiles], names in each
    out : [rows, quantiles], written; NaN where a quantile was or is empty
    """
    rows, names = now.shape
    quantiles = out.shape[1]
    stayed, same = np.empty((_LANES, quantiles + 1), np.int64), np.empty(names, np.uint16)
    whole = names - names % _LANES
    for t in range(rows):
        a, b = now[t], before[t]
        for i in range(names):
            same[i] = a[i] if a[i] == b[i] else 0
        stayed[:] = 0
        for i in range(0, whole, _LANES):
            for lane in range(_LANES):
                stayed[lane, same[i + lane]] += 1
        for i in range(whole, names):
            stayed[0, same[i]] += 1
        for q in range(quantiles):
            kept = stayed[0, q + 1] + stayed[1, q + 1] + stayed[2, q + 1] + stayed[3, q + 1]
            some = sizes_now[t, q] > 0 and sizes_before[t, q] > 0
            left = np.float64(sizes_now[t, q] - kept)
            out[t, q] = left / sizes_now[t, q] if some else np.nan
