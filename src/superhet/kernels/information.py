"""Correlations, quantiles and scores across the names of each row: one row is one date.

Thin doors to compiled code: rows are sorted once (`pair_ranks`), and judged in few passes (`judging`,
`group_judging`). NaN means not known; a pair with a NaN on either side is left out. float32 input is not
copied to float64 whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from superhet.kernels.group_judging import spearman_in_groups
from superhet.kernels.judging import add_up_rows, cut_rows, newcomers, pearson_rows
from superhet.kernels.pair_ranks import Ranked, Reals, ranked, reals, spearman_ranked
from superhet.kernels.ranking import still

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Buckets = npt.NDArray[np.int16]
CHUNK = 64
"""Rows worked on at once."""


def sort_order(x: Reals) -> Ranked:
    """Sort each row, for an array that is correlated with many others; see `Ranked`.

    Parameters
    ----------
    x : [rows, names]
    """
    return ranked(x)


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
    pearson_rows(reals(x), reals(y), minimum, out)
    return out


def spearman(x: Reals, y: Reals, *, minimum: int = 3, order_y: Ranked | None = None) -> Floats:
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
        right = ranked(y[rows]) if order_y is None else order_y.rows(rows)
        out[rows] = spearman_ranked(ranked(x[rows]), right, minimum)
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
        left, right = ranked(x[rows]), ranked(y[rows])
        out[rows] = spearman_in_groups(left, right, codes[rows], groups, minimum)
    return out


def quantile_buckets(x: Reals, quantiles: int, *, among: Reals | None = None) -> Buckets:
    """Cut each row into quantiles of equal size by average rank: 1 = lowest; 0 = not known.

    Ties share a quantile. A row with fewer names than quantiles has none.

    Parameters
    ----------
    x : [rows, names]
    among : [rows, names]; only names known here take part (default: all)

    Returns
    -------
    [rows, names], 0 … quantiles, int16

    Examples
    --------
    >>> quantile_buckets(np.array([[0.3, -1.0, 2.0, np.nan, 0.5]]), 2)
    array([[1, 1, 2, 0, 2]], dtype=int16)
    """
    out = np.empty(x.shape, dtype=np.int16)
    for rows in _chunks(len(x)):
        part = x[rows] if among is None else np.where(np.isnan(among[rows]), np.nan, x[rows])
        cut_rows(still(ranked(part).ranks), quantiles, out[rows])
    return out


def bucket_means(buckets: Buckets, y: Reals, quantiles: int) -> tuple[Floats, Integers]:
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
    means, counts = np.empty((len(y), quantiles)), np.empty((len(y), quantiles), dtype=np.int64)
    for rows in _chunks(len(y)):
        held = np.where(np.isnan(y[rows]), 0, buckets[rows]).astype(np.int16)
        add_up_rows(still(held), reals(y[rows]), means[rows], counts[rows])
    return means, counts


def bucket_turnover(buckets: Buckets, quantiles: int, period: int = 1) -> Floats:
    """Give the share of each bucket's names that were not in it `period` rows before.

    Parameters
    ----------
    buckets : [rows, names], 0 … quantiles

    Returns
    -------
    [rows, quantiles], in [0, 1]; NaN in the first `period` rows and where a bucket was empty
    """
    out = np.full((len(buckets), quantiles), np.nan)
    if period < len(buckets):
        held = still(np.ascontiguousarray(buckets, dtype=np.int16))
        sizes = np.array([np.bincount(row, minlength=quantiles + 1)[1:] for row in held])
        newcomers(held[period:], held[:-period], sizes[period:], sizes[:-period], out[period:])
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
        sorted_rows = ranked(x[rows])
        known = np.maximum(sorted_rows.known, 1)
        ranks = np.where(sorted_rows.ranks > 0, 0.5 * sorted_rows.ranks, np.nan)
        scores = ndtri((ranks - 0.5) / known[:, None])
        scores -= (np.nansum(scores, axis=1) / known)[:, None]
        deviation = np.sqrt(np.nansum(scores**2, axis=1) / known)
        scores /= np.where(deviation > 1e-12, deviation, np.nan)[:, None]
        out[rows] = scores
    return out


def _chunks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, CHUNK):
        yield slice(start, min(start + CHUNK, rows))
