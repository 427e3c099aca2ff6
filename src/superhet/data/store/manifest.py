"""The manifest of a store: which parts make up each table, and the one file that says which manifest holds.

`superhet-store.json`  {"format": 2}
`HEAD`                 {"manifest": n, "checksum": …}, replaced in one step: readers see old or new
`manifests/<n>.json`   one state of all tables, and what the write that made it changed

Format 1 had no history and one part a year; it is read, and becomes format 2 when it is next written to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from superhet.data.store.changes import Changes
from superhet.data.store.places import Confirm, Place
from superhet.errors import CorruptedPart, StoreError, StoreTooNew

FORMAT = 2
STORE_FILE = "superhet-store.json"
HEAD_FILE = "HEAD"
MANIFESTS = "manifests"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One Parquet file: where it is, what it must contain, and the range of dates inside."""

    file: str
    rows: int
    checksum: str
    first: str = ""
    last: str = ""
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class TableEntry:
    """One table of a manifest; `meta` belongs to the table as a whole."""

    columns: dict[str, str]
    parts: list[Part]
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def first(self) -> str:
        """The first date; "" for static tables."""
        return min((p.first for p in self.parts if p.first), default="")

    @property
    def last(self) -> str:
        """The last date; "" for static tables."""
        return max((p.last for p in self.parts if p.last), default="")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One state of a store.

    Parameters
    ----------
    number : counts the states of this store
    parent : snapshot before this one; "" for the first
    source : what the last write said about where its data came from
    written : when, as 2020-02-28T09:30:00+00:00; "" if not known
    changes : table -> rows that the last write added, changed and removed
    undone : numbers of former states, first and last, that a rollback went back behind
    series : what several writes have in common that count as one, as those of a pull; "" for a write of its
        own
    since : number of the state before the first write of the series; of a write of its own, the one before
    given_name : the snapshot's name where it is not to be worked out anew
    """

    number: int = 0
    parent: str = ""
    source: str = ""
    written: str = ""
    changes: dict[str, Changes] = field(default_factory=dict)
    undone: list[list[int]] = field(default_factory=list)
    series: str = ""
    since: int = -1
    tables: dict[str, TableEntry] = field(default_factory=dict)
    given_name: str = ""

    @property
    def snapshot(self) -> str:
        """The name of the contents: a hash of tables, columns, part checksums and meta data, of no clock."""
        if self.given_name:
            return self.given_name
        content = {
            name: [list(entry.columns), [p.checksum for p in entry.parts], entry.meta]
            for name, entry in self.tables.items()
        }
        return _checksum(_compact(content), size=8)

    @property
    def files(self) -> set[str]:
        """Names of all parts."""
        return {part.file for entry in self.tables.values() for part in entry.parts}

    def to_json(self) -> str:
        """Write the manifest as JSON, with a checksum of its own."""
        tables = {
            name: {"rows": e.rows, "first": e.first, "last": e.last, **asdict(e)}
            for name, e in sorted(self.tables.items())
        }
        content = {
            "format": FORMAT,
            "number": self.number,
            "snapshot": self.snapshot,
            "parent": self.parent,
            "source": self.source,
            "written": self.written,
            "changes": {name: asdict(c) for name, c in sorted(self.changes.items())},
            "undone": self.undone,
            **({"series": self.series, "since": self.since} if self.series else {}),
            "tables": tables,
        }
        content["checksum"] = _checksum(_compact(content))
        return json.dumps(content, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Read what `to_json` wrote; ValueError if it is not that."""
        content = json.loads(text)
        if not isinstance(content, dict):
            raise ValueError("not an object")
        checksum = content.pop("checksum", None)
        if checksum is not None and checksum != _checksum(_compact(content)):
            raise ValueError("its bytes have changed (checksum)")
        try:
            return cls._from(content)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a manifest: {error}") from error

    @classmethod
    def _from(cls, content: Mapping[str, Any]) -> Manifest:
        tables = {
            name: TableEntry(
                columns=entry["columns"],
                parts=[Part(**part) for part in entry["parts"]],
                meta=entry["meta"],
            )
            for name, entry in content["tables"].items()
        }
        return cls(
            number=content["number"],
            parent=content["parent"],
            source=content["source"],
            written=content.get("written", ""),
            changes={name: Changes(**c) for name, c in content.get("changes", {}).items()},
            undone=content.get("undone", []),
            series=content.get("series", ""),
            since=content.get("since", content["number"] - 1),
            tables=tables,
            given_name=content["snapshot"],
        )


def manifest_name(number: int) -> str:
    """Name the file of a manifest."""
    return f"{MANIFESTS}/{number}.json"


def write_manifest(place: Place, manifest: Manifest, confirm: Confirm = lambda: None) -> None:
    """Make a manifest the current one: its file first, then HEAD in one step.

    Parameters
    ----------
    confirm : called right before that step; raises if somebody else writes here now
    """
    text = manifest.to_json().encode()
    place.put(manifest_name(manifest.number), text)
    place.settle()
    head = {"manifest": manifest.number, "checksum": _checksum(text)}
    confirm()
    place.put(HEAD_FILE, json.dumps(head).encode())
    place.settle()


def read_manifest(place: Place) -> Manifest:
    """Read the current manifest.

    Raises
    ------
    StoreError
        if there is no store here
    CorruptedPart
        if HEAD or its manifest is damaged
    StoreTooNew
        if a later version of superhet wrote the store
    """
    check_format(place)
    for attempt in (1, 2):  # a writer may remove an old manifest between our two reads
        head = _json(place, HEAD_FILE)
        try:
            name, checksum = manifest_name(int(head["manifest"])), head["checksum"]
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(place, HEAD_FILE, "does not name a manifest") from error
        try:
            text = place.read(name)
            break
        except OSError as error:
            if attempt == 2:
                raise _damaged(place, name, f"cannot be read: {error}") from error
    try:
        if _checksum(text) != checksum:
            raise ValueError("its bytes have changed (checksum)")
        return Manifest.from_json(text)
    except ValueError as error:
        raise _damaged(place, name, f"is damaged: {error}") from error


def write_format(place: Place) -> None:
    """Say that the place is a store of this format, if it does not say so yet."""
    content = f'{{"format": {FORMAT}}}\n'.encode()
    try:
        if place.read(STORE_FILE) == content:
            return
    except FileNotFoundError:
        pass
    place.put(STORE_FILE, content)


def check_format(place: Place) -> None:
    """Refuse a folder that is no store, or one of a later format."""
    where = place.location
    if place.size(STORE_FILE) is None:
        raise StoreError(
            where,
            "there is no store here. Make one with simulated data: superhet data simulate --store "
            f"{where}, or with your own: superhet data import --source files --path FOLDER --store {where}",
        )
    found = _json(place, STORE_FILE).get("format")
    if not isinstance(found, int):
        raise _damaged(place, STORE_FILE, "does not name a format")
    if found > FORMAT:
        raise StoreTooNew(
            where,
            f"it has format {found}, this version of superhet reads up to {FORMAT}. Upgrade: "
            "pip install --upgrade superhet",
        )


def _damaged(place: Place, name: str, what: str) -> CorruptedPart:
    mend = "Restore the folder from a copy, or remove it and import the data again"
    return CorruptedPart(place.location, f"{name} {what}. {mend}", file=name)


def _compact(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, ensure_ascii=False).encode()


def _checksum(text: bytes, size: int = 16) -> str:
    return hashlib.blake2b(text, digest_size=size).hexdigest()


def _json(place: Place, name: str) -> dict[str, Any]:
    try:
        content = json.loads(place.read(name))
    except (OSError, ValueError) as error:
        raise _damaged(place, name, f"cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise _damaged(place, name, "does not hold an object")
    return content
