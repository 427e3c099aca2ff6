"""From the tables of a store to a Market.

1. the axes: every security, and the sessions for which there are bars  -> axes.market_axes
2. raw bars onto the grid                                               -> fields.Bars
3. who is listed since when, on which board, under which status         -> listing.read_listing, _paint
4. daily fields, derived when asked for                                 -> fields.daily_cube
5. who takes part                                                       -> universe.build_universe
6. groups, intraday bars, events and the benchmark                      -> load_market

Of a store's present state all of it but the axes is mapped where it was made before, and statements are read
when first asked for.

Prefix-stable: nothing on date *t* changes when rows known after *t* are changed or taken away. The asset
axis does not depend on the period as long as the store has a `securities` table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from superhet.data.axes import market_axes
from superhet.data.benchmark import build_benchmark
from superhet.data.calendar import TradingCalendar
from superhet.data.corporate_actions import action_events, adjust_factors
from superhet.data.derived import correct_age_by_trades, listing_age
from superhet.data.fields import Bars, Ingredients, Keep, as_made, daily_cube
from superhet.data.intraday import intraday_cube
from superhet.data.limits import BOARDS
from superhet.data.listing import Listing, find_first_bars, read_listing
from superhet.data.pivot import Flags, Grid, Pivot, asset_positions, days, paint
from superhet.data.point_in_time import (
    announced_events,
    macro_events,
    rate_events,
    statement_events,
)
from superhet.data.store.mapped import KeptPanels, Mapped, kept_panels, mapped_bars
from superhet.data.universe import Facts, UniverseRule, build_universe
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
    mapped = mapped_bars(tables)
    calendar, grid = market_axes(tables, request.start, request.end, mapped)
    kept = _kept(tables, request, grid, mapped)
    keep = kept.market.keep if kept and kept.is_whole else as_made
    find_status = cache(partial(_intervals, tables, "status"))
    parts = _ingredients(tables, calendar, _bars(tables, grid, kept, progress), find_status, kept)
    fields = daily_cube(tables, parts, kept.fields.keep if kept and kept.is_whole else None)
    size = _size(request.size, fields)
    age = keep("age", lambda: parts.age)
    members = _members(tables, grid, request, age >= 0)
    facts = Facts(
        fields=fields,
        age=age,
        member=Panel(
            values=members[""], dates=grid.dates, assets=grid.assets, name="member", unit="flag"
        ),
        find_delisting=lambda: _delisting(find_status(), grid),
        keep=keep,
    )
    pool = (request.universe.index, request.benchmark or "")
    return Market(
        fields=fields,
        universe=build_universe(request.universe, facts),
        group_panels=_groups(tables, parts, request.industry, keep),
        intraday_cubes={
            f: intraday_cube(tables, f, grid.dates, grid.assets) for f in request.intraday
        },
        events=_events(tables, grid, calendar, request),
        benchmark=build_benchmark(
            tables, request.benchmark, grid, fields, members, _named(keep, *pool)
        ),
        size=size,
        snapshot=tables.snapshot,
    )


def _kept(
    tables: Tables, request: MarketRequest, grid: Grid, mapped: Mapped | None
) -> KeptPanels | None:
    """Find the panels that the store keeps, on its own axes."""
    whole = grid
    if mapped is not None and mapped.writable and (request.start or request.end):
        try:
            whole = market_axes(tables, None, None, mapped)[1]
        except DataError:  # in rows outside the period
            return None
    return kept_panels(tables, mapped, grid, whole)


def _named(keep: Keep, *of: str) -> Keep:
    """Keep things under names that also tell what else they depend on."""
    digest = hashlib.blake2b("\0".join(of).encode(), digest_size=8).hexdigest()
    return lambda name, make: keep(f"{name}-{digest}", make)


def _bars(tables: Tables, grid: Grid, kept: KeptPanels | None, progress: Progress | None) -> Bars:
    """Read the daily bars, from the panels that the store keeps of them if it can."""
    pivot = Pivot(tables, "bars_1d", grid, progress)
    factors = partial(adjust_factors, tables, grid)
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
    tables: Tables,
    calendar: TradingCalendar,
    bars: Bars,
    find_status: Callable[[], pl.DataFrame | None],
    kept: KeptPanels | None,
) -> Ingredients:
    """Join what the daily fields are made of; what trades is listed, whatever the dates say."""
    grid = bars.grid

    find_first = partial(find_first_bars, tables, grid.assets)
    first_bars = partial(kept.bars.keep, "first_bars", find_first) if kept else None

    @cache
    def find_listing() -> Listing:
        return read_listing(tables, grid, first_bars)

    def find_age() -> Any:
        listing = find_listing()
        age = listing_age(calendar, grid.dates, listing.listed_on, listing.delisted_on)
        return correct_age_by_trades(age, bars.traded, grid.dates, listing.delisted_on)

    return Ingredients(
        grid=grid,
        bars=bars,
        find_age=find_age,
        find_special=lambda: _special(bars, find_status()),
        find_listing=find_listing,
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


def _groups(tables: Tables, parts: Ingredients, scheme: str | None, keep: Keep) -> dict[str, Panel]:
    """Give `board`, and `industry` as it was known on each date."""
    grid = parts.grid

    def boards() -> Any:
        return np.broadcast_to(parts.listing.board.astype(np.int32), grid.shape)

    out = {"board": _group(keep("board", boards), BOARDS, "board", grid)}
    if not scheme:
        return out
    frame = _intervals(tables, "industry")
    schemes = [] if frame is None else frame["scheme"].unique().to_list()
    if frame is None or scheme not in schemes:
        raise UnknownName("industry scheme", scheme, schemes, "market.industry")
    # codes count industries in the order in which they first appear, so that one that comes up
    # later never renumbers the earlier ones
    rows = frame.filter(
        (frame["scheme"] == scheme) & (frame["start_date"] <= grid.dates.values[-1].item())
    )
    rows = rows.sort("start_date", "industry", "asset")
    labels = rows["industry"].unique(maintain_order=True).to_list()

    def industries() -> Any:
        code = {label: k for k, label in enumerate(labels)}
        codes = np.array([code[i] for i in rows["industry"].to_list()], dtype=np.int32)
        return _paint(rows, grid, codes)

    codes = _named(keep, scheme)("industry", industries)
    return out | {"industry": _group(codes, labels, "industry", grid)}


def _group(codes: npt.NDArray[Any], labels: Sequence[str], name: str, grid: Grid) -> Panel:
    return Panel(
        values=codes,
        dates=grid.dates,
        assets=grid.assets,
        name=name,
        unit="group",
        labels=tuple(labels),
    )


class LazyEvents(Mapping[str, Events]):
    """Tables of events by name, each read when first asked for.

    Parameters
    ----------
    readers : name -> what reads it
    """

    def __init__(self, readers: Mapping[str, Callable[[], Events]]) -> None:
        self._readers = {name: cache(read) for name, read in readers.items()}

    def __getitem__(self, name: str) -> Events:
        return self._readers[name]()

    def __contains__(self, name: object) -> bool:
        return name in self._readers  # Mapping would read the table to find out

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)


def _events(
    tables: Tables, grid: Grid, calendar: TradingCalendar, request: MarketRequest
) -> LazyEvents:
    last = np.datetime64(grid.dates.values[-1])
    of = (grid.assets, calendar, last)
    readers: dict[str, Callable[[], Events]] = {
        "statements": partial(statement_events, tables, *of, request.statements_known_at),
        **{
            name: partial(announced_events, tables, name, *of)
            for name in ("forecasts", "express_reports", "estimates")
        },
        "macro": partial(macro_events, tables, calendar, last),
        "risk_free": partial(rate_events, tables, calendar, last),
        "corporate_actions": partial(action_events, tables, *of),
    }
    there = set(tables.names())
    return LazyEvents({name: read for name, read in readers.items() if name in there})


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
