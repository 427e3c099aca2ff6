"""Files of any make into a store: read, join, derive, drop by name, check, write in one step.

1. the map says which files make which table; without one the names of files say it   -> _without_map
2. each file is read and typed                                                        -> sources.files
3. joined, derived and assumed columns; rows dropped, each reason counted             -> _shape
   lists of single days turned into spells                                            -> _as_spells
4. the whole table against the schema and the calendar                                -> checking.check_frame
5. all tables into the store at once                                                  -> Store.write

Every row read is written, counted under the reason it was dropped for, or set aside with its fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from superhet.data.base import SOURCES, Tables
from superhet.data.checking import bad_ohlc, check_frame, sort_columns
from superhet.data.destination import present, present_or_new, sessions_of
from superhet.data.faults import ORIGIN_FILE, ORIGIN_ROW, Faults
from superhet.data.import_report import ImportReport, TableReport
from superhet.data.quarantine import FEW, QUARANTINE, admit, named, with_faults
from superhet.data.schema import TABLES, table_spec
from superhet.data.sources.beside import Known
from superhet.data.sources.column_map import ColumnMap, TableMap
from superhet.data.sources.expressions import compile_expression
from superhet.data.sources.files import SUFFIXES, expand, read_file, read_join
from superhet.data.sources.snapshot_tables import to_spells
from superhet.data.store import Mode, Store
from superhet.data.table import Table
from superhet.errors import ConfigError, DataError
from superhet.progress import Progress, silent

if TYPE_CHECKING:
    import polars as pl


@dataclass(kw_only=True)
class _Gathered:
    """Rows of one table on their way, and where they came from."""

    spec: Table
    frames: list[pl.DataFrame] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    ignored: dict[str, None] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    meta: dict[str, Any] = field(default_factory=dict)
    read: int = 0

    def whole(self) -> dict[str, Any]:
        """Give what the store keeps of the table as a whole."""
        dropped = {reason: count for reason, count in self.dropped.items() if count}
        return {**self.meta, "dropped": dropped} if dropped else self.meta


@SOURCES.add("files")
def import_files(
    path: str | Path,
    store: Store | str | Path,
    column_map: ColumnMap | str | Path | None = None,
    progress: Progress | None = None,
    mode: Literal["replace", "upsert"] = "replace",
    quarantine: float | None = FEW,
) -> ImportReport:
    """Read files into a store, all tables in one step.

    Parameters
    ----------
    path : folder that the map's patterns start from, or one file
    store : the store, or where it is or shall be
    column_map : map, or the YAML file that holds it; without one, headers must be the schema's own and a
        table's file or folder must carry its name (`bars_1d.parquet`, `bars_1d/2020.parquet`)
    progress : called with (files done, files in all, file)
    mode : replace the tables that the map names, or put rows in place of those with the same key
    quarantine : most rows of a table, as a share of those read, that may break the schema and be set aside
        instead of ending the import; None = none. In a table of fewer than 1,000 rows there may be none

    Raises
    ------
    ConfigError
        if the map is wrong
    DataError
        if a file is missing or breaks the schema; the store stays as it was
    """
    base = Path(path)
    entries = _without_map(base) if column_map is None else _entries(column_map)
    known = Known.read(base) if column_map is None else None  # an exported folder says it itself
    planned = [(number, entry, expand(base, entry.files)) for number, entry in entries]
    planned.sort(key=lambda plan: plan[1].table != "calendar")  # the others are held against it
    calendar = sessions_of(present(store))
    report, total, done = progress or silent, sum(len(files) for _, _, files in planned), 0
    gathered: dict[str, _Gathered] = {}
    for number, entry, files in planned:
        into = gathered.setdefault(entry.table, _Gathered(spec=table_spec(entry.table)))
        into.faults.converted = _is_plain(entry)
        frames = []
        for file in files:
            report(done, total, _name(file, base))
            frames.append(_take(file, entry, into, base))
            done += 1
        shaped = _shape(frames, entry, f"tables[{number}]", into, base, calendar)
        if entry.snapshots:
            shaped = _as_spells(shaped, into, present(store) if mode == "upsert" else None)
        into.frames.append(shaped)
        into.meta.update({**(known.meta.get(entry.table, {}) if known else {}), **entry.meta()})
        if entry.table == "calendar":
            calendar = shaped["date"].unique().sort()
    report(total, total, "writing")
    return _write(store, gathered, calendar, base, mode, quarantine)


def _entries(column_map: ColumnMap | str | Path) -> list[tuple[int, TableMap]]:
    whole = column_map if isinstance(column_map, ColumnMap) else ColumnMap.from_yaml(column_map)
    return list(enumerate(whole.tables))


def _is_plain(entry: TableMap) -> bool:
    """Whether the cells of the files are in our units and spelling as they stand."""
    changes = (entry.units, entry.values, entry.join, entry.derive, entry.assume)
    return entry.asset_format == "plain" and not any(changes)


def _without_map(base: Path) -> list[tuple[int, TableMap]]:
    if base.is_file():
        found = {base.stem: base.name} if base.stem in TABLES else {}
    elif base.exists():
        found = {
            p.stem if p.is_file() else p.name: p.name
            for p in sorted(base.iterdir())
            if (p.is_file() and p.suffix in SUFFIXES and p.stem in TABLES)
            or (p.is_dir() and p.name in TABLES)
        }
    else:
        raise DataError("there is no such file or folder; check --path", file=str(base))
    if not found:
        raise DataError(
            "no file here is named after a table. Write a column map (--map) that says which files are what, "
            f"or name the files {', '.join(sorted(TABLES)[:4])}, … .parquet or .csv",
            file=str(base),
        )
    return list(enumerate(TableMap(table=t, files=f) for t, f in found.items()))


def _name(file: Path, base: Path) -> str:
    return (
        file.relative_to(base).as_posix()
        if file.is_relative_to(base) and file != base
        else file.name
    )


def _take(file: Path, entry: TableMap, into: _Gathered, base: Path) -> pl.DataFrame:
    name, before = _name(file, base), len(into.faults)
    frame, ignored = read_file(file, entry, name, index=len(into.sources), faults=into.faults)
    into.sources.append(name)
    into.read += frame.height + len(into.faults) - before
    into.ignored.update(dict.fromkeys(ignored))
    return frame


def _shape(
    frames: Sequence[pl.DataFrame],
    entry: TableMap,
    key: str,
    into: _Gathered,
    base: Path,
    calendar: pl.Series | None,
) -> pl.DataFrame:
    import polars as pl

    frame = pl.concat(frames, how="diagonal_relaxed")
    for join in entry.join:
        columns = {**join.by, **join.columns}
        others = [read_join(f, entry, columns, _name(f, base)) for f in expand(base, join.files)]
        other = pl.concat(others, how="vertical_relaxed")
        if other.select(list(join.by)).is_duplicated().any():
            raise ConfigError(
                f"{key}.join", f"{join.files}: {', '.join(join.by)} do not name one row"
            )
        frame = frame.join(other, on=list(join.by), how="left", maintain_order="left")
    for column, text in entry.derive.items():
        where = f"{key}.derive.{column}"
        made = compile_expression(text, frame.schema, into.spec, where)
        frame = frame.with_columns(made.alias(column))
    for column, rule in entry.assume.items():
        if rule.after not in frame.columns:
            raise ConfigError(f"{key}.assume.{column}.after", f"there is no column {rule.after!r}")
        later = pl.col(rule.after).dt.offset_by(f"{rule.months}mo").dt.offset_by(f"{rule.days}d")
        frame = frame.with_columns(later.alias(column))
    frame = _drop(frame, entry, key, into, calendar)
    if entry.sort:
        frame = frame.sort([c for c in sort_columns(into.spec) if c in frame.columns])
    return frame.drop([c for c in frame.columns if c.startswith("_") and c not in _ORIGIN])


_ORIGIN = (ORIGIN_FILE, ORIGIN_ROW)


def _drop(
    frame: pl.DataFrame, entry: TableMap, key: str, into: _Gathered, calendar: pl.Series | None
) -> pl.DataFrame:
    import polars as pl

    def leave_out(name: str, bad: pl.Expr) -> pl.DataFrame:
        kept = frame.filter(~bad.fill_null(False))
        into.dropped[name] = into.dropped.get(name, 0) + frame.height - kept.height
        return kept

    for number, item in enumerate(entry.drop):
        if isinstance(item, str):
            frame = leave_out(item, _ready(item, frame, into.spec, f"{key}.drop", calendar))
            continue
        for name, text in item.items():
            where = f"{key}.drop[{number}].{name}"
            frame = leave_out(name, compile_expression(text, frame.schema, into.spec, where))
    if entry.drop_duplicates != "error":
        same = [k for k in into.spec.key if k in frame.columns]
        twice = ~pl.struct(same).is_last_distinct()
        if entry.drop_duplicates == "first":
            twice = ~pl.struct(same).is_first_distinct()
        frame = leave_out("duplicate", twice)
    return frame


def _as_spells(frame: pl.DataFrame, into: _Gathered, known: Tables | None) -> pl.DataFrame:
    aside = len(into.faults)
    found, ended = to_spells(into.spec, frame, into.sources, into.faults, known)
    listed = frame.height - (len(into.faults) - aside)
    into.read += ended  # rows of the store, which come back with their end
    goes_on = into.dropped.get("goes_on", 0) + listed + ended - found.height
    into.dropped["goes_on"] = goes_on
    return found


def _ready(
    name: str, frame: pl.DataFrame, spec: Table, key: str, calendar: pl.Series | None
) -> pl.Expr:
    import polars as pl

    prices = [c for c, f in spec.columns.items() if f.unit == "price" and c in frame.columns]
    keys = [pl.col(k).is_null() for k in spec.key if k in frame.columns]
    if name == "bad_ohlc":
        return bad_ohlc(frame.columns)
    if name == "non_positive_price":
        return pl.any_horizontal([pl.col(c) <= 0 for c in prices] or [pl.lit(False)])
    if name == "missing_price":
        return pl.any_horizontal([pl.col(c).is_null() for c in prices] or [pl.lit(False)])
    if name == "missing_key":
        return pl.any_horizontal(keys)
    if name == "empty_row":
        return pl.all_horizontal(keys)
    if name == "no_trade":
        if "volume" not in frame.columns:
            raise ConfigError(key, "no_trade needs a column volume")
        return pl.col("volume").fill_null(0.0) == 0
    if calendar is None or spec.date is None:
        raise ConfigError(key, "not_a_session needs a calendar: import the table calendar too")
    return ~pl.col(spec.date).cast(pl.Date).is_in(calendar.implode())


def _write(
    store: Store | str | Path,
    gathered: dict[str, _Gathered],
    calendar: pl.Series | None,
    base: Path,
    mode: Literal["replace", "upsert"],
    quarantine: float | None,
) -> ImportReport:
    import polars as pl

    frames, counts = {}, {}
    for name, rows in gathered.items():
        whole = pl.concat(rows.frames, how="diagonal_relaxed")
        rows.frames.clear()
        frames[name] = check_frame(name, whole, rows.sources, calendar=calendar, faults=rows.faults)
        admit(rows.faults, rows.read, quarantine)
        counts[name] = frames[name].height
    for name, rows in gathered.items():
        for column in rows.meta.get("basis", {}):
            if column not in frames[name].columns:
                raise ConfigError(f"basis.{column}", f"table {name} has no such column")
    target = present_or_new(store)
    faults = {name: rows.faults for name, rows in gathered.items()}
    aside = with_faults(target, list(frames) if mode == "replace" else [], faults)
    modes: dict[str, Mode] = dict.fromkeys(frames, mode)
    if aside is not None:
        frames[QUARANTINE], modes[QUARANTINE] = aside, "replace"
    snapshot = target.write(
        frames,
        modes,
        source=f"files: {base.name}",
        meta={name: rows.whole() for name, rows in gathered.items()},
        checked=True,
    )
    described = target.info()["tables"]
    reports = [
        TableReport(
            table=name,
            files=len(rows.sources),
            read=rows.read,
            written=counts[name],
            first=described[name]["first"],
            last=described[name]["last"],
            dropped=rows.dropped,
            quarantined=len(rows.faults),
            faults=named(rows.faults),
            ignored=list(rows.ignored),
        )
        for name, rows in gathered.items()
    ]
    return ImportReport(store=str(target.path), snapshot=snapshot, tables=reports)
