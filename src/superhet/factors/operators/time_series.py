"""Down the dates of one asset.

NaN rule: a window skips missing rows and needs as many known ones as the convention asks for (at least 2 for
a deviation, a correlation or a regression, 3 for skewness, 4 for kurtosis); with fewer the result is NaN.
Rows before the first session do not exist. A window without variance has deviation exactly 0; a correlation,
a z-score or an R² is then NaN. `ts_lag`, `ts_delta` and `ts_return` read two rows and need both.

Look-back: a window of `w` sessions reads `w - 1` sessions before the newest, a lag of `k` reads `k`.

In the examples the values are those of one asset, oldest first; windows need half of their rows.
"""

from __future__ import annotations

import math
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from superhet.factors.base import LONGEST, Lag, Role, Share, Signal, Steps, Window, before, operator
from superhet.factors.graph import Ref

Smoothing = Annotated[float, Role("number"), Gt(0), Le(1)]
Factor = Annotated[float, Role("number"), Gt(0), Lt(1)]
Count = Annotated[int, Role("whole", "number"), Ge(1), Le(LONGEST)]
_LEFT = 1e-10  # an exponential mean is cut where this share of its weight is left


def lag_rows(lag: int) -> int:
    """Give the look-back of a lag."""
    return int(lag)


def memory(alpha: float, *_: float) -> int:
    """Give the window of an exponential mean whose newest row weighs `alpha`.

    Examples
    --------
    >>> memory(2 / 6), memory(1.0)
    (57, 1)
    """
    if alpha >= 1:
        return 1
    return min(math.ceil(math.log(_LEFT) / math.log1p(-alpha)), LONGEST)


@operator("ts_lag", "time_series", lookback=lag_rows)
def ts_lag(x: Signal, lag: Lag, *, build: Steps) -> Ref:
    """Give the value `lag` sessions before.

    Examples
    --------
    >>> compute("ts_lag(x, 1)", x=[1.0, 2.0])
    array([nan,  1.])
    """
    return x.before(lag)


@operator("ts_delta", "time_series", lookback=lag_rows)
def ts_delta(x: Signal, lag: Lag, *, build: Steps) -> Ref:
    """Give the difference from `lag` sessions before.

    Examples
    --------
    >>> compute("ts_delta(x, 1)", x=[1.0, 3.0])
    array([nan,  2.])
    """
    return build.element("subtract", x, x.before(lag))


@operator("ts_return", "time_series", lookback=lag_rows, unit="none")
def ts_return(x: Signal, lag: Lag, *, build: Steps) -> Ref:
    """Give the simple return over `lag` sessions; from zero it is not known.

    Examples
    --------
    >>> compute("ts_return(x, 1)", x=[2.0, 3.0])
    array([nan, 0.5])
    """
    return build.element("subtract", build.divide(x, x.before(lag)), 1.0)


@operator("ts_sum", "time_series", lookback=before, missing="skips")
def ts_sum(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Sum the known rows of the window.

    Examples
    --------
    >>> compute("ts_sum(x, 2)", x=[1.0, 2.0])
    array([1., 3.])
    """
    return build.window("sum", x, window=window)


@operator("ts_mean", "time_series", lookback=before, missing="skips")
def ts_mean(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Average the known rows of the window.

    Examples
    --------
    >>> compute("ts_mean(x, 2)", x=[1.0, 2.0])
    array([1. , 1.5])
    """
    return build.window("mean", x, window=window)


@operator("ts_product", "time_series", lookback=before, missing="skips", unit="product")
def ts_product(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Multiply the known rows of the window.

    Examples
    --------
    >>> compute("ts_product(x, 2)", x=[2.0, 3.0])
    array([2., 6.])
    """
    return build.window("product", x, window=window)


@operator("ts_min", "time_series", lookback=before, missing="skips")
def ts_min(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Give the least known row of the window.

    Examples
    --------
    >>> compute("ts_min(x, 2)", x=[1.0, 2.0])
    array([1., 1.])
    """
    return build.window("min", x, window=window)


@operator("ts_max", "time_series", lookback=before, missing="skips")
def ts_max(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Give the greatest known row of the window.

    Examples
    --------
    >>> compute("ts_max(x, 2)", x=[2.0, 1.0])
    array([2., 2.])
    """
    return build.window("max", x, window=window)


@operator("ts_last", "time_series", lookback=before, missing="skips")
def ts_last(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Give the newest known row of the window: a value carried over at most `window` - 1 missing rows.

    Examples
    --------
    >>> compute("ts_last(x, 2)", x=[1.0, np.nan, np.nan])
    array([ 1.,  1., nan])
    """
    return build.window_of("newest", x, window=window, rows=1)


@operator("ts_count", "time_series", lookback=before, missing="skips", unit="none")
def ts_count(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Count the rows of the window on which a condition holds: `ts_count(returns > 0, 20)`.

    Examples
    --------
    >>> compute("ts_count(x, 3)", x=[1.0, 0.0, 1.0])
    array([nan,  1.,  2.])
    """
    return build.window("sum", build.element("not_equal", x, 0.0), window=window)


@operator("ts_known", "time_series", lookback=before, missing="asks", unit="none")
def ts_known(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Count the known rows of the window.

    Examples
    --------
    >>> compute("ts_known(x, 2)", x=[1.0, np.nan, np.nan])
    array([1., 1., 0.])
    """
    known = build.window_of("count", x, window=window, rows=0)
    return build.element("add", known, build.alive)


@operator("ts_argmax", "time_series", lookback=before, missing="skips", unit="none")
def ts_argmax(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Say how many sessions ago the greatest known row was (0 = today); among equals the newest counts.

    Examples
    --------
    >>> compute("ts_argmax(x, 3)", x=[3.0, 1.0, 2.0])
    array([nan,  1.,  2.])
    """
    return build.window("place", x, build.alive, window=window, extra=((1, 0, 0),))


@operator("ts_argmin", "time_series", lookback=before, missing="skips", unit="none")
def ts_argmin(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Say how many sessions ago the least known row was (0 = today); among equals the newest counts.

    Examples
    --------
    >>> compute("ts_argmin(x, 3)", x=[1.0, 3.0, 2.0])
    array([nan,  1.,  2.])
    """
    return build.window("place", x, build.alive, window=window, extra=((-1, 0, 0),))


@operator("ts_idxmax", "time_series", lookback=before, missing="skips", unit="none")
def ts_idxmax(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Say where the greatest row stands, counted from 1 at the oldest; among equals the oldest counts.

    Rows before the asset was listed do not count. As in Qlib, a missing row wins in the convention of Qlib.

    Examples
    --------
    >>> compute("ts_idxmax(x, 3)", x=[3.0, 1.0, 2.0, 5.0])
    array([nan,  1.,  1.,  3.])
    """
    rule = (1, 1, int(build.convention.unknown_wins))
    return build.window("place", x, build.alive, window=window, extra=(rule,))


@operator("ts_idxmin", "time_series", lookback=before, missing="skips", unit="none")
def ts_idxmin(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Say where the least row stands, counted from 1 at the oldest; see `ts_idxmax`.

    Examples
    --------
    >>> compute("ts_idxmin(x, 3)", x=[3.0, 1.0, 2.0, 5.0])
    array([nan,  2.,  2.,  1.])
    """
    rule = (-1, 1, int(build.convention.unknown_wins))
    return build.window("place", x, build.alive, window=window, extra=(rule,))


@operator("ts_rank", "time_series", lookback=before, missing="skips", unit="none")
def ts_rank(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Rank today's value among the known rows of the window, in (0, 1]; ties share their average rank.

    Examples
    --------
    >>> compute("ts_rank(x, 3)", x=[3.0, 1.0, 2.0]).round(3)
    array([  nan, 0.5  , 0.667])
    """
    return build.window("rank", x, window=window)


@operator("ts_median", "time_series", lookback=before, missing="skips")
def ts_median(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Give the median of the window.

    Examples
    --------
    >>> compute("ts_median(x, 3)", x=[3.0, 1.0, 2.0])
    array([nan,  2.,  2.])
    """
    return build.window("quantile", x, window=window, extra=(0.5,))


@operator("ts_quantile", "time_series", lookback=before, missing="skips")
def ts_quantile(x: Signal, window: Window, level: Share, *, build: Steps) -> Ref:
    """Give a quantile of the window, linear between neighbours; `level` in [0, 1].

    Examples
    --------
    >>> compute("ts_quantile(x, 3, 1)", x=[3.0, 1.0, 2.0])
    array([nan,  3.,  3.])
    """
    return build.window("quantile", x, window=window, extra=(level,))


def _exponential(x: Ref, alpha: float, build: Steps) -> Ref:
    window = memory(alpha)
    return build.window_of("geometric_mean", x, window=window, rows=1, extra=(1.0 - alpha,))


@operator(
    "ts_ema", "time_series", lookback=lambda span: memory(2 / (span + 1)) - 1, missing="skips"
)
def ts_ema(x: Signal, span: Window, *, build: Steps) -> Ref:
    """Average with weights that fall by the factor 1 - 2/(span + 1) a session, divided by their sum.

    One known row is enough. The mean is cut where 1e-10 of its weight is left: its look-back is exact, and
    what lies behind a gap that long is forgotten.

    Examples
    --------
    >>> compute("ts_ema(x, 3)", x=[1.0, 2.0]).round(3)
    array([1.   , 1.667])
    """
    return _exponential(x, 2 / (span + 1), build)


@operator("ts_ewm", "time_series", lookback=lambda alpha: memory(alpha) - 1, missing="skips")
def ts_ewm(x: Signal, alpha: Smoothing, *, build: Steps) -> Ref:
    """Average with weights that fall by the factor 1 - alpha a session; see `ts_ema`.

    Examples
    --------
    >>> compute("ts_ewm(x, 0.5)", x=[1.0, 2.0]).round(3)
    array([1.   , 1.667])
    """
    return _exponential(x, alpha, build)


@operator("ts_sma", "time_series", lookback=lambda n, m: memory(m / n) - 1, missing="skips")
def ts_sma(x: Signal, n: Count, m: Count, *, build: Steps) -> Ref:
    """Average as Chinese programs do: y = (m x + (n - m) y_before) / n.

    The first rows are averages of what is known so far, as in `ts_ema`; they do not begin at the first value.

    Examples
    --------
    >>> compute("ts_sma(x, 2, 1)", x=[1.0, 2.0]).round(3)
    array([1.   , 1.667])
    """
    return _exponential(x, min(m / n, 1.0), build)


@operator("ts_decay_linear", "time_series", lookback=before, missing="skips")
def ts_decay_linear(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Average with weights that fall linearly from `window` (today) to 1.

    Examples
    --------
    >>> compute("ts_decay_linear(x, 2)", x=[1.0, 4.0])
    array([1., 3.])
    """
    return build.window("linear_mean", x, window=window)


@operator("ts_decay_exp", "time_series", lookback=before, missing="skips")
def ts_decay_exp(x: Signal, window: Window, factor: Factor, *, build: Steps) -> Ref:
    """Average with weights factor^k, k sessions ago, divided by their sum.

    Examples
    --------
    >>> compute("ts_decay_exp(x, 2, 0.5)", x=[1.0, 4.0])
    array([1., 3.])
    """
    return build.window("geometric_mean", x, window=window, extra=(factor,))


@operator("ts_qlib_wma", "time_series", lookback=before, missing="skips")
def ts_qlib_wma(x: Signal, window: Window, *, build: Steps) -> Ref:
    """Give Qlib's `WMA`: the linearly weighted mean, divided by the number of rows once more.

    Kept for the sake of its users; `ts_decay_linear` is the weighted mean.

    Examples
    --------
    >>> compute("ts_qlib_wma(x, 2)", x=[1.0, 4.0])
    array([1. , 1.5])
    """
    rows = build.convention.minimum(window)
    ages = build.window_of("age_sum", x, window=window, rows=rows)
    total = build.window_of("sum", x, window=window, rows=rows)
    known = build.window_of("count", x, window=window, rows=rows)
    exist = build.window_of("count", build.alive, window=window, rows=0)
    weighted = build.element("subtract", build.element("multiply", exist, total), ages)
    square = build.element("multiply", exist, exist)
    mass = build.element("multiply", build.element("add", square, exist), 0.5)
    return build.divide(weighted, build.element("multiply", mass, known))
