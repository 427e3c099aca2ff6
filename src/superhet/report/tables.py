"""Tables: one cell as HTML; numbers keep their full value for sorting, and colours follow the habit."""

from __future__ import annotations

from typing import Any

from superhet.report.blocks import Column, Table
from superhet.report.numbers import known, show

WORDS = {"text": "text", "code": "code", "long": "text long", "link": "text"}
"""Kinds of columns that hold words -> their look."""


def cell(table: Table, column: Column, value: object) -> Any:
    """Write one table cell; numbers keep their full value for sorting.

    A cell of kind "badge" is (order, look, word): what it is sorted by, its colour, what it says; one of kind
    "link" is (address, word).
    """
    from markupsafe import Markup

    if column.kind == "link" and isinstance(value, tuple):
        return Markup('<td class="text name"><a href="{}">{}</a></td>').format(*value)

    if column.kind in WORDS:
        shown = "" if value is None else str(value)
        return Markup('<td class="{}">{}</td>').format(WORDS[column.kind], shown)
    if column.kind == "badge":
        badge = '<td class="text" data-v="{}"><span class="badge {}">{}</span></td>'
        return Markup(badge).format(*value)  # type: ignore[misc] # a triple, see above
    number, kind = value if isinstance(value, tuple) else (value, column.kind)
    if isinstance(number, str):
        return Markup("<td>{}</td>").format(number)
    amount = known(number)
    shown = show(amount, kind)
    order = "" if shown == show(None) else f"{amount:.6g}"
    if table.heat and order:
        hue = "up" if amount >= 0 else "down"
        strength = min(60, round(60 * abs(amount) / table.heat))
        style = f"--hue:var(--{hue});--heat:{strength}"
        return Markup('<td class="heat" data-v="{}" style="{}">{}</td>').format(order, style, shown)
    sign = ""
    if column.signed and kind == column.kind and order and amount != 0:
        sign = "positive" if amount > 0 else "negative"
    return Markup('<td class="{}" data-v="{}">{}</td>').format(sign, order, shown)
