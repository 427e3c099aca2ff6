"""Daily correlation of many signals with one target, as factor mining asks for it by the thousand.

1. a signal comes in blocks of `LANES` assets, each summed while it lies in the cache -> sum_block
2. the blocks of a date are joined in the order of the assets                         -> correlate

Sums run in as many lanes as vector registers hold and are joined in a fixed order, so the bytes depend
neither on threads nor on the order in which blocks come. A pair takes part where both are finite.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.windows import LANES

Array = npt.NDArray[Any]
SUMS = 6
"""Of a block: pairs, Σx, Σy, Σx², Σy², Σxy."""
_WIDTH = 16
_PARTS = LANES // _WIDTH
_FEWEST = 3.0


def blocks(values: Array) -> list[Array]:
    """Cut an array, [dates, assets], into contiguous blocks of `LANES` assets; NaN beyond the last asset."""
    found = []
    for left in range(0, values.shape[1], LANES):
        block = np.ascontiguousarray(values[:, left : left + LANES])
        width = block.shape[1]
        if width < LANES:
            wide = np.empty((len(block), LANES), dtype=block.dtype)
            wide[:, :width], wide[:, width:] = block, np.nan
            block = wide
        found.append(block)
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def sum_block(signal: Array, target: Array, out: Array) -> None:
    """Add up what the correlations of a block's rows are made of.

    Parameters
    ----------
    signal, target : [dates, LANES]
    out : [dates, SUMS] float64, written
    """
    acc = np.empty((SUMS, _WIDTH))
    for t in range(signal.shape[0]):
        x, y = signal[t], target[t]
        for k in range(_WIDTH):
            n, sx, sy, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for part in range(_PARTS):
                a, b = float(x[part * _WIDTH + k]), float(y[part * _WIDTH + k])
                ok = (a - a == 0.0) & (b - b == 0.0)
                a, b = a if ok else 0.0, b if ok else 0.0
                n += 1.0 if ok else 0.0
                sx += a
                sy += b
                sxx += a * a
                syy += b * b
                sxy += a * b
            acc[0, k], acc[1, k], acc[2, k] = n, sx, sy
            acc[3, k], acc[4, k], acc[5, k] = sxx, syy, sxy
        for i in range(SUMS):
            p, q, r, s = 0.0, 0.0, 0.0, 0.0
            for k in range(0, _WIDTH, 4):
                p += acc[i, k]
                q += acc[i, k + 1]
                r += acc[i, k + 2]
                s += acc[i, k + 3]
            out[t, i] = (p + r) + (q + s)


@njit(cache=True, nogil=True, error_model="numpy")
def correlate(sums: Array, out: Array) -> None:
    """Make the correlation (Pearson) of each date.

    Parameters
    ----------
    sums : [blocks, dates, SUMS], of `sum_block`
    out : [dates] float64, written; NaN with fewer than 3 pairs or without variance
    """
    total = np.empty(SUMS)
    for t in range(sums.shape[1]):
        total[:] = 0.0
        for block in range(sums.shape[0]):
            for i in range(SUMS):
                total[i] += sums[block, t, i]
        n, sx, sy = total[0], total[1], total[2]
        vx, vy = n * total[3] - sx * sx, n * total[4] - sy * sy
        flat = (vx <= 1e-12 * n * total[3]) | (vy <= 1e-12 * n * total[4])
        value = (n * total[5] - sx * sy) / np.sqrt(vx * vy)
        out[t] = np.nan if (n < _FEWEST) | flat else value
