"""Bars of a day to one number a day.

Inside a `bar_` function the names open, high, low, close, volume and amount are fields of the bars, and
arithmetic is done bar by bar; the result stands on the day and is known at its close. Every reduction takes
a slice of the day by two places, counted from 1 at the open and from -1 backwards at the close, both
included: `bar_sum(volume, -4, -1)` is the volume of the last four bars. A reduction inside another
(`bar_mean(close / bar_first(open))`) is the same for all bars of the day. Prices are raw; one day needs no
adjustment.

NaN rule: missing bars are skipped; half the bars of the slice must be known (at least 2 for a deviation, 3
for skewness and correlation); the first and last known bar need one.
"""

from __future__ import annotations

import numpy as np

from superhet.factors.base import Lag, Place, Starts, Stops, Values, operator
from superhet.kernels.intraday import day_lag, day_moment, day_reduce


@operator("bar_sum", "intraday", missing="skips")
def bar_sum(
    x: Values, first: Place = 1, last: Place = -1, *, starts: Starts, stops: Stops
) -> Values:
    """Sum the bars.

    Examples
    --------
    >>> bar_sum(np.array([[1.0], [2.0]]), starts=np.array([0]), stops=np.array([2]))
    array([[3.]])
    """
    return day_reduce(x, starts, stops, first, last, "sum")


@operator("bar_mean", "intraday", missing="skips")
def bar_mean(
    x: Values, first: Place = 1, last: Place = -1, *, starts: Starts, stops: Stops
) -> Values:
    """Average the bars.

    Examples
    --------
    >>> bar_mean(np.array([[1.0], [2.0]]), starts=np.array([0]), stops=np.array([2]))
    array([[1.5]])
    """
    return day_reduce(x, starts, stops, first, last, "mean")


@operator("bar_count", "intraday", missing="skips")
def bar_count(
    x: Values, first: Place = 1, last: Place = -1, *, starts: Starts, stops: Stops
) -> Values:
    """Count the bars on which a condition holds: `bar_count(close > open)`.

    Examples
    --------
    >>> bar_count(np.array([[1.0], [0.0]]), starts=np.array([0]), stops=np.array([2]))
    array([[1.]])
    """
    held = np.where(np.isnan(x), np.nan, x != 0)
    return day_reduce(held, starts, stops, first, last, "sum")


@operator("bar_first", "intraday", missing="skips")
def bar_first(
    x: Values, first: Place = 1, last: Place = -1, *, starts: Starts, stops: Stops
) -> Values:
    """Give the first known bar.

    Examples
    --------
    >>> bar_first(np.array([[np.nan], [2.0]]), starts=np.array([0]), stops=np.array([2]))
    array([[2.]])
    """
    return day_reduce(x, starts, stops, first, last, "first")


@operator("bar_last", "intraday", missing="skips")
def bar_last(
    x: Values, first: Place = 1, last: Place = -1, *, starts: Starts, stops: Stops
) -> Values:
    """Give the last known bar.

    Examples
    --------
    >>> bar_last(np.array([[1.0], [2.0]]), starts=np.array([0]), stops=np.array([2]))
    array([[2.]])
    """
    return day_reduce(x, starts, stops, first, last, "last")


@operator("bar_max", "intraday", missing="skips")
def bar_max(
    x: Values, first: Place = 1, last: Place = -1, *, starts: Starts, stops: Stops
) -> Values:
    """Give the greatest bar.

    Examples
    --------
    >>> bar_max(np.array([[1.0], [2.0]]), starts=np.array([0]), stops=np.array([2]))
    array([[2.]])
    """
    return day_reduce(x, starts, stops, first, last, "max")


@operator("bar_min", "intraday", missing="skips")
def bar_min(
    x: Values, first: Place = 1, last: Place = -1, *, starts: Starts, stops: Stops
) -> Values:
    """Give the least bar.

    Examples
    --------
    >>> bar_min(np.array([[1.0], [2.0]]), starts=np.array([0]), stops=np.array([2]))
    array([[1.]])
    """
    return day_reduce(x, starts, stops, first, last, "min")


@operator("bar_std", "intraday", missing="skips")
def bar_std(
    x: Values, first: Place = 1, last: Place = -1, *, starts: Starts, stops: Stops
) -> Values:
    """Give the deviation over bars (ddof 1).

    Examples
    --------
    >>> bar_std(np.array([[1.0], [2.0], [3.0]]), starts=np.array([0]), stops=np.array([3]))
    array([[1.]])
    """
    return day_moment(x, x, starts, stops, first, last, "std")


@operator("bar_skew", "intraday", missing="skips")
def bar_skew(
    x: Values, first: Place = 1, last: Place = -1, *, starts: Starts, stops: Stops
) -> Values:
    """Give the skewness over bars (adjusted, as pandas).

    Examples
    --------
    >>> bar_skew(np.array([[1.0], [2.0], [6.0]]), starts=np.array([0]), stops=np.array([3])).round(3)
    array([[1.458]])
    """
    return day_moment(x, x, starts, stops, first, last, "skew")


@operator("bar_corr", "intraday", missing="skips")
def bar_corr(
    x: Values, y: Values, first: Place = 1, last: Place = -1, *, starts: Starts, stops: Stops
) -> Values:
    """Correlate two series over the bars of a day.

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [3.0]])
    >>> bar_corr(x, -x, starts=np.array([0]), stops=np.array([3]))
    array([[-1.]])
    """
    return day_moment(x, y, starts, stops, first, last, "corr")


@operator("bar_lag", "intraday", bars=True)
def bar_lag(x: Values, lag: Lag, *, starts: Starts, stops: Stops) -> Values:
    """Give to each bar the value `lag` bars earlier on the same day; only inside a reduction.

    Examples
    --------
    >>> bar_lag(np.array([[1.0], [2.0]]), 1, starts=np.array([0]), stops=np.array([2])).ravel()
    array([nan,  1.])
    """
    return day_lag(x, starts, stops, lag)
