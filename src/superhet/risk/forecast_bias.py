"""How good was a forecast of risk? Bias, its band, the mean rolling deviation from it, and the Q statistic.

z is the return over the forecast deviation, of the same stretch of time; its deviation is 1 where the
forecast is perfect.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
ROLLING = 12
"""Observations of the rolling bias statistic: a year of months."""
PERFECT_Q = 1.0 + np.euler_gamma + np.log(2.0)
"""Q of normal returns under a perfect forecast: 2.2704."""


def bias(z: Floats, *, least: int = ROLLING) -> Floats:
    """Give the deviation over time of standardised returns, [portfolios]; 1 is perfect.

    Parameters
    ----------
    z : [observations, portfolios], return / forecast deviation; NaN = none
    least : observations without which it is NaN

    Examples
    --------
    >>> bias(np.array([[1.0], [-1.0], [2.0], [-2.0]]), least=3).round(3)
    array([1.826])
    """
    known = ~np.isnan(z)
    count = known.sum(axis=0)
    mean = np.where(known, z, 0.0).sum(axis=0) / np.maximum(count, 1)
    square = np.where(known, (z - mean) ** 2, 0.0).sum(axis=0)
    enough = count >= max(least, 2)
    found: Floats = np.where(enough, np.sqrt(square / np.maximum(count - 1, 1)), np.nan)
    return found


def bias_band(observations: int) -> tuple[float, float]:
    """Give the band that holds 95 of 100 bias statistics of a perfect forecast of normal returns.

    Examples
    --------
    >>> [round(edge, 2) for edge in bias_band(12)]
    [0.59, 1.41]
    """
    half = float(np.sqrt(2.0 / observations)) if observations > 0 else float("nan")
    return 1.0 - half, 1.0 + half


def share_in_band(z: Floats) -> float:
    """Give the share of portfolios whose bias lies in the band of their own number of observations."""
    found = bias(z)
    counts = (~np.isnan(z)).sum(axis=0)
    known = ~np.isnan(found)
    if not known.any():
        return float("nan")
    half = np.sqrt(2.0 / counts[known])
    return float((np.abs(found[known] - 1.0) <= half).mean())


def rolling_deviation(z: Floats, window: int = ROLLING) -> float:
    """Give MRAD: the mean over portfolios and rolling windows of the distance of the bias statistic from 1.

    For normal returns under a perfect forecast it is 0.17 with 12 observations.
    """
    if len(z) < window:
        return float("nan")
    away = [np.abs(bias(z[i : i + window], least=window) - 1.0) for i in range(len(z) - window + 1)]
    all_of_them = np.concatenate(away)
    known = all_of_them[~np.isnan(all_of_them)]
    return float(known.mean()) if known.size else float("nan")


def q_statistic(z: Floats) -> Floats:
    """Give the mean of z² - ln z², [portfolios]: lowest for the best forecast; returns of 0 are left out.

    References
    ----------
    Patton (2011), *Volatility forecast comparison using imperfect volatility proxies*, J. Econometrics 160.
    """
    with np.errstate(divide="ignore"):
        each = z**2 - np.log(z**2)
    known = np.isfinite(each)
    total = np.where(known, each, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    found: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found
