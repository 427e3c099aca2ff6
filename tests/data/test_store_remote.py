"""Stores behind URLs: what is fetched and kept on this machine, and what is said when a URL leads nowhere."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from market_tables import random_frames
from store_places import bars, flip, parts, place

from superhet.data.base import MemoryTables
from superhet.data.load import MarketRequest, load_market
from superhet.data.store import Store
from superhet.data.store.places import LocalPlace, place_of
from superhet.data.store.remote import FsspecPlace
from superhet.data.universe import UniverseRule
from superhet.errors import CorruptedPart, MissingExtra, StoreError


@pytest.fixture
def home(tmp_path):
    return f"memory://{tmp_path.name}/store"


@pytest.fixture
def store(home):
    made = Store.create(home)
    made.write({"bars_1d": bars()})
    return made


def test_a_file_url_is_a_folder(tmp_path):
    store = Store.create(f"file://{tmp_path}/store")
    store.write({"bars_1d": bars()})
    assert store.location == str(tmp_path / "store")
    assert Store.open(tmp_path / "store").read("bars_1d").height == 240


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("memory://bucket/x", "memory://bucket/x"),
        (Path("memory://bucket/x"), "memory://bucket/x"),
        ("MEMORY://bucket/x/", "memory://bucket/x"),
        ("stores/mine", "stores/mine"),
        ("C:/stores/mine", "C:/stores/mine"),
    ],
)
def test_a_path_or_url_names_a_place(text, location):
    found = place_of(text)
    assert found.location == location
    assert isinstance(found, FsspecPlace if "memory" in location else LocalPlace)


def test_a_url_of_no_known_kind_is_refused(monkeypatch):
    with pytest.raises(StoreError, match="store nosuch://x: no such kind of URL is known"):
        Store.open("nosuch://x")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtra, match=r"s3fs.*pip install 'superhet\[remote\]'"):
        Store.open("s3://bucket/x")
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtra, match=r"fsspec.*pip install 'superhet\[remote\]'"):
        Store.open("memory://x")


def test_a_service_that_fails_is_one_error_of_ours(store, monkeypatch):
    def refuse(*arguments, **options):
        raise RuntimeError("403 Forbidden")

    files = store._place._files
    for name, match in (
        ("cat_file", "cannot be locked: 403"),
        ("pipe_file", "cannot be locked: 403"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(files, name, refuse)
            with pytest.raises(StoreError, match=match):
                store.write({"bars_1d": bars(price=20.0)})
    monkeypatch.setattr(files, "find", refuse)
    with pytest.raises(StoreError, match="cannot be read: 403"):
        store.write({"bars_1d": bars(price=20.0)})
    monkeypatch.undo()
    assert store._place.size("superhet-store.lock") is None
    assert Store.open(store.location).verify() == []


def test_with_a_cache_a_part_is_fetched_once(home, store, tmp_path, monkeypatch):
    read: list[str] = []
    real = FsspecPlace.read
    monkeypatch.setattr(
        FsspecPlace, "read", lambda self, name: read.append(name) or real(self, name)
    )
    for _ in range(2):
        cached = Store.open(home, cache=tmp_path / "cache")
        assert cached.read("bars_1d").height == 240
        assert cached.read("bars_1d", columns=["close"]).height == 240
    assert len([f for f in read if f.startswith("parts/")]) == 11
    assert len(list((tmp_path / "cache").rglob("*.parquet"))) == 11
    cached.prune(keep=1)
    assert len(list((tmp_path / "cache").rglob("*.parquet"))) == 11, "what the present state needs"
    cached.write({"bars_1d": bars(price=20.0)})
    cached.prune(keep=1)
    assert not list((tmp_path / "cache").rglob("*.parquet"))


def test_a_harmed_cache_is_fetched_again_and_a_harmed_store_is_not_believed(home, store, tmp_path):
    cached = Store.open(home, cache=tmp_path / "cache")
    cached.read("bars_1d")
    for path in (tmp_path / "cache").rglob("*.parquet"):
        path.write_bytes(b"harmed")
    assert Store.open(home, cache=tmp_path / "cache").read("bars_1d").height == 240
    flip(store, parts(store)[0])
    for cache in (tmp_path / "another", None):
        with pytest.raises(CorruptedPart, match="does not match its checksum"):
            Store.open(home, cache=cache).read("bars_1d")
    assert not store.verification().ok
    assert Store.open(home, cache=tmp_path / "cache").read("bars_1d").height == 240, (
        "cached and whole"
    )


def test_a_remote_market_is_the_same_and_its_panels_lie_in_the_cache(tmp_path, home, caplog):
    frames = random_frames(3)
    Store.create(home).write(frames)
    request = MarketRequest(universe=UniverseRule(new_listing=5))
    wanted = load_market(MemoryTables(frames), request)
    with caplog.at_level(logging.INFO, logger="superhet"):
        for cache in (None, tmp_path / "cache", tmp_path / "cache"):
            found = load_market(Store.open(home, cache=cache), request)
            assert found["close"].fingerprint() == wanted["close"].fingerprint()
            assert found["returns"].fingerprint() == wanted["returns"].fingerprint()
    assert not caplog.records
    assert len(list((tmp_path / "cache").rglob("close.npy"))) == 1
    assert Store.open(home).derived is None


def test_an_older_state_leaves_the_panels_of_the_present_one(tmp_path):
    store = Store.create(tmp_path / "store")
    frames = random_frames(3)
    first = store.write(frames)
    store.write({"bars_1d": frames["bars_1d"].tail(400)})
    request = MarketRequest(universe=UniverseRule(new_listing=5))
    load_market(store, request)["close"]
    before = sorted(store.derived.rglob("*.npy"))
    former = Store.open(store.path, snapshot=first)
    wanted = load_market(MemoryTables(frames), request)
    assert load_market(former, request)["close"].fingerprint() == wanted["close"].fingerprint()
    assert sorted(store.derived.rglob("*.npy")) == before


def test_an_extra_folder_of_a_remote_store_needs_a_cache(home, store, tmp_path):
    with pytest.raises(StoreError, match="'truth' of a remote store needs Store.open"):
        store.extra_folder("truth")
    cached = Store.open(home, cache=tmp_path)
    assert cached.extra_folder("truth").is_relative_to(tmp_path)
    assert place(cached).folder is None
