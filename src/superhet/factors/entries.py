"""Entries of the results cache on disk: one folder each, whole or not there.

    <key>/entry.json       what the values belong to; replaced in one step, after the values are on the disk
    <key>/values-….bin     [sessions, assets], row by row; rows beyond those of entry.json mean nothing
    writing-…/             what a writer is about to put in place; whoever finds its owner gone removes it
    lock                   held while something is put in place or removed; readers never look at it

A row that an entry names is never written again: an entry that grows gets rows after its last, one whose past
has changed gets another file. So a reader's map stays as it was, and a writer that dies leaves the old entry.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from superhet.factors.fingerprints import Prints

_ENTRY, _LOCK, _WRITING, _VALUES = "entry.json", "lock", "writing-", "values-"
_PIECE = 1 << 20

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the values in an entry's folder belong to.

    Parameters
    ----------
    formula, convention, dtype : what was computed; for people, the folder's name says it too
    snapshot : of the market that wrote it last
    first, last : sessions
    rows, assets : how many sessions and assets
    prints : hashes of what the formula read
    file : name of the file with the values
    """

    formula: str
    convention: str
    dtype: str
    snapshot: str
    first: str
    last: str
    rows: int
    assets: int
    prints: Prints
    file: str = ""

    @property
    def row_bytes(self) -> int:
        """Bytes of a session."""
        return self.assets * np.dtype(self.dtype).itemsize


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """Values that wait to be put in place.

    Parameters
    ----------
    key : name of the entry's folder
    entry : what it will be
    kept : sessions that stay as they are in `former`
    former : the entry that `kept` was found in, None for none
    """

    key: str
    entry: Entry
    kept: int
    former: Entry | None


class Entries:
    """All entries of a folder.

    Parameters
    ----------
    path : the folder; made when something is written
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, key: str) -> Entry | None:
        """Read an entry; None where there is none, or none that can be used."""
        try:
            content = json.loads((self.path / key / _ENTRY).read_bytes())
            content["prints"] = Prints(**{k: tuple(p) for k, p in content["prints"].items()})
            entry = Entry(**content)
            there = (self.path / key / entry.file).stat().st_size
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return entry if there >= entry.rows * entry.row_bytes else None

    def values(self, key: str, entry: Entry, rows: int) -> Array:
        """Map the first sessions of an entry, [rows, assets], read-only.

        Raises
        ------
        FileNotFoundError
            if the entry has just been removed
        """
        path = self.path / key / entry.file
        return np.memmap(path, dtype=entry.dtype, mode="r", shape=(rows, entry.assets))

    def touch(self, key: str) -> None:
        """Say that an entry was of use."""
        with suppress(OSError):
            os.utime(self.path / key / _ENTRY)

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Give a folder to prepare values in; it goes with its owner."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._sweep()
            aside = Path(tempfile.mkdtemp(prefix=_WRITING, dir=self.path))
            owner = (aside / _LOCK).open("wb")
            _lock(owner, wait=False)
        try:
            yield aside
        finally:
            owner.close()
            shutil.rmtree(aside, ignore_errors=True)

    def put(self, fresh: Sequence[Fresh], aside: Path) -> dict[str, Entry]:
        """Put values in place; of two writers of one entry the last wins.

        Parameters
        ----------
        fresh : what; the sessions after those kept, if any, are in the file of its key
        aside : the folder with those files

        Returns
        -------
        key -> the entry as it is now
        """
        with self._locked():
            return {one.key: self._put(one, aside) for one in fresh}

    def trim(self, limit: int) -> None:
        """Remove the entries of no use for longest, until the rest fits into `limit` bytes."""
        with self._locked():
            found = []
            for path in self.path.glob(f"*/{_ENTRY}"):
                size = sum(f.stat().st_size for f in path.parent.iterdir())
                found.append((path.stat().st_mtime_ns, path.parent.name, size))
            total = sum(size for _, _, size in found)
            for _, key, size in sorted(found):
                if total <= limit:
                    return
                (self.path / key / _ENTRY).unlink()  # first: without it the rest means nothing
                shutil.rmtree(self.path / key, ignore_errors=True)
                total -= size

    def _put(self, fresh: Fresh, aside: Path) -> Entry:
        folder, part, former = self.path / fresh.key, aside / fresh.key, fresh.former
        folder.mkdir(exist_ok=True)
        if former and former.rows == fresh.kept and self.read(fresh.key) == former:
            file = former.file
            if part.exists():
                _append(part, folder / file, fresh.kept * former.row_bytes)
        else:
            file = f"{_VALUES}{aside.name.removeprefix(_WRITING)}.bin"
            if former and fresh.kept:
                part = _after(folder / former.file, fresh.kept * former.row_bytes, part)
            with part.open("rb+") as whole:
                os.fsync(whole.fileno())
            part.replace(folder / file)
        entry = replace(fresh.entry, file=file)
        content = {**vars(entry), "prints": vars(entry.prints)}
        text = aside / _ENTRY
        text.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        text.replace(folder / _ENTRY)
        for path in folder.glob(f"{_VALUES}*"):
            if path.name != file:
                with suppress(PermissionError):  # some systems keep what a reader has mapped
                    path.unlink()
        return entry

    def _sweep(self) -> None:
        """Remove what writers that are gone have left."""
        for path in self.path.glob(f"{_WRITING}*"):
            with suppress(OSError), (path / _LOCK).open("ab") as owner:
                _lock(owner, wait=False)
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.path / _LOCK).open("ab") as file:
            _lock(file, wait=True)
            yield  # closing the file gives the lock back


def _append(part: Path, path: Path, offset: int) -> None:
    """Write a part into a file, from `offset` on."""
    with path.open("rb+") as out, part.open("rb") as new:
        out.seek(offset)
        shutil.copyfileobj(new, out)
        out.flush()
        os.fsync(out.fileno())


def _after(path: Path, count: int, part: Path) -> Path:
    """Make a file of the first `count` bytes of another, and of a part after them."""
    whole = part.with_suffix(".whole")
    with path.open("rb") as source, whole.open("wb") as out:
        for at in range(0, count, _PIECE):
            out.write(source.read(min(_PIECE, count - at)))
    if part.exists():
        _append(part, whole, count)
    return whole


def _lock(file: IO[bytes], *, wait: bool) -> None:
    """Lock a file until it is closed.

    Raises
    ------
    OSError
        if somebody else holds it, and `wait` is false
    """
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
