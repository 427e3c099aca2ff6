"""Performance numbers of one return series, with the conventions in one place.

Returns are simple, per period. Annual return compounds; volatility and Sharpe use the sample deviation
(ddof 1) times the square root of periods a year; the Sharpe ratio is over `risk_free`, given per
period; drawdown is value / running peak - 1 and never positive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Series = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PerformanceSummary:
    """The usual numbers; NaN where a series is too short or does not move."""

    periods: int
    total_return: float
    annual_return: float
    annual_volatility: float
    sharpe: float
    sortino: float
    max_drawdown: float
    calmar: float
    win_rate: float


def nav(returns: Series) -> Series:
    """Compound simple returns into a net asset value that starts at 1 before the first return."""
    return np.asarray(np.cumprod(1.0 + returns), dtype=np.float64)


def drawdown(returns: Series) -> Series:
    """Give value / running peak - 1 after each return, a number <= 0.

    Examples
    --------
    >>> drawdown(np.array([0.1, -0.5, 0.2])).round(2)
    array([ 0. , -0.5, -0.4])
    """
    value = np.concatenate([[1.0], nav(returns)])
    peak = np.maximum.accumulate(value)
    return np.asarray(value / peak - 1.0)[1:]


def summarize(
    returns: Series, periods_per_year: int = 244, risk_free: float = 0.0
) -> PerformanceSummary:
    """Summarize simple returns; NaN periods are left out.

    Parameters
    ----------
    returns : [dates], simple, per period
    periods_per_year : 244 for A-shares, 252 for US shares
    risk_free : per period
    """
    known = returns[~np.isnan(returns)]
    n = known.size
    nothing = float("nan")
    if n == 0:
        return PerformanceSummary(0, *([nothing] * 8))
    total = float(np.prod(1.0 + known) - 1.0)
    annual = float((1.0 + total) ** (periods_per_year / n) - 1.0) if total > -1.0 else -1.0
    excess = known - risk_free
    deviation = float(excess.std(ddof=1)) if n > 1 else nothing
    moves = n > 1 and deviation > 1e-15
    downside = float(np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2)))
    scale = float(np.sqrt(periods_per_year))
    worst = float(drawdown(known).min())
    return PerformanceSummary(
        periods=n,
        total_return=total,
        annual_return=annual,
        annual_volatility=deviation * scale,
        sharpe=float(excess.mean()) / deviation * scale if moves else nothing,
        sortino=float(excess.mean()) / downside * scale if downside > 1e-15 else nothing,
        max_drawdown=worst,
        calmar=annual / -worst if worst < 0 else nothing,
        win_rate=float(np.mean(known > 0)),
    )
