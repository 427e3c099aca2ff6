"""Operators across one date: superhet's kernels, pandas, polars and numpy on the same panel.

Average rank; clip at median ± 5 MAD and standardize; demean by industry; residual of the regression on 31
industries and size. Then the row kernels of the factor engine in single precision: the same, and the
residual on 31 industries and 11 exposures, of one signal and of eight that share them. 2 % of the values are
missing, and 1 % of the names change industry each year.

pandas works on wide frames where it can (by industry it needs the long one), polars on a long frame with
`over`. The residual by numpy is one `lstsq` a date on dense dummies, and for single precision the normal
equations of each date and signal, in single ("numpy") and double precision ("numpy 64"). Peers get some of
the dates.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from benchmarks._harness import Arrays, Part, Works, compare

FULL, SMALL = (2500, 5000), (250, 1000)
DATES = {"pandas": 250, "polars": 250, "numpy": 50, "numpy 64": 50}
WARM = (4, 600)  # fewer names would leave an industry without two of them
INDUSTRIES, EXPOSURES, SIGNALS, REACH, MAD_TO_STD = 31, 11, 8, 5.0, 1.482602218505602
RANK, SCALE, DEMEAN = "rank", "clip at 5 MAD, standardize", "demean by industry"
RESIDUAL = "residual, 31 industries + size"
SINGLE = "float32: "
ALONE, SHARED = f"{SINGLE}residual, 31 + 11", f"{SINGLE}residual, 31 + 11, eight signals"


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each operator and system."""
    return compare(sys.modules[__name__], SMALL if small else FULL)


def inputs(size: Part) -> Arrays:
    """Make a signal with holes, industries that seldom change, and sizes."""
    rng = np.random.default_rng(0)
    signal = rng.standard_t(4, size)
    signal[rng.random(size) < 0.02] = np.nan
    changes = rng.random(size) < 0.01 / 250
    changes[0] = True
    drawn = np.where(changes, rng.integers(0, INDUSTRIES, size), -1)
    last = np.maximum.accumulate(np.where(changes, np.arange(size[0])[:, None], 0), axis=0)
    industry = np.take_along_axis(drawn, last, axis=0).astype(np.int32)
    return {"signal": signal, "industry": industry, "cap": rng.standard_normal(size)}


def dealt(values: Any, count: int) -> Any:
    """Give [count, dates, assets] in single precision: the values, each time dealt to other names."""
    single = values.astype(np.float32)
    return np.stack([np.roll(single, 7 * i, axis=1) for i in range(count)])


def parts(size: Part) -> dict[str, Part]:
    """Give the peers fewer dates."""
    return {name: (min(dates, size[0]), size[1]) for name, dates in DATES.items()}


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed."""
    return 1e-4 if work.startswith(SINGLE) else 1e-10


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.kernels import cross_rows
    from superhet.kernels.cross_section import clip_mad, demean_groups, rank, zscore
    from superhet.kernels.regression import residual

    x, industry = arrays["signal"], arrays["industry"]
    size = arrays["cap"][None]
    signals, exposures = dealt(x, SIGNALS), dealt(arrays["cap"], EXPOSURES)
    inside, out = np.ones(x.shape, dtype=bool), np.zeros_like(signals)

    def single(kernel: Any, *given: Any) -> Any:
        def call() -> Arrays:
            kernel(signals[0], inside, *given, out[0])
            return {"x": out[0]}

        return call

    def shared() -> Arrays:
        cross_rows.residual_many(signals, inside, industry, exposures, out)
        return {f"{i}": found for i, found in enumerate(out)}

    return {
        RANK: lambda: {"x": rank(x)},
        SCALE: lambda: {"x": zscore(clip_mad(x, REACH))},
        DEMEAN: lambda: {"x": demean_groups(x, industry)},
        RESIDUAL: lambda: {"x": residual(x, industry, size)},
        SINGLE + RANK: single(cross_rows.rank_pct),
        SINGLE + SCALE: single(cross_rows.median_clip_zscore, REACH),
        SINGLE + DEMEAN: single(cross_rows.group_demean, industry),
        ALONE: single(cross_rows.residual, industry, exposures),
        SHARED: shared,
    }


def pandas(arrays: Arrays) -> Works:
    """Say how one writes it with pandas."""
    x, industry = arrays["signal"], arrays["industry"]
    single = _pandas(x.astype(np.float32), industry, share=True)
    return _pandas(x, industry, share=False) | {
        SINGLE + name: work for name, work in single.items()
    }


def _pandas(x: Any, industry: Any, *, share: bool) -> Works:
    import pandas as pd

    wide = pd.DataFrame(x)
    dates = np.arange(len(x)).repeat(x.shape[1])
    long = pd.DataFrame({"date": dates, "industry": industry.ravel(), "x": x.ravel()})

    def scale() -> Arrays:
        middle = wide.median(axis=1)
        reach = wide.sub(middle, axis=0).abs().median(axis=1) * (MAD_TO_STD * REACH)
        clipped = wide.clip(middle - reach, middle + reach, axis=0)
        centred = clipped.sub(clipped.mean(axis=1), axis=0)
        return {"x": centred.div(clipped.std(axis=1, ddof=0), axis=0).to_numpy()}

    def demean() -> Arrays:
        means = long.groupby(["date", "industry"])["x"].transform("mean")
        return {"x": (long["x"] - means).to_numpy().reshape(x.shape)}

    return {
        RANK: lambda: {"x": wide.rank(axis=1, pct=share).to_numpy()},
        SCALE: scale,
        DEMEAN: demean,
    }


def polars(arrays: Arrays) -> Works:
    """Say how one writes it with polars."""
    x, industry = arrays["signal"], arrays["industry"]
    single = _polars(x.astype(np.float32), industry, share=True)
    return _polars(x, industry, share=False) | {
        SINGLE + name: work for name, work in single.items()
    }


def _polars(x: Any, industry: Any, *, share: bool) -> Works:
    import polars as pl

    dates = np.arange(len(x), dtype=np.int32).repeat(x.shape[1])
    columns = {"date": dates, "industry": industry.ravel(), "x": x.ravel()}
    long = pl.DataFrame(columns).with_columns(pl.col("x").fill_nan(None))
    value = pl.col("x")
    ranked = value.rank("average") / value.count() if share else value.rank("average")

    def done(found: pl.DataFrame) -> Arrays:
        return {"x": found["x"].cast(pl.Float64).to_numpy().reshape(x.shape)}

    def scale() -> Arrays:
        middle = value.median().over("date")
        away = long.with_columns(middle=middle, away=(value - middle).abs())
        reach = pl.col("away").median().over("date") * (MAD_TO_STD * REACH)
        clipped = value.clip(pl.col("middle") - reach, pl.col("middle") + reach)
        found = away.with_columns(x=clipped)
        return done(
            found.select((value - value.mean().over("date")) / value.std(ddof=0).over("date"))
        )

    return {
        RANK: lambda: done(long.select(ranked.over("date"))),
        SCALE: scale,
        DEMEAN: lambda: done(long.select(value - value.mean().over("date", "industry"))),
    }


def numpy(arrays: Arrays) -> Works:
    """Say how one writes the regressions with numpy."""
    x, industry, cap = arrays["signal"], arrays["industry"], arrays["cap"]

    def residual() -> Arrays:
        out = np.full(x.shape, np.nan)
        for t, row in enumerate(x):
            known = ~np.isnan(row)
            dummies = industry[t, known, None] == np.arange(INDUSTRIES)
            design = np.column_stack([dummies, cap[t, known]])
            slopes = np.linalg.lstsq(design, row[known], rcond=None)[0]
            out[t, known] = row[known] - design @ slopes
        return {"x": out}

    return {RESIDUAL: residual} | _normal_equations(arrays, np.float32)


def numpy_64(arrays: Arrays) -> Works:
    """Say how one writes the normal equations with numpy in double precision."""
    return _normal_equations(arrays, np.float64)


def _normal_equations(arrays: Arrays, dtype: Any) -> Works:
    signals = dealt(arrays["signal"], SIGNALS).astype(dtype)
    exposures = dealt(arrays["cap"], EXPOSURES).astype(dtype)
    dummies = np.eye(INDUSTRIES, dtype=dtype)

    def residuals(count: int) -> Arrays:
        out = np.full(signals[:count].shape, np.nan, dtype=dtype)
        for t, industry in enumerate(arrays["industry"]):
            design = np.hstack([dummies[industry], exposures[:, t].T])
            for goal, x in zip(out, signals, strict=False):
                known = ~np.isnan(x[t])
                own, y = design[known], x[t, known]
                goal[t, known] = y - own @ np.linalg.solve(own.T @ own, own.T @ y)
        return {"x": out[0]} if count == 1 else {f"{i}": found for i, found in enumerate(out)}

    return {ALONE: lambda: residuals(1), SHARED: lambda: residuals(SIGNALS)}


SYSTEMS = {
    "superhet": superhet,
    "pandas": pandas,
    "polars": polars,
    "numpy": numpy,
    "numpy 64": numpy_64,
}
