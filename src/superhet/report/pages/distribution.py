"""Distribution: the shape of the members before and after cleaning, and who the outliers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from superhet.report import figures
from superhet.report.blocks import Card, Column, Table
from superhet.report.context import Context
from superhet.report.numbers import known

MOST_PICTURES = 6
MOST_BUCKETS = 12
SHAPES: dict[str, str] = {"skew": "n2", "excess_kurtosis": "n2", "beyond_3": "p2", "beyond_5": "p3"}

Pair = tuple[Mapping[str, Any], Mapping[str, Any]]


def cards(context: Context) -> list[Card]:
    """Show shapes before and after, histograms of the members that cleaning changed most, outliers."""
    found = {
        name: (both["before"], both["after"])
        for name, both in context.study.distributions.items()
        if "before" in both and "after" in both
    }
    if not found:
        return []
    made = [shape_table(context, found)]
    made += [_histogram(context, k, n, found[n]) for k, n in enumerate(most_changed(found))]
    buckets = _buckets(found)
    if buckets:
        made.append(outlier_table(context, buckets))
    return made


def most_changed(found: Mapping[str, Pair]) -> list[str]:
    """Choose the members with the longest tails before cleaning."""

    def tail(name: str) -> float:
        return float(np.nan_to_num(known(found[name][0].get("beyond_3"))))

    return sorted(found, key=lambda name: (-tail(name), name))[:MOST_PICTURES]


def shape_table(context: Context, found: Mapping[str, Pair]) -> Card:
    """List skew, kurtosis and tails of each member before and after."""
    text = context.text
    columns = [Column(title=text("label.member"), kind="text")]
    for key, kind in SHAPES.items():
        for when in ("before", "after"):
            title = f"{text(f'label.{key}')} · {text(f'label.{when}')}"
            columns.append(Column(title=title, kind=kind))
    columns.append(Column(title=text("label.advice"), kind="text"))
    rows = [
        (
            name,
            *(part.get(key) for key in SHAPES for part in both),
            str(both[0].get("advice", "")),
        )
        for name, both in found.items()
    ]
    return context.table("shapes", Table(columns=columns, rows=rows), wide=True)


def _histogram(context: Context, number: int, name: str, both: Pair) -> Card:
    text = context.text
    counts = {
        text(f"label.{when}"): np.array([known(v) for v in part["histogram"]])
        for when, part in zip(("before", "after"), both, strict=True)
    }
    option = figures.histogram(np.array(both[0]["edges"], dtype=np.float64), counts)
    title = text("card.histogram", name=name)
    note = text("note.histogram")
    return Card(id=f"histogram-{number}", title=title, note=note, figure=option, height=230)


def _buckets(found: Mapping[str, Pair]) -> list[tuple[str, Mapping[str, Any]]]:
    """Gather the kinds of names that hold more than their share of outliers before cleaning."""
    everyone = [
        (name, bucket)
        for name, (before, _) in found.items()
        for bucket in before.get("buckets", ())
        if known(bucket.get("lift")) > 1.0
    ]
    everyone.sort(key=lambda item: (-known(item[1]["lift"]), item[0], str(item[1]["name"])))
    return everyone[:MOST_BUCKETS]


def outlier_table(context: Context, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> Card:
    """List who the outliers are."""
    text = context.text
    columns = [
        Column(title=text("label.member"), kind="text"),
        Column(title=text("label.bucket_by"), kind="text"),
        Column(title=text("label.bucket"), kind="text"),
        Column(title=text("label.share_of_names"), kind="p1"),
        Column(title=text("label.share_of_outliers"), kind="p1"),
        Column(title=text("label.lift"), kind="x"),
    ]
    cells = [
        (
            name,
            text.name("by", str(b["by"])),
            text.name("bucket", str(b["name"])),
            b["names"],
            b["outliers"],
            b["lift"],
        )
        for name, b in rows
    ]
    return context.table("outliers", Table(columns=columns, rows=cells), wide=True)
