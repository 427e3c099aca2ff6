"""Exposures and holdings: who is held, who may not be, and what risk the weights carry."""

from __future__ import annotations

from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from superhet.report import figures
from superhet.report.blocks import Card, Column, Table
from superhet.report.context import Context

Series = npt.NDArray[np.float64]
TOP = 15
FLOOR = 1e-18  # a logarithm cannot show zero


def cards(context: Context) -> list[Card]:
    """Show residual exposures, counts, gross and net, and the invalid pool."""
    return [residual(context), totals(context), counts(context), invalid_pool(context)]


def residual(context: Context) -> Card:
    """Draw the worst industry net, size exposure and net weight of each month, on a log scale."""
    found, text = context.study.diagnosis, context.text
    months, at = np.unique(found.dates.values.astype("datetime64[M]"), return_inverse=True)
    series = {}
    for name, values in (
        ("industry_net", found.max_abs_industry_net),
        ("size_exposure", found.size_exposure),
        ("net_exposure", found.net),
    ):
        worst = np.full(len(months), FLOOR)
        np.maximum.at(worst, at, np.abs(values))
        series[text(f"label.{name}")] = worst
    option = figures.lines("", series, kind="e")
    option["xAxis"] |= {"data": [str(m) for m in months]}
    option["yAxis"] |= {"type": "log", "axisLabel": {"formatter": "@fmt:e"}}
    against = text.name("against", found.relative_to)
    return context.figure("residual_exposures", option, against=against)


def counts(context: Context) -> Card:
    """Draw the number of names held long and short, and the pool they are chosen from."""
    found, text = context.study.diagnosis, context.text
    series = {
        text("label.long"): found.names_long.astype(np.float64),
        text("label.short"): -found.names_short.astype(np.float64),
        text("label.pool"): found.pool.astype(np.float64),
    }
    option = figures.lines(
        "@axis:decisions", series, kind="int", colours=["@up", "@down", "@muted"], scale=False
    )
    return context.figure("counts", option)


def totals(context: Context) -> Card:
    """Draw long, short and net weight of the books at each close, and cash, all as fractions of equity."""
    result, text = context.study.backtest, context.text
    held = np.nan_to_num(result.holdings.values)
    series = {
        text("label.long"): np.maximum(held, 0.0).sum(axis=1),
        text("label.short"): np.minimum(held, 0.0).sum(axis=1),
        text("label.net_exposure"): held.sum(axis=1),
        text("book.label_cash"): result.cash / result.equity,
    }
    colours = ["@up", "@down", "@ink", "@muted"]
    option = figures.lines("@axis:sessions", series, kind="p1", colours=colours, scale=False)
    return context.figure("totals", option)


def invalid_pool(context: Context) -> Card:
    """Draw who may not be held, by reason; an asset may have several."""
    found, text = context.study.diagnosis.invalid, context.text
    series = {
        text.name("reason", name): values.astype(np.float64)
        for name, values in found.items()
        if values.any()
    }
    if not series:
        paragraphs = [text("label.nobody_excluded")]
        return Card(id="invalid_pool", title=text("card.invalid_pool"), paragraphs=paragraphs)
    option = figures.lines("@axis:decisions", series, kind="int", scale=False)
    return context.figure("invalid_pool", option)


def holding_cards(context: Context) -> list[Card]:
    """List the largest long and short positions of the last session."""
    rows = _holdings(context)
    text = context.text
    columns = [
        Column(title=text("label.asset"), kind="text"),
        Column(title=text("label.industry"), kind="text"),
        Column(title=text("label.weight"), kind="p2", signed=True),
        Column(title=text("label.target"), kind="p2"),
        Column(title=text("label.score"), kind="n3"),
    ]
    held = context.study.backtest.holdings
    date = str(held.dates.days[-1])
    lines = [",".join(c.title for c in columns)]
    for asset, industry, *numbers in rows:
        shown = ["" if not np.isfinite(float(str(v))) else f"{float(str(v)):.8g}" for v in numbers]
        lines.append(",".join([str(asset), f'"{industry}"', *shown]))
    csv = "data:text/csv;charset=utf-8," + quote("\ufeff" + "\n".join(lines) + "\n")
    long = [r for r in rows if float(str(r[2])) > 0]
    short = [r for r in reversed(rows) if float(str(r[2])) < 0]
    made = []
    for name, side in (("holdings_long", long), ("holdings_short", short)):
        if not side:
            continue
        table = Table(
            columns=columns,
            rows=side[:TOP],
            csv=csv if name == "holdings_long" else "",
            csv_name=f"holdings-{date}.csv",
        )
        made.append(
            context.table(name, table, date=date, count=len(side), shown=min(TOP, len(side)))
        )
    return made


def _holdings(context: Context) -> list[tuple[object, ...]]:
    study = context.study
    held, target = study.backtest.holdings, study.backtest.target
    date = held.dates.days[-1]
    row = study.super_factor.dates.count_until(date) - 1
    scores = study.super_factor.values[row] if row >= 0 else np.full(len(held.assets), np.nan)
    names = _industries(context, date)
    weights = np.nan_to_num(held.values[-1])
    order = np.argsort(-weights, kind="stable")
    return [
        (held.assets.values[i], names[i], weights[i], target.values[-1, i], scores[i])
        for i in order
        if weights[i] != 0
    ]


def _industries(context: Context, date: np.datetime64) -> list[str]:
    market = context.study.market
    if "industry" not in market.group_panels:
        return [""] * len(market.assets)
    panel = market.groups("industry")
    row = panel.values[max(panel.dates.count_until(date) - 1, 0)]
    return [panel.labels[c] if 0 <= c < len(panel.labels) else "" for c in row]
