"""A disk that is full, or may not be written to: the former state stays whole, and the message says so."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap

import pytest
from store_places import bars, files, half_written, parts

from superhet.data import durable
from superhet.data.store import Store
from superhet.data.store.lock import LOCK_FILE
from superhet.errors import DiskFull, StoreError


@pytest.mark.parametrize("fail_at", [0, 1, 10, 11, 12])
def test_a_full_disk_leaves_the_former_state_and_no_files(tmp_path, monkeypatch, fail_at):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    before, snapshot = files(store), store.snapshot
    calls = []
    real = durable.replace_file

    def full(path, content, *, settle=True):
        calls.append(path)
        if len(calls) > fail_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, content, settle=settle)

    monkeypatch.setattr("superhet.data.store.places.replace_file", full)
    with pytest.raises(DiskFull, match="no room left while writing .*the former state is whole"):
        store.write({"bars_1d": bars(price=20.0)})
    assert len(calls) <= 13, "eleven parts, a manifest and HEAD"
    after = {f for f in files(store) if not f.startswith("manifests/2")}
    assert after == before
    monkeypatch.undo()
    again = Store.open(store.path)
    assert again.snapshot == snapshot
    assert again.verify() == []
    store.write({"bars_1d": bars(price=20.0)})
    assert Store.open(store.path).read("bars_1d")["close"].min() > 15


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is of POSIX")
def test_a_real_file_size_limit_is_a_full_disk(tmp_path):
    home = str(tmp_path / "store")
    Store.create(home).write({"bars_1d": bars(assets=30)})
    code = f"""
        import resource, signal
        from superhet.data.store import Store
        from superhet.errors import DiskFull
        store = Store.open({home!r})
        frame = store.read("bars_1d").with_columns(volume=5.0)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        try:
            store.write({{"bars_1d": frame}})
        except DiskFull as error:
            print("full", error.path)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("full")
    store = Store.open(home)
    assert store.read("bars_1d")["volume"].unique().to_list() == [100.0]
    assert not half_written(store)
    assert len(parts(store)) == 11


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_that_may_not_be_written_says_so(tmp_path):
    store = Store.create(tmp_path / "store")
    store.path.chmod(0o500)
    with pytest.raises(StoreError, match="it cannot be written to: .*[Pp]ermission"):
        store.write({"bars_1d": bars()})


def test_a_full_disk_at_the_lock_is_a_full_disk(tmp_path, monkeypatch):
    store = Store.create(tmp_path / "store")

    def full(handle, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DiskFull):
        store.write({"bars_1d": bars()})
    assert LOCK_FILE in os.listdir(store.path)
