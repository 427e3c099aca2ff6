"""Change everything that becomes known after a date, and compare what was known until then."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from superhet.data.base import MemoryTables
from superhet.panel import Market


def known_after(frames: dict[str, pl.DataFrame], t: date) -> dict[str, pl.Expr]:
    """Say, table by table, which rows become known after the close of session t."""
    column = {n: "date" for n in ("bars_1d", "daily", "index_weights", "index_bars")}
    column |= {n: "start_date" for n in ("status", "industry", "index_members")}
    later = {n: pl.col(c) > t for n, c in column.items()}
    later["bars_15min"] = pl.col("time").dt.date() > t
    later["statements"] = pl.col("announce_date") >= t  # known on the session after
    later["macro"] = pl.col("release_date") > t
    return later


def forget_ends(frame: pl.DataFrame, t: date, instead: date | None) -> pl.DataFrame:
    """Change the ends of intervals and listings that lie after t: they were not known at t."""
    for column in ("end_date", "delist_date", "list_date"):
        if column in frame.columns:
            end = pl.col(column)
            frame = frame.with_columns(
                pl.when(end > t).then(pl.lit(instead, dtype=pl.Date)).otherwise(end).alias(column)
            )
    return frame


def by_nothing(frames: dict[str, pl.DataFrame], t: date) -> MemoryTables:
    later = known_after(frames, t)
    cut = {n: f.filter(~later[n]) if n in later else f for n, f in frames.items()}
    listed = cut["securities"]["list_date"]
    cut = {n: forget_ends(f, t, None) for n, f in cut.items()}
    cut["securities"] = cut["securities"].with_columns(listed)  # static by its definition
    return MemoryTables(cut)


def by_noise(frames: dict[str, pl.DataFrame], t: date, seed: int) -> MemoryTables:
    rng = np.random.default_rng(seed)
    out = {}
    for name, condition in known_after(frames, t).items():
        if name not in frames:
            continue
        frame = frames[name]
        noise = pl.Series(rng.uniform(0.5, 2.0, frame.height))
        numeric = [c for c in frame.columns if frame[c].dtype == pl.Float64]
        changes = [
            pl.when(condition).then(pl.col(c) * noise).otherwise(pl.col(c)).alias(c)
            for c in numeric
        ]
        if "industry" in frame.columns:
            other = pl.lit("a name that sorts first")
            changes.append(
                pl.when(condition).then(other).otherwise(pl.col("industry")).alias("industry")
            )
        if "is_st" in frame.columns:
            changes.append(
                pl.when(condition).then(~pl.col("is_st")).otherwise(pl.col("is_st")).alias("is_st")
            )
        drop = pl.Series(rng.random(frame.height) < 0.2)
        out[name] = frame.with_columns(changes).filter(~(condition & drop))
    out |= {n: frames[n] for n in ("securities", "calendar")}
    other = t + timedelta(days=int(rng.integers(1, 30)))
    return MemoryTables({n: forget_ends(f, t, other) for n, f in out.items()})


def parts_of(market: Market) -> dict[str, np.ndarray]:
    """Lay a market out as named arrays: every field, flag, group, bar, event and the benchmark."""
    out = {f"field {n}": market[n].values for n in market}
    universe = market.universe
    for name in ("member", "tradable", "estimable"):
        out[name] = getattr(universe, name).values
    out |= {f"reason {n}": p.values for n, p in universe.reasons.items()}
    out |= {f"group {n}": p.values for n, p in market.group_panels.items()}
    for frequency, cube in market.intraday_cubes.items():
        out |= {f"{frequency} {n}": cube[n].values for n in cube}
        out[f"{frequency} bar ends"] = cube.dates.values
    for name, events in market.events.items():
        out |= {f"{name} {c}": events[c] for c in events}
        out[f"{name} known_at"] = events.known_at
    assert market.benchmark is not None
    assert market.benchmark.weights is not None
    out["benchmark returns"] = market.benchmark.returns
    out["benchmark weights"] = market.benchmark.weights.values
    out["dates"] = market.dates.values
    out["assets"] = np.array(market.assets.values)
    return out


def require_same_past(whole: Market, changed: Market, t: date) -> None:
    left, right = parts_of(whole.until(t)), parts_of(changed.until(t))
    assert left.keys() == right.keys()
    for name, values in left.items():
        same = np.array_equal(values, right[name], equal_nan=values.dtype.kind == "f")
        assert same, f"{name} up to {t} depends on what became known later"
