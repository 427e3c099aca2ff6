"""Money view of a factor: what its quantiles and its long-short book earned, before and after costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from superhet.report import figures
from superhet.report.blocks import Card, Page, Table
from superhet.report.cross_section import rolling_mean
from superhet.report.factor_study import Series, numbers
from superhet.report.numbers import show
from superhet.report.pages.factor_context import AXIS, WINDOW, FactorContext, spread_of

PERFORMANCE: Mapping[str, str] = {
    "annual_return": "p1",
    "annual_volatility": "p1",
    "sharpe": "n2",
    "sortino": "n2",
    "max_drawdown": "p1",
    "calmar": "n2",
    "win_rate": "p1",
    "total_return": "p1",
}


def money_page(context: FactorContext) -> Page:
    """Build the page."""
    sections = [
        context.section(
            "quantiles",
            [
                quantile_bars(context),
                *quantile_navs(context),
                spread(context),
                quantile_table(context),
            ],
        ),
        context.section(
            "long_short",
            [
                long_short(context),
                drawdown(context),
                performance(context),
                legs(context),
                legs_table(context),
                weighted(context),
            ],
        ),
        context.section(
            "trading", [turnover(context), holding(context), costs(context), capacity(context)]
        ),
        context.section("concentration", [concentration(context)]),
    ]
    return Page(
        id="money", title=context.word("page.money"), sections=[s for s in sections if s.cards]
    )


def quantile_names(context: FactorContext) -> list[str]:
    """Name the quantiles."""
    count = len(context.study.quantiles["returns"])
    return [context.label("quantile_number", number=q) for q in range(1, count + 1)]


def quantile_bars(context: FactorContext) -> Card:
    """Draw the mean return of each quantile over the mean of all."""
    found = context.study.quantiles
    values = numbers([*found["relative"], found["spread"]])
    names = [*quantile_names(context), context.label("top_minus_bottom")]
    option = figures.bars(names, {context.label("mean_excess"): values}, kind="bp", signed=True)
    return context.figure(
        "quantile_means",
        option,
        horizon=context.horizon,
        monotonicity=show(found["monotonicity"], "n2"),
        t=show(found["spread_t"], "n2"),
    )


def quantile_table(context: FactorContext) -> Card:
    """List what each quantile earned."""
    found = context.study.quantiles
    columns = context.columns(
        "quantile:text",
        "mean_return_bp:bp+",
        "over_all_bp:bp+",
        "turnover_of_names:p1",
        "annual_return_gross:p1+",
        "annual_return_net:p1+",
        "sharpe_net:n2+",
    )
    books = context.study.books
    rows = [
        (
            name,
            found["returns"][q],
            found["relative"][q],
            found["turnover"][q],
            books[q].get("gross"),
            books[q].get("net"),
            books[q].get("net_sharpe"),
        )
        for q, name in enumerate(quantile_names(context))
    ]
    return context.table("quantile_table", Table(columns=columns, rows=rows), wide=True)


def quantile_navs(context: FactorContext) -> list[Card]:
    """Draw the value of each quantile, before and after costs."""
    made = []
    for kind in ("gross", "net"):
        values = context.study.series.get(f"quantile_nav_{kind}")
        if not values:
            continue
        names = quantile_names(context)
        ramp = [f"@q{round(9 * q / max(len(names) - 1, 1))}" for q in range(len(names))]
        drawn = {name: numbers(v) for name, v in zip(names, values, strict=True)}
        option = figures.lines(AXIS, drawn, colours=ramp, kind="n2")
        made.append(context.figure(f"quantile_nav_{kind}", option))
    return made


def spread(context: FactorContext) -> Card | None:
    """Draw top minus bottom, its rolling mean inside a band of one standard error."""
    values = context.series("spread")
    if values is None:
        return None
    mean, error = rolling_mean(values, WINDOW), rolling_error(values, WINDOW)
    option = figures.band(
        AXIS,
        (context.label("rolling_mean", window=WINDOW), mean),
        mean - error,
        mean + error,
        name=context.label("one_error"),
        kind="bp",
    )
    return context.figure("spread", option, wide=True, window=WINDOW, horizon=context.horizon)


def rolling_error(values: Series, window: int) -> Series:
    """Give the standard error of the mean of the last `window` known values; NaN until half are known."""
    square = rolling_mean(values**2, window) - rolling_mean(values, window) ** 2
    return np.sqrt(np.maximum(square, 0.0) / window)


def long_short(context: FactorContext) -> Card | None:
    """Draw the value of top minus bottom, before and after costs."""
    drawn = {
        context.label(kind): values
        for kind in ("gross", "net")
        if (values := context.series(f"long_short_nav_{kind}")) is not None
    }
    if not drawn:
        return None
    option = figures.lines(AXIS, drawn, colours=["@c0", "@c1"], kind="n2")
    return context.figure("long_short_nav", option, wide=True, height=320)


def drawdown(context: FactorContext) -> Card | None:
    """Draw the drawdown of top minus bottom."""
    drawn = {
        context.label(kind): values
        for kind in ("gross", "net")
        if (values := context.series(f"long_short_drawdown_{kind}")) is not None
    }
    if not drawn:
        return None
    option = figures.lines(AXIS, drawn, colours=["@c0", "@c1"], kind="p0", area=True, scale=False)
    return context.figure("long_short_drawdown", option, height=260)


def performance(context: FactorContext) -> Card | None:
    """List the performance of top minus bottom; the last column is turned by the factor's direction."""
    found = context.study.long_short
    if not found.get("gross"):
        return None
    columns = context.columns("metric:text", "gross:n2+", "net:n2+", "directed_net:n2+")
    directed = found.get("directed", {}).get("net_summary", {})
    rows = [
        (
            context.text(f"metric.{key}"),
            (found["gross"].get(key), kind),
            (found["net"].get(key), kind),
            (directed.get(key), kind),
        )
        for key, kind in PERFORMANCE.items()
    ]
    note = context.word(f"direction.{context.study.direction}")
    return context.table(
        "performance",
        Table(columns=columns, rows=rows),
        days=context.study.facts["periods_per_year"],
        direction=note,
    )


def legs(context: FactorContext) -> Card | None:
    """Draw the top and the bottom quantile over the mean of the universe."""
    drawn = {
        context.label(f"{leg}_leg"): values
        for leg in ("long", "short")
        if (values := context.series(f"{leg}_leg_nav")) is not None
    }
    if not drawn:
        return None
    option = figures.lines(AXIS, drawn, colours=["@up", "@down"], kind="n2")
    return context.figure("legs", option)


def legs_table(context: FactorContext) -> Card | None:
    """List what each leg gave."""
    found = context.study.legs
    if not found:
        return None
    columns = context.columns(
        "leg:text", "annual_return:p1+", "annual_volatility:p1", "sharpe:n2+", "share_of_spread:p0"
    )
    rows = [
        (
            context.label(f"{leg}_leg"),
            found[leg].get("annual_return"),
            found[leg].get("annual_volatility"),
            found[leg].get("sharpe"),
            found[leg].get("share"),
        )
        for leg in ("long", "short")
        if leg in found
    ]
    return context.table("legs_table", Table(columns=columns, rows=rows))


def weighted(context: FactorContext) -> Card | None:
    """List the portfolio weighted by the factor, and what of it is the market."""
    found = context.study.weighted
    if not found:
        return None
    columns = context.columns("metric:text", "value:n2")
    rows = [
        (context.label(key), (found.get(key), kind))
        for key, kind in (
            ("annual_alpha", "p1"),
            ("beta", "n3"),
            ("annual_return_gross", "p1"),
            ("annual_return_net", "p1"),
            ("sharpe_gross", "n2"),
            ("sharpe_net", "n2"),
        )
        if found.get(key) is not None
    ]
    return context.table("weighted", Table(columns=columns, rows=rows))


def turnover(context: FactorContext) -> Card | None:
    """Draw the turnover of the top and bottom quantile."""
    drawn = {
        context.label(key): values
        for key in ("turnover_top", "turnover_bottom")
        if (values := context.series(key)) is not None
    }
    if not drawn:
        return None
    smooth = {k: rolling_mean(v, WINDOW) for k, v in drawn.items()}
    option = figures.lines(AXIS, smooth, colours=["@up", "@down"], kind="p0", min=0)
    return context.figure("quantile_turnover", option, window=WINDOW)


def holding(context: FactorContext) -> Card | None:
    """List the same book held for longer and shorter."""
    rows = context.study.holding
    if not rows:
        return None
    columns = context.columns(
        "holding:int",
        "annual_return_gross:p1+",
        "annual_return_net:p1+",
        "sharpe_gross:n2+",
        "sharpe_net:n2+",
        "turnover_a_session:p1",
        "break_even_bp:bp",
    )
    keys = ("holding", "gross", "net", "gross_sharpe", "net_sharpe", "turnover", "break_even")
    cells = [tuple(r.get(k) for k in keys) for r in rows]
    return context.table("holding", Table(columns=columns, rows=cells), wide=True)


def costs(context: FactorContext) -> Card | None:
    """List turnover and the cost at which nothing is left."""
    found = context.study.long_short
    if not found.get("gross"):
        return None
    columns = context.columns("metric:text", "value:n2")
    wanted = (
        ("turnover_a_session", found.get("turnover"), "p1"),
        ("annual_turnover", found.get("annual_turnover"), "x"),
        ("cost_charged_bp", context.study.facts["cost"], "bp"),
        ("break_even_bp", found.get("break_even"), "bp"),
        ("break_even_directed", found.get("directed", {}).get("break_even"), "bp"),
    )
    rows = [(context.label(name), (value, kind)) for name, value, kind in wanted]
    return context.table("costs", Table(columns=columns, rows=rows))


def capacity(context: FactorContext) -> Card | None:
    """Draw what is left of the return at more and more money."""
    found = context.study.capacity
    rows = found.get("rows")
    if not rows:
        return None
    money = "money_zh" if context.text.language == "zh" else "money_en"
    names = [show(r["capital"], money) for r in rows]
    drawn = {context.label("annual_return_net"): spread_of(rows, "net")}
    option = figures.bars(names, drawn, kind="p1", signed=True)
    return context.figure(
        "capacity",
        option,
        eaten=show(found["eaten_net"], money),
        best=show(found["best"], money),
        participating=show(found["participating"], money),
        share=show(found["participation"], "p0"),
    )


def concentration(context: FactorContext) -> Card | None:
    """List the names that gave and took most."""
    found = context.study.concentration
    if not found.get("rows"):
        return None
    columns = context.columns("asset:text", "contribution:p2+", "share_of_sum:p1+")
    cells = [(r["asset"], r["contribution"], r.get("share")) for r in found["rows"]]
    return context.table(
        "concentration", Table(columns=columns, rows=cells), share=_share(found.get("share"))
    )


def _share(value: Any) -> str:
    return show(value, "p1")
