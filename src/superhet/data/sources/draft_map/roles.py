"""Headers to roles: what a column is, by the dictionary of vendors' headers, and the unit it names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superhet.data.sources.draft_map.look import is_day

if TYPE_CHECKING:
    import polars as pl

_KINDS = ("names", "bars", "daily", "statements", "securities", "industry", "members", "macro")


@dataclass(frozen=True, kw_only=True)
class Role:
    """What one column is.

    Parameters
    ----------
    role : our name for it, or a working name that begins with `_`
    kind : section of the dictionary
    header : as the file has it
    unit : factor that the header, or the vendor's habit, names; 0 = it says nothing
    said : whether the header itself says it
    """

    role: str
    kind: str
    header: str
    unit: float = 0.0
    said: bool = False


@cache
def dictionary() -> Mapping[str, Any]:
    """Read the dictionary."""
    path = Path(__file__).with_name("headers.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def plain(header: str) -> str:
    """Bring a header to the form in which headers are compared.

    Examples
    --------
    >>> plain("Trade_Date"), plain("成交量(万股)"), plain("S_DQ_CLOSE")
    ('tradedate', '成交量', 'sdqclose')
    """
    text = re.sub(r"[((\[【].*?[))\]】]", "", header.lower())
    return re.sub(r"[\s_\-./%:\ufeff]", "", text)


def unit_of(header: str) -> float:
    """Give the factor of a unit that a header names in brackets; 0 if it names none.

    Examples
    --------
    >>> unit_of("成交量(万股)"), unit_of("涨跌幅(%)"), unit_of("close")
    (10000.0, 0.01, 0.0)
    """
    found = re.search(r"[((\[【](.*?)[))\]】]", header)
    word = found.group(1).strip() if found else ""
    return float(dictionary()["units"].get(word, 0.0))


def roles_of(cells: pl.DataFrame) -> dict[str, Role]:
    """Give the roles of the columns of a file: role -> what has it.

    Of several headers of one role, the first in the dictionary has it.
    """
    found: dict[str, Role] = {}
    headers: dict[str, str] = {}
    for header in cells.columns:
        if not _counts(cells[header]):
            headers.setdefault(plain(header), header)
    for kind in _KINDS:
        for role, names in dictionary()[kind].items():
            name = next((n for n in map(plain, names) if n in headers), "")
            if not name:
                continue
            header = headers[name]
            said = unit_of(header)
            unit = said or float(dictionary()["usual_units"].get(name, 0.0))
            found.setdefault(
                role, Role(role=role, kind=kind, header=header, unit=unit, said=bool(said))
            )
    if "date" not in found and "time" not in found and "" in cells.columns:
        sample = cells[""].drop_nulls().head(5).to_list()
        if sample and all(is_day(cell) for cell in sample):
            found["date"] = Role(role="date", kind="names", header="")
    return found


def headless_roles(count: int) -> Sequence[str]:
    """Name the columns of a file without headers, by their number; nothing if no layout has it."""
    for layout in dictionary()["headless"].values():
        if len(layout) == count:
            return list(layout)
    return []


def _counts(cells: pl.Series) -> bool:
    """Tell a column that only numbers the rows."""
    first = cells.head(20).to_list()
    return len(first) > 2 and first in ([str(i + k) for i in range(len(first))] for k in (0, 1))
