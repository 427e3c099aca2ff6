"""Dates that vendors write in part: a quarter for its last day, a month and day without the year."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from superhet.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

QUARTER = "%q"


def spell_quarters(frame: pl.DataFrame, formats: Mapping[str, str]) -> pl.DataFrame:
    """Write quarters as the last day of the quarter.

    Parameters
    ----------
    formats : column -> format; those with %q ("%YQ%q", "%Y_%q") are taken

    Returns
    -------
    The frame, such columns as YYYY-MM-DD; what is no quarter stays as it is.
    """
    import polars as pl

    for column, form in formats.items():
        if QUARTER not in form or column not in frame.columns:
            continue
        pattern = "^" + re.escape(form) + "$"
        pattern = pattern.replace("%Y", r"(?<year>\d{4})").replace(QUARTER, "(?<quarter>[1-4])")
        if "<year>" not in pattern:
            raise ConfigError(f"date_format.{column}", f"a quarter needs its year: %Y in {form!r}")
        text = pl.col(column).cast(pl.String).str.strip_chars()
        found = text.str.extract_groups(pattern)
        year = found.struct["year"].cast(pl.Int32, strict=False)
        last = 3 * found.struct["quarter"].cast(pl.Int32, strict=False)
        end = pl.date(year, last, 1).dt.month_end().dt.to_string("%Y-%m-%d")
        frame = frame.with_columns(pl.coalesce(end, text).alias(column))
    return frame


def without_quarters(formats: Mapping[str, str]) -> dict[str, str]:
    """Leave out the formats that `spell_quarters` has dealt with."""
    return {column: form for column, form in formats.items() if QUARTER not in form}


def complete_years(frame: pl.DataFrame, after: Mapping[str, str]) -> pl.DataFrame:
    """Give a month and day the year that makes it the first such day after another date.

    Parameters
    ----------
    frame : text columns; the other date is written YYYY-MM-DD
    after : column of months and days (09-02, 9/2) -> column of dates
    """
    import polars as pl

    for column, other in after.items():
        for name in (column, other):
            if name not in frame.columns:
                raise ConfigError(f"yearless.{column}", f"there is no column {name!r}")
        parts = pl.col(column).cast(pl.String).str.strip_chars()
        found = parts.str.extract_groups(r"^(\d{1,2})[-/.月](\d{1,2})日?$")
        month, day = (found.struct[i].cast(pl.Int32, strict=False) for i in (0, 1))
        end = pl.col(other).cast(pl.String).str.slice(0, 10).str.to_date(strict=False)
        this = pl.concat_str(
            end.dt.year(), month.cast(pl.String).str.zfill(2), day.cast(pl.String).str.zfill(2),
            separator="-",
        )  # fmt: skip
        later = pl.concat_str(end.dt.year() + 1, this.str.slice(4))
        known = this.str.to_date(strict=False)
        first = pl.when(known.is_null() | (known <= end)).then(later).otherwise(this)
        frame = frame.with_columns(pl.coalesce(first, parts).alias(column))
    return frame
