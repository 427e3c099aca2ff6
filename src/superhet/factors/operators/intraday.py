"""Bars of a day to one number a day.

Inside a `bar_` function the names open, high, low, close, volume and amount are fields of the bars, and
arithmetic is done bar by bar; the result stands on the day and is known at its close. Every reduction takes
a slice of the day by two places, counted from 1 at the open and from -1 backwards at the close, both
included: `bar_sum(volume, -4, -1)` is the volume of the last four bars. A reduction inside another
(`bar_mean(close / bar_first(open))`) and a daily field (`bar_sum(volume / float_shares)`) are the same for
all bars of the day. Prices are raw; one day needs no adjustment.

Some functions give one number a bar again (`bar_lag`, `bar_cumsum`, …); they see the bars of their own day
only, and stand inside a reduction.

NaN rule: missing bars (NaN, infinite) are skipped; half the bars of the slice must be known (at least 2
for a deviation, 3 for skewness, correlation and trends, 4 for kurtosis); the first and last known bar
need one.

The functions below are one day of a formula, [bars, assets] to [assets]; formulas are computed many at once
(`factors.bars`).
"""

from __future__ import annotations

from superhet.factors.base import Lag, Place, Share, Values, operator
from superhet.kernels.intraday import along, reduced


@operator("bar_sum", "intraday", missing="skips")
def bar_sum(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Sum the bars.

    Examples
    --------
    >>> bar_sum(np.array([[1.0], [2.0]]))
    array([3.])
    """
    return reduced("sum", [x], first, last)


@operator("bar_mean", "intraday", missing="skips")
def bar_mean(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Average the bars.

    Examples
    --------
    >>> bar_mean(np.array([[1.0], [2.0]]))
    array([1.5])
    """
    return reduced("mean", [x], first, last)


@operator("bar_count", "intraday", missing="skips", unit="none")
def bar_count(condition: Values, first: Place = 1, last: Place = -1) -> Values:
    """Count the bars on which a condition holds: `bar_count(close > open)`.

    Examples
    --------
    >>> bar_count(np.array([[1.0], [0.0]]))
    array([1.])
    """
    return reduced("count", [condition], first, last)


@operator("bar_first", "intraday", missing="skips")
def bar_first(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the first known bar.

    Examples
    --------
    >>> bar_first(np.array([[np.nan], [2.0]]))
    array([2.])
    """
    return reduced("first", [x], first, last)


@operator("bar_last", "intraday", missing="skips")
def bar_last(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the last known bar.

    Examples
    --------
    >>> bar_last(np.array([[1.0], [2.0]]))
    array([2.])
    """
    return reduced("last", [x], first, last)


@operator("bar_max", "intraday", missing="skips")
def bar_max(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the greatest bar.

    Examples
    --------
    >>> bar_max(np.array([[1.0], [2.0]]))
    array([2.])
    """
    return reduced("max", [x], first, last)


@operator("bar_min", "intraday", missing="skips")
def bar_min(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the least bar.

    Examples
    --------
    >>> bar_min(np.array([[1.0], [2.0]]))
    array([1.])
    """
    return reduced("min", [x], first, last)


@operator("bar_argmax", "intraday", missing="skips", unit="none")
def bar_argmax(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the place of the greatest bar, counted from 1 at the open; of equal bars the first.

    Examples
    --------
    >>> bar_argmax(np.array([[1.0], [7.0], [2.0]]))
    array([2.])
    """
    return reduced("argmax", [x], first, last)


@operator("bar_argmin", "intraday", missing="skips", unit="none")
def bar_argmin(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the place of the least bar, counted from 1 at the open; of equal bars the first.

    Examples
    --------
    >>> bar_argmin(np.array([[1.0], [7.0], [2.0]]), 2, 3)
    array([3.])
    """
    return reduced("argmin", [x], first, last)


@operator("bar_std", "intraday", missing="skips")
def bar_std(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the deviation over bars (ddof 1).

    Examples
    --------
    >>> bar_std(np.array([[1.0], [2.0], [3.0]]))
    array([1.])
    """
    return reduced("std", [x], first, last)


@operator("bar_skew", "intraday", missing="skips", unit="none")
def bar_skew(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the skewness over bars (adjusted, as pandas).

    Examples
    --------
    >>> bar_skew(np.array([[1.0], [2.0], [6.0]])).round(3)
    array([1.458])
    """
    return reduced("skew", [x], first, last)


@operator("bar_kurt", "intraday", missing="skips", unit="none")
def bar_kurt(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the excess kurtosis over bars (adjusted, as pandas).

    Examples
    --------
    >>> bar_kurt(np.array([[1.0], [2.0], [3.0], [8.0]])).round(3)
    array([2.704])
    """
    return reduced("kurt", [x], first, last)


@operator("bar_median", "intraday", missing="skips")
def bar_median(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the median bar.

    Examples
    --------
    >>> bar_median(np.array([[1.0], [7.0], [2.0]]))
    array([2.])
    """
    return reduced("median", [x], first, last)


@operator("bar_quantile", "intraday", missing="skips")
def bar_quantile(x: Values, level: Share, first: Place = 1, last: Place = -1) -> Values:
    """Give a quantile of the bars, linear between neighbours; `level` is a share from 0 to 1.

    Examples
    --------
    >>> bar_quantile(np.array([[1.0], [3.0], [2.0]]), 0.75)
    array([2.5])
    """
    return reduced("quantile", [x], first, last, level)


@operator("bar_entropy", "intraday", missing="skips", unit="none")
def bar_entropy(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the entropy of the bars' shares of their sum: 1 where all are equal, 0 where one bar has all.

    Shannon's entropy divided by the logarithm of the number of known bars; with a negative bar or a
    single one it is not known.

    Examples
    --------
    >>> bar_entropy(np.array([[5.0, 1.0], [5.0, 3.0]])).round(3)
    array([1.   , 0.811])
    """
    return reduced("entropy", [x], first, last)


@operator("bar_slope", "intraday", missing="skips")
def bar_slope(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the slope of the trend line over bars, a bar.

    Examples
    --------
    >>> bar_slope(np.array([[1.0], [3.0], [5.0]]))
    array([2.])
    """
    return reduced("slope", [x], first, last)


@operator("bar_rsquare", "intraday", missing="skips", unit="none")
def bar_rsquare(x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the share of the bars' variance that their trend line explains.

    Examples
    --------
    >>> bar_rsquare(np.array([[1.0], [3.0], [1.0]])), bar_rsquare(np.array([[1.0], [2.0], [3.0]]))
    (array([0.]), array([1.]))
    """
    return reduced("rsquare", [x], first, last)


@operator("bar_corr", "intraday", missing="skips", unit="none")
def bar_corr(x: Values, y: Values, first: Place = 1, last: Place = -1) -> Values:
    """Correlate two series over the bars of a day.

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [3.0]])
    >>> bar_corr(x, -x)
    array([-1.])
    """
    return reduced("corr", [x, y], first, last)


@operator("bar_beta", "intraday", missing="skips", unit="divide")
def bar_beta(y: Values, x: Values, first: Place = 1, last: Place = -1) -> Values:
    """Give the slope of the regression of `y` on `x` over the bars of a day.

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [4.0]])
    >>> bar_beta(3 * x, x)
    array([3.])
    """
    return reduced("beta", [y, x], first, last)


@operator("bar_top_mean", "intraday", missing="skips")
def bar_top_mean(
    x: Values, weight: Values, key: Values, share: Share, first: Place = 1, last: Place = -1
) -> Values:
    """Average `x` by weight over the bars of greatest `key` that hold a share of all weight.

    `bar_top_mean(close, volume, abs(close / open - 1) / sqrt(volume), 0.2)` is the average price of the
    fifth of the volume that moved prices most. The bar on which the share is reached counts in part.

    Examples
    --------
    >>> price, volume = np.array([[10.0], [11.0], [12.0]]), np.array([[1.0], [1.0], [2.0]])
    >>> bar_top_mean(price, volume, np.array([[3.0], [9.0], [5.0]]), 0.5)
    array([11.5])
    """
    return reduced("top_mean", [x, weight, key], first, last, share)


@operator("bar_lag", "intraday", bars=True)
def bar_lag(x: Values, lag: Lag) -> Values:
    """Give to each bar the value `lag` bars earlier on the same day; only inside a reduction.

    Examples
    --------
    >>> bar_lag(np.array([[1.0], [2.0]]), 1).ravel()
    array([nan,  1.])
    """
    return along("lag", x, lag)


@operator("bar_delta", "intraday", bars=True)
def bar_delta(x: Values, lag: Lag) -> Values:
    """Give the change from `lag` bars earlier on the same day; only inside a reduction.

    Examples
    --------
    >>> bar_delta(np.array([[1.0], [3.0]]), 1).ravel()
    array([nan,  2.])
    """
    return along("delta", x, lag)


@operator("bar_return", "intraday", bars=True, unit="none")
def bar_return(x: Values, lag: Lag) -> Values:
    """Give the relative change from `lag` bars earlier on the same day; only inside a reduction.

    Examples
    --------
    >>> bar_return(np.array([[2.0], [3.0]]), 1).ravel()
    array([nan, 0.5])
    """
    return along("return", x, lag)


@operator("bar_cumsum", "intraday", missing="skips", bars=True)
def bar_cumsum(x: Values) -> Values:
    """Sum all bars of the day so far; only inside a reduction.

    Examples
    --------
    >>> bar_cumsum(np.array([[1.0], [np.nan], [3.0]])).ravel()
    array([ 1., nan,  4.])
    """
    return along("cumsum", x)


@operator("bar_cummax", "intraday", missing="skips", bars=True)
def bar_cummax(x: Values) -> Values:
    """Give the greatest bar of the day so far; only inside a reduction.

    Examples
    --------
    >>> bar_cummax(np.array([[1.0], [3.0], [2.0]])).ravel()
    array([1., 3., 3.])
    """
    return along("cummax", x)


@operator("bar_cummin", "intraday", missing="skips", bars=True)
def bar_cummin(x: Values) -> Values:
    """Give the least bar of the day so far; only inside a reduction.

    Examples
    --------
    >>> bar_cummin(np.array([[2.0], [3.0], [1.0]])).ravel()
    array([2., 2., 1.])
    """
    return along("cummin", x)


@operator("bar_rank", "intraday", missing="skips", bars=True, unit="none")
def bar_rank(x: Values) -> Values:
    """Rank the bars of the day, the greatest as 1 and the least as 1/n; equal bars share their rank.

    Examples
    --------
    >>> bar_rank(np.array([[5.0], [7.0], [5.0], [9.0]])).ravel()
    array([0.375, 0.75 , 0.375, 1.   ])
    """
    return along("rank", x)


@operator("bar_place", "intraday", bars=True, unit="none")
def bar_place(x: Values) -> Values:
    """Give the place of each bar, counted from 1 at the open; NaN where `x` is not known.

    Examples
    --------
    >>> bar_place(np.array([[5.0], [np.nan], [7.0]])).ravel()
    array([ 1., nan,  3.])
    """
    return along("place", x)
