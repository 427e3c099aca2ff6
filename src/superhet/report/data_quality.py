"""The data report: what a check of a store found, as one self-contained page.

The report room knows no store: whoever calls hands in plain values (`DataQuality`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from superhet.report.base import Language
from superhet.report.catalogue import Text
from superhet.report.html import fill_template, write_whole
from superhet.report.pages.data_quality import data_quality_page
from superhet.version import __version__


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule that found something, or not.

    Parameters
    ----------
    table, field, rule : where, and the rule's name
    count, total : cases found, of so many
    meaning, treatment : what was so, and what is done about it, in the language of the report
    examples : the first cases
    """

    table: str
    field: str
    rule: str
    severity: Literal["error", "warning", "info"]
    count: int
    total: int
    meaning: str
    treatment: str
    examples: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class DataQuality:
    """All that the page shows.

    Parameters
    ----------
    name : of the store
    language : of the page
    snapshot : state of the data; updated : when it was written, "" if not known
    rows, assets, start, end : what the tables hold
    findings : all rules that were asked, those that found nothing too
    tables : table -> {"rows", "first", "last"}
    coverage : table.field -> month -> share of rows that know it
    universe : month -> assets with a bar
    activity : "suspended", "zero_volume", "stale", "limit_up", "limit_down" -> month -> bars
    restatements : month -> periods announced again
    quarantine : rows set aside: table, rule, file, row, column, message
    history : states of the store, the present one first: number, snapshot, written, source, changes
    problems : files that are damaged
    beside : name of the other vendor's store, "" for none
    """

    name: str
    language: Language = "en"
    snapshot: str = ""
    updated: str = ""
    rows: int = 0
    assets: int = 0
    start: str = ""
    end: str = ""
    findings: Sequence[Finding] = ()
    tables: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    coverage: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    universe: Mapping[str, int] = field(default_factory=dict)
    activity: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    restatements: Mapping[str, int] = field(default_factory=dict)
    quarantine: Sequence[Mapping[str, object]] = ()
    history: Sequence[Mapping[str, object]] = ()
    problems: Sequence[str] = ()
    beside: str = ""


def write_data_quality(quality: DataQuality, path: str | os.PathLike[str]) -> Path:
    """Write the page; the file appears whole or not at all."""
    return write_whole(render_data_quality(quality), path)


def render_data_quality(quality: DataQuality) -> str:
    """Give the page as text."""
    text = Text(quality.language)
    subtitle = text(
        "page.data_subtitle", first=quality.start, last=quality.end, snapshot=quality.snapshot
    )
    return fill_template(
        [data_quality_page(quality, text)],
        {},
        text,
        title=text("page.data_title", name=quality.name),
        subtitle=subtitle,
        footer=text("page.data_footer", version=__version__),
    )
