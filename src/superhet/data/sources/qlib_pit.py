"""Qlib's point-in-time files as statements, every revision kept.

`financial/<symbol>/<field>_q.data` (quarters) or `_a` (years) holds records of 20 bytes, little-endian: day
of publication (20200429), period (202001, or 2020), value (float64), place of the next revision of the same
period in the file. `.index` holds the first year and then, for each of its periods, the place of the first
record. 4294967295 means none.

1. records of each field, held against the index and its chains               -> read_records
2. fields of one publication side by side; what it does not name stays        -> _side_by_side
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from superhet.data.sources.entering import Entry
from superhet.data.sources.qlib_bin_layout import from_folder, to_asset
from superhet.errors import DataError
from superhet.progress import Progress

if TYPE_CHECKING:
    import polars as pl

FOLDER = "financial"
QUARTER, YEAR = "_q", "_a"
NONE = np.uint32(4294967295)
RECORD = np.dtype([("date", "<u4"), ("period", "<u4"), ("value", "<f8"), ("next", "<u4")])


def read_statements(
    base: Path, spelling: Mapping[str, str], fields: Mapping[str, str], progress: Progress
) -> Entry | None:
    """Read all point-in-time files of a provider folder; None if it has none.

    Parameters
    ----------
    spelling : symbol in capitals -> as the lists of instruments spell it
    fields : their field, without _q -> our column

    Raises
    ------
    DataError
        with the file that is cut off, unsorted, or whose chain of revisions is broken
    """
    folders = sorted(p for p in (base / FOLDER).glob("*") if p.is_dir())
    found: dict[str, list[_Field]] = {}
    for done, folder in enumerate(folders):
        progress(done, len(folders), "point-in-time files")
        symbol = from_folder(folder.name)
        asset = to_asset(spelling.get(symbol, symbol))
        for path in sorted(folder.glob("*.data")):
            one = _field(path, f"{FOLDER}/{folder.name}/{path.name}", asset)
            found.setdefault(fields.get(one.name, one.name), []).append(one)
    if not found:
        return None
    frame = _side_by_side({column: _frame(column, parts) for column, parts in found.items()})
    files = sum(len(parts) for parts in found.values())
    return Entry(frame=frame, sources=(f"{FOLDER}/",), files=files)


def read_records(path: Path, name: str) -> npt.NDArray[Any]:
    """Read one `.data` file and hold it against its `.index`.

    Raises
    ------
    DataError
        if it is cut off, not in order of publication, or Qlib could not find its records
    """
    content, index = path.read_bytes(), path.with_suffix(".index")
    if len(content) % RECORD.itemsize:
        raise DataError(
            f"{len(content)} bytes are no whole number of records of {RECORD.itemsize}: the file is cut off. "
            "Fetch it again.",
            file=name,
        )
    records = np.frombuffer(content, dtype=RECORD)
    late = np.flatnonzero(records["date"][1:] < records["date"][:-1])
    if len(late):
        row = int(late[0]) + 2
        raise DataError("records are not in order of publication", file=name, row=row)
    if not index.is_file():
        raise DataError("its .index file is missing", file=name)
    places = index.read_bytes()
    if len(places) < 4 or len(places) % 4:
        name = name.removesuffix(".data") + ".index"
        raise DataError(f"{len(places)} bytes are no whole number of places: cut off", file=name)
    _check_chains(records, np.frombuffer(places, dtype="<u4")[1:], name)
    return records


def period_end(period: npt.NDArray[Any], *, quarterly: bool) -> npt.NDArray[np.datetime64]:
    """Give the last day of each period, [periods] datetime64[D]; NaT for what is no period."""
    number = period.astype(np.int64)
    year, quarter = (
        (number // 100, number % 100) if quarterly else (number, np.full_like(number, 4))
    )
    good = (year >= 1900) & (year < 2200) & (quarter >= 1) & (quarter <= 4)
    month = (np.where(good, year, 1970) - 1970) * 12 + 3 * np.where(good, quarter, 1)
    end = month.astype("datetime64[M]").astype("datetime64[D]") - np.timedelta64(1, "D")
    return np.where(good, end, np.datetime64("NaT", "D"))


def _check_chains(records: npt.NDArray[Any], firsts: npt.NDArray[Any], name: str) -> None:
    """See that each record is reached once, by the index or by the one before it of the same period."""
    size = RECORD.itemsize
    came = np.flatnonzero(records["next"] != NONE)
    after = records["next"][came].astype(np.int64)
    first = firsts[firsts != NONE].astype(np.int64)
    places = np.concatenate([after, first])
    broken = (places % size != 0) | (places >= len(records) * size)
    if not broken.any():
        to = after // size
        reached = np.bincount(places // size, minlength=len(records))
        same = records["period"][to] == records["period"][came]
        if same.all() and (to > came).all() and (reached == 1).all():
            return
    raise DataError(
        "the chain of revisions is broken: a record points to no later one of its period, or none points "
        "to it. Fetch .data and .index again, both of one day.",
        file=name,
    )


@dataclass(frozen=True)
class _Field:
    """One file: records of one field of one asset, in order of publication."""

    name: str
    asset: str
    report_date: npt.NDArray[np.datetime64]
    announce_date: npt.NDArray[np.datetime64]
    value: npt.NDArray[np.float64]


def _field(path: Path, name: str, asset: str) -> _Field:
    stem = path.stem.lower()
    if not stem.endswith((QUARTER, YEAR)):
        raise DataError("a field ends with _q (quarters) or _a (years)", file=name)
    records = read_records(path, name)
    ends = period_end(records["period"], quarterly=stem.endswith(QUARTER))
    days = _days(records["date"])
    wrong = np.flatnonzero(np.isnat(ends) | np.isnat(days))
    if len(wrong):
        row = int(wrong[0])
        message = f"{records['date'][row]} or {records['period'][row]} is no day or period"
        raise DataError(message, file=name, row=row + 1)
    value = records["value"].astype(np.float64)
    return _Field(stem.removesuffix(QUARTER), asset, ends, days, value)


def _days(number: npt.NDArray[Any]) -> npt.NDArray[np.datetime64]:
    """Give days of numbers YYYYMMDD; NaT for what is none."""
    whole = number.astype(np.int64)
    year, month, day = whole // 10_000, whole // 100 % 100, whole % 100
    good = (year >= 1900) & (year < 2200) & (month >= 1) & (month <= 12) & (day >= 1)
    first = ((np.where(good, year, 1970) - 1970) * 12 + np.where(good, month, 1) - 1).astype(
        "datetime64[M]"
    )
    days = first.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    return np.where(good & (days.astype("datetime64[M]") == first), days, np.datetime64("NaT", "D"))


def _frame(column: str, parts: Sequence[_Field]) -> pl.DataFrame:
    """Give the records of one field, all assets; records of one day and period are numbered."""
    import polars as pl

    frame = pl.DataFrame(
        {
            "asset": pl.Series([p.asset for p in parts], dtype=pl.String).gather(
                np.repeat(np.arange(len(parts)), [len(p.value) for p in parts])
            ),
            "report_date": np.concatenate([p.report_date for p in parts]),
            "announce_date": np.concatenate([p.announce_date for p in parts]),
            column: np.concatenate([p.value for p in parts]),
        }
    )
    number = pl.int_range(pl.len(), dtype=pl.Int64).over("asset", "report_date", "announce_date")
    return frame.with_columns(revision=number)


def _side_by_side(fields: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Join the fields; one that a publication does not name keeps its last value of the same report.

    The revision counts the earlier publications of the report.
    """
    import polars as pl

    key, report = ["asset", "report_date", "announce_date", "revision"], ["asset", "report_date"]
    frame: pl.DataFrame | None = None
    for column, other in fields.items():
        here = other.with_columns(pl.int_range(pl.len()).alias(f"{column}\0"))
        frame = here if frame is None else frame.join(here, on=key, how="full", coalesce=True)
    assert frame is not None
    frame = frame.sort(key)
    for column, other in fields.items():
        last = frame.select(pl.col(f"{column}\0").forward_fill().over(report)).to_series()
        frame = frame.with_columns(other[column].gather(last).fill_nan(None).alias(column))
    numbered = pl.int_range(pl.len(), dtype=pl.Int64).over(report).alias("revision")
    return frame.select(*key[:3], numbered, *fields)
