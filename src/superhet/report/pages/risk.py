"""The page of a risk model: what it says, how well it fits, and whether its forecasts were borne out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from superhet.report import figures
from superhet.report.blocks import Card, Check, Column, Option, Page, Section, Table, Tile
from superhet.report.catalogue import Text
from superhet.report.context import whole_rows
from superhet.report.numbers import show
from superhet.report.pages.overlap_cards import style_names
from superhet.report.pages.risk_forecasts import forecast_cards
from superhet.report.risk_html import RiskStudy

_MOST_VIF, _LEAST_STABLE, _LEAST_T, _EXACT, _IN_BAND = 5.0, 0.8, 0.3, 1e-10, 0.9
_BINS = 40


def risk_page(study: RiskStudy, text: Text) -> Page:
    """Build the page."""
    parts: dict[str, Sequence[Card | None]] = {
        "summary": [_tiles(study, text), _checks(study, text), _notes(study, text)],
        "factors": [
            _cumulated(study, text),
            _styles(study, text),
            _correlations(study, text),
            _inflation(study, text),
        ],
        "fit": [_fit(study, text), _names(study, text), _coverage(study, text)],
        "forecasts": forecast_cards(study, text),
        "specific": [_specific(study, text), _latest(study, text)],
    }
    sections = [
        Section(
            id=f"risk-{name}",
            title=text(f"risk.section_{name}"),
            cards=whole_rows([c for c in cards if c is not None]),
        )
        for name, cards in parts.items()
    ]
    return Page(id="risk", title=text("risk.page"), sections=sections)


def named(study: Any, text: Text, factor: str) -> str:
    """Give the name of a factor in the language of the page."""
    return str(study.labels.get(factor, {}).get(text.language, factor))


def figure(text: Text, name: str, option: Option, *, wide: bool = False, height: int = 300) -> Card:
    """Make a card that shows a figure."""
    return Card(
        id=f"risk-{name}",
        title=text(f"risk.card_{name}"),
        note=text(f"risk.note_{name}"),
        figure=option,
        wide=wide,
        height=height,
    )


def _mean(values: Mapping[str, Any], names: Sequence[str]) -> float:
    known = [values[n] for n in names if values.get(n) is not None]
    return float(np.mean(known)) if known else float("nan")


def _tiles(study: RiskStudy, text: Text) -> Card:
    facts = study.facts
    optimised = facts["bias"].get("optimised", {})
    unadjusted = facts["bias_without_eigenfactor_adjustment"].get("optimised", {})
    numbers = [
        ("r2", show(facts["mean_r2"], "p1"), {"centred": show(facts["mean_r2_centred"], "p1")}),
        ("t", show(_mean(facts["share_t_above_2"], study.styles), "p0"), {}),
        ("stability", show(_mean(facts["stability"], study.styles), "n2"), {}),
        ("vif", show(_mean(facts["vif"], study.styles), "n2"), {}),
        (
            "optimised",
            show(optimised.get("bias"), "n2"),
            {"without": show(unadjusted.get("bias"), "n2")},
        ),
        ("random", show(facts["bias"].get("random", {}).get("bias"), "n2"), {}),
        ("exact", show(facts["max_identity_error"], "e"), {}),
        ("names", show(facts["mean_names"], "int"), {"dates": f"{facts['dates']:,}"}),
    ]
    tiles = [
        Tile(
            title=text(f"risk.tile_{name}"),
            value=value,
            meaning=text(f"risk.meaning_{name}", **more),
        )
        for name, value, more in numbers
    ]
    return Card(id="risk-tiles", title="", tiles=tiles, wide=True)


def _checks(study: RiskStudy, text: Text) -> Card:
    facts = study.facts
    rows: list[tuple[str, Any, str, str, bool]] = []

    def ask(name: str, value: Any, kind: str, threshold: str, passes: bool) -> None:
        rows.append((name, value, kind, threshold, passes))

    error = facts["max_identity_error"]
    ask("identities", error, "e", "≤ 1e-10", error is not None and error <= _EXACT)
    worst = max((v for v in facts["vif"].values() if v is not None), default=None)
    ask("vif", worst, "n2", "< 5", worst is not None and worst < _MOST_VIF)
    loose = min((v for v in facts["stability"].values() if v is not None), default=None)
    ask("stability", loose, "n2", "≥ 0.8", loose is not None and loose >= _LEAST_STABLE)
    weak = [facts["share_t_above_2"].get(s) for s in study.styles]
    least = min((v for v in weak if v is not None), default=None)
    ask("t", least, "p0", "≥ 30%", least is not None and least >= _LEAST_T)
    for name in ("random", "random_active", "tilted", "optimised", "pure"):
        share = facts["bias"].get(name, {}).get("in_band")
        if share is not None:
            ask(f"band_{name}", share, "p0", "≥ 90%", share >= _IN_BAND)
    checks = [
        Check(
            title=text(f"risk.check_{name}"),
            value=show(value, kind),
            threshold=threshold,
            verdict="none" if value is None else ("pass" if passes else "fail"),
            meaning=text("risk.check_meaning_band")
            if name.startswith("band_")
            else text(f"risk.check_meaning_{name}"),
        )
        for name, value, kind, threshold, passes in rows
    ]
    return Card(id="risk-checks", title=text("risk.card_checks"), checks=checks, wide=True)


def _notes(study: RiskStudy, text: Text) -> Card:
    model = study.model
    told = {
        text("risk.told_table"): str(model.get("table", "")),
        text("risk.told_horizon"): text.name("risk", f"horizon_{model.get('horizon', '')}"),
        text("risk.told_industry"): str(model.get("scheme") or model.get("industry", "–")),
        text("risk.told_step"): str(study.facts["step"]),
        text("risk.told_tests"): str(study.facts["tests"]),
    }
    if study.notes:
        told[text("risk.told_notes")] = " · ".join(
            text.noted(study.notes, style_names(study.labels, text))
        )
    return Card(id="risk-notes", title=text("risk.card_notes"), pairs=told, wide=True)


def _cumulated(study: RiskStudy, text: Text) -> Card:
    series = {named(study, text, n): values for n, values in study.cumulated.items()}
    return figure(
        text, "cumulated", figures.lines("@axis:dates", series, kind="p0"), wide=True, height=380
    )


def _styles(study: RiskStudy, text: Text) -> Card:
    facts = study.facts
    kinds = {"volatility": "p1", "t": "p0", "vif": "n2", "max_vif": "n2", "stability": "n3"}
    columns = [Column(title=text("risk.column_style"), kind="text")]
    columns += [Column(title=text(f"risk.column_{n}"), kind=k) for n, k in kinds.items()]
    columns += [
        Column(title=text("risk.column_total"), kind="p1", signed=True),
        Column(title=text("risk.column_bias"), kind="n2"),
    ]
    biases = facts["bias"].get("pure", {}).get("each", {})
    rows = []
    for style in study.styles:
        paid = study.cumulated[style]
        known = paid[~np.isnan(paid)]
        rows.append(
            (
                named(study, text, style),
                facts["annual_volatility"].get(style),
                facts["share_t_above_2"].get(style),
                facts["vif"].get(style),
                facts["max_vif"].get(style),
                facts["stability"].get(style),
                float(known[-1]) if known.size else None,
                biases.get(style),
            )
        )
    return Card(
        id="risk-styles",
        title=text("risk.card_styles"),
        note=text("risk.note_styles"),
        table=Table(columns=columns, rows=rows),
        wide=True,
    )


def _correlations(study: RiskStudy, text: Text) -> Card:
    found = study.facts["style_correlation"]
    names = [named(study, text, s) for s in study.styles]
    values = np.array(
        [[_number(found[a][b]) for b in study.styles] for a in study.styles], dtype=np.float64
    )
    np.fill_diagonal(values, np.nan)
    option = figures.heat_map(names, names, values, labelled=True, neutral=True, limit=1.0)
    option["xAxis"]["axisLabel"] = {"interval": 0, "rotate": 40}
    option["grid"]["bottom"] = 120
    return figure(text, "correlations", option, height=max(460, 32 * len(names) + 150))


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _inflation(study: RiskStudy, text: Text) -> Card:
    series = {named(study, text, n): _smooth(values) for n, values in study.vif.items()}
    option = figures.lines("@axis:dates", series, kind="n1", min=1.0)
    return figure(text, "vif", option, height=max(460, 32 * len(study.styles) + 150))


def _smooth(values: np.ndarray[Any, Any], window: int = 63) -> np.ndarray[Any, Any]:
    """Average the last sessions that are known; NaN before a third of them are."""
    known = ~np.isnan(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    begin = np.maximum(np.arange(1, len(values) + 1) - window, 0)
    end = np.arange(1, len(values) + 1)
    some = count[end] - count[begin]
    return np.where(some * 3 >= window, (total[end] - total[begin]) / np.maximum(some, 1), np.nan)


def _fit(study: RiskStudy, text: Text) -> Card:
    option = figures.bars_with_line(
        "@axis:dates",
        (text("risk.label_r2"), study.r2),
        (text("risk.label_smooth"), _smooth(study.r2)),
        kind="p0",
    )
    return figure(text, "r2", option, wide=True)


def _names(study: RiskStudy, text: Text) -> Card:
    option = figures.lines(
        "@axis:dates", {text("risk.label_names"): study.names}, kind="int", area=True, min=0
    )
    return figure(text, "names", option, height=240)


def _coverage(study: RiskStudy, text: Text) -> Card:
    option = figures.lines(
        "@axis:dates", {text("risk.label_coverage"): study.coverage}, kind="p0", area=True, min=0
    )
    return figure(text, "coverage", option, height=240)


def _specific(study: RiskStudy, text: Text) -> Card:
    low, _, middle, _, high = study.specific.T
    option = figures.band(
        "@axis:dates",
        (text("risk.label_median"), middle),
        low,
        high,
        name=text("risk.label_nine_tenths"),
        kind="p0",
    )
    return figure(text, "specific", option)


def _latest(study: RiskStudy, text: Text) -> Card | None:
    known = study.latest[~np.isnan(study.latest)]
    if known.size < 2:
        return None
    edges = np.linspace(known.min(), np.quantile(known, 0.995), _BINS + 1)
    counts, _ = np.histogram(known, edges)
    option = figures.histogram(100.0 * edges, {text("risk.label_names"): counts / known.size})
    return figure(text, "latest", option)
