"""Writing results past the cache: a result that nobody reads soon should not push out what is needed.

An ordinary store first reads the line it writes to; a streaming store does not, which halves the traffic of
a pass that writes hundreds of signals.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

Array = npt.NDArray[Any]


@intrinsic
def _store(typing_context: Any, goal: Any, position: Any, value: Any) -> Any:
    """Put a value at a position of a contiguous row, with the hint that it is not read soon."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        row = context.make_array(signature.args[0])(context, builder, arguments[0])
        written = builder.store(arguments[2], builder.gep(row.data, [arguments[1]]))
        hint = builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
        written.set_metadata("nontemporal", hint)
        return context.get_dummy_value()

    return types.void(goal, position, value), generate


@njit(cache=True, nogil=True)
def write_through(source: Array, goal: Array) -> None:
    """Copy an array.

    Parameters
    ----------
    source : [rows, columns or more]
    goal : [rows, columns], of the same type; contiguous along a row
    """
    for i in range(goal.shape[0]):
        row, out = source[i], goal[i]
        for j in range(goal.shape[1]):
            _store(out, j, row[j])
