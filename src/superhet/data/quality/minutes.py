"""Minute bars against the daily bars of the same day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from superhet.data.quality.base import Finding, Limits, count_rules, where
from superhet.data.quality.daily import Daily

if TYPE_CHECKING:
    import polars as pl

_KEY = ["asset", "date"]
_FLAT = 1e-6  # vendors store float32


def check_minutes(
    minutes: pl.DataFrame, table: str, daily: Daily | None, limits: Limits
) -> Iterator[Finding]:
    """Look through minute bars.

    Parameters
    ----------
    minutes : rows of the table
    table : its name
    daily : the daily bars, if there are any
    """
    import polars as pl

    idle = pl.col("volume") == 0
    yield where(minutes, table, "idle_bars", idle, ["asset", "time"])
    days = by_day(minutes)
    usual = days["len"].mode().max()
    short = pl.col("len") != usual
    yield where(days, table, "incomplete_days", short, ["asset", "date", "len"])
    if daily is None:
        return
    days = days.filter(pl.col("_volume").is_not_null())
    span = daily.bars.filter(
        pl.col("date").is_between(days["date"].min(), days["date"].max())
        & pl.col("asset").is_in(days["asset"].unique().implode())
    )
    both = span.join(days, on=_KEY, how="full", coalesce=True).sort(_KEY)
    yield from count_rules(both, table, _conditions(limits), _KEY)


def by_day(minutes: pl.DataFrame) -> pl.DataFrame:
    """Put bars together to days: asset, date, len, and _open … _volume of the bars that traded."""
    import polars as pl

    traded = pl.col("volume") > 0
    names = ("open", "high", "low", "close", "volume")
    if not minutes["time"].is_sorted():
        minutes = minutes.sort("time", maintain_order=True)
    if not minutes.select(traded.all()).item():
        minutes = minutes.with_columns(pl.when(traded).then(pl.col(n)).alias(n) for n in names)
    known = {n: pl.col(n).drop_nulls() if minutes[n].null_count() else pl.col(n) for n in names}
    days = (
        minutes.lazy()
        .group_by("asset", pl.col("time").dt.date().alias("date"))
        .agg(
            pl.len(),
            _open=known["open"].first(),
            _high=pl.col("high").max(),
            _low=pl.col("low").min(),
            _close=known["close"].last(),
            _volume=pl.col("volume").sum(),
        )
        .sort(_KEY)
        .collect()
    )
    none = pl.col("_close").is_null()
    return days.with_columns(_volume=pl.when(~none).then(pl.col("_volume")))


def _conditions(limits: Limits) -> dict[str, pl.Expr]:
    import polars as pl

    def off(name: str) -> pl.Expr:
        return (pl.col(f"_{name}") / pl.col(name) - 1).abs()

    above, below = pl.col("_high") / pl.col("high") - 1, pl.col("_low") / pl.col("low") - 1
    return {
        "days_without_minutes": (pl.col("volume") > 0) & pl.col("_volume").is_null(),
        "minutes_without_day": pl.col("volume").is_null(),
        "volume_differs": off("volume") > limits.volume,
        "volume_inexact": off("volume") > limits.exact,
        "close_differs": off("close") > limits.price,
        "close_inexact": off("close") > _FLAT,
        "open_differs": off("open") > limits.price,
        "open_inexact": off("open") > _FLAT,
        "beyond_high_or_low": (above > _FLAT) | (below < -_FLAT),
        "high_or_low_missed": (above < -_FLAT) | (below > _FLAT),
    }
