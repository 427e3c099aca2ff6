"""Every file of a store against its checksum: the present state, the former ones, and mapped panels."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from superhet.data.store.arrays import damaged
from superhet.data.store.manifest import Manifest, Part
from superhet.data.store.parts import PartReader
from superhet.errors import CorruptedPart


@dataclass(frozen=True, kw_only=True)
class Corrupt:
    """A file that is missing or not what was written.

    Parameters
    ----------
    file : its name in the store
    table : whose part it is; "" for other files
    reason : what is wrong, and how to mend it
    """

    file: str
    table: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What comparing all files with their checksums found."""

    files_checked: int
    corrupt: tuple[Corrupt, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return not self.corrupt

    @property
    def problems(self) -> list[str]:
        """What is wrong, in words."""
        return [c.reason for c in self.corrupt]

    def to_dict(self) -> dict[str, Any]:
        """Turn into what JSON can hold."""
        return {
            "ok": self.ok,
            "files_checked": self.files_checked,
            "corrupt": [asdict(c) for c in self.corrupt],
        }


def verify_files(
    reader: PartReader,
    states: Iterable[Manifest],
    bad_manifests: Iterable[str],
    panels: Path | None,
) -> Verification:
    """Compare files with their checksums.

    Parameters
    ----------
    reader : one that has not compared anything yet
    states : whose parts are compared, the present state first
    bad_manifests : manifests of former states that could not be read
    panels : folder of mapped panels; None if there is none
    """
    here = list(states)
    owners: dict[str, tuple[str, Part, bool]] = {}
    for state in here:
        for table, entry in state.tables.items():
            for part in entry.parts:
                owners.setdefault(part.file, (table, part, state is not here[0]))
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        found = pool.map(lambda o: _compare(reader, *o), owners.values())
        corrupt = sorted((c for c in found if c), key=lambda c: (c.table, c.file))
    bad = list(bad_manifests)
    corrupt += [
        Corrupt(
            file=f, table="", reason=f"{f} of a former state is damaged; it cannot be gone back to"
        )
        for f in bad
    ]
    arrays = 0
    if panels is not None:
        arrays = sum(1 for _ in panels.rglob("*.npy"))
        corrupt += [_panel(panels, path) for path in damaged(panels)]
    return Verification(
        files_checked=len(owners) + len(here) + len(bad) + arrays, corrupt=tuple(corrupt)
    )


def _compare(reader: PartReader, table: str, part: Part, former: bool) -> Corrupt | None:
    try:
        reader.fetch(part)
    except CorruptedPart as error:
        note = " (only former states need it)" if former else ""
        return Corrupt(file=part.file, table=table, reason=f"{error.message}{note}")
    return None


def _panel(folder: Path, path: Path) -> Corrupt:
    name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
    reason = f"{name} has changed since it was written. Remove it: it is made again"
    return Corrupt(file=name, table="", reason=reason)
