"""The operations of Kakushadze's 101 alphas on wide frames, as plainly as they can be written.

A second road for the parity test: it shares no code with the product and knows nothing of its operators.
Every value of a time series is computed from the rows of its own window, laid out on a third axis.

Rules (pandas' own): a window counts only when all of its rows are known, and an infinite row is not
known to it; a comparison with an unknown value is false while the asset exists; a quotient by zero is
infinite inside a formula (windows and ranks pass it over) and not known at its end.

Readings, where the paper (arXiv:1601.00991, appendix A) leaves a choice:

- `rank` is a share: average rank over the number of assets known that day, in (0, 1];
- `stddev` and `covariance` divide by d - 1;
- every fractional number of days is floored, `delta`, `delay` and `correlation` included (the paper
  says so for the ts_ family);
- `ts_argmax` and `ts_argmin` count days from the oldest row of the window, which is 1; of equal
  extremes the oldest counts;
- `ts_rank` is the share rank of the newest row among the rows of its window;
- `correlation` over a window in which either side stands still is not known, `covariance` is exactly 0;
- `indneutralize` subtracts the mean of the group, and -1 ("not known") is a group of its own;
- a power of an unknown base or exponent is not known (IEEE has 1 ^ NaN = 1).
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

Frame = pd.DataFrame
Formula = Callable[[SimpleNamespace], Frame]  # of open, high, low, close, volume, amount, vwap ...


def like(x: Frame, values: np.ndarray) -> Frame:
    return pd.DataFrame(values, index=x.index, columns=x.columns)


def rows(x: Frame, d: float) -> np.ndarray:
    """Give each cell the rows of its window, oldest first: [dates, assets, days]."""
    days = int(d)
    before = np.full((days - 1, x.shape[1]), np.nan)
    known = x.astype(float).where(np.isfinite(x.astype(float)))
    return sliding_window_view(np.vstack([before, known.to_numpy()]), days, axis=0)


# --- one day after the other -----------------------------------------------------------------------


def delay(x: Frame, d: float) -> Frame:
    return x.shift(int(d))


def delta(x: Frame, d: float) -> Frame:
    return x - delay(x, d)


def ts_sum(x: Frame, d: float) -> Frame:
    return like(x, rows(x, d).sum(axis=-1))


def ts_mean(x: Frame, d: float) -> Frame:
    return ts_sum(x, d) / int(d)


def product(x: Frame, d: float) -> Frame:
    return like(x, rows(x, d).prod(axis=-1))


def ts_min(x: Frame, d: float) -> Frame:
    return like(x, rows(x, d).min(axis=-1))


def ts_max(x: Frame, d: float) -> Frame:
    return like(x, rows(x, d).max(axis=-1))


def stddev(x: Frame, d: float) -> Frame:
    return covariance(x, x, d) ** 0.5


def covariance(x: Frame, y: Frame, d: float) -> Frame:
    together = (from_mean(x, d) * from_mean(y, d)).sum(axis=-1) / (int(d) - 1)
    return like(x, together * ~(stands(x, d) | stands(y, d)))


def correlation(x: Frame, y: Frame, d: float) -> Frame:
    moves_x, moves_y = from_mean(x, d), from_mean(y, d)
    together = (moves_x * moves_y).sum(axis=-1)
    alone = np.sqrt((moves_x**2).sum(axis=-1) * (moves_y**2).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return like(x, np.where(stands(x, d) | stands(y, d), np.nan, together / alone))


def from_mean(x: Frame, d: float) -> np.ndarray:
    window = rows(x, d)
    with np.errstate(invalid="ignore"):
        return window - window.mean(axis=-1, keepdims=True)


def stands(x: Frame, d: float) -> np.ndarray:
    window = rows(x, d)
    return window.max(axis=-1) == window.min(axis=-1)


def ts_argmax(x: Frame, d: float) -> Frame:
    window = rows(x, d)
    known = ~np.isnan(window).any(axis=-1)
    return like(x, np.where(known, 1.0 + window.argmax(axis=-1), np.nan))


def ts_argmin(x: Frame, d: float) -> Frame:
    return ts_argmax(-x, d)


def ts_rank(x: Frame, d: float) -> Frame:
    window = rows(x, d)
    newest = window[..., -1:]
    below, equal = (window < newest).sum(axis=-1), (window == newest).sum(axis=-1)
    known = ~np.isnan(window).any(axis=-1)
    return like(x, np.where(known, below + (equal + 1) / 2, np.nan) / int(d))


def decay_linear(x: Frame, d: float) -> Frame:
    weights = np.arange(1.0, int(d) + 1)  # the newest row weighs d
    return like(x, (rows(x, d) * (weights / weights.sum())).sum(axis=-1))


# --- one asset beside the other --------------------------------------------------------------------


def rank(x: Frame) -> Frame:
    x = x.astype(float)
    return x.where(np.isfinite(x)).rank(axis=1, pct=True, method="average")


def scale(x: Frame, a: float = 1.0) -> Frame:
    return x.mul(a).div(x.abs().sum(axis=1), axis=0)


def indneutralize(x: Frame, groups: Frame) -> Frame:
    clean = x * np.nan
    for group in np.unique(groups):
        inside = x.where(groups == group)
        clean = clean.fillna(inside.sub(inside.mean(axis=1), axis=0))
    return clean


# --- one cell alone --------------------------------------------------------------------------------


def claim(m: SimpleNamespace, condition: Frame) -> Frame:
    """Give 1 where the condition holds and 0 elsewhere; before an asset exists nothing is known."""
    return condition.astype(float).where(m.exists)


def where(claimed: Frame, yes: Frame | float, no: Frame | float) -> Frame:
    return like(claimed, np.where(claimed == 1, yes, no)).where(claimed.notna())


def power(x: Frame, y: Frame | float) -> Frame:
    with np.errstate(all="ignore"):
        raised = np.power(x.to_numpy(dtype=float), y)
    return like(x, np.where(x.isna() | np.isnan(y), np.nan, raised))


def signedpower(x: Frame, y: Frame | float) -> Frame:
    # The paper prints x^a; the sign kept is the sense of the name. Both uses have positive bases.
    return np.sign(x) * power(x.abs(), y)


def sign(x: Frame) -> Frame:
    return np.sign(x)


def log(x: Frame) -> Frame:
    with np.errstate(all="ignore"):
        return np.log(x)


def minimum(x: Frame, y: Frame) -> Frame:
    return like(x, np.minimum(x.to_numpy(), y.to_numpy()))


def maximum(x: Frame, y: Frame) -> Frame:
    return like(x, np.maximum(x.to_numpy(), y.to_numpy()))


# --- inputs that several alphas share --------------------------------------------------------------


def adv(m: SimpleNamespace, d: int) -> Frame:
    return ts_mean(m.amount, d)


def mix(x: Frame, share: float, y: Frame) -> Frame:
    return x * share + y * (1 - share)


def middle(m: SimpleNamespace) -> Frame:
    return (m.high + m.low) / 2


def place(m: SimpleNamespace) -> Frame:
    return (m.close - m.low) - (m.high - m.close)
