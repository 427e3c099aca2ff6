"""Files that are whole or not there: written aside, brought to the disk, then renamed in one step."""

from __future__ import annotations

import errno
import os
from pathlib import Path

TEMPORARY = ".writing-"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def replace_file(path: Path, content: bytes, *, settle: bool = True) -> None:
    """Put `content` at `path`; after a crash the old file or the new one is there, never a piece.

    Parameters
    ----------
    path : the file; its folder is made
    content : all of its bytes
    settle : whether the name is on the disk, too, when this returns; who writes many files to one folder
        calls `sync_folder` once at the end

    Raises
    ------
    OSError
        as the system gives it; nothing is left behind
    """
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        sync_folder(path.parent.parent)
    aside = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    if settle:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_no_room(error: OSError) -> bool:
    """Tell whether an error means that the disk, the quota or the allowed file size is used up."""
    return error.errno in _NO_ROOM
