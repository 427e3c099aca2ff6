"""Cross-section correlations and quantiles, row by row: one row is one date.

1. the order of each row is found once; a target shared by many signals keeps its own  -> sort_order
2. walking that order gives average ranks among the names known on both sides,
   within each group, in one pass and without sorting again                             -> _group_ranks
3. Spearman is the Pearson correlation of those ranks; sums of half-integers are exact  -> _rank_correlation
4. the same ranks cut a row into quantiles                                               -> _cut

NaN means not known; a pair with a NaN on either side is left out. Rows are worked through in chunks, so
that the working memory stays small and float32 input is never copied whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import ndtri

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
CHUNK = 64
"""Rows worked on at once."""


@njit(cache=True, nogil=True, error_model="numpy")
def _group_ranks(
    x: Floats,
    other: Floats,
    order: Integers,
    codes: Integers,
    groups: int,
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


@njit(cache=True, nogil=True, error_model="numpy")
def _pearson(x: Floats, y: Floats, minimum: int) -> tuple[Floats, Integers]:
    rows, names = x.shape
    out = np.full(rows, np.nan)
    counts = np.zeros(rows, np.int64)
    for t in range(rows):
        n, mean_x, mean_y = 0, 0.0, 0.0
        for i in range(names):
            if not (np.isnan(x[t, i]) or np.isnan(y[t, i])):
                n += 1
                mean_x += x[t, i]
                mean_y += y[t, i]
        counts[t] = n
        if n < minimum:
            continue
        mean_x /= n
        mean_y /= n
        xx, yy, xy = 0.0, 0.0, 0.0
        for i in range(names):
            if not (np.isnan(x[t, i]) or np.isnan(y[t, i])):
                a = x[t, i] - mean_x
                b = y[t, i] - mean_y
                xx += a * a
                yy += b * b
                xy += a * b
        # a constant cross-section leaves only rounding around its mean: no correlation
        floor_x = (1e-13 * np.abs(mean_x)) ** 2 * n
        floor_y = (1e-13 * np.abs(mean_y)) ** 2 * n
        if xx > floor_x and yy > floor_y:
            out[t] = min(1.0, max(-1.0, xy / (np.sqrt(xx) * np.sqrt(yy))))
    return out, counts


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(ranks: Floats, counts: Integers, quantiles: int) -> Integers:
    rows, names = ranks.shape
    buckets = np.zeros((rows, names), np.int64)
    for t in range(rows):
        n = counts[t, 0]
        if n < quantiles:
            continue
        for i in range(names):
            if not np.isnan(ranks[t, i]):
                buckets[t, i] = int((ranks[t, i] - 0.5) * quantiles / n) + 1
    return buckets


@njit(cache=True, nogil=True, error_model="numpy")
def _bucket_means(buckets: Integers, y: Floats, quantiles: int) -> tuple[Floats, Integers]:
    rows, names = y.shape
    means = np.zeros((rows, quantiles))
    counts = np.zeros((rows, quantiles), np.int64)
    for t in range(rows):
        for i in range(names):
            q = buckets[t, i] - 1
            if q >= 0 and not np.isnan(y[t, i]):
                means[t, q] += y[t, i]
                counts[t, q] += 1
        for q in range(quantiles):
            means[t, q] = means[t, q] / counts[t, q] if counts[t, q] else np.nan
    return means, counts


@njit(cache=True, nogil=True, error_model="numpy")
def _bucket_turnover(buckets: Integers, quantiles: int, period: int) -> Floats:
    rows, names = buckets.shape
    out = np.full((rows, quantiles), np.nan)
    now = np.empty(quantiles)
    before = np.empty(quantiles)
    stayed = np.empty(quantiles)
    for t in range(period, rows):
        now[:] = 0.0
        before[:] = 0.0
        stayed[:] = 0.0
        for i in range(names):
            q, p = buckets[t, i], buckets[t - period, i]
            if q > 0:
                now[q - 1] += 1.0
                stayed[q - 1] += q == p
            if p > 0:
                before[p - 1] += 1.0
        for q in range(quantiles):
            if now[q] > 0.0 and before[q] > 0.0:
                out[t, q] = 1.0 - stayed[q] / now[q]
    return out


def sort_order(x: npt.NDArray[np.floating]) -> Integers:
    """Give the positions that sort each row, NaN last; ties in any order.

    Parameters
    ----------
    x : [rows, names]

    Returns
    -------
    [rows, names]; worth keeping for an array that is correlated with many others
    """
    return np.argsort(x, axis=1)


def pearson(
    x: npt.NDArray[np.floating], y: npt.NDArray[np.floating], *, minimum: int = 3
) -> Floats:
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
        out[rows] = _pearson(_plain(x[rows]), _plain(y[rows]), minimum)[0]
    return out


def spearman(
    x: npt.NDArray[np.floating],
    y: npt.NDArray[np.floating],
    *,
    minimum: int = 3,
    order_y: Integers | None = None,
) -> Floats:
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
    codes = np.zeros((CHUNK, x.shape[1]), dtype=np.int64)
    for rows in _chunks(len(x)):
        order = None if order_y is None else order_y[rows]
        count = rows.stop - rows.start
        out[rows] = _spearman(x[rows], y[rows], codes[:count], 1, minimum, order)[:, 0]
    return out


def spearman_by_group(
    x: npt.NDArray[np.floating],
    y: npt.NDArray[np.floating],
    codes: npt.NDArray[np.integer],
    groups: int,
    *,
    minimum: int = 3,
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
        out[rows] = _spearman(x[rows], y[rows], kept, groups, minimum, None)
    return out


def quantile_buckets(
    x: npt.NDArray[np.floating],
    quantiles: int,
    *,
    among: npt.NDArray[np.floating] | None = None,
) -> Integers:
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
        out[rows] = _cut(ranks, counts, quantiles)
    return out


def bucket_means(
    buckets: Integers, y: npt.NDArray[np.floating], quantiles: int
) -> tuple[Floats, Integers]:
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
    means = np.empty((len(y), quantiles))
    counts = np.empty((len(y), quantiles), dtype=np.int64)
    for rows in _chunks(len(y)):
        kept = np.ascontiguousarray(buckets[rows])
        means[rows], counts[rows] = _bucket_means(kept, _plain(y[rows]), quantiles)
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
    return np.asarray(_bucket_turnover(np.ascontiguousarray(buckets), quantiles, period))


def row_turnover(weights: npt.NDArray[np.floating]) -> Floats:
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


def normal_scores(x: npt.NDArray[np.floating]) -> Floats:
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


def _spearman(
    x: npt.NDArray[np.floating],
    y: npt.NDArray[np.floating],
    codes: Integers,
    groups: int,
    minimum: int,
    order_y: Integers | None,
) -> Floats:
    left, right = _plain(x), _plain(y)
    order = sort_order(right) if order_y is None else np.ascontiguousarray(order_y)
    ranks_x, counts = _group_ranks(left, right, sort_order(left), codes, groups)
    ranks_y, _ = _group_ranks(right, left, order, codes, groups)
    return np.asarray(_rank_correlation(ranks_x, ranks_y, codes, counts, minimum))


def _plain(values: npt.NDArray[np.floating]) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def _chunks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, CHUNK):
        yield slice(start, min(start + CHUNK, rows))
