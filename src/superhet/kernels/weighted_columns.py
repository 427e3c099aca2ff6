"""Columns under a weighted inner product: made orthogonal, and taken out of another.

All arrays are [cells], or [K, cells]; a cell with weight 0 counts nowhere. No NaN may come in.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]

_SUMS = {"reassoc", "nsz"}
"""Sums are added lane by lane; the same cells give the same bits, in whatever market they stand."""


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def product(a: Floats, b: Floats, v: Floats) -> float:
    """Give the weighted inner product."""
    total = 0.0
    for j in range(a.size):
        total += v[j] * a[j] * b[j]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def subtract(y: Floats, part: float, q: Floats) -> None:
    """Take a part of q from y, in place."""
    for j in range(y.size):
        y[j] -= part * q[j]


@njit(cache=True, nogil=True, error_model="numpy")
def move(y: Floats, centre: float) -> None:
    """Take a number from y, in place."""
    for j in range(y.size):
        y[j] -= centre


@njit(cache=True, nogil=True, error_model="numpy")
def orthogonalize(q: Floats, v: Floats, squares: Floats) -> None:
    """Make K columns orthogonal under the weights v, in place (Gram-Schmidt, each twice); give their squares.

    A column that keeps less than 1e-10 of its length says what those before it said: its square is 0.
    """
    for k in range(len(q)):
        length = product(q[k], q[k], v)
        for _ in range(2 if k else 0):
            for i in range(k):
                if squares[i] > 0.0:
                    part = product(q[i], q[k], v) / squares[i]
                    subtract(q[k], part, q[i])
        left = product(q[k], q[k], v)
        squares[k] = left if left > 1e-20 * length else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def take_out(y: Floats, q: Floats, squares: Floats, v: Floats) -> None:
    """Take from y, in place, its part along orthogonal columns; twice, for the rounding of the first time."""
    for _ in range(2):
        for k in range(len(q)):
            if squares[k] > 0.0:
                part = product(q[k], y, v) / squares[k]
                subtract(y, part, q[k])
