"""Daily correlation of many signals with one target, as factor mining asks for it by the thousand.

Sums run in as many lanes as a vector register holds and are joined in a fixed order, so the bytes do not
depend on threads. A pair takes part where both are finite.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]
_LANES = 16
_FEWEST = 3.0


@njit(cache=True, nogil=True, error_model="numpy")
def daily_ic(signal: Array, target: Array, out: Array) -> None:
    """Correlate each row of a signal with the row of the target (Pearson).

    Parameters
    ----------
    signal, target : [dates, assets]
    out : [dates] float64, written; NaN with fewer than 3 pairs or without variance
    """
    acc = np.empty((6, _LANES))
    size = signal.shape[1]
    whole = size - size % _LANES
    for t in range(signal.shape[0]):
        x, y = signal[t], target[t]
        acc[:] = 0.0
        n, sx, sy, sxx, syy, sxy = acc[0], acc[1], acc[2], acc[3], acc[4], acc[5]
        for j in range(0, whole, _LANES):
            for k in range(_LANES):
                a, b = float(x[j + k]), float(y[j + k])
                ok = (a - a == 0.0) & (b - b == 0.0)
                a, b = a if ok else 0.0, b if ok else 0.0
                n[k] += 1.0 if ok else 0.0
                sx[k] += a
                sy[k] += b
                sxx[k] += a * a
                syy[k] += b * b
                sxy[k] += a * b
        for j in range(whole, size):
            a, b = float(x[j]), float(y[j])
            if (a - a == 0.0) & (b - b == 0.0):
                n[0] += 1.0
                sx[0] += a
                sy[0] += b
                sxx[0] += a * a
                syy[0] += b * b
                sxy[0] += a * b
        out[t] = _correlation(acc)


@njit(cache=True, nogil=True, error_model="numpy")
def _correlation(acc: Array) -> float:
    total = np.zeros(6)
    for k in range(_LANES):
        for i in range(6):
            total[i] += acc[i, k]
    n, sx, sy = total[0], total[1], total[2]
    vx, vy = n * total[3] - sx * sx, n * total[4] - sy * sy
    flat = (vx <= 1e-12 * n * total[3]) | (vy <= 1e-12 * n * total[4])
    if (n < _FEWEST) | flat:
        return np.nan
    return float((n * total[5] - sx * sy) / np.sqrt(vx * vy))
