"""Stationary bootstrap of the mean of a series, with the error of each resample.

Blocks of dates begin anywhere and have geometric lengths (Politis & Romano 1994); the last date is followed
by the first. A resample's mean is measured in its own error, made in the same way as the error of the
series itself, for the law of that ratio hardly depends on what the series is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.long_run import long_run

Floats = npt.NDArray[np.float64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_THIRTY, _ODD, _LAST, _ELEVEN = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 2.0**-53


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _uniform(state: np.uint64) -> float:
    """Mix a counter into a number in [0, 1): SplitMix64 (Steele, Lea & Flood 2014)."""
    z = (state ^ (state >> _THIRTY)) * _FIRST
    z = (z ^ (z >> _ODD)) * _SECOND
    return float((z ^ (z >> _LAST)) >> _ELEVEN) * _UNIT


@njit(cache=True, nogil=True, error_model="numpy")
def resampled_t(
    values: Floats,
    known: Floats,
    shape: tuple[float, int],
    seeds: npt.NDArray[np.uint64],
    out: Floats,
) -> None:
    """Fill `out` with the t of each resample against the mean of the series.

    Parameters
    ----------
    values : [dates], less their mean; 0 where not known
    known : [dates], 1 or 0
    shape : mean length of a block, in dates; lags of the error
    seeds : [draws], where the random numbers of each resample begin
    out : [draws]; NaN where a resample does not move
    """
    block, lags = shape
    dates = values.size
    going_on = 1.0 / np.log(1.0 - 1.0 / block) if block > 1.0 else 0.0
    drawn, seen, prefix = np.empty(dates), np.empty(dates), np.empty(dates + 1)
    for draw in range(out.size):
        state, at = seeds[draw], 0
        count, total = 0.0, 0.0
        while at < dates:
            state += _GOLDEN
            place, length = int(_uniform(state) * dates), 1
            if block > 1.0:
                state += _GOLDEN
                length += int(np.log(1.0 - _uniform(state)) * going_on)
            for _ in range(min(length, dates - at)):
                drawn[at] = values[place]
                seen[at] = known[place]
                total += drawn[at]
                count += seen[at]
                at += 1
                place = place + 1 if place + 1 < dates else 0
        mean = total / count
        prefix[0] = 0.0
        for t in range(dates):
            prefix[t + 1] = prefix[t] + (drawn[t] - mean * seen[t])
        variance = long_run(prefix, dates, lags)
        out[draw] = total / np.sqrt(variance) if variance > 0.0 else np.nan
