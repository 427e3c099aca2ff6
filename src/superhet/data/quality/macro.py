"""Macro releases: dates, vintages, and series that begin late, end early or have holes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from superhet.data.quality.base import Finding, count_rules, where
from superhet.data.quality.months import month_number, month_text

if TYPE_CHECKING:
    import polars as pl

_EARLY_END, _LATE_START = 92, 365  # days
_FEW_YEARS, _MOST_YEARS = 3, 0.5


def check_macro(frame: pl.DataFrame) -> Iterator[Finding]:
    """Look through macro releases."""
    import polars as pl

    lag = (pl.col("release_date") - pl.col("period")).dt.total_days()
    dates = {"released_before_period": lag < 0, "released_on_period_end": lag == 0}
    yield from count_rules(frame, "macro", dates, ["series", "period", "release_date"])
    vintages = frame.group_by("series", "period").agg(values=pl.col("value").n_unique())
    vintages = vintages.sort("series", "period")
    yield where(vintages, "macro", "revised_values", pl.col("values") > 1, ["series", "period"])
    yield from _holes(frame)
    yield from _series(frame, lag)


def _holes(frame: pl.DataFrame) -> Iterator[Finding]:
    """Look for months without a value, and for months that never have one."""
    import polars as pl

    there = frame.select("series", month=month_number(pl.col("period"))).unique()
    lives = there.group_by("series").agg(
        first=pl.col("month").min(),
        last=pl.col("month").max(),
        usual=pl.col("month").sort().diff().median(),
    )
    lives = lives.filter(pl.col("usual") == 1)
    months = lives.select("series", month=pl.int_ranges("first", pl.col("last") + 1))
    months = months.explode("month").with_columns(pl.col("month").cast(pl.Int32))
    missed = months.join(there, on=["series", "month"], how="anti").sort("series", "month")
    labels = missed.head(3).with_columns(month_text("month"))
    yield Finding(
        table="macro",
        rule="months_missing",
        count=missed.height,
        total=months.height,
        field="period",
        examples=tuple(f"{s} {m}" for s, m in labels.select("series", "month").rows()),
    )
    of_year = (pl.col("month") % 12 + 1).alias("of_year")
    years = months.group_by("series", of_year).agg(years=pl.len())
    gone = missed.group_by("series", of_year).agg(missed=pl.len())
    both = years.join(gone, on=["series", "of_year"], how="left").sort("series", "of_year")
    always = (pl.col("missed") > _MOST_YEARS * pl.col("years")) & (pl.col("years") >= _FEW_YEARS)
    labels_of_year = ["series", "of_year", "missed", "years"]
    yield where(both, "macro", "same_month_missing", always, labels_of_year, "period")


def _series(frame: pl.DataFrame, lag: pl.Expr) -> Iterator[Finding]:
    """Look at each series as a whole: lags that are assumed, no revision, a late start, an early end."""
    import polars as pl

    series = (
        frame.with_columns(_lag=lag)
        .group_by("series")
        .agg(
            rows=pl.len(),
            periods=pl.col("period").n_unique(),
            first=pl.col("period").min(),
            last=pl.col("period").max(),
            lags=(pl.col("_lag") - pl.col("_lag").median()).abs().quantile(0.9),
            lag=pl.col("_lag").median(),
        )
        .sort("series")
    )
    late = (pl.col("lag") > 1) & (pl.col("rows") >= 12)
    steady = late & (pl.col("lags") <= 1)
    yield where(series, "macro", "release_lag_constant", steady, ["series", "lag"], "release_date")
    once = late & (pl.col("rows") == pl.col("periods"))
    yield where(series, "macro", "single_vintage", once, ["series"], "value")
    early = (pl.lit(series["last"].max()) - pl.col("last")).dt.total_days() > _EARLY_END
    yield where(series, "macro", "series_end_early", early, ["series", "last"], "period")
    usual = pl.lit(series["first"].sort()[(series.height - 1) // 2])
    began = (pl.col("first") - usual).dt.total_days() > _LATE_START
    yield where(series, "macro", "series_start_late", began, ["series", "first"], "period")
