"""Cross-section kernels for the factor engine: single or double precision, written into a given array.

Every function has the form `kernel(x, inside, ..., out)` on row tiles: x and out [rows, assets] of the
same precision, `inside` [rows, assets] flags, `codes` [rows, assets] integers with -1 = unknown, which is
a group of its own. The arrays may be rows or padded parts of larger ones, as long as the assets of a row
lie side by side; they are not copied. `out` must not overlap an input.

**Rules.** Statistics are measured on cells that are inside and finite, and accumulated in double precision;
all other cells are transformed with them. What is not finite is missing and stays so (statistics of the date
and group means are given to missing cells, too). A row, or group, without an estimable cell has no result.
No row depends on another: however the rows are split among calls or threads, the bytes are the same.
The loops hold no interpreter lock.

The loops themselves are those of `ranking`, `clipping`, `cross_section` and `regression_rows`; `_whole` makes
arrays alike, so that numba compiles each loop once for each precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet import kernels

Array: TypeAlias = npt.NDArray[Any]
Reals: TypeAlias = npt.NDArray[Any]
Planes: TypeAlias = Array | Sequence[Array]
Statistic = Literal["mean", "median", "std", "sum"]


def rank_pct(x: Reals, inside: Array, out: Reals) -> None:
    """Rank from 1/n to 1 among the n estimable cells; ties share their average rank.

    A cell outside takes the place it would have among them, kept within [1/n, 1].
    """
    _rank(x, inside, None, kernels.ranking.SHARE, 1.0, out)


def bucket(x: Reals, inside: Array, n: int, out: Reals) -> None:
    """Cut each row into `n` buckets of equal size by average rank: 1 = lowest, n = highest.

    Ties share a bucket; a row with fewer estimable cells than buckets has none.
    """
    _rank(x, inside, None, kernels.ranking.BUCKET, n, out)


def group_rank_pct(x: Reals, inside: Array, codes: Array, out: Reals) -> None:
    """Do what `rank_pct` does within each group."""
    _rank(x, inside, codes, kernels.ranking.SHARE, 1.0, out)


def group_bucket(x: Reals, inside: Array, codes: Array, n: int, out: Reals) -> None:
    """Do what `bucket` does within each group."""
    _rank(x, inside, codes, kernels.ranking.BUCKET, n, out)


def zscore(x: Reals, inside: Array, out: Reals) -> None:
    """Subtract the mean and divide by the population deviation (divisor n).

    A row that does not vary gives 0, one with fewer than 2 estimable cells NaN.
    """
    x, inside = _input(x, out.dtype, out.shape), _input(inside, np.bool_, out.shape)
    equal = kernels.cross_section.unweighted(len(out))
    kernels.cross_section.zscore_rows(x, inside, out.shape[1], equal, _goal(out))


def demean(x: Reals, inside: Array, out: Reals) -> None:
    """Subtract the mean."""
    _measure(x, inside, kernels.cross_section.DEMEAN, out)


def scale(x: Reals, inside: Array, out: Reals) -> None:
    """Divide by the sum of absolute values; a row of zeros gives NaN."""
    _measure(x, inside, kernels.cross_section.SCALE, out)


def statistic(x: Reals, inside: Array, kind: Statistic, out: Reals) -> None:
    """Give every cell of a row, missing ones too, one statistic of the row.

    `std` is the population deviation (divisor n); it needs 2 estimable cells.
    """
    _measure(x, inside, kernels.cross_section.STATISTICS[kind], out)


def group_demean(x: Reals, inside: Array, codes: Array, out: Reals) -> None:
    """Subtract the mean of the group."""
    _group_measure(x, inside, codes, kernels.cross_section.DEMEAN, out)


def group_mean(x: Reals, inside: Array, codes: Array, out: Reals) -> None:
    """Give every cell of a group, missing ones too, the mean of the group."""
    _group_measure(x, inside, codes, kernels.cross_section.MEAN, out)


def group_zscore(x: Reals, inside: Array, codes: Array, out: Reals) -> None:
    """Subtract the mean of the group and divide by its population deviation.

    A group that does not vary, as one of a single estimable cell, gives 0.
    """
    _group_measure(x, inside, codes, kernels.cross_section.ZSCORE, out)


def group_scale(x: Reals, inside: Array, codes: Array, out: Reals) -> None:
    """Divide by the sum of absolute values of the group; a group of zeros gives NaN."""
    _group_measure(x, inside, codes, kernels.cross_section.SCALE, out)


def winsorize(x: Reals, inside: Array, share: float, out: Reals) -> None:
    """Clip at the quantiles `share` and 1 - `share`, interpolated linearly.

    A row with fewer than 2 estimable cells gives NaN.
    """
    low, high = min(share, 1.0 - share), max(share, 1.0 - share)
    _clip(x, inside, None, (kernels.clipping.QUANTILE, low, high), out)


def median_clip(x: Reals, inside: Array, reach: float, out: Reals) -> None:
    """Clip at median ± reach · 1.4826 · MAD; a row whose MAD is 0 is left as it is.

    A row with fewer than 2 estimable cells gives NaN.
    """
    _clip(x, inside, None, (kernels.clipping.MAD, reach * kernels.clipping.MAD_TO_STD, 0.0), out)


def median_clip_zscore(x: Reals, inside: Array, reach: float, out: Reals) -> None:
    """Do what `median_clip` and `zscore` do one after the other, byte for byte."""
    x, inside = _input(x, out.dtype, out.shape), _input(inside, np.bool_, out.shape)
    reach = float(reach) * kernels.clipping.MAD_TO_STD
    kernels.cross_section.clip_zscore_rows(x, inside, out.shape[1], reach, _goal(out))


def group_winsorize(x: Reals, inside: Array, codes: Array, share: float, out: Reals) -> None:
    """Do what `winsorize` does within each group; a group of one estimable cell is left as it is."""
    low, high = min(share, 1.0 - share), max(share, 1.0 - share)
    _clip(x, inside, codes, (kernels.clipping.QUANTILE, low, high), out)


def group_median_clip(x: Reals, inside: Array, codes: Array, reach: float, out: Reals) -> None:
    """Do what `median_clip` does within each group; a group of one estimable cell is left as it is."""
    _clip(x, inside, codes, (kernels.clipping.MAD, reach * kernels.clipping.MAD_TO_STD, 0.0), out)


def residual(x: Reals, inside: Array, codes: Array, exposures: Planes, out: Reals) -> None:
    """Residual of the equally weighted regression of each row on groups and exposures.

    Parameters
    ----------
    exposures : [k, rows, assets], or k arrays [rows, assets]; k may be 0. A cell without one of them has
        no residual; a column that groups and earlier columns explain changes nothing.
    """
    residual_many(x[None], inside, codes, exposures, out[None])


def residual_many(xs: Planes, inside: Array, codes: Array, exposures: Planes, out: Planes) -> None:
    """Residuals of many signals on the same groups and exposures, which are factored once a date.

    Parameters
    ----------
    xs, out : [m, rows, assets], or m arrays [rows, assets]; each signal gets the bytes that it gets alone
    exposures : as in `residual`
    """
    rows, size = out[0].shape
    cells = kernels.regression_date.Cells(
        _input(inside, np.bool_, (rows, size)),
        _input(codes, np.int32, (rows, size)),
        kernels.cross_section.unweighted(rows),
        size,
    )
    found = kernels.regression_rows.empty_report(len(out), rows, len(exposures))
    goals = [_goal(plane) for plane in out]
    signals = [_input(plane, out[0].dtype, (rows, size)) for plane in xs]
    columns = [_input(plane, out[0].dtype, (rows, size)) for plane in exposures]
    kernels.regression_rows.residual_rows(signals, columns, cells, False, found, goals)


def _rank(x: Array, inside: Array, codes: Array | None, mode: int, a: float, out: Reals) -> None:
    x, inside = _input(x, out.dtype, out.shape), _input(inside, np.bool_, out.shape)
    goal, size = _goal(out), out.shape[1]
    if codes is None:
        kernels.ranking.rank_rows(x, inside, size, mode, float(a), False, goal)
    else:
        codes = _input(codes, np.int32, out.shape)
        kernels.ranking.group_rank_rows(x, inside, codes, size, mode, float(a), goal)


def _measure(x: Array, inside: Array, mode: int, out: Reals) -> None:
    x, inside = _input(x, out.dtype, out.shape), _input(inside, np.bool_, out.shape)
    kernels.cross_section.measure_rows(x, inside, out.shape[1], mode, _goal(out))


def _group_measure(x: Array, inside: Array, codes: Array, mode: int, out: Reals) -> None:
    x, inside = _input(x, out.dtype, out.shape), _input(inside, np.bool_, out.shape)
    equal = kernels.cross_section.unweighted(len(out))
    kernels.cross_section.group_measure_rows(
        x, inside, _input(codes, np.int32, out.shape), out.shape[1], mode, equal, _goal(out)
    )


def _clip(
    x: Array, inside: Array, codes: Array | None, at: tuple[int, float, float], out: Reals
) -> None:
    x, inside = _input(x, out.dtype, out.shape), _input(inside, np.bool_, out.shape)
    goal, size, (mode, a, b) = _goal(out), out.shape[1], at
    if codes is None:
        kernels.clipping.clip_rows(x, inside, size, mode, (float(a), float(b)), False, goal)
    else:
        codes = _input(codes, np.int32, out.shape)
        kernels.clipping.group_clip_rows(x, inside, codes, size, mode, (float(a), float(b)), goal)


def _input(array: Array, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Any:
    """Make an input alike for all calls: of one type, read-only, its rows whole."""
    if array.shape != shape:
        raise ValueError(f"an array has shape {array.shape}, the others have {shape}")
    whole = _whole(np.asarray(array, dtype=dtype))
    return kernels.ranking.still(
        np.ascontiguousarray(array, dtype=dtype) if whole is None else whole
    )


def _goal(out: Reals) -> Reals:
    if out.dtype not in (np.float32, np.float64):
        raise TypeError(f"out must be float32 or float64 (got {out.dtype})")
    whole = _whole(out)
    if whole is None:
        raise ValueError(
            f"the assets of a row of out must lie side by side (strides {out.strides})"
        )
    return whole


def _whole(array: Array) -> Array | None:
    """Give a C-contiguous view that holds the array and what lies between its rows; None if none does.

    The loops take the numbers of rows and assets apart, so they never reach what lies between.
    """
    if array.flags.c_contiguous:
        return array
    item, steps = array.itemsize, array.strides
    if steps[-1] != item or 0 in array.shape:
        return None
    shape = [*array.shape]
    for axis in range(array.ndim - 1, 0, -1):
        between, rest = divmod(steps[axis - 1], steps[axis])
        if rest == 0 and between >= array.shape[axis]:
            shape[axis] = between
    whole = np.lib.stride_tricks.as_strided(array, shape, steps)
    return whole if whole.flags.c_contiguous else None
