"""How much of each field is known, month by month, and how much is missing altogether."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from superhet.data.quality.base import Finding, where
from superhet.data.schema import table_spec

if TYPE_CHECKING:
    import polars as pl

_TOLD = {"amount", "close"}  # bars_1d has rules of its own for these


def fields(frame: pl.DataFrame, table: str) -> list[str]:
    """List the columns that hold values: no keys, no dates of validity."""
    spec = table_spec(table)
    skip = {*spec.key, "end_date", "announce_time", "update_date"}
    return [c for c in frame.columns if c not in skip]


def missing_values(frame: pl.DataFrame, table: str) -> Iterator[Finding]:
    """Count the rows without a value, field by field."""
    import polars as pl

    spec = table_spec(table)
    labels = [k for k in spec.key if k in frame.columns]
    for name in fields(frame, table):
        if table == "bars_1d" and name in _TOLD:
            continue
        yield where(frame, table, "missing_values", pl.col(name).is_null(), labels, name)


def by_month(frame: pl.DataFrame, table: str) -> dict[str, dict[str, float]]:
    """Give for each field, by month, the share of rows that know it."""
    import polars as pl

    spec = table_spec(table)
    if spec.date is None or frame.is_empty():
        return {}
    names = fields(frame, table)
    month = pl.col(spec.date).dt.strftime("%Y-%m")
    shares = (
        frame.group_by(month.alias("_month")).agg(pl.col(names).is_not_null().mean()).sort("_month")
    )
    months = shares["_month"].to_list()
    return {f"{table}.{n}": dict(zip(months, shares[n].to_list(), strict=True)) for n in names}


def assets_without(assets: pl.Series, frame: pl.DataFrame, table: str) -> Finding:
    """Count the assets with bars that a table does not name."""
    import polars as pl

    named = pl.DataFrame({"asset": assets.unique().sort()})
    absent = ~pl.col("asset").is_in(frame["asset"].unique().implode())
    return where(named, table, "assets_without", absent, ["asset"], "asset")
