"""Where a store's files are: the few operations that the rest needs of a folder, wherever it is.

A store is made of files that are put whole, read, listed and removed, and of one lock. `LocalPlace` does that
in a folder of this machine's file system; `remote.FsspecPlace` in an object store or anything else that
fsspec reaches. Names are relative to the store, with "/" between folders.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TypeAlias

from superhet.data.durable import TEMPORARY, is_no_room, replace_file, sync_folder
from superhet.data.store.lock import writer_lock
from superhet.errors import DiskFull, StoreError

Confirm: TypeAlias = Callable[[], None]

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):/{1,2}(.*)", re.DOTALL)


class Place(Protocol):
    """A folder of files.

    Attributes
    ----------
    location : path or URL, for messages
    folder : the same as a path of this machine; None for a remote place
    """

    location: str
    folder: Path | None

    def read(self, name: str) -> bytes:
        """Give a file's bytes; FileNotFoundError if it is not there."""
        ...

    def size(self, name: str) -> int | None:
        """Count a file's bytes; None if it is not there."""
        ...

    def put(self, name: str, content: bytes) -> None:
        """Put a file, whole or not at all, in place of what had its name."""
        ...

    def settle(self) -> None:
        """Return when all that was put will outlast a loss of power."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; those that are not there are passed over."""
        ...

    def files(self, folder: str = "", *, deep: bool = False) -> list[str]:
        """List the files in a folder, or below it, sorted; none if there is no such folder."""
        ...

    def entries(self) -> list[str]:
        """List what lies directly in the place: names of files, and of folders where there are any."""
        ...

    def lock(self) -> AbstractContextManager[Confirm]:
        """Hold the place for writing; what is given raises StoreLocked if that is no longer so."""
        ...


class LocalPlace:
    """A folder of this machine's file system.

    Parameters
    ----------
    folder : it need not be there
    """

    def __init__(self, folder: Path) -> None:
        self.location = str(folder)
        self.folder: Path | None = folder
        self._root = folder
        self._unsettled: set[Path] = set()

    def read(self, name: str) -> bytes:
        """Give a file's bytes."""
        return (self._root / name).read_bytes()

    def size(self, name: str) -> int | None:
        """Count a file's bytes; None if it is not there."""
        try:
            return (self._root / name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, name: str, content: bytes) -> None:
        """Put a file: aside, to the disk, into place."""
        path = self._root / name
        replace_file(path, content, settle=False)
        self._unsettled.add(path.parent)

    def settle(self) -> None:
        """Bring the names of what was put to the disk."""
        while self._unsettled:
            sync_folder(self._unsettled.pop())

    def remove(self, names: Iterable[str]) -> None:
        """Remove files."""
        for name in names:
            (self._root / name).unlink(missing_ok=True)

    def files(self, folder: str = "", *, deep: bool = False) -> list[str]:
        """List the files in a folder, or below it."""
        found = (self._root / folder).glob("**/*" if deep else "*")
        return sorted(p.relative_to(self._root).as_posix() for p in found if p.is_file())

    def entries(self) -> list[str]:
        """List what lies directly in the folder."""
        return [p.name for p in self._root.iterdir()] if self._root.exists() else []

    @contextmanager
    def lock(self) -> Iterator[Confirm]:
        """Hold the folder by the system's own lock, which cannot be lost while the process lives."""
        with writer_lock(self._root):
            yield lambda: None


def place_of(location: str | Path) -> Place:
    """Give the place that a path or a URL names.

    `file://` is a folder of this machine. A URL that went through `Path` has lost one of its slashes and is
    still known.

    Raises
    ------
    MissingExtra
        if the library for this kind of URL is not installed
    StoreError
        if nothing is known that reaches it
    """
    found = _URL.fullmatch(str(location))
    if found is None:
        return LocalPlace(Path(location))
    scheme, rest = found[1].lower(), found[2].rstrip("/")
    if scheme in ("file", "local") and not re.match(r"[A-Za-z]:", rest):
        rest = "/" + rest.lstrip("/")
    if scheme == "file":
        return LocalPlace(Path(rest))
    from superhet.data.store.remote import FsspecPlace

    return FsspecPlace(f"{scheme}://{rest}")


def is_temporary(name: str) -> bool:
    """Tell whether a file is what a killed writer left half-written."""
    return name.rpartition("/")[2].startswith(TEMPORARY)


def cache_name(place: Place) -> str:
    """Name the folder that caches a place."""
    scheme = place.location.partition("://")[0]
    return f"{scheme}-{hashlib.blake2b(place.location.encode(), digest_size=8).hexdigest()}"


def write_error(place: Place, error: OSError) -> StoreError:
    """Give what the system says as an error of ours: no room left, or no right to write."""
    if not is_no_room(error):
        return StoreError(place.location, f"it cannot be written to: {error}")
    room = ""
    if place.folder is not None:
        folder = place.folder.resolve()
        existing = next(p for p in (folder, *folder.parents) if p.exists())
        room = f"; {shutil.disk_usage(existing).free / 1e6:,.0f} MB free"
    return DiskFull(
        place.location,
        f"no room left while writing ({error.strerror}{room}); the former state is whole. "
        "Make room, or put the store on another disk, and write again",
    )
