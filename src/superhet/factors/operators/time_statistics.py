"""Statistics down the dates of one asset: deviations, shapes, correlations, regressions, trend lines.

NaN rule, look-back and examples are as in `operators.time_series`. They need at least 2 known rows, 3 for
skewness, 4 for kurtosis, 1 for the mean absolute deviation. A window without variance has deviation exactly
0; a correlation, a z-score or an R² is then NaN.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from superhet.factors.base import LONGEST, Role, Signal, Steps, Window, before, operator
from superhet.factors.graph import Ref

Pair = Annotated[int, Role("whole", "window"), Ge(2), Le(LONGEST)]
Triple = Annotated[int, Role("whole", "window"), Ge(3), Le(LONGEST)]
Four = Annotated[int, Role("whole", "window"), Ge(4), Le(LONGEST)]


@operator("ts_var", "time_series", lookback=before, missing="skips", least=2, unit="square")
def ts_var(x: Signal, window: Pair, *, build: Steps) -> Ref:
    """Give the sample variance (ddof 1).

    Examples
    --------
    >>> compute("ts_var(x, 2)", x=[1.0, 3.0])
    array([nan,  2.])
    """
    return build.window("var", x, window=window, least=2)


@operator("ts_std", "time_series", lookback=before, missing="skips", least=2)
def ts_std(x: Signal, window: Pair, *, build: Steps) -> Ref:
    """Give the sample deviation (ddof 1).

    Examples
    --------
    >>> compute("ts_std(x, 2)", x=[5.0, 5.0])
    array([nan,  0.])
    """
    return build.window("std", x, window=window, least=2)


@operator("ts_skew", "time_series", lookback=before, missing="skips", least=3, unit="none")
def ts_skew(x: Signal, window: Triple, *, build: Steps) -> Ref:
    """Give the adjusted sample skewness (as pandas).

    Examples
    --------
    >>> compute("ts_skew(x, 3)", x=[1.0, 2.0, 6.0])[-1].round(3)
    np.float64(1.458)
    """
    return build.window("skew", x, window=window, least=3, extra=(build.convention.skew,))


@operator("ts_kurt", "time_series", lookback=before, missing="skips", least=4, unit="none")
def ts_kurt(x: Signal, window: Four, *, build: Steps) -> Ref:
    """Give the adjusted sample excess kurtosis (as pandas).

    Examples
    --------
    >>> compute("ts_kurt(x, 4)", x=[1.0, 2.0, 3.0, 4.0])[-1].round(3)
    np.float64(-1.2)
    """
    return build.window("kurt", x, window=window, least=4, extra=(build.convention.kurt,))


@operator("ts_zscore", "time_series", lookback=before, missing="skips", least=2, unit="none")
def ts_zscore(x: Signal, window: Pair, *, build: Steps) -> Ref:
    """Give today's distance from the window's mean, in deviations.

    Examples
    --------
    >>> compute("ts_zscore(x, 3)", x=[1.0, 2.0, 3.0])[-1]
    np.float64(1.0)
    """
    return build.window("zscore", x, window=window, least=2)


@operator("ts_mad", "time_series", lookback=before, missing="skips")
def ts_mad(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Give the mean absolute deviation from the window's mean.

    Examples
    --------
    >>> compute("ts_mad(x, 2)", x=[1.0, 3.0])
    array([0., 1.])
    """
    return build.window("absolute_deviation", x, window=window)


@operator("ts_cov", "time_series", lookback=before, missing="skips", least=2, unit="multiply")
def ts_cov(x: Signal, y: Signal, window: Pair, *, build: Steps) -> Ref:
    """Give the sample covariance of two signals over the rows where both are known.

    Examples
    --------
    >>> compute("ts_cov(x, -x, 2)", x=[1.0, 3.0])
    array([nan, -2.])
    """
    return build.window("cov", x, y, window=window, least=2)


@operator("ts_corr", "time_series", lookback=before, missing="skips", least=2, unit="none")
def ts_corr(x: Signal, y: Signal, window: Pair, *, build: Steps) -> Ref:
    """Correlate two signals over the rows where both are known.

    Examples
    --------
    >>> compute("ts_corr(x, -x, 3)", x=[1.0, 3.0, 4.0])[-1]
    np.float64(-1.0)
    """
    return build.window("corr", x, y, window=window, least=2, extra=(build.convention.flat,))


@operator("ts_beta", "time_series", lookback=before, missing="skips", least=2, unit="divide")
def ts_beta(y: Signal, x: Signal, window: Pair, *, build: Steps) -> Ref:
    """Give the slope of the regression of `y` on `x`.

    Examples
    --------
    >>> compute("ts_beta(2 * x, x, 3)", x=[1.0, 3.0, 4.0])[-1]
    np.float64(2.0)
    """
    return build.window("beta", y, x, window=window, least=2)


@operator("ts_regression_residual", "time_series", lookback=before, missing="skips", least=2)
def ts_regression_residual(y: Signal, x: Signal, window: Pair, *, build: Steps) -> Ref:
    """Give today's distance of `y` from its regression on `x`.

    Examples
    --------
    >>> compute("ts_regression_residual(y, x, 3)", x=[1.0, 2.0, 3.0], y=[0.0, 0.0, 3.0])[-1].round(3)
    np.float64(0.5)
    """
    return build.window("distance", y, x, window=window, least=2)


@operator("ts_slope", "time_series", lookback=before, missing="skips", least=2)
def ts_slope(x: Signal, window: Pair, *, build: Steps) -> Ref:
    """Give the slope of the trend line, per session.

    Examples
    --------
    >>> compute("ts_slope(x, 3)", x=[1.0, 3.0, 5.0])[-1]
    np.float64(2.0)
    """
    return build.window("slope", x, window=window, least=2)


@operator("ts_rsquare", "time_series", lookback=before, missing="skips", least=2, unit="none")
def ts_rsquare(x: Signal, window: Pair, *, build: Steps) -> Ref:
    """Give the share of variance that the trend line explains.

    Examples
    --------
    >>> compute("ts_rsquare(x, 3)", x=[1.0, 3.0, 5.0])[-1]
    np.float64(1.0)
    """
    return build.window("rsquare", x, window=window, least=2, extra=(build.convention.flat,))


@operator("ts_residual", "time_series", lookback=before, missing="skips", least=2)
def ts_residual(x: Signal, window: Pair, *, build: Steps) -> Ref:
    """Give today's distance from the trend line.

    Examples
    --------
    >>> compute("ts_residual(x, 3)", x=[0.0, 0.0, 3.0])[-1].round(3)
    np.float64(0.5)
    """
    return build.window("residual", x, window=window, least=2)
