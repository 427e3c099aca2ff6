"""Securities, index members and weights, industry labels: against each other and against the bars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from superhet.data.quality.base import Finding, count_rules, examples, where
from superhet.data.quality.daily import Daily
from superhet.data.quality.months import month_number, month_text
from superhet.data.schema import table_spec

if TYPE_CHECKING:
    import polars as pl

_SIZES = {"000300": 300, "000905": 500, "000852": 1000, "000016": 50, "399006": 100}
"""Numbers of members that the names of indices promise."""
_SNAPSHOTS = 12  # days with labels up to which a scheme counts as snapshots


def check_securities(securities: pl.DataFrame, daily: Daily) -> Iterator[Finding]:
    """Hold listing and delisting against the bars."""
    import polars as pl

    lives = daily.lives
    unknown = ~pl.col("asset").is_in(securities["asset"].implode())
    yield where(lives, "securities", "not_in_securities", unknown, ["asset"], "asset")
    yield without_bars(securities, "securities", lives)
    wanted = [c for c in ("list_date", "delist_date") if c in securities.columns]
    both = lives.join(securities.select("asset", *wanted), on="asset", maintain_order="left")
    labels = ["asset", "first", "last"]
    if "list_date" in wanted:
        early = pl.col("first") < pl.col("list_date")
        yield where(both, "securities", "bars_before_listing", early, labels, "list_date")
    if "delist_date" in wanted:
        late = pl.col("last") > pl.col("delist_date")
        yield where(both, "securities", "bars_after_delisting", late, labels, "delist_date")


def without_bars(
    frame: pl.DataFrame, table: str, lives: pl.DataFrame, of: str = "asset"
) -> Finding:
    """Count the assets that a table names and that have no bar at all."""
    import polars as pl

    named = frame.select(pl.col("asset").unique().sort())
    absent = ~pl.col("asset").is_in(lives["asset"].implode())
    return where(named, table, "without_bars", absent, ["asset"], of)


def check_spells(frame: pl.DataFrame, table: str) -> Iterator[Finding]:
    """Look for spells of one thing that overlap, and for ends that are the last day, not the day after."""
    import polars as pl

    if "end_date" not in frame.columns:
        return
    of = [k for k in table_spec(table).key if k != "start_date"]
    frame = frame.sort(*of, "start_date")
    same = pl.all_horizontal(pl.col(k) == pl.col(k).shift(1) for k in of)
    ended = pl.when(same).then(pl.col("end_date").shift(1))
    still = same & pl.col("end_date").shift(1).is_null()
    labels = [*of, "start_date"]
    hole = (pl.col("start_date") - ended).dt.total_days()
    conditions = {"spells_overlap": (hole < 0) & ~still, "spells_one_day_holes": hole == 1}
    holes, total = frame.select(conditions["spells_one_day_holes"].sum(), same.sum()).row(0)
    if holes <= total / 4:  # a break of a day now and then is a break
        conditions["spells_one_day_holes"] = pl.lit(False)
    yield from count_rules(frame, table, conditions, labels, "end_date")


def check_members(
    members: pl.DataFrame, weights: pl.DataFrame | None, daily: Daily | None
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
    if daily is not None:
        yield _unknown(members, daily.lives)


def _unknown(members: pl.DataFrame, lives: pl.DataFrame) -> Finding:
    """Count memberships, in the years that have bars, of assets without a bar meanwhile."""
    import polars as pl

    span = (lives["first"].min(), lives["last"].max())
    until = pl.col("end_date").fill_null(pl.date(9999, 1, 1))
    inside = (pl.col("start_date") <= span[1]) & (until > span[0])
    held = members.filter(inside).join(lives, on="asset", how="left")
    absent = (
        pl.col("first").is_null()
        | (pl.col("last") < pl.col("start_date"))
        | (pl.col("first") >= until)
    )
    labels = ["index", "asset", "start_date"]
    held = held.sort("index", "start_date", "asset")
    return where(held, "index_members", "members_unknown", absent, labels, "asset")


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


def check_labels(industry: pl.DataFrame, daily: Daily | None) -> Iterator[Finding]:
    """Find schemes that are snapshots, asset-months without a label, and labels without bars."""
    import polars as pl

    schemes = (
        industry.group_by("scheme")
        .agg(
            rows=pl.len(),
            days=pl.col("start_date").n_unique(),
            first=pl.col("start_date").min(),
        )
        .sort("scheme")
    )
    shots = (pl.col("days") <= _SNAPSHOTS) & (pl.col("rows") > 5 * pl.col("days"))
    yield where(
        schemes, "industry", "snapshots_only", shots, ["scheme", "days", "first"], "start_date"
    )
    if daily is None:
        return
    for scheme in schemes["scheme"].to_list():
        labels = industry.filter(pl.col("scheme") == scheme)
        yield _labels_missing(scheme, labels, daily.months)
        yield without_bars(labels, "industry", daily.lives, scheme)
        if scheme in schemes.filter(shots)["scheme"].to_list():
            yield from _snapshots(scheme, labels, daily.lives)


def _labels_missing(scheme: str, labels: pl.DataFrame, months: pl.DataFrame) -> Finding:
    import polars as pl

    first = labels.group_by("asset").agg(known=month_number(pl.col("start_date")).min())
    joined = months.join(first, on="asset", how="left", maintain_order="left")
    without = joined.filter(pl.col("known").is_null() | (pl.col("known") > pl.col("month")))
    return Finding(
        table="industry",
        rule="labels_missing",
        count=without.height,
        total=months.height,
        field=scheme,
        examples=examples(without.head(3).select("asset", month_text("month"))),
    )


def _snapshots(scheme: str, labels: pl.DataFrame, lives: pl.DataFrame) -> Iterator[Finding]:
    """Count, for each year with a snapshot, the assets that have bars and no label of that year."""
    import polars as pl

    for year in sorted(labels["start_date"].dt.year().unique().to_list()):
        named = labels.filter(pl.col("start_date").dt.year() == year)["asset"]
        absent = ~pl.col("asset").is_in(named.implode())
        yield where(lives, "industry", "snapshot_partial", absent, ["asset"], f"{scheme} {year}")
