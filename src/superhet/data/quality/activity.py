"""What happened month by month: suspensions, bars at the limit, without volume, repeated; restatements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from superhet.data.quality.daily import Daily, before, numbered_sessions
from superhet.data.quality.limit_hits import with_limits
from superhet.data.quality.months import month_number, month_text

if TYPE_CHECKING:
    import polars as pl

_HALF_CENT = 0.005 + 1e-9


def activity(daily: Daily, status: pl.DataFrame | None = None) -> dict[str, dict[str, int]]:
    """Count by month: suspended (no bar between two), zero_volume, stale, and limit_up, limit_down.

    A close within half a cent of the limit price counts; where the bars give none it is computed.
    Without any asset that has a limit the last two are not there.

    Parameters
    ----------
    daily : the daily bars
    status : rows of the table `status`, if there are any
    """
    import polars as pl

    frame = with_limits(daily, status)
    same = (pl.col("close") == before("close")) & (pl.col("volume") == before("volume"))
    counted = {
        "zero_volume": pl.col("volume") == 0,
        "stale": same & (pl.col("volume") > 0),
    }
    for name, sign in (("limit_up", 1), ("limit_down", -1)):
        if name in frame.columns and frame[name].null_count() < frame.height:
            counted[name] = sign * (pl.col("close") - pl.col(name)) > -_HALF_CENT
    marks = frame.select(
        month_number(pl.col("date")).alias("month"),
        *(e.fill_null(False).alias(n) for n, e in counted.items()),
    )
    months = marks.group_by("month").agg(pl.col(list(counted)).sum()).sort("month")
    gone = _suspended(daily)
    months = months.join(gone, on="month", how="left").sort("month").fill_null(0)
    text = months.with_columns(month_text("month"))
    names = ["suspended", *counted]
    return {n: dict(zip(text["month"].to_list(), text[n].to_list(), strict=True)) for n in names}


def restatements(frame: pl.DataFrame) -> dict[str, int]:
    """Count by month the announcements of periods that had been announced before.

    Parameters
    ----------
    frame : rows of `statements`
    """
    import polars as pl

    order = ["asset", "report_date", "announce_date"]
    order += ["revision"] if "revision" in frame.columns else []
    again = ~pl.struct("asset", "report_date").is_first_distinct()
    found = frame.select(order).sort(order).filter(again)
    months = found.group_by(month=month_number(pl.col("announce_date"))).len().sort("month")
    return dict(months.with_columns(month_text("month")).rows())


def _suspended(daily: Daily) -> pl.DataFrame:
    """Count by month the sessions between two bars of an asset that have none."""
    import polars as pl

    days = numbered_sessions(daily.sessions)
    frame = daily.bars.select("asset", "date").join(days, on="date", maintain_order="left")
    holes = frame.select("_session", last=before("_session"))
    holes = holes.filter(pl.col("_session") - pl.col("last") > 1)
    absent = holes.select(_session=pl.int_ranges(pl.col("last") + 1, "_session"))
    return (
        absent.explode("_session")
        .join(days, on="_session")
        .group_by(month=month_number(pl.col("date")))
        .agg(suspended=pl.len())
    )
