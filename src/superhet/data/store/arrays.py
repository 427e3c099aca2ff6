"""Arrays on disk: mapped when asked for, whole or not there, each with the checksum of its file beside it.

Mapping reads no more than what is used, so that checksums are not compared at every opening; `damaged` does.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.data.durable import TEMPORARY, replace_file

Array: TypeAlias = npt.NDArray[Any]

_SUM = ".checksum"
# numpy reads a header with Python's parser, which in Python 3.11 counts its depth over all threads at once,
# and now and then stops one of them with a SystemError
_ONE_HEADER = threading.Lock()


def map_array(path: Path) -> Array | None:
    """Map an array, read-only; None if it is not there or is none."""
    try:
        with _ONE_HEADER:
            values: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return None
    return values.view(np.ndarray)


def save_array(path: Path, values: Array) -> None:
    """Put an array at `path`; after a crash it is whole or not there."""
    aside = path.with_name(f"{TEMPORARY}{path.name}")
    with aside.open("wb") as file:
        np.save(file, values, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    replace_file(path.with_suffix(_SUM), _checksum(aside).encode())
    aside.replace(path)


def damaged(folder: Path) -> list[Path]:
    """List the arrays below a folder whose bytes have changed since they were written."""
    found = []
    for path in sorted(folder.rglob("*.npy")):
        with suppress(FileNotFoundError):  # another state of the tables has just taken its place
            if path.with_suffix(_SUM).read_text() != _checksum(path):
                found.append(path)
    return found


def _checksum(path: Path) -> str:
    """Hash the bytes of a file; panels are large, and many processors have instructions for this hash."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
