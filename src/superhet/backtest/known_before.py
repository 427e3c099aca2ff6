"""Columns as they were known when the orders of a session were sent: at the close of the session before."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]


def known_before(values: npt.ArrayLike, start: int) -> Floats:
    """Give each row as it was known at the close before, from session `start` on.

    Parameters
    ----------
    values : [sessions, assets], row *t* is known at the close of *t*
    start : session

    Returns
    -------
    [sessions from `start` on, assets], a copy: row *t* − 1 in the place of *t*; NaN at session 0

    Examples
    --------
    >>> known_before([[1.0], [2.0], [3.0]], 1).ravel()
    array([1., 2.])
    """
    known = np.asarray(values, dtype=np.float64)
    nothing = np.full((1, known.shape[1]), np.nan)
    return np.concatenate([nothing, known[:-1]])[start:]
