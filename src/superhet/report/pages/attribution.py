"""Attribution: parts of the return that add up, with the residual printed."""

from __future__ import annotations

import numpy as np

from superhet.panel import Attribution
from superhet.report import figures
from superhet.report.blocks import Card, Column, Table
from superhet.report.context import Context
from superhet.report.numbers import show

MOST_LINES = 8


def cards(context: Context) -> list[Card]:
    """Show each attribution as a table beside its cumulative picture."""
    made: list[Card] = []
    for k, found in enumerate(context.study.attributions):
        made += [_table(context, k, found), _paths(context, k, found)]
    return made


def _name(context: Context, found: Attribution) -> str:
    return context.text.name("attribution", found.name.partition(" (")[0])


def _method(context: Context, found: Attribution) -> str:
    """Give what the attribution says of its method, in brackets after its name."""
    return context.text.name("method", found.name.partition(" (")[2].removesuffix(")"))


def _part(context: Context, part: str) -> str:
    return context.text.name("part", part)


def _table(context: Context, number: int, found: Attribution) -> Card:
    text = context.text
    order = sorted(found.effects, key=lambda part: -found.linked.get(part, 0.0))
    total = float(np.sum(found.total))
    rows: list[tuple[object, ...]] = [
        (_part(context, p), float(np.sum(found.effects[p])), found.linked.get(p)) for p in order
    ]
    linked = sum(found.linked.values())
    residual = float(np.sum(found.residual))
    totals = [
        (text("label.residual"), (residual, "e"), (found.linked_total - linked, "e")),
        (text("label.total"), total, found.linked_total),
    ]
    columns = [
        Column(title=text("label.part"), kind="text"),
        Column(title=text("label.sum_of_days"), kind="p3", signed=True),
        Column(title=text("label.linked"), kind="p3", signed=True),
    ]
    worst = float(np.max(np.abs(found.residual), initial=0.0))
    return Card(
        id=f"attribution-{number}-table",
        title=_name(context, found),
        note=text("note.attribution_table", worst=show(worst, "e"), method=_method(context, found)),
        table=Table(columns=columns, rows=rows, totals=totals),
    )


def _paths(context: Context, number: int, found: Attribution) -> Card:
    text = context.text
    order = sorted(found.effects, key=lambda part: -abs(found.linked.get(part, 0.0)))
    shown, rest = order[:MOST_LINES], order[MOST_LINES:]
    series = {_part(context, p): np.cumsum(found.effects[p]) for p in shown}
    if rest:
        others = np.sum([found.effects[p] for p in rest], axis=0)
        series[text("label.others", count=len(rest))] = np.cumsum(others)
    series[text("label.total")] = np.cumsum(found.total)
    colours = [figures.colour(k) for k in range(len(series) - 1)] + ["@ink"]
    axis = "@axis:sessions"
    if found.dates != context.study.backtest.dates:
        axis = f"@axis:attribution-{number}"
    option = figures.lines(axis, series, kind="p1", colours=colours, scale=False)
    return Card(
        id=f"attribution-{number}-paths",
        title=text("card.attribution_paths", name=_name(context, found)),
        note=text("note.attribution_paths"),
        figure=option,
        height=380,
    )
