"""Costs: turnover, where the money went and came from, and orders that the rules refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.report import figures
from superhet.report.blocks import Card, Column, Table
from superhet.report.context import Context
from superhet.report.cross_section import month_sums

Series: TypeAlias = npt.NDArray[np.float64]


def cards(context: Context) -> list[Card]:
    """Show turnover, costs by month and by kind, income where there is some, and refusals."""
    made = [turnover(context), cost_months(context), cost_table(context)]
    income = income_table(context)
    return [*made, *([] if income is None else [income]), refusals(context)]


def turnover(context: Context) -> Card:
    """Draw one-way turnover by month."""
    result = context.study.backtest
    months, (sums,) = month_sums(result.dates, [result.turnover])
    option = figures.bars(
        months, {context.text("label.turnover"): sums}, kind="p0", colours=["@accent"]
    )
    return context.figure("turnover", option, annual=f"{result.annual_turnover:.1f}")


def _fractions(context: Context, of: Mapping[str, Series]) -> dict[str, Series]:
    """Divide amounts by the equity before."""
    equity = context.study.backtest.equity
    before = np.concatenate([equity[:1], equity[:-1]])
    return {name: np.asarray(series) / before for name, series in of.items()}


def cost_months(context: Context) -> Card:
    """Stack costs by month, as a fraction of equity."""
    text = context.text
    fractions = _fractions(context, context.study.backtest.costs)
    months, sums = month_sums(context.study.backtest.dates, list(fractions.values()))
    series = {text.name("cost", n): s for n, s in zip(fractions, sums, strict=True) if s.any()}
    option = figures.bars(months, series, kind="p2", stack=True)
    return context.figure("cost_months", option)


def cost_table(context: Context) -> Card:
    """List what each kind of cost took, in money, per year, and per unit traded; zero ones are left out."""
    result, text = context.study.backtest, context.text
    years = _years(context)
    traded = 2.0 * float(np.nansum(result.turnover))
    money = {name: float(np.sum(series)) for name, series in result.costs.items()}
    share = {
        name: float(series.sum()) for name, series in _fractions(context, result.costs).items()
    }
    per_traded = 1.0 / traded if traded > 0 else float("nan")
    rows = [
        (text.name("cost", n), money[n], share[n] / years, share[n] * per_traded)
        for n, series in result.costs.items()
        if np.any(series)
    ]
    whole = sum(share.values())
    total = (text("label.total"), sum(money.values()), whole / years, whole * per_traded)
    columns = [
        Column(title=text("label.cost"), kind="text"),
        Column(title=text("label.money"), kind=f"money_{text.language}"),
        Column(title=text("label.per_year"), kind="p2"),
        Column(title=text("label.per_traded"), kind="bp"),
    ]
    return context.table("cost_table", Table(columns=columns, rows=rows, totals=[total]))


def _years(context: Context) -> float:
    result = context.study.backtest
    return max(len(result.dates) / result.periods_per_year, 1e-9)


def income_table(context: Context) -> Card | None:
    """List what each kind of income brought, in money and per year; None where there is none."""
    result, text = context.study.backtest, context.text
    paid = {name: series for name, series in result.income.items() if np.any(series)}
    if not paid:
        return None
    years = _years(context)
    rows = [
        (text.name("income", name), float(np.sum(paid[name])), float(series.sum()) / years)
        for name, series in _fractions(context, paid).items()
    ]
    total = (text("label.total"), sum(r[1] for r in rows), sum(r[2] for r in rows))
    columns = [
        Column(title=text("label.income"), kind="text"),
        Column(title=text("label.money"), kind=f"money_{text.language}", signed=True),
        Column(title=text("label.per_year"), kind="p2", signed=True),
    ]
    return context.table("income_table", Table(columns=columns, rows=rows, totals=[total]))


def refusals(context: Context) -> Card:
    """Count the orders, or parts of orders, that each rule refused."""
    result, text = context.study.backtest, context.text
    found = sorted(result.refused_by_rule.items(), key=lambda item: (-item[1], item[0]))
    if not found:
        note = text("note.refusals", trades=f"{result.trades.rows:,}")
        title = text("card.refusals")
        return Card(id="refusals", title=title, note=note, paragraphs=[text("label.none_refused")])
    option = figures.lying_bars(
        [text.name("rule", rule) for rule, _ in found],
        np.array([float(count) for _, count in found]),
        label=text("label.orders"),
        kind="int",
        signed=False,
    )
    return context.figure("refusals", option, trades=f"{result.trades.rows:,}")
