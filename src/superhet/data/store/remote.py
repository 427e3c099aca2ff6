"""A store's files behind a URL: object stores and whatever else fsspec reaches.

An object store takes an object whole or not at all, so that one `put` of HEAD turns the store to its new
state. On other file systems a file is written aside and moved. There is no lock of the system here: see
`lease`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from superhet.data.durable import TEMPORARY, is_no_room
from superhet.data.store.lease import Lease
from superhet.data.store.lock import LOCK_FILE
from superhet.data.store.places import Confirm
from superhet.errors import MissingExtra, StoreError, SuperhetError

_WHOLE_PUTS = {"memory", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "r2"}
"""Kinds of URL where an object is put whole or not at all."""

_LIBRARY = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "az": "adlfs",
}


class FsspecPlace:
    """Files below a URL.

    Parameters
    ----------
    url : s3://bucket/folder, memory://folder, …; keys and end points are configured as its library does

    Raises
    ------
    MissingExtra
        if fsspec, or its library for this kind of URL, is not installed
    StoreError
        if fsspec knows no such kind of URL
    """

    def __init__(self, url: str) -> None:
        self.location = url
        self.folder: Path | None = None
        scheme = url.partition("://")[0]
        try:
            from fsspec.core import url_to_fs

            self._files, root = url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            missing = "fsspec" if error.name == "fsspec" else _LIBRARY.get(scheme, "fsspec")
            raise MissingExtra(missing, "remote") from error
        except ValueError as error:
            raise StoreError(url, f"no such kind of URL is known: {error}") from error
        self._root = str(root).rstrip("/")
        self._puts_whole = scheme in _WHOLE_PUTS

    def read(self, name: str) -> bytes:
        """Give a file's bytes."""
        with self._asking("read"):
            return bytes(self._files.cat_file(self._path(name)))

    def size(self, name: str) -> int | None:
        """Count a file's bytes; None if it is not there."""
        try:
            with self._asking("read"):
                self._files.invalidate_cache()
                found = self._files.info(self._path(name))
        except FileNotFoundError:
            return None
        return int(found["size"])

    def put(self, name: str, content: bytes) -> None:
        """Put a file in one step, or aside and then into place."""
        path = self._path(name)
        with self._asking("written to"):
            if self._puts_whole:
                self._files.pipe_file(path, content)
                return
            folder, _, file = path.rpartition("/")
            aside = f"{folder}/{TEMPORARY}{file}"
            self._files.makedirs(folder, exist_ok=True)
            self._files.pipe_file(aside, content)
            self._files.mv(aside, path)

    def settle(self) -> None:
        """Do nothing: who takes the bytes of a put has taken them for good."""

    def remove(self, names: Iterable[str]) -> None:
        """Remove files."""
        with self._asking("written to"):
            for name in names:
                try:
                    self._files.rm_file(self._path(name))
                except FileNotFoundError:
                    continue

    def files(self, folder: str = "", *, deep: bool = False) -> list[str]:
        """List the files in a folder, or below it."""
        below = self._path(folder) if folder else self._root
        with self._asking("read"):
            self._files.invalidate_cache()
            try:
                found = self._files.find(below, maxdepth=None if deep else 1)
            except FileNotFoundError:
                return []
        start = len(self._root.lstrip("/")) + 1
        return sorted(str(f).lstrip("/")[start:] for f in found)

    def entries(self) -> list[str]:
        """List what lies directly below the URL."""
        with self._asking("read"):
            try:
                found = self._files.ls(self._root, detail=False)
            except FileNotFoundError:
                return []
        return [str(f).rstrip("/").rpartition("/")[2] for f in found]

    @contextmanager
    def lock(self) -> Iterator[Confirm]:
        """Hold the place by a lease: an object with the holder's name and the moment it runs out."""
        if not self._puts_whole:  # an object store has no folders, and would make a bucket
            with self._asking("written to"):
                self._files.makedirs(self._root, exist_ok=True)
        lease = Lease(self._files, self._path(LOCK_FILE), self.location)
        with self._asking("locked"):
            lease.take()

        def confirm() -> None:
            with self._asking("read"):
                lease.confirm()

        try:
            yield confirm
        finally:
            with suppress(StoreError), self._asking("unlocked"):  # the lease runs out by itself
                lease.give_back()

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Give any fault of a library, network or service as an error of ours."""
        try:
            yield
        except (FileNotFoundError, FileExistsError, SuperhetError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and is_no_room(error):
                raise
            words = str(error) or type(error).__name__
            raise StoreError(self.location, f"it cannot be {what}: {words}") from error
