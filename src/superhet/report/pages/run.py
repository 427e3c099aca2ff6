"""Data and run page: what went in, what each stage gave, how long it took, and the look-ahead audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from superhet.report import figures
from superhet.report.blocks import Card, Column, Page, Table
from superhet.report.context import Context
from superhet.report.pages.overview import audit_check


def run_page(context: Context) -> Page:
    """Build the page."""
    sections = [
        context.section("audit", [audit(context)]),
        context.section("run", [facts(context), *stage_cards(context), conventions(context)]),
        context.section("warnings", [warnings(context)]),
        context.section("config", [config(context)]),
    ]
    return Page(id="run", title=context.text("page.run"), sections=sections)


def audit(context: Context) -> Card:
    """Say what the look-ahead audit found."""
    found, text = context.study.audit, context.text
    title = text("card.audit")
    if found is None:
        return Card(id="audit-card", title=title, paragraphs=[text("label.no_audit")], wide=True)
    dates = found.get("dates_checked", ())
    shown = ", ".join(str(d) for d in dates) if isinstance(dates, list | tuple) else str(dates)
    leaks = [_leak(leak) for leak in found.get("leaks", ())]
    if not leaks:
        note = text("note.audit_pass", dates=shown)
        checks = [audit_check(context)]
        return Card(id="audit-card", title=title, note=note, checks=checks, wide=True)
    columns = [
        Column(title=text("label.stage"), kind="text"),
        Column(title=text("label.name"), kind="text"),
        Column(title=text("label.first_date"), kind="text"),
    ]
    return Card(
        id="audit-card",
        title=title,
        note=text("note.audit_leak", dates=shown),
        checks=[audit_check(context)],
        table=Table(columns=columns, rows=leaks),
        wide=True,
    )


def _leak(leak: Any) -> tuple[str, str, str]:
    known = leak if isinstance(leak, Mapping) else vars(leak)
    return str(known["stage"]), str(known["name"]), str(known["first_date"])


def facts(context: Context) -> Card:
    """Name the run, its data and its seed."""
    study, text = context.study, context.text
    market = study.market
    pairs = {
        text("label.run_id"): study.run_id,
        text("label.snapshot"): study.snapshot or market.snapshot,
        text("label.seed"): str(study.seed),
        text("label.sessions"): market.dates.describe(),
        text("label.assets"): f"{len(market.assets):,}",
        text("label.intraday"): ", ".join(market.intraday_cubes) or text("label.none"),
        text("label.tables"): ", ".join(market.events) or text("label.none"),
    }
    return Card(id="run-facts", title=text("card.run_facts"), pairs=pairs)


def conventions(context: Context) -> Card:
    """List what was assumed."""
    study, text = context.study, context.text
    pairs = {text.name("convention", k): text.said(str(v)) for k, v in study.conventions.items()}
    return Card(
        id="run-conventions",
        title=text("card.conventions"),
        note=text("note.conventions"),
        pairs=pairs,
        wide=True,
    )


def stage_cards(context: Context) -> list[Card]:
    """List the hash of each stage and draw its seconds."""
    study, text = context.study, context.text
    made = []
    if study.stages:
        rows = [(text.name("stage", n), h) for n, h in study.stages.items()]
        columns = [
            Column(title=text("label.stage"), kind="text"),
            Column(title=text("label.hash"), kind="code"),
        ]
        made.append(context.table("stages", Table(columns=columns, rows=rows)))
    if study.seconds:
        names = list(study.seconds)
        option = figures.lying_bars(
            [text.name("stage", n) for n in names],
            np.array([study.seconds[n] for n in names]),
            label=text("label.seconds"),
            kind="n2",
            signed=False,
        )
        made.append(context.figure("seconds", option, height=max(150, 26 * len(names) + 40)))
    return made


def warnings(context: Context) -> Card:
    """List the warnings of the run."""
    study, text = context.study, context.text
    shown = list(study.warnings) or [text("label.no_warnings")]
    return Card(id="warnings-card", title="", paragraphs=shown, wide=True)


def config(context: Context) -> Card:
    """Show the resolved configuration."""
    import yaml

    code = yaml.safe_dump(
        _plain(context.study.config), sort_keys=False, allow_unicode=True, width=100
    )
    return Card(id="config-card", title="", code=code, wide=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return str(value)
