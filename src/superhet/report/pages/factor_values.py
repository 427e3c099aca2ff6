"""Values of a factor: coverage, shape, what cleaning changes, and what else they resemble."""

from __future__ import annotations

from typing import Any

from superhet.report import figures
from superhet.report.blocks import Card, Page, Table
from superhet.report.factor_study import numbers
from superhet.report.numbers import show
from superhet.report.pages.factor_context import AXIS, FactorContext, spread_of

SHAPES = (
    ("skew", "n2"),
    ("excess_kurtosis", "n2"),
    ("beyond_3", "p2"),
    ("beyond_5", "p3"),
    ("at_median", "p1"),
)
MOST_ALIKE = 10


def values_page(context: FactorContext) -> Page:
    """Build the page."""
    sections = [
        context.section(
            "values", [coverage(context), histogram(context), shape(context), cleaning(context)]
        ),
        context.section("beside", [library(context), incremental(context)]),
        context.section("styles", [styles(context), style_fit(context)]),
    ]
    return Page(
        id="values", title=context.word("page.values"), sections=[s for s in sections if s.cards]
    )


def coverage(context: FactorContext) -> Card | None:
    """Draw the share of the universe with a value."""
    values = context.series("coverage")
    if values is None:
        return None
    option = figures.lines(
        AXIS,
        {context.label("coverage"): values},
        kind="p0",
        colours=["@accent"],
        area=True,
        min=0,
        max=1,
    )
    return context.figure("coverage_time", option)


def histogram(context: FactorContext) -> Card | None:
    """Draw the values in robust deviations."""
    found = context.study.distribution
    if not found.get("edges"):
        return None
    option = figures.histogram(
        numbers(found["edges"]), {context.label("share_of_values"): numbers(found["histogram"])}
    )
    return context.figure("value_histogram", option)


def shape(context: FactorContext) -> Card | None:
    """List the shape of the raw values, and what they ask for."""
    found = context.study.distribution
    if not found:
        return None
    columns = context.columns("metric:text", "value:n2")
    rows: list[tuple[Any, ...]] = [(context.label(k), (found.get(k), kind)) for k, kind in SHAPES]
    rows.append((context.label("not_normal"), (found.get("not_normal"), "p0")))
    rows.append((context.label("advice"), context.name("advice", str(found.get("advice", "")))))
    return context.table("shape", Table(columns=columns, rows=rows))


def cleaning(context: FactorContext) -> Card | None:
    """List how each way of cleaning changes tails, weights and results."""
    rows = context.study.cleaning
    if not rows:
        return None
    columns = context.columns(
        "cleaning:text",
        "skew:n2",
        "excess_kurtosis:n2",
        "tail_index:n2",
        "largest_share:p1",
        "effective_names:int",
        "rank_ic:n4+",
        "ic:n4+",
        "weighted_sharpe:n2+",
        "weighted_sharpe_net:n2+",
        "annual_turnover:x",
    )
    keys = (
        "skew",
        "excess_kurtosis",
        "tail_index",
        "largest_share",
        "effective_names",
        "rank_ic",
        "ic",
        "sharpe",
        "sharpe_net",
        "annual_turnover",
    )
    cells = [(context.name("cleaning", r["name"]), *(r.get(k) for k in keys)) for r in rows]
    return context.table("cleaning", Table(columns=columns, rows=cells), wide=True)


def library(context: FactorContext) -> Card:
    """Draw the correlation with the user's own factors, the ten most alike."""
    rows = context.study.library.get("correlation")
    if not rows:
        return context.say("library", context.word("said.no_library"))
    alike = sorted(rows, key=lambda r: -abs(r["value"] or 0.0))[:MOST_ALIKE]
    option = figures.lying_bars(
        [r["name"] for r in alike],
        spread_of(alike, "value"),
        label=context.label("rank_correlation"),
        kind="n2",
    )
    return context.figure(
        "library",
        option,
        height=figures.row_height(len(alike), least=180),
        shown=len(alike),
        count=len(rows),
    )


def incremental(context: FactorContext) -> Card | None:
    """List RankIC before and after what the user's own factors explain is taken out."""
    found = context.study.library.get("incremental")
    if not found:
        return None
    columns = context.columns("kind_of_signal:text", "rank_ic:n4+", "icir:n3+", "t:n2+")
    whole = context.study.rank_ic
    rows = [
        (context.label("raw"), whole["mean"], whole["icir"], whole["t_nw"]),
        (context.label("after_library"), found["mean"], found["icir"], found["t_nw"]),
    ]
    return context.table("incremental", Table(columns=columns, rows=rows))


def styles(context: FactorContext) -> Card:
    """Draw the correlation with the risk styles; say so where no file was given."""
    found = context.study.styles
    if not found:
        return context.say("styles", context.word("said.no_styles"))
    rows = found["rows"]
    option = figures.lying_bars(
        [context.name("style", r["name"]) for r in rows],
        spread_of(rows, "exposure"),
        label=context.label("rank_correlation"),
        kind="n2",
    )
    return context.figure("styles", option, height=figures.row_height(len(rows), least=180))


def style_fit(context: FactorContext) -> Card | None:
    """List the styles with their correlations, and how much of the factor they explain."""
    found = context.study.styles
    if not found:
        return None
    columns = context.columns(
        "style:text", "exposure_correlation:n3+", "return_correlation:n3+", "vif:n2"
    )
    cells = [
        (context.name("style", r["name"]), r.get("exposure"), r.get("returns"), r.get("vif"))
        for r in found["rows"]
    ]
    return context.table(
        "style_fit",
        Table(columns=columns, rows=cells),
        r2=show(found.get("r2"), "p1"),
        vif=show(found.get("vif"), "n2"),
    )
