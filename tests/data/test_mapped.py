"""Mapped panels: a market from them is the same, bit for bit, and they are never needed."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import time
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from market_tables import CALENDAR, random_frames

from superhet.data.base import MemoryTables
from superhet.data.load import MarketRequest, load_market
from superhet.data.pivot import Pivot
from superhet.data.store import Store
from superhet.data.store.lock import writer_lock
from superhet.data.store.mapped import Mapped
from superhet.data.universe import UniverseRule
from superhet.errors import DataError
from superhet.panel import Market, Panel

RULES = UniverseRule(new_listing=5)
WHOLE = MarketRequest(universe=RULES)
MIDDLE = MarketRequest(universe=RULES, start=str(CALENDAR[15]), end=str(CALENDAR[60]))
EARLY = MarketRequest(universe=RULES, end=str(CALENDAR[60]))


@pytest.fixture(scope="module")
def frames() -> dict[str, pl.DataFrame]:
    return random_frames(3)


@pytest.fixture
def store(frames: dict[str, pl.DataFrame], tmp_path: Path) -> Store:
    made = Store.create(tmp_path / "store")
    made.write(frames)
    return made


def panels(market: Market) -> dict[str, Panel]:
    parts = {n: market[n] for n in market}
    universe = market.universe
    parts |= {f"universe {n}": getattr(universe, n) for n in ("member", "tradable", "estimable")}
    parts |= {f"reason {n}": p for n, p in universe.reasons.items()}
    parts |= {f"group {n}": p for n, p in market.group_panels.items()}
    assert market.benchmark is not None
    assert market.benchmark.weights is not None
    return parts | {"benchmark": market.benchmark.weights}


def same(found: Market, wanted: Market) -> None:
    ours, theirs = panels(found), panels(wanted)
    assert ours.keys() == theirs.keys()
    for name, panel in theirs.items():
        assert ours[name].fingerprint() == panel.fingerprint(), name
        assert (ours[name].name, ours[name].unit) == (panel.name, panel.unit)
    assert found.benchmark is not None
    assert wanted.benchmark is not None
    assert found.benchmark.returns.tobytes() == wanted.benchmark.returns.tobytes()


def is_mapped(panel: Panel) -> bool:
    values = panel.values
    while isinstance(values.base, np.ndarray):
        values = values.base
    return isinstance(values, np.memmap) or type(values.base).__name__ == "mmap"


@pytest.mark.parametrize("request_", [WHOLE, MIDDLE, EARLY], ids=["whole", "middle", "early"])
def test_a_market_is_the_same_bit_for_bit(
    frames: dict[str, pl.DataFrame], store: Store, request_: MarketRequest
) -> None:
    wanted = load_market(MemoryTables(frames), request_)
    for _ in ("made", "mapped", "mapped again"):
        same(load_market(Store.open(store.path), request_), wanted)


def test_the_second_load_maps_instead_of_reading_the_bars(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for panel in load_market(store, WHOLE).values():
        assert panel.known().any(), panel.name

    def refuse(self: Pivot, name: str) -> None:
        raise AssertionError(f"{name} was read")

    monkeypatch.setattr(Pivot, "column", refuse)
    market = load_market(Store.open(store.path), WHOLE)
    assert is_mapped(market["close"])
    assert is_mapped(market["adjusted_close"])
    assert is_mapped(market["limit_up"])
    assert not market["close"].values.flags.writeable
    assert is_mapped(load_market(Store.open(store.path), MIDDLE)["close"])


@pytest.mark.parametrize("request_", [WHOLE, MIDDLE], ids=["whole", "middle"])
def test_the_second_load_reads_no_bars_and_statements_when_asked_for(
    frames: dict[str, pl.DataFrame],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    request_: MarketRequest,
) -> None:
    load_market(store, WHOLE)
    load_market(store, request_)
    opened, asked = Store.open(store.path), []

    def read(table: str, **how: object) -> pl.DataFrame:
        asked.append(table)
        return store.read(table, **how)

    monkeypatch.setattr(opened, "read", read)
    market = load_market(opened, request_)
    assert not {"bars_1d", "statements", "macro"} & set(asked)
    assert list(market.events) == list(load_market(MemoryTables(frames), request_).events)
    assert "statements" in market.events
    assert "statements" not in asked
    wanted = load_market(MemoryTables(frames), request_).events["statements"]
    found = market.events["statements"]
    np.testing.assert_array_equal(found.known_at, wanted.known_at)
    np.testing.assert_array_equal(found["net_profit"], wanted["net_profit"])
    assert asked.count("statements") == 1
    assert market.events["statements"] is market.events["statements"]


def test_markets_of_other_rules_pools_and_benchmarks_are_kept_apart(
    frames: dict[str, pl.DataFrame], store: Store
) -> None:
    rules = [
        RULES,
        UniverseRule(new_listing=3, index="000300.SH"),
        UniverseRule(new_listing=0, st=False, limit_locked=False, delisting=False),
    ]
    asked = [
        MarketRequest(universe=rule, benchmark=code)
        for rule in rules
        for code in (None, "000300.SH")
    ]
    wanted = [load_market(MemoryTables(frames), one) for one in asked]
    for _ in ("made", "mapped"):
        for one, market in zip(asked, wanted, strict=True):
            same(load_market(Store.open(store.path), one), market)


def test_another_day_makes_other_panels_and_removes_the_old(
    frames: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    last = pl.col("date") < CALENDAR[-1]
    days = {**frames, "bars_1d": frames["bars_1d"].filter(last)}
    store = Store.create(tmp_path / "store")
    store.write(days)
    before = load_market(store, WHOLE)
    mapped = before["close"].values.copy()
    held = before["close"]
    store.write({"bars_1d": frames["bars_1d"].filter(~last)}, mode="upsert")
    today = load_market(store, WHOLE)
    same(today, load_market(MemoryTables(frames), WHOLE))
    assert len(today.dates) == len(before.dates) + 1
    folders = [p.name.partition("-")[0] for p in store.derived.iterdir() if p.is_dir()]
    assert sorted(folders) == ["bars_1d", "fields", "market"]
    assert held.values.tobytes() == mapped.tobytes(), "who has mapped the old panels keeps them"


def test_a_restated_price_is_seen(frames: dict[str, pl.DataFrame], store: Store) -> None:
    load_market(store, WHOLE)["adjusted_close"]
    bars = frames["bars_1d"].with_columns(close=pl.col("close") * 1.01)
    store.write({"bars_1d": bars})
    same(load_market(store, WHOLE), load_market(MemoryTables({**frames, "bars_1d": bars}), WHOLE))


def test_panels_may_be_removed_at_any_time(frames: dict[str, pl.DataFrame], store: Store) -> None:
    wanted = load_market(MemoryTables(frames), WHOLE)
    market = load_market(store, WHOLE)
    shutil.rmtree(store.derived)
    same(market, wanted)
    shutil.rmtree(store.derived)
    same(load_market(store, WHOLE), wanted)


@pytest.mark.parametrize("request_", [WHOLE, MIDDLE], ids=["whole", "middle"])
def test_a_store_that_cannot_be_written_to_says_so_once_and_loads(
    frames: dict[str, pl.DataFrame],
    store: Store,
    caplog: pytest.LogCaptureFixture,
    request_: MarketRequest,
) -> None:
    store.derived.write_text("no folder")
    with caplog.at_level(logging.INFO, logger="superhet"):
        market = load_market(store, request_)
        same(market, load_market(MemoryTables(frames), request_))
    said = [r for r in caplog.records if "no panels are kept" in r.message]
    assert 1 <= len(said) <= 2, "once for columns, once for what is computed from them"
    assert {r.levelno for r in said} == {logging.INFO}


def test_while_one_process_builds_the_others_read_the_parts(
    frames: dict[str, pl.DataFrame], store: Store
) -> None:
    store.derived.mkdir()
    with writer_lock(store.derived):
        market = load_market(store, WHOLE)
        same(market, load_market(MemoryTables(frames), WHOLE))
    assert list(store.derived.rglob("*.npy")) == []


def test_a_panel_that_was_cut_short_is_made_again(
    frames: dict[str, pl.DataFrame], store: Store
) -> None:
    load_market(store, WHOLE)["close"]
    (path,) = store.derived.glob("bars_1d-*/close.npy")
    os.truncate(path, 200)
    same(load_market(store, WHOLE), load_market(MemoryTables(frames), WHOLE))


@pytest.mark.parametrize("name", ["bars_1d-*/close", "bars_1d-*/days", "market-*/age"])
def test_a_changed_byte_is_found_by_the_check_of_the_store(store: Store, name: str) -> None:
    load_market(store, WHOLE)["close"]
    assert store.verify() == []
    (path,) = store.derived.glob(f"{name}.npy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    (problem,) = store.verify()
    assert f"{path.name} has changed" in problem


def test_bad_rows_outside_the_period_do_no_harm(
    frames: dict[str, pl.DataFrame], store: Store
) -> None:
    bars = frames["bars_1d"]
    twice = bars.filter(pl.col("date") == CALENDAR[5]).head(1)
    tables = MemoryTables({**frames, "bars_1d": pl.concat([bars, twice]).sort("date", "asset")})
    with pytest.raises(DataError, match="two rows"):
        load_market(tables, WHOLE)
    stranger = twice.with_columns(date=pl.lit(date(2020, 6, 25)))  # a holiday
    store.write({"bars_1d": pl.concat([bars, stranger])}, checked=False)
    late = MarketRequest(universe=RULES, start=str(CALENDAR[40]))
    same(load_market(store, late), load_market(MemoryTables(frames), late))
    with pytest.raises(DataError, match="not a session"):
        load_market(store, WHOLE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_builder_killed_at_any_moment_leaves_whole_panels(
    frames: dict[str, pl.DataFrame], store: Store
) -> None:
    market = load_market(MemoryTables(frames), WHOLE)
    grid = {n: market[n].values for n in ("close", "volume", "suspended", "limit_up")}
    rng = np.random.default_rng(2)
    for _ in range(12):
        shutil.rmtree(store.derived, ignore_errors=True)
        child = os.fork()
        if child == 0:
            try:
                kept = Mapped(store.derived, "bars_1d", "state")
                while True:
                    for name, values in grid.items():
                        kept.keep(name, lambda values=values: values)
                    shutil.rmtree(kept.folder)
            finally:
                os._exit(0)
        time.sleep(float(rng.uniform(0.005, 0.1)))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        kept = Mapped(store.derived, "bars_1d", "state")
        for name, values in grid.items():
            assert kept.keep(name, lambda values=values: values).tobytes() == values.tobytes()
        assert kept.writable
        assert list(store.derived.rglob(".writing-*")) == []
