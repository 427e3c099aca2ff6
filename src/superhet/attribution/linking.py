"""Linking: effects of single periods -> parts of the compounded return.

Carino, D. (1999), *Combining attribution effects over time*, Journal of Performance Measurement 3(4):
each period's effects are multiplied by k_t / K, where k_t turns the period's difference of returns into
a difference of logarithms, which adds up over time, and K turns the whole period's back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import SuperhetError

Series: TypeAlias = npt.NDArray[np.float64]
_SERIES_BELOW = 1e-5  # relative differences below this use the series, which loses no digits


def carino_coefficients(total: Series, benchmark: Series | None = None) -> Series:
    """Give the factor of each period's effects.

    Parameters
    ----------
    total : [periods], simple returns of the portfolio, above -1
    benchmark : [periods], simple returns of what the effects are measured against; None is zero

    Returns
    -------
    [periods]; sum of factor x (total - benchmark) is the difference of the compounded returns

    Raises
    ------
    SuperhetError
        if a period or the whole loses all capital, where logarithms end
    """
    against = np.zeros_like(total) if benchmark is None else benchmark
    if (total <= -1.0).any() or (against <= -1.0).any():
        raise SuperhetError("linking needs returns above -100 % in every period")
    whole = np.array([np.prod(1.0 + total) - 1.0])
    whole_against = np.array([np.prod(1.0 + against) - 1.0])
    return np.asarray(_log_slope(total, against) / _log_slope(whole, whole_against))


def carino(
    effects: Mapping[str, Series], total: Series, benchmark: Series | None = None
) -> dict[str, float]:
    """Link effects over time; the parts sum to the difference of compounded returns.

    Parameters
    ----------
    effects : name -> [periods], simple, adding up to total - benchmark in each period
    """
    factor = carino_coefficients(total, benchmark)
    return {name: float(factor @ series) for name, series in effects.items()}


def _log_slope(high: Series, low: Series) -> Series:
    """Give (ln(1 + high) - ln(1 + low)) / (high - low), and its limit where they meet."""
    x = (high - low) / (1.0 + low)
    near = np.abs(x) < _SERIES_BELOW
    safe = np.where(near, 1.0, x)
    ratio = np.where(near, 1.0 - x / 2.0 + x**2 / 3.0, np.log1p(safe) / safe)
    return np.asarray(ratio / (1.0 + low))
