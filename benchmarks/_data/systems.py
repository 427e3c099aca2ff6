"""What each system does with the store: a name -> what is timed, and what it gave to be compared."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from benchmarks._data.make import FIELDS

REPEATS = 3  # as often as a short work is timed

Work: TypeAlias = Callable[[], Any]
ALL, FIRST, ONE, DAY, JOIN = (
    "load eight fields",
    "load eight fields, first time after a write",
    "load one field",
    "append one day",
    "as-of join of 40 quarters onto the days",
)


def ours(folder: Path) -> dict[str, Work]:
    """Give the works of superhet."""
    from superhet.data import MarketRequest, Store, load_market

    request = MarketRequest(industry="", size="amount_60")
    where = folder / "store"

    def load(fields: tuple[str, ...]) -> dict[str, Any]:
        market = load_market(Store.open(where), request)
        return {n: touched(market[n].values) for n in fields}

    def first() -> dict[str, Any]:
        shutil.rmtree(where / "derived", ignore_errors=True)
        return load(FIELDS)

    day = pl.read_parquet(folder / "day.parquet")
    copies = [folder / f"grown-{i}" for i in range(REPEATS)]
    for copy in copies:  # no file of a store is ever changed, so links are copies
        shutil.copytree(where, copy, copy_function=os.link)

    def append() -> None:
        Store.open(copies.pop()).write({"bars_1d": day}, "upsert")

    return {
        FIRST: first,
        ALL: lambda: load(FIELDS),
        ONE: lambda: load(("close",)),
        JOIN: lambda: _our_join(where),
        DAY: append,
    }


def touched(values: Any) -> Any:
    """Read every byte, so that a mapped array is really there."""
    values.view(np.uint64).sum()
    return values


def _our_join(where: Path) -> Any:
    from superhet.data import Store
    from superhet.data.calendar import TradingCalendar
    from superhet.data.point_in_time import statement_events
    from superhet.kernels.announcements import Placement
    from superhet.kernels.point_in_time import StateIndex
    from superhet.panel import Assets

    store = Store.open(where)
    calendar = TradingCalendar.from_tables(store)
    assets = Assets(sorted(store.read("securities", columns=["asset"])["asset"].to_list()))
    events = statement_events(store, assets, calendar, calendar.last)
    states = StateIndex.build(
        events["asset"], events.known_at, events["report_date"], events["revision"]
    )
    newest = states.history(events["profit"], 1)[:, 0]
    placed = Placement.of(states, calendar.sessions, len(assets))
    return placed.carried(newest, slice(None), slice(None))


def bytes_only(folder: Path) -> dict[str, Work]:
    """Read the bytes that a load must read, and do nothing with them."""
    files = sorted((folder / "store" / "derived").glob("*/*.npy"))
    wanted = {n: next(f for f in files if f.stem == n) for n in FIELDS}

    def read(names: tuple[str, ...]) -> None:
        for name in names:
            buffer = np.empty(wanted[name].stat().st_size // 8, dtype=np.uint64)
            with wanted[name].open("rb") as file:
                file.readinto(memoryview(buffer).cast("B"))
            buffer.sum()

    return {ALL: lambda: read(FIELDS), ONE: lambda: read(("close",))}


def by_polars(folder: Path) -> dict[str, Work]:
    """Read the same Parquet files with polars; scatter into panels; `join_asof`."""
    bars = str(folder / "store" / "parts" / "bars_1d" / "*.parquet")

    def load(fields: tuple[str, ...]) -> dict[str, Any]:
        frame = pl.scan_parquet(bars).select("date", "asset", *fields).collect()
        return scattered({c: frame[c].to_numpy() for c in frame.columns})

    def join() -> Any:
        told, grid = _told(folder), _grid(folder)
        found = grid.join_asof(
            told, left_on="date", right_on="announce_date", by="asset",
            allow_exact_matches=False, check_sortedness=False,
        )  # fmt: skip
        return _square(found.sort("date", "asset"))

    return {FIRST: lambda: load(FIELDS), ONE: lambda: load(("close",)), JOIN: join}


def by_duckdb(folder: Path) -> dict[str, Work]:
    """Read the same Parquet files with DuckDB; scatter into panels; `ASOF JOIN`."""
    import duckdb

    bars = str(folder / "store" / "parts" / "bars_1d" / "*.parquet")

    def load(fields: tuple[str, ...]) -> dict[str, Any]:
        with duckdb.connect(config={"threads": 1}) as session:
            names = ", ".join(("date", "asset", *fields))
            return scattered(session.sql(f"select {names} from '{bars}'").fetchnumpy())

    def join() -> Any:
        told, grid = _told(folder), _grid(folder)
        with duckdb.connect(config={"threads": 1}) as session:
            session.register("told", told)
            session.register("grid", grid)
            found = session.sql(
                "select g.date, g.asset, t.profit from grid g asof left join told t "
                "on g.asset = t.asset and g.date > t.announce_date order by g.date, g.asset"
            ).pl()
        return _square(found)

    return {FIRST: lambda: load(FIELDS), ONE: lambda: load(("close",)), JOIN: join}


def scattered(columns: dict[str, Any]) -> dict[str, Any]:
    """Lay long columns out as panels, [dates, assets]."""
    dates, rows = np.unique(columns["date"], return_inverse=True)
    assets, places = np.unique(columns["asset"].astype("U9"), return_inverse=True)
    out = {}
    for name, values in columns.items():
        if name not in ("date", "asset"):
            out[name] = np.full((dates.size, assets.size), np.nan)
            out[name][rows, places] = values
    return out


def _told(folder: Path) -> pl.DataFrame:
    parts = str(folder / "store" / "parts" / "statements" / "*.parquet")
    return pl.read_parquet(parts).select("asset", "announce_date", "profit").sort("announce_date")


def _grid(folder: Path) -> pl.DataFrame:
    tables = folder / "store" / "parts"
    days = pl.read_parquet(str(tables / "calendar" / "*.parquet")).select("date")
    names = pl.read_parquet(str(tables / "securities" / "*.parquet")).select("asset")
    return days.sort("date").join(names.sort("asset"), how="cross", maintain_order="left")


def _square(found: pl.DataFrame) -> Any:
    values = found["profit"].cast(pl.Float64).to_numpy()
    return values.reshape(found["date"].n_unique(), -1)


SYSTEMS = {"superhet": ours, "read()": bytes_only, "polars": by_polars, "duckdb": by_duckdb}
