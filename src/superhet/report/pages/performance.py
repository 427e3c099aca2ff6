"""Performance: value before and after costs beside the benchmark, drawdown, months, rolling Sharpe."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from superhet.kernels.performance import PerformanceSummary, drawdown, nav, summarize
from superhet.report import figures
from superhet.report.blocks import Card, Column, Table
from superhet.report.context import Context
from superhet.report.cross_section import by_month, rolling_sharpe

Series = npt.NDArray[np.float64]
WINDOW = 60
ROWS: dict[str, str] = {
    "total_return": "p2",
    "annual_return": "p2",
    "annual_volatility": "p2",
    "sharpe": "n2",
    "sortino": "n2",
    "max_drawdown": "p2",
    "calmar": "n2",
    "win_rate": "p1",
}


def cards(context: Context) -> list[Card]:
    """Show value, drawdown, the table of numbers, months and rolling Sharpe."""
    return [
        value(context),
        drawdowns(context),
        summary(context),
        monthly(context),
        sharpe_through_time(context),
    ]


def curves(context: Context) -> dict[str, Series]:
    """Give daily returns by label: net, gross and, where there is one, the benchmark."""
    result, text = context.study.backtest, context.text
    found = {text("label.net"): result.returns, text("label.gross"): result.gross_returns}
    if result.benchmark is not None:
        found[benchmark_label(context)] = np.nan_to_num(result.benchmark)
    return found


def benchmark_label(context: Context) -> str:
    """Name the benchmark."""
    name = context.study.backtest.benchmark_name
    shown = context.text.name("benchmark", name)
    return context.text("label.benchmark", name=shown) if name else context.text("label.reference")


def value(context: Context) -> Card:
    """Draw the net asset value, 1 before the first return."""
    series = {name: nav(returns) for name, returns in curves(context).items()}
    option = figures.lines(
        "@axis:sessions", series, kind="n3", colours=["@accent", "@c1", "@muted"]
    )
    return context.figure("nav", option, wide=True, height=360)


def drawdowns(context: Context) -> Card:
    """Draw value / running peak - 1."""
    series = {name: drawdown(returns) for name, returns in curves(context).items()}
    chosen = {name: series[name] for k, name in enumerate(series) if k != 1}
    option = figures.lines(
        "@axis:sessions", chosen, kind="p1", colours=["@accent", "@muted"], area=True, max=0
    )
    return context.figure("drawdown", option)


def summary(context: Context) -> Card:
    """List the performance of net, gross, benchmark and active return."""
    result, text = context.study.backtest, context.text
    found: dict[str, PerformanceSummary] = {
        name: summarize(returns, result.periods_per_year)
        for name, returns in curves(context).items()
    }
    rows = [
        (text(f"metric.{key}"), *(_cell(getattr(s, key), kind) for s in found.values()))
        for key, kind in ROWS.items()
    ]
    columns = [Column(title=text("label.metric"), kind="text")]
    columns += [Column(title=name, kind="cell") for name in found]
    return context.table(
        "performance_table", Table(columns=columns, rows=rows), days=result.periods_per_year
    )


def _cell(value: float, kind: str) -> tuple[float, str]:
    return (value, kind)


def monthly(context: Context) -> Card:
    """List the net return of each month and year."""
    result, text = context.study.backtest, context.text
    found = by_month(result.dates, result.returns, compound=True)
    rows = []
    for year, months in zip(found.years, found.values, strict=True):
        known = months[np.isfinite(months)]
        whole = float(np.prod(1.0 + known) - 1.0)
        rows.append((str(year), *months.tolist(), whole))
    columns = [Column(title=text("label.year"), kind="text")]
    columns += [Column(title=text(f"month.{m}"), kind="p1") for m in range(1, 13)]
    columns.append(Column(title=text("label.whole_year"), kind="p1"))
    return context.table("monthly_returns", Table(columns=columns, rows=rows, heat=0.06), wide=True)


def sharpe_through_time(context: Context) -> Card:
    """Draw the Sharpe ratio of the last sessions."""
    result = context.study.backtest
    found = rolling_sharpe(result.returns, WINDOW, result.periods_per_year)
    label = context.text("label.rolling_sharpe", window=WINDOW)
    option = figures.lines("@axis:sessions", {label: found}, kind="n1", colours=["@accent"])
    return context.figure("rolling_sharpe", option, window=WINDOW, wide=True, height=240)
