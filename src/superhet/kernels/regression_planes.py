"""Planes by their addresses: a kernel reads panels where they lie, however many and however far apart.

numba takes several arrays as one only if they lie side by side, and to copy them together first costs more
than to read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import carray, njit, types
from numba.extending import intrinsic

from superhet.kernels.ranking import Reals


class Planes(NamedTuple):
    """Where the planes [rows, assets] begin, and how many bytes lie between two rows: [planes] each.

    Whoever makes this keeps the arrays until the kernel is done.
    """

    begins: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]


def planes_of(arrays: Sequence[Reals] | Reals, rows: int, like: Reals) -> Planes:
    """Give the addresses of arrays [rows, assets], of the type of the row `like` and no narrower.

    Raises
    ------
    ValueError
        If one is of another type, too small, or its assets do not lie side by side.
    """
    for array in arrays:
        fits = array.ndim == 2 and array.shape[0] >= rows and array.shape[1] >= like.size
        if not fits or array.dtype != like.dtype or array.strides[1] != like.itemsize:
            raise ValueError(
                f"expected {rows} rows of {like.size} {like.dtype} that lie side by side, "
                f"got {array.dtype} {array.shape} with strides {array.strides}"
            )
    begins = [array.__array_interface__["data"][0] for array in arrays]
    return Planes(
        np.array(begins, dtype=np.int64),
        np.array([array.strides[0] for array in arrays], dtype=np.int64),
    )


@intrinsic
def _pointer(typing_context: Any, address: Any, like: Any) -> Any:
    """Point at numbers of the type of the array `like`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(like.dtype)(types.int64, like), generate


@njit(cache=True, nogil=True)
def row_of(planes: Planes, plane: int, row: int, like: Reals) -> Reals:
    """Give a row of a plane, of the size and type of `like`."""
    address = planes.begins[plane] + row * planes.steps[plane]
    found: Reals = carray(_pointer(address, like), like.shape)
    return found
