"""Tables: one cell as HTML; numbers keep their full value for sorting, and colours follow the habit."""

from __future__ import annotations

from typing import Any

from superhet.report.blocks import Column, Table
from superhet.report.numbers import known, show


def cell(table: Table, column: Column, value: object) -> Any:
    """Write one table cell; numbers keep their full value for sorting."""
    from markupsafe import Markup

    if column.kind in ("text", "code"):
        shown = "" if value is None else str(value)
        return Markup('<td class="{}">{}</td>').format(column.kind, shown)
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
