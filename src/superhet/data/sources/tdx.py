"""tdx: the bar files of the TDX desktop terminal (vipdoc/sh/lday/sh600000.day, minline/*.lc1, fzline/*.lc5).

Records have 32 bytes, little-endian. Daily: date (YYYYMMDD), open, high, low, close in hundredths
(thousandths of funds, bonds and Shanghai's B shares), amount (float32, yuan), volume, four bytes unused.
Minutes: day ((year − 2004) × 2048 + month × 100 + day), minutes since midnight, open, high, low, close
(float32), amount, volume, four bytes unused; a bar is stamped at its end. Prices are raw, and no file tells
dividends or splits.

1. exchange and code from the file's name; what kind of paper that is           -> _paper
2. records to columns, prices and volumes to yuan and shares                    -> _daily, _minutes
3. files one below the other                                                    -> _Rows
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.data.base import SOURCES
from superhet.data.faults import ORIGIN_FILE, ORIGIN_ROW
from superhet.data.quarantine import FEW
from superhet.data.sources.entering import Entry, FormatReport, enter
from superhet.data.store import Mode, Store
from superhet.errors import ConfigError, DataError
from superhet.progress import Progress, silent

_SIZE = 32
_PRICES = ("open", "high", "low", "close")
_REST = [("amount", "<f4"), ("volume", "<u4"), ("_", "<u4")]
_DAY = np.dtype([("date", "<u4"), *((p, "<u4") for p in _PRICES), *_REST])
_MINUTE = np.dtype([("day", "<u2"), ("minute", "<u2"), *((p, "<f4") for p in _PRICES), *_REST])
_TABLES = {".day": "bars_1d", ".lc1": "bars_1min", ".lc5": "bars_5min"}
_THOUSANDTHS = re.compile(r"^(sh(5|90|01|02|1[0-4]|20|24)|sz(1[0-8])|bj(81|82))")
_INDEX = re.compile(r"^(sh(000|88|99)|sz39|bj899)")
_LOT, _LOTS_FROM = 100.0, 10.0


@dataclass
class _Rows:
    """Rows of one table, one piece a file."""

    time: str
    key: str
    pieces: list[dict[str, npt.NDArray[Any]]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    def entry(self) -> Entry:
        import polars as pl

        counts = [len(piece["volume"]) for piece in self.pieces]
        which = np.repeat(np.arange(len(self.pieces), dtype=np.uint32), counts)
        rows = [np.arange(1, count + 1, dtype=np.uint32) for count in counts]
        columns = {c: np.concatenate([p[c] for p in self.pieces]) for c in self.pieces[0]}
        frame = pl.DataFrame(
            {
                self.time: columns.pop(self.time),
                self.key: pl.Series(self.names, dtype=pl.String).gather(which),
                **columns,
                ORIGIN_FILE: which,
                ORIGIN_ROW: np.concatenate(rows),
            }
        )
        return Entry(frame=frame, sources=self.sources, files=len(self.sources))


@SOURCES.add("tdx")
def import_tdx(
    path: str | Path,
    store: Store | str | Path,
    column_map: object = None,
    progress: Progress | None = None,
    mode: Mode = "replace",
    quarantine: float | None = FEW,
) -> FormatReport:
    """Read bar files of TDX into a store, all tables in one step.

    Parameters
    ----------
    path : a file, or a folder such as vipdoc with all below it
    store : the store, or where it is or shall be
    column_map : there is none; the format leaves nothing to say
    progress : called with (files done, files in all, file)
    mode : replace the tables, or put rows in place of those with the same key
    quarantine : most rows of a table, as a share, that may break the schema and be set aside; None = none

    Raises
    ------
    ConfigError
        if a map is given
    DataError
        if a file is cut off, is not called as TDX calls it, or holds days that are none
    """
    if column_map is not None:
        raise ConfigError("--map", "the files of TDX have no headers to map")
    base, report = Path(path), progress or silent
    files = _files(base)
    tables: dict[str, _Rows] = {}
    empty = 0
    for done, file in enumerate(files):
        name = file.relative_to(base).as_posix() if file != base else file.name
        report(done, len(files), f"*{file.suffix.lower()}")
        asset, is_index, scale = _paper(file.stem.lower(), name)
        table = _TABLES[file.suffix.lower()]
        daily = table == "bars_1d"
        if is_index and not daily:
            continue  # there is no table for minute bars of indices
        records = _records(file, name, _DAY if daily else _MINUTE)
        if not len(records):
            empty += 1
            continue
        columns = _daily(records, scale, name) if daily else _minutes(records, name)
        columns["volume"] = columns["volume"] * _lot(columns, is_index=is_index)
        into = tables.setdefault(
            "index_bars" if is_index else table,
            _Rows("date" if daily else "time", "index" if is_index else "asset"),
        )
        into.pieces.append(columns)
        into.names.append(asset)
        into.sources.append(name)
    if not tables:
        raise DataError("all files are empty", file=str(base))
    notes = [
        "prices are raw and TDX gives no adjust factors: import adjust_factors or corporate_actions"
    ]
    if empty:
        notes.append(f"{empty} files are empty")
    report(len(files), len(files), "writing")
    entries = {name: rows.entry() for name, rows in tables.items()}
    return enter(
        store, entries, source=f"tdx: {base.name}", notes=notes, mode=mode, quarantine=quarantine
    )


def _files(base: Path) -> list[Path]:
    if not base.exists():
        raise DataError("there is no such file or folder; check --path", file=str(base))
    found = [base] if base.is_file() else sorted(p for p in base.rglob("*") if p.is_file())
    files = [p for p in found if p.suffix.lower() in _TABLES]
    if not files:
        raise DataError("no .day, .lc1 or .lc5 file of TDX lies here", file=str(base))
    return files


def _paper(stem: str, name: str) -> tuple[str, bool, float]:
    """Give the name of a paper, whether it is an index, and what its daily prices are divided by."""
    found = re.fullmatch(r"(sh|sz|bj)(\d{6})", stem)
    if found is None:
        raise DataError("a file of TDX is called as sh600000.day", file=name)
    asset = f"{found.group(2)}.{found.group(1).upper()}"
    return asset, bool(_INDEX.match(stem)), 1000.0 if _THOUSANDTHS.match(stem) else 100.0


def _records(path: Path, name: str, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    size = path.stat().st_size
    if size % _SIZE:
        raise DataError(
            f"{size} bytes are no whole number of records of {_SIZE}: the file is cut off, or none of TDX's. "
            "Download it again in the terminal.",
            file=name,
        )
    return np.fromfile(path, dtype=kind)


def _daily(records: npt.NDArray[Any], scale: float, name: str) -> dict[str, npt.NDArray[Any]]:
    date = records["date"].astype(np.int64)
    day = _days(date // 10_000, date // 100 % 100, date % 100, name)
    return {"date": day, **{p: records[p] / scale for p in _PRICES}, **_traded(records)}


def _minutes(records: npt.NDArray[Any], name: str) -> dict[str, npt.NDArray[Any]]:
    day, minute = records["day"].astype(np.int64), records["minute"].astype(np.int64)
    days = _days(day // 2048 + 2004, day % 2048 // 100, day % 2048 % 100, name)
    late = np.flatnonzero(minute >= 24 * 60)
    if len(late):
        message = f"{minute[late[0]]} is no minute of a day"
        raise DataError(message, file=name, row=int(late[0]) + 1)
    time = days.astype("datetime64[ms]") + minute.astype("timedelta64[m]")
    # a float32 of 12.34 is 12.3400002: what was quoted has at most three decimals
    prices = {p: np.round(records[p].astype(np.float64), 3) for p in _PRICES}
    return {"time": time, **prices, **_traded(records)}


def _traded(records: npt.NDArray[Any]) -> Mapping[str, npt.NDArray[Any]]:
    return {n: records[n].astype(np.float64) for n in ("volume", "amount")}


def _lot(columns: Mapping[str, npt.NDArray[Any]], *, is_index: bool) -> float:
    """Tell what a volume counts: shares, or lots of 100 (of indices, and some funds)."""
    if is_index:
        return _LOT
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = columns["amount"] / (columns["volume"] * columns["close"])
    known = ratio[np.isfinite(ratio) & (ratio > 0)]
    return _LOT if len(known) and float(np.median(known)) > _LOTS_FROM else 1.0


def _days(
    year: npt.NDArray[np.int64], month: npt.NDArray[np.int64], day: npt.NDArray[np.int64], name: str
) -> npt.NDArray[np.datetime64]:
    good = (year > 1980) & (year < 2200) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    number = (np.where(good, year, 1990) - 1970) * 12 + np.where(good, month, 1) - 1
    months = number.astype("datetime64[M]")
    days: npt.NDArray[np.datetime64] = months.astype("datetime64[D]") + (day - 1).astype(
        "timedelta64[D]"
    )
    wrong = np.flatnonzero(~good | (days.astype("datetime64[M]") != months))
    if len(wrong):
        row = int(wrong[0])
        message = (
            f"{year[row]}-{month[row]}-{day[row]} is no day; the file is damaged, or none of TDX's"
        )
        raise DataError(message, file=name, row=row + 1)
    return days
