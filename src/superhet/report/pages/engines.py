"""Engines: the same book kept by others, in short; the page beside the report says where they part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from superhet.report.blocks import Card, Check
from superhet.report.context import Context
from superhet.report.pages.reconcile import agreement, engines_card, failed_card


def cards(context: Context) -> list[Card]:
    """List engines and whatever they said before they failed; nothing where a study names none."""
    found = context.study.engines
    if found is None:
        return []
    failed = failed_card(found["failed"], context.text)
    made = engines_card(found["engines"], context.text, timed=False)
    made = replace(made, note=context.text("note.engines"))
    return [made] if failed is None else [made, failed]


def checks(context: Context) -> list[Check]:
    """Check that engines keep the same books as ours."""
    meaning = context.text("check.engine_meaning")
    found = agreement(_others(context.study.engines), context.text)
    return [replace(one, meaning=meaning) for one in found]


def _others(found: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    """Give the engines that are compared with another."""
    return [] if found is None else [row for row in found["engines"] if row["most"] is not None]
