"""When each asset is first heard of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(cache=True, nogil=True)
def first_known_rows(values: npt.NDArray[Any], first: npt.NDArray[np.int64]) -> None:
    """Bring forward the first row of each asset to where a field is first known.

    Parameters
    ----------
    values : [rows, assets], floats
    first : [assets], written in place; rows at or after it are not looked at
    """
    left = np.arange(values.shape[1])
    count = left.size
    for t in range(values.shape[0]):
        row, still = values[t], 0
        for i in range(count):
            asset = left[i]
            if first[asset] <= t:
                continue
            if row[asset] == row[asset]:
                first[asset] = t
            else:
                left[still] = asset
                still += 1
        count = still
        if count == 0:
            return
