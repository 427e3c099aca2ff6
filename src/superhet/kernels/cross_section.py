"""Cross-section kernels: each row (one date) alone, assets along the row, NaN = missing.

Every function takes `[rows, assets]` of any numeric type, computes in float64 and returns a new float64
array. `inside` says which cells the statistics are estimated on; all other cells are still transformed
with them. Cells that are not finite never enter a statistic.

1. ranks are made by sorting, in their own file         -> rank, power_rank, rank_normalize
2. outliers and medians select order statistics, too   -> winsorize_quantile, clip_mad, clip_std
3. `_zscore_rows` scales by the moments of one row      -> zscore
4. `_group_rows` sums by group                         -> demean_groups, group_sums
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.clipping import (
    MAD_TO_STD,
    clip_mad,
    clip_std,
    gather,
    group_medians,
    moments,
    winsorize_quantile,
)
from superhet.kernels.ranking import (
    Floats,
    Numbers,
    flags,
    floats,
    power_rank,
    rank,
    rank_normalize,
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

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]


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
    out = np.empty_like(x)
    _zscore_rows(x, flags(inside, x), *_weights(weights, x), out)
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
    codes, count = _codes(groups, x)
    out = np.empty_like(x)
    sums, totals = _group_arrays(len(x), count)
    _group_rows(x, codes, flags(inside, x), *_weights(weights, x), sums, totals)
    _demean_rows(x, codes, sums, totals, out)
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
    sums, totals = _group_arrays(len(x), count)
    _group_rows(x, codes, flags(inside, x), *_weights(weights, x), sums, totals)
    return sums, totals


# ------------------------------------------------------------------------------ doors to the kernels


def _same_shape(name: str, array: Numbers, x: Floats) -> None:
    if array.shape != x.shape:
        raise ValueError(f"{name} has shape {array.shape}, the values have {x.shape}")


def _weights(weights: Numbers | None, x: Floats) -> tuple[Floats, bool]:
    if weights is None:
        return np.empty((0, 0)), False
    _same_shape("weights", weights, x)
    return np.ascontiguousarray(weights, dtype=np.float64), True


def _codes(groups: Numbers, x: Floats, n_groups: int | None = None) -> tuple[Codes, int]:
    _same_shape("groups", groups, x)
    codes = np.ascontiguousarray(groups, dtype=np.int32)
    largest = int(codes.max(initial=-1))
    count = largest + 1 if n_groups is None else n_groups
    if largest >= count:
        raise ValueError(f"group code {largest} is beyond the {count} groups")
    return codes, count


def _group_arrays(rows: int, count: int) -> tuple[Floats, Floats]:
    return np.zeros((rows, count + 1)), np.zeros((rows, count + 1))


# ------------------------------------------------------------------------------------- compiled loops


@njit(cache=True, nogil=True, error_model="numpy")
def _zscore_rows(x: Floats, inside: Flags, weights: Floats, weighted: bool, out: Floats) -> None:
    size = x.shape[1]
    buffer = np.empty(size)
    for t in range(x.shape[0]):
        n = gather(x[t], inside[t], buffer)
        if n < 2:
            out[t] = np.nan
            continue
        mean, std = moments(buffer, n)
        if weighted:
            total, part = 0.0, 0.0
            for j in range(size):
                v, w = x[t, j], weights[t, j]
                if inside[t, j] and v - v == 0.0 and w > 0.0 and w - w == 0.0:
                    total += w
                    part += w * (v - mean)
            mean = mean + part / total if total > 0.0 else np.nan
        for j in range(size):
            v = x[t, j]
            if v - v != 0.0 or np.isnan(mean):
                out[t, j] = np.nan
            else:
                out[t, j] = (v - mean) / std if std > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _group_rows(
    x: Floats,
    codes: Codes,
    inside: Flags,
    weights: Floats,
    weighted: bool,
    sums: Floats,
    totals: Floats,
) -> None:
    unknown = sums.shape[1] - 1
    for t in range(x.shape[0]):
        for j in range(x.shape[1]):
            v = x[t, j]
            if inside[t, j] and v - v == 0.0:
                w = weights[t, j] if weighted else 1.0
                if w > 0.0 and w - w == 0.0:
                    g = codes[t, j]
                    g = g if g >= 0 else unknown
                    sums[t, g] += w * v
                    totals[t, g] += w


@njit(cache=True, nogil=True, error_model="numpy")
def _demean_rows(x: Floats, codes: Codes, sums: Floats, totals: Floats, out: Floats) -> None:
    unknown = sums.shape[1] - 1
    means = np.empty(unknown + 1)
    for t in range(x.shape[0]):
        for g in range(unknown + 1):
            means[g] = sums[t, g] / totals[t, g] if totals[t, g] > 0.0 else np.nan
        for j in range(x.shape[1]):
            v = x[t, j]
            g = codes[t, j]
            d = v - means[g if g >= 0 else unknown]
            out[t, j] = d if v - v == 0.0 else np.nan
