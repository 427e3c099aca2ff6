"""Forecast of a factor: does it rank what comes after it, when, for how long, and among whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from superhet.evaluation.date_groups import MONTHS
from superhet.panel import Dates
from superhet.report import figures
from superhet.report.blocks import Card, Option, Page, Table
from superhet.report.cross_section import by_month, rolling_mean
from superhet.report.factor_study import numbers
from superhet.report.pages.factor_context import AXIS, FactorContext, spread_of

ROLLING = 60
ENDS = 20  # industries at either end that are drawn where there are more than twice as many
_MONTHS = {name: str(m) for m, name in enumerate(MONTHS, start=1)}


def forecast_page(context: FactorContext) -> Page:
    """Build the page."""
    sections = [
        context.section(
            "through_time",
            [cumulative(context), daily(context), monthly(context), by_year(context)],
        ),
        context.section("how_long", [decay(context), horizons(context), autocorrelation(context)]),
        context.section("shape_of_ic", [histogram(context), normal(context)]),
        context.section("among_whom", among_whom(context)),
    ]
    return Page(
        id="forecast",
        title=context.word("page.forecast"),
        sections=[s for s in sections if s.cards],
    )


def cumulative(context: FactorContext) -> Card:
    """Draw the running sum of RankIC, raw and neutral."""
    study = context.study
    drawn = {context.label("raw"): np.cumsum(np.nan_to_num(study.array("rank_ic")))}
    if study.neutral.get("rank_ic"):
        drawn[context.label("neutral")] = np.cumsum(np.nan_to_num(study.array("neutral_rank_ic")))
    option = figures.lines(AXIS, drawn, kind="n1", colours=["@c0", "@c1"], scale=False)
    return context.figure("cumulative_ic", option, wide=True, height=320)


def daily(context: FactorContext) -> Card:
    """Draw the RankIC of each date under its rolling mean."""
    values = context.study.array("rank_ic")
    option = figures.bars_with_line(
        AXIS,
        (context.label("rank_ic"), values),
        (context.label("rolling_mean", window=ROLLING), rolling_mean(values, ROLLING)),
        kind="n3",
    )
    return context.figure("daily_ic", option, wide=True, window=ROLLING)


def monthly(context: FactorContext) -> Card:
    """Draw the mean RankIC of each month."""
    dates = Dates(np.array(context.dates, dtype="datetime64[D]"))
    found = by_month(dates, context.study.array("rank_ic"))
    months = [context.text(f"month.{m}") for m in range(1, 13)]
    option = figures.heat_map(
        months, [str(y) for y in found.years], found.values, kind="n3", labelled=True
    )
    height = max(220, 30 * len(found.years) + 110)
    return context.figure("monthly_ic", option, height=height)


def by_year(context: FactorContext) -> Card:
    """List RankIC year by year."""
    years = context.study.rank_ic["by_year"]
    columns = context.columns(
        "year:text", "rank_ic:n4+", "icir:n3+", "t:n2+", "ic_win_rate:p1", "dates:int"
    )
    rows = [
        (year, f["mean"], f["icir"], f["t_nw"], f["win_rate"], f["count"])
        for year, f in years.items()
    ]
    return context.table("by_year", Table(columns=columns, rows=rows))


def decay(context: FactorContext) -> Card:
    """Draw RankIC against returns that begin later and later."""
    study = context.study
    option = figures.bars(
        [str(lag) for lag in study.decay_table["lags"]],
        {context.label("rank_ic"): numbers(study.decay)},
        kind="n4",
        signed=True,
    )
    low, high = numbers(study.decay_table["low"]), numbers(study.decay_table["high"])
    figures.add_intervals(option, low, high, name=context.label("interval"))
    key = "half_life" if study.half_life is not None else "no_half_life"
    said = context.word(f"said.{key}", sessions=f"{study.half_life or 0:.1f}")
    return context.figure("ic_decay", option, wide=True, half_life=said)


def horizons(context: FactorContext) -> Card:
    """List RankIC, IC and their errors by horizon, the neutral residual beside."""
    columns = context.columns(
        "horizon:int",
        "kind_of_signal:text",
        "rank_ic:n4+",
        "icir:n3+",
        "t:n2+",
        "ic:n4+",
        "coverage:p1",
    )
    rows = [
        (
            int(horizon),
            context.label(kind),
            found["rank_ic"]["mean"],
            found["rank_ic"]["icir"],
            found["rank_ic"]["t_nw"],
            found["ic"]["mean"],
            found["coverage"],
        )
        for horizon, both in sorted(context.study.horizons.items(), key=lambda item: int(item[0]))
        for kind in ("raw", "neutral")
        if (found := both.get(kind))
    ]
    return context.table("by_horizon", Table(columns=columns, rows=rows))


def autocorrelation(context: FactorContext) -> Card | None:
    """Draw how much of the ranking stays from one session to the next."""
    values = context.series("autocorrelation")
    if values is None:
        return None
    option = figures.lines(
        AXIS, {context.label("rank_autocorrelation"): values}, kind="n2", colours=["@accent"]
    )
    means = {int(lag): v for lag, v in context.study.autocorrelation.items() if v is not None}
    said = ", ".join(f"{lag}: {means[lag]:.3f}" for lag in sorted(means))
    return context.figure("autocorrelation", option, means=said)


def histogram(context: FactorContext) -> Card | None:
    """Draw how often which RankIC came."""
    found = context.study.series["ic_histogram"]
    if not found["shares"]:
        return None
    option = figures.histogram(
        numbers(found["edges"]), {context.label("share_of_dates"): numbers(found["shares"])}
    )
    facts = context.study.rank_ic
    return context.figure(
        "ic_histogram",
        option,
        skew=_or_dash(facts["skew"]),
        kurtosis=_or_dash(facts["kurtosis"]),
    )


def normal(context: FactorContext) -> Card | None:
    """Draw the quantiles of RankIC against those of the normal law."""
    found = context.study.series["ic_qq"]
    if not found["found"]:
        return None
    option = figures.against_normal(
        numbers(found["normal"]),
        numbers(found["found"]),
        names=(context.label("rank_ic"), context.label("normal_law")),
    )
    return context.figure("ic_qq", option)


def among_whom(context: FactorContext) -> list[Card | None]:
    """Draw RankIC by size, board, regime, calendar month and industry, and list the sub-universes."""
    made: list[Card | None] = []
    for kind in ("size", "board", "regime", "month", "industry"):
        rows = context.study.splits.get(kind)
        if rows:
            made.append(_split(context, kind, rows))
    made.append(sub_universes(context))
    return made


def _split(context: FactorContext, kind: str, found: Sequence[Mapping[str, Any]]) -> Card:
    rows = list(found)
    if kind == "industry":
        rows.sort(key=lambda r: -(r["mean"] or 0.0))
        rows = rows if len(rows) <= 2 * ENDS else rows[:ENDS] + rows[-ENDS:]
    group = {"month": "month", "regime": "regime", "board": "board"}.get(kind, "group")
    names = [context.name(group, _MONTHS.get(r["name"], r["name"])) for r in rows]
    option: Option = figures.interval_bars(
        names,
        spread_of(rows, "mean"),
        spread_of(rows, "low"),
        spread_of(rows, "high"),
        label=context.label("rank_ic"),
        interval=context.label("interval"),
        kind="n3",
    )
    many = len(rows) > figures.MANY
    height = figures.row_height(len(rows), least=180)
    counts = {"shown": len(rows), "all": len(found)}
    return context.figure(f"{kind}_ic", option, wide=many, height=height, **counts)


def sub_universes(context: FactorContext) -> Card | None:
    """List how the factor does within parts of the universe."""
    rows = context.study.sub_universes
    if not rows:
        return None
    columns = context.columns(
        "part:text",
        "names_a_date:int",
        "rank_ic:n4+",
        "icir:n3+",
        "t:n2+",
        "sharpe:n2+",
        "sharpe_needed:n2",
    )
    cells = [
        (
            context.name("group", r["name"]),
            r.get("names"),
            r.get("mean"),
            r.get("icir"),
            r.get("t_nw"),
            r.get("sharpe"),
            r.get("needed"),
        )
        for r in rows
    ]
    return context.table("sub_universes", Table(columns=columns, rows=cells))


def _or_dash(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
