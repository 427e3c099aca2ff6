"""Ranks of rows made once, and the ranks among the pairs of two rows made from them without sorting again.

Rows are dates, NaN = not known. A rank is kept doubled, so that the average rank of a tie is a whole number;
0 = not known. Sums of ranks are whole numbers, hence exact, and do not depend on the order of the names.

1. each cell becomes one word, its value above its place; words are sorted, a row at a time   -> ranked
2. the names known on both sides are the pairs. Where a side loses names to the other, walking its order
   and counting those that are left gives their ranks                                         -> pair_ranks
3. the correlation of the ranks of pairs                                                      -> rank_products
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.ranking import sort_row, still

Reals = npt.NDArray[Any]
"""Single or double precision."""
Ranks = npt.NDArray[Any]
"""uint16, or uint32 where a doubled rank may not fit."""
Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Whole = int | np.int64
Products = tuple[np.int64, np.int64, np.int64]
"""Sums of products of deviations: of the left side, of both, of the right side."""
SHORT = 32_767
"""Names whose doubled ranks fit into 16 bits."""
_ROWS = 32  # sorted at once, so that their words stay in the cache
_RUN = 24  # values that agree in their upper bits and are sorted by insertion
_DIGIT, _PASSES = 11, 3  # of the radix sort that sorts longer runs


class Ranked(NamedTuple):
    """Rows that have been sorted.

    Parameters
    ----------
    order : [rows, names], the places of the known names, lowest first; what follows them means nothing
    ranks : [rows, names], twice the average rank among the known names of the row; 0 = not known
    known : [rows], known names
    tied : [rows], whether some share a rank
    """

    order: Ranks
    ranks: Ranks
    known: Integers
    tied: Flags

    def rows(self, key: Any) -> Ranked:
        """Keep some rows, to be read; no copy of neighbouring ones."""
        return Ranked(*(still(np.ascontiguousarray(part[key])) for part in self))


def ranked(x: Reals) -> Ranked:
    """Sort each row once, for all correlations, quantiles and groups that follow.

    Parameters
    ----------
    x : [rows, names], float32 or float64; infinities rank at the ends

    Examples
    --------
    >>> ranked(np.array([[0.3, np.nan, 0.1, 0.3]])).ranks
    array([[5, 0, 2, 5]], dtype=uint16)
    """
    made, values = empty_ranked(x.shape), reals(x)
    for start in range(0, len(values), _ROWS):
        rank_block(values, made, slice(start, start + _ROWS))
    return made.rows(slice(None))


def empty_ranked(shape: tuple[int, ...]) -> Ranked:
    """Give the room that `rank_block` fills."""
    kind = np.uint16 if shape[1] <= SHORT else np.uint32
    rows = shape[0]
    return Ranked(
        np.empty(shape, kind), np.empty(shape, kind), np.empty(rows, np.int64), np.empty(rows, bool)
    )


def rank_block(x: Reals, made: Ranked, rows: slice) -> None:
    """Sort some rows of `x` and write what `Ranked` holds of them."""
    some = x[rows]
    words, known = np.empty(some.shape, np.uint64), made.known[rows]
    low = max(16, int(some.shape[1]).bit_length()) if some.itemsize == 8 else 32
    _words(some, low, words, known)
    words.sort(axis=1)  # no two words are equal, so any sort gives the same bytes
    _write(some, still(words), low, made.order[rows], made.ranks[rows], known, made.tied[rows])


def reals(values: npt.NDArray[Any]) -> Reals:
    """Give rows in C order that a kernel may read; no copy of contiguous float32 or float64."""
    kind = np.float32 if values.dtype == np.float32 else np.float64
    return cast("Reals", still(np.ascontiguousarray(values, dtype=kind)))


@njit(cache=True, nogil=True, error_model="numpy")
def _words(x: Reals, low: int, words: Words, known: Integers) -> None:
    """Pack the upper bits of each value, in an order that integers keep, above its place; NaN comes last."""
    rows, names = x.shape
    size = x.itemsize
    shift, unknown = np.uint64(low), (np.uint64(1) << np.uint64(64 - low)) - np.uint64(1)
    for t in range(rows):
        row, out = x[t], words[t]
        bits = x[t].view(np.uint32)
        n = np.int64(0)
        if size == 8:
            wide = bits.view(np.uint64)
            for j in range(names):
                v = row[j]
                u = wide[j] if v != 0.0 else np.uint64(0)  # -0.0 ties with 0.0
                # flip all bits of a negative number and the sign of a positive one, without a branch
                flip = (np.uint64(0) - (u >> np.uint64(63))) | np.uint64(0x8000000000000000)
                image = (u ^ flip) >> shift if v == v else unknown
                out[j] = image << shift | np.uint64(j)
                n += np.int64(v == v)
        else:
            for j in range(names):
                v = row[j]
                h = bits[j] if v != 0.0 else np.uint32(0)
                half = h ^ ((np.uint32(0) - (h >> np.uint32(31))) | np.uint32(0x80000000))
                half = half if v == v else np.uint32(0xFFFFFFFF)
                out[j] = np.uint64(half) << np.uint64(32) | np.uint64(j)
                n += np.int64(v == v)
        known[t] = n


@njit(cache=True, nogil=True, error_model="numpy")
def _write(
    x: Reals, words: Words, low: int, order: Ranks, ranks: Ranks, known: Integers, tied: Flags
) -> None:
    """Write order and doubled ranks of sorted words."""
    shift = np.uint64(low)
    mask = (np.uint64(1) << shift) - np.uint64(1)
    for t in range(x.shape[0]):
        sorted_words, places, twice, n = words[t], order[t], ranks[t], known[t]
        alike = np.int64(0)
        for k in range(n):
            places[k] = sorted_words[k] & mask
        for k in range(1, n):
            alike += np.int64((sorted_words[k] ^ sorted_words[k - 1]) >> shift == 0)
        if n < twice.size:
            twice[:] = 0
        for k in range(n):
            twice[places[k]] = 2 * (k + 1)
        tied[t] = alike > 0 and _share(x[t], sorted_words, shift, places[:n], twice)


@njit(cache=True, nogil=True, error_model="numpy")
def _share(row: Reals, words: Words, shift: int, places: Ranks, twice: Ranks) -> bool:
    """Settle runs of names whose words agree in the value's upper bits; say whether some are equal."""
    start, found, n = 0, False, places.size
    while start < n:
        upper = words[start] >> shift
        stop, steps = start + 1, np.int64(0)
        while stop < n and words[stop] >> shift == upper:
            steps += np.int64(row[places[stop]] != row[places[stop - 1]])
            stop += 1
        if steps == 0:  # all are equal, or there is one
            found |= stop - start > 1
            for k in range(start, stop if stop - start > 1 else start):
                twice[places[k]] = start + stop + 1
        else:
            if stop - start > _RUN:
                _sort_whole(row, places)
            found |= _share_values(row, places, start, stop, twice)
        start = stop
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _sort_whole(row: Reals, places: Ranks) -> None:
    """Sort a row by all bits of its values."""
    packed, spare = np.empty(row.size, np.uint64), np.empty(row.size, np.uint64)
    sort_row(row, np.bool_(True), packed, spare, np.empty((_PASSES, 1 << _DIGIT), np.uint32))
    for k in range(places.size):
        places[k] = np.uint32(packed[k])


@njit(cache=True, nogil=True, error_model="numpy")
def _share_values(row: Reals, places: Ranks, first: int, last: int, twice: Ranks) -> bool:
    """Sort a run by value, by insertion; write its ranks, and say whether some are equal."""
    for k in range(first + 1, last):
        place, m = places[k], k
        while m > first and row[places[m - 1]] > row[place]:
            places[m] = places[m - 1]
            m -= 1
        places[m] = place
    start, found = first, False
    while start < last:
        v = row[places[start]]
        stop = start + 1
        while stop < last and row[places[stop]] == v:
            stop += 1
        found |= stop - start > 1
        for k in range(start, stop):
            twice[places[k]] = start + stop + 1
        start = stop
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def pair_ranks(left: Ranked, right: Ranked, t: int, a: Ranks, b: Ranks) -> np.int64:
    """Write the doubled ranks of row t of both sides among their pairs, 0 elsewhere; return the pairs."""
    x, y = left.ranks[t], right.ranks[t]
    n = np.int64(0)
    for i in range(x.size):
        n += np.int64((x[i] > 0) & (y[i] > 0))
    _among(left.order[t], x, y, left.known[t], n, left.tied[t], a)
    _among(right.order[t], y, x, right.known[t], n, right.tied[t], b)
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _among(
    order: Ranks, side: Ranks, other: Ranks, known: Whole, pairs: Whole, tied: bool, out: Ranks
) -> None:
    """Rank one side among the names that the other knows, too."""
    if pairs == known:
        for i in range(side.size):
            out[i] = side[i]
        return
    out[:] = 0
    count = np.uint32(0)
    if not tied:
        for k in range(known):
            i = order[k]
            inside = np.uint32(other[i] > 0)
            count += inside
            out[i] = 2 * count * inside
        return
    start = np.int64(0)
    while (
        start < known
    ):  # a tie of the names from start to stop has the doubled rank start + stop + 1
        stop = np.int64(side[order[start]]) - start - 1
        some = np.uint32(0)
        for k in range(start, stop):
            some += np.uint32(other[order[k]] > 0)
        for k in range(start, stop):
            i = order[k]
            out[i] = (2 * count + some + 1) * np.uint32(other[i] > 0)
        count += some
        start = stop


@njit(cache=True, nogil=True, error_model="numpy")
def rank_products(a: Ranks, b: Ranks, n: Whole) -> Products:
    """Sum the products of deviations of doubled ranks among n pairs: of a, of both, of b. All exact."""
    aa, ab, bb = np.uint64(0), np.uint64(0), np.uint64(0)
    for i in range(a.size):
        p, q = np.uint64(a[i]), np.uint64(b[i])
        aa += p * p
        ab += p * q
        bb += q * q
    means = np.int64(n) * (n + 1) * (n + 1)  # doubled ranks of 1 … n have the mean n + 1
    return np.int64(aa) - means, np.int64(ab) - means, np.int64(bb) - means


@njit(cache=True, nogil=True, error_model="numpy")
def rank_correlation(products: Products, n: Whole, minimum: int) -> float:
    """Correlate ranks; NaN with too few pairs or where a side is constant."""
    aa, ab, bb = products
    if n < minimum or aa <= 0 or bb <= 0:
        return np.nan
    return float(ab / np.sqrt(np.float64(aa) * np.float64(bb)))


def spearman_ranked(left: Ranked, right: Ranked, minimum: int = 3) -> Floats:
    """Correlate the ranks of rows sorted before, [rows]; ranks are taken among the pairs only.

    Parameters
    ----------
    left, right : of as many rows and names
    minimum : a row with fewer pairs gives NaN, as does a constant side
    """
    out = np.empty(len(left.known))
    spearman_rows(left.rows(slice(None)), right.rows(slice(None)), minimum, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def spearman_rows(left: Ranked, right: Ranked, minimum: int, out: Floats) -> None:
    """Correlate the ranks of rows into `out`, [rows]."""
    rows, names = left.ranks.shape
    a, b = np.empty(names, left.ranks.dtype), np.empty(names, left.ranks.dtype)
    for t in range(rows):
        n = pair_ranks(left, right, t, a, b)
        out[t] = rank_correlation(rank_products(a, b, n), n, minimum)
