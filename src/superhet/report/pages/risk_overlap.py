"""The page of signals and portfolios beside the styles of a risk model."""

from __future__ import annotations

from superhet.report import figures
from superhet.report.blocks import Card, Page, Section
from superhet.report.catalogue import Text
from superhet.report.context import whole_rows
from superhet.report.pages.overlap_cards import overlap_heat, overlap_table
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
    option, height = overlap_heat(study.overlaps, study.labels, text, what)
    return figure(text, what, option, height=height)


def _table(study: OverlapStudy, text: Text) -> Card:
    return Card(
        id="risk-overlap-table",
        title=text("risk.card_overlap"),
        note=text("risk.note_overlap"),
        table=overlap_table(study.overlaps, study.labels, text),
        wide=True,
    )
