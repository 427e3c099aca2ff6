"""Data page: what the check of a store found, who is in it, what is known when, and its states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from superhet.report import figures
from superhet.report.blocks import Card, Column, Option, Page, Section, Table, Tile
from superhet.report.catalogue import Text
from superhet.report.context import whole_rows

if TYPE_CHECKING:
    from superhet.report.data_quality import DataQuality, Finding

SEVERITIES = ("error", "warning", "info")
VENDOR_RULES = ("returns_differ", "vendors_differ", "only_here", "only_there")
COLOURS = {"limit_up": "@up", "limit_down": "@down", "zero_volume": "@c0", "stale": "@c1"}
MOST_PERIODS = 48
MOST_STATES = 30
_FEW_BARS = 24


def data_quality_page(quality: DataQuality, text: Text) -> Page:
    """Build the page."""
    wanted = {
        "data_summary": [_tiles(quality, text), _tables(quality, text)],
        "data_findings": [_findings(quality, text)],
        "data_vendors": _vendors(quality, text),
        "data_time": _through_time(quality, text),
        "data_coverage": _coverage(quality, text),
        "data_quarantine": _quarantine(quality, text),
        "data_history": _history(quality, text),
    }
    sections = [
        Section(id=name, title=text(f"section.{name}"), cards=whole_rows(cards))
        for name, cards in wanted.items()
        if cards
    ]
    return Page(id="data", title=text("page.data"), sections=sections)


def _of(quality: DataQuality, severity: str) -> list[Finding]:
    return [f for f in quality.findings if f.count and f.severity == severity]


def _tiles(quality: DataQuality, text: Text) -> Card:
    passed = sum(not f.count for f in quality.findings)
    tiles = [
        Tile(
            title=text("label.rows"),
            value=f"{quality.rows:,}",
            meaning=text("meaning.data_rows", tables=len(quality.tables)),
        ),
        Tile(
            title=text("label.assets"),
            value=f"{quality.assets:,}",
            meaning=f"{quality.start} … {quality.end}",
        ),
        *(
            Tile(
                title=text.name("severity", f"{severity}s"),
                value=str(len(_of(quality, severity))),
                meaning=text.name("severity", f"{severity}s_meaning"),
            )
            for severity in SEVERITIES
        ),
        Tile(
            title=text("label.checks_passed"),
            value=str(passed),
            meaning=text("meaning.data_passed"),
        ),
        Tile(
            title=text("label.quarantined"),
            value=f"{len(quality.quarantine):,}",
            meaning=text("meaning.data_quarantined"),
        ),
        Tile(
            title=text("label.updated"),
            value=quality.updated[:10] or "–",
            meaning=text("meaning.data_updated", states=len(quality.history)),
        ),
    ]
    return Card(id="data-tiles", title="", tiles=tiles, wide=True)


def _tables(quality: DataQuality, text: Text) -> Card:
    """Count findings table by table."""
    columns = [
        Column(title=text("label.table"), kind="text"),
        Column(title=text("label.rows"), kind="int"),
        Column(title=text("label.first"), kind="text"),
        Column(title=text("label.last"), kind="text"),
        *(Column(title=text.name("severity", f"{s}s"), kind="int") for s in SEVERITIES),
        Column(title=text("label.checks_passed"), kind="int"),
    ]

    def counts(name: str) -> list[int]:
        own = [f for f in quality.findings if f.table == name]
        found = [sum(1 for f in own if f.count and f.severity == s) for s in SEVERITIES]
        return [*found, sum(not f.count for f in own)]

    rows = [
        (name, facts["rows"], facts.get("first") or "", facts.get("last") or "", *counts(name))
        for name, facts in quality.tables.items()
    ]
    return Card(
        id="data-tables",
        title=text("card.data_tables"),
        note="; ".join(quality.problems) or text("note.data_tables"),
        table=Table(columns=columns, rows=rows),
        wide=True,
    )


def _findings(quality: DataQuality, text: Text) -> Card:
    """List what was found, gravest first."""
    found = [f for s in SEVERITIES for f in _of(quality, s) if f.rule not in VENDOR_RULES]
    return Card(
        id="data-findings",
        title=text("card.data_findings"),
        note=text("note.data_findings"),
        table=_finding_table(found, text),
        wide=True,
    )


def _finding_table(found: Sequence[Finding], text: Text) -> Table:
    columns = [
        Column(title=text("label.severity"), kind="badge"),
        Column(title=text("label.where"), kind="long"),
        Column(title=text("label.rule"), kind="text"),
        Column(title=text("label.what_was_found"), kind="long"),
        Column(title=text("label.count"), kind="int"),
        Column(title=text("label.share"), kind="p3"),
        Column(title=text("label.treatment"), kind="long"),
        Column(title=text("label.examples"), kind="code"),
    ]
    rows = [
        (
            (SEVERITIES.index(f.severity), f.severity, text.name("severity", f.severity)),
            f"{f.table} · {f.field}" if f.field else f.table,
            f.rule,
            f.meaning,
            f.count,
            f.count / f.total if f.total else None,
            f.treatment,
            " · ".join(f.examples),
        )
        for f in found
    ]
    return Table(columns=columns, rows=rows)


def _vendors(quality: DataQuality, text: Text) -> list[Card]:
    """Put two vendors side by side."""
    asked = [f for f in quality.findings if f.rule in VENDOR_RULES]
    if not asked:
        return []
    found = sorted(asked, key=lambda f: (f.table, VENDOR_RULES.index(f.rule), f.field))
    return [
        Card(
            id="data-vendors",
            title=text("card.data_vendors", name=quality.beside),
            note=text("note.data_vendors"),
            table=_finding_table(found, text),
            wide=True,
        )
    ]


def _through_time(quality: DataQuality, text: Text) -> list[Card]:
    """Draw the size of the universe, suspensions, limits and restatements by month."""
    cards = []
    if quality.universe:
        drawn = _months({text("label.assets"): quality.universe})
        cards.append(_figure("data_universe", drawn, text))
    gone = quality.activity.get("suspended", {})
    if any(gone.values()):
        drawn = _months({text.name("activity", "suspended"): gone})
        cards.append(_figure("data_suspended", drawn, text))
    others = {
        name: months
        for name, months in quality.activity.items()
        if name != "suspended" and any(months.values())
    }
    if others:
        named = {text.name("activity", name): months for name, months in others.items()}
        drawn = _months(named, [COLOURS.get(name, figures.colour(0)) for name in others])
        cards.append(_figure("data_activity", drawn, text))
    if quality.restatements:
        drawn = _months({text.name("activity", "restatements"): quality.restatements})
        cards.append(_figure("data_restatements", drawn, text))
    return cards


def _figure(name: str, option: Option, text: Text) -> Card:
    return Card(
        id=name,
        title=text(f"card.{name}"),
        note=text(f"note.{name}"),
        figure=option,
        height=240,
    )


def _months(
    series: Mapping[str, Mapping[str, int]], colours: Sequence[str] | None = None
) -> Option:
    """Draw counts by month: bars where there are few months, else lines."""
    months = _span(m for counts in series.values() for m in counts)
    values = {
        name: np.array([float(counts.get(m, 0)) for m in months]) for name, counts in series.items()
    }
    if len(months) <= _FEW_BARS:
        return figures.bars(months, values, kind="int", colours=colours)
    area = len(series) == 1
    option = figures.lines("", values, kind="int", colours=colours, area=area, min=0)
    option["xAxis"]["data"] = months
    return option


def _span(named: object) -> list[str]:
    """List all months from the first to the last that is named."""
    known = sorted(set(named))  # type: ignore[call-overload] # an iterable of months
    first, last = (int(m[:4]) * 12 + int(m[5:]) - 1 for m in (known[0], known[-1]))
    return [f"{m // 12:04d}-{m % 12 + 1:02d}" for m in range(first, last + 1)]


def _coverage(quality: DataQuality, text: Text) -> list[Card]:
    """Draw, table by table, how much of each field is known through time."""
    cards = []
    for table in dict.fromkeys(name.split(".")[0] for name in quality.coverage):
        own = {n: m for n, m in quality.coverage.items() if n.split(".")[0] == table}
        periods = sorted({m for months in own.values() for m in months})
        if len(own) == 1 and min(min(m.values()) for m in own.values()) >= 1.0:
            continue  # one field, always known: a picture would say nothing
        length = _period_length(len(_span(periods)))
        names = [n.partition(".")[2] for n in own]
        columns = list(dict.fromkeys(_period(m, length) for m in _span(periods)))
        values = np.array([_by_period(months, columns, length) for months in own.values()])
        option = figures.heat_map(
            columns,
            names,
            values,
            kind="p0",
            diverging=False,
            limit=1.0,
            labelled=len(columns) <= _FEW_BARS,
        )
        cards.append(
            Card(
                id=f"data-coverage-{table}",
                title=text("card.data_coverage", table=table),
                note=text("note.data_coverage", period=text.name("period", str(length))),
                figure=option,
                height=figures.row_height(len(names), least=130),
                wide=True,
            )
        )
    return cards


def _period_length(months: int) -> int:
    """Choose the months of a column, so that there are not too many of them."""
    return next((n for n in (1, 3) if months <= n * MOST_PERIODS), 12)


def _period(month: str, length: int) -> str:
    if length == 1:
        return month
    return month[:4] if length == 12 else f"{month[:4]} Q{(int(month[5:]) + 2) // 3}"


def _by_period(months: Mapping[str, float], periods: Sequence[str], length: int) -> list[float]:
    held: dict[str, list[float]] = {}
    for month, share in months.items():
        held.setdefault(_period(month, length), []).append(share)
    return [float(np.mean(held[p])) if p in held else float("nan") for p in periods]


def _quarantine(quality: DataQuality, text: Text) -> list[Card]:
    """List rows that an import set aside."""
    if not quality.quarantine:
        return []
    names = ("table", "rule", "file", "row", "column", "message")
    kinds = ("text", "text", "code", "int", "text", "long")
    columns = [
        Column(title=text.name("label", name), kind=kind)
        for name, kind in zip(names, kinds, strict=True)
    ]
    rows = [tuple(row.get(n) for n in names) for row in quality.quarantine[:100]]
    return [
        Card(
            id="data-quarantine",
            title=text("card.data_quarantine"),
            note=text("note.data_quarantine"),
            table=Table(columns=columns, rows=rows),
            wide=True,
        )
    ]


def _history(quality: DataQuality, text: Text) -> list[Card]:
    """List the states that the store has been in."""
    if not quality.history:
        return []
    columns = [
        Column(title=text("label.number"), kind="int"),
        Column(title=text("label.written"), kind="text"),
        Column(title=text("label.snapshot"), kind="code"),
        Column(title=text("label.source"), kind="long"),
        Column(title=text("label.changes"), kind="long"),
    ]
    names = ("number", "written", "snapshot", "source", "changes")
    rows = [tuple(state.get(n) for n in names) for state in quality.history[:MOST_STATES]]
    return [
        Card(
            id="data-history",
            title=text("card.data_history"),
            note=text("note.data_history"),
            table=Table(columns=columns, rows=rows),
            wide=True,
        )
    ]
