"""Statements of a draft: the period, the day of publication, the figures and what their flows cumulate."""

from __future__ import annotations

import re

from superhet.data.point_in_time import FLOWS
from superhet.data.sources.draft_map.entry import Drafted
from superhet.data.sources.draft_map.group import (
    Group,
    put_asset,
    put_column,
    put_date,
    take_numbers,
)
from superhet.data.sources.draft_map.values import flow_basis

QUARTER_IN_NAME = r"((?:19|20)\d{2}[_-]?[Qq]?[1-4])(?!\d)"
_MONTH_DAY = r"^\d{1,2}[-/.]\d{1,2}$"


def draft_statements(group: Group, table: str) -> list[Drafted]:
    """Draft statements: the period, the day of publication, the figures."""
    entry = Drafted({"table": table})
    put_asset(group, entry)
    roles = dict(group.roles)
    said = roles.get("report_date")
    cells = group.cells[said.header].drop_nulls() if said else None
    if said and cells is not None and cells.str.contains(_MONTH_DAY).all():
        # tushare's reports call the day of publication report_date, and leave its year out
        entry.put(
            "columns.announce_date", said.header, "month and day without a year", doubtful=True
        )
        entry.put("yearless", {"announce_date": "report_date"})
        entry.note("yearless", "the first such day after the report's end")
        roles.pop("report_date")
        roles["announce_date"] = said
    if "report_date" in roles:
        put_date(group, entry, "report_date", "report_date")
    else:
        _quarter_of_name(group, entry)
    if "announce_date" not in roles:
        entry.put("assume", {"announce_date": {"after": "report_date", "months": 4}})
        reason = (
            "no day of publication is given; four months is the latest that China's rules allow"
        )
        entry.note("assume", reason, doubtful=True)
    elif "yearless" not in entry.keys:
        put_date(group, entry, "announce_date", "announce_date")
    figures = [
        (n, r) for n, r in roles.items() if r.kind == "statements" and not n.endswith("_date")
    ]
    for name, role in figures:
        put_column(group, entry, name, role)
    take_numbers(group, entry, few=not figures)
    _basis(group, entry)
    return [entry]


def _basis(group: Group, entry: Drafted) -> None:
    """Say what the flows are; left out, they count as cumulated since January."""
    columns = entry.keys.get("columns", {})
    flows = [c for c in FLOWS if c in columns]
    if not flows:
        return
    dates = columns.get("report_date")
    if not isinstance(dates, str) or "asset" not in columns:
        reason = "flows count as cumulated since January; if they are not, say basis: {net_profit: quarter}"
        entry.note("columns", reason, doubtful=True)
        return
    form = entry.keys.get("date_format", {}).get("report_date", "%Y-%m-%d").rstrip("*")
    days = group.cells[dates].str.to_date(form, strict=False) if "%q" not in form else None
    basis: dict[str, str] = {}
    for flow in flows:
        if days is None:
            break
        told = flow_basis(group.cells[columns[flow]], days, group.cells[columns["asset"]])
        if told.value:
            basis[flow] = told.value
            entry.note("basis", f"{flow}: {told.reason}", doubtful=told.doubtful)
    if basis:
        entry.put("basis", basis)


def _quarter_of_name(group: Group, entry: Drafted) -> None:
    found = re.search(QUARTER_IN_NAME, group.paths[0].stem)
    if not found:
        entry.note("", "the period of the report is not found: add report_date", doubtful=True)
        return
    mark = re.sub(r"^\d{4}(.*)[1-4]$", r"\1", found.group(1))
    entry.put(
        "from_file.report_date",
        QUARTER_IN_NAME,
        "year and quarter in the file's name",
        doubtful=True,
    )
    entry.put("date_format.report_date", f"%Y{mark}%q")
