"""A line to akshare: what is asked for a wish, and which page answers."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from superhet.data.sources.akshare import listing, reports
from superhet.data.sources.akshare.client import NAME, Client
from superhet.data.sources.akshare.prices import Prices
from superhet.data.sources.spells import open_members, spell_rows, spells
from superhet.data.sources.vendor import Access, Answer, PullRequest, Unit
from superhet.data.sources.vendor.listing import FIRST_DAY, listings, wished_days
from superhet.data.sources.vendor.releases import ASSUMED
from superhet.data.sources.vendor.units import quarter_ends, reported_quarters
from superhet.errors import VendorError

if TYPE_CHECKING:
    import polars as pl

_FIRST_QUARTER = date(2010, 3, 31)
_REPORTING = timedelta(days=200)
_INDICES = ("000300.SH", "000905.SH", "000852.SH", "000016.SH")
_INDEX_BARS = ("000001.SH", "399001.SZ", "399006.SZ", *_INDICES)
_QUARTERLY = {
    "statements": "stock_lrb_em",
    "forecasts": "stock_yjyg_em",
    "express_reports": "stock_yjkb_em",
}


class AkshareSession:
    """Plans and asks; see `superhet.data.sources.vendor.Session`."""

    def __init__(self, access: Access) -> None:
        self._client = Client(access)
        self._prices = Prices(self._client)
        self._known = access.known

    def close(self) -> None:
        """Hang up; there is no line that stays open."""

    def plan(self, request: PullRequest) -> list[Unit]:
        """List the questions, short tables first."""
        wanted = set(request.tables)
        whole = partial(Unit, start=FIRST_DAY, end=request.end, point=True)
        units = [
            whole(query=query, tables=(table,), may_be_empty=False)
            for table, query in (
                ("calendar", "tool_trade_date_hist_sina"),
                ("securities", "stock_info"),
                ("industry", "stock_industry_clf_hist_sw"),
            )
            if table in wanted
        ]
        if "macro" in wanted:
            units += [whole(query=q, tables=("macro",), may_be_empty=False) for q in reports.MACRO]
        codes = (request.universe.index,) if request.universe.index else _INDICES
        for table, query in (
            ("index_members", "index_stock_cons_csindex"),
            ("index_weights", "index_stock_cons_weight_csindex"),
        ):
            if table in wanted:
                units += [
                    whole(query=query, tables=(table,), scope=c, may_be_empty=False) for c in codes
                ]
        if "index_bars" in wanted:
            units += [
                Unit(
                    query="stock_zh_index_daily_em",
                    tables=("index_bars",),
                    scope=code,
                    start=request.start,
                    end=request.end,
                )
                for code in dict.fromkeys((*_INDEX_BARS, *codes))
            ]
        return units + self._quarter_units(request) + self._asset_units(request)

    def fetch(self, unit: Unit) -> Answer:
        """Ask one question."""
        table = unit.tables[0]
        if table in ("bars_1d", "daily"):
            return self._bars(unit)
        if table.startswith("bars_"):
            asset, minutes = unit.scope, int(table.removeprefix("bars_").removesuffix("min"))
            rows, notes = self._prices.minutes(asset, minutes, unit.start, unit.end)
            return Answer(frames={table: rows}, notes=tuple(notes))
        if table == "macro":
            rows = reports.macro(self._client, unit.query)
            return Answer(frames={table: rows}, notes=(ASSUMED.format("1 to 16"),))
        if table == "industry":
            rows, notes = listing.industry(self._client)
            return Answer(frames={table: rows}, notes=tuple(notes))
        if table in _QUARTERLY:
            return self._quarter(unit)
        return Answer(frames={table: self._simple(unit)})

    def _simple(self, unit: Unit) -> pl.DataFrame:
        table = unit.tables[0]
        if table == "adjust_factors":
            return self._prices.factors(unit.scope, unit.end)
        if table == "calendar":
            return listing.sessions(self._client)
        if table == "securities":
            return self._securities
        if table == "index_weights":
            return listing.weights(self._client, unit.scope)
        if table == "index_bars":
            return listing.index_bars(self._client, unit.scope, unit.start, unit.end)
        state = listing.members(self._client, unit.scope)
        running = open_members(self._known, unit.scope, state.known)
        return spell_rows(spells([state], running), index=unit.scope)

    def _quarter_units(self, request: PullRequest) -> list[Unit]:
        whom = f" of {request.universe.label}" if request.universe.label != "all" else ""
        self._wished = set(request.universe.assets)
        if request.universe.index and set(request.tables) & set(_QUARTERLY):
            self._wished = set(listing.members(self._client, request.universe.index).labels)
        units = []
        for table, query in _QUARTERLY.items():
            if table not in request.tables:
                continue
            quarters = reported_quarters(request.start, request.end)
            if table != "statements":  # a forecast comes before the quarter has ended
                quarters += quarter_ends(request.end, request.end + timedelta(days=91))
            units += [
                Unit(
                    query=query,
                    tables=(table,),
                    scope=f"{quarter}{whom}",
                    start=quarter,
                    end=quarter,
                    point=True,
                    settled=quarter + _REPORTING,
                )
                for quarter in dict.fromkeys(quarters)
                if quarter >= _FIRST_QUARTER
            ]
        return units

    def _asset_units(self, request: PullRequest) -> list[Unit]:
        bars = tuple(t for t in ("bars_1d", "daily") if t in request.tables)
        minutes = [t for t in request.tables if t.startswith("bars_") and t != "bars_1d"]
        factors = "adjust_factors" in request.tables
        units: list[Unit] = []
        wished = bars or minutes or factors
        for asset, (start, end) in (self._assets(request) if wished else {}).items():
            of = partial(Unit, scope=asset, start=start, end=end)
            if bars:
                units.append(of(query="bars", tables=bars))
            units += [of(query="minute bars", tables=(table,)) for table in minutes]
            if factors:
                units.append(
                    Unit(
                        query="stock_zh_a_daily",
                        tables=("adjust_factors",),
                        scope=asset,
                        start=FIRST_DAY,
                        end=end,
                    )
                )
        return units

    def _bars(self, unit: Unit) -> Answer:
        import polars as pl

        rows, notes = self._prices.bars(unit.scope, unit.start, unit.end)
        try:
            values = self._prices.values(unit.scope)
        except VendorError as error:
            notes.append(f"without share counts and valuation: {error.message}")
            values = None
        rows = rows.with_columns(pl.lit(unit.scope).alias("asset"))
        shares = [c for c in ("float_shares",) if c in rows.columns]
        given = {}
        if "bars_1d" in unit.tables:
            bars = rows.select(
                "date", "asset", "open", "high", "low", "close", "volume", "amount", *shares
            )
            if values is not None and len(values):
                counted = values.select(
                    "date", "total_shares", pl.col("float_shares").alias("_float")
                )
                bars = bars.join(counted, on="date", how="left").with_columns(
                    float_shares=pl.coalesce("_float", *shares)
                ).drop("_float")  # fmt: skip
            given["bars_1d"] = bars
        if "daily" in unit.tables:
            own = [c for c in ("turnover_rate",) if c in rows.columns]
            daily = rows.select("date", "asset", *own)
            if values is not None and len(values):
                ratios = values.drop("total_shares", "float_shares")
                daily = daily.join(ratios, on="date", how="left")
            given["daily"] = daily
        return Answer(frames=given, notes=tuple(notes))

    def _quarter(self, unit: Unit) -> Answer:
        import polars as pl

        notes: list[str] = []
        basis = {}
        if unit.tables == ("statements",):
            rows, notes = reports.statements(self._client, unit.start)
            basis = {"statements": {"basis": reports.BASIS}}
        elif unit.tables == ("forecasts",):
            rows = reports.forecasts(self._client, unit.start)
        else:
            rows = reports.express_reports(self._client, unit.start)
        if self._wished:
            rows = rows.filter(pl.col("asset").is_in(sorted(self._wished)))
        return Answer(frames={unit.tables[0]: rows}, notes=tuple(notes), meta=basis)

    def _assets(self, request: PullRequest) -> dict[str, tuple[date, date]]:
        listed = listings(self._securities)
        names = set(request.universe.assets or listed)
        if request.universe.index:
            names = set(listing.members(self._client, request.universe.index).labels)
        return wished_days(NAME, request, names, listed)

    @cached_property
    def _securities(self) -> pl.DataFrame:
        return listing.securities(self._client)
