"""What a book in proportion to the signal earned, and how much of that was the market, as in alphalens.

Each date the book holds every name with weight (signal - mean signal) / sum |signal - mean signal|: long and
short alike, gross 1, not gross 2 as the spread of quantiles. This is no regression slope; those are the
`factor_return`s of a risk model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.evaluation.judged import Judgement, judge
from superhet.evaluation.summary import SeriesSummary, plain, summarize_series
from superhet.panel import Dates, Panel, require_same_axes

Series = npt.NDArray[np.float64]
SESSIONS_A_YEAR = 252


@dataclass(frozen=True, eq=False, kw_only=True)
class AlphaBeta:
    """A regression of a book's return on the mean return of its universe.

    Parameters
    ----------
    alpha : intercept, per horizon
    annual_alpha : (1 + alpha) ^ (252 / horizon) - 1
    beta : slope
    count : dates with both
    """

    alpha: float
    annual_alpha: float
    beta: float
    count: int

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON."""
        return {name: plain(value) for name, value in vars(self).items()}


@dataclass(frozen=True, eq=False, kw_only=True)
class FactorReturns:
    """Returns of the book weighted by a signal.

    Parameters
    ----------
    name : of the signal
    horizon : sessions of the forward return
    dates : [dates]
    returns : [dates], of the book, per horizon, gross 1; NaN where the signal does not move
    universe : [dates], equal-weighted mean forward return of the names in the book
    summary : of `returns`
    regression : of `returns` on `universe`
    """

    name: str
    horizon: int
    dates: Dates
    returns: Series
    universe: Series
    summary: SeriesSummary
    regression: AlphaBeta

    def to_dict(self, *, series: bool = False) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON; `series` adds the values of each date."""
        found: dict[str, Any] = {
            "name": self.name,
            "horizon": self.horizon,
            "returns": self.summary.to_dict(),
            "regression": self.regression.to_dict(),
        }
        if series:
            found["series"] = {
                "date": [str(d) for d in self.dates],
                "returns": plain(self.returns),
                "universe": plain(self.universe),
            }
        return found


def factor_returns(signal: Panel, forward: Panel, horizon: int) -> FactorReturns:
    """Weigh each date's forward returns by the signal over its mean.

    Parameters
    ----------
    signal : [dates, assets], score
    forward : [dates, assets], return stamped at the signal date; a name without one is not held
    horizon : sessions of the forward return
    """
    require_same_axes(signal, forward)
    return weighed(signal, horizon, judge(signal.values, forward.values, 1))


def weighed(signal: Panel, horizon: int, found: Judgement) -> FactorReturns:
    """Make the table of a judgement."""
    returns, universe = found.weighted.copy(), found.universe.copy()
    return FactorReturns(
        name=signal.name,
        horizon=horizon,
        dates=signal.dates,
        returns=returns,
        universe=universe,
        summary=summarize_series(returns, horizon),
        regression=alpha_beta(returns, universe, horizon),
    )


def alpha_beta(returns: Series, universe: Series, horizon: int) -> AlphaBeta:
    """Regress a book's returns on those of its universe, by least squares.

    Parameters
    ----------
    returns, universe : [dates], per horizon; a date with a NaN on either side is left out
    horizon : sessions of each return; overlapping returns leave the estimates unbiased

    Examples
    --------
    >>> market = np.array([0.01, -0.02, 0.03])
    >>> found = alpha_beta(0.001 + 0.5 * market, market, 1)
    >>> round(found.alpha, 6), round(found.beta, 6), round(found.annual_alpha, 4)
    (0.001, 0.5, 0.2864)
    """
    both = ~(np.isnan(returns) | np.isnan(universe))
    y, x = returns[both], universe[both]
    alpha = beta = float("nan")
    if y.size >= 2:
        away = x - x.mean()
        spread = float(away @ away)
        if spread > 0.0:
            beta = float(away @ (y - y.mean())) / spread
            alpha = float(y.mean()) - beta * float(x.mean())
    annual = (1.0 + alpha) ** (SESSIONS_A_YEAR / horizon) - 1.0
    return AlphaBeta(alpha=alpha, annual_alpha=annual, beta=beta, count=int(y.size))
