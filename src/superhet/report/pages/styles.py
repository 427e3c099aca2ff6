"""Styles page: how much of signals, super-factor and portfolio is a style, and the risk that it makes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.report import figures
from superhet.report.blocks import Card, Column, Page, Table, Tile
from superhet.report.context import Context
from superhet.report.numbers import show
from superhet.report.pages.overlap_cards import (
    overlap_heat,
    overlap_table,
    style_name,
    style_names,
)
from superhet.report.style_facts import StyleFacts

Series = npt.NDArray[np.float64]
LEAST_NET = 0.001  # industry nets below it are no bet: they are told in words


def styles_page(context: Context) -> Page:
    """Build the page of a study that has a risk model."""
    found = context.study.styles
    assert found is not None
    sections = [
        context.section("style_numbers", [tiles(context, found)]),
        context.section("style_overlap", overlap_cards(context, found)),
        context.section("style_portfolio", portfolio_cards(context, found)),
        context.section("style_risk", risk_cards(context, found)),
        context.section("style_model", [model_card(context, found)]),
    ]
    return Page(
        id="styles",
        title=context.text("page.styles"),
        sections=[s for s in sections if s.cards],
    )


def tiles(context: Context, found: StyleFacts) -> Card:
    """Give the worst exposure, what styles explain, the forecast of risk, and whether it was borne out."""
    text = context.text
    own = found.of_kind("super_factor") or {}
    worst, style, date = _worst(context, found)
    mean = {
        "factor": _mean(found.factor_volatility),
        "specific": _mean(found.specific_volatility),
        "realised": _mean(found.realised),
    }
    low, high = found.bias_band
    made = [
        ("style_exposure", show(worst, "n2"), {"style": style, "date": date}),
        (
            "style_r2",
            show(own.get("r2"), "p1"),
            {"returns": show(own.get("return_r2"), "p1"), "dates": own.get("dates", 0)},
        ),
        (
            "ex_ante_volatility",
            show(_mean(found.volatility), "p1"),
            {name: show(value, "p1") for name, value in mean.items()},
        ),
        (
            "risk_bias",
            show(found.bias, "n2"),
            {"low": show(low, "n2"), "high": show(high, "n2"), "tests": found.tests},
        ),
    ]
    return Card(
        id="style-tiles",
        title="",
        tiles=[
            Tile(title=text(f"metric.{n}"), value=v, meaning=text(f"meaning.{n}", **more))
            for n, v, more in made
        ],
        wide=True,
    )


def _worst(context: Context, found: StyleFacts) -> tuple[float, str, str]:
    """Find the largest absolute exposure of the target weights, its style and its date."""
    size = np.abs(found.exposure)
    if np.isnan(size).all():
        return math.nan, "–", "–"
    row, column = divmod(int(np.nanargmax(size)), size.shape[1])
    date = str(context.study.diagnosis.dates.days[row])
    style = style_name(found.labels, context.text, found.styles[column])
    return float(found.exposure[row, column]), style, date


def _mean(values: Series) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


def overlap_cards(context: Context, found: StyleFacts) -> list[Card]:
    """Draw the correlations of exposures and of returns, and list R², inflation and exposures."""
    if not found.overlaps:
        return []
    named = [_shown(context, one) for one in found.overlaps]
    made = []
    option, height = overlap_heat(named, found.labels, context.text, "correlation")
    made.append(context.figure("style_correlation", option, wide=True, height=height))
    option, height = overlap_heat(named, found.labels, context.text, "return_correlation")
    made.append(context.figure("style_returns", option, wide=True, height=height))
    table = overlap_table(named, found.labels, context.text)
    made.append(context.table("style_overlap", table, wide=True))
    return made


def _shown(context: Context, one: Mapping[str, Any]) -> Mapping[str, Any]:
    """Name the super-factor and the portfolio in the language of the page; signals have their own names."""
    words = {
        "super_factor": context.text("label.super_factor"),
        "portfolio": context.text("label.target_weights"),
    }
    plain = {
        key: {n: _number(v) for n, v in value.items()} if isinstance(value, Mapping) else value
        for key, value in one.items()
    }
    return {**plain, "name": words.get(str(one["kind"]), str(one["name"]))}


def _number(value: Any) -> float | None:
    """Give None for what is not known: JSON has no NaN."""
    return None if value is None or math.isnan(value) else float(value)


def portfolio_cards(context: Context, found: StyleFacts) -> list[Card]:
    """Draw the exposures of the target weights through time, by style and by industry."""
    text = context.text
    series = {
        style_name(found.labels, text, n): found.exposure[:, k]
        for k, n in enumerate(found.styles)
        if not np.isnan(found.exposure[:, k]).all()
    }
    option = figures.lines("@axis:decisions", series, kind="n2")
    made = [
        context.figure("style_paths", option, wide=True, height=380),
        context.table("style_table", _style_table(context, found), wide=True),
    ]
    if len(found.industries):
        made.append(_industries(context, found))
    return made


def _style_table(context: Context, found: StyleFacts) -> Table:
    text = context.text
    columns = [
        Column(title=text("risk.column_style"), kind="text"),
        Column(title=text("label.mean"), kind="n3", signed=True),
        Column(title=text("label.mean_absolute"), kind="n3"),
        Column(title=text("label.worst"), kind="n3", signed=True),
        Column(title=text("label.worst_date"), kind="text"),
        Column(title=text("label.variance_share"), kind="p1"),
    ]
    rows: list[tuple[object, ...]] = []
    days = context.study.diagnosis.dates.days
    for k, name in enumerate(found.styles):
        values = found.exposure[:, k]
        shown = style_name(found.labels, text, name)
        share = found.variance_share.get(name)
        if np.isnan(values).all():
            rows.append((shown, None, None, None, "–", share))
            continue
        row = int(np.nanargmax(np.abs(values)))
        size = _mean(np.abs(values))
        rows.append((shown, _mean(values), size, float(values[row]), str(days[row]), share))
    others = {
        "industry": text("label.variance_industry"),
        "country": text("label.variance_country"),
        "specific": text("label.variance_specific"),
    }
    for name, shown in others.items():
        if name in found.variance_share:
            rows.append((shown, None, None, None, "", found.variance_share[name]))
    return Table(columns=columns, rows=rows)


def _industries(context: Context, found: StyleFacts) -> Card:
    """Draw the mean net weight of each industry by month, less its share of the market."""
    text, worst = context.text, float(np.nanmax(np.abs(found.industry_net), initial=0.0))
    if worst < LEAST_NET:
        return Card(
            id="style_industries",
            title=text("card.style_industries"),
            paragraphs=[text("label.no_industry_bet", worst=show(worst, "e"))],
            wide=True,
        )
    days = context.study.diagnosis.dates.values
    months, at = np.unique(days.astype("datetime64[M]"), return_inverse=True)
    known = ~np.isnan(found.industry_net)
    total, count = (np.zeros((len(months), len(found.industries))) for _ in range(2))
    np.add.at(total, at, np.where(known, found.industry_net, 0.0))
    np.add.at(count, at, known)
    net = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    option = figures.heat_map(
        [str(m) for m in months],
        list(found.industries),
        net.T,
        kind="p2",
        neutral=True,
        limit=float(np.nanmax(np.abs(net), initial=0.0)),
    )
    height = figures.row_height(len(found.industries))
    return context.figure("style_industries", option, wide=True, height=height)


def risk_cards(context: Context, found: StyleFacts) -> list[Card]:
    """Draw the forecast of risk, its parts, and what was realised."""
    text = context.text
    if np.isnan(found.volatility).all():
        return []
    parts = {
        text("label.forecast_total"): found.volatility,
        text("label.forecast_factor"): found.factor_volatility,
        text("label.forecast_specific"): found.specific_volatility,
    }
    split = figures.lines(
        "@axis:sessions", parts, kind="p1", colours=["@ink", "@c0", "@c1"], min=0, scale=False
    )
    both = {
        text("label.forecast_total"): found.volatility,
        text("label.realised_month"): found.realised,
    }
    tried = figures.lines(
        "@axis:sessions", both, kind="p1", colours=["@ink", "@accent"], min=0, scale=False
    )
    covered = show(_mean(found.covered), "p1")
    return [
        context.figure("risk_split", split, covered=covered),
        context.figure("risk_tried", tried),
    ]


def model_card(context: Context, found: StyleFacts) -> Card:
    """Say what the model is, what its data lack, and who could not be compared."""
    text = context.text
    horizon = str(found.model.get("horizon", ""))
    pairs = {
        text("risk.told_table"): str(found.model.get("table", "")),
        text("risk.told_horizon"): text.name("risk", f"horizon_{horizon}"),
    }
    notes = [*found.notes, *(f"{name}: {why}" for name, why in found.left_out.items())]
    if notes:
        pairs[text("risk.told_notes")] = " ".join(
            text.noted(notes, style_names(found.labels, text))
        )
    return Card(id="style-model", title="", pairs=pairs, wide=True)
