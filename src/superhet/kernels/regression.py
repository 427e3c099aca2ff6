"""Cross-section regressions, one row (date) at a time, by Frisch-Waugh-Lovell.

The regression of a row on one-hot groups and K exposures never builds the group columns, and what the
signals of a date share is done once:

1. the cells of a date are put in order, its exposures demeaned within groups and factored -> regression_date
2. each signal is demeaned and projected on them                                            -> regression_rows

Demeaning and projection are applied to every known cell, while means and inner products come from the
fitted cells only: names outside are transformed with what was estimated inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from superhet.kernels.ranking import Flags, Floats, Numbers, still
from superhet.kernels.regression_date import TOLERANCE, Cells, Counts
from superhet.kernels.regression_rows import empty_report, residual_rows

__all__ = ["TOLERANCE", "RegressionReport", "residual", "residual_with_report", "slopes"]


@dataclass(frozen=True, eq=False)
class RegressionReport:
    """What happened in each row of a regression.

    Parameters
    ----------
    kept : [rows, exposures], False where a column was collinear and dropped
    slopes : [rows, exposures], 0 where dropped, NaN where nothing was fitted
    fitted : [rows], number of cells the regression was fitted on
    alone : [rows], number of fitted cells that are alone in their group (their residual is 0)
    """

    kept: Flags
    slopes: Floats
    fitted: Counts
    alone: Counts


def residual(
    values: Numbers,
    groups: Numbers | None,
    exposures: Numbers,
    weights: Numbers | None = None,
    inside: Numbers | None = None,
) -> Floats:
    """Residual of the weighted cross-section regression of each row on groups and exposures.

    Parameters
    ----------
    values : [rows, assets]
    groups : [rows, assets] integer codes, -1 = a group of its own; None fits one intercept
    exposures : [K, rows, assets]; K may be 0
    weights : [rows, assets] regression weights, or None for equal; cells without a positive weight are
        not fitted, but still get a residual
    inside : [rows, assets], cells to fit on; None for all

    Returns
    -------
    [rows, assets]; NaN where the value or any exposure is not finite, and where nothing of the group was
    fitted. For fitted cells X'W e = 0 to rounding, for every group and every exposure. Collinear
    columns change nothing (see `residual_with_report`).

    Notes
    -----
    Frisch & Waugh (1933), Lovell (1963): regressing group-demeaned values on group-demeaned exposures
    gives the slopes and the residual of the full regression.

    Examples
    --------
    >>> y = np.array([[1.0, 2.0, 3.0, 5.0]])
    >>> residual(y, None, np.array([[[0.0, 1.0, 2.0, 3.0]]])).round(3)
    array([[ 0.2, -0.1, -0.4,  0.3]])
    """
    return residual_with_report(values, groups, exposures, weights, inside)[0]


def residual_with_report(
    values: Numbers,
    groups: Numbers | None,
    exposures: Numbers,
    weights: Numbers | None = None,
    inside: Numbers | None = None,
) -> tuple[Floats, RegressionReport]:
    """Do what `residual` does and say which columns were dropped, by row."""
    x = np.ascontiguousarray(values, dtype=np.float64)
    z = np.ascontiguousarray(exposures, dtype=np.float64)
    if x.ndim != 2 or z.ndim != 3 or z.shape[1:] != x.shape:
        raise ValueError(f"values {x.shape} and exposures {z.shape} must be [T, N] and [K, T, N]")
    found = empty_report(1, len(x), len(z))
    out = np.empty((1, *x.shape))
    cells = Cells(
        _shaped("inside", inside, x, np.bool_),
        _shaped("groups", groups, x, np.int32),
        _shaped("weights", weights, x, np.float64),
        x.shape[1],
    )
    residual_rows(still(x[None]), still(z), cells, True, found, out)
    return out[0], RegressionReport(*(part[0] for part in found))


def slopes(
    values: Numbers,
    exposures: Numbers,
    groups: Numbers | None = None,
    weights: Numbers | None = None,
    inside: Numbers | None = None,
) -> Floats:
    """Slopes of the regression of `residual`, [rows, K] (Fama-MacBeth when the values are returns).

    A collinear column has slope 0; a row without fitted cells has NaN.
    """
    return residual_with_report(values, groups, exposures, weights, inside)[1].slopes


def _shaped(name: str, array: Numbers | None, x: Floats, dtype: Any) -> Any:
    """Convert an optional [rows, assets] argument; rows without columns stand for None."""
    if array is None:
        return still(np.empty((len(x), 0), dtype=dtype))
    if array.shape != x.shape:
        raise ValueError(f"{name} has shape {array.shape}, the values have {x.shape}")
    return still(np.ascontiguousarray(array, dtype=dtype))
