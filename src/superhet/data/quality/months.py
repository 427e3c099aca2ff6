"""Months as whole numbers, which are faster to group by than text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def month_number(date: pl.Expr) -> pl.Expr:
    """Count the months from year 0 to the month of a date."""
    import polars as pl

    return date.dt.year().cast(pl.Int32) * 12 + date.dt.month() - 1


def month_text(column: str) -> pl.Expr:
    """Write a number of months as 2020-01."""
    import polars as pl

    year, month = pl.col(column) // 12, pl.col(column) % 12 + 1
    return pl.format("{}-{}", year, month.cast(pl.String).str.zfill(2)).alias(column)
