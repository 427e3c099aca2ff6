"""Element by element on flat stretches of a tile, as compiled loops that vectorise.

NaN means not known: a comparison with NaN is NaN, and what is not a finite number (a quotient by zero, a
power or an exponential too large) is NaN. An operand and its result never share their cells, or the loops
would not vectorise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels import bar_codes as codes
from superhet.kernels.logarithm import log

Cells = npt.NDArray[Any]


@njit(cache=True, nogil=True, error_model="numpy")
def arithmetic(code: int, out: Cells, x: Cells, y: Cells) -> None:
    """Write `x` code `y` into `out`."""
    inf, nan = x.dtype.type(np.inf), x.dtype.type(np.nan)
    n = out.size
    if code == codes.ADD:
        for i in range(n):
            out[i] = x[i] + y[i]
    elif code == codes.SUBTRACT:
        for i in range(n):
            out[i] = x[i] - y[i]
    elif code == codes.MULTIPLY:
        for i in range(n):
            out[i] = x[i] * y[i]
    elif code == codes.DIVIDE:
        for i in range(n):
            q = x[i] / y[i]
            out[i] = q if abs(q) < inf else nan
    elif code == codes.MINIMUM:
        for i in range(n):
            a, b = x[i], y[i]
            out[i] = a if (a < b) | (a != a) else b
    elif code == codes.MAXIMUM:
        for i in range(n):
            a, b = x[i], y[i]
            out[i] = a if (a > b) | (a != a) else b
    elif code == codes.POWER:
        for i in range(n):
            p = x[i] ** y[i]
            out[i] = p if (x[i] == x[i]) & (y[i] == y[i]) & (abs(p) < inf) else nan
    elif code == codes.COALESCE:
        for i in range(n):
            out[i] = x[i] if x[i] == x[i] else y[i]


@njit(cache=True, nogil=True, error_model="numpy")
def claims(code: int, out: Cells, x: Cells, y: Cells) -> None:
    """Write into `out` whether `x` code `y` holds: 1, 0, or NaN where a side is not known."""
    one, zero, nan = x.dtype.type(1), x.dtype.type(0), x.dtype.type(np.nan)
    n = out.size
    if code == codes.LESS:
        for i in range(n):
            out[i] = (one if x[i] < y[i] else zero) if (x[i] == x[i]) & (y[i] == y[i]) else nan
    elif code == codes.LESS_EQUAL:
        for i in range(n):
            out[i] = (one if x[i] <= y[i] else zero) if (x[i] == x[i]) & (y[i] == y[i]) else nan
    elif code == codes.EQUAL:
        for i in range(n):
            out[i] = (one if x[i] == y[i] else zero) if (x[i] == x[i]) & (y[i] == y[i]) else nan
    elif code == codes.NOT_EQUAL:
        for i in range(n):
            out[i] = (one if x[i] != y[i] else zero) if (x[i] == x[i]) & (y[i] == y[i]) else nan
    elif code == codes.BOTH:
        for i in range(n):
            held = (x[i] != zero) & (y[i] != zero)
            out[i] = (one if held else zero) if (x[i] == x[i]) & (y[i] == y[i]) else nan
    elif code == codes.EITHER:
        for i in range(n):
            held = (x[i] != zero) | (y[i] != zero)
            out[i] = (one if held else zero) if (x[i] == x[i]) & (y[i] == y[i]) else nan


@njit(cache=True, nogil=True, error_model="numpy")
def with_number(code: int, out: Cells, x: Cells, number: float) -> None:
    """Write `x` code `number` into `out`."""
    c = x.dtype.type(number)
    inf, nan = x.dtype.type(np.inf), x.dtype.type(np.nan)
    n = out.size
    if code == codes.ADD_NUMBER:
        for i in range(n):
            out[i] = x[i] + c
    elif code == codes.MULTIPLY_NUMBER:
        for i in range(n):
            out[i] = x[i] * c
    elif code == codes.DIVIDE_NUMBER:
        for i in range(n):
            q = x[i] / c
            out[i] = q if abs(q) < inf else nan
    elif code == codes.NUMBER_DIVIDE:
        for i in range(n):
            q = c / x[i]
            out[i] = q if abs(q) < inf else nan
    elif code == codes.NUMBER_SUBTRACT:
        for i in range(n):
            out[i] = c - x[i]
    elif code == codes.MINIMUM_NUMBER:
        for i in range(n):
            out[i] = x[i] if (x[i] < c) | (x[i] != x[i]) else c
    elif code == codes.MAXIMUM_NUMBER:
        for i in range(n):
            out[i] = x[i] if (x[i] > c) | (x[i] != x[i]) else c
    elif code == codes.POWER_NUMBER:
        for i in range(n):
            p = x[i] ** c
            out[i] = p if (x[i] == x[i]) & (abs(p) < inf) else nan
    elif code == codes.COALESCE_NUMBER:
        for i in range(n):
            out[i] = x[i] if x[i] == x[i] else c


@njit(cache=True, nogil=True, error_model="numpy")
def claims_of_number(code: int, out: Cells, x: Cells, number: float) -> None:
    """Write into `out` whether `x` code `number` holds: 1, 0, or NaN where `x` is not known."""
    c = x.dtype.type(number)
    one, zero, nan = x.dtype.type(1), x.dtype.type(0), x.dtype.type(np.nan)
    n = out.size
    if code == codes.LESS_NUMBER:
        for i in range(n):
            out[i] = (one if x[i] < c else zero) if x[i] == x[i] else nan
    elif code == codes.LESS_EQUAL_NUMBER:
        for i in range(n):
            out[i] = (one if x[i] <= c else zero) if x[i] == x[i] else nan
    elif code == codes.GREATER_NUMBER:
        for i in range(n):
            out[i] = (one if x[i] > c else zero) if x[i] == x[i] else nan
    elif code == codes.GREATER_EQUAL_NUMBER:
        for i in range(n):
            out[i] = (one if x[i] >= c else zero) if x[i] == x[i] else nan
    elif code == codes.EQUAL_NUMBER:
        for i in range(n):
            out[i] = (one if x[i] == c else zero) if x[i] == x[i] else nan
    elif code == codes.NOT_EQUAL_NUMBER:
        for i in range(n):
            out[i] = (one if x[i] != c else zero) if x[i] == x[i] else nan


@njit(cache=True, nogil=True, error_model="numpy")
def alone(code: int, out: Cells, x: Cells) -> None:
    """Write code of `x` into `out`."""
    one, zero = x.dtype.type(1), x.dtype.type(0)
    inf, nan = x.dtype.type(np.inf), x.dtype.type(np.nan)
    n = out.size
    if code == codes.NEGATE:
        for i in range(n):
            out[i] = -x[i]
    elif code == codes.ABS:
        for i in range(n):
            out[i] = abs(x[i])
    elif code == codes.SQUARE:
        for i in range(n):
            out[i] = x[i] * x[i]
    elif code == codes.SQRT:
        for i in range(n):
            out[i] = np.sqrt(x[i])
    elif code == codes.SIGN:
        for i in range(n):
            up = one if x[i] > zero else zero
            out[i] = up - (one if x[i] < zero else zero) if x[i] == x[i] else nan
    elif code == codes.LOG:
        for i in range(n):
            out[i] = log(x[i])
    elif code == codes.ENTROPY:
        for i in range(n):
            out[i] = x[i] * log(x[i]) if x[i] != zero else zero
    elif code == codes.EXP:
        for i in range(n):
            e = np.exp(x[i])
            out[i] = e if e < inf else nan
    elif code == codes.IS_NAN:
        for i in range(n):
            out[i] = zero if x[i] == x[i] else one


@njit(cache=True, nogil=True, error_model="numpy")
def where(out: Cells, condition: Cells, x: Cells, y: Cells) -> None:
    """Write `condition ? x : y` into `out`; a condition that is not known gives NaN."""
    zero, nan = x.dtype.type(0), x.dtype.type(np.nan)
    for i in range(out.size):
        a, b = x[i], y[i]
        out[i] = (a if condition[i] != zero else b) if condition[i] == condition[i] else nan


@njit(cache=True, nogil=True, error_model="numpy")
def where_number(out: Cells, condition: Cells, x: Cells, number: float) -> None:
    """Write `condition ? x : number` into `out`."""
    c, zero, nan = x.dtype.type(number), x.dtype.type(0), x.dtype.type(np.nan)
    for i in range(out.size):
        a = x[i]
        out[i] = (a if condition[i] != zero else c) if condition[i] == condition[i] else nan
