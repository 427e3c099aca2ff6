"""From the tables of a store to a Market.

1. the axes: every security, and the sessions for which there are bars  -> axes.market_axes
2. raw bars onto the grid                                               -> fields.Bars
3. who is listed since when, on which board, under which status         -> listing.read_listing, _paint
4. daily fields, derived when asked for                                 -> fields.daily_cube
5. who takes part                                                       -> universe.build_universe
6. groups, intraday bars, events and the benchmark                      -> load_market

Prefix-stable: nothing on date *t* changes when rows known after *t* are changed or taken away. The asset
axis does not depend on the period as long as the store has a `securities` table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from superhet.data.axes import market_axes
from superhet.data.benchmark import build_benchmark
from superhet.data.calendar import TradingCalendar
from superhet.data.corporate_actions import adjust_factors
from superhet.data.derived import correct_age_by_trades, listing_age
from superhet.data.fields import Bars, Ingredients, daily_cube
from superhet.data.intraday import intraday_cube
from superhet.data.limits import BOARDS
from superhet.data.listing import Listing, read_listing
from superhet.data.pivot import Flags, Grid, Pivot, asset_positions, days, paint
from superhet.data.point_in_time import announced_events, macro_events, statement_events
from superhet.data.store.mapped import KeptPanels, kept_panels
from superhet.data.universe import UniverseRule, build_universe
from superhet.errors import ConfigError, DataError, UnknownName
from superhet.panel import Cube, Events, Market, Panel
from superhet.progress import Progress

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables

_SIZE_NAMES = {"amount_60": "average_amount_60"}


@dataclass(frozen=True, kw_only=True)
class MarketRequest:
    """What to load.

    Parameters
    ----------
    start, end : first and last session; None = all that the bars cover
    universe : the pool and the reasons that exclude
    industry : scheme of the industry classification ("sw1"); "" = none
    benchmark : index code, "cap_weighted" or "equal_weighted"; None = the universe's members weighted by
        float capitalisation, or equally where the data have no share counts
    intraday : frequencies of bars to load beside the daily ones ("15min")
    statements_known_at : "report_date" is a look-ahead on purpose, to measure its size
    size : the field that measures size; None = "market_cap". "amount_60" = `average_amount_60`, the mean
        amount of 60 sessions, for data without share counts
    """

    start: str | None = None
    end: str | None = None
    universe: UniverseRule = field(default_factory=UniverseRule)
    industry: str | None = "sw1"
    benchmark: str | None = None
    intraday: tuple[str, ...] = ()
    statements_known_at: Literal["announce_date", "report_date"] = "announce_date"
    size: str | None = None


def load_market(
    tables: Tables, request: MarketRequest | None = None, progress: Progress | None = None
) -> Market:
    """Load a Market.

    Parameters
    ----------
    tables : a store, or frames in memory; needs at least `bars_1d`
    request : what to load; None = everything, with the default universe
    progress : called as (done, total, what) while daily bars are read

    Raises
    ------
    DataError
        if the tables contradict each other (a bar on no session, an unknown asset, a duplicate)
    ConfigError, UnknownName
        if the request names what the store does not have
    EmptyUniverse
        if the rules leave nobody on any date
    """
    request = request or MarketRequest()
    calendar, grid = market_axes(tables, request.start, request.end)
    listing = read_listing(tables, grid)
    status = _intervals(tables, "status")
    kept = kept_panels(tables, grid, bool(request.start or request.end))
    parts = _ingredients(_bars(tables, grid, kept, progress), listing, status, calendar)
    fields = daily_cube(tables, parts, kept.fields.keep if kept and kept.is_whole else None)
    size = _size(request.size, fields)
    members = _members(tables, grid, request, parts.listed)
    member = Panel(
        values=members[""], dates=grid.dates, assets=grid.assets, name="member", unit="flag"
    )
    return Market(
        fields=fields,
        universe=build_universe(request.universe, fields, member, _delisting(status, grid)),
        group_panels=_groups(tables, grid, listing, request.industry),
        intraday_cubes={
            f: intraday_cube(tables, f, grid.dates, grid.assets) for f in request.intraday
        },
        events=_events(tables, grid, calendar, request),
        benchmark=build_benchmark(tables, request.benchmark, grid, fields, members),
        size=size,
        snapshot=tables.snapshot,
    )


def _bars(tables: Tables, grid: Grid, kept: KeptPanels | None, progress: Progress | None) -> Bars:
    """Read the daily bars, from the panels that the store keeps of them if it can."""
    pivot = Pivot(tables, "bars_1d", grid, progress)
    factors = None if "adjust_factor" in pivot.columns else adjust_factors(tables, grid)
    if kept is None or kept.is_whole:
        return Bars(pivot, kept.bars.keep if kept else None, factors)
    whole = Bars(Pivot(tables, "bars_1d", kept.grid, progress), kept.bars.keep)

    def cut(name: str, make: Callable[[], Any]) -> Any:
        try:
            return whole.row_by_row(name)[kept.rows]
        except DataError:  # in rows outside the period
            return make()

    return Bars(pivot, cut, factors)


def _ingredients(
    bars: Bars, listing: Listing, status: pl.DataFrame | None, calendar: TradingCalendar
) -> Ingredients:
    """Join what the daily fields are made of; what trades is listed, whatever the dates say."""
    grid = bars.grid
    age = listing_age(calendar, grid.dates, listing.listed_on, listing.delisted_on)
    return Ingredients(
        grid=grid,
        bars=bars,
        age=correct_age_by_trades(age, bars.traded, grid.dates, listing.delisted_on),
        is_st=_special(bars, status),
        board=listing.board,
        listed_on=listing.listed_on,
    )


def _special(bars: Bars, status: pl.DataFrame | None) -> Flags:
    """Flag special treatment, [dates, assets]: as the bars say, or where they do not, as `status` does."""
    painted = _paint_flags(status, bars.grid, None if status is None else status["is_st"])
    said = bars.said("is_st")
    return painted if said is None else np.where(np.isnan(said), painted, said == 1)


def _delisting(status: pl.DataFrame | None, grid: Grid) -> Flags:
    """Flag the names that the exchange has marked with 退, [dates, assets]."""
    if status is None or "name" not in status.columns:
        return _paint_flags(None, grid, None)
    return _paint_flags(status, grid, status["name"].str.contains("退"))


def _intervals(tables: Tables, table: str) -> pl.DataFrame | None:
    return tables.read(table) if table in tables.names() else None


def _paint_flags(frame: pl.DataFrame | None, grid: Grid, values: pl.Series | None) -> Flags:
    """Lay flags that hold from `start_date` to before `end_date` over the grid."""
    if frame is None or values is None:
        return np.zeros(grid.shape, dtype=bool)
    flags = values.fill_null(False).to_numpy().astype(bool)
    return _paint(frame, grid, flags)


def _paint(frame: pl.DataFrame, grid: Grid, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    start = days(frame["start_date"])
    none = np.full(start.size, np.datetime64("NaT"), dtype="datetime64[D]")
    end = days(frame["end_date"]) if "end_date" in frame.columns else none
    return paint(grid, asset_positions(frame["asset"], grid.assets), start, end, values)


def _members(tables: Tables, grid: Grid, request: MarketRequest, listed: Flags) -> dict[str, Flags]:
    """Give the listed members of the universe (under "") and of the benchmark's index."""
    out: dict[str, Flags] = {}
    frame = _intervals(tables, "index_members")
    codes = set() if frame is None else set(frame["index"].unique().to_list())
    for code in (request.universe.index, request.benchmark):
        if frame is not None and code in codes and code is not None:
            rows = frame.filter(frame["index"] == code)
            out[code] = _paint(rows, grid, np.ones(rows.height, dtype=bool)) & listed
    if request.universe.index == "all":
        return {**out, "": listed}
    if request.universe.index not in out:
        raise UnknownName("index", request.universe.index, codes | {"all"}, "market.universe.index")
    return {**out, "": out[request.universe.index]}


def _groups(tables: Tables, grid: Grid, listing: Listing, scheme: str | None) -> dict[str, Panel]:
    """Give `board`, and `industry` as it was known on each date."""
    board = np.broadcast_to(listing.board.astype(np.int32), grid.shape)
    out = {"board": _group(board, BOARDS, "board", grid)}
    if not scheme:
        return out
    frame = _intervals(tables, "industry")
    schemes = [] if frame is None else frame["scheme"].unique().to_list()
    if frame is None or scheme not in schemes:
        raise UnknownName("industry scheme", scheme, schemes, "market.industry")
    # codes count industries in the order in which they first appear, so that one that comes up
    # later never renumbers the earlier ones
    frame = frame.filter(
        (frame["scheme"] == scheme) & (frame["start_date"] <= grid.dates.values[-1].item())
    )
    frame = frame.sort("start_date", "industry", "asset")
    labels = frame["industry"].unique(maintain_order=True).to_list()
    code = {label: k for k, label in enumerate(labels)}
    codes = np.array([code[i] for i in frame["industry"].to_list()], dtype=np.int32)
    return out | {"industry": _group(_paint(frame, grid, codes), labels, "industry", grid)}


def _group(codes: npt.NDArray[Any], labels: Sequence[str], name: str, grid: Grid) -> Panel:
    return Panel(
        values=codes,
        dates=grid.dates,
        assets=grid.assets,
        name=name,
        unit="group",
        labels=tuple(labels),
    )


def _events(
    tables: Tables, grid: Grid, calendar: TradingCalendar, request: MarketRequest
) -> dict[str, Events]:
    out: dict[str, Events] = {}
    last = np.datetime64(grid.dates.values[-1])
    if "statements" in tables.names():
        out["statements"] = statement_events(
            tables, grid.assets, calendar, last, request.statements_known_at
        )
    for name in ("forecasts", "express_reports", "estimates"):
        if name in tables.names():
            out[name] = announced_events(tables, name, grid.assets, calendar, last)
    if "macro" in tables.names():
        out["macro"] = macro_events(tables, calendar, last)
    return out


def _size(wanted: str | None, fields: Cube) -> str:
    """Find the field that measures size."""
    name = _SIZE_NAMES.get(wanted or "market_cap", wanted or "market_cap")
    if name in fields:
        return name
    if wanted is None or wanted in {"market_cap", "float_cap"}:
        raise ConfigError(
            "market.size",
            f"{name} is not known: bars_1d has no share counts (total_shares, float_shares). "
            "Import them, or write `size: amount_60` to measure size by the mean amount traded in "
            "60 sessions.",
        )
    raise UnknownName("field", wanted, {*fields, *_SIZE_NAMES}, "market.size")
