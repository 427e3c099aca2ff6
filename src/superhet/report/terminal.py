"""Terminal: a Study in a screenful, for the end of `superhet run`."""

from __future__ import annotations

import unicodedata

from superhet.report.base import Study
from superhet.report.catalogue import Text
from superhet.report.context import Context
from superhet.report.measures import Measures
from superhet.report.pages.overview import checks, tiles

_VALUE = 14


def summary_text(study: Study) -> str:
    """Give the key numbers and the checks as plain text."""
    text = Text(study.language)
    context = Context(study=study, measures=Measures(study), text=text)
    numbers, rows = tiles(context), checks(context)
    wide = max(_columns(title) for title in (*(t.title for t in numbers), *(c.title for c in rows)))
    lines = [f"{study.name} · {study.run_id}", ""]
    for tile in numbers:
        lines.append(f"  {_fill(tile.title, wide)}  {_right(tile.value)}   {tile.meaning}")
    lines.append("")
    for check in rows:
        verdict = text(f"verdict.{check.verdict}")
        shown = f"{_right(check.value)}  {_fill(check.threshold, 10)}"
        lines.append(f"  {_fill(check.title, wide)}  {shown}  {verdict}")
    lines += [f"  ! {warning}" for warning in study.warnings]
    return "\n".join(line.rstrip() for line in lines)


def _columns(text: str) -> int:
    """Count the columns of a terminal that a text takes; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _fill(text: str, width: int) -> str:
    return text + " " * max(width - _columns(text), 0)


def _right(text: str) -> str:
    return " " * max(_VALUE - _columns(text), 0) + text
