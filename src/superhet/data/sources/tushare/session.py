"""A line to tushare: what is asked for a wish, and how the answers are put together.

Daily tables are asked by asset, or by day where that is fewer questions. A part of the bars that the
account may not have (limit prices, suspensions, share counts) is left out with a note; the bars
themselves come.
"""

from __future__ import annotations

from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING

from superhet.data.sources.spells import open_members, spell_rows, spells
from superhet.data.sources.tushare import frames
from superhet.data.sources.tushare import statements as reports
from superhet.data.sources.tushare.client import NAME, Client
from superhet.data.sources.vendor import Access, Answer, PullRequest, Unit
from superhet.data.sources.vendor.listing import FIRST_DAY, Spans, listings, wished_days
from superhet.data.sources.vendor.releases import ASSUMED
from superhet.data.sources.vendor.units import years
from superhet.errors import ConfigError, VendorError

if TYPE_CHECKING:
    import polars as pl

_INDICES = ("000300.SH", "000905.SH", "000852.SH", "000016.SH")
_INDEX_BARS = ("000001.SH", "399001.SZ", "399006.SZ", *_INDICES)
_OPTIONAL = ("daily_basic", "stk_limit", "suspend_d")
_BY_ASSET = {"forecasts": "forecast", "express_reports": "express"}
_WHOLE = {
    "calendar": "trade_cal",
    "securities": "stock_basic",
    "status": "namechange",
    "industry": "index_member_all",
}


class TushareSession:
    """Plans and asks; see `superhet.data.sources.vendor.Session`."""

    def __init__(self, access: Access) -> None:
        self._client = Client(access)
        self._known = access.known
        self._refused: dict[str, str] = {}

    def close(self) -> None:
        """Hang up; there is no line that stays open."""

    def plan(self, request: PullRequest) -> list[Unit]:
        """List the questions, short tables first."""
        wanted = request.tables
        whole = partial(Unit, start=FIRST_DAY, end=request.end, point=True, may_be_empty=False)
        stretch = partial(Unit, start=request.start, end=request.end)
        units = [whole(query=_WHOLE[t], tables=(t,)) for t in wanted if t in _WHOLE]
        if "macro" in wanted:
            units += [whole(query=q, tables=("macro",)) for q in frames.MACRO]
        if "index_bars" in wanted:
            codes = dict.fromkeys([*_INDEX_BARS, request.universe.index or _INDEX_BARS[0]])
            units += [
                stretch(query="index_daily", tables=("index_bars",), scope=code) for code in codes
            ]
        weights = tuple(t for t in ("index_weights", "index_members") if t in wanted)
        if weights:
            codes = dict.fromkeys((request.universe.index,) if request.universe.index else _INDICES)
            units += [stretch(query="index_weight", tables=weights, scope=code) for code in codes]
        if set(wanted) & {"bars_1d", "daily", "adjust_factors", "statements", *_BY_ASSET}:
            units += self._asset_units(request)
        return units

    def fetch(self, unit: Unit) -> Answer:
        """Ask one question."""
        table = unit.tables[0]
        if unit.query == "daily":
            return self._bars(unit)
        if unit.query == "income":
            basis = {table: {"basis": reports.BASIS}}
            return Answer(frames={table: self._statements(unit)}, meta=basis)
        if unit.query == "index_weight":
            return self._weights(unit)
        if unit.query in frames.MACRO:
            month, series = frames.MACRO[unit.query]
            rows = self._client.ask(unit.query, (month, *series.values()))
            return Answer(
                frames={table: frames.macro(unit.query, rows)}, notes=(ASSUMED.format("1 to 16"),)
            )
        rows = self._rows(unit)
        readers = {"status": frames.status, "industry": frames.industry}
        if table in readers:
            return Answer(frames={table: readers[table](rows)})
        shaped = frames.shaped(unit.query, rows)
        if table == "calendar":
            shaped = frames.sessions(shaped)
        elif table == "adjust_factors":
            shaped = frames.changes_only(shaped)
        elif table in _BY_ASSET:
            key = ["asset", "report_date", "announce_date"]
            shaped = shaped.unique(key, keep="last", maintain_order=True)
        return Answer(frames={table: shaped})

    def _rows(self, unit: Unit) -> pl.DataFrame:
        import polars as pl

        query, wanted = unit.query, frames.wanted(unit.query)
        if query == "stock_basic":
            parts = [
                self._client.ask(query, wanted, exchange="", list_status=s) for s in ("L", "D", "P")
            ]
            return pl.concat([p for p in parts if len(p)] or parts[:1], how="vertical_relaxed")
        if query == "index_member_all":
            parts = [self._client.ask(query, wanted, is_new=new) for new in ("Y", "N")]
            return pl.concat([p for p in parts if len(p)] or parts[:1], how="vertical_relaxed")
        if query == "trade_cal":
            return self._client.ask(query, wanted, exchange="SSE", **_between(unit))
        if query == "namechange":
            return self._client.ask(query, wanted)
        return self._client.ask(query, wanted, **_of(unit))

    def _asset_units(self, request: PullRequest) -> list[Unit]:
        assets = self._assets(request)
        sessions = [d for d in self._sessions if request.start <= d <= request.end]
        narrow = bool(request.universe.assets or request.universe.index)
        by_day = not narrow and len(assets) > len(sessions)
        units: list[Unit] = []
        for query, tables in (
            ("daily", ("bars_1d", "daily")),
            ("adj_factor", ("adjust_factors",)),
        ):
            here = tuple(t for t in tables if t in request.tables)
            if here and by_day:
                units += [Unit.of_day(query, here, day, request.today) for day in sessions]
            elif here:
                for asset, (start, end) in assets.items():
                    first = start if query == "daily" else FIRST_DAY
                    units.append(Unit(query=query, tables=here, scope=asset, start=first, end=end))
        for asset, (start, end) in assets.items():
            if "statements" in request.tables:
                units.append(
                    Unit(
                        query="income",
                        tables=("statements",),
                        scope=asset,
                        start=FIRST_DAY,
                        end=request.end,
                        point=True,
                    )
                )
            units += [
                Unit(query=query, tables=(table,), scope=asset, start=start, end=end)
                for table, query in _BY_ASSET.items()
                if table in request.tables
            ]
        return units

    def _bars(self, unit: Unit) -> Answer:
        parts = {"daily": frames.shaped("daily", self._ask("daily", unit))}
        notes = []
        for query in _OPTIONAL:
            if unit.tables == ("daily",) and query != "daily_basic":
                continue
            if query not in self._refused:
                try:
                    parts[query] = frames.shaped(query, self._ask(query, unit))
                except VendorError as error:
                    if error.reach != "query":
                        raise
                    self._refused[query] = error.message
            if query in self._refused:
                notes.append(f"left out: {self._refused[query]}")
        if parts["daily"].is_empty() and unit.point and not unit.may_be_empty:
            return Answer(frames={})
        makers = {"bars_1d": frames.bars, "daily": frames.daily}
        return Answer(frames={t: makers[t](parts) for t in unit.tables}, notes=tuple(notes))

    def _ask(self, query: str, unit: Unit) -> pl.DataFrame:
        return self._client.ask(query, frames.wanted(query), **_of(unit))

    def _statements(self, unit: Unit) -> pl.DataFrame:
        import polars as pl

        parts = {}
        for query in reports.ITEMS:
            wanted = reports.wanted(query)
            answers = [
                self._client.ask(query, wanted, ts_code=unit.scope, report_type=kind)
                for kind in reports.REPORT_TYPES
            ]
            filled = [a for a in answers if len(a)] or answers[:1]
            parts[query] = pl.concat(filled, how="vertical_relaxed")
        return reports.statements(parts)

    def _weights(self, unit: Unit) -> Answer:
        weights = self._index_weights(unit.scope, unit.start, unit.end)
        given = {}
        if "index_weights" in unit.tables:
            given["index_weights"] = weights
        if "index_members" in unit.tables:
            running = open_members(self._known, unit.scope, unit.start)
            given["index_members"] = spell_rows(
                spells(frames.states(weights), running), index=unit.scope
            )
        return Answer(frames=given)

    def _index_weights(self, code: str, start: date, end: date) -> pl.DataFrame:
        import polars as pl

        parts = [
            self._client.ask(
                "index_weight",
                frames.wanted("index_weight"),
                index_code=code,
                start_date=f"{first:%Y%m%d}",
                end_date=f"{last:%Y%m%d}",
            )
            for first, last in years(start, end)
        ]
        rows = pl.concat([p for p in parts if len(p)] or parts[:1], how="vertical_relaxed")
        return frames.shaped("index_weight", rows).unique(
            ["index", "date", "asset"], keep="last", maintain_order=True
        )

    def _assets(self, request: PullRequest) -> dict[str, tuple[date, date]]:
        listed = self._listed
        names: set[str] = set(request.universe.assets or listed)
        if request.universe.index:
            weights = self._index_weights(request.universe.index, request.start, request.end)
            names = set(weights["asset"].to_list())
            if not names:
                raise ConfigError(
                    "--universe", f"{NAME} has no members of {request.universe.index} in these days"
                )
        return wished_days(NAME, request, names, listed)

    @cached_property
    def _listed(self) -> Spans:
        unit = Unit(query="stock_basic", tables=("securities",), start=FIRST_DAY, end=date.max)
        rows = frames.shaped("stock_basic", self._rows(unit))
        found = listings(rows)
        if not found:
            raise VendorError(NAME, "stock_basic", "an empty list of shares", reach="moment")
        return found

    @cached_property
    def _sessions(self) -> list[date]:
        unit = Unit(
            query="trade_cal", tables=("calendar",), start=FIRST_DAY, end=date(2099, 12, 31)
        )
        rows = frames.sessions(frames.shaped("trade_cal", self._rows(unit)))
        return sorted(rows["date"].to_list())


def _of(unit: Unit) -> dict[str, str]:
    """Give the parameters that name the asset and days of a unit, or its one day."""
    if unit.point:
        return {"trade_date": f"{unit.start:%Y%m%d}"}
    return {"ts_code": unit.scope, **_between(unit)}


def _between(unit: Unit) -> dict[str, str]:
    return {"start_date": f"{unit.start:%Y%m%d}", "end_date": f"{unit.end:%Y%m%d}"}
