"""Statements: arithmetic on quarters, with the figures as they were known on each announcement.

Inside these functions a name is a column of the market's statements, and a value is one number a quarter,
`[states, quarters]`, newest first; outside, it is the number of the newest quarter, on the day it became
known. They nest, and arithmetic aligns quarters: `change(quarterly(gross_profit) / quarterly(revenue), 4)`.
In `yoy`, `sue` and `change` a bare name means the single quarter (a trailing-year figure stays as it is).

NaN rule: arithmetic with a quarter that is not known gives NaN.
"""

from __future__ import annotations

import numpy as np

from superhet.factors.base import Basis, Quarters, Season, Values, operator
from superhet.kernels import point_in_time as kernel


@operator("latest", "statements")
def latest(x: Values) -> Values:
    """Give the newest figure as it was stated (a cumulative flow stays cumulative).

    Examples
    --------
    >>> latest(np.array([[30.0, 10.0]]))
    array([[30., 10.]])
    """
    return x


@operator("quarterly", "statements", lookback=1)
def quarterly(x: Values, season: Season, basis: Basis) -> Values:
    """Give the flow of the single quarter.

    Examples
    --------
    >>> quarterly(np.array([[30.0, 10.0, 100.0]]), np.array([1]), "ytd")
    array([[20., 10., nan]])
    """
    return kernel.single_quarters(x, season, basis)


@operator("ttm", "statements", lookback=4)
def ttm(x: Values, season: Season, basis: Basis) -> Values:
    """Give the flow of the last four quarters.

    Examples
    --------
    >>> ttm(np.array([[30.0, 100.0, 70.0, 45.0, 20.0]]), np.array([0]), "ytd")[0, 0]
    np.float64(110.0)
    """
    return kernel.trailing_year(x, season, basis)


@operator("yoy", "statements", lookback=4)
def yoy(x: Values) -> Values:
    """Give the growth over the same quarter a year before, as a fraction of that quarter's size.

    Dividing by the size keeps the sign right after a loss; a base of zero gives NaN.

    Examples
    --------
    >>> yoy(np.array([[30.0, 1.0, 1.0, 1.0, -20.0]]))[0, 0]
    np.float64(2.5)
    """
    base = kernel.shift(x, 4)
    size = np.where(base == 0, np.nan, np.abs(base))
    return (x - base) / size


@operator("change", "statements", lookback=lambda quarters: quarters)
def change(x: Values, quarters: Quarters) -> Values:
    """Give the difference from `quarters` quarters before.

    Examples
    --------
    >>> change(np.array([[0.3, 0.2]]), 1)[0, 0].round(3)
    np.float64(0.1)
    """
    return x - kernel.shift(x, quarters)


@operator("sue", "statements", lookback=12)
def sue(x: Values, basis: Basis) -> Values:
    """Give the standardised unexpected earnings: this quarter's change on the year, in deviations.

    The seasonal difference divided by the deviation (ddof 1) of the previous 8 seasonal differences; at
    least 4 of them must be known. Of a figure stated over twelve months, one quarter's difference *is* the
    seasonal difference of the single quarter.

    References
    ----------
    Foster, Olsen & Shevlin (1984), *Earnings releases, anomalies, and the behavior of security returns*;
    seasonal random walk without drift.

    Examples
    --------
    >>> profit = np.cumsum(np.r_[np.zeros(4), [1, 2, 1, 2, 1, 2, 1, 2, 3]])[::-1]  # differences of 1 year
    >>> sue(profit[None, :] * 1.0, "ttm")[0, 0].round(3)
    np.float64(5.612)
    """
    seasonal = x - kernel.shift(x, 1 if basis == "ttm" else 4)
    return kernel.standardized_surprise(seasonal, previous=8, minimum=4)
