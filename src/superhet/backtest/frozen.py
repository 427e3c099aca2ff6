"""Arrays as kernels take them: whole and read-only, so that each kernel is compiled for one kind of array."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def frozen(values: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> npt.NDArray[Any]:
    """Give a contiguous, read-only view of an array, or of a copy where it is not contiguous.

    Numba compiles a kernel again for arrays that may be written, and a panel's may not.

    Parameters
    ----------
    values : of any shape; stays as it is
    dtype : None keeps that of the values
    """
    view = np.ascontiguousarray(values, dtype=dtype).view()
    view.setflags(write=False)
    return view
