"""One state of a store, read: its tables, their files, and what names them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superhet.data.base import cut, known_columns, to_day
from superhet.data.schema import table_spec
from superhet.data.store.manifest import FORMAT, Manifest, Part, TableEntry
from superhet.data.store.parts import PartReader
from superhet.data.store.places import Place, cache_name
from superhet.data.store.rollback import is_held
from superhet.errors import UnknownName

if TYPE_CHECKING:
    import polars as pl

    from superhet.panel.axes import DateLike

DERIVED = "derived"


class StoredTables:
    """The tables of one manifest.

    Parameters
    ----------
    place : where the files are
    manifest : the state
    cache : folder of this machine for what is fetched from a remote place

    Attributes
    ----------
    location : path or URL
    """

    def __init__(self, place: Place, manifest: Manifest, cache: str | Path | None = None) -> None:
        self.location = place.location
        self._place, self._manifest = place, manifest
        self._cache = None if cache is None else Path(cache) / cache_name(place)
        self._parts = PartReader(place, self._cache)

    @property
    def path(self) -> Path:
        """Where the store is, as a path; of a URL, what `Store.open` takes as well as the URL."""
        return self._place.folder or Path(self.location)

    @property
    def snapshot(self) -> str:
        """The name of the contents: equal tables have equal names, whenever and wherever written."""
        return self._manifest.snapshot

    @property
    def number(self) -> int:
        """The number of this state; every write has a higher one."""
        return self._manifest.number

    @property
    def derived(self) -> Path | None:
        """The folder for what follows from the tables, if any; it may be removed at any time."""
        root = self._place.folder or self._cache
        return None if root is None else root / DERIVED

    def holds(self, number: int) -> bool:
        """Tell whether what state `number` wrote is part of this one: no rollback went back behind it."""
        return is_held(self._manifest, number)

    def checksum(self, *tables: str) -> str:
        """Name the contents of some tables; those that are not there count as empty."""
        entries = [(t, self._manifest.tables.get(t)) for t in tables]
        content = {t: [e.columns, [p.checksum for p in e.parts]] for t, e in entries if e}
        text = json.dumps(content, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def names(self) -> list[str]:
        """List the tables, sorted."""
        return sorted(self._manifest.tables)

    def columns(self, table: str) -> dict[str, str]:
        """Give the columns of a table with their types, in order."""
        return dict(self._entry(table).columns)

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
        try:
            return frame.select(wished).collect()
        except FileNotFoundError as error:  # let go of by a writer since it was compared
            gone = next((p for p in parts if self._place.size(p.file) is None), parts[0])
            raise self._parts.missing(gone) from error

    def files(self, table: str) -> list[Path] | None:
        """Give a table's verified Parquet files, in order; None where they have no path on this machine."""
        found = self._parts.fetch_all(self._entry(table).parts)
        paths = [f for f in found if isinstance(f, Path)]
        return paths if len(paths) == len(found) else None

    def info(self) -> dict[str, Any]:
        """Describe the store: its snapshot and, table by table, columns, rows, dates, parts and bytes."""
        tables = {}
        for name, entry in sorted(self._manifest.tables.items()):
            sizes = [p.size or self._place.size(p.file) or 0 for p in entry.parts]
            tables[name] = {
                "rows": entry.rows,
                "first": entry.first,
                "last": entry.last,
                "columns": list(entry.columns),
                "parts": len(entry.parts),
                "bytes": sum(sizes),
                "meta": dict(entry.meta),
            }
        return {
            "path": self.location,
            "format": FORMAT,
            "snapshot": self.snapshot,
            "parent": self._manifest.parent,
            "source": self._manifest.source,
            "written": self._manifest.written,
            "writes": self._manifest.number,
            "tables": tables,
        }

    def _entry(self, table: str) -> TableEntry:
        if table not in self._manifest.tables:
            raise UnknownName("table", table, self._manifest.tables, f"store {self.location}")
        return self._manifest.tables[table]


def _overlaps(part: Part, start: DateLike | None, end: DateLike | None) -> bool:
    if not part.first:
        return True
    return (start is None or part.last >= str(to_day(start))) and (
        end is None or part.first <= str(to_day(end))
    )
