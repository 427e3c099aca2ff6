"""Securities, index members and weights, industry labels: against each other and against the bars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from superhet.data.quality.base import Finding, examples, where

if TYPE_CHECKING:
    import polars as pl

_SIZES = {"000300": 300, "000905": 500, "000852": 1000, "000016": 50, "399006": 100}
"""Numbers of members that the names of indices promise."""


def check_securities(securities: pl.DataFrame, bars: pl.DataFrame) -> Iterator[Finding]:
    """Hold listing and delisting against the bars."""
    import polars as pl

    lives = bars.group_by("asset", maintain_order=True).agg(
        first=pl.col("date").min(), last=pl.col("date").max()
    )
    unknown = ~pl.col("asset").is_in(securities["asset"].implode())
    yield where(lives, "securities", "not_in_securities", unknown, ["asset"], "asset")
    wanted = [c for c in ("list_date", "delist_date") if c in securities.columns]
    both = lives.join(securities.select("asset", *wanted), on="asset", maintain_order="left")
    outside = pl.lit(False)
    if "list_date" in wanted:
        outside |= (pl.col("first") < pl.col("list_date")).fill_null(False)
    if "delist_date" in wanted:
        outside |= (pl.col("last") > pl.col("delist_date")).fill_null(False)
    yield where(both, "securities", "bars_outside_listing", outside, ["asset", "first", "last"])


def check_members(
    members: pl.DataFrame, weights: pl.DataFrame | None, bars: pl.DataFrame | None
) -> Iterator[Finding]:
    """Count members at month-ends; ask for weights, and for bars of members."""
    import polars as pl

    ends = _month_ends(members)
    if "end_date" not in members.columns:
        members = members.with_columns(end_date=pl.lit(None, pl.Date))
    counts = (
        ends.join(members, how="cross")
        .filter(
            (pl.col("start_date") <= pl.col("month_end"))
            & (pl.col("end_date").is_null() | (pl.col("end_date") > pl.col("month_end")))
        )
        .group_by("index", "month_end")
        .agg(members=pl.col("asset").n_unique())
        .sort("index", "month_end")
    )
    named = pl.col("index").str.slice(0, 6).replace_strict(_SIZES, default=None)
    should = pl.coalesce(named, pl.col("members").median().over("index") * 0.9)
    short = pl.col("members") < should
    yield where(counts, "index_members", "members_short", short, ["index", "month_end", "members"])
    indices = members.select(pl.col("index").unique().sort())
    has = [] if weights is None else weights["index"].unique().to_list()
    bare = ~pl.col("index").is_in(has)
    yield where(indices, "index_members", "weights_missing", bare, ["index"])
    if bars is not None:
        spans = bars.group_by("asset").agg(first=pl.col("date").min(), last=pl.col("date").max())
        held = members.join(spans, on="asset", how="left")
        span = (bars["date"].min(), bars["date"].max())
        inside = (pl.col("start_date") <= span[1]) & (
            pl.col("end_date").is_null() | (pl.col("end_date") > span[0])
        )
        held = held.filter(inside).sort("index", "start_date", "asset")
        absent = (
            pl.col("first").is_null()
            | (pl.col("last") < pl.col("start_date"))
            | (pl.col("first") >= pl.col("end_date").fill_null(pl.date(9999, 1, 1)))
        )
        labels = ["index", "asset", "start_date"]
        yield where(held, "index_members", "members_unknown", absent, labels, "asset")


def _month_ends(members: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    dates = pl.concat(
        [members["start_date"], *([members["end_date"]] if "end_date" in members.columns else [])]
    ).drop_nulls()
    days = pl.date_range(dates.min(), dates.max(), "1mo", eager=True).dt.month_end()  # type: ignore[arg-type] # dates
    return pl.DataFrame({"month_end": days.unique().sort()}).filter(
        pl.col("month_end") <= pl.lit(dates.max())
    )


def check_weights(weights: pl.DataFrame) -> Iterator[Finding]:
    """Add up each list of weights."""
    import polars as pl

    sums = weights.group_by("index", "date").agg(sum=pl.col("weight").sum()).sort("index", "date")
    off = (pl.col("sum") - 1).abs() > 0.01
    yield where(sums, "index_weights", "weights_off", off, ["index", "date", "sum"], "weight")


def check_labels(industry: pl.DataFrame, bars: pl.DataFrame | None) -> Iterator[Finding]:
    """Find schemes that are snapshots, and asset-months without a label."""
    import polars as pl

    schemes = (
        industry.group_by("scheme")
        .agg(
            rows=pl.len(),
            days=pl.col("start_date").n_unique(),
            assets=pl.col("asset").n_unique(),
            first=pl.col("start_date").min(),
        )
        .sort("scheme")
    )
    shots = (pl.col("days") <= 12) & (pl.col("rows") > 5 * pl.col("days"))
    yield where(
        schemes, "industry", "snapshots_only", shots, ["scheme", "days", "first"], "start_date"
    )
    if bars is None:
        return
    months = (
        bars.select("asset", month=pl.col("date").dt.month_end()).unique().sort("asset", "month")
    )
    for scheme in schemes["scheme"].to_list():
        labels = industry.filter(pl.col("scheme") == scheme)
        first = labels.group_by("asset").agg(known=pl.col("start_date").min())
        joined = months.join(first, on="asset", how="left", maintain_order="left")
        without = joined.filter(pl.col("known").is_null() | (pl.col("known") > pl.col("month")))
        yield Finding(
            table="industry",
            rule="labels_missing",
            count=without.height,
            total=months.height,
            field=scheme,
            examples=examples(without.select("asset", "month")),
        )
