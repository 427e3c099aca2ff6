"""One writer: a second one is told who is writing; a lock whose writer is gone is taken over."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from store_places import bars

from superhet.data.store import Store, lease
from superhet.data.store.lease import Lease, create_exclusively
from superhet.data.store.lock import LOCK_FILE, process_start, writer_lock
from superhet.data.store.places import place_of
from superhet.errors import StoreLocked


def test_a_living_writer_is_named(tmp_path):
    store = Store.create(tmp_path / "store")
    with writer_lock(store.path), pytest.raises(StoreLocked, match=f"process {os.getpid()} on "):
        store.write({"bars_1d": bars()})
    store.write({"bars_1d": bars()})
    lock = {
        "pid": os.getppid(),
        "host": socket.gethostname(),
        "started": process_start(os.getppid()),
    }
    (store.path / LOCK_FILE).write_text(json.dumps(lock))
    with pytest.raises(StoreLocked, match=f"process {os.getppid()} .*is writing to it"):
        store.write({"bars_1d": bars()})


@pytest.mark.parametrize("content", ["", "{", "dead", "reused"])
def test_a_stale_lock_is_taken_over(tmp_path, content):
    store = Store.create(tmp_path / "store")
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    host = socket.gethostname()
    if content == "dead":
        content = json.dumps({"pid": int(gone.stdout), "host": host, "started": "1"})
    elif content == "reused":  # the number lives on as another process
        content = json.dumps({"pid": os.getppid(), "host": host, "started": "another start"})
    (store.path / LOCK_FILE).write_text(content)
    store.write({"bars_1d": bars()})
    assert Store.open(store.path).names() == ["bars_1d"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_killed_writer_that_nobody_buried_is_gone(tmp_path):
    store = Store.create(tmp_path / "store")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as writer:
        started = process_start(writer.pid)
        lock = {"pid": writer.pid, "host": socket.gethostname(), "started": started}
        (store.path / LOCK_FILE).write_text(json.dumps(lock))
        with pytest.raises(StoreLocked, match=f"process {writer.pid} "):
            store.write({"bars_1d": bars()})
        writer.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, writer.pid, os.WEXITED | os.WNOWAIT)  # dead, and still listed
        store.write({"bars_1d": bars()})
    assert Store.open(store.path).names() == ["bars_1d"]


@pytest.fixture
def remote(tmp_path):
    store = Store.create(f"memory://{tmp_path.name}/store")
    store.write({"bars_1d": bars()})
    return store


def test_a_remote_writer_is_named_and_gives_the_lock_back(remote):
    with place_of(remote.location).lock():
        with pytest.raises(StoreLocked, match=f"process {os.getpid()} on .*runs out in [1-6]"):
            remote.write({"bars_1d": bars(price=20.0)})
        with pytest.raises(StoreLocked):
            remote.prune()
    remote.write({"bars_1d": bars(price=20.0)})
    assert place_of(remote.location).size(LOCK_FILE) is None


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_cannot_turn_head(remote):
    first, second = place_of(remote.location), place_of(remote.location)
    with first.lock() as confirm_first:
        confirm_first()
        slept = json.loads(first.read(LOCK_FILE)) | {"until": time.time() - 10.0}
        first.put(LOCK_FILE, json.dumps(slept).encode())
        with second.lock() as confirm_second:
            confirm_second()
            with pytest.raises(StoreLocked, match="is writing to it"):
                confirm_first()
    assert second.size(LOCK_FILE) is None


def test_who_lost_the_lease_does_not_take_the_others_away(remote):
    first, second = place_of(remote.location), place_of(remote.location)
    with first.lock():
        first.remove([LOCK_FILE])
        taken = second.lock()
        taken.__enter__()
    assert second.size(LOCK_FILE) is not None
    taken.__exit__(None, None, None)
    assert second.size(LOCK_FILE) is None


def test_a_writer_that_lost_its_lease_leaves_the_state_as_it_is(remote, monkeypatch):
    before = remote.snapshot

    def lost(self):
        raise StoreLocked(self._location, "somebody else is writing to it")

    monkeypatch.setattr(Lease, "take", lambda self: None)
    monkeypatch.setattr(Lease, "give_back", lambda self: None)
    monkeypatch.setattr(Lease, "confirm", lost)
    with pytest.raises(StoreLocked):
        remote.write({"bars_1d": bars(price=20.0)})
    again = Store.open(remote.location)
    assert again.snapshot == before
    assert again.verify() == []


def test_half_a_lease_is_looked_at_twice(remote, monkeypatch):
    there = place_of(remote.location)
    there.put(LOCK_FILE, b"")
    other = json.dumps(
        {"pid": 1, "host": "far", "token": "x", "until": time.time() + 60.0}
    ).encode()
    with monkeypatch.context() as patched:
        patched.setattr(lease.time, "sleep", lambda seconds: there.put(LOCK_FILE, other))
        with pytest.raises(StoreLocked, match="process 1 on far"):
            remote.write({"bars_1d": bars(price=20.0)})
    there.put(LOCK_FILE, b"")
    monkeypatch.setattr(lease.time, "sleep", lambda seconds: None)
    remote.write({"bars_1d": bars(price=20.0)})


def test_a_lease_is_pushed_on_while_it_is_held(remote, monkeypatch):
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.4)
    there = place_of(remote.location)
    with there.lock():
        first, patience = json.loads(there.read(LOCK_FILE))["until"], time.monotonic() + 10.0
        while json.loads(there.read(LOCK_FILE))["until"] == first:
            assert time.monotonic() < patience
            time.sleep(0.01)


class _OldFiles:
    """A file system that cannot create exclusively."""

    def __init__(self) -> None:
        self.there: dict[str, bytes] = {}

    def pipe_file(self, path, content, mode="overwrite"):
        if mode == "create":
            raise NotImplementedError
        self.there[path] = content

    def exists(self, path):
        return path in self.there

    def invalidate_cache(self):
        """Nothing is cached."""


def test_where_creating_cannot_exclude_others_looking_must_do():
    old = _OldFiles()
    assert create_exclusively(old, "lock", b"one")
    assert not create_exclusively(old, "lock", b"two")
    assert old.there == {"lock": b"one"}
