"""How much of each field is known, month by month, and how much is missing altogether."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from superhet.data.quality.base import Finding, where
from superhet.data.quality.months import month_number, month_text
from superhet.data.schema import table_spec

if TYPE_CHECKING:
    import polars as pl

_TOLD = {"amount", "close"}  # bars_1d has rules of its own for these
_OPEN_END = {"delist_date"}  # nothing there means: not yet
_KNOWN_WHEN = {"revision", "announce_time", "update_date"}


def fields(frame: pl.DataFrame, table: str) -> list[str]:
    """List the columns that hold values: no keys, no dates of validity."""
    spec = table_spec(table)
    skip = {*spec.key, "end_date", *_KNOWN_WHEN, *_OPEN_END}
    return [c for c in frame.columns if c not in skip]


def missing_values(frame: pl.DataFrame, table: str) -> Iterator[Finding]:
    """Count the rows without a value, field by field."""
    import polars as pl

    spec = table_spec(table)
    labels = [k for k in spec.key if k in frame.columns and k != "revision"]
    for name in fields(frame, table):
        if table == "bars_1d" and name in _TOLD:
            continue
        if not frame[name].null_count():
            yield Finding(
                table=table, rule="missing_values", field=name, count=0, total=frame.height
            )
            continue
        yield where(frame, table, "missing_values", pl.col(name).is_null(), labels, name)


def by_month(frame: pl.DataFrame, table: str) -> dict[str, dict[str, float]]:
    """Give for each field, by month, the share of rows that know it."""
    import polars as pl

    spec = table_spec(table)
    if spec.date is None or frame.is_empty():
        return {}
    names = fields(frame, table)
    shares = (
        frame.lazy()
        .group_by(_month=month_number(pl.col(spec.date)))
        .agg(*((1 - pl.col(n).null_count() / pl.len()).alias(n) for n in names))
        .sort("_month")
        .with_columns(month_text("_month"))
        .collect()
    )
    months = shares["_month"].to_list()
    return {f"{table}.{n}": dict(zip(months, shares[n].to_list(), strict=True)) for n in names}


def assets_without(lives: pl.DataFrame, frame: pl.DataFrame, table: str) -> Finding:
    """Count the assets with bars that a table does not name."""
    import polars as pl

    absent = ~pl.col("asset").is_in(frame["asset"].unique().implode())
    return where(lives, table, "assets_without", absent, ["asset"], "asset")
