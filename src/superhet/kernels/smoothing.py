"""Smoothing along the past, column by column: rows are dates, NaN = missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def exponential_mean(values: npt.NDArray[Any], half_life: float) -> Floats:
    """Mean of each column's past with weights 2^(-age / half_life); NaN where today is not known.

    Ages count rows, also rows without a value; rows without a finite value drop out of both sums (pandas:
    ``ewm(halflife=..., ignore_na=False).mean()`` where today is known).

    Examples
    --------
    >>> exponential_mean(np.array([[1.0], [np.nan], [4.0]]), 1.0).ravel()
    array([1. , nan, 3.4])
    """
    keep = 2.0 ** (-1.0 / half_life)
    known = np.isfinite(values)
    total, weight = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    out = np.full(values.shape, np.nan)
    for t, row in enumerate(values):
        total = total * keep + np.where(known[t], row, 0.0)
        weight = weight * keep + known[t]
        np.divide(total, weight, out=out[t], where=known[t])
    return out
