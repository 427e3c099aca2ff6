"""Across assets, date by date.

Statistics are measured on the estimable members of the universe (`inside`, handed in by the evaluator); an
asset outside is transformed with them. NaN stays NaN. `industry` names a classification of the market;
assets without one form a group of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from superhet.factors.base import Groups, Inside, Share, Values, operator
from superhet.kernels import cross_section as kernel
from superhet.kernels import regression


def _values(result: Any) -> Values:
    return np.asarray(result, dtype=np.float64)


def _estimable(x: Values, inside: Inside) -> Inside:
    return np.asarray(inside & np.isfinite(x))


@operator("cs_rank", "cross_section")
def cs_rank(x: Values, inside: Inside) -> Values:
    """Rank from 1/n (lowest) to 1 (highest) of the n estimable values; ties share their average rank.

    Examples
    --------
    >>> cs_rank(np.array([[4.0, 2.0, np.nan, 4.0]]), np.ones((1, 4), bool)).round(3)
    array([[0.833, 0.333,   nan, 0.833]])
    """
    count = _estimable(x, inside).sum(axis=1, keepdims=True)
    return _values(kernel.rank(x, inside) / np.maximum(count, 1))


@operator("cs_zscore", "cross_section")
def cs_zscore(x: Values, inside: Inside) -> Values:
    """Subtract the mean and divide by the deviation (divisor n).

    Examples
    --------
    >>> cs_zscore(np.array([[1.0, 3.0]]), np.ones((1, 2), bool))
    array([[-1.,  1.]])
    """
    return _values(kernel.zscore(x, inside))


@operator("cs_demean", "cross_section")
def cs_demean(x: Values, inside: Inside) -> Values:
    """Subtract the mean.

    Examples
    --------
    >>> cs_demean(np.array([[1.0, 3.0]]), np.ones((1, 2), bool))
    array([[-1.,  1.]])
    """
    everyone = np.zeros(x.shape, dtype=np.int32)
    return _values(kernel.demean_groups(x, everyone, inside=inside))


@operator("cs_winsorize", "cross_section")
def cs_winsorize(x: Values, share: Share, inside: Inside) -> Values:
    """Clip at the quantiles `share` and 1 - `share`.

    Examples
    --------
    >>> cs_winsorize(np.array([[0.0, 1.0, 2.0, 3.0, 40.0]]), 0.25, np.ones((1, 5), bool))
    array([[1., 1., 2., 3., 3.]])
    """
    return _values(
        kernel.winsorize_quantile(x, min(share, 1 - share), max(share, 1 - share), inside)
    )


@operator("cs_scale", "cross_section")
def cs_scale(x: Values, inside: Inside) -> Values:
    """Divide by the sum of absolute values, so that these sum to 1.

    Examples
    --------
    >>> cs_scale(np.array([[1.0, -3.0]]), np.ones((1, 2), bool))
    array([[ 0.25, -0.75]])
    """
    gross = np.where(_estimable(x, inside), np.abs(x), 0.0).sum(axis=1, keepdims=True)
    return np.where(gross > 0, x / np.where(gross > 0, gross, 1.0), np.nan)


@operator("cs_group_demean", "cross_section")
def cs_group_demean(x: Values, industry: Groups, inside: Inside) -> Values:
    """Subtract the mean of the asset's group.

    Examples
    --------
    >>> cs_group_demean(np.array([[1.0, 3.0, 9.0]]), np.array([[0, 0, 1]]), np.ones((1, 3), bool))
    array([[-1.,  1.,  0.]])
    """
    return _values(kernel.demean_groups(x, industry, inside=inside))


@operator("cs_group_zscore", "cross_section")
def cs_group_zscore(x: Values, industry: Groups, inside: Inside) -> Values:
    """Subtract the mean of the asset's group and divide by its deviation (divisor n).

    A group without deviation gives 0.

    Examples
    --------
    >>> cs_group_zscore(np.array([[1.0, 3.0, 9.0]]), np.array([[0, 0, 1]]), np.ones((1, 3), bool))
    array([[-1.,  1.,  0.]])
    """
    centred = _values(kernel.demean_groups(x, industry, inside=inside))
    sums, totals = kernel.group_sums(centred**2, industry, inside=inside)
    variance = _of_group(sums / np.maximum(totals, 1), industry)
    return np.where(variance > 0, centred / np.sqrt(np.where(variance > 0, variance, 1.0)), centred)


@operator("cs_group_rank", "cross_section")
def cs_group_rank(x: Values, industry: Groups, inside: Inside) -> Values:
    """Rank within the asset's group, from 1/n (lowest) to 1 (highest).

    Examples
    --------
    >>> cs_group_rank(np.array([[5.0, 7.0, 1.0]]), np.array([[0, 0, 1]]), np.ones((1, 3), bool))
    array([[0.5, 1. , 1. ]])
    """
    groups = int(industry.max(initial=-1)) + 1
    column = np.where(industry < 0, groups, industry)
    _, totals = kernel.group_sums(x, industry, groups, inside=inside)
    # one ranking does all groups: the group leads, the rank in the whole row follows
    key = column * (2.0 * x.shape[1] + 2.0) + _values(kernel.rank(x))
    before = np.cumsum(totals, axis=1) - totals
    within = _values(kernel.rank(key, inside)) - np.take_along_axis(before, column, axis=1)
    size = np.take_along_axis(totals, column, axis=1)
    known = np.isfinite(x) & (size > 0)
    return np.where(
        known, np.clip(within, 1.0, np.maximum(size, 1.0)) / np.maximum(size, 1.0), np.nan
    )


@operator("cs_neutralize", "cross_section")
def cs_neutralize(x: Values, industry: Groups, *exposures: Values, inside: Inside) -> Values:
    """Give the residual of the regression on groups and exposures: `cs_neutralize(x, industry, size)`.

    Equally weighted least squares of each date; NaN where an exposure is not known.

    Examples
    --------
    >>> cs_neutralize(np.array([[1.0, 3.0]]), np.array([[0, 0]]), inside=np.ones((1, 2), bool))
    array([[-1.,  1.]])
    """
    stacked = np.stack(exposures) if exposures else np.empty((0, *x.shape))
    return _values(regression.residual(x, industry, stacked, inside=inside))


def _of_group(table: Values, industry: Groups) -> Values:
    """Give each asset the number of its group; the last column is the unknown group."""
    column = np.where(industry < 0, table.shape[1] - 1, industry)
    return np.take_along_axis(table, column.astype(np.int64), axis=1)
