"""Ranks of each row, and what is made of ranks: shares, buckets, power ranks and normal scores.

Rows are dates, NaN = missing.

1. each known cell becomes one 64-bit word: 32 bits of its value, in an order that integers keep, above
   its place in the row                                                              -> _words
2. the words are sorted by radix, three digits of 11 bits; for double precision the few runs that
   agree in the upper 32 bits are settled by value                                   -> sort_row, _settle
3. for ranks within groups one more counting pass puts each group together           -> group_rank_rows
4. ties share the average of their places                                            -> _place
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Reals = npt.NDArray[Any]
"""Single or double precision."""
Numbers = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]
Counters = npt.NDArray[np.uint32]

RANK, POWER, SHARE, BUCKET = 0, 1, 2, 3
_DIGIT, _PASSES = 11, 3
_BUCKETS = 1 << _DIGIT
_SHORT = 24  # a run of at most so many words is sorted by insertion


def floats(values: Numbers, dtype: npt.DTypeLike = np.float64) -> Floats:
    """Convert to C-contiguous floats [rows, assets]; no copy where they are already."""
    out = np.ascontiguousarray(values, dtype=dtype)
    if out.ndim != 2:
        raise ValueError(f"expected [rows, assets], got shape {out.shape}")
    return cast("Floats", still(out))


def flags(inside: Numbers | None, x: Floats) -> Flags:
    """Convert to C-contiguous flags of the shape of `x`; None means all."""
    if inside is None:
        return cast("Flags", still(np.ones(x.shape, dtype=np.bool_)))
    if inside.shape != x.shape:
        raise ValueError(f"inside has shape {inside.shape}, the values have {x.shape}")
    return cast("Flags", still(np.ascontiguousarray(inside, dtype=np.bool_)))


def still(array: Numbers) -> Any:
    """Give a read-only view: numba compiles a kernel again for arrays that may be written."""
    view = array.view()
    view.flags.writeable = False
    return view


def rank(values: Numbers, inside: Numbers | None = None) -> Floats:
    """Rank each row from 1 to n among its n known cells; ties share their average rank.

    NaN stays NaN; infinities rank at the ends; -0.0 ties with 0.0.

    Parameters
    ----------
    values : [rows, assets]
    inside : [rows, assets] flags; None ranks all among all. Where given, n counts the inside cells only,
        and a cell outside gets the rank it would take among them, kept within [1, n].

    Examples
    --------
    >>> rank(np.array([[4.0, np.nan, 4.0, 1.0]]))
    array([[2.5, nan, 2.5, 1. ]])
    """
    return _ranked(values, inside, RANK, 1.0)


def power_rank(values: Numbers, power: float = 1.0, inside: Numbers | None = None) -> Floats:
    """Map each row to sign(c)|c|^power, where c = 2(rank - 0.5)/n - 1 in (-1, 1).

    NaN stays NaN; a row whose values are all equal gives zeros. The result is exactly antisymmetric:
    without ties each row sums to 0.

    Parameters
    ----------
    values : [rows, assets]
    power : 1 is linear; larger puts weight into the tails: for many names the outer share q of each
        half holds 1 - (1 - q)^(power + 1) of the gross, and N_eff / n = (2 power + 1)/(power + 1)^2
    inside : as in `rank`

    Examples
    --------
    >>> power_rank(np.array([[10.0, 20.0, 30.0, 40.0]]), 2.0)
    array([[-0.5625, -0.0625,  0.0625,  0.5625]])
    """
    return _ranked(values, inside, POWER, float(power))


def rank_normalize(values: Numbers, inside: Numbers | None = None) -> Floats:
    """Map each row to normal scores, the normal quantile of (rank - 0.5)/n; see `rank`."""
    from scipy.special import ndtri

    share = (_ranked(values, inside, POWER, 1.0) + 1.0) * 0.5
    return np.asarray(ndtri(share), dtype=np.float64)


def _ranked(values: Numbers, inside: Numbers | None, mode: int, power: float) -> Floats:
    # single precision is sorted faster, and holds the ranks of eight million exactly
    single = mode == RANK and np.asarray(values).dtype == np.float32
    x = floats(values, np.float32 if single else np.float64)
    out = np.empty_like(x)
    rank_rows(x, flags(inside, x), x.shape[1], mode, power, True, out)
    return out.astype(np.float64, copy=False)


@njit(cache=True, nogil=True, error_model="numpy")
def rank_rows(
    x: Reals, inside: Flags, size: int, mode: int, a: float, ends: bool, out: Reals
) -> None:
    """Rank the first `size` cells of each row; `ends` ranks infinities, else they are missing.

    `mode` says what is made of the rank: itself, its power rank (of power `a`), its share of the count,
    or one of `a` buckets.
    """
    packed, spare = np.empty(size, np.uint64), np.empty(size, np.uint64)
    counts, ranks = np.empty((_PASSES, _BUCKETS), np.uint32), np.empty(size)
    for t in range(x.shape[0]):
        row, members = x[t, :size], inside[t, :size]
        n = np.int64(0)  # of one type from the start: a literal 0 would be compiled for, too
        for j in range(
            size
        ):  # in the order of memory, so that the row is at hand when it is jumped about in
            v = row[j]
            n += members[j] & (v == v if ends else v - v == 0.0)
        known = sort_row(row, ends, packed, spare, counts)
        out[t, :size] = np.nan
        _place(row, packed[:known], members, n, mode, a, ranks, out[t, :size])


@njit(cache=True, nogil=True, error_model="numpy")
def group_rank_rows(
    x: Reals,
    inside: Flags,
    codes: Codes,
    size: int,
    mode: int,
    a: float,
    out: Reals,
) -> None:
    """Do what `rank_rows` does within each group; infinities are missing, code -1 is a group."""
    packed, spare = np.empty(size, np.uint64), np.empty(size, np.uint64)
    counts, ranks = np.empty((_PASSES, _BUCKETS), np.uint32), np.empty(size)
    groups = group_count(codes, size)
    start, free = np.empty(groups + 1, np.int64), np.empty(groups, np.int64)
    n = np.empty(groups, np.int64)
    for t in range(x.shape[0]):
        row, members, code = x[t, :size], inside[t, :size], codes[t, :size]
        start[:] = 0
        n[:] = 0
        for j in range(size):
            known = row[j] - row[j] == 0.0
            g = slot(code[j], groups)
            start[g + np.uint64(1)] += known
            n[g] += members[j] & known
        for g in range(groups):
            start[g + 1] += start[g]
            free[g] = start[g]
        cells = sort_row(row, np.bool_(False), packed, spare, counts)  # no literal: see above
        for i in range(cells):
            g = slot(code[np.uint32(packed[i])], groups)
            spare[free[g]] = packed[i]
            free[g] += 1
        out[t, :size] = np.nan
        for g in range(groups):
            order = spare[start[g] : start[g + 1]]
            _place(row, order, members, n[g], mode, a, ranks, out[t, :size])


@njit(cache=True, nogil=True, error_model="numpy")
def group_count(codes: Codes, size: int) -> int:
    """Count the groups of codes 0, ..., the largest, and the unknown one."""
    largest = -1
    for t in range(codes.shape[0]):
        for j in range(size):
            largest = max(largest, codes[t, j])
    return largest + 2


@njit(cache=True, nogil=True, error_model="numpy")
def slot(code: int, groups: int) -> np.uint64:
    """Give the place of a group among `groups`; the unknown one comes last."""
    return np.uint64(code if code >= 0 else groups - 1)  # unsigned: no check for a negative index


@njit(cache=True, nogil=True, error_model="numpy")
def sort_row(x: Reals, ends: bool, packed: Words, spare: Words, counts: Counters) -> int:
    """Sort the known cells of a row into `packed`, value above place; return their number."""
    n: int = _words(x, ends, spare)
    _radix(spare[:n], packed[:n], counts)
    if x.itemsize == 8:
        _settle(x, packed[:n], spare, counts)
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _words(x: Reals, ends: bool, words: Words) -> int:
    """Pack value and place of the known cells; return their number."""
    halves = x.view(
        np.uint32
    )  # the upper half comes last: numba runs on little-endian machines only
    step = x.itemsize // 4
    n = 0
    for j in range(x.size):
        v = x[j]
        upper = halves[step * j + step - 1]
        if v == 0.0:
            upper = np.uint32(0)  # -0.0 ties with 0.0
        # flip all bits of a negative number and the sign of a positive one, without a branch
        image = upper ^ ((np.uint32(0) - (upper >> np.uint32(31))) | np.uint32(0x80000000))
        words[n] = np.uint64(image) << np.uint64(32) | np.uint64(j)
        n += v == v if ends else v - v == 0.0
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _radix(source: Words, goal: Words, counts: Counters) -> None:
    """Sort words by their upper 32 bits, stably, from `source` into `goal`; both are used.

    Digits that all words share cost no pass.
    """
    n = source.size
    mask = np.uint64(_BUCKETS - 1)
    counts[:] = 0
    for i in range(n):
        k = source[i] >> np.uint64(32)
        counts[0, k & mask] += np.uint32(1)
        counts[1, (k >> np.uint64(_DIGIT)) & mask] += np.uint32(1)
        counts[2, k >> np.uint64(2 * _DIGIT)] += np.uint32(1)
    a, b = source, goal
    turned = False
    for p in range(_PASSES):
        shift = np.uint64(32 + _DIGIT * p)
        if n == 0 or counts[p, (source[0] >> shift) & mask] == n:
            continue
        place = counts[p]
        start = np.uint32(0)
        for d in range(_BUCKETS):
            c = place[d]
            place[d] = start
            start += c
        for i in range(n):
            k = a[i]
            d = (k >> shift) & mask
            to = place[d]
            place[d] = to + np.uint32(1)
            b[to] = k
        a, b = b, a
        turned = not turned
    if not turned:
        for i in range(n):  # compiled faster than a copy of slices, and as fast
            goal[i] = source[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(x: Reals, packed: Words, spare: Words, counts: Counters) -> None:
    """Sort the runs that agree in the upper half of the value by the whole value."""
    n = packed.size
    i = 0
    while i < n:
        upper = packed[i] >> np.uint64(32)
        end = i + 1
        while end < n and packed[end] >> np.uint64(32) == upper:
            end += 1
        if end - i <= _SHORT:
            for k in range(i + 1, end):
                word = packed[k]
                v = x[np.uint32(word)]
                m = k
                while m > i and x[np.uint32(packed[m - 1])] > v:
                    packed[m] = packed[m - 1]
                    m -= 1
                packed[m] = word
        else:
            halves = x.view(np.uint32)
            for k in range(i, end):
                j = np.uint32(packed[k])
                lower = halves[2 * np.int64(j)]
                lower = ~lower if x[j] < 0.0 else lower
                spare[k] = np.uint64(lower) << np.uint64(32) | np.uint64(j)
            _radix(spare[i:end], packed[i:end], counts)
            for k in range(i, end):
                packed[k] = upper << np.uint64(32) | np.uint64(np.uint32(packed[k]))
        i = end


@njit(cache=True, nogil=True, error_model="numpy")
def _place(
    x: Reals,
    order: Words,
    inside: Flags,
    n: int,
    mode: int,
    a: float,
    ranks: Floats,
    out: Reals,
) -> None:
    """Write what is made of the ranks of sorted words, n of which are inside."""
    size = order.size
    if n == 0 or (mode == BUCKET and n < a):
        return
    below: int | np.int64 = 0
    for i in range(size):
        own = np.int64(inside[np.uint32(order[i])])
        ranks[i] = below + 0.5 * (own + 1)
        below += own
    _share_ties(x, order, inside, ranks)
    # all are (slope rank + level) / unit, exact before the one rounding of the division
    slope, level, unit = 1.0, 0.0, 1.0 if mode == RANK else float(n)
    if mode == POWER:
        slope, level = 2.0, -1.0 - n
    elif mode == BUCKET:
        slope, level = a, -0.5 * a
    for i in range(size):
        ranks[i] = (slope * min(max(ranks[i], 1.0), float(n)) + level) / unit
    if mode == BUCKET:
        for i in range(size):
            ranks[i] = np.floor(ranks[i]) + 1.0
    elif mode == POWER and a != 1.0:
        for i in range(size):
            ranks[i] = np.sign(ranks[i]) * np.abs(ranks[i]) ** a
    for i in range(size):
        out[np.uint32(order[i])] = ranks[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _share_ties(x: Reals, order: Words, inside: Flags, ranks: Floats) -> None:
    """Give equal values the average of the ranks that they take one after the other."""
    size = order.size
    end = 1
    while end < size:
        start, first = end - 1, np.uint32(order[end - 1])
        if (order[end] ^ order[start]) >> np.uint64(32) == 0 and x[np.uint32(order[end])] == x[
            first
        ]:
            tied = np.int64(inside[first])
            below = ranks[start] - 0.5 * (tied + 1)
            while (
                end < size
                and (order[end] ^ order[start]) >> np.uint64(32) == 0
                and x[np.uint32(order[end])] == x[first]
            ):
                tied += inside[np.uint32(order[end])]
                end += 1
            ranks[start:end] = below + 0.5 * (tied + 1)
        end += 1
