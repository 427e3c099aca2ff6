"""Minute bars against the daily bars of the same day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from superhet.data.quality.base import Finding, Limits, where

if TYPE_CHECKING:
    import polars as pl

_KEY = ["asset", "date"]
_FLAT = 1e-6  # vendors store float32


def check_minutes(
    minutes: pl.DataFrame, table: str, bars: pl.DataFrame | None, limits: Limits
) -> Iterator[Finding]:
    """Look through minute bars.

    Parameters
    ----------
    minutes : rows of the table
    table : its name
    bars : rows of `bars_1d`, if there are any
    """
    import polars as pl

    minutes = minutes.with_columns(date=pl.col("time").dt.date())
    idle = pl.col("volume") == 0
    yield where(minutes, table, "idle_bars", idle, ["asset", "time"])
    counts = minutes.group_by("asset", "date").len().sort("asset", "date")
    usual = counts["len"].mode().max()
    short = pl.col("len") != usual
    yield where(counts, table, "incomplete_days", short, ["asset", "date", "len"])
    if bars is None:
        return
    days = (
        minutes.filter(pl.col("volume") > 0)
        .sort("asset", "time")
        .group_by("asset", "date", maintain_order=True)
        .agg(
            _open=pl.col("open").first(),
            _high=pl.col("high").max(),
            _low=pl.col("low").min(),
            _close=pl.col("close").last(),
            _volume=pl.col("volume").sum(),
        )
    )
    span = bars.filter(
        pl.col("date").is_between(days["date"].min(), days["date"].max())
        & pl.col("asset").is_in(days["asset"].unique().implode())
    )
    both = span.join(days, on=_KEY, how="full", coalesce=True).sort(_KEY)
    for rule, wrong in _conditions(limits).items():
        yield where(both, table, rule, wrong, _KEY)


def _conditions(limits: Limits) -> dict[str, pl.Expr]:
    import polars as pl

    def differs(name: str, bound: float) -> pl.Expr:
        return (pl.col(f"_{name}") / pl.col(name) - 1).abs() > bound

    above, below = pl.col("_high") / pl.col("high") - 1, pl.col("_low") / pl.col("low") - 1
    return {
        "days_without_minutes": (pl.col("volume") > 0) & pl.col("_volume").is_null(),
        "minutes_without_day": pl.col("volume").is_null(),
        "volume_differs": differs("volume", limits.volume),
        "close_differs": differs("close", limits.price),
        "open_differs": differs("open", limits.price),
        "beyond_high_or_low": (above > _FLAT) | (below < -_FLAT),
        "high_or_low_missed": (above < -_FLAT) | (below > _FLAT),
    }
