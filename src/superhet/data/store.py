"""The store: immutable Parquet parts and a manifest that names them; a write is seen whole or not at all.

1. take the writer's lock; sweep what a killed writer left behind            -> lock, parts.sweep
2. hold each frame against the schema                                        -> checking.check_frame
3. write new parts aside, to the disk, into place; same bytes, no write      -> parts.PartWriter
4. write the manifest, then turn HEAD to it in one step                      -> manifest.write_manifest

A crash before step 4 leaves the former state; readers never wait and never see a half. The state before the
last one is kept, so a reader that opened it can finish.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from superhet.data.arrays import damaged
from superhet.data.base import cut, known_columns, to_day
from superhet.data.checking import check_frame, sort_columns
from superhet.data.durable import TEMPORARY, is_no_room, replace_file
from superhet.data.lock import LOCK_FILE, writer_lock
from superhet.data.manifest import (
    FORMAT,
    HEAD_FILE,
    STORE_FILE,
    Manifest,
    Part,
    TableEntry,
    read_manifest,
    write_manifest,
)
from superhet.data.parts import (
    PARTS,
    PartReader,
    PartWriter,
    part_period,
    periods,
    sweep,
    type_name,
)
from superhet.data.schema import table_spec
from superhet.data.table import Table
from superhet.errors import CorruptedPart, DiskFull, StoreError, UnknownName

if TYPE_CHECKING:
    import polars as pl

    from superhet.panel.axes import DateLike

Mode: TypeAlias = Literal["replace", "upsert"]
_DERIVED = "derived"
_OURS = {STORE_FILE, HEAD_FILE, LOCK_FILE, PARTS, "manifests", _DERIVED}


class Store:
    """Tables on disk, as they were when the store was opened or last written through this object.

    Make one with `Store.create` or `Store.open`.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self._manifest = manifest
        self._parts = PartReader(path)

    @classmethod
    def create(cls, path: str | Path) -> Store:
        """Make an empty store in a new or empty folder.

        Raises
        ------
        StoreError
            if the folder holds a store already, or files of something else
        DiskFull
            if there is no room
        """
        folder = Path(path)
        if folder.exists() and not folder.is_dir():
            raise StoreError(folder, "this is a file; name a folder for the store")
        if (folder / STORE_FILE).exists():
            raise StoreError(folder, "there is a store already; open it, or name another folder")
        foreign = [] if not folder.exists() else [p.name for p in folder.iterdir()]
        foreign = [n for n in foreign if n not in _OURS and not n.startswith(TEMPORARY)]
        if foreign:
            raise StoreError(
                folder,
                f"the folder holds other files ({', '.join(sorted(foreign)[:3])}); name a new one",
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_manifest(folder, Manifest())
            replace_file(folder / STORE_FILE, f'{{"format": {FORMAT}}}\n'.encode())
        except OSError as error:
            raise _write_error(folder, error) from error
        return cls(folder, Manifest())

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open a store as it is now.

        Raises
        ------
        StoreError
            if there is none, or it is damaged
        StoreTooNew
            if a later version of superhet wrote it
        """
        folder = Path(path)
        return cls(folder, read_manifest(folder))

    @classmethod
    def open_or_create(cls, path: str | Path) -> Store:
        """Open the store, or make an empty one where there is none."""
        return cls.open(path) if (Path(path) / STORE_FILE).exists() else cls.create(path)

    @property
    def snapshot(self) -> str:
        """The name of the contents: equal tables have equal names, whenever and wherever written."""
        return self._manifest.snapshot

    @property
    def derived(self) -> Path:
        """The folder for what follows from the tables; it may be removed at any time."""
        return self.path / _DERIVED

    def checksum(self, *tables: str) -> str:
        """Name the contents of some tables; those that are not there count as empty."""
        entries = [(t, self._manifest.tables.get(t)) for t in tables]
        content = {t: [e.columns, [p.checksum for p in e.parts]] for t, e in entries if e}
        text = json.dumps(content, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def names(self) -> list[str]:
        """List the tables, sorted."""
        return sorted(self._manifest.tables)

    def meta(self, table: str) -> Mapping[str, Any]:
        """Give what belongs to a table as a whole (statements: `basis`, `known_at`); {} if nothing."""
        entry = self._manifest.tables.get(table)
        return dict(entry.meta) if entry else {}

    def read(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        start: DateLike | None = None,
        end: DateLike | None = None,
    ) -> pl.DataFrame:
        """Read rows known from `start` to `end`, both days included, in the order of the schema.

        Raises
        ------
        UnknownName
            if there is no such table or column
        CorruptedPart
            if a file is missing or has changed since it was written
        """
        entry = self._entry(table)
        wished = known_columns(list(entry.columns), table, columns)
        spec = table_spec(table)
        parts = [p for p in entry.parts if _overlaps(p, start, end)]
        frame = cut(self._parts.scan(spec, entry, parts), spec, start, end)
        return frame.select(wished).collect()

    def write(
        self,
        tables: Mapping[str, pl.DataFrame],
        mode: Mode | Mapping[str, Mode] = "replace",
        source: str = "",
        *,
        meta: Mapping[str, Mapping[str, Any]] | None = None,
        checked: bool = False,
    ) -> str:
        """Write tables in one step: all of them are there afterwards, or none.

        Parameters
        ----------
        tables : name -> rows in any order; tables that are not named stay as they are
        mode : replace the whole table, or put rows in place of those with the same key and add the others;
            one for all tables, or table -> mode
        source : where the data came from, for the manifest
        meta : table -> what belongs to the table as a whole; must be JSON
        checked : whether the frames come straight from `check_frame`

        Returns
        -------
        The new snapshot's name; unchanged data change nothing.

        Raises
        ------
        DataError
            if a frame breaks the schema
        StoreLocked
            if another process is writing
        DiskFull
            if there is no room; the former state is whole
        """
        frames = {
            name: frame if checked else check_frame(name, frame, source or name, sort=True)
            for name, frame in tables.items()
        }
        try:
            with writer_lock(self.path):
                self._manifest = self._replace(frames, mode, source, meta or {})
        except OSError as error:
            raise _write_error(self.path, error) from error
        return self.snapshot

    def remove(self, *tables: str) -> str:
        """Take tables out of the store; give the new snapshot's name."""
        with writer_lock(self.path):
            before = read_manifest(self.path)
            for table in tables:
                if table not in before.tables:
                    raise UnknownName("table", table, before.tables)
            rest = {n: e for n, e in before.tables.items() if n not in tables}
            self._manifest = self._commit(before, rest, before.source)
        return self.snapshot

    def info(self) -> dict[str, Any]:
        """Describe the store: its snapshot and, table by table, columns, rows, dates, parts and bytes."""
        tables = {}
        for name, entry in sorted(self._manifest.tables.items()):
            sizes = [(self.path / p.file) for p in entry.parts]
            tables[name] = {
                "rows": entry.rows,
                "first": entry.first,
                "last": entry.last,
                "columns": list(entry.columns),
                "parts": len(entry.parts),
                "bytes": sum(p.stat().st_size for p in sizes if p.exists()),
                "meta": dict(entry.meta),
            }
        return {
            "path": str(self.path),
            "format": FORMAT,
            "snapshot": self.snapshot,
            "parent": self._manifest.parent,
            "source": self._manifest.source,
            "writes": self._manifest.number,
            "tables": tables,
        }

    def verify(self) -> list[str]:
        """Compare every file with its checksum; give the problems in words, none if all is well."""
        problems = []
        fresh = PartReader(self.path)
        for _, entry in sorted(self._manifest.tables.items()):
            for part in entry.parts:
                try:
                    fresh.verify(part)
                except CorruptedPart as error:
                    problems.append(error.message)
        for path in damaged(self.derived):
            name = path.relative_to(self.path).as_posix()
            problems.append(f"{name} has changed since it was written. Remove it: it is made again")
        return problems

    def extra_folder(self, name: str) -> Path:
        """Give a folder beside the tables for what is no table; it is not part of the snapshot."""
        if name in _OURS or name in ("", ".", "..") or Path(name).name != name:
            raise StoreError(self.path, f"{name!r} cannot be the name of an extra folder")
        return self.path / name

    def _entry(self, table: str) -> TableEntry:
        if table not in self._manifest.tables:
            raise UnknownName("table", table, self._manifest.tables, f"store {self.path}")
        return self._manifest.tables[table]

    def _replace(
        self,
        frames: Mapping[str, pl.DataFrame],
        mode: Mode | Mapping[str, Mode],
        source: str,
        meta: Mapping[str, Mapping[str, Any]],
    ) -> Manifest:
        before = read_manifest(self.path)
        self._sweep(before)
        writer = PartWriter(self.path)
        try:
            entries = dict(before.tables)
            for name, frame in frames.items():
                wanted = mode if isinstance(mode, str) else mode[name]
                old = before.tables.get(name) if wanted == "upsert" else None
                extra = dict(meta.get(name, {}))
                entries[name] = self._write_table(writer, name, frame, extra, old)
            return self._commit(before, entries, source)
        except BaseException:
            if read_manifest(self.path).number == before.number:  # HEAD was not turned
                writer.undo()
            raise

    def _write_table(
        self,
        writer: PartWriter,
        name: str,
        frame: pl.DataFrame,
        meta: dict[str, Any],
        old: TableEntry | None,
    ) -> TableEntry:
        spec = table_spec(name)
        columns = {c: type_name(t) for c, t in frame.schema.items()}
        former = {part_period(p): p for p in old.parts} if old else {}
        if old:
            columns, meta = {**old.columns, **columns}, {**old.meta, **meta}
        parts = dict(former)
        for period, rows in periods(spec, frame):
            if old and period in former:
                there = self._parts.scan(spec, old, [former[period]]).collect()
                parts[period] = writer.write(spec, period, _merge(spec, there, rows))
            else:
                parts[period] = writer.write(spec, period, rows)
        return TableEntry(columns=columns, parts=[parts[p] for p in sorted(parts)], meta=meta)

    def _commit(self, before: Manifest, entries: dict[str, TableEntry], source: str) -> Manifest:
        after = Manifest(
            number=before.number + 1, parent=before.snapshot, source=source, tables=entries
        )
        if after.snapshot == before.snapshot and source == before.source:
            return before
        write_manifest(self.path, after)
        return after

    def _sweep(self, current: Manifest) -> None:
        keep = _files(current)
        manifests = self.path / "manifests"
        for path in manifests.glob("[0-9]*.json"):
            number = int(path.stem)
            if number == current.number - 1:
                keep |= _files(Manifest.from_json(path.read_text(encoding="utf-8")))
            elif number != current.number:
                path.unlink(missing_ok=True)
        sweep(self.path, keep)


def _files(manifest: Manifest) -> set[str]:
    return {part.file for entry in manifest.tables.values() for part in entry.parts}


def _merge(spec: Table, old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    both = pl.concat([old, new], how="diagonal")
    return both.unique(list(spec.key), keep="last").sort(sort_columns(spec))


def _overlaps(part: Part, start: DateLike | None, end: DateLike | None) -> bool:
    if not part.first:
        return True
    return (start is None or part.last >= str(to_day(start))) and (
        end is None or part.first <= str(to_day(end))
    )


def _write_error(folder: Path, error: OSError) -> StoreError:
    if not is_no_room(error):
        return StoreError(folder, f"it cannot be written to: {error}")
    existing = next(p for p in (folder, *folder.resolve().parents) if p.exists())
    free = shutil.disk_usage(existing).free / 1e6
    return DiskFull(
        folder,
        f"no room left while writing ({error.strerror}; {free:,.0f} MB free); the former state is whole. "
        "Make room, or put the store on another disk, and write again",
    )
