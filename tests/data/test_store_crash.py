"""Kills and crowds: whenever a writer dies, the store is whole and holds all that was said to be written."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import polars as pl
import pytest
from store_places import half_written, home_in
from store_workers import Workers, newest, state_of, workers

from superhet.data.ingest import import_files
from superhet.data.store import Store, lease

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGKILL and fork are of POSIX")


@pytest.fixture(scope="module")
def forked():
    with workers() as made:
        yield made


def kill_in_a_loop(forked: Workers, home: str, kills: int, *, longest: float, seed: int) -> int:
    """Kill writers at random moments, in or after any write; give the number of the last one seen."""
    store = Store.create(home)
    store.write(state_of(0))
    rng = np.random.default_rng(seed)
    committed = 0
    forked.ask("lease", lease.LEASE_SECONDS)
    for _ in range(kills):
        forked.ask("write", home)
        (pid,) = (int(s[4:]) for s in (forked.next(), forked.next()) if s.startswith("pid"))
        if rng.integers(2):
            committed = int(forked.next())
        time.sleep(float(rng.uniform(0.0, longest)))
        os.kill(pid, signal.SIGKILL)
        forked.ask("reap", pid)
        for line in iter(forked.next, "reaped"):
            committed = int(line)
        again = Store.open(home)
        assert again.verify() == []
        assert newest(again) in (committed, committed + 1), "a written row is lost"
        committed = newest(again)
        time.sleep(lease.LEASE_SECONDS if home.startswith("local") else 0.0)
    store.write(state_of(committed + 1), mode="upsert")
    assert not half_written(store)
    return committed


def test_six_kills_at_random_moments_lose_nothing(tmp_path, forked):
    assert kill_in_a_loop(forked, home_in("folder", tmp_path), 6, longest=0.05, seed=0) > 0


@pytest.mark.slow
def test_kills_lose_nothing_where_there_is_only_a_lease(tmp_path, forked, monkeypatch):
    monkeypatch.setattr(lease, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(lease, "SKEW_SECONDS", 0.0)
    assert kill_in_a_loop(forked, home_in("local", tmp_path), 10, longest=0.05, seed=1) > 0


@pytest.mark.slow
def test_two_hundred_kills_at_random_moments_lose_nothing(tmp_path, forked):
    assert kill_in_a_loop(forked, home_in("folder", tmp_path), 200, longest=0.2, seed=2) > 50


@pytest.mark.parametrize("until", [6, pytest.param(40, marks=pytest.mark.slow)])
def test_four_readers_see_only_whole_states_while_a_writer_writes_and_lets_go(
    tmp_path, forked, until
):
    home = home_in("folder", tmp_path)
    store = Store.create(home)
    store.write(state_of(0))
    for _ in range(4):
        forked.ask("read", home, until)
    for number in range(1, until + 1):
        store.write(state_of(number), mode="upsert")
        if number % 4 == 0:
            store.prune(keep=1)
    said = [forked.next() for _ in range(8)]
    seen = [int(s.split()[1]) for s in said if s.startswith("seen")]
    assert len(seen) == 4, said
    assert min(seen) > 0


@pytest.mark.slow
def test_an_import_killed_at_random_moments_is_whole_or_was_never_there(tmp_path, forked):
    """Two imports of a large file, each killed again and again, that replace each other."""
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        frame = pl.concat([state_of(k)["bars_1d"].tail(1) for k in range(900)])
        frame = frame.with_columns(volume=pl.lit(float(number)))
        frame.write_csv(folder / "bars_1d.csv")
    home = str(tmp_path / "store")
    names = {}
    for number in (1, 2):
        names[import_files(tmp_path / str(number), home).snapshot] = number
    rng = np.random.default_rng(3)
    for _ in range(40):
        forked.ask("import", home, tmp_path)
        (pid,) = (int(s[4:]) for s in (forked.next(), forked.next()) if s.startswith("pid"))
        last = forked.next() if rng.integers(2) else ""
        time.sleep(float(rng.uniform(0.0, 0.2)))
        os.kill(pid, signal.SIGKILL)
        forked.ask("reap", pid)
        for line in iter(forked.next, "reaped"):
            last = line
        again = Store.open(home)
        assert again.verify() == []
        number = names[again.snapshot]
        assert again.read("bars_1d")["volume"].unique().to_list() == [float(number)]
        assert last == "" or again.number in (int(last), int(last) + 1)
