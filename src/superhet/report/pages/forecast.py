"""Forecast: does the super-factor rank what comes after it, for how long, and for whom."""

from __future__ import annotations

import numpy as np

from superhet.evaluation import GroupInformation
from superhet.report import figures
from superhet.report.blocks import Card
from superhet.report.context import Context
from superhet.report.cross_section import by_month, rolling_mean

WINDOW = 60


def cards(context: Context) -> list[Card]:
    """Show RankIC through time, by month and by delay, and how much the signal turns over."""
    return [
        cumulative(context),
        daily(context),
        monthly(context),
        decay(context),
        autocorrelation(context),
    ]


def cumulative(context: Context) -> Card:
    """Draw the running sum of RankIC, whole and by single frequency."""
    measures, text = context.measures, context.text
    series = {text("label.super_factor"): np.cumsum(np.nan_to_num(measures.information.rank_ic))}
    colours = ["@ink"]
    for block, found in measures.subsets.items():
        series[text.name("block", block)] = np.cumsum(np.nan_to_num(found.rank_ic))
        colours.append(context.block_colour(block))
    option = figures.lines("@axis:oos", series, kind="n1", colours=colours, scale=False)
    return context.figure("cumulative_ic", option, wide=True, height=340)


def daily(context: Context) -> Card:
    """Draw the RankIC of each date under its rolling mean."""
    found = context.measures.information.rank_ic
    option = figures.bars_with_line(
        "@axis:oos",
        (context.text("label.rank_ic"), found),
        (context.text("label.rolling_mean", window=WINDOW), rolling_mean(found, WINDOW)),
        kind="n3",
    )
    return context.figure("daily_ic", option, wide=True, window=WINDOW)


def monthly(context: Context) -> Card:
    """Draw the mean RankIC of each month."""
    found = by_month(context.measures.dates, context.measures.information.rank_ic)
    months = [context.text(f"month.{m}") for m in range(1, 13)]
    option = figures.heat_map(
        months, [str(y) for y in found.years], found.values, kind="n3", labelled=True
    )
    return context.figure("monthly_ic", option, height=max(300, 30 * len(found.years) + 110))


def decay(context: Context) -> Card:
    """Draw RankIC against returns that begin later and later."""
    found, text = context.measures.decay, context.text
    option = figures.bars(
        [str(lag) for lag in found.lags],
        {text("label.rank_ic"): found.rank_ic},
        kind="n4",
        signed=True,
    )
    low = np.array([s.low for s in found.summaries])
    high = np.array([s.high for s in found.summaries])
    figures.add_intervals(option, low, high, name=text("label.interval"))
    return context.figure("ic_decay", option)


def autocorrelation(context: Context) -> Card:
    """Draw how much of the ranking stays from one decision to the next."""
    found = context.measures.autocorrelation
    option = figures.lines(
        "@axis:oos",
        {context.text("label.rank_autocorrelation"): found},
        kind="n2",
        colours=["@accent"],
    )
    return context.figure("autocorrelation", option)


def quantile_cards(context: Context) -> list[Card]:
    """Show what the lowest, the highest and those between earned."""
    measures, text = context.measures, context.text
    found = measures.quantiles
    count = found.returns.shape[1]
    names = [text("label.quantile_number", number=q) for q in range(1, count + 1)]
    means = figures.bars(
        [*names, text("label.spread")],
        {text("label.mean_excess"): np.append(found.relative_mean, found.spread_summary.mean)},
        kind="bp",
        signed=True,
    )
    nav = figures.lines(
        "@axis:oos",
        {name: measures.quantile_nav[:, q] for q, name in enumerate(names)},
        colours=[f"@q{q}" for q in range(count)],
        kind="n2",
    )
    spread = found.spread_summary
    return [
        context.figure(
            "quantile_means",
            means,
            horizon=context.study.horizon,
            monotonicity=f"{found.monotonicity:.2f}",
            t=f"{spread.t:.2f}",
        ),
        context.figure("quantile_nav", nav),
    ]


def group_cards(context: Context) -> list[Card]:
    """Show RankIC within industries and within fifths by size."""
    made = []
    for name, found in (
        ("size_ic", context.measures.by_size),
        ("industry_ic", context.measures.by_industry),
    ):
        if found is not None:
            made.append(_group_card(context, name, found))
    return made


def _group_card(context: Context, name: str, found: GroupInformation) -> Card:
    shown = [k for k, s in enumerate(found.summaries) if s.count > 0]
    if name == "industry_ic":
        shown.sort(key=lambda k: -found.summaries[k].mean)
    labels = [context.text.name("group", found.labels[k]) for k in shown]
    option = figures.interval_bars(
        labels,
        np.array([found.summaries[k].mean for k in shown]),
        np.array([found.summaries[k].low for k in shown]),
        np.array([found.summaries[k].high for k in shown]),
        label=context.text("label.rank_ic"),
        interval=context.text("label.interval"),
        kind="n3",
    )
    many = len(shown) > figures.MANY
    return context.figure(name, option, wide=many, height=figures.row_height(len(shown)))
