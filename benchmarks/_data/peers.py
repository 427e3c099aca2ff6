"""What the peers in environments of their own read, and how Qlib's answers are held against ours."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks._data.make import FIELDS
from benchmarks._data.systems import ALL, DAY, JOIN, ONE
from benchmarks._harness import OURS, Disagreement

OUTSIDE = {"qlib": "qlib_pit.py", "arcticdb": "arctic_panels.py"}
PIT_ASSETS = 4  # as many as take Qlib some seconds


def prepare(folder: Path) -> None:
    """Write panels, one more day and point-in-time files, all from the store that the others read."""
    from superhet.data import Store
    from superhet.data.axes import market_axes

    store = Store.open(folder / "store")
    grid = market_axes(store, None, None)[1]
    os.link(folder / f"{OURS} {ALL}.npz", folder / "panels.npz")
    np.savez(folder / "axes.npz", dates=grid.dates.days, assets=np.array(grid.assets.values))
    day = pl.DataFrame({"asset": grid.assets.values}).join(
        pl.read_parquet(folder / "day.parquet"), on="asset", how="left", maintain_order="left"
    )
    np.savez(folder / "day.npz", **{n: day[n].cast(pl.Float64).to_numpy() for n in FIELDS})
    (folder / "works.json").write_text(json.dumps({"all": ALL, "one": ONE, "day": DAY}))
    _write_pit(store, grid.assets.values, folder)


def _write_pit(store: Any, assets: tuple[str, ...], folder: Path) -> None:
    from superhet.data.base import MemoryTables
    from superhet.data.export import export

    some = pl.col("asset").is_in(assets[:PIT_ASSETS])
    frames = {n: store.read(n).filter(some) for n in ("securities", "bars_1d", "statements")}
    frames["calendar"] = store.read("calendar")
    (folder / "pit").mkdir()
    export(MemoryTables(frames), folder / "pit" / "store", "qlib_bin")
    task = {"work": JOIN, "field": "profit", "assets": len(assets)}
    (folder / "pit.json").write_text(json.dumps(task))


def check_pit(folder: Path) -> None:
    """Hold Qlib's newest values against ours, to the float32, but on a day of publication.

    Qlib knows on that day what was published after its close; we know it on the next session.
    """
    from superhet.data import Store

    store = Store.open(folder / "store")
    every = np.sort(store.read("calendar")["date"].to_numpy().astype("datetime64[D]"))
    with np.load(folder / f"qlib {JOIN}.npz") as file:
        days, theirs = file["dates"], file["values"]
    with np.load(folder / f"{OURS} {JOIN}.npz") as file:
        ours = file["values"][np.searchsorted(every, days), : theirs.shape[1]].astype(np.float32)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    told = store.read("statements", columns=["asset", "announce_date"])
    for column, asset in enumerate(sorted(told["asset"].unique().to_list())[: theirs.shape[1]]):
        published = told.filter(pl.col("asset") == asset)["announce_date"].to_numpy()
        same[np.isin(days, published), column] = True
    if not same.all() or np.isnan(ours).all():
        raise Disagreement(f"data: {JOIN!r}: qlib and {OURS} differ on {(~same).sum()} days")
