"""Files of one make, and how a draft takes a column of theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superhet.data.schema import table_spec
from superhet.data.sources.draft_map.entry import Drafted, our_name
from superhet.data.sources.draft_map.look import is_number
from superhet.data.sources.draft_map.roles import Role, dictionary
from superhet.data.sources.draft_map.values import code_format, code_in_name, date_format

if TYPE_CHECKING:
    import polars as pl

DAY_IN_NAME = r"(\d{4}-\d{2}-\d{2}|(?<!\d)(?:19|20)\d{6}(?!\d))"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Files that look the same.

    Parameters
    ----------
    paths : the files looked at
    files : what the map calls them; None where the import is given the file itself
    reading : keys of the map that read them
    cells : the rows of those looked at, as text
    roles : what the columns are
    footers : first cells of lines at the end that are no rows
    notes : what to say of the reading
    """

    paths: Sequence[Path]
    files: str | list[str] | None
    reading: Mapping[str, Any]
    cells: pl.DataFrame
    roles: Mapping[str, Role]
    footers: Sequence[str] = ()
    notes: Sequence[str] = ()

    def cells_of(self, role: str) -> pl.Series:
        """Give the cells of a role."""
        return self.cells[self.roles[role].header]


def numeric(group: Group) -> list[str]:
    """List the headers without a role whose cells are mostly numbers."""
    taken = {r.header for r in group.roles.values()}
    found = []
    for header in group.cells.columns:
        given = group.cells[header].drop_nulls().head(50).to_list()
        numbers = sum(is_number(cell) for cell in given)
        index = not header and given == [str(i) for i in range(len(given))]
        if header not in taken and given and 2 * numbers > len(given) and not index:
            found.append(header)
    return found


def put_column(group: Group, entry: Drafted, ours: str, role: Role) -> None:
    """Take a column, with the unit that its header names."""
    entry.put(f"columns.{ours}", role.header)
    numbers = table_spec(entry.keys["table"]).field_of(ours)
    habit = ours in dictionary()["percent"]["roles"] and not role.said
    if role.unit and role.unit != 1.0 and not habit and numbers and numbers.kind == "number":
        reason = "the header says so" if role.said else "as this vendor usually has it"
        entry.put(f"units.{ours}", role.unit, reason, doubtful=not role.said)


def put_ratio(group: Group, entry: Drafted, ours: str, role: Role) -> None:
    """Take a daily ratio; what can be percent or a fraction is told by its size, or by habit."""
    put_column(group, entry, ours, role)
    if ours not in dictionary()["percent"]["roles"] or role.said:
        return
    numbers = [abs(float(c)) for c in group.cells[role.header].drop_nulls() if is_number(c)]
    percent = ours == "turnover_rate" or max(numbers, default=0.0) > 1.0
    reason = "percent, as vendors give it" if percent else "never above 1: a fraction, or percent?"
    if percent:
        entry.put(f"units.{ours}", 0.01, reason, doubtful=True)
    else:
        entry.note(f"columns.{ours}", reason, doubtful=True)


def put_asset(group: Group, entry: Drafted, column: str = "asset") -> None:
    """Say where the name comes from, and how it is spelt."""
    if "asset" in group.roles:
        role = group.roles["asset"]
        entry.put(f"columns.{column}", role.header)
        spelling = code_format(group.cells[role.header])
    else:
        pattern, spelling = code_in_name(group.paths)
        entry.put(f"from_file.{column}", pattern, spelling.reason, doubtful=spelling.doubtful)
    if spelling.value and column == "asset":
        entry.put("asset_format", spelling.value, spelling.reason)


def put_date(group: Group, entry: Drafted, ours: str, role: str) -> None:
    """Say which header is a date, and its format."""
    entry.put(f"columns.{ours}", group.roles[role].header)
    form = date_format(group.cells_of(role), clock=False)
    if form.value == "?":
        entry.note(f"columns.{ours}", form.reason, doubtful=True)
    elif form.value:
        entry.put(f"date_format.{ours}", form.value, form.reason, doubtful=form.doubtful)


def put_day_of_name(group: Group, entry: Drafted, ours: str) -> None:
    """Take a date from the file's name."""
    entry.put(f"from_file.{ours}", DAY_IN_NAME, "the day in the file's name", doubtful=True)
    found = re.search(DAY_IN_NAME, group.paths[0].stem)
    if found and "-" not in found.group(1):
        entry.put(f"date_format.{ours}", "%Y%m%d")


def take_numbers(group: Group, entry: Drafted, *, few: bool) -> None:
    """Take all numbers under names made of their headers, where none is known."""
    if not few:
        return
    for header in numeric(group):
        ours = our_name(header)
        entry.put(f"columns.{ours}", header, "taken as it is", doubtful=True)
