"""Down the dates of one asset.

NaN rule: a window skips missing rows and needs `half` of its rows, rounded up (at least 2 known rows for a
deviation, a correlation or a regression, 3 for skewness, 4 for kurtosis); with fewer the result is NaN.
Rows before the first session do not exist. A window without variance has deviation exactly 0; a
correlation, a z-score or a fit is then NaN. `ts_lag`, `ts_delta` and `ts_return` read two rows and need
both.

Look-back: a window of `w` sessions reads `w - 1` sessions before the newest, a lag of `k` reads `k`.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge

from superhet.factors.base import Lag, Role, Share, Values, Window, half, operator
from superhet.kernels.rolling import moment, pair, position, quantile, reduce, weighted_mean

Pair = Annotated[int, Role("whole", "window"), Ge(2)]
_SPANS = 4  # an exponential mean is cut after this many spans, with 0.03 % of its weight left


def _before(window: int) -> int:
    return window - 1


@operator("ts_lag", "time_series", lookback=lambda lag: lag)
def ts_lag(x: Values, lag: Lag) -> Values:
    """Give the value `lag` sessions before.

    Examples
    --------
    >>> ts_lag(np.array([[1.0], [2.0]]), 1).ravel()
    array([nan,  1.])
    """
    out = np.full(x.shape, np.nan)
    out[lag:] = x[: max(len(x) - lag, 0)]
    return out


@operator("ts_delta", "time_series", lookback=lambda lag: lag)
def ts_delta(x: Values, lag: Lag) -> Values:
    """Give the difference from `lag` sessions before.

    Examples
    --------
    >>> ts_delta(np.array([[1.0], [3.0]]), 1).ravel()
    array([nan,  2.])
    """
    before: Values = ts_lag(x, lag)
    return np.subtract(x, before)


@operator("ts_return", "time_series", lookback=lambda lag: lag)
def ts_return(x: Values, lag: Lag) -> Values:
    """Give the simple return over `lag` sessions; from zero it is not known.

    Examples
    --------
    >>> ts_return(np.array([[2.0], [3.0]]), 1).ravel()
    array([nan, 0.5])
    """
    before: Values = ts_lag(x, lag)
    before[before == 0] = np.nan
    return np.divide(x, before) - 1.0


@operator("ts_sum", "time_series", lookback=_before, missing="skips")
def ts_sum(x: Values, window: Window) -> Values:
    """Sum the known rows of the window.

    Examples
    --------
    >>> ts_sum(np.array([[1.0], [2.0]]), 2).ravel()
    array([1., 3.])
    """
    return reduce(x, window, half(window), "sum")


@operator("ts_mean", "time_series", lookback=_before, missing="skips")
def ts_mean(x: Values, window: Window) -> Values:
    """Average the known rows of the window.

    Examples
    --------
    >>> ts_mean(np.array([[1.0], [2.0]]), 2).ravel()
    array([1. , 1.5])
    """
    return reduce(x, window, half(window), "mean")


@operator("ts_product", "time_series", lookback=_before, missing="skips")
def ts_product(x: Values, window: Window) -> Values:
    """Multiply the known rows of the window.

    Examples
    --------
    >>> ts_product(np.array([[2.0], [3.0]]), 2).ravel()
    array([2., 6.])
    """
    return reduce(x, window, half(window), "product")


@operator("ts_min", "time_series", lookback=_before, missing="skips")
def ts_min(x: Values, window: Window) -> Values:
    """Give the least known row of the window.

    Examples
    --------
    >>> ts_min(np.array([[1.0], [2.0]]), 2).ravel()
    array([1., 1.])
    """
    return reduce(x, window, half(window), "min")


@operator("ts_max", "time_series", lookback=_before, missing="skips")
def ts_max(x: Values, window: Window) -> Values:
    """Give the greatest known row of the window.

    Examples
    --------
    >>> ts_max(np.array([[2.0], [1.0]]), 2).ravel()
    array([2., 2.])
    """
    return reduce(x, window, half(window), "max")


@operator("ts_count", "time_series", lookback=_before, missing="skips")
def ts_count(x: Values, window: Window) -> Values:
    """Count the rows of the window on which a condition holds: `ts_count(returns > 0, 20)`.

    Examples
    --------
    >>> ts_count(np.array([[1.0], [0.0], [1.0]]), 3).ravel()
    array([nan,  1.,  2.])
    """
    return reduce(np.where(np.isnan(x), np.nan, x != 0), window, half(window), "sum")


@operator("ts_argmax", "time_series", lookback=_before, missing="skips")
def ts_argmax(x: Values, window: Window) -> Values:
    """Say how many sessions ago the greatest known row was (0 = today); among equals the newest counts.

    Examples
    --------
    >>> ts_argmax(np.array([[3.0], [1.0], [2.0]]), 3).ravel()
    array([nan,  1.,  2.])
    """
    return position(x, window, half(window), "argmax")


@operator("ts_argmin", "time_series", lookback=_before, missing="skips")
def ts_argmin(x: Values, window: Window) -> Values:
    """Say how many sessions ago the least known row was (0 = today); among equals the newest counts.

    Examples
    --------
    >>> ts_argmin(np.array([[1.0], [3.0], [2.0]]), 3).ravel()
    array([nan,  1.,  2.])
    """
    return position(x, window, half(window), "argmin")


@operator("ts_rank", "time_series", lookback=_before, missing="skips")
def ts_rank(x: Values, window: Window) -> Values:
    """Rank today's value among the known rows of the window, in (0, 1]; ties share their average rank.

    Examples
    --------
    >>> ts_rank(np.array([[3.0], [1.0], [2.0]]), 3).ravel().round(3)
    array([  nan, 0.5  , 0.667])
    """
    return position(x, window, half(window), "rank")


@operator("ts_median", "time_series", lookback=_before, missing="skips")
def ts_median(x: Values, window: Window) -> Values:
    """Give the median of the window.

    Examples
    --------
    >>> ts_median(np.array([[3.0], [1.0], [2.0]]), 3).ravel()
    array([nan,  2.,  2.])
    """
    return quantile(x, window, 0.5, half(window))


@operator("ts_quantile", "time_series", lookback=_before, missing="skips")
def ts_quantile(x: Values, window: Window, level: Share) -> Values:
    """Give a quantile of the window, linear between neighbours; `level` in [0, 1].

    Examples
    --------
    >>> ts_quantile(np.array([[3.0], [1.0], [2.0]]), 3, 1.0).ravel()
    array([nan,  3.,  3.])
    """
    return quantile(x, window, level, half(window))


@operator("ts_var", "time_series", lookback=_before, missing="skips")
def ts_var(x: Values, window: Pair) -> Values:
    """Give the sample variance (ddof 1).

    Examples
    --------
    >>> ts_var(np.array([[1.0], [3.0]]), 2).ravel()
    array([nan,  2.])
    """
    return moment(x, window, half(window, 2), "var")


@operator("ts_std", "time_series", lookback=_before, missing="skips")
def ts_std(x: Values, window: Pair) -> Values:
    """Give the sample deviation (ddof 1).

    Examples
    --------
    >>> ts_std(np.array([[5.0], [5.0]]), 2).ravel()
    array([nan,  0.])
    """
    return moment(x, window, half(window, 2), "std")


@operator("ts_skew", "time_series", lookback=_before, missing="skips")
def ts_skew(x: Values, window: Annotated[int, Role("whole", "window"), Ge(3)]) -> Values:
    """Give the adjusted sample skewness (as pandas).

    Examples
    --------
    >>> ts_skew(np.array([[1.0], [2.0], [6.0]]), 3)[-1].round(3)
    array([1.458])
    """
    return moment(x, window, half(window, 3), "skew")


@operator("ts_kurt", "time_series", lookback=_before, missing="skips")
def ts_kurt(x: Values, window: Annotated[int, Role("whole", "window"), Ge(4)]) -> Values:
    """Give the adjusted sample excess kurtosis (as pandas).

    Examples
    --------
    >>> ts_kurt(np.array([[1.0], [2.0], [3.0], [4.0]]), 4)[-1].round(3)
    array([-1.2])
    """
    return moment(x, window, half(window, 4), "kurt")


@operator("ts_zscore", "time_series", lookback=_before, missing="skips")
def ts_zscore(x: Values, window: Pair) -> Values:
    """Give today's distance from the window's mean, in deviations.

    Examples
    --------
    >>> ts_zscore(np.array([[1.0], [2.0], [3.0]]), 3)[-1]
    array([1.])
    """
    return moment(x, window, half(window, 2), "zscore")


@operator("ts_ema", "time_series", lookback=lambda span: _SPANS * span - 1, missing="skips")
def ts_ema(x: Values, span: Window) -> Values:
    """Average with weights that fall by the factor 1 - 2/(span + 1) a session.

    The mean is cut after four spans, where 0.03 % of the weight is left, so that its look-back is exact;
    half a span of known rows is needed.

    Examples
    --------
    >>> ts_ema(np.array([[1.0], [2.0]]), 3).ravel().round(3)
    array([  nan, 1.667])
    """
    decay = 1.0 - 2.0 / (span + 1.0)
    weights = np.maximum(decay ** np.arange(_SPANS * span), np.finfo(np.float64).tiny)
    return weighted_mean(x, weights, half(span))


@operator("ts_decay_linear", "time_series", lookback=_before, missing="skips")
def ts_decay_linear(x: Values, window: Window) -> Values:
    """Average with weights that fall linearly from `window` (today) to 1.

    Examples
    --------
    >>> ts_decay_linear(np.array([[1.0], [4.0]]), 2).ravel()
    array([1., 3.])
    """
    return weighted_mean(x, np.arange(window, 0, -1.0), half(window))


@operator("ts_cov", "time_series", lookback=_before, missing="skips")
def ts_cov(x: Values, y: Values, window: Pair) -> Values:
    """Give the sample covariance of two signals over the rows where both are known.

    Examples
    --------
    >>> x = np.array([[1.0], [3.0]])
    >>> ts_cov(x, -x, 2).ravel()
    array([nan, -2.])
    """
    return pair(y, x, window, half(window, 2), "cov")


@operator("ts_corr", "time_series", lookback=_before, missing="skips")
def ts_corr(x: Values, y: Values, window: Pair) -> Values:
    """Correlate two signals over the rows where both are known.

    Examples
    --------
    >>> x = np.array([[1.0], [3.0], [4.0]])
    >>> ts_corr(x, -x, 3)[-1]
    array([-1.])
    """
    return pair(y, x, window, half(window, 2), "corr")


@operator("ts_beta", "time_series", lookback=_before, missing="skips")
def ts_beta(y: Values, x: Values, window: Pair) -> Values:
    """Give the slope of the regression of `y` on `x`.

    Examples
    --------
    >>> x = np.array([[1.0], [3.0], [4.0]])
    >>> ts_beta(2 * x, x, 3)[-1]
    array([2.])
    """
    return pair(y, x, window, half(window, 2), "slope")


@operator("ts_slope", "time_series", lookback=_before, missing="skips")
def ts_slope(x: Values, window: Pair) -> Values:
    """Give the slope of the trend line, per session.

    Examples
    --------
    >>> ts_slope(np.array([[1.0], [3.0], [5.0]]), 3)[-1]
    array([2.])
    """
    return pair(x, None, window, half(window, 2), "slope")


@operator("ts_rsquare", "time_series", lookback=_before, missing="skips")
def ts_rsquare(x: Values, window: Pair) -> Values:
    """Give the share of variance that the trend line explains.

    Examples
    --------
    >>> ts_rsquare(np.array([[1.0], [3.0], [5.0]]), 3)[-1]
    array([1.])
    """
    return pair(x, None, window, half(window, 2), "rsquare")


@operator("ts_residual", "time_series", lookback=_before, missing="skips")
def ts_residual(x: Values, window: Pair) -> Values:
    """Give today's distance from the trend line.

    Examples
    --------
    >>> ts_residual(np.array([[0.0], [0.0], [3.0]]), 3)[-1].round(3)
    array([0.5])
    """
    return pair(x, None, window, half(window, 2), "residual")
