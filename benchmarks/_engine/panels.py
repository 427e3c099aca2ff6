"""What the engine benchmarks share: daily prices, superhet's market of them, and what Qlib reads."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._harness import ROOT, Arrays, Part, bare_market

PRICES = ("open", "high", "low", "close", "vwap")
FIRST_FULL = 120
"""The row from which on the longest window of any formula here is full, and KunQuant has values too."""


def prices(size: Part, seed: int = 7) -> Arrays:
    """Make daily bars in float32, without holes and without two equal prices.

    KunQuant's values are wrong for good after a hole, and Qlib has NaN where a price stands still.

    Returns
    -------
    open, high, low, close, vwap, volume and amount, [dates, assets]
    """
    rng = np.random.default_rng(seed)
    market, beta = rng.normal(0.0, 0.009, (size[0], 1)), rng.uniform(0.6, 1.4, size[1])
    moves = np.clip(market * beta + 0.02 * rng.standard_normal(size), -0.1, 0.1)
    close = rng.uniform(5.0, 60.0, size[1]) * np.exp(np.cumsum(moves, axis=0))
    previous = np.vstack([close[:1], close[:-1]])
    opened = previous * np.exp(0.006 * rng.standard_normal(size))
    up, down = (1.0 + s * np.abs(0.006 * rng.standard_normal(size)) for s in (1.0, -1.0))
    high, low = np.maximum(opened, close) * up, np.minimum(opened, close) * down
    level = np.exp(rng.normal(13.0, 0.8, size[1]))
    volume = np.round(level * np.exp(0.5 * rng.standard_normal(size) + 8.0 * np.abs(moves)))
    vwap = (opened + high + low + close) / 4.0
    made = {"open": opened, "high": high, "low": low, "close": close, "vwap": vwap}
    made |= {"volume": volume, "amount": vwap * volume}
    return {name: values.astype(np.float32) for name, values in made.items()}


def price_market(arrays: Arrays) -> Any:
    """Make superhet's market of such bars."""
    names = {name: f"adjusted_{name}" if name in PRICES else name for name in arrays}
    return bare_market({names[name]: values for name, values in arrays.items()})


def grouped(market: Any, name: str, codes: Any) -> Any:
    """Add a classification to a market."""
    labels = tuple(f"{name} {i}" for i in range(int(codes.max()) + 1))
    some = next(iter(market.values()))
    panel = replace(some, values=codes, name=name, unit="group", labels=labels)
    return replace(market, group_panels={name: panel})


def sampled(found: Any) -> Arrays:
    """Give the rows that are compared of every output."""
    chosen = _sampled_rows(len(found.dates))
    return {name: found[name].values[chosen] for name in found}


def qlib_task(folder: Path, work: str, formulas: Any, assets: int) -> None:
    """Write what Qlib reads: a store of the first assets of the arrays in a folder, and formulas.json.

    Parameters
    ----------
    work : name of the row
    formulas : name -> text, or the name of a set that the peers know
    """
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
    dates = len(arrays["close"])
    _write_store(folder / "store", {name: values[:, :assets] for name, values in arrays.items()})
    task = {"work": work, "formulas": formulas, "rows": _sampled_rows(dates).tolist()}
    (folder / "formulas.json").write_text(json.dumps(task))


def _sampled_rows(dates: int, count: int = 40) -> Any:
    return np.linspace(min(FIRST_FULL, dates - 1), dates - 1, count).astype(int)


def _write_store(folder: Path, fields: Mapping[str, Any]) -> None:
    """Write a store of Qlib as the tests do."""
    place = ROOT / "tests" / "factors" / "qlib_store.py"
    spec = importlib.util.spec_from_file_location("qlib_store", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    dates, assets = fields["close"].shape
    days = np.busday_offset("2008-01-02", np.arange(dates), roll="forward")
    module.write_store(folder, days, [f"S{i:05d}" for i in range(assets)], fields)
