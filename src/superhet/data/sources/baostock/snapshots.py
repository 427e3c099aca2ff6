"""Members of indices and industries of baostock: lists of one day, turned into spells since they came out."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from superhet.data.base import Tables
from superhet.data.sources.baostock import frames
from superhet.data.sources.baostock.client import Client
from superhet.data.sources.spells import (
    Snapshot,
    open_labels,
    open_members,
    snapshots,
    spell_rows,
    spells,
)
from superhet.data.sources.vendor import PullRequest, Unit
from superhet.data.sources.vendor.codes import from_dotted
from superhet.errors import ConfigError, VendorError

if TYPE_CHECKING:
    import polars as pl

SCHEME = "csrc"
_MEMBERS = {
    "000300.SH": "query_hs300_stocks",
    "000016.SH": "query_sz50_stocks",
    "000905.SH": "query_zz500_stocks",
}
_INDUSTRY = "query_stock_industry"


class Snapshots:
    """Asks for lists of single days, and never twice for the same one."""

    def __init__(self, client: Client, known: Tables | None) -> None:
        self._client, self._known = client, known
        self._seen: dict[tuple[str, date], Snapshot] = {}

    def plan(self, request: PullRequest) -> list[Unit]:
        """List the indices and the industries that are wished for."""
        units = []
        unit = partial(Unit, start=request.start, end=request.end)
        if "industry" in request.tables:
            units.append(unit(query=_INDUSTRY, tables=("industry",)))
        if "index_members" in request.tables:
            units += [
                unit(query=_MEMBERS[code], tables=("index_members",), scope=code)
                for code in _MEMBERS
                if request.universe.index in ("", code)
            ]
        return units

    def fetch(self, unit: Unit) -> pl.DataFrame:
        """Give the spells that began or ended in the days of a unit."""
        states = snapshots(lambda day: self._ask(unit.query, day), unit.start, unit.end)
        if unit.query == _INDUSTRY:
            running = open_labels(self._known, SCHEME, unit.start)
            return spell_rows(spells(states, running), scheme=SCHEME)
        running = open_members(self._known, unit.scope, unit.start)
        return spell_rows(spells(states, running), index=unit.scope)

    def ever_members(self, request: PullRequest) -> set[str]:
        """Give all who were in the index of a request on some day of it."""
        index = request.universe.index
        if index not in _MEMBERS:
            known = ", ".join(_MEMBERS)
            raise ConfigError("--universe", f"baostock knows the members of {known} only")
        query = _MEMBERS[index]
        states = snapshots(lambda day: self._ask(query, day), request.start, request.end)
        return {asset for state in states for asset in state.labels}

    def _ask(self, query: str, day: date) -> Snapshot:
        if (query, day) in self._seen:
            return self._seen[query, day]
        industry = query == _INDUSTRY
        args = ("", str(day)) if industry else (str(day),)
        wanted = frames.INDUSTRY if industry else frames.MEMBERS
        rows = self._client.ask(query, *args, wanted=wanted)
        if rows.is_empty():
            raise VendorError(frames.NAME, query, f"an empty list for {day}", reach="moment")
        published = rows["updateDate"].max()
        labels = {}
        for row in rows.iter_rows(named=True):
            label = row["industry"] if industry else ""
            if label or not industry:
                labels[from_dotted(row["code"])] = label
        known = min(date.fromisoformat(str(published)), day)
        self._seen[query, day] = Snapshot(known=known, labels=labels)
        return self._seen[query, day]
