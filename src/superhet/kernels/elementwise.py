"""Element by element: the arithmetic of formulas, as ufuncs that write where they are told.

`ELEMENTWISE[name](*operands, out=...)` works on arrays of any shape and of one float type; plain numbers must
be of that type, too. Arithmetic is IEEE's; what is not a finite number is turned into NaN by `known`, where a
convention asks for it and at the end of every formula. Comparisons and logic give 1, 0, or NaN where a side
is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numba import vectorize


class Compiled:
    """A ufunc that is compiled for a float type when it is first called with it.

    Parameters
    ----------
    function : numbers in, number out
    """

    def __init__(self, function: Callable[..., float]) -> None:
        self._function = function
        self._loops: dict[str, Callable[..., Any]] = {}

    def __call__(self, *operands: Any, out: Any) -> Any:
        """Write the result into `out`, whose type decides."""
        kind = out.dtype.char
        loop = self._loops.get(kind)
        if loop is None:
            word = {"f": "float32", "d": "float64"}[kind]
            signature = f"{word}({', '.join([word] * len(operands))})"
            loop = vectorize([signature], cache=True)(self._function).ufunc
            self._loops[kind] = loop
        return loop(*operands, out)


def _known(x: float) -> float:
    return x if x - x == 0.0 else np.nan


def _divide_known(x: float, y: float) -> float:
    z = x / y
    return z if z - z == 0.0 else np.nan


def _power(x: float, y: float) -> float:
    return x**y if (x == x) & (y == y) else np.nan


def _signed_power(x: float, y: float) -> float:
    size = abs(x) ** y
    size = size if x > 0.0 else (-size if x < 0.0 else 0.0)
    return size if (x == x) & (y == y) else np.nan


def _less(x: float, y: float) -> float:
    return (1.0 if x < y else 0.0) if (x == x) & (y == y) else np.nan


def _less_equal(x: float, y: float) -> float:
    return (1.0 if x <= y else 0.0) if (x == x) & (y == y) else np.nan


def _equal(x: float, y: float) -> float:
    return (1.0 if x == y else 0.0) if (x == x) & (y == y) else np.nan


def _not_equal(x: float, y: float) -> float:
    return (1.0 if x != y else 0.0) if (x == x) & (y == y) else np.nan


def _both(x: float, y: float) -> float:
    return (1.0 if (x != 0.0) & (y != 0.0) else 0.0) if (x == x) & (y == y) else np.nan


def _either(x: float, y: float) -> float:
    return (1.0 if (x != 0.0) | (y != 0.0) else 0.0) if (x == x) & (y == y) else np.nan


def _where(condition: float, x: float, y: float) -> float:
    return (x if condition != 0.0 else y) if condition == condition else np.nan


def _first_known(x: float, y: float) -> float:
    return x if x == x else y


def _is_nan(x: float) -> float:
    return 0.0 if x == x else 1.0


ELEMENTWISE: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": np.add,
        "subtract": np.subtract,
        "multiply": np.multiply,
        "divide": np.divide,
        "negate": np.negative,
        "abs": np.absolute,
        "sign": np.sign,
        "log": np.log,
        "sqrt": np.sqrt,
        "exp": np.exp,
        "minimum": np.minimum,
        "maximum": np.maximum,
        "known": Compiled(_known),
        "divide_known": Compiled(_divide_known),
        "power": Compiled(_power),
        "signed_power": Compiled(_signed_power),
        "less": Compiled(_less),
        "less_equal": Compiled(_less_equal),
        "equal": Compiled(_equal),
        "not_equal": Compiled(_not_equal),
        "both": Compiled(_both),
        "either": Compiled(_either),
        "where": Compiled(_where),
        "first_known": Compiled(_first_known),
        "is_nan": Compiled(_is_nan),
    }
)
