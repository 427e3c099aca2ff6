"""Signals and portfolios beside styles: a heat map and a table, for the pages of models and of studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from superhet.report import figures
from superhet.report.blocks import Column, Option, Table
from superhet.report.catalogue import Text

Overlaps = Sequence[Mapping[str, Any]]
Labels = Mapping[str, Mapping[str, str]]


def style_name(labels: Labels, text: Text, style: str) -> str:
    """Give the name of a style in the language of the page."""
    return str(labels.get(style, {}).get(text.language, style))


def style_names(labels: Labels, text: Text) -> dict[str, str]:
    """Give the names of all styles in the language of the page."""
    return {style: style_name(labels, text, style) for style in labels}


def overlap_heat(overlaps: Overlaps, labels: Labels, text: Text, what: str) -> tuple[Option, int]:
    """Draw one number ("correlation", "return_correlation") by name and style; give the height, too."""
    styles = list(overlaps[0]["correlation"])
    rows = [str(one["name"]) for one in overlaps]
    values = np.array(
        [[np.nan if one[what][s] is None else one[what][s] for s in styles] for one in overlaps],
        dtype=np.float64,
    )
    names = [style_name(labels, text, s) for s in styles]
    option = figures.heat_map(names, rows, values, labelled=True, neutral=True, limit=1.0)
    option["xAxis"]["axisLabel"] = {"interval": 0, "rotate": 40}
    option["grid"]["bottom"] = 120
    return option, figures.row_height(len(rows), least=230) + 60


def overlap_table(overlaps: Overlaps, labels: Labels, text: Text) -> Table:
    """Give R², inflation and mean exposures by name."""
    kinds = {"r2": "p1", "vif": "n2", "return_r2": "p1"}
    columns = [Column(title=text("risk.column_signal"), kind="text")]
    columns += [Column(title=text(f"risk.column_overlap_{n}"), kind=k) for n, k in kinds.items()]
    styles = list(overlaps[0]["correlation"])
    columns += [Column(title=style_name(labels, text, s), kind="n2", signed=True) for s in styles]
    rows = [
        (one["name"], *(one[n] for n in kinds), *(one["exposure"][s] for s in styles))
        for one in overlaps
    ]
    return Table(columns=columns, rows=rows)
