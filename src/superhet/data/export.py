"""A store as files that other programs read: a folder that appears whole, or not at all.

1. the folder is made aside, under a name that begins with a dot               -> write_aside
2. tables as Parquet or CSV files, which an import without a map reads again   -> _write_tables
3. or bins, lists and point-in-time files of Qlib                              -> _write_qlib
4. it takes the place of an empty folder, or of an old one if that is wished   -> write_aside
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from superhet.data.durable import TEMPORARY
from superhet.data.pivot import days
from superhet.data.quarantine import QUARANTINE
from superhet.data.schema import MINUTES, table_spec
from superhet.data.sources.beside import OURS, Known
from superhet.data.sources.qlib_bin_layout import DAY, write_lines
from superhet.data.sources.qlib_bin_rows import FLAGS, PRICES
from superhet.data.sources.qlib_bin_write import (
    Grid,
    check_symbols,
    index_names,
    known,
    with_factor,
    write_features,
    write_lists,
)
from superhet.data.sources.qlib_pit_write import write_statements
from superhet.data.store.manifest import STORE_FILE
from superhet.errors import ConfigError, DataError, StoreError, UnknownName
from superhet.progress import Progress, silent

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables
    from superhet.panel.axes import DateLike

Format = Literal["qlib_bin", "parquet", "csv"]
FORMATS: tuple[Format, ...] = ("qlib_bin", "parquet", "csv")
MANY_ROWS = 1_000_000
_BARS = (
    *PRICES,
    *FLAGS,
    "volume",
    "amount",
    "factor",
    "change",
    "vwap",
    "float_shares",
    "total_shares",
)


@dataclass(kw_only=True)
class Exported:
    """What an export wrote.

    Parameters
    ----------
    format, out : as asked for
    snapshot : the state of the store
    tables : table -> rows
    files : number of files
    notes : what the format cannot hold
    """

    format: str
    out: str
    snapshot: str
    tables: dict[str, int] = field(default_factory=dict)
    files: int = 0
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values for JSON."""
        return dict(vars(self))

    def __str__(self) -> str:
        lines = [f"{name:<16}{rows:>12,} rows" for name, rows in self.tables.items()]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join([*lines, f"{self.files:,} files of {self.format} in {self.out}"])


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What of a store is to be written.

    Parameters
    ----------
    start, end : days, both included; of tables that are dated
    fields : of Qlib's bins; none = all
    overwrite : whether the folder may hold something already, which goes
    """

    start: DateLike | None = None
    end: DateLike | None = None
    fields: tuple[str, ...] = ()
    overwrite: bool = False


def export(
    tables: Tables,
    out: str | Path,
    format: str,
    wanted: Wanted | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write tables to a folder that appears when all of it is there.

    Parameters
    ----------
    tables : the store
    out : folder, new or empty
    format : qlib_bin, parquet or csv
    wanted : what of it; None = all
    progress : called with (done, in all, label)

    Raises
    ------
    ConfigError
        for another format, or a wish the format cannot fulfil
    StoreError
        if the folder holds something and may not be overwritten
    DataError
        if the format has no place for a name
    """
    wish, done = wanted or Wanted(), Exported(format=format, out=str(out), snapshot=tables.snapshot)
    if format not in FORMATS:
        raise UnknownName("format", format, FORMATS, "--format")
    if wish.fields and format != "qlib_bin":
        raise ConfigError("--fields", f"only qlib_bin has fields; {format} writes whole tables")
    if not [n for n in tables.names() if n != QUARANTINE]:
        raise DataError("the store has no tables to export")

    def fill(folder: Path) -> None:
        if format == "qlib_bin":
            _write_qlib(tables, folder, wish, done, progress or silent)
        else:
            _write_tables(tables, folder, wish, done, progress or silent)

    write_aside(Path(out).absolute(), fill, overwrite=wish.overwrite)
    return done


def write_aside(out: Path, fill: Callable[[Path], None], *, overwrite: bool) -> None:
    """Let `fill` make a folder aside, and put it in its place when it is whole.

    Raises
    ------
    StoreError
        if a file, or a folder with something in it, is there and `overwrite` is not said
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not overwrite:
        raise StoreError(out, "something is there already; name a new folder, or say --overwrite")
    if (out / STORE_FILE).exists():
        raise StoreError(
            out, "this is a store, which an export never overwrites; name a new folder"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f"{TEMPORARY}{os.getpid()}-{out.name}")
    old = out.with_name(f"{TEMPORARY}{os.getpid()}-old-{out.name}")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir()
        fill(aside)
        if out.exists():
            out.rename(old)
        aside.rename(out)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        if old.exists() and not out.exists():
            old.rename(out)
        raise
    if old.is_dir():
        shutil.rmtree(old)
    else:
        old.unlink(missing_ok=True)


def _write_tables(
    tables: Tables, folder: Path, wish: Wanted, done: Exported, progress: Progress
) -> None:
    """Write one file a table, or one a year where there are many rows."""
    names = [n for n in tables.names() if n != QUARANTINE]
    for number, name in enumerate(names):
        progress(number, len(names), name)
        frame = tables.read(name, start=wish.start, end=wish.end)
        done.tables[name] = frame.height
        for path, rows in _pieces(folder, name, frame):
            path.parent.mkdir(exist_ok=True)
            file = path.with_name(f"{path.name}.{done.format}")
            if done.format == "csv":
                rows.write_csv(file, datetime_format="%Y-%m-%d %H:%M:%S")
            else:
                rows.write_parquet(file)
            done.files += 1
    meta = {n: dict(tables.meta(n)) for n in names if tables.meta(n)}
    if meta:
        (folder / OURS).write_text(Known(meta=meta).to_json(), encoding="utf-8")
        done.files += 1


def _pieces(folder: Path, name: str, frame: pl.DataFrame) -> list[tuple[Path, pl.DataFrame]]:
    import polars as pl

    date = table_spec(name).date
    if date is None or frame.height <= MANY_ROWS:
        return [(folder / name, frame)]
    years = frame.with_columns(pl.col(date).dt.year().alias("_year")).partition_by(
        "_year", as_dict=True, include_key=False, maintain_order=True
    )
    return [(folder / name / str(year), rows) for (year,), rows in years.items()]


def _write_qlib(
    tables: Tables, folder: Path, wish: Wanted, done: Exported, progress: Progress
) -> None:
    names = tables.names()
    check_symbols(_assets(tables), index_names(tables))
    fields = _wished(tables, wish.fields)
    sessions = _sessions(tables, wish)
    last = _last_day(tables, wish, sessions)
    now = [d for d in sessions if d <= last]
    write_lines(folder / "calendars" / f"{DAY}.txt", map(str, now))
    if len(now) < len(sessions):
        write_lines(folder / "calendars" / f"{DAY}_future.txt", map(str, sessions))
    write_lists(folder, tables, np.array(now, "datetime64[D]"), done.notes)
    (folder / OURS).write_text(known(tables).to_json(), encoding="utf-8")
    grid = Grid(
        folder=folder, frequency=DAY, moments=np.array(sessions, "datetime64[D]"), progress=progress
    )
    factors: pl.DataFrame | None = None
    for name in ("bars_1d", "index_bars", "daily"):
        if name not in names:
            continue
        frame = tables.read(name, start=wish.start, end=wish.end)
        if name == "bars_1d":
            frame = with_factor(tables, frame)
            if "adjust_factor" in frame.columns:
                factors = frame.select("asset", "date", "adjust_factor")
        done.files += write_features(grid, frame, fields, bars=name != "daily")
        done.tables[name] = frame.height
    for minutes in MINUTES:
        if f"bars_{minutes}min" in names:
            _write_minutes(tables, minutes, factors, grid, wish, done)
    if "statements" in names:
        frame = tables.read("statements", end=wish.end)
        done.files += write_statements(folder, frame, progress, done.notes)
        done.tables["statements"] = frame.height
    written = {
        *done.tables,
        "calendar",
        "securities",
        "index_members",
        "adjust_factors",
        QUARANTINE,
    }
    left = sorted(set(names) - written)
    if left:
        done.notes.append(f"Qlib has no place for the tables {', '.join(left)}")
    done.files += len([p for p in folder.glob("*/*.txt")]) + 1


def _write_minutes(
    tables: Tables,
    minutes: int,
    factors: pl.DataFrame | None,
    day: Grid,
    wish: Wanted,
    done: Exported,
) -> None:
    """Write minute bars, stamped at their start as Qlib has them, adjusted by the factor of the day."""
    import polars as pl

    name = f"bars_{minutes}min"
    frame = tables.read(name, start=wish.start, end=wish.end)
    frame = frame.with_columns(pl.col("time") - pl.duration(minutes=minutes))
    stamps = frame["time"].unique().sort()
    if not len(stamps):
        return
    if factors is not None:
        date = pl.col("time").dt.date().alias("date")
        frame = (
            frame.with_columns(date)
            .sort("time")
            .join_asof(factors.sort("date"), on="date", by="asset", check_sortedness=False)
        )
        frame = frame.drop("date").with_columns(pl.col("adjust_factor").fill_null(1.0))
    grid = Grid(
        folder=day.folder,
        frequency=f"{minutes}min",
        moments=stamps.to_numpy(),
        progress=day.progress,
    )
    lines = stamps.dt.strftime("%Y-%m-%d %H:%M:%S")
    write_lines(day.folder / "calendars" / f"{minutes}min.txt", lines)
    done.files += write_features(grid, frame, _wished(tables, wish.fields), bars=True)
    done.tables[name] = frame.height


def _assets(tables: Tables) -> list[str]:
    found: set[str] = set()
    for table in ("securities", "bars_1d", "daily", "index_members", "statements"):
        if table in tables.names():
            found |= set(tables.read(table, columns=["asset"])["asset"].unique())
    return sorted(found)


def _wished(tables: Tables, fields: Sequence[str]) -> list[str] | None:
    """Check the fields asked for; None = all."""
    if not fields:
        return None
    daily = tables.read("daily").columns if "daily" in tables.names() else []
    there = {*_BARS, "open_interest", *daily} - {"date", "asset", "open_interest"}
    for name in fields:
        if name not in there:
            raise UnknownName("field", name, there, "--fields")
    # without the factor nobody could tell the raw prices
    return [*fields, "factor"]


def _sessions(tables: Tables, wish: Wanted) -> list[np.datetime64]:
    """Give the days of the calendar, those of the bars where a store has none."""
    found = np.empty(0, "datetime64[D]")
    if "calendar" in tables.names():
        found = days(tables.read("calendar", start=wish.start, end=wish.end)["date"])
    if not len(found):
        for table in ("bars_1d", "index_bars", "daily"):
            if table in tables.names():
                frame = tables.read(table, columns=["date"], start=wish.start, end=wish.end)
                found = np.union1d(found, days(frame["date"].unique()))
    if not len(found):
        raise DataError("there is no session in the span asked for; Qlib dates all by its calendar")
    inside = [d for d in found if (wish.start is None or d >= np.datetime64(str(wish.start)))]
    return [d for d in inside if wish.end is None or d <= np.datetime64(str(wish.end))]


def _last_day(tables: Tables, wish: Wanted, sessions: list[np.datetime64]) -> np.datetime64:
    """Give the last day with data; sessions after it lie ahead."""
    last = sessions[0]
    for table in ("bars_1d", "index_bars", "daily"):
        if table in tables.names():
            dates = days(
                tables.read(table, columns=["date"], start=wish.start, end=wish.end)["date"]
            )
            last = max(last, dates.max()) if len(dates) else last
    return last
