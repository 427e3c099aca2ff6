"""A line to baostock: what is asked for a wish, and how each answer is read and doubted.

Bars are asked by asset, or by day where that is fewer questions. An answer that lacks sessions is asked
again: the same rows a second time are a hole of the vendor, and noted; other rows mean that it came in
half.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from superhet.data.sources.baostock import frames
from superhet.data.sources.baostock.client import Client
from superhet.data.sources.baostock.snapshots import Snapshots
from superhet.data.sources.vendor import Access, Answer, PullRequest, Unit
from superhet.data.sources.vendor.codes import dotted
from superhet.data.sources.vendor.listing import FIRST_DAY, Spans, listings, wished_days
from superhet.data.sources.vendor.units import reported_quarters, years
from superhet.errors import VendorError

if TYPE_CHECKING:
    import polars as pl

_FIRST_MINUTE = date(2011, 1, 1)
_KLINES = "query_history_k_data_plus"
_ONE_DAY = "query_daily_history_k_AStock"
_INDICES = ("000001.SH", "000016.SH", "000300.SH", "000905.SH", "399001.SZ", "399006.SZ")
_REPORTING = timedelta(days=200)


class BaostockSession:
    """Plans and asks; see `superhet.data.sources.vendor.Session`."""

    def __init__(self, access: Access) -> None:
        self._client = Client(access)
        self._client.login()
        self._snapshots = Snapshots(self._client, access.known)
        self._complete = date.max  # until when answers must be whole

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def plan(self, request: PullRequest) -> list[Unit]:
        """List the questions, short tables first."""
        units: list[Unit] = []
        wanted = set(request.tables)
        self._complete = request.today - timedelta(days=1)
        whole = partial(Unit, start=FIRST_DAY, end=request.end, point=True, may_be_empty=False)
        if "calendar" in wanted:
            units.append(whole(query="query_trade_dates", tables=("calendar",)))
        if "securities" in wanted:
            units.append(whole(query="query_stock_basic", tables=("securities",)))
        units += self._snapshots.plan(request)
        if "index_bars" in wanted:
            units += self._index_units(request)
        bars = tuple(t for t in ("bars_1d", "daily") if t in wanted)
        assets = self._assets(request) if wanted - _WHOLE else {}
        if bars:
            units += self._bar_units(request, bars, assets)
        for asset, (start, end) in assets.items():
            units += self._asset_units(request, asset, start, end)
        return units

    def fetch(self, unit: Unit) -> Answer:
        """Ask one question."""
        table = unit.tables[0]
        if unit.query in (_KLINES, _ONE_DAY):
            return self._bars(unit)
        if unit.query in frames.RATIOS:
            return Answer(frames={table: self._ratios(unit)})
        if table in ("index_members", "industry"):
            return Answer(frames={table: self._snapshots.fetch(unit)})
        args, wanted = self._question(unit)
        rows = self._client.ask(unit.query, *args, wanted=wanted)
        return Answer(frames={table: _READERS[table](rows, unit.query)})

    def _question(self, unit: Unit) -> tuple[list[str], tuple[str, ...]]:
        code = dotted(unit.scope) if unit.scope else ""
        between = [str(unit.start), str(unit.end)]
        return {
            "calendar": (between, frames.TRADE_DATES),
            "securities": ([], frames.BASIC),
            "adjust_factors": ([code, *between], frames.FACTORS),
            "express_reports": ([code, *between], tuple(frames.EXPRESS.values())),
            "forecasts": ([code, *between], tuple(frames.FORECAST.values())),
        }[unit.tables[0]]

    def _index_units(self, request: PullRequest) -> list[Unit]:
        codes = dict.fromkeys([*_INDICES, request.universe.index or _INDICES[0]])
        unit = partial(Unit, query=_KLINES, tables=("index_bars",))
        return [
            unit(scope=code, start=request.start, end=request.end)
            for code in codes
            if not code.endswith(".CSI")
        ]

    def _bar_units(
        self, request: PullRequest, tables: tuple[str, ...], assets: dict[str, tuple[date, date]]
    ) -> list[Unit]:
        sessions = [d for d in self._sessions if request.start <= d <= request.end]
        if request.universe.assets or request.universe.index or len(assets) <= len(sessions):
            return [
                Unit(query=_KLINES, tables=tables, scope=asset, start=start, end=end)
                for asset, (start, end) in assets.items()
            ]
        return [Unit.of_day(_ONE_DAY, tables, day, request.today) for day in sessions]

    def _asset_units(self, request: PullRequest, asset: str, start: date, end: date) -> list[Unit]:
        units: list[Unit] = []

        def add(query: str, table: str, first: date) -> None:
            units.append(Unit(query=query, tables=(table,), scope=asset, start=first, end=end))

        for table in request.tables:
            if (
                table == "adjust_factors"
            ):  # all of them: the level at `start` is the product of those before
                add("query_adjust_factor", table, FIRST_DAY)
            elif table == "express_reports":
                add("query_performance_express_report", table, start)
            elif table == "forecasts":
                add("query_forecast_report", table, start)
            elif table.startswith("bars_") and table != "bars_1d":
                for first, last in years(max(start, _FIRST_MINUTE), end):
                    scope = f"{asset} {first.year}"
                    units.append(
                        Unit(query=_KLINES, tables=(table,), scope=scope, start=first, end=last)
                    )
            elif table == "statements":
                units += [
                    Unit(
                        query=next(iter(frames.RATIOS)),
                        tables=(table,),
                        scope=f"{asset} {quarter}",
                        start=quarter,
                        end=quarter,
                        point=True,
                        settled=quarter + _REPORTING,
                        filled_is_final=True,
                    )
                    for quarter in reported_quarters(start, end)
                ]
        return units

    def _bars(self, unit: Unit) -> Answer:
        rows = self._ask_bars(unit)
        notes: tuple[str, ...] = ()
        gap = self._gap(unit, rows)
        if gap:
            second = self._ask_bars(unit)
            if not second.equals(rows):
                gap = self._gap(unit, second)
                if gap:
                    raise VendorError(
                        frames.NAME, unit.query, f"half an answer: {gap}", reach="moment"
                    )
                rows = second
            else:
                notes = (f"baostock has gaps of its own: {gap}",)
        if unit.tables[0].endswith("min"):
            return Answer(frames={unit.tables[0]: frames.minutes(rows, unit.query)}, notes=notes)
        readers = {"bars_1d": frames.bars, "daily": frames.daily, "index_bars": frames.index_bars}
        given = {table: readers[table](rows, unit.query) for table in unit.tables}
        return Answer(frames=given, notes=notes)

    def _ask_bars(self, unit: Unit) -> pl.DataFrame:
        if unit.query == _ONE_DAY:
            return self._client.ask(_ONE_DAY, unit.scope, wanted=frames.DAILY)
        clock, wanted = "d", frames.DAILY
        if unit.tables == ("index_bars",):
            wanted = frames.INDEX
        elif unit.tables[0].endswith("min"):
            clock, wanted = unit.tables[0].removeprefix("bars_").removesuffix("min"), frames.MINUTE
        code, between = dotted(unit.scope.split()[0]), (str(unit.start), str(unit.end))
        return self._client.ask(
            _KLINES, code, ",".join(wanted), *between, clock, "3", wanted=wanted
        )

    def _gap(self, unit: Unit, rows: pl.DataFrame) -> str:
        """Say which sessions a daily answer lacks, or how many shares; "" if it is whole."""
        if unit.query == _ONE_DAY:
            day = unit.start
            listed = sum(start <= day <= end for start, end in self._listed.values())
            few = len(rows) < 0.9 * listed and not unit.may_be_empty
            return f"{len(rows)} of {listed} listed shares on {day}" if few else ""
        if "bars_1d" not in unit.tables and "daily" not in unit.tables:
            return ""
        start, end = self._listed.get(unit.scope, (unit.start, unit.end))
        there = set(rows["date"].to_list())
        lacking = [
            d
            for d in self._sessions
            if max(start, unit.start) <= d <= min(end, unit.end, self._complete)
            and str(d) not in there
        ]
        return f"{len(lacking)} sessions of {unit.scope} from {lacking[0]} on" if lacking else ""

    def _ratios(self, unit: Unit) -> pl.DataFrame:
        asset, quarter = unit.scope.split()
        of = [dotted(asset), quarter[:4], str((int(quarter[5:7]) + 2) // 3)]
        keys = ("code", "pubDate", "statDate")
        return frames.statements(
            {
                query: self._client.ask(query, *of, wanted=keys + tuple(columns.values()))
                for query, columns in frames.RATIOS.items()
            }
        )

    def _assets(self, request: PullRequest) -> dict[str, tuple[date, date]]:
        """Give the wished assets with the days of the request on which they were listed."""
        names: set[str] = set(request.universe.assets or self._listed)
        if request.universe.index:
            names = self._snapshots.ever_members(request)
        return wished_days(frames.NAME, request, names, self._listed)

    @cached_property
    def _listed(self) -> Spans:
        rows = self._client.ask("query_stock_basic", wanted=frames.BASIC)
        table = frames.securities(rows, "query_stock_basic")
        found = listings(table)
        if not found:
            raise VendorError(frames.NAME, "query_stock_basic", "an empty list", reach="moment")
        return found

    @cached_property
    def _sessions(self) -> list[date]:
        args = (str(FIRST_DAY), str(date.max))
        rows = self._client.ask("query_trade_dates", *args, wanted=frames.TRADE_DATES)
        return sorted(frames.calendar(rows, "query_trade_dates")["date"].to_list())


_WHOLE = {"calendar", "securities", "index_bars", "index_members", "industry"}
_READERS = {
    "calendar": frames.calendar,
    "securities": frames.securities,
    "adjust_factors": frames.adjust_factors,
    "express_reports": frames.express_reports,
    "forecasts": frames.forecasts,
}
