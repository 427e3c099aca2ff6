"""(e) Minute bars to ten numbers a day, float32: superhet's formulas of bars, and polars.

60 sessions of 240 minutes; 1 % of the bars are missing. The sizes count minutes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks._harness import Arrays, Part, Works, bare_market, compare

MINUTES = 240
FULL, SMALL = (60 * MINUTES, 1000), (5 * MINUTES, 100)
WARM = (2 * MINUTES, 20)
ASSETS_OF_POLARS = 100
WORK, BARS, FEATURES = "(e) minutes to ten features", 3, 10
RETURN = "(close / bar_lag(close, 1) - 1)"
FORMULAS = {
    "volatility": f"sqrt(bar_sum({RETURN} ^ 2))",
    "skewness": f"bar_skew({RETURN})",
    "kurtosis": f"bar_kurt({RETURN})",
    "average price": "bar_sum(amount) / bar_sum(volume)",
    "price and volume": "bar_corr(close, volume)",
    "upward": f"sqrt(bar_sum(maximum({RETURN}, 0) ^ 2))",
    "downward": f"sqrt(bar_sum(minimum({RETURN}, 0) ^ 2))",
    "illiquidity": f"bar_mean(abs({RETURN}) / amount)",
    "opening share": "bar_sum(volume, 1, 30) / bar_sum(volume)",
    "closing share": "bar_sum(volume, -30, -1) / bar_sum(volume)",
}


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each system."""
    return compare(sys.modules[__name__], SMALL if small else FULL)


def inputs(size: Part) -> Arrays:
    """Make minute bars with holes, [minutes of all sessions, assets]."""
    rng = np.random.default_rng(5)
    moves = 1e-3 * rng.standard_normal(size, dtype=np.float32)
    moves[::MINUTES] *= 10.0
    close = 20.0 * np.exp(np.cumsum(moves.astype(np.float64), axis=0))
    volume = 1e4 * np.exp(rng.standard_normal(size, dtype=np.float32))
    missing = rng.random(size, dtype=np.float32) < 0.01
    close, volume = (np.where(missing, np.nan, a).astype(np.float32) for a in (close, volume))
    return {"close": close, "volume": volume, "amount": close * volume}


def parts(size: Part) -> dict[str, Part]:
    """Give polars some of the assets."""
    return {"polars": (size[0], min(ASSETS_OF_POLARS, size[1]))}


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed between float32 values."""
    return 1e-3


def moved(work: str, size: Part) -> float:
    """Give the bytes: each field of the bars read once, each feature written once."""
    return 4.0 * (BARS + FEATURES / MINUTES) * size[0] * size[1]


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.factors import evaluate
    from superhet.panel import Cube, Dates, Panel

    sessions, assets = len(arrays["close"]) // MINUTES, arrays["close"].shape[1]
    market = bare_market({"listed": np.ones((sessions, assets), dtype=np.float32)})
    opened = market.dates.values.astype("datetime64[m]") + np.timedelta64(570, "m")
    ends = (opened[:, None] + np.arange(1, MINUTES + 1)).ravel().astype("datetime64[s]")
    axes = {"dates": Dates(ends), "assets": market.assets, "frequency": "1min"}
    bars = {
        name: Panel(values=values, name=name, unit="ratio", **axes)
        for name, values in arrays.items()
    }
    market = replace(market, intraday_cubes={"1min": Cube(bars)})
    return {WORK: lambda: evaluate(FORMULAS, market, frequency="1min", dtype="float32", threads=1)}


def polars(arrays: Arrays) -> Works:
    """Say how one writes it with polars, on a long frame sorted by asset and minute."""
    import polars as pl

    sessions, assets = len(arrays["close"]) // MINUTES, arrays["close"].shape[1]
    flat = {name: np.ascontiguousarray(a.T).ravel() for name, a in arrays.items()}
    flat["cell"] = np.repeat(np.arange(sessions * assets, dtype=np.int32), MINUTES)
    flat["minute"] = np.tile(np.arange(MINUTES, dtype=np.int32), sessions * assets)
    long = pl.DataFrame(flat).with_columns(pl.col(*arrays).fill_nan(None))
    close, volume, amount = (pl.col(n) for n in ("close", "volume", "amount"))
    r, minute = pl.col("r"), pl.col("minute")
    features = {
        "volatility": (r * r).sum().sqrt(),
        "skewness": r.skew(bias=False),
        "kurtosis": r.kurtosis(bias=False),
        "average price": amount.sum() / volume.sum(),
        "price and volume": pl.corr("close", "volume"),
        "upward": (r.filter(r > 0) ** 2).sum().sqrt(),
        "downward": (r.filter(r < 0) ** 2).sum().sqrt(),
        "illiquidity": (r.abs() / amount).mean(),
        "opening share": volume.filter(minute < 30).sum() / volume.sum(),
        "closing share": volume.filter(minute >= MINUTES - 30).sum() / volume.sum(),
    }

    def work() -> Arrays:
        moved = long.lazy().with_columns((close / close.shift(1).over("cell") - 1).alias("r"))
        told = [expression.alias(name) for name, expression in features.items()]
        found = moved.group_by("cell", maintain_order=True).agg(told).collect()
        return {
            name: found[name].cast(pl.Float64).to_numpy().reshape(assets, sessions).T
            for name in features
        }

    return {WORK: work}


def kept(found: Any) -> Arrays:
    """Give the features of every session."""
    return {name: np.asarray(getattr(found[name], "values", found[name])) for name in FORMULAS}


SYSTEMS = {"superhet": superhet, "polars": polars}
