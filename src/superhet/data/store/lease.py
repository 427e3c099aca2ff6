"""A writer's lock where no system knows locks: an object that names its holder and the moment it runs out.

1. create the object, which only one can do; one that has run out is taken away first   -> Lease.take
2. push the moment on while writing                                                     -> Lease._renew
3. look once more, right before the new state appears                                   -> Lease.confirm
4. remove the object                                                                    -> Lease.give_back

What is weaker than the system's lock: a killed writer keeps others out until its lease runs out; the clocks
of the machines must agree to some seconds; and a writer whose machine sleeps between step 3 and the put of
HEAD, for longer than its lease, takes the place of a state that another wrote meanwhile. Even then no file
is harmed, since parts never change: the other's write is missing, as if it had been killed.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
import uuid
from typing import Any

from superhet.errors import StoreLocked

log = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
SKEW_SECONDS = 5.0


class Lease:
    """A lock that is held from `take` to `give_back`.

    Parameters
    ----------
    files : fsspec file system
    path : of the object
    location : the store, for messages
    """

    def __init__(self, files: Any, path: str, location: str) -> None:
        self._files, self._path, self._location = files, path, location
        self._token = uuid.uuid4().hex
        self._done = threading.Event()
        self._until = 0.0

    def take(self) -> None:
        """Create the object, or say who has.

        Raises
        ------
        StoreLocked
            if another writer's lease has not run out, naming its process, host and the moment it ends
        """
        holder = self._holder()
        if holder == {}:  # being written at this moment, or left so by a kill
            time.sleep(1.0)
            holder = self._holder()
        if holder is not None and float(holder.get("until", 0.0)) + SKEW_SECONDS < time.time():
            self._remove()  # it has run out: its writer is gone
        until = time.time() + LEASE_SECONDS
        if not create_exclusively(self._files, self._path, self._content(until)):
            raise self._locked(self._holder() or {})
        self._until = until
        self.confirm()
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._thread.start()

    def give_back(self) -> None:
        """Remove the object, if it is still ours."""
        self._done.set()
        self._thread.join()
        if self._is_ours(self._holder()):
            self._remove()

    def confirm(self) -> None:
        """Raise StoreLocked if the lease has run out, or somebody else holds the store now."""
        holder = self._holder()
        if not self._is_ours(holder) or time.time() > self._until:
            raise self._locked(holder or {})

    def _renew(self) -> None:
        while not self._done.wait(LEASE_SECONDS / 4):
            try:
                if not self._is_ours(self._holder()):
                    return  # `confirm` will say so
                until = time.time() + LEASE_SECONDS
                self._files.pipe_file(self._path, self._content(until))
                self._until = until  # only what was written counts
            except (
                Exception
            ) as error:  # each file system has its own; without a renewal `confirm` refuses
                log.warning(
                    "the lease of %s was not renewed, trying again: %s", self._location, error
                )

    def _content(self, until: float) -> bytes:
        facts = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "token": self._token,
            "until": until,
        }
        return json.dumps(facts).encode()

    def _holder(self) -> dict[str, Any] | None:
        try:
            self._files.invalidate_cache()
            content = json.loads(self._files.cat_file(self._path) or b"{}")
        except FileNotFoundError:
            return None
        except ValueError:  # half a file, where a put is not whole
            return {}
        return content if isinstance(content, dict) else {}

    def _is_ours(self, holder: dict[str, Any] | None) -> bool:
        return holder is not None and holder.get("token") == self._token

    def _remove(self) -> None:
        try:
            self._files.rm_file(self._path)
        except FileNotFoundError:
            return

    def _locked(self, holder: dict[str, Any]) -> StoreLocked:
        who = f"process {holder.get('pid', '?')} on {holder.get('host', '?')}"
        left = max(0.0, float(holder.get("until", 0.0)) - time.time())
        return StoreLocked(
            self._location,
            f"{who} is writing to it. Wait until it is done; if that process is gone, its lock runs out "
            f"in {left:.0f} seconds",
            holder=holder,
        )


def create_exclusively(files: Any, path: str, content: bytes) -> bool:
    """Create a file that must not be there yet; False if it is.

    Where the file system has no such step (it says so by the errors caught here), looking comes before
    creating, and somebody else may come in between.
    """
    try:
        files.pipe_file(path, content, mode="create")
    except FileExistsError:
        return False
    except (TypeError, ValueError, NotImplementedError):
        files.invalidate_cache()
        if files.exists(path):
            return False
        files.pipe_file(path, content)
    return True
