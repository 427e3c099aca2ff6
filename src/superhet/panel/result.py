"""BacktestResult: what a backtest found, with every order that was refused and every cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from superhet.kernels.performance import PerformanceSummary, summarize
from superhet.panel.axes import Dates
from superhet.panel.book_state import BookState
from superhet.panel.panel import Panel
from superhet.panel.records import Records

Series = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class BacktestResult:
    """Books of one backtest, by session.

    Parameters
    ----------
    dates : [dates], the sessions simulated
    equity : [dates], currency at the close, after all costs
    returns : [dates], simple net return on the previous equity
    gross_returns : [dates], the same before costs
    holdings : [dates, assets], weights at the close (signed fractions of equity)
    target : [dates, assets], target weights in force at the close
    cash : [dates], currency
    trades : one row a fill: date, asset (position), shares (signed), price, value, commission,
        stamp_duty, transfer_fee, slippage, impact, kind ("order", "recall", "delisting"), delisting (closed
        at its mark, without costs); `time` where orders fill inside the session
    orders_refused : one row an order or part of one that was not done: date, asset, shares (signed,
        not done), rule
    costs : name -> [dates], currency, positive
    income : name -> [dates], currency: dividends (negative where shorts pay them), cash_interest
    turnover : [dates], half the sum of absolute traded value / equity (one-way)
    benchmark : [dates], simple returns, or None
    benchmark_name : its name
    conventions : rule -> what was assumed (fill price, cash shortage, dividends, annualisation …)
    periods_per_year : sessions a year used to annualise
    final_state : the book at the last close, for an engine to go on from; None where an engine has none
    """

    dates: Dates
    equity: Series
    returns: Series
    gross_returns: Series
    holdings: Panel
    target: Panel
    cash: Series
    trades: Records
    orders_refused: Records
    costs: Mapping[str, Series]
    turnover: Series
    benchmark: Series | None = None
    benchmark_name: str = ""
    conventions: Mapping[str, str] = field(default_factory=dict)
    periods_per_year: int = 244
    income: Mapping[str, Series] = field(default_factory=dict)
    final_state: BookState | None = None

    @cached_property
    def net(self) -> PerformanceSummary:
        """Performance after costs."""
        return summarize(self.returns, self.periods_per_year)

    @cached_property
    def gross(self) -> PerformanceSummary:
        """Performance before costs."""
        return summarize(self.gross_returns, self.periods_per_year)

    @property
    def annual_turnover(self) -> float:
        """One-way turnover a year, as a multiple of equity."""
        return float(np.mean(self.turnover) * self.periods_per_year)

    @cached_property
    def refused_by_rule(self) -> dict[str, int]:
        """Count refused orders by the rule that refused them."""
        rules, counts = np.unique(self.orders_refused["rule"].astype("U"), return_counts=True)
        return {str(r): int(c) for r, c in zip(rules, counts, strict=True)}

    def __str__(self) -> str:
        lines = [
            f"Backtest {self.dates.describe()}",
            f"  {'':<18}{'gross':>10}{'net':>10}",
        ]
        for label, name in (
            ("annual return", "annual_return"),
            ("annual volatility", "annual_volatility"),
        ):
            gross, net = getattr(self.gross, name), getattr(self.net, name)
            lines.append(f"  {label:<18}{gross:>10.2%}{net:>10.2%}")
        lines.append(f"  {'Sharpe':<18}{self.gross.sharpe:>10.2f}{self.net.sharpe:>10.2f}")
        lines.append(
            f"  {'max drawdown':<18}{self.gross.max_drawdown:>10.2%}{self.net.max_drawdown:>10.2%}"
        )
        lines.append(f"  annual turnover   {self.annual_turnover:>10.1f}x one-way")
        for name, series in self.costs.items():
            lines.append(f"  {name:<18}{float(series.sum()):>14,.0f}")
        for name, series in self.income.items():
            if series.any():
                lines.append(f"  {name:<18}{float(series.sum()):>+14,.0f}")
        refused = ", ".join(f"{r} {c}" for r, c in self.refused_by_rule.items()) or "none"
        lines.append(f"  orders refused: {refused}")
        return "\n".join(lines)
