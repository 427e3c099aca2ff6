"""Statements as Qlib's point-in-time files: one record a publication, revisions of a period chained.

1. rows in order of publication; what ends a value is written as NaN                 -> _records
2. each record knows where the next one of its period lies; the index knows the first -> write_records

Qlib knows periods by year and quarter. A report that ends within a quarter is written as that quarter's; two
that share one become its revisions, which gives the newest of them on every day.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from superhet.data.pivot import days
from superhet.data.sources.qlib_bin_layout import to_folder, to_symbol
from superhet.data.sources.qlib_pit import FOLDER, NONE, QUARTER, RECORD, YEAR
from superhet.progress import Progress

if TYPE_CHECKING:
    import polars as pl


def write_statements(
    folder: Path, frame: pl.DataFrame, progress: Progress, notes: list[str]
) -> int:
    """Write all revisions of all numbers; give the number of files.

    Parameters
    ----------
    frame : rows of the table `statements`
    notes : takes up what the format cannot hold
    """
    import polars as pl

    key = ("asset", "report_date", "announce_date", "revision")
    columns = [c for c, t in frame.schema.items() if t.is_numeric() and c not in key]
    frame = frame.sort("asset", "announce_date", "revision", "report_date", maintain_order=True)
    quarter = pl.col("report_date").dt.year() * 100 + pl.col("report_date").dt.quarter()
    frame = frame.with_columns(_quarter=quarter)
    ends = frame.filter(pl.col("report_date") != pl.col("report_date").dt.month_end()).height
    shared = (
        frame.group_by("asset", "_quarter")
        .agg(n=pl.col("report_date").n_unique())
        .filter(pl.col("n") > 1)
    )
    if ends:
        notes.append(
            f"statements: {ends:,} rows end within a month and are written as their quarter's"
        )
    if shared.height:
        notes.append(
            f"statements: {shared.height:,} quarters hold several reports, written as revisions"
        )
    texts = [c for c in frame.columns if c not in (*columns, *key, "_quarter")]
    if texts:
        notes.append(f"statements: Qlib has no place for {', '.join(texts)}")
    assets = frame.partition_by("asset", maintain_order=True)
    count = 0
    for done, rows in enumerate(assets):
        progress(done, len(assets), "point-in-time files")
        place = folder / FOLDER / to_folder(to_symbol(rows["asset"][0]))
        place.mkdir(parents=True, exist_ok=True)
        count += sum(_write_field(place, rows, column) for column in columns)
    return count


def write_records(
    path: Path,
    date: npt.NDArray[Any],
    period: npt.NDArray[Any],
    value: npt.NDArray[Any],
    per_year: int,
) -> None:
    """Write a `.data` file and its `.index`.

    Parameters
    ----------
    path : of the `.data` file
    date : [records], YYYYMMDD, rising
    period : [records], YYYYQQ with `per_year` 4, or YYYY with 1
    value : [records]
    """
    records = np.empty(len(date), dtype=RECORD)
    records["date"], records["period"], records["value"] = date, period, value
    records["next"] = NONE
    order = np.argsort(period, kind="stable")
    same = period[order][1:] == period[order][:-1]
    records["next"][order[:-1][same]] = order[1:][same] * RECORD.itemsize
    year = period // 100 if per_year > 1 else period
    first_year = int(year.min())
    number = (year - first_year) * per_year + (period % 100 - 1 if per_year > 1 else 0)
    places = np.full((int(year.max()) - first_year + 1) * per_year, NONE, dtype="<u4")
    opens = np.r_[True, ~same]
    places[number[order[opens]]] = order[opens] * RECORD.itemsize
    path.write_bytes(records.tobytes())
    path.with_suffix(".index").write_bytes(
        np.uint32(first_year).astype("<u4").tobytes() + places.tobytes()
    )


def _write_field(folder: Path, rows: pl.DataFrame, column: str) -> int:
    yearly = column.endswith(YEAR)
    values = rows[column].fill_null(np.nan).to_numpy().astype(np.float64)
    period = rows["_quarter"].to_numpy().astype(np.int64)
    if yearly:
        period = period // 100
    said = _said(values, period)
    if not said.any():
        return 0
    day = days(rows["announce_date"])[said]
    month = day.astype("datetime64[M]").astype(np.int64)
    dated = (month // 12 + 1970) * 10_000 + (month % 12 + 1) * 100
    dated += (day - day.astype("datetime64[M]")).astype(np.int64) + 1
    name = column if yearly else f"{column}{QUARTER}"
    path = folder / f"{name.lower()}.data"
    write_records(path, dated, period[said], values[said], 1 if yearly else 4)
    return 2


def _said(values: npt.NDArray[np.float64], period: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Tell the rows to write: those with a value, and those that end the one before them."""
    known = ~np.isnan(values)
    order = np.argsort(period, kind="stable")
    before = np.r_[False, known[order][:-1] & (period[order][1:] == period[order][:-1])]
    ends = np.empty_like(known)
    ends[order] = before
    return known | ends


__all__ = ["write_records", "write_statements"]
