"""How tables are cut: a new day is a new small file, and equal tables are equal files however they came."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from store_places import bars, bars_of, bars_on, files, parts, place

from superhet.data.schema import table_spec
from superhet.data.store import Store
from superhet.data.store.cuts import Cut, cut_frame

SPEC = table_spec("bars_1d")
PIECES = [
    bars_on(date(2018, 6, 1) + timedelta(days=days), volume)
    for days, volume in ((0, 1.0), (200, 2.0), (210, 3.0), (240, 4.0), (600, 5.0), (601, 6.0))
]


def labels(store: Store, table: str = "bars_1d") -> list[str]:
    return sorted(Path(f).name.rpartition("-")[0] for f in parts(store, table))


def test_years_then_months_then_days(tmp_path):
    store = Store.create(tmp_path / "store")
    minutes = (
        bars(years=(2020,)).with_columns(time=pl.col("date").cast(pl.Datetime("ms"))).drop("date")
    )
    store.write(
        {"bars_1d": bars(), "bars_15min": minutes, "calendar": bars().select("date").unique()}
    )
    days = [f"2020-02-0{k}" for k in range(1, 10)]
    assert labels(store) == ["2019", "2020-01", *days]
    assert labels(store, "bars_15min") == ["2020-01", *days]
    assert labels(store, "calendar") == ["all"]


def test_a_new_day_is_one_new_file(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    before = files(store)
    store.write({"bars_1d": bars_on(date(2020, 2, 10))}, mode="upsert")
    new = sorted(files(store) - before)
    assert [f.rpartition("-")[0] for f in new if "bars" in f] == ["parts/bars_1d/2020-02-10"]
    assert len(new) == 2, "and a manifest"


def test_a_new_month_joins_the_days_and_a_new_year_the_months(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    store.write({"bars_1d": bars_on(date(2020, 3, 2))}, mode="upsert")
    store.prune(keep=1)
    assert labels(store) == ["2019", "2020-01", "2020-02", "2020-03-02"]
    store.write({"bars_1d": bars_on(date(2021, 1, 4))}, mode="upsert")
    store.prune(keep=1)
    assert labels(store) == ["2019", "2020", "2021-01-04"]
    frame = store.read("bars_1d")
    assert frame.height == 246
    assert frame.equals(frame.sort("date", "asset"))


def test_a_row_of_the_past_rewrites_its_year_alone(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    before = files(store)
    store.write({"bars_1d": bars_on(date(2019, 1, 5), 7.0)}, mode="upsert")
    assert len([f for f in files(store) - before if "bars_1d/2019-" in f]) == 1
    assert len(files(store) - before) == 2
    assert (
        store.read("bars_1d", start="2019-01-05", end="2019-01-05")["volume"].to_list() == [7.0] * 3
    )


def pieces(extra: bool) -> list[pl.DataFrame]:
    """Days of three years; every other one may have a column that the rest lack."""
    return [
        p.with_columns(amount=pl.lit(1.0)) if extra and k % 2 else p for k, p in enumerate(PIECES)
    ]


@cache
def written_at_once(extra: bool) -> Store:
    store = Store.create(f"memory://once-{extra}-{uuid.uuid4().hex}")
    store.write({"bars_1d": pl.concat(pieces(extra), how="diagonal")})
    return store


@given(st.permutations(range(len(PIECES))), st.integers(1, 5), st.booleans())
@settings(deadline=None, max_examples=15)
def test_equal_tables_have_equal_files_however_they_came(order, cut, extra):
    store = Store.create(f"memory://any-{uuid.uuid4().hex}")
    for group in (order[:cut], order[cut:], order[:1]):
        frames = [pieces(extra)[k] for k in group]
        store.write({"bars_1d": pl.concat(frames, how="diagonal")}, mode="upsert")
    whole = written_at_once(extra)
    assert store.snapshot == whole.snapshot
    assert_frame_equal(store.read("bars_1d"), whole.read("bars_1d"))
    store.prune(keep=1)
    assert parts(store) == parts(whole)


@given(st.lists(st.dates(date(2015, 1, 1), date(2022, 12, 31)), min_size=1, unique=True))
@settings(deadline=None, max_examples=50)
def test_every_day_is_in_one_part_and_parts_are_in_order(days):
    frame = pl.DataFrame({"date": sorted(days)})
    cut = Cut("year", str(max(days)))
    pieces = list(cut_frame(SPEC, frame, cut))
    assert_frame_equal(pl.concat([rows for _, rows in pieces]), frame)
    names = [name for name, _ in pieces]
    assert names == sorted(set(names))
    for name, rows in pieces:
        span = (str(rows["date"][0]), str(rows["date"][-1]))
        assert cut.holds(name, *span)
        assert all(str(d).startswith(name) for d in rows["date"])


def as_format_1(store: Store) -> None:
    """Turn a store into what version 1 wrote: one part a year, no checksum in the manifest, no history."""
    there = place(store)
    manifest = json.loads(there.read(f"manifests/{store.number}.json"))
    for key in ("checksum", "written", "changes", "undone"):
        del manifest[key]
    for table in manifest["tables"].values():
        for part in table["parts"]:
            del part["size"]
    text = json.dumps({**manifest, "format": 1}).encode()
    there.put(f"manifests/{store.number}.json", text)
    checksum = hashlib.blake2b(text, digest_size=16).hexdigest()
    there.put("HEAD", json.dumps({"manifest": store.number, "checksum": checksum}).encode())
    there.put("superhet-store.json", b'{"format": 1}')


def test_a_store_of_format_1_keeps_its_name_and_is_cut_anew_where_it_is_written_to(
    tmp_path, monkeypatch
):
    store = Store.create(tmp_path / "store")
    with monkeypatch.context() as old:
        old.setattr(Cut, "part_of", lambda self, day: day[:4])
        store.write({"bars_1d": bars()})
    name = store.snapshot
    as_format_1(store)
    again = Store.open(store.path)
    assert (again.snapshot, labels(again)) == (name, ["2019", "2020"])
    again.write({"bars_1d": bars()})
    assert again.snapshot == name, "rows that are there already are no new state"
    again.write({"bars_1d": bars_on(date(2020, 2, 10))}, mode="upsert")
    assert (tmp_path / "store/superhet-store.json").read_text() == '{"format": 2}\n'
    assert again.read("bars_1d").height == 243
    again.prune(keep=1)
    assert labels(again)[:2] == ["2019", "2020-01"]
    assert len(labels(again)) == 12


def test_random_upserts_are_what_a_dictionary_says(tmp_path):
    """Against rows kept in a plain dictionary by their key."""
    rng = random.Random(4)
    store, kept = Store.create(tmp_path / "store"), {}
    for _ in range(12):
        days = sorted(rng.sample(range(800), 3))
        volume = float(rng.randrange(1, 5))
        series = pl.Series("date", [date(2019, 1, 1) + timedelta(days=d) for d in days])
        frame = bars_of(series, assets=2).with_columns(volume=pl.lit(volume))
        fresh = {(r["date"], r["asset"]): volume for r in frame.rows(named=True)}
        state = store.number
        store.write({"bars_1d": frame}, mode="upsert")
        added = len(fresh.keys() - kept.keys())
        kept |= fresh
        if store.number > state:
            (first, *_) = store.log()
            assert first.tables["bars_1d"].added == added
    found = {(r["date"], r["asset"]): r["volume"] for r in store.read("bars_1d").rows(named=True)}
    assert found == kept
