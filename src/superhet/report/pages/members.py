"""Members: the signals behind the super-factor, when each was known, and how alike they are."""

from __future__ import annotations

import numpy as np

from superhet.report import figures
from superhet.report.blocks import Card, Column, Table
from superhet.report.context import Context
from superhet.report.cross_section import five_numbers, mean_by_row, spread_rows

AGE_COLUMNS = 80
FEW_MEMBERS = 12
FRESH = 0.5  # sessions; a member younger than that on average is always fresh


def cards(context: Context) -> list[Card]:
    """Show the member table, ages, coverage and correlation."""
    made = [member_table(context), ages_through_time(context), ages_at_the_end(context)]
    made += [coverage(context)]
    if len(context.study.signals) > 1:
        made.append(correlation(context))
    return made


def member_table(context: Context) -> Card:
    """List what each member is and how it did out of sample."""
    study, text = context.study, context.text
    weight = study.weights[-1] if len(study.weights) else np.full(len(study.signals), np.nan)
    rows = []
    for k, name in enumerate(study.signals):
        found = context.measures.member_strength[name]
        rows.append(
            (
                name,
                context.block(name),
                study.lookbacks.get(name),
                context.measures.mean_age[name],
                study.coverage.get(name),
                weight[k],
                found.mean,
                found.t,
                found.icir,
                context.measures.half_life[name],
                study.formulas.get(name, ""),
            )
        )
    columns = [
        Column(title=text("label.member"), kind="text"),
        Column(title=text("label.frequency"), kind="text"),
        Column(title=text("label.lookback"), kind="int"),
        Column(title=text("label.mean_age"), kind="n1"),
        Column(title=text("label.coverage"), kind="p1"),
        Column(title=text("label.weight_now"), kind="n3", signed=True),
        Column(title=text("label.rank_ic"), kind="n4", signed=True),
        Column(title=text("label.t"), kind="n2"),
        Column(title=text("label.icir"), kind="n3"),
        Column(title=text("label.half_life"), kind="n1"),
        Column(title=text("label.formula"), kind="code"),
    ]
    return context.table("members_table", Table(columns=columns, rows=rows), wide=True)


def age_rows(context: Context) -> dict[str, list[str]]:
    """Give the rows of the age figures: with many members, those that are always fresh share one."""
    ages, mean_age = context.study.ages, context.measures.mean_age
    if len(ages) <= FEW_MEMBERS:
        return {name: [name] for name in ages}
    rows: dict[str, list[str]] = {}
    for block in context.blocks:
        fresh = [n for n in ages if ages.blocks[n] == block and not mean_age[n] >= FRESH]
        if fresh:
            shown = context.text.name("block", block)
            rows[context.text("label.fresh", block=shown, count=len(fresh))] = fresh
    return rows | {name: [name] for name in ages if mean_age[name] >= FRESH}


def ages_through_time(context: Context) -> Card:
    """Draw what was known when: mean age of the members' values on sampled dates."""
    ages, shown = context.study.ages, age_rows(context)
    at = spread_rows(len(ages.dates), AGE_COLUMNS)
    grid = [mean_by_row(np.hstack([ages[n].values[at] for n in names])) for names in shown.values()]
    days = [str(d) for d in ages.dates.days[at]]
    option = figures.heat_map(days, list(shown), np.array(grid), kind="n1", diverging=False)
    height = figures.row_height(len(shown))
    return context.figure("ages_time", option, wide=True, height=height)


def ages_at_the_end(context: Context) -> Card:
    """Draw how old the members' values are across assets on the last date."""
    ages, shown = context.study.ages, age_rows(context)
    five = np.array(
        [five_numbers(np.hstack([ages[n].values[-1] for n in names])) for names in shown.values()]
    )
    option = figures.boxes(list(shown), five, label=context.text("label.age"), kind="n1")
    last = str(ages.dates.days[-1])
    height = figures.row_height(len(shown))
    return context.figure("ages_last", option, height=height, date=last)


def coverage(context: Context) -> Card:
    """Draw the share of members of the universe with a value, by frequency and for the super-factor."""
    series = {
        context.text.name("block", block): values
        for block, values in context.measures.block_coverage.items()
    }
    colours = [context.block_colour(b) for b in context.measures.block_coverage]
    series[context.text("label.super_factor")] = context.measures.super_coverage
    option = figures.lines(
        "@axis:clock", series, kind="p0", colours=[*colours, "@ink"], min=0, max=1
    )
    return context.figure(
        "coverage_time", option, height=figures.row_height(len(age_rows(context)))
    )


def correlation(context: Context) -> Card:
    """Draw how alike the members are, like beside like."""
    matrix, order = context.measures.correlation
    names = [context.study.signals.names[i] for i in order]
    option = figures.heat_map(
        names,
        names,
        matrix[np.ix_(order, order)],
        labelled=len(names) <= 14,
        limit=1.0,
        neutral=True,
    )
    option["xAxis"]["axisLabel"] = {**option["yAxis"]["axisLabel"], "rotate": 60}
    room = round(0.87 * figures.text_width(names))
    option["grid"]["bottom"] += room
    height = figures.row_height(len(names)) + room
    return context.figure("correlation", option, wide=True, height=height)
