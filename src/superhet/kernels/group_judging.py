"""A signal against a forward return within many groups, row by row, without sorting again.

1. walking a row's order deals its names out to their groups, where they arrive in order    -> _deal
2. their places within the group are the ranks there; ties share theirs                     -> _rank_group
3. the other side is dealt out likewise, and the products of ranks are added up             -> _products
4. what the quantiles of all names earned in each group                             -> group_quantile_rows

Rows are dates. Which names are pairs is read from the ranks among pairs, 0 = none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.pair_ranks import (
    Floats,
    Integers,
    Products,
    Ranked,
    Ranks,
    Reals,
    rank_correlation,
)
from superhet.kernels.ranking import still

Codes = npt.NDArray[np.int32]
Buckets = npt.NDArray[np.int16]
Numbers = npt.NDArray[Any]


def spearman_in_groups(
    left: Ranked, right: Ranked, codes: Numbers, groups: int, minimum: int = 3
) -> Floats:
    """Correlate average ranks within each group, [rows, groups].

    Parameters
    ----------
    left, right : of the two sides, [rows, names]
    codes : [rows, names], 0 … groups - 1; -1 = in no group
    minimum : a group with fewer pairs on a date gives NaN
    """
    rows = len(left.known)
    out = np.empty((rows, groups))
    kept = still(np.ascontiguousarray(codes, dtype=np.int32))
    group_rows(left.rows(slice(None)), right.rows(slice(None)), kept, minimum, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def group_rows(left: Ranked, right: Ranked, codes: Codes, minimum: int, out: Floats) -> None:
    """Write the rank correlation of each row and group, [rows, groups]."""
    rows, names = left.ranks.shape
    groups = out.shape[1]
    start, free = np.empty(groups + 1, np.int64), np.empty(groups, np.int64)
    dealt, inside = np.empty(names, np.int64), np.empty(names, np.int64)
    for t in range(rows):
        code, x, y = codes[t], left.ranks[t], right.ranks[t]
        start[:] = 0
        for i in range(names):
            if code[i] >= 0 and x[i] > 0 and y[i] > 0:
                start[code[i] + 1] += 1
        for g in range(groups):
            start[g + 1] += start[g]
        _deal(left.order[t], left.known[t], y, code, start, free, dealt)
        for g in range(groups):
            _rank_group(dealt[start[g] : start[g + 1]], x, inside)
        _deal(right.order[t], right.known[t], x, code, start, free, dealt)
        for g in range(groups):
            products = _products(dealt[start[g] : start[g + 1]], x, y, inside)
            out[t, g] = rank_correlation(products, start[g + 1] - start[g], minimum)


@njit(cache=True, nogil=True, error_model="numpy")
def _deal(
    order: Ranks,
    known: int,
    other: Ranks,
    code: Codes,
    start: Integers,
    free: Integers,
    dealt: Integers,
) -> None:
    """Write the names of each group one after the other, in order, those known on the other side only."""
    for g in range(free.size):
        free[g] = start[g]
    for k in range(known):
        i = np.int64(order[k])
        g = code[i]
        if g >= 0 and other[i] > 0:
            dealt[free[g]] = i
            free[g] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _rank_group(members: Integers, ranks: Ranks, inside: Integers) -> None:
    """Write the doubled average rank of each member among them."""
    n = members.size
    start = 0
    while start < n:
        v = ranks[members[start]]
        stop = start + 1
        while stop < n and ranks[members[stop]] == v:
            stop += 1
        for k in range(start, stop):
            inside[members[k]] = start + stop + 1
        start = stop


@njit(cache=True, nogil=True, error_model="numpy")
def _products(members: Integers, x: Ranks, y: Ranks, inside: Integers) -> Products:
    """Sum the products of deviations of doubled ranks: of x, of both, of y; members come in order of y."""
    n = members.size
    aa, ab, bb = np.int64(0), np.int64(0), np.int64(0)
    start = 0
    while start < n:
        v = y[members[start]]
        stop, total = start, np.int64(0)
        while stop < n and y[members[stop]] == v:
            rank = inside[members[stop]]
            total += rank
            aa += rank * rank
            stop += 1
        here = start + stop + 1
        ab += total * here
        bb += (stop - start) * here * here
        start = stop
    means = np.int64(n * (n + 1) * (n + 1))
    return aa - means, ab - means, bb - means


@njit(cache=True, nogil=True, error_model="numpy")
def group_quantile_rows(
    buckets: Buckets, codes: Codes, y: Reals, sums: Floats, sizes: Integers
) -> None:
    """Add up what each quantile earned in each group.

    Parameters
    ----------
    buckets : [rows, names], quantiles; 0 = none
    codes : [rows, names]; -1 = in no group
    y : [rows, names], forward returns
    sums, sizes : [rows, groups, quantiles], written: sum of y and number of names
    """
    sums[:] = 0.0
    sizes[:] = 0
    for t in range(y.shape[0]):
        for i in range(y.shape[1]):
            q, g = buckets[t, i], codes[t, i]
            if q > 0 and g >= 0:
                sums[t, g, q - 1] += np.float64(y[t, i])
                sizes[t, g, q - 1] += 1
