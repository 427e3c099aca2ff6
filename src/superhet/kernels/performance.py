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


@dataclass(frozen=True)
class RiskSummary:
    """Numbers of the shape and the tails of one return series; NaN where it is too short or does not move.

    Parameters
    ----------
    skew, excess_kurtosis : of the sample, not corrected for its size; 0 for the normal law
    value_at_risk : quantile `tail` of the returns, by linear interpolation; negative for a loss
    expected_shortfall : mean of the returns not above it
    tail_ratio : 95 % quantile over 5 % quantile, in absolute terms
    omega : gains over losses, both from the required return
    downside_deviation : root of the mean square of returns below `risk_free`, annual
    """

    skew: float
    excess_kurtosis: float
    value_at_risk: float
    expected_shortfall: float
    tail_ratio: float
    omega: float
    downside_deviation: float


def summarize_risk(
    returns: Series, periods_per_year: int = 244, risk_free: float = 0.0, tail: float = 0.05
) -> RiskSummary:
    """Summarize the shape and the tails of simple returns; NaN periods are left out.

    Parameters
    ----------
    returns : [dates], simple, per period
    periods_per_year : 244 for A-shares, 252 for US shares
    risk_free : per period; the required return of omega as well
    tail : probability of value at risk and expected shortfall

    Examples
    --------
    >>> found = summarize_risk(np.array([-0.04, 0.01, 0.02, 0.03]), tail=0.25)
    >>> round(found.omega, 2), round(found.value_at_risk, 4), round(found.expected_shortfall, 4)
    (1.5, -0.0025, -0.04)
    """
    known = returns[~np.isnan(returns)]
    nothing = float("nan")
    if known.size == 0:
        return RiskSummary(*([nothing] * 7))
    skew, kurtosis = shape(known)
    excess = known - risk_free
    at_risk = float(np.quantile(known, tail))
    low, high = (abs(float(np.quantile(known, q))) for q in (0.05, 0.95))
    gains, losses = float(np.maximum(excess, 0).sum()), float(-np.minimum(excess, 0).sum())
    return RiskSummary(
        skew=skew,
        excess_kurtosis=kurtosis,
        value_at_risk=at_risk,
        expected_shortfall=float(known[known <= at_risk].mean()),
        tail_ratio=high / low if low > 0 else nothing,
        omega=gains / losses if losses > 0 else nothing,
        downside_deviation=float(np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2) * periods_per_year)),
    )


def shape(values: Series) -> tuple[float, float]:
    """Give skew and excess kurtosis, of the sample, not corrected for its size; NaN where it does not move.

    Parameters
    ----------
    values : [dates]; NaN is left out

    Examples
    --------
    >>> shape(np.array([1.0, 2.0, 3.0, 4.0]))
    (0.0, -1.36)
    """
    known = values[~np.isnan(values)]
    away = known - known.mean() if known.size else known
    square = float(np.mean(away**2)) if known.size else 0.0
    if not square > 1e-30:
        return float("nan"), float("nan")
    skew, kurtosis = np.mean(away**3) / square**1.5, np.mean(away**4) / square**2 - 3.0
    return float(skew), float(kurtosis)
