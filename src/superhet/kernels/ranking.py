"""Ranks of each row, and the two shapes made of ranks: power rank and normal scores.

One stable radix sort of the IEEE bits serves all three; rows are dates, NaN = missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[Any]

_DIGIT, _PASSES = 11, 6
_BUCKETS = 1 << _DIGIT
_MODE_RANK, _MODE_POWER = 0, 1


def floats(values: Numbers) -> Floats:
    """Convert to C-contiguous float64 [rows, assets]; no copy where it is already."""
    out = np.ascontiguousarray(values, dtype=np.float64)
    if out.ndim != 2:
        raise ValueError(f"expected [rows, assets], got shape {out.shape}")
    return out


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
    return _ranked(values, inside, _MODE_RANK, 1.0)


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
    return _ranked(values, inside, _MODE_POWER, float(power))


def rank_normalize(values: Numbers, inside: Numbers | None = None) -> Floats:
    """Map each row to normal scores, the normal quantile of (rank - 0.5)/n; see `rank`."""
    from scipy.special import ndtri

    share = (_ranked(values, inside, _MODE_POWER, 1.0) + 1.0) * 0.5
    return np.asarray(ndtri(share), dtype=np.float64)


def flags(inside: Numbers | None, x: Floats) -> npt.NDArray[np.bool_]:
    """Convert to C-contiguous flags of the shape of `x`; None means all."""
    if inside is None:
        return np.ones(x.shape, dtype=np.bool_)
    if inside.shape != x.shape:
        raise ValueError(f"inside has shape {inside.shape}, the values have {x.shape}")
    return np.ascontiguousarray(inside, dtype=np.bool_)


def _ranked(values: Numbers, inside: Numbers | None, mode: int, power: float) -> Floats:
    x = floats(values)
    out = np.empty_like(x)
    _rank_rows(x, flags(inside, x), mode, power, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _order(
    x: Floats,
    key: npt.NDArray[np.uint64],
    position: npt.NDArray[np.int64],
    key2: npt.NDArray[np.uint64],
    position2: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
) -> int:
    """Sort the known cells of a row into `key`, `position`; return their number.

    Least-significant-digit radix sort on the order-preserving image of the IEEE bits; digits that all
    cells share (the low bits of single-precision data) cost no pass.
    """
    bits = x.view(np.uint64)
    top = np.uint64(1) << np.uint64(63)
    ones = ~np.uint64(0)
    mask = np.uint64(_BUCKETS - 1)
    counts[:] = 0
    n = 0
    for j in range(x.size):
        if x[j] == x[j]:
            b = bits[j]
            if b == top:
                b = np.uint64(0)  # -0.0 ties with 0.0
            k = b ^ ones if b & top else b ^ top
            key[n] = k
            position[n] = j
            n += 1
            for p in range(_PASSES):
                counts[p, (k >> np.uint64(_DIGIT * p)) & mask] += 1
    turned = False
    for p in range(_PASSES):
        shift = np.uint64(_DIGIT * p)
        source, source_at = (key2, position2) if turned else (key, position)
        goal, goal_at = (key, position) if turned else (key2, position2)
        if n == 0 or counts[p, (source[0] >> shift) & mask] == n:
            continue
        start = 0
        for b in range(_BUCKETS):
            c = counts[p, b]
            counts[p, b] = start
            start += c
        for i in range(n):
            k = source[i]
            d = (k >> shift) & mask
            to = counts[p, d]
            counts[p, d] = to + 1
            goal[to] = k
            goal_at[to] = source_at[i]
        turned = not turned
    if turned:
        for i in range(n):
            key[i] = key2[i]
            position[i] = position2[i]
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _rank_rows(
    x: Floats, inside: npt.NDArray[np.bool_], mode: int, power: float, out: Floats
) -> None:
    size = x.shape[1]
    key, key2 = np.empty(size, np.uint64), np.empty(size, np.uint64)
    position, position2 = np.empty(size, np.int64), np.empty(size, np.int64)
    counts = np.empty((_PASSES, _BUCKETS), np.int64)
    for t in range(x.shape[0]):
        known = _order(x[t], key, position, key2, position2, counts)
        out[t] = np.nan
        n = 0
        for i in range(known):
            n += inside[t, position[i]]
        i, below = 0, 0
        while i < known and n > 0:
            end, tied = i, 0
            while end < known and key[end] == key[i]:
                tied += inside[t, position[end]]
                end += 1
            r = min(max(below + 0.5 * (tied + 1), 1.0), float(n))
            below += tied
            if mode == _MODE_POWER:
                c = (2.0 * r - 1.0 - n) / n
                r = c if power == 1.0 else np.sign(c) * np.abs(c) ** power
            for k in range(i, end):
                out[t, position[k]] = r
            i = end
