"""A store of daily bars and statements to be read: eight fields, 2 % of the rows missing, 40 quarters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

FIELDS = ("open", "high", "low", "close", "volume", "amount", "adjust_factor", "float_shares")
QUARTERS = 40


def make(folder: Path, dates: int, assets: int) -> None:
    """Write the store, and the day that is to be appended."""
    from superhet.data import Store

    rng = np.random.default_rng(3)
    days = np.busday_offset("2012-01-03", np.arange(dates + 1), roll="forward")
    names = [f"{600000 + i:06d}.SH" for i in range(assets)]
    frame = _bars(rng, days, names)
    last = pl.lit(days[-1].item())
    store = Store.create(folder / "store")
    store.write(
        {
            "calendar": pl.DataFrame({"date": days}).cast(pl.Date),
            "securities": pl.DataFrame({"asset": names, "list_date": [days[0].item()] * assets}),
            "bars_1d": frame.filter(pl.col("date") < last),
            "statements": _statements(rng, days, names),
        }
    )
    frame.filter(pl.col("date") == last).write_parquet(folder / "day.parquet")


def _bars(rng: np.random.Generator, days: Any, names: list[str]) -> pl.DataFrame:
    shape = (days.size, len(names))
    close = np.round(10 * np.exp(np.cumsum(0.02 * rng.standard_normal(shape), axis=0)), 2) + 1
    volume = np.round(np.exp(12 + rng.standard_normal(shape)))
    values = {
        "open": close,
        "high": np.round(close * 1.01, 2),
        "low": np.round(close * 0.99, 2),
        "close": close,
        "volume": volume,
        "amount": np.round(volume * close, 1),
        "adjust_factor": np.ones(shape),
        "float_shares": np.full(shape, 1e9),
    }
    return (
        pl.DataFrame(
            {
                "date": np.repeat(days, len(names)),
                "asset": np.tile(np.array(names), days.size),
                **{n: v.ravel() for n, v in values.items()},
            }
        )
        .with_columns(pl.col("date").cast(pl.Date))
        .filter(pl.Series(rng.random(close.size) > 0.02))
    )


def _statements(rng: np.random.Generator, days: Any, names: list[str]) -> pl.DataFrame:
    """Make 40 quarters of one figure, each announced 20 to 80 days after its end."""
    first = days[-1].astype("datetime64[M]") - 3 * (QUARTERS - 1)
    first -= int(first.astype(int)) % 3
    ends = (first + 3 * np.arange(1, QUARTERS + 1)).astype("datetime64[D]") - 1
    report = np.repeat(ends, len(names))
    announced = report + rng.integers(20, 80, report.size).astype("timedelta64[D]")
    return pl.DataFrame(
        {
            "asset": np.tile(np.array(names), QUARTERS),
            "report_date": report,
            "announce_date": announced,
            "revision": np.zeros(report.size, dtype=np.int64),
            "profit": np.round(1e6 * rng.standard_normal(report.size)),
        }
    ).with_columns(pl.col("report_date", "announce_date").cast(pl.Date))
