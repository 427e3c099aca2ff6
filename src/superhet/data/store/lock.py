"""One writer at a time. A file in the store names the writer; the kernel forgets it when the writer dies.

The lock is the system's own advisory lock on `superhet-store.lock`, so that it cannot outlive its holder; the
process id, host and start time inside are for the message and for file systems that do not know such
locks. Readers never look at it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from superhet.errors import StoreLocked

LOCK_FILE = "superhet-store.lock"


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold the store for writing; a lock left by a process that is gone is taken over.

    Raises
    ------
    StoreLocked
        if another writer is alive, naming its process, host and start time
    """
    path = folder / LOCK_FILE
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        holder = _read(handle)
        if not _try_system_lock(handle) or _is_alive(holder):
            raise StoreLocked(folder, _describe(holder, path), holder=holder)
        _write(handle, _own())
        try:
            yield
        finally:
            _write(handle, {})
    finally:
        os.close(handle)  # closing gives the system lock back


def process_start(pid: int) -> str:
    """Give the moment at which a process began, in a form that only compares; "" if it is not known.

    A process id is used again after its owner dies; the pair (id, start) is not. A killed process is listed
    until its parent asks how it ended; nothing of it is alive.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    facts = stat.rpartition(")")[2].split()
    return "" if facts[0] in "ZX" else facts[19]


def _own() -> dict[str, Any]:
    pid = os.getpid()
    return {"pid": pid, "host": socket.gethostname(), "started": process_start(pid)}


def _read(handle: int) -> dict[str, Any]:
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        content = json.loads(os.read(handle, 4096) or b"{}")
    except ValueError:  # a writer that died while it wrote its name
        return {}
    return content if isinstance(content, dict) else {}


def _write(handle: int, content: dict[str, Any]) -> None:
    os.lseek(handle, 0, os.SEEK_SET)
    os.ftruncate(handle, 0)
    os.write(handle, json.dumps(content).encode())


def _try_system_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, 4096, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_alive(holder: dict[str, Any]) -> bool:
    pid = holder.get("pid")
    if not isinstance(pid, int):
        return False
    if holder.get("host") != socket.gethostname():
        return True  # nobody here can tell
    if pid == os.getpid():
        return False  # the system lock was free, so this is our own finished write
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return bool(process_start(pid) == holder.get("started", ""))


def _describe(holder: dict[str, Any], path: Path) -> str:
    who = f"process {holder.get('pid', '?')} on {holder.get('host', '?')}"
    return (
        f"{who} is writing to it. Wait until it is done; if that process is gone, "
        f"remove {path.name} in that folder and try again"
    )
