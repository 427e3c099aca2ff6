"""Interval and significance of a mean by the stationary bootstrap, without a law assumed for it.

1. the mean length of a block, from the autocorrelation of the series      -> block_length
2. blocks of dates drawn anew, each resample measured in its own error    -> kernels.resampling
3. the interval: as far from the mean as 95 % of the resamples were       -> bootstrap_mean
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.kernels.long_run import lags_of, mean_errors
from superhet.kernels.resampling import resampled_t

Floats = npt.NDArray[np.float64]
_LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class BootstrapInterval:
    """What resampling says of a mean.

    Parameters
    ----------
    mean : of the series
    low, high : 95 % interval of the mean
    p : share of resamples whose t is as far from 0 as that of the series, were the true mean 0
    block : mean length of a block, in dates
    draws : number of resamples
    """

    mean: float
    low: float
    high: float
    p: float
    block: float
    draws: int


def bootstrap_mean(
    series: Floats, *, horizon: int, draws: int = 1000, seed: int = 0
) -> BootstrapInterval:
    """Resample a series of one number a date and give the interval of its mean.

    Parameters
    ----------
    series : [dates]; a NaN date keeps its place, and is drawn like any other
    horizon : dates over which neighbouring values overlap; blocks are at least half as long
    draws : resamples
    seed : of the draws; the same seed gives the same bytes

    Returns
    -------
    NaN where fewer than two dates are known, and where the series does not move

    Notes
    -----
    The interval is symmetric and studentised: mean ± q · error, with q the 95 % quantile of |t| over the
    resamples. The percentile interval (quantiles of the resampled means) covers a true mean far less often
    than it says where a year holds a dozen horizons.

    References
    ----------
    Politis & Romano (1994), "The stationary bootstrap", JASA 89; Gonçalves & Vogelsang (2011), "Block
    bootstrap HAC robust tests", Econometric Theory 27.
    """
    if draws < 1:
        raise ConfigError("draws", f"must be at least 1 (got {draws})")
    values = np.ascontiguousarray(series, dtype=np.float64)
    whole = np.flatnonzero(~np.isnan(values))
    values = values[whole[0] : whole[-1] + 1] if whole.size else values[:0]
    found = mean_errors(values[:, None], horizon)
    mean, error = float(found.mean[0]), math.sqrt(found.variance[0])
    nothing = float("nan")
    if not (found.std[0] > 1e-15 and error > 1e-15):
        return BootstrapInterval(
            mean=mean, low=nothing, high=nothing, p=nothing, block=nothing, draws=draws
        )
    known = ~np.isnan(values)
    centred = np.where(known, values - mean, 0.0)
    block = min(max(block_length(values), horizon / 2.0, 1.0), float(known.size))
    seeds = np.random.default_rng(seed).integers(0, 2**64, size=draws, dtype=np.uint64)
    drawn = np.empty(draws)
    shape = (block, lags_of(known.size, horizon))
    resampled_t(centred, known.astype(np.float64), shape, seeds, drawn)
    away = np.abs(drawn[~np.isnan(drawn)])
    reach = float(np.quantile(away, 1.0 - _LEVEL)) * error
    return BootstrapInterval(
        mean=mean,
        low=mean - reach,
        high=mean + reach,
        p=float((1 + np.sum(away >= abs(mean) / error)) / (1 + away.size)),
        block=block,
        draws=draws,
    )


def block_length(series: Floats) -> float:
    """Choose the mean length of the blocks from the autocorrelation of a series.

    Parameters
    ----------
    series : [dates]; a NaN keeps its place and adds nothing

    Returns
    -------
    dates, at least 1 and at most 3 roots of the dates, or a third of them where that is less

    Notes
    -----
    b = (2 G² / D)^(1/3) n^(1/3), D = 2 g(0)², g(0) = Σ λ(k/M) R(k), G = Σ λ(k/M) |k| R(k), R the
    autocovariances and λ the flat-top window, 1 up to one half and falling to 0 at one. M is twice the first
    of five lags in a row whose correlations are within 2 √(log10 n / n) of 0.

    References
    ----------
    Politis & White (2004), Econometric Reviews 23; Patton, Politis & White (2009), ibid. 28.
    """
    known = ~np.isnan(series)
    n = int(known.sum())
    if n < 3:
        return 1.0
    x = np.where(known, series - np.mean(series[known]), 0.0)
    run = 5
    most = min(math.ceil(math.sqrt(n)) + run, len(x) - 1)
    covariance = np.array([x[k:] @ x[: len(x) - k] for k in range(most + 1)]) / n
    if covariance[0] <= 0.0:
        return 1.0
    small = np.abs(covariance[1:]) < 2.0 * math.sqrt(math.log10(n) / n) * covariance[0]
    quiet = next((k + 1 for k in range(most - run + 1) if small[k : k + run].all()), most)
    wide = min(2 * quiet, most)
    k = np.arange(1, wide + 1)
    weight = np.clip(2.0 * (1.0 - k / wide), 0.0, 1.0) * covariance[1 : wide + 1]
    level = covariance[0] + 2.0 * weight.sum()
    slope = 2.0 * float(np.sum(k * weight))
    bound = math.ceil(min(3.0 * math.sqrt(n), n / 3.0))
    if level <= 0.0:
        return 1.0
    found = (slope**2 / level**2) ** (1.0 / 3.0) * n ** (1.0 / 3.0)
    return float(min(max(found, 1.0), max(bound, 1.0)))
