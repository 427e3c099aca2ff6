"""BookState: a book between two sessions, so that a backtest can go on where it ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.panel.axes import Assets

Series = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class BookState:
    """The account after the close of a session, and after the decision taken there.

    Parameters
    ----------
    date : the session
    assets : the axis of the arrays
    shares : [assets], held, signed, whole
    goal : [assets], shares that the target in force asks for
    mark : [assets], raw value of a share; NaN where it has never traded
    weight : [assets], target in force, signed fractions of equity
    cash : currency
    equity : currency, cash and shares at their marks
    fresh : whether the target was decided at this close
    """

    date: np.datetime64
    assets: Assets
    shares: Series
    goal: Series
    mark: Series
    weight: Series
    cash: float
    equity: float
    fresh: bool
