"""Marks: what a position is worth on days without trade."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def carried_marks(close: Floats, adjust: Floats) -> Floats:
    """Carry the adjusted close over sessions without trade; NaN before the first.

    Parameters
    ----------
    close, adjust : [dates, assets], raw close and cumulative adjust factor

    Returns
    -------
    [dates, assets]; ratios of successive rows are the returns that the ledger earns
    """
    adjusted = close * adjust
    row = np.where(adjusted > 0.0, np.arange(len(close))[:, None], 0)
    return np.asarray(np.take_along_axis(adjusted, np.maximum.accumulate(row, axis=0), axis=0))
