"""Statements: arithmetic on quarters, with the figures as they were known on each announcement.

Inside these functions a name is a column of the market's statements, and a value is one number a quarter,
`[states, quarters]`, newest first; outside, it is the number of the newest quarter, on the day it became
known. They nest, and arithmetic aligns quarters: `change(quarterly(gross_profit) / quarterly(revenue), 4)`.
In `latest`, `quarterly` and `ttm` a bare name is the figure as it was stated; in all others it means the
single quarter (a level or a trailing-year figure stays as it is). `restated(latest(net_profit))` therefore
compares cumulative figures, report by report, where `restated(net_profit)` compares single quarters.

No function sees a figure before the day on which it became known, and a restatement changes no earlier
value: a state holds what was known on its day, `first_stated` and its kin look at that state and older ones.

NaN rule: arithmetic with a quarter that is not known gives NaN. `average`, `deviation` and `trend` skip such
quarters and need half of theirs (and two for a deviation or a trend).
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import numpy as np
from annotated_types import Ge

from superhet.factors.base import Basis, Quarters, Role, Season, Values, operator
from superhet.kernels import point_in_time as kernel

States: TypeAlias = Annotated[kernel.StateIndex, Role("given", "states")]
Several: TypeAlias = Annotated[int, Role("whole", "number of quarters"), Ge(2)]


def _quarters(quarters: int) -> int:
    return quarters


def _before(quarters: int) -> int:
    return quarters - 1


def _half(quarters: int, least: int = 1) -> int:
    """Give how many quarters must be known: half of them, rounded up, at least `least`."""
    return max(least, (quarters + 1) // 2)


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


@operator("yoy", "statements", lookback=4, unit="none")
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


@operator("change", "statements", lookback=_quarters)
def change(x: Values, quarters: Quarters) -> Values:
    """Give the difference from `quarters` quarters before.

    Examples
    --------
    >>> change(np.array([[0.3, 0.2]]), 1)[0, 0].round(3)
    np.float64(0.1)
    """
    return x - kernel.shift(x, quarters)


@operator("lagged", "statements", lookback=_quarters)
def lagged(x: Values, quarters: Quarters) -> Values:
    """Give the value `quarters` quarters before, as it is known now.

    Examples
    --------
    >>> lagged(np.array([[0.3, 0.2]]), 1)[0, 0]
    np.float64(0.2)
    """
    return kernel.shift(x, quarters)


@operator("qoq", "statements", lookback=1, unit="none")
def qoq(x: Values) -> Values:
    """Give the growth over the quarter before, as a fraction of that quarter's size.

    Single quarters have seasons: for flows `qoq(ttm(revenue))` says more. Dividing by the size keeps the
    sign right after a loss; a base of zero gives NaN.

    Examples
    --------
    >>> qoq(np.array([[55.0, 50.0]]))[0, 0], qoq(np.array([[10.0, -20.0]]))[0, 0]
    (np.float64(0.1), np.float64(1.5))
    """
    base = kernel.shift(x, 1)
    return (x - base) / np.where(base == 0, np.nan, np.abs(base))


@operator("growth", "statements", lookback=_quarters, unit="none")
def growth(x: Values, quarters: Quarters) -> Values:
    """Give the growth a year, compounded over `quarters` quarters.

    Growth from or to a figure that is not above zero has no rate: it gives NaN, never a number with a
    wrong sign. Where losses matter, use `yoy`, or a `change` on equity or assets.

    Examples
    --------
    >>> growth(np.array([[121.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 100.0]]), 8)[0, 0].round(3)
    np.float64(0.1)
    >>> growth(np.array([[30.0, -20.0]]), 1)[0, 0], growth(np.array([[-30.0, 20.0]]), 1)[0, 0]
    (np.float64(nan), np.float64(nan))
    """
    base = kernel.shift(x, quarters)
    known = (x > 0) & (base > 0)
    ratio = np.where(known, x, np.nan) / np.where(known, base, np.nan)
    return np.asarray(ratio ** (4.0 / quarters) - 1.0)


@operator("average", "statements", lookback=_before, missing="skips")
def average(x: Values, quarters: Quarters) -> Values:
    """Give the mean of the newest `quarters` quarters; half of them must be known.

    A flow over the stock that earned it: `ttm(revenue) / average(total_assets, 5)` takes the five
    quarter ends of the year.

    Examples
    --------
    >>> average(np.array([[4.0, np.nan, 2.0]]), 3)[0, 0]
    np.float64(3.0)
    """
    return kernel.over_quarters(x, quarters, _half(quarters), "mean")


@operator("deviation", "statements", lookback=_before, missing="skips")
def deviation(x: Values, quarters: Several) -> Values:
    """Give the standard deviation (ddof 1) over the newest `quarters` quarters: high is unsteady.

    Half of them must be known, and two at least.

    Examples
    --------
    >>> deviation(np.array([[1.0, 3.0, 2.0]]), 3)[0, 0]
    np.float64(1.0)
    """
    return kernel.over_quarters(x, quarters, _half(quarters, 2), "deviation")


@operator("trend", "statements", lookback=_before, missing="skips")
def trend(x: Values, quarters: Several) -> Values:
    """Give the slope a quarter of the least-squares line through the newest `quarters` quarters.

    Half of them must be known, and two at least.

    Examples
    --------
    >>> trend(np.array([[5.0, 4.0, 1.0]]), 3)[0, 0]
    np.float64(2.0)
    """
    return kernel.over_quarters(x, quarters, _half(quarters, 2), "slope")


@operator("streak", "statements", lookback=_before, unit="none")
def streak(x: Values, quarters: Quarters) -> Values:
    """Count the newest quarters in a row in which x is above zero, at most `quarters`.

    Of `change(net_profit, 4)` it is the number of consecutive increases of profit on the year. A quarter
    that is not known ends the row; if it is the newest, the result is NaN.

    Examples
    --------
    >>> streak(np.array([[2.0, 1.0, -1.0, 3.0]]), 4)[0, 0]
    np.float64(2.0)
    """
    return kernel.streaks(x, quarters)


@operator("sue", "statements", lookback=12, unit="none")
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


@operator("first_stated", "statements")
def first_stated(x: Values, states: States) -> Values:
    """Give, of the same quarter, the figure that was known first.

    Several rows of one day are one statement: its newest revision counts. `x` may be anything computed
    from columns: of `ttm(net_profit)` it is the trailing year as it was first known.

    Examples
    --------
    >>> days, quarter = np.array(["2021-04-29", "2021-06-10"], "M8[D]"), np.array(["2021-03"] * 2, "M8[M]")
    >>> states = kernel.StateIndex.build([0, 0], days, quarter, None)  # reported, then restated
    >>> first_stated(np.array([[100.0], [90.0]]), states).ravel()
    array([100., 100.])
    """
    return states.first_stated(x)


@operator("restated", "statements")
def restated(x: Values, states: States) -> Values:
    """Give what restatements have changed: the figure known now less the one first known for the quarter.

    A quarter that stands as it was first stated gives 0; one that is not known gives NaN.

    Examples
    --------
    >>> days, quarter = np.array(["2021-04-29", "2021-06-10"], "M8[D]"), np.array(["2021-03"] * 2, "M8[M]")
    >>> states = kernel.StateIndex.build([0, 0], days, quarter, None)
    >>> restated(np.array([[100.0], [90.0]]), states).ravel()
    array([  0., -10.])
    """
    return x - states.first_stated(x)


@operator("revised", "statements")
def revised(x: Values, states: States) -> Values:
    """Give the last step only: the figure known now less the one before its newest revision.

    0 for a quarter never revised; after the second revision of a quarter it differs from `restated`.

    Examples
    --------
    >>> days = np.array(["2021-04-29", "2021-06-10", "2021-08-30"], "M8[D]")
    >>> states = kernel.StateIndex.build([0] * 3, days, np.array(["2021-03"] * 3, "M8[M]"), None)
    >>> revised(np.array([[100.0], [90.0], [97.0]]), states).ravel()
    array([  0., -10.,   7.])
    """
    return x - states.before_revision(x)


@operator("announced", "statements", unit="none")
def announced(x: Values, states: States) -> Values:
    """Give the day on which the quarter's figure was first known, in days since 1970; NaN if it is not.

    It is the same number until a newer quarter is reported, restatements or not, so that
    `ts_delta(announced(latest(net_profit)), 1) > 0` marks the sessions with news of a quarter.

    Examples
    --------
    >>> days, quarter = np.array(["2021-04-29", "2021-06-10"], "M8[D]"), np.array(["2021-03"] * 2, "M8[M]")
    >>> states = kernel.StateIndex.build([0, 0], days, quarter, None)
    >>> announced(np.array([[100.0], [90.0]]), states).ravel()
    array([18746., 18746.])
    """
    return states.first_known(x)


@operator("reporting_delay", "statements", unit="none")
def reporting_delay(x: Values, states: States) -> Values:
    """Give the days from the end of a quarter to the session on which its figure was first known.

    Quarters are those of the calendar. A figure known before its quarter ended gives NaN: its
    `report_date` is then not the end of such a quarter.

    Examples
    --------
    >>> days, quarter = np.array(["2021-04-29"], "M8[D]"), np.array(["2021-03"], "M8[M]")
    >>> states = kernel.StateIndex.build([0], days, quarter, None)
    >>> reporting_delay(np.array([[100.0]]), states).ravel()
    array([29.])
    """
    delay = states.first_known(x) - states.quarter_ends(x.shape[1])
    return np.where(delay >= 0, delay, np.nan)
