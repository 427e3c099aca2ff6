"""Costs: turnover, where the money went, and orders that the rules refused."""

from __future__ import annotations

import numpy as np

from superhet.report import figures
from superhet.report.blocks import Card, Column, Table
from superhet.report.context import Context
from superhet.report.cross_section import month_sums


def cards(context: Context) -> list[Card]:
    """Show turnover, costs by month and by kind, and refusals."""
    return [turnover(context), cost_months(context), cost_table(context), refusals(context)]


def turnover(context: Context) -> Card:
    """Draw one-way turnover by month."""
    result = context.study.backtest
    months, (sums,) = month_sums(result.dates, [result.turnover])
    option = figures.bars(
        months, {context.text("label.turnover"): sums}, kind="p0", colours=["@accent"]
    )
    return context.figure("turnover", option, annual=f"{result.annual_turnover:.1f}")


def _fractions(context: Context) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    result = context.study.backtest
    before = np.concatenate([result.equity[:1], result.equity[:-1]])
    return {name: np.asarray(series) / before for name, series in result.costs.items()}


def cost_months(context: Context) -> Card:
    """Stack costs by month, as a fraction of equity."""
    fractions, text = _fractions(context), context.text
    months, sums = month_sums(context.study.backtest.dates, list(fractions.values()))
    series = {text.name("cost", n): s for n, s in zip(fractions, sums, strict=True) if s.any()}
    option = figures.bars(months, series, kind="p2", stack=True)
    return context.figure("cost_months", option)


def cost_table(context: Context) -> Card:
    """List what each kind of cost took, in money, per year, and per unit traded."""
    result, text = context.study.backtest, context.text
    years = max(len(result.dates) / result.periods_per_year, 1e-9)
    traded = 2.0 * float(np.nansum(result.turnover))
    money = {name: float(np.sum(series)) for name, series in result.costs.items()}
    share = {name: float(series.sum()) for name, series in _fractions(context).items()}
    per_traded = 1.0 / traded if traded > 0 else float("nan")
    rows = [
        (text.name("cost", n), money[n], share[n] / years, share[n] * per_traded) for n in money
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
