"""Places for a store, and frames to put into it, that several tests share."""

from __future__ import annotations

import uuid
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from superhet.data.durable import TEMPORARY
from superhet.data.store import Store
from superhet.data.store.lock import LOCK_FILE
from superhet.data.store.places import Place, place_of

PLACES = ["folder", "memory", "local"]
"""A folder; fsspec's memory; fsspec's view of a folder, which has neither whole puts nor locks."""


def home_in(kind: str, folder: Path) -> str:
    """Name a place for a store that nothing is in yet."""
    if kind == "memory":
        return f"memory://{uuid.uuid4().hex}/store"
    return f"local://{folder}/store" if kind == "local" else str(folder / "store")


def place(store: Store) -> Place:
    return place_of(store.location)


def files(store: Store) -> set[str]:
    """Name all files of a store but its lock."""
    there = place(store)
    found = {f for d in ("", "manifests") for f in there.files(d)}
    return (found | set(there.files("parts", deep=True))) - {LOCK_FILE}


def parts(store: Store, table: str = "bars_1d") -> list[str]:
    return [f for f in place(store).files("parts", deep=True) if f"/{table}/" in f]


def half_written(store: Store) -> list[str]:
    return [f for f in files(store) if TEMPORARY in f]


def flip(store: Store, name: str) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(place(store).read(name))
    content[len(content) // 3] ^= 1
    place(store).put(name, bytes(content))


def bars(years=(2019, 2020), assets=3, price=10.0) -> pl.DataFrame:
    """Bars from January 1st to February 9th of some years: 40 days each."""
    days = pl.concat(
        [pl.date_range(date(y, 1, 1), date(y, 2, 9), "1d", eager=True).alias("date") for y in years]
    )
    return bars_of(days, assets, price)


def bars_of(days: pl.Series, assets: int = 3, price: float = 10.0) -> pl.DataFrame:
    frame = pl.DataFrame({"date": days}).join(
        pl.DataFrame({"asset": [f"{i:06d}.SZ" for i in range(assets)]}), how="cross"
    )
    rng = np.random.default_rng(1)
    close = price * np.exp(0.01 * rng.standard_normal(frame.height))
    return frame.with_columns(
        open=pl.Series(close), high=pl.Series(close * 1.01), low=pl.Series(close * 0.99),
        close=pl.Series(close), volume=pl.lit(100.0),
    )  # fmt: skip


def bars_on(day: date, volume: float = 100.0) -> pl.DataFrame:
    """Bars of one day."""
    return bars_of(pl.Series("date", [day])).with_columns(volume=pl.lit(volume))
