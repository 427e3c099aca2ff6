"""The store: immutable Parquet parts and a manifest that names them; a write is seen whole or not at all.

1. take the writer's lock; let go of old states and of what a killed writer left    -> history.sweep
2. hold each frame against the schema                                              -> checking.check_frame
3. merge, cut and count; write new parts; same bytes, no write                     -> writing.write_table
4. write the manifest, then turn HEAD to it in one step                            -> manifest.write_manifest

A crash before step 4 leaves the former state; readers never wait and never see a half. A reader goes on
reading the state it opened, as long as that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from superhet.data.checking import check_frame
from superhet.data.durable import TEMPORARY
from superhet.data.schema import table_spec
from superhet.data.store.changes import Changes
from superhet.data.store.extra import ExtraFile
from superhet.data.store.history import (
    HISTORY_FILE,
    KEPT_DAYS,
    KEPT_STATES,
    History,
    State,
    Swept,
    now,
)
from superhet.data.store.lock import LOCK_FILE
from superhet.data.store.manifest import (
    HEAD_FILE,
    MANIFESTS,
    STORE_FILE,
    Manifest,
    TableEntry,
    read_manifest,
    write_format,
    write_manifest,
)
from superhet.data.store.parts import PARTS, PartReader, PartWriter
from superhet.data.store.places import Confirm, Place, place_of, write_error
from superhet.data.store.reading import DERIVED, StoredTables
from superhet.data.store.rollback import gone_back
from superhet.data.store.verify import Verification, verify_files
from superhet.data.store.writing import write_table
from superhet.errors import StoreError, UnknownName

if TYPE_CHECKING:
    import polars as pl

Mode: TypeAlias = Literal["replace", "upsert"]
_Make: TypeAlias = Callable[[Manifest, PartWriter], Manifest]
_OURS = {STORE_FILE, HEAD_FILE, LOCK_FILE, HISTORY_FILE, PARTS, MANIFESTS, DERIVED}


class Store(StoredTables):
    """Tables on disk, as they were when the store was opened or last written through this object.

    Make one with `Store.create` or `Store.open`. A store lies in a folder, or at a URL that fsspec knows
    (`s3://bucket/folder`).

    Attributes
    ----------
    is_former : whether an older state was opened, which can only be read
    """

    def __init__(
        self,
        place: Place,
        manifest: Manifest,
        *,
        cache: str | Path | None = None,
        is_former: bool = False,
    ) -> None:
        super().__init__(place, manifest, cache)
        self.is_former = is_former
        self._history = History(place)

    @classmethod
    def create(cls, path: str | Path, *, cache: str | Path | None = None) -> Store:
        """Make an empty store in a new or empty folder, or at a URL.

        Parameters
        ----------
        path : folder or URL
        cache : see `open`

        Raises
        ------
        StoreError
            if the folder holds a store already, or files of something else
        DiskFull
            if there is no room
        """
        place = place_of(path)
        if place.folder is not None and place.folder.exists() and not place.folder.is_dir():
            raise StoreError(place.location, "this is a file; name a folder for the store")
        if place.size(STORE_FILE) is not None:
            raise StoreError(
                place.location, "there is a store already; open it, or name another folder"
            )
        foreign = [n for n in place.entries() if n not in _OURS and not n.startswith(TEMPORARY)]
        if foreign:
            raise StoreError(
                place.location,
                f"the folder holds other files ({', '.join(sorted(foreign)[:3])}); name a new one",
            )
        try:
            if place.folder is not None:
                place.folder.mkdir(parents=True, exist_ok=True)
            write_manifest(place, Manifest(written=now()))
            write_format(place)
        except OSError as error:
            raise write_error(place, error) from error
        return cls(place, read_manifest(place), cache=cache)

    @classmethod
    def open(
        cls, path: str | Path, *, snapshot: str | None = None, cache: str | Path | None = None
    ) -> Store:
        """Open a store as it is now, or as it was.

        Parameters
        ----------
        path : folder or URL
        snapshot : name of a former state, or how it begins; it can be read and not be written to
        cache : folder of this machine for parts and panels of a remote store; without it parts are fetched
            at every reading, and no panels are kept

        Raises
        ------
        StoreError
            if there is none, it is damaged, or that state is no longer kept
        StoreTooNew
            if a later version of superhet wrote it
        UnknownName
            if there never was such a snapshot
        """
        place = place_of(path)
        current = read_manifest(place)
        if snapshot is None or snapshot == current.snapshot:
            return cls(place, current, cache=cache)
        former = History(place).find(snapshot, current)
        is_former = former.snapshot != current.snapshot
        return cls(place, former, cache=cache, is_former=is_former)

    @staticmethod
    def exists(path: str | Path) -> bool:
        """Tell whether there is a store."""
        return place_of(path).size(STORE_FILE) is not None

    @classmethod
    def open_or_create(cls, path: str | Path, *, cache: str | Path | None = None) -> Store:
        """Open the store, or make an empty one where there is none."""
        return cls.open(path, cache=cache) if cls.exists(path) else cls.create(path, cache=cache)

    def write(
        self,
        tables: Mapping[str, pl.DataFrame],
        mode: Mode | Mapping[str, Mode] = "replace",
        source: str = "",
        *,
        meta: Mapping[str, Mapping[str, Any]] | None = None,
        checked: bool = False,
        series: str = "",
    ) -> str:
        """Write tables in one step: all of them are there afterwards, or none.

        Parameters
        ----------
        tables : name -> rows in any order; tables that are not named stay as they are
        mode : replace the whole table, or put rows in place of those with the same key and add the others;
            one for all tables, or table -> mode
        source : where the data came from, for the log
        meta : table -> what belongs to the table as a whole; must be JSON
        checked : whether the frames come straight from `check_frame`
        series : a name that several writes, one after the other, have in common; the history keeps the
            state before the first of them and the last, and `rollback` takes all of them back

        Returns
        -------
        The new snapshot's name; rows that are there already make no new state.

        Raises
        ------
        DataError
            if a frame breaks the schema
        StoreLocked
            if another process is writing
        StoreError
            if an older state was opened
        DiskFull
            if there is no room; the former state is whole
        """
        frames = {
            name: frame if checked else check_frame(name, frame, source or name, sort=True)
            for name, frame in tables.items()
        }
        extra = meta or {}

        def make(before: Manifest, writer: PartWriter) -> Manifest:
            entries, changes = dict(before.tables), {}
            for name, frame in frames.items():
                entries[name], changes[name] = write_table(
                    table_spec(name),
                    frame,
                    extra.get(name, {}),
                    before.tables.get(name),
                    upsert=(mode if isinstance(mode, str) else mode[name]) == "upsert",
                    writer=writer,
                    reader=self._parts,
                )
            return _after(before, entries, changes, source, series)

        return self._change(make)

    def remove(self, *tables: str) -> str:
        """Take tables out of the store; give the new snapshot's name."""

        def make(before: Manifest, writer: PartWriter) -> Manifest:
            for table in tables:
                if table not in before.tables:
                    raise UnknownName("table", table, before.tables)
            rest = {n: e for n, e in before.tables.items() if n not in tables}
            changes = {t: Changes(removed=before.tables[t].rows) for t in tables}
            return _after(before, rest, changes, f"removed: {', '.join(tables)}")

        return self._change(make)

    def rollback(self, snapshot: str | None = None) -> str:
        """Go back to a former state by writing it again: the log goes on, and nothing in it is lost.

        Parameters
        ----------
        snapshot : its name, or how it begins; None is the state before the last write, or before the
            series of writes that was the last

        Returns
        -------
        The snapshot's name, which is that of the former state.

        Raises
        ------
        UnknownName, StoreError
            if there never was such a state, or it is no longer kept
        CorruptedPart
            if a file of it is damaged
        """

        def make(before: Manifest, writer: PartWriter) -> Manifest:
            if snapshot is None:
                target = self._history.before(before)
            else:
                target = self._history.find(snapshot, before)
            if target.snapshot == before.snapshot:
                return before
            return gone_back(before, target, self._parts, now())

        return self._change(make)

    def sweep(self) -> Swept:
        """Let go of the states that are not kept as a rule, as every write does before it begins."""
        return self._let_go(KEPT_STATES, KEPT_DAYS)

    def prune(self, keep: int = 1) -> Swept:
        """Let go of all but the last states, and free their disk space; the log keeps their lines.

        Parameters
        ----------
        keep : how many states to keep, the present one included
        """
        if keep < 1:
            raise StoreError(self.location, f"the present state is always kept (keep={keep})")
        return self._let_go(keep, 0)

    def log(self) -> list[State]:
        """List the states the store has been in, the present one first."""
        return self._history.states(read_manifest(self._place))

    def verification(self) -> Verification:
        """Compare every file with its checksum: of this state, of the former ones, and the mapped panels."""
        current = read_manifest(self._place)
        return verify_files(
            PartReader(self._place),
            self._history.kept(current),
            self._history.damaged(current),
            self.derived,
        )

    def verify(self) -> list[str]:
        """Compare every file with its checksum; give the problems in words, none if all is well."""
        return self.verification().problems

    def extra_folder(self, name: str) -> Path:
        """Give a folder beside the tables for what is no table; it is not part of the snapshot.

        Of a remote store it lies in the cache.
        """
        root = self._place.folder or self._cache
        if root is None:
            raise StoreError(
                self.location,
                f"the folder {name!r} of a remote store needs Store.open(…, cache=FOLDER)",
            )
        return root / self._extra_name(name)

    def extra_file(self, folder: str, name: str) -> ExtraFile:
        """Give a file of lines in such a folder; of a remote store it lies there, too."""
        return ExtraFile(self._place, f"{self._extra_name(folder)}/{self._extra_name(name)}")

    def _extra_name(self, name: str) -> str:
        if name in _OURS or name in ("", ".", "..") or Path(name).name != name:
            raise StoreError(self.location, f"{name!r} cannot be the name of an extra folder")
        return name

    def _refuse_former(self) -> None:
        if self.is_former:
            raise StoreError(
                self.location,
                f"the state {self.snapshot} is an older one and can only be read. Open the store without "
                "snapshot=, or go back to it: superhet data rollback",
            )

    def _let_go(self, states: int, days: int) -> Swept:
        self._refuse_former()
        try:
            with self._place.lock():
                current = read_manifest(self._place)
                swept = self._history.sweep(current, states, days)
        except OSError as error:
            raise write_error(self._place, error) from error
        self._manifest = current
        if self._cache is not None:
            for file in (self._cache / PARTS).rglob("*"):
                if file.is_file() and file.relative_to(self._cache).as_posix() not in current.files:
                    file.unlink(missing_ok=True)
        return swept

    def _change(self, make: _Make) -> str:
        """Turn the store to the state that `make` gives, or leave it as it is."""
        self._refuse_former()
        try:
            with self._place.lock() as confirm:
                self._manifest = self._turn(make, confirm)
        except OSError as error:
            raise write_error(self._place, error) from error
        return self.snapshot

    def _turn(self, make: _Make, confirm: Confirm) -> Manifest:
        before = read_manifest(self._place)
        self._history.sweep(before)
        writer = PartWriter(self._place)
        try:
            after = make(before, writer)
            writer.finish()
            if after.snapshot == before.snapshot:
                writer.undo(before.files)
                return before
            write_format(self._place)
            write_manifest(self._place, after, confirm)
            return after
        except BaseException:
            with suppress(StoreError, OSError):
                if read_manifest(self._place).number == before.number:  # HEAD was not turned
                    writer.undo(before.files)
            raise


def _after(
    before: Manifest,
    entries: dict[str, TableEntry],
    changes: dict[str, Changes],
    source: str,
    series: str = "",
) -> Manifest:
    goes_on = bool(series) and before.series == series
    return Manifest(
        number=before.number + 1,
        parent=before.snapshot,
        source=source,
        written=now(),
        changes={name: c for name, c in changes.items() if c},
        undone=before.undone,
        series=series,
        since=before.since if goes_on else before.number,
        tables=entries,
    )


__all__ = ["Mode", "Store"]
