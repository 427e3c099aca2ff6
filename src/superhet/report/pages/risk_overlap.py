"""The page of signals and portfolios beside the styles of a risk model."""

from __future__ import annotations

import numpy as np

from superhet.report import figures
from superhet.report.blocks import Card, Column, Page, Section, Table
from superhet.report.catalogue import Text
from superhet.report.context import whole_rows
from superhet.report.pages.risk import figure, named
from superhet.report.risk_html import OverlapStudy


def overlap_page(study: OverlapStudy, text: Text) -> Page:
    """Build the page: heat maps of all signals, and of each its numbers and its exposures through time."""
    cards = [
        _heat(study, text, "correlation"),
        _heat(study, text, "return_correlation"),
        _table(study, text),
    ]
    sections = [
        Section(id="overlap-all", title=text("risk.section_overlap"), cards=whole_rows(cards))
    ]
    for k, one in enumerate(study.overlaps):
        series = {
            named(study, text, n): values for n, values in study.exposures[one["name"]].items()
        }
        card = Card(
            id=f"overlap-exposure-{k}",
            title=text("risk.card_exposure"),
            note=text(f"risk.note_exposure_{one['kind']}"),
            figure=figures.lines("@axis:dates", series, kind="n2"),
            wide=True,
            height=360,
        )
        sections.append(Section(id=f"overlap-{k}", title=str(one["name"]), cards=[card]))
    return Page(id="overlap", title=text("risk.overlap_page"), sections=sections)


def _heat(study: OverlapStudy, text: Text, what: str) -> Card:
    styles = list(study.overlaps[0]["correlation"])
    rows = [str(one["name"]) for one in study.overlaps]
    values = np.array(
        [
            [np.nan if one[what][s] is None else one[what][s] for s in styles]
            for one in study.overlaps
        ],
        dtype=np.float64,
    )
    names = [named(study, text, s) for s in styles]
    option = figures.heat_map(names, rows, values, labelled=True, neutral=True, limit=1.0)
    option["xAxis"]["axisLabel"] = {"interval": 0, "rotate": 40}
    option["grid"]["bottom"] = 120
    return figure(text, what, option, height=figures.row_height(len(rows), least=230) + 60)


def _table(study: OverlapStudy, text: Text) -> Card:
    kinds = {"r2": "p1", "vif": "n2", "return_r2": "p1"}
    columns = [Column(title=text("risk.column_signal"), kind="text")]
    columns += [Column(title=text(f"risk.column_overlap_{n}"), kind=k) for n, k in kinds.items()]
    styles = list(study.overlaps[0]["correlation"])
    columns += [Column(title=named(study, text, s), kind="n2", signed=True) for s in styles]
    rows = [
        (one["name"], *(one[n] for n in kinds), *(one["exposure"][s] for s in styles))
        for one in study.overlaps
    ]
    return Card(
        id="risk-overlap-table",
        title=text("risk.card_overlap"),
        note=text("risk.note_overlap"),
        table=Table(columns=columns, rows=rows),
        wide=True,
    )
