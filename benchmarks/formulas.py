"""Rolling operators down the dates: superhet's formulas, pandas and polars on the same two fields.

Window 20, at least 10 known rows, 2 % of the values missing. superhet parses, plans and evaluates each
formula; pandas rolls over a wide frame, polars over a wide frame with one expression a column.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from benchmarks._harness import Arrays, Part, Works, bare_market, compare

FULL, SMALL = (2500, 1000), (500, 200)
WINDOW, NEEDED = 20, 10
FORMULAS = {
    "ts_mean": f"ts_mean(close, {WINDOW})",
    "ts_std": f"ts_std(close, {WINDOW})",
    "ts_max": f"ts_max(close, {WINDOW})",
    "ts_rank": f"ts_rank(close, {WINDOW})",
    "ts_corr": f"ts_corr(close, volume, {WINDOW})",
}


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each operator and system."""
    return compare(sys.modules[__name__], SMALL if small else FULL)


def inputs(size: Part) -> Arrays:
    """Make prices and volumes with holes."""
    rng = np.random.default_rng(0)
    close = 10.0 * np.exp(np.cumsum(0.02 * rng.standard_normal(size), axis=0))
    volume = np.exp(0.5 * rng.standard_normal(size))
    close[rng.random(size) < 0.02] = np.nan
    volume[rng.random(size) < 0.02] = np.nan
    return {"close": close, "volume": volume}


def parts(size: Part) -> dict[str, Part]:
    """Give every system all of the data."""
    return {}


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed: running sums lose a few digits."""
    return 1e-8 if work in {"ts_std", "ts_corr"} else 1e-10


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.factors import evaluate

    market = bare_market({"adjusted_close": arrays["close"], "volume": arrays["volume"]})

    def call(formula: str) -> Any:
        return lambda: {"x": evaluate({"x": formula}, market, dtype="float64")["x"].values}

    return {name: call(formula) for name, formula in FORMULAS.items()}


def pandas(arrays: Arrays) -> Works:
    """Say how one writes it with pandas."""
    import pandas as pd

    close, volume = pd.DataFrame(arrays["close"]), pd.DataFrame(arrays["volume"])

    def rolling() -> Any:
        return close.rolling(WINDOW, min_periods=NEEDED)

    return {
        "ts_mean": lambda: {"x": rolling().mean().to_numpy()},
        "ts_std": lambda: {"x": rolling().std().to_numpy()},
        "ts_max": lambda: {"x": rolling().max().to_numpy()},
        "ts_rank": lambda: {"x": rolling().rank(pct=True).to_numpy()},
        "ts_corr": lambda: {"x": rolling().corr(volume, pairwise=False).to_numpy()},
    }


def polars(arrays: Arrays) -> Works:
    """Say how one writes it with polars."""
    import polars as pl

    names = range(arrays["close"].shape[1])
    columns = {f"close{i}": arrays["close"][:, i] for i in names}
    columns |= {f"volume{i}": arrays["volume"][:, i] for i in names}
    frame = pl.DataFrame(columns).fill_nan(None)
    close = frame.select(f"close{i}" for i in names)
    given = {"window_size": WINDOW, "min_samples": NEEDED}

    def done(found: pl.DataFrame) -> Arrays:
        return {"x": found.to_numpy().astype(np.float64)}

    count = pl.all().is_not_null().cast(pl.Float64).rolling_sum(WINDOW, min_samples=1)
    pairs = [pl.rolling_corr(f"close{i}", f"volume{i}", **given).alias(f"{i}") for i in names]
    return {
        "ts_mean": lambda: done(close.select(pl.all().rolling_mean(**given))),
        "ts_std": lambda: done(close.select(pl.all().rolling_std(**given))),
        "ts_max": lambda: done(close.select(pl.all().rolling_max(**given))),
        "ts_rank": lambda: done(close.select(pl.all().rolling_rank(**given) / count)),
        "ts_corr": lambda: done(frame.select(pairs)),
    }


SYSTEMS = {"superhet": superhet, "pandas": pandas, "polars": polars}
