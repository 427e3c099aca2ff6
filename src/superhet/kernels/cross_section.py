"""Cross-section kernels: each row (one date) alone, assets along the row, NaN = missing.

Every function takes `[rows, assets]` of any numeric type, computes in float64 and returns a new float64
array. `inside` says which cells the statistics are estimated on; all other cells are still transformed
with them. Cells that are not finite never enter a statistic.

1. ranks are made by sorting, in their own file         -> rank, power_rank, rank_normalize
2. outliers and medians select order statistics, too   -> winsorize_quantile, clip_mad, clip_std
3. `zscore_rows` scales by the moments of one row       -> zscore
4. `_group_sums` sums one row by group                 -> demean_groups, group_sums

The compiled loops serve single precision as well: `cross_rows` hands them to the factor engine.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numba import njit

from superhet.kernels.clipping import (
    FLAT,
    MAD,
    MAD_TO_STD,
    clip_mad,
    clip_row,
    clip_std,
    gather,
    group_medians,
    moments,
    quantile,
    winsorize_quantile,
)
from superhet.kernels.ranking import (
    Codes,
    Flags,
    Floats,
    Numbers,
    Reals,
    flags,
    floats,
    group_count,
    power_rank,
    rank,
    rank_normalize,
    slot,
    still,
)

__all__ = [
    "MAD_TO_STD",
    "clip_mad",
    "clip_std",
    "demean_groups",
    "group_medians",
    "group_sums",
    "power_rank",
    "rank",
    "rank_normalize",
    "winsorize_quantile",
    "zscore",
]

DEMEAN, SCALE, ZSCORE, MEAN, MEDIAN, STD, SUM = range(7)
STATISTICS = {"mean": MEAN, "median": MEDIAN, "std": STD, "sum": SUM}


def zscore(
    values: Numbers, inside: Numbers | None = None, weights: Numbers | None = None
) -> Floats:
    """Give each row mean 0 and deviation 1, as measured on the inside cells.

    Parameters
    ----------
    values : [rows, assets]; cells that are not finite give NaN
    inside : [rows, assets] flags, or None for all
    weights : [rows, assets], for the mean only (for example the cap, so that the cap-weighted portfolio
        has exposure 0); cells without a positive weight do not enter the mean. The deviation is always
        equally weighted, about the equally weighted mean, with divisor n (population).

    Returns
    -------
    [rows, assets]; a row that does not vary inside gives 0, a row with fewer than 2 inside cells NaN

    References
    ----------
    Menchero, Orr & Wang, *The Barra US Equity Model (USE4)*, 2011: cap-weighted mean 0, equal-weighted
    deviation 1.
    """
    x = floats(values)
    out = np.empty(x.shape)
    zscore_rows(x, flags(inside, x), x.shape[1], _weights(weights, x), out)
    return out


def demean_groups(
    values: Numbers,
    groups: Numbers,
    weights: Numbers | None = None,
    inside: Numbers | None = None,
) -> Floats:
    """Subtract from each cell the (weighted) mean of the inside cells of its group.

    Code -1 ("unknown") is a group of its own. A name alone in its group gives exactly 0; a group
    without an inside cell gives NaN.

    Parameters
    ----------
    values : [rows, assets]; cells that are not finite give NaN
    groups : [rows, assets] integer codes, -1 = not known
    weights : [rows, assets]; cells without a positive weight do not enter the mean
    inside : [rows, assets] flags, or None for all
    """
    x = floats(values)
    codes, _ = _codes(groups, x)
    out = np.empty(x.shape)
    weight = _weights(weights, x)
    group_measure_rows(x, flags(inside, x), codes, x.shape[1], DEMEAN, weight, out)
    return out


def group_sums(
    values: Numbers,
    groups: Numbers,
    n_groups: int | None = None,
    weights: Numbers | None = None,
    inside: Numbers | None = None,
) -> tuple[Floats, Floats]:
    """Sum weight · value and weight by group.

    Parameters
    ----------
    values, groups, weights, inside : [rows, assets], as in `demean_groups`
    n_groups : number of groups; None counts up to the largest code

    Returns
    -------
    sums, totals : [rows, n_groups + 1]; the last column is the unknown group. Without weights the
        totals are counts.
    """
    x = floats(values)
    codes, count = _codes(groups, x, n_groups)
    sums, totals = np.zeros((len(x), count + 1)), np.zeros((len(x), count + 1))
    _group_rows(x, codes, flags(inside, x), _weights(weights, x), sums, totals)
    return sums, totals


# ------------------------------------------------------------------------------ doors to the kernels


def _same_shape(name: str, array: Numbers, x: Floats) -> None:
    if array.shape != x.shape:
        raise ValueError(f"{name} has shape {array.shape}, the values have {x.shape}")


def unweighted(rows: int) -> Floats:
    """Stand for weights that are all equal: rows without cells."""
    return cast("Floats", still(np.empty((rows, 0))))


def _weights(weights: Numbers | None, x: Floats) -> Floats:
    if weights is None:
        return unweighted(len(x))
    _same_shape("weights", weights, x)
    return cast("Floats", still(np.ascontiguousarray(weights, dtype=np.float64)))


def _codes(groups: Numbers, x: Floats, n_groups: int | None = None) -> tuple[Codes, int]:
    _same_shape("groups", groups, x)
    codes = np.ascontiguousarray(groups, dtype=np.int32)
    largest = int(codes.max(initial=-1))
    count = largest + 1 if n_groups is None else n_groups
    if largest >= count:
        raise ValueError(f"group code {largest} is beyond the {count} groups")
    return still(codes), count


# ------------------------------------------------------------------------------------- compiled loops


@njit(cache=True, nogil=True, error_model="numpy")
def zscore_rows(x: Reals, inside: Flags, size: int, weights: Floats, out: Reals) -> None:
    """Scale the first `size` cells of each row by the moments of its inside cells."""
    buffer = np.empty(size, x.dtype)
    for t in range(x.shape[0]):
        _zscore(x[t, :size], inside[t, :size], weights[t], buffer, out[t, :size])


@njit(cache=True, nogil=True, error_model="numpy")
def _zscore(x: Reals, inside: Flags, weights: Floats, buffer: Reals, out: Reals) -> None:
    n = gather(x, inside, buffer)
    if n < 2:
        out[:] = np.nan
        return
    mean, std = moments(buffer, n)
    if weights.size:
        total, part = 0.0, 0.0
        for j in range(x.size):
            v, w = x[j], weights[j]
            if inside[j] and v - v == 0.0 and w > 0.0 and w - w == 0.0:
                total += w
                part += w * (v - mean)
        mean = mean + part / total if total > 0.0 else np.nan
    _affine(x, mean, std, out)


@njit(cache=True, nogil=True, error_model="numpy")
def clip_zscore_rows(x: Reals, inside: Flags, size: int, reach: float, out: Reals) -> None:
    """Clip each row at median ± reach MAD, then standardize it: two kernels, one reading."""
    buffer, spare = np.empty(size, x.dtype), np.empty(size, x.dtype)
    clipped, none = np.empty(size, x.dtype), np.empty(0)
    for t in range(x.shape[0]):
        members = inside[t, :size]
        clip_row(x[t, :size], members, MAD, (reach, 0.0), False, (buffer, spare), clipped)
        _zscore(clipped, members, none, buffer, out[t, :size])


@njit(cache=True, nogil=True, error_model="numpy")
def measure_rows(x: Reals, inside: Flags, size: int, mode: int, out: Reals) -> None:
    """Demean or scale each row, or give a statistic of its inside cells to every cell."""
    buffer, spare = np.empty(size, x.dtype), np.empty(size, x.dtype)
    for t in range(x.shape[0]):
        row, goal = x[t, :size], out[t, :size]
        n = gather(row, inside[t, :size], buffer)
        if n == 0:
            goal[:] = np.nan
        elif mode == MEDIAN:
            goal[:] = quantile(buffer[:n], 0.5, spare)
        elif mode == STD:
            goal[:] = moments(buffer, n)[1] if n > 1 else np.nan
        elif mode == SCALE:
            gross = 0.0
            for i in range(n):
                gross += abs(buffer[i])
            _affine(row, 0.0, gross if gross > 0.0 else np.nan, goal)
        else:
            total = 0.0
            for i in range(n):
                total += buffer[i]
            if mode == DEMEAN:
                _affine(row, total / n, 1.0, goal)
            else:
                goal[:] = total if mode == SUM else total / n


@njit(cache=True, nogil=True, error_model="numpy")
def _affine(x: Reals, centre: float, unit: float, out: Reals) -> None:
    """Write (x - centre) / unit, 0 where the unit is 0; what is not finite is missing."""
    if unit == 0.0 and not np.isnan(centre):
        for j in range(x.size):
            out[j] = 0.0 if x[j] - x[j] == 0.0 else np.nan
    elif unit == 1.0:
        for j in range(x.size):
            out[j] = x[j] - centre if x[j] - x[j] == 0.0 else np.nan
    else:
        for j in range(x.size):
            out[j] = (x[j] - centre) / unit if x[j] - x[j] == 0.0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def group_measure_rows(
    x: Reals,
    inside: Flags,
    codes: Codes,
    size: int,
    mode: int,
    weights: Floats,
    out: Reals,
) -> None:
    """Demean, scale or standardize within each group, or give its mean to every cell of it.

    The mean may be weighted. A group without deviation scores 0; one without an inside cell has nothing.
    """
    groups = group_count(codes, size)
    centre, unit, totals = np.empty(groups + 1), np.empty(groups + 1), np.empty(groups + 1)
    for t in range(x.shape[0]):
        row, members, code, goal = x[t, :size], inside[t, :size], codes[t, :size], out[t, :size]
        _group_sums(row, code, members, weights[t], centre, totals)
        for g in range(groups):
            centre[g] = centre[g] / totals[g] if totals[g] > 0.0 else np.nan
        if mode == DEMEAN:
            for j in range(size):
                d = row[j] - centre[slot(code[j], groups)]
                goal[j] = d if row[j] - row[j] == 0.0 else np.nan
        elif mode == MEAN:
            for j in range(size):
                goal[j] = centre[slot(code[j], groups)]
        else:
            if mode == SCALE:
                _group_gross(row, code, members, centre, unit)
            else:
                _group_deviations(row, code, members, centre, totals, unit)
            for j in range(size):
                g = slot(code[j], groups)
                d = (row[j] - centre[g]) / unit[g] + 0.0  # no -0.0 where the unit is infinite
                goal[j] = d if row[j] - row[j] == 0.0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _group_rows(
    x: Reals, codes: Codes, inside: Flags, weights: Floats, sums: Floats, totals: Floats
) -> None:
    groups = sums.shape[1]
    part, total = np.empty(groups + 1), np.empty(groups + 1)
    for t in range(x.shape[0]):
        _group_sums(x[t], codes[t], inside[t], weights[t], part, total)
        sums[t], totals[t] = part[:groups], total[:groups]


@njit(cache=True, nogil=True, error_model="numpy")
def _group_sums(
    x: Reals, codes: Codes, inside: Flags, weights: Floats, sums: Floats, totals: Floats
) -> None:
    """Sum weight times value and weight of the inside cells of each group.

    The unknown group is the last but one; what does not count goes to the last place, which saves a branch
    that cannot be foreseen.
    """
    sums[:], totals[:] = 0.0, 0.0
    groups = sums.size - 1
    nowhere = np.uint64(groups)
    if weights.size == 0:
        for j in range(x.size):
            v = np.float64(x[j])
            g = slot(codes[j], groups) if inside[j] & (v - v == 0.0) else nowhere
            sums[g] += v
            totals[g] += 1.0
    else:
        for j in range(x.size):
            v, w = x[j], weights[j]
            if inside[j] and v - v == 0.0 and w > 0.0 and w - w == 0.0:
                g = slot(codes[j], groups)
                sums[g] += w * v
                totals[g] += w


@njit(cache=True, nogil=True, error_model="numpy")
def _group_gross(x: Reals, codes: Codes, inside: Flags, centre: Floats, unit: Floats) -> None:
    """Set the unit of each group to the sum of its absolute values, NaN where that is 0."""
    unit[:] = 0.0
    groups = unit.size - 1
    for j in range(x.size):
        if inside[j] and x[j] - x[j] == 0.0:
            unit[slot(codes[j], groups)] += abs(x[j])
    for g in range(groups):
        centre[g] = 0.0
        unit[g] = unit[g] if unit[g] > 0.0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _group_deviations(
    x: Reals, codes: Codes, inside: Flags, centre: Floats, totals: Floats, unit: Floats
) -> None:
    """Set the unit of each group to its population deviation, infinite where it does not vary."""
    unit[:] = 0.0
    groups = unit.size - 1
    largest = np.zeros(groups)
    for j in range(x.size):
        v = x[j]
        if inside[j] and v - v == 0.0:
            g = slot(codes[j], groups)
            d = v - centre[g]
            unit[g] += d * d
            largest[g] = max(largest[g], abs(v))
    for g in range(groups):
        std = np.sqrt(unit[g] / totals[g])
        unit[g] = std if std > FLAT * largest[g] else np.inf
