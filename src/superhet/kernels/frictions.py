"""Trailing statistics of trading, date-major: a row at a time over a window of rows before it.

Each value is summed anew over its window, so that it depends on those rows and on nothing before them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]


@njit(cache=True, nogil=True, error_model="numpy")
def _means(values: Floats, end: int, window: int, count: Floats, mean: Floats) -> None:
    """Fill number and mean of the known values in the `window` rows before `end`."""
    assets = values.shape[1]
    for i in range(assets):
        count[i], mean[i] = 0.0, 0.0
    for t in range(max(end - window, 0), end):
        for i in range(assets):
            x = values[t, i]
            known = x == x
            count[i] += 1.0 if known else 0.0
            mean[i] += x if known else 0.0
    for i in range(assets):
        mean[i] /= count[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _squares(values: Floats, end: int, window: int, mean: Floats, square: Floats) -> None:
    """Fill the sum of squares about the mean of the same values."""
    assets = values.shape[1]
    for i in range(assets):
        square[i] = 0.0
    for t in range(max(end - window, 0), end):
        for i in range(assets):
            x = values[t, i] - mean[i]
            square[i] += x * x if x == x else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _impact(
    returns: Floats, volume: Floats, factor: Floats, start: int, window: int, least: int, out: Floats
) -> None:  # fmt: skip
    assets = returns.shape[1]
    count, mean, square = np.empty(assets), np.empty(assets), np.empty(assets)
    traded, average = np.empty(assets), np.empty(assets)
    for t in range(start, len(returns)):
        _means(returns, t, window, count, mean)
        _squares(returns, t, window, mean, square)
        _means(volume, t, window, traded, average)
        for i in range(assets):
            known = count[i] >= least and traded[i] >= least and average[i] > 0.0
            shares = average[i] * factor[t, i]
            deviation = np.sqrt(square[i] / (count[i] - 1.0))
            out[t - start, i] = deviation / np.sqrt(shares) if known else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _spread(
    middle: Floats, close: Floats, start: int, window: int, least: int, out: Floats
) -> None:
    assets = middle.shape[1]
    count, total = np.empty(assets), np.empty(assets)
    for t in range(start, len(middle)):
        for i in range(assets):
            count[i], total[i] = 0.0, 0.0
        for u in range(max(t - window, 1), t):
            for i in range(assets):
                x = (close[u - 1, i] - middle[u - 1, i]) * (close[u - 1, i] - middle[u, i])
                known = x == x
                count[i] += 1.0 if known else 0.0
                total[i] += x if known else 0.0
        for i in range(assets):
            square = 4.0 * total[i] / count[i]
            out[t - start, i] = np.sqrt(max(square, 0.0)) if count[i] >= least else np.nan


def trailing_impact(
    returns: npt.ArrayLike,
    volume: npt.ArrayLike,
    factor: npt.ArrayLike,
    start: int,
    window: int,
    least: int,
) -> Floats:
    """Give deviation of returns / √(average volume) over the `window` rows before each row from `start` on.

    A leg of n shares then costs this × √n of its value. NaN with fewer than `least` known rows of either.

    Parameters
    ----------
    returns : [dates, assets], daily, fraction; NaN = not known
    volume : [dates, assets], shares / `factor`, so that splits do not show; NaN = no trade
    factor : [dates, assets], adjust factor; turns the average back into shares of the row's own date
    """
    grids = [_plain(x) for x in (returns, volume, factor)]
    out = np.empty((len(grids[0]) - start, grids[0].shape[1]))
    _impact(grids[0], grids[1], grids[2], start, window, least, out)
    return out


def trailing_spread(
    middle: npt.ArrayLike, close: npt.ArrayLike, start: int, window: int, least: int
) -> Floats:
    """Estimate the spread from the `window` rows before each, [dates − start, assets], fraction of price.

    √max(4 · mean of (c₀ − η₀)(c₀ − η₁), 0) over pairs of successive rows, with c the logarithm of the close
    and η the middle of the logarithms of high and low. NaN with fewer than `least` pairs.

    Parameters
    ----------
    middle, close : [dates, assets], logarithms of adjusted prices; NaN = no trade

    References
    ----------
    Abdi & Ranaldo (2017), *A Simple Estimation of Bid-Ask Spreads from Daily Close, High, and Low Prices*,
    Review of Financial Studies 30(12); the estimate whose negative mean counts as 0.
    """
    m, c = _plain(middle), _plain(close)
    out = np.empty((len(m) - start, m.shape[1]))
    _spread(m, c, start, window, least, out)
    return out


def _plain(values: npt.ArrayLike) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)
