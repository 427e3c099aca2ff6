"""Marks of a tape: what a share is worth before the open and at the close of each session."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.backtest.tape import Tape

Floats: TypeAlias = npt.NDArray[np.float64]


def tape_marks(tape: Tape) -> tuple[Floats, Floats]:
    """Give each asset's value before the open and at the close.

    The value before the open is the last close, lowered by the actions of the day; without a close it
    stays until there is one. NaN before the first.

    Returns
    -------
    two of [sessions, assets], raw currency
    """
    opened, closed = np.empty(tape.shape), np.empty(tape.shape)
    mark, rows = np.array(tape.mark, dtype=np.float64), tape.actions
    first = np.searchsorted(rows.session, np.arange(tape.shape[0] + 1))
    for t in range(tape.shape[0]):
        k = slice(first[t], first[t + 1]) if t else slice(0, 0)
        i = rows.asset[k]
        mark[i] = np.maximum((mark[i] - rows.dividend_gross[k]) / rows.split[k], 0.0)
        opened[t] = mark
        mark = np.where(tape.close[t] > 0.0, tape.close[t], mark)
        closed[t] = mark
    return opened, closed
