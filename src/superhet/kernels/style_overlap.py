"""How much of one cross-section is others under another name: correlations and inflation.

Date by date.
Plain array maths, [rows, assets] in, numbers out; a name that lacks any of the rows is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_STILL = 1e-12
_CONDITION = 1e12


def correlations_by_date(panels: Sequence[npt.NDArray[np.floating]]) -> Floats:
    """Correlate panels with each other on each date, [dates, panels, panels].

    NaN where no more names than panels know all of them, and for a panel that does not move.

    Parameters
    ----------
    panels : each [dates, assets], NaN = not known
    """
    size = len(panels)
    out = np.full((len(panels[0]), size, size), np.nan)
    for date in range(len(out)):
        rows = np.array([panel[date] for panel in panels], dtype=np.float64)
        rows = rows[:, ~np.isnan(rows).any(axis=0)]
        if rows.shape[1] <= size:
            continue
        centred = rows - rows.mean(axis=1, keepdims=True)
        length = np.sqrt((centred**2).sum(axis=1))
        moving = length > _STILL * np.sqrt((rows**2).sum(axis=1))
        unit = np.where(moving[:, None], centred / np.where(moving, length, 1.0)[:, None], np.nan)
        out[date] = unit @ unit.T
    return out


def inflation_by_date(correlations: Floats) -> Floats:
    """Give the diagonal of the inverse of each correlation matrix, [dates, panels].

    That is 1 / (1 - R²) of the regression of each panel on the others; NaN where they are collinear or one
    is not known.
    """
    out = np.full(correlations.shape[:2], np.nan)
    known = np.flatnonzero(~np.isnan(correlations).any(axis=(1, 2)))
    if known.size:
        some = correlations[known]
        well = np.linalg.cond(some) < _CONDITION
        inverse = np.linalg.inv(some[well])
        out[known[well]] = np.diagonal(inverse, axis1=1, axis2=2)
    return out


def correlation_in_time(one: Floats, two: Floats, *, least: int = 3) -> float:
    """Correlate two series where both are known; NaN with fewer than `least`, or if one stands still."""
    known = ~np.isnan(one) & ~np.isnan(two)
    a, b = np.asarray(one[known], dtype=np.float64), np.asarray(two[known], dtype=np.float64)
    if a.size < least or min(a.std(), b.std()) <= 1e-15:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
