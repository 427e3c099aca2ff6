"""Across assets, date by date.

Statistics are measured on the estimable members of the universe; an asset outside is transformed with them.
NaN stays NaN. `industry` names a classification of the market; assets without one form a group of their own.
In the examples the three or four values are the assets of one date.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt

from superhet.factors.base import AssetName, Group, Role, Share, Signal, Steps, operator
from superhet.factors.crossings import NEUTRALIZE
from superhet.factors.graph import Ref

Reach = Annotated[float, Role("number"), Gt(0)]
Buckets = Annotated[int, Role("whole", "number of buckets"), Ge(2)]


@operator("cs_rank", "cross_section", unit="none")
def cs_rank(x: Signal, *, build: Steps) -> Ref:
    """Rank from 1/n (lowest) to 1 (highest) of the n estimable values; ties share their average rank.

    Examples
    --------
    >>> compute("cs_rank(x)", x=[[4.0, 2.0, np.nan, 4.0]]).round(3)
    array([[0.833, 0.333,   nan, 0.833]])
    """
    return build.cross("rank", x)


@operator("cs_zscore", "cross_section", unit="none")
def cs_zscore(x: Signal, *, build: Steps) -> Ref:
    """Subtract the mean and divide by the deviation (divisor n).

    Examples
    --------
    >>> compute("cs_zscore(x)", x=[[1.0, 3.0]])
    array([[-1.,  1.]])
    """
    return build.cross("zscore", x)


@operator("cs_demean", "cross_section")
def cs_demean(x: Signal, *, build: Steps) -> Ref:
    """Subtract the mean.

    Examples
    --------
    >>> compute("cs_demean(x)", x=[[1.0, 3.0]])
    array([[-1.,  1.]])
    """
    return build.cross("demean", x)


@operator("cs_winsorize", "cross_section")
def cs_winsorize(x: Signal, share: Share, *, build: Steps) -> Ref:
    """Clip at the quantiles `share` and 1 - `share`.

    Examples
    --------
    >>> compute("cs_winsorize(x, 0.25)", x=[[0.0, 1.0, 2.0, 3.0, 40.0]])
    array([[1., 1., 2., 3., 3.]])
    """
    return build.cross("winsorize", x, extra=(share,))


@operator("cs_median_clip", "cross_section")
def cs_median_clip(x: Signal, reach: Reach, *, build: Steps) -> Ref:
    """Clip at the median plus and minus `reach` deviations, estimated as 1.4826 times the MAD.

    Examples
    --------
    >>> compute("cs_median_clip(x, 2)", x=[[0.0, 1.0, 2.0, 3.0, 40.0]]).round(3)
    array([[0.   , 1.   , 2.   , 3.   , 4.965]])
    """
    return build.cross("median_clip", x, extra=(reach,))


@operator("cs_scale", "cross_section", unit="none")
def cs_scale(x: Signal, *, build: Steps) -> Ref:
    """Divide by the sum of absolute values, so that these sum to 1.

    Examples
    --------
    >>> compute("cs_scale(x)", x=[[1.0, -3.0]])
    array([[ 0.25, -0.75]])
    """
    return build.cross("scale", x)


@operator("cs_bucket", "cross_section", unit="none")
def cs_bucket(x: Signal, buckets: Buckets, *, build: Steps) -> Ref:
    """Give the quantile bucket, 1 (lowest) to `buckets` (highest).

    Examples
    --------
    >>> compute("cs_bucket(x, 2)", x=[[7.0, 1.0, 5.0, 3.0]])
    array([[2., 1., 2., 1.]])
    """
    return build.cross("bucket", x, extra=(buckets,))


@operator("cs_mean", "cross_section", missing="asks")
def cs_mean(x: Signal, *, build: Steps) -> Ref:
    """Give every asset the mean of the date.

    Examples
    --------
    >>> compute("cs_mean(x)", x=[[1.0, 3.0, np.nan]])
    array([[2., 2., 2.]])
    """
    return build.cross("mean", x)


@operator("cs_median", "cross_section", missing="asks")
def cs_median(x: Signal, *, build: Steps) -> Ref:
    """Give every asset the median of the date.

    Examples
    --------
    >>> compute("cs_median(x)", x=[[1.0, 3.0, 8.0]])
    array([[3., 3., 3.]])
    """
    return build.cross("median", x)


@operator("cs_std", "cross_section", missing="asks")
def cs_std(x: Signal, *, build: Steps) -> Ref:
    """Give every asset the deviation over the assets of the date (divisor n).

    Examples
    --------
    >>> compute("cs_std(x)", x=[[1.0, 3.0]])
    array([[1., 1.]])
    """
    return build.cross("std", x)


@operator("cs_sum", "cross_section", missing="asks")
def cs_sum(x: Signal, *, build: Steps) -> Ref:
    """Give every asset the sum of the date.

    Examples
    --------
    >>> compute("cs_sum(x)", x=[[1.0, 3.0]])
    array([[4., 4.]])
    """
    return build.cross("sum", x)


@operator("cs_asset", "cross_section", missing="asks")
def cs_asset(x: Signal, asset: AssetName, *, build: Steps) -> Ref:
    """Give every asset the value of one of them, such as an index or a peer (Qlib's `Mask`).

    Examples
    --------
    >>> compute("cs_asset(x, 000002.SZ)", x=[[1.0, 3.0]], assets=["000001.SZ", "000002.SZ"])
    array([[3., 3.]])
    """
    return build.cross("asset", x, extra=(asset,))


@operator("cs_group_demean", "cross_section")
def cs_group_demean(x: Signal, industry: Group, *, build: Steps) -> Ref:
    """Subtract the mean of the asset's group.

    Examples
    --------
    >>> compute("cs_group_demean(x, industry)", x=[[1.0, 3.0, 9.0]], groups={"industry": [[0, 0, 1]]})
    array([[-1.,  1.,  0.]])
    """
    return build.cross("group_demean", x, industry)


@operator("cs_group_mean", "cross_section", missing="asks")
def cs_group_mean(x: Signal, industry: Group, *, build: Steps) -> Ref:
    """Give every asset the mean of its group.

    Examples
    --------
    >>> compute("cs_group_mean(x, industry)", x=[[1.0, 3.0, 9.0]], groups={"industry": [[0, 0, 1]]})
    array([[2., 2., 9.]])
    """
    return build.cross("group_mean", x, industry)


@operator("cs_group_zscore", "cross_section", unit="none")
def cs_group_zscore(x: Signal, industry: Group, *, build: Steps) -> Ref:
    """Subtract the mean of the asset's group and divide by its deviation (divisor n).

    A group without deviation gives 0.

    Examples
    --------
    >>> compute("cs_group_zscore(x, industry)", x=[[1.0, 3.0, 9.0]], groups={"industry": [[0, 0, 1]]})
    array([[-1.,  1.,  0.]])
    """
    return build.cross("group_zscore", x, industry)


@operator("cs_group_rank", "cross_section", unit="none")
def cs_group_rank(x: Signal, industry: Group, *, build: Steps) -> Ref:
    """Rank within the asset's group, from 1/n (lowest) to 1 (highest).

    Examples
    --------
    >>> compute("cs_group_rank(x, industry)", x=[[5.0, 7.0, 1.0]], groups={"industry": [[0, 0, 1]]})
    array([[0.5, 1. , 1. ]])
    """
    return build.cross("group_rank", x, industry)


@operator("cs_group_scale", "cross_section", unit="none")
def cs_group_scale(x: Signal, industry: Group, *, build: Steps) -> Ref:
    """Divide by the sum of absolute values of the asset's group.

    Examples
    --------
    >>> compute("cs_group_scale(x, industry)", x=[[1.0, 3.0, 9.0]], groups={"industry": [[0, 0, 1]]})
    array([[0.25, 0.75, 1.  ]])
    """
    return build.cross("group_scale", x, industry)


@operator("cs_group_winsorize", "cross_section")
def cs_group_winsorize(x: Signal, share: Share, industry: Group, *, build: Steps) -> Ref:
    """Clip at the quantiles `share` and 1 - `share` of the asset's group.

    Examples
    --------
    >>> compute("cs_group_winsorize(x, 0.5, industry)", x=[[1.0, 3.0]], groups={"industry": [[0, 0]]})
    array([[2., 2.]])
    """
    return build.cross("group_winsorize", x, industry, extra=(share,))


@operator("cs_group_median_clip", "cross_section")
def cs_group_median_clip(x: Signal, reach: Reach, industry: Group, *, build: Steps) -> Ref:
    """Clip at the median of the asset's group plus and minus `reach` deviations (1.4826 times the MAD).

    Examples
    --------
    >>> x = [[0.0, 1.0, 2.0, 3.0, 40.0]]
    >>> compute("cs_group_median_clip(x, 2, industry)", x=x, groups={"industry": [[0] * 5]}).round(3)
    array([[0.   , 1.   , 2.   , 3.   , 4.965]])
    """
    return build.cross("group_median_clip", x, industry, extra=(reach,))


@operator("cs_group_bucket", "cross_section", unit="none")
def cs_group_bucket(x: Signal, buckets: Buckets, industry: Group, *, build: Steps) -> Ref:
    """Give the quantile bucket within the asset's group.

    Examples
    --------
    >>> compute("cs_group_bucket(x, 2, industry)", x=[[7.0, 1.0]], groups={"industry": [[0, 0]]})
    array([[2., 1.]])
    """
    return build.cross("group_bucket", x, industry, extra=(buckets,))


@operator("cs_neutralize", "cross_section")
def cs_neutralize(x: Signal, industry: Group, *exposures: Signal, build: Steps) -> Ref:
    """Give the residual of the regression on groups and exposures: `cs_neutralize(x, industry, size)`.

    Equally weighted least squares of each date; NaN where an exposure is not known.

    Examples
    --------
    >>> compute("cs_neutralize(x, industry)", x=[[1.0, 3.0]], groups={"industry": [[0, 0]]})
    array([[-1.,  1.]])
    """
    return build.cross(NEUTRALIZE, x, industry, *exposures)
