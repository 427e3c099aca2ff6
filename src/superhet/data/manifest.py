"""The manifest of a store: which parts make up each table, and the one file that says which manifest holds.

`superhet-store.json`  {"format": 1}
`HEAD`                 {"manifest": n, "checksum": …}, replaced in one step: readers see old or new
`manifests/<n>.json`   one state of all tables
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from superhet.data.durable import replace_file
from superhet.errors import StoreError, StoreTooNew

FORMAT = 1
STORE_FILE = "superhet-store.json"
HEAD_FILE = "HEAD"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One Parquet file: where it is, what it must contain, and the range of dates inside."""

    file: str
    rows: int
    checksum: str
    first: str = ""
    last: str = ""


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
    """

    number: int = 0
    parent: str = ""
    source: str = ""
    tables: dict[str, TableEntry] = field(default_factory=dict)

    @property
    def snapshot(self) -> str:
        """The name of the contents: a hash of table names, part checksums and meta data, and of no clock."""
        content = {
            name: [[p.checksum for p in entry.parts], entry.meta]
            for name, entry in self.tables.items()
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def to_json(self) -> str:
        """Write the manifest as JSON."""
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
            "tables": tables,
        }
        return json.dumps(content, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what `to_json` wrote."""
        content = json.loads(text)
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
            tables=tables,
        )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Make a manifest the current one: its file first, then HEAD in one step."""
    text = manifest.to_json().encode()
    replace_file(_path(folder, manifest.number), text)
    head = {"manifest": manifest.number, "checksum": _checksum(text)}
    replace_file(folder / HEAD_FILE, json.dumps(head).encode())


def read_manifest(folder: Path) -> Manifest:
    """Read the current manifest.

    Raises
    ------
    StoreError
        if there is no store here, or HEAD or its manifest is damaged
    StoreTooNew
        if a later version of superhet wrote the store
    """
    check_format(folder)
    for attempt in (1, 2):  # a writer may remove an old manifest between our two reads
        head = _json(folder, folder / HEAD_FILE)
        path = _path(folder, int(head["manifest"]))
        if path.exists() or attempt == 2:
            break
    try:
        text = path.read_bytes()
    except OSError as error:
        raise StoreError(folder, f"{path.name} cannot be read: {error}. {_MEND}") from error
    if _checksum(text) != head["checksum"]:
        raise StoreError(folder, f"manifests/{path.name} is damaged (checksum). {_MEND}")
    return Manifest.from_json(text.decode())


def check_format(folder: Path) -> None:
    """Refuse a folder that is no store, or one of a later format."""
    if not (folder / STORE_FILE).exists():
        raise StoreError(
            folder,
            "there is no store here. Make one with simulated data: superhet data simulate --store "
            f"{folder}, or with your own: superhet data import --source files --path FOLDER --store {folder}",
        )
    found = _json(folder, folder / STORE_FILE).get("format")
    if not isinstance(found, int):
        raise StoreError(folder, f"{STORE_FILE} does not name a format. {_MEND}")
    if found > FORMAT:
        raise StoreTooNew(
            folder,
            f"it has format {found}, this version of superhet reads up to {FORMAT}. Upgrade: "
            "pip install --upgrade superhet",
        )


_MEND = "Restore the folder from a copy, or remove it and import the data again"


def _path(folder: Path, number: int) -> Path:
    return folder / "manifests" / f"{number}.json"


def _checksum(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _json(folder: Path, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(folder, f"{path.name} cannot be read: {error}. {_MEND}") from error
    if not isinstance(content, dict):
        raise StoreError(folder, f"{path.name} does not hold an object. {_MEND}")
    return content
