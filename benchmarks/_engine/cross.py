"""(d) Steps over the assets of a date, float32: superhet's formulas, polars, pandas, numpy.

Rank, clip at 5 MAD and standardize, demean by industry, and the residual on 31 industries and 11 exposures,
of one signal and of eight that share the exposures. 2 % of the values are missing. "numpy" solves the normal
equations with dense dummies in float32, one date and one signal at a time; "numpy lstsq" hands the same
columns to `numpy.linalg.lstsq`. Their exposures are stacked and their dummies tabled beforehand, which is in
their favour; picking the rows of what is known belongs to each regression. Peers get some of the dates.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from benchmarks._engine.panels import grouped
from benchmarks._harness import Arrays, Part, Works, bare_market, compare

FULL, SMALL = (2500, 5000), (100, 1000)
DATES = {"polars": 100, "pandas": 100, "numpy": 10, "numpy lstsq": 3}
INDUSTRIES, EXPOSURES, SIGNALS, REACH, MAD_TO_STD = 31, 11, 8, 5.0, 1.482602218505602
WARM = (5, 600)  # fewer assets would leave an industry without two of them
RANK, SCALE, DEMEAN = "(d) rank", "(d) clip at 5 MAD, standardize", "(d) demean by industry"
RESIDUAL, SHARED = "(d) residual, 31 + 11", "(d) residual, 31 + 11, eight signals"


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each step and system."""
    return compare(sys.modules[__name__], SMALL if small else FULL)


def inputs(size: Part) -> Arrays:
    """Make eight signals with holes, exposures, and industries that do not change."""
    rng = np.random.default_rng(0)
    made = {}
    for i in range(SIGNALS):
        made[f"signal{i}"] = rng.standard_normal(size, dtype=np.float32)
        made[f"signal{i}"] *= 1.0 + 3.0 * (np.abs(made[f"signal{i}"]) > 2.5)
        made[f"signal{i}"][rng.random(size, dtype=np.float32) < 0.02] = np.nan
    for i in range(EXPOSURES):
        made[f"exposure{i}"] = rng.standard_normal(size, dtype=np.float32)
    codes = rng.integers(0, INDUSTRIES, size[1]).astype(np.int32)
    made["industry"] = np.ascontiguousarray(np.broadcast_to(codes, size))
    return made


def parts(size: Part) -> dict[str, Part]:
    """Give the peers fewer dates."""
    return {name: (min(dates, size[0]), size[1]) for name, dates in DATES.items()}


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed between float32 values."""
    return 1e-3 if work in {RESIDUAL, SHARED} else 2e-5


def moved(work: str, size: Part) -> float:
    """Give the bytes: what is read once, and what is written once."""
    arrays = {DEMEAN: 3, RESIDUAL: EXPOSURES + 3, SHARED: EXPOSURES + 1 + 2 * SIGNALS}
    return 4.0 * arrays.get(work, 2) * size[0] * size[1]


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.factors import evaluate

    fields = {name: values for name, values in arrays.items() if name != "industry"}
    market = grouped(bare_market(fields), "industry", arrays["industry"])
    exposures = ", ".join(f"exposure{i}" for i in range(EXPOSURES))

    def call(*formulas: str) -> Any:
        given = {f"{i}": formula for i, formula in enumerate(formulas)}
        return lambda: evaluate(given, market, dtype="float32", threads=1)

    residuals = [f"cs_neutralize(signal{i}, industry, {exposures})" for i in range(SIGNALS)]
    return {
        RANK: call("cs_rank(signal0)"),
        SCALE: call(f"cs_zscore(cs_median_clip(signal0, {REACH}))"),
        DEMEAN: call("cs_group_demean(signal0, industry)"),
        RESIDUAL: call(residuals[0]),
        SHARED: call(*residuals),
    }


def polars(arrays: Arrays) -> Works:
    """Say how one writes it with polars."""
    import polars as pl

    x = arrays["signal0"]
    dates = np.arange(len(x), dtype=np.int32).repeat(x.shape[1])
    columns = {"date": dates, "industry": arrays["industry"].ravel(), "x": x.ravel()}
    long = pl.DataFrame(columns).with_columns(pl.col("x").fill_nan(None))
    value = pl.col("x")

    def done(found: pl.DataFrame) -> Arrays:
        return {"0": found["x"].cast(pl.Float32).to_numpy().reshape(x.shape)}

    return {
        RANK: lambda: done(long.select((value.rank("average") / value.count()).over("date"))),
        DEMEAN: lambda: done(long.select(value - value.mean().over("date", "industry"))),
    }


def pandas(arrays: Arrays) -> Works:
    """Say how one writes it with wide pandas frames."""
    import pandas as pd

    wide = pd.DataFrame(arrays["signal0"])

    def scale() -> Arrays:
        middle = wide.median(axis=1)
        reach = wide.sub(middle, axis=0).abs().median(axis=1) * (MAD_TO_STD * REACH)
        clipped = wide.clip(middle - reach, middle + reach, axis=0)
        centred = clipped.sub(clipped.mean(axis=1), axis=0)
        return {"0": centred.div(clipped.std(axis=1, ddof=0), axis=0).to_numpy()}

    return {SCALE: scale}


def numpy(arrays: Arrays) -> Works:
    """Say how one writes the regression with numpy: normal equations, dense dummies, float32 BLAS."""
    return _regressions(arrays, lambda design, y: np.linalg.solve(design.T @ design, design.T @ y))


def numpy_lstsq(arrays: Arrays) -> Works:
    """Say how one writes it without a thought about how it is solved."""
    return _regressions(arrays, lambda design, y: np.linalg.lstsq(design, y, rcond=None)[0])


def _regressions(arrays: Arrays, slopes: Any) -> Works:
    industry = arrays["industry"]
    exposures = np.stack([arrays[f"exposure{i}"] for i in range(EXPOSURES)], axis=2)
    dummies = np.eye(INDUSTRIES, dtype=np.float32)

    def residual(x: Any) -> Any:
        out = np.full(x.shape, np.nan, dtype=np.float32)
        for t, row in enumerate(x):
            known = ~np.isnan(row)
            design = np.hstack([dummies[industry[t, known]], exposures[t, known]])
            out[t, known] = row[known] - design @ slopes(design, row[known])
        return out

    def many(count: int) -> Any:
        return lambda: {f"{i}": residual(arrays[f"signal{i}"]) for i in range(count)}

    return {RESIDUAL: many(1), SHARED: many(SIGNALS)}


def kept(found: Any) -> Arrays:
    """Give every value of the dates that peers have, or a sample of all dates."""
    arrays = {name: getattr(found[name], "values", found[name]) for name in found}
    return {name: values[:: max(1, len(values) // 100)] for name, values in arrays.items()}


SYSTEMS = {
    "superhet": superhet,
    "polars": polars,
    "pandas": pandas,
    "numpy": numpy,
    "numpy lstsq": numpy_lstsq,
}
