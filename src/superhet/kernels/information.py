"""Cross-section correlations and quantiles, row by row: one row is one date.

1. the order of each row is found once; a target shared by many signals keeps its own  -> sort_order
2. walking both orders gives the average ranks among the names known on both sides, and their
   correlation; sums of half-integers are exact                                          -> _spearman
3. the same within each of many groups, without sorting again   -> _group_ranks, _rank_correlation
4. the ranks of one group that holds all names cut a row into quantiles         -> quantile_buckets

NaN means not known; a pair with a NaN on either side is left out. Rows are worked through in chunks, so
that the working memory stays small and float32 input is never copied whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import ndtri

Reals = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
CHUNK = 64
"""Rows worked on at once."""


@njit(cache=True, nogil=True, error_model="numpy")
def _spearman(x: Floats, y: Floats, order_x: Integers, order_y: Integers, minimum: int) -> Floats:
    rows, names = x.shape
    out = np.full(rows, np.nan)
    rank = np.empty(names)  # of x; 0 = no pair
    pairs = np.empty(names, np.int64)
    for t in range(rows):
        n = 0
        for j in range(names):
            i = order_x[t, j]
            rank[i] = 0.0
            if not (np.isnan(x[t, i]) or np.isnan(y[t, i])):
                pairs[n] = i
                n += 1
        if n < minimum:
            continue
        middle = 0.5 * (n + 1)
        xx, yy, xy = 0.0, 0.0, 0.0
        start = 0
        while start < n:
            stop = start + 1
            while stop < n and x[t, pairs[stop]] == x[t, pairs[start]]:
                stop += 1
            average = 0.5 * (start + stop + 1)
            for j in range(start, stop):
                rank[pairs[j]] = average
            xx += (stop - start) * (average - middle) ** 2
            start = stop
        n = 0
        for j in range(names):
            i = order_y[t, j]
            if rank[i] > 0.0:
                pairs[n] = i
                n += 1
        start = 0
        while start < n:
            stop = start + 1
            total = rank[pairs[start]] - middle
            while stop < n and y[t, pairs[stop]] == y[t, pairs[start]]:
                total += rank[pairs[stop]] - middle
                stop += 1
            average = 0.5 * (start + stop + 1) - middle
            yy += (stop - start) * average**2
            xy += total * average
            start = stop
        if xx > 0.0 and yy > 0.0:
            out[t] = xy / np.sqrt(xx * yy)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _group_ranks(
    x: Floats, other: Floats, order: Integers, codes: Integers, groups: int
) -> tuple[Floats, Integers]:
    rows, names = x.shape
    ranks = np.full((rows, names), np.nan)
    counts = np.zeros((rows, groups), np.int64)
    last = np.empty(groups)
    edge = np.zeros(groups, np.int64)
    for t in range(rows):
        count = counts[t]
        for j in range(names):  # upwards: the lowest rank of each tie
            i = order[t, j]
            g = codes[t, i]
            v = x[t, i]
            if g < 0 or np.isnan(v) or np.isnan(other[t, i]):
                continue
            if count[g] == 0 or v != last[g]:
                edge[g] = count[g] + 1
            count[g] += 1
            last[g] = v
            ranks[t, i] = edge[g]
        left = count.copy()
        for j in range(names - 1, -1, -1):  # downwards: the highest
            i = order[t, j]
            if np.isnan(ranks[t, i]):
                continue
            g = codes[t, i]
            v = x[t, i]
            if left[g] == count[g] or v != last[g]:
                edge[g] = left[g]
            left[g] -= 1
            last[g] = v
            ranks[t, i] = 0.5 * (ranks[t, i] + edge[g])
    return ranks, counts


@njit(cache=True, nogil=True, error_model="numpy")
def _rank_correlation(
    left: Floats, right: Floats, codes: Integers, counts: Integers, minimum: int
) -> Floats:
    rows, names = left.shape
    groups = counts.shape[1]
    out = np.full((rows, groups), np.nan)
    sums = np.empty((groups, 3))
    for t in range(rows):
        sums[:] = 0.0
        for i in range(names):
            if np.isnan(left[t, i]):
                continue
            g = codes[t, i]
            middle = 0.5 * (counts[t, g] + 1)
            a = left[t, i] - middle
            b = right[t, i] - middle
            sums[g, 0] += a * a
            sums[g, 1] += b * b
            sums[g, 2] += a * b
        for g in range(groups):
            if counts[t, g] >= minimum and sums[g, 0] > 0.0 and sums[g, 1] > 0.0:
                out[t, g] = sums[g, 2] / np.sqrt(sums[g, 0] * sums[g, 1])
    return out


def sort_order(x: Reals) -> Integers:
    """Give the positions that sort each row, NaN last (among infinities); ties in any order.

    Parameters
    ----------
    x : [rows, names]

    Returns
    -------
    [rows, names]; worth keeping for an array that is correlated with many others
    """
    # numpy sorts rows without NaN nearly twice as fast, and whoever walks the order looks for NaN anyway
    return np.argsort(np.where(np.isnan(x), np.inf, x), axis=1)


def pearson(x: Reals, y: Reals, *, minimum: int = 3) -> Floats:
    """Correlate two arrays across names, row by row.

    Parameters
    ----------
    x, y : [rows, names]; NaN pairs are left out
    minimum : a row with fewer pairs gives NaN, as does a constant side

    Returns
    -------
    [rows], in [-1, 1]

    Examples
    --------
    >>> pearson(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 2.0, 9.0]])).round(4)
    array([0.9177])
    """
    out = np.empty(len(x))
    for rows in _chunks(len(x)):
        left, right = _plain(x[rows]), _plain(y[rows])
        both = ~(np.isnan(left) | np.isnan(right))
        count = np.maximum(both.sum(axis=1), 1)
        left, moves_left = _deviations(left, both, count)
        right, moves_right = _deviations(right, both, count)
        enough = (count >= minimum) & moves_left & moves_right
        scale = np.sqrt((left**2).sum(axis=1)) * np.sqrt((right**2).sum(axis=1))
        found = (left * right).sum(axis=1)
        out[rows] = np.divide(found, scale, out=np.full(len(found), np.nan), where=enough)
    return np.clip(out, -1.0, 1.0)


def spearman(x: Reals, y: Reals, *, minimum: int = 3, order_y: Integers | None = None) -> Floats:
    """Correlate average ranks across names, row by row; ranks are taken among the pairs only.

    Parameters
    ----------
    x, y : [rows, names]; NaN pairs are left out
    minimum : a row with fewer pairs gives NaN, as does a constant side
    order_y : `sort_order(y)`, when it is known already

    Returns
    -------
    [rows], in [-1, 1]; does not depend on the order of the names, to the last bit

    Examples
    --------
    >>> spearman(np.array([[1.0, 2.0, 3.0]]), np.array([[0.00, 0.01, 0.05]]))
    array([1.])
    """
    out = np.empty(len(x))
    for rows in _chunks(len(x)):
        left, right = _plain(x[rows]), _plain(y[rows])
        order = sort_order(right) if order_y is None else np.ascontiguousarray(order_y[rows])
        out[rows] = _spearman(left, right, sort_order(left), order, minimum)
    return out


def spearman_by_group(
    x: Reals, y: Reals, codes: npt.NDArray[np.integer], groups: int, *, minimum: int = 3
) -> Floats:
    """Correlate average ranks within each group, row by row, for the price of one sort a row.

    Parameters
    ----------
    x, y : [rows, names]; NaN pairs are left out
    codes : [rows, names], 0 … groups - 1; -1 = in no group
    minimum : a group with fewer pairs on a date gives NaN

    Returns
    -------
    [rows, groups], in [-1, 1]
    """
    out = np.empty((len(x), groups))
    for rows in _chunks(len(x)):
        kept = np.ascontiguousarray(codes[rows], dtype=np.int64)
        left, right = _plain(x[rows]), _plain(y[rows])
        ranks_x, counts = _group_ranks(left, right, sort_order(left), kept, groups)
        ranks_y, _ = _group_ranks(right, left, sort_order(right), kept, groups)
        out[rows] = _rank_correlation(ranks_x, ranks_y, kept, counts, minimum)
    return out


def quantile_buckets(x: Reals, quantiles: int, *, among: Reals | None = None) -> Integers:
    """Cut each row into quantiles of equal size by average rank: 1 = lowest; 0 = not known.

    Ties share a quantile. A row with fewer names than quantiles has none.

    Parameters
    ----------
    x : [rows, names]
    among : [rows, names]; only names known here take part (default: all)

    Returns
    -------
    [rows, names], 0 … quantiles

    Examples
    --------
    >>> quantile_buckets(np.array([[0.3, -1.0, 2.0, np.nan, 0.5]]), 2)
    array([[1, 1, 2, 0, 2]])
    """
    out = np.empty(x.shape, dtype=np.int64)
    for rows in _chunks(len(x)):
        part = _plain(x[rows])
        other = part if among is None else _plain(among[rows])
        codes = np.zeros(part.shape, dtype=np.int64)
        ranks, counts = _group_ranks(part, other, sort_order(part), codes, 1)
        cut = (ranks - 0.5) * quantiles / np.maximum(counts, 1)  # exact where it is whole
        part_of = ~np.isnan(ranks) & (counts >= quantiles)
        out[rows] = np.where(part_of, np.nan_to_num(cut), -1.0).astype(np.int64) + 1
    return out


def bucket_means(buckets: Integers, y: Reals, quantiles: int) -> tuple[Floats, Integers]:
    """Average y in each bucket, row by row.

    Parameters
    ----------
    buckets : [rows, names], 0 … quantiles, as `quantile_buckets` gives
    y : [rows, names]; NaN is left out

    Returns
    -------
    means : [rows, quantiles], NaN where a bucket holds nothing
    counts : [rows, quantiles]
    """
    means = np.full((len(y), quantiles), np.nan)
    counts = np.empty((len(y), quantiles), dtype=np.int64)
    for t, (bucket, values) in enumerate(zip(buckets, y, strict=True)):
        known = ~np.isnan(values)
        counts[t] = np.bincount(bucket[known], minlength=quantiles + 1)[1:]
        total = np.bincount(bucket[known], values[known], quantiles + 1)[1:]
        np.divide(total, counts[t], out=means[t], where=counts[t] > 0)
    return means, counts


def bucket_turnover(buckets: Integers, quantiles: int, period: int = 1) -> Floats:
    """Give the share of each bucket's names that were not in it `period` rows before.

    Parameters
    ----------
    buckets : [rows, names], 0 … quantiles

    Returns
    -------
    [rows, quantiles], in [0, 1]; NaN in the first `period` rows and where a bucket was empty
    """
    out = np.full((len(buckets), quantiles), np.nan)
    sizes = [np.bincount(row, minlength=quantiles + 1)[1:] for row in buckets]
    for t in range(period, len(buckets)):
        now, before = sizes[t], sizes[t - period]
        same = buckets[t][buckets[t] == buckets[t - period]]
        stayed = np.bincount(same, minlength=quantiles + 1)[1:]
        np.divide(now - stayed, now, out=out[t], where=(now > 0) & (before > 0))
    return out


def row_turnover(weights: Reals) -> Floats:
    """Give half the sum of absolute weight changes, row by row (one-way).

    Parameters
    ----------
    weights : [rows, names], fractions; NaN counts as no holding

    Returns
    -------
    [rows]; NaN in the first row, before which nothing is known

    Examples
    --------
    >>> row_turnover(np.array([[0.5, 0.5], [1.0, 0.0]]))
    array([nan, 0.5])
    """
    out = np.full(len(weights), np.nan)
    for t in range(1, len(weights)):
        change = np.nan_to_num(weights[t]) - np.nan_to_num(weights[t - 1])
        out[t] = 0.5 * float(np.abs(change).sum())
    return out


def normal_scores(x: Reals) -> Floats:
    """Map each row's average ranks to normal scores with mean 0 and deviation 1 (ddof 0).

    Parameters
    ----------
    x : [rows, names]

    Returns
    -------
    [rows, names], NaN where x is; a row that is constant, or has fewer than two names, is all NaN

    Notes
    -----
    score = Phi^-1((rank - 1/2) / n), then standardized; only the order of x matters.
    """
    out = np.empty(x.shape)
    for rows in _chunks(len(x)):
        part = _plain(x[rows])
        codes = np.zeros(part.shape, dtype=np.int64)
        ranks, counts = _group_ranks(part, part, sort_order(part), codes, 1)
        scores = ndtri((ranks - 0.5) / np.maximum(counts, 1))
        known = np.maximum(counts[:, 0], 1)
        scores -= (np.nansum(scores, axis=1) / known)[:, None]
        deviation = np.sqrt(np.nansum(scores**2, axis=1) / known)
        scores /= np.where(deviation > 1e-12, deviation, np.nan)[:, None]
        out[rows] = scores
    return out


def _deviations(
    values: Floats, both: npt.NDArray[np.bool_], count: Integers
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Centre each row on its pairs, 0 elsewhere, and say which rows move at all."""
    mean = np.where(both, values, 0.0).sum(axis=1) / count
    deviation = np.where(both, values - mean[:, None], 0.0)
    # a constant row leaves only rounding around its mean: no correlation
    floor = np.maximum(1e-13 * np.abs(mean), 1e-150)
    return deviation, np.abs(deviation).max(axis=1, initial=0.0) > floor


def _plain(values: Reals) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def _chunks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, CHUNK):
        yield slice(start, min(start + CHUNK, rows))
