"""The store, wherever it lies: what was written is read back; a failed write leaves the state before it."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from store_places import PLACES, bars, files, flip, home_in, parts, place

from superhet.data.base import Tables
from superhet.data.checking import check_frame
from superhet.data.store import Store
from superhet.errors import (
    CorruptedPart,
    DataError,
    StoreError,
    StoreTooNew,
    UnknownName,
)


@pytest.fixture(params=PLACES)
def home(request, tmp_path):
    return home_in(request.param, tmp_path)


@pytest.fixture
def store(home):
    return Store.create(home)


def test_what_is_written_is_read_back(home):
    assert not Store.exists(home)
    store = Store.create(home)
    assert isinstance(store, Tables)
    store.write({"bars_1d": bars()})
    assert Store.exists(home)
    again = Store.open(home)
    assert_frame_equal(again.read("bars_1d"), check_frame("bars_1d", bars()))
    assert again.names() == ["bars_1d"]
    assert again.snapshot == store.snapshot
    assert Store.open(store.path).snapshot == store.snapshot, "also as a path"


def test_dates_cut_both_days_included_and_columns_are_chosen(store):
    store.write({"bars_1d": bars()})
    cut = store.read("bars_1d", columns=["asset", "date"], start="2019-02-09", end="2020-01-01")
    assert cut.columns == ["asset", "date"]
    assert cut["date"].unique().sort().to_list() == [date(2019, 2, 9), date(2020, 1, 1)]
    assert store.read("bars_1d", start="2031-01-01").is_empty()


def test_writing_the_same_again_changes_no_file_and_makes_no_state(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()}, source="x")
    before = {f: (store.path / f).stat().st_mtime_ns for f in files(store)}
    shuffled = bars().sample(fraction=1.0, shuffle=True, seed=3)
    for mode in ("replace", "upsert"):
        store.write({"bars_1d": shuffled}, mode, source="another")
    store.write({"bars_1d": bars().tail(3)}, "upsert")
    after = {f: (store.path / f).stat().st_mtime_ns for f in files(store)}
    assert after == before
    assert store.number == 1


def test_the_snapshot_depends_on_contents_alone(tmp_path):
    one, two = Store.create(tmp_path / "one"), Store.create(tmp_path / "two")
    one.write({"bars_1d": bars()}, source="here")
    two.write({"bars_1d": bars(years=(2019,))}, source="there")
    assert one.snapshot != two.snapshot
    two.write({"bars_1d": bars(years=(2020,), price=5.0)}, mode="upsert")
    two.write({"bars_1d": bars()})
    assert one.snapshot == two.snapshot
    two.write({"bars_1d": bars()}, meta={"bars_1d": {"note": "x"}})
    assert one.snapshot != two.snapshot, "meta data change what the numbers mean"
    one.write({"bars_1d": bars().with_columns(amount=pl.lit(None, pl.Float64))})
    two.write({"bars_1d": bars()})
    assert one.snapshot != two.snapshot, "a column that is there, and known nowhere"


def test_a_moved_store_is_the_same_store(tmp_path):
    store = Store.create(tmp_path / "here")
    store.write({"bars_1d": bars()})
    (tmp_path / "here").rename(tmp_path / "there")
    moved = Store.open(tmp_path / "there")
    assert moved.snapshot == store.snapshot
    assert moved.verify() == []
    assert moved.read("bars_1d").height == 240
    moved.write({"bars_1d": bars(years=(2021,))}, mode="upsert")
    assert moved.read("bars_1d").height == 360


def test_upsert_puts_new_rows_in_place_of_those_with_the_same_key(store):
    store.write({"bars_1d": bars()})
    new = bars(years=(2020, 2021), price=20.0).with_columns(amount=pl.lit(7.0))
    store.write({"bars_1d": new}, mode="upsert")
    frame = store.read("bars_1d")
    assert frame.height == bars().height + bars(years=(2021,)).height
    assert frame.filter(pl.col("date") < date(2020, 1, 1))["close"].max() < 15
    assert frame.filter(pl.col("date") >= date(2020, 1, 1))["close"].min() > 15
    assert frame.filter(pl.col("date") < date(2020, 1, 1))["amount"].null_count() == 120
    assert frame.equals(frame.sort("date", "asset"))


def test_statements_are_put_in_place_by_revision(store):
    first = pl.DataFrame(
        {
            "asset": ["A"],
            "report_date": ["2020-03-31"],
            "announce_date": ["2020-04-20"],
            "eps": [1.0],
        }
    )
    later = first.with_columns(eps=pl.lit(2.0), revision=pl.lit(1))
    for frame in (first, later, later):
        store.write({"statements": frame}, mode="upsert")
    assert store.read("statements")["eps"].to_list() == [1.0, 2.0]
    assert store.number == 2


def test_meta_data_travel_with_the_table(home, store):
    frame = pl.DataFrame(
        {
            "asset": ["A"],
            "report_date": ["2020-03-31"],
            "announce_date": ["2020-04-20"],
            "eps": [1.0],
        }
    )
    meta = {"basis": {"eps": "ytd"}, "known_at": "same_day"}
    store.write({"statements": frame}, meta={"statements": meta})
    assert Store.open(home).meta("statements") == meta
    assert store.meta("macro") == {}
    assert store.info()["tables"]["statements"]["meta"] == meta


def test_a_missing_store_tells_how_to_make_one(home):
    with pytest.raises(
        StoreError, match="no store here. Make one .*superhet data simulate --store"
    ):
        Store.open(home)


def test_a_store_is_not_made_over_other_files(tmp_path):
    (tmp_path / "thesis.docx").write_text("x")
    for where in (tmp_path, f"local://{tmp_path}"):
        with pytest.raises(StoreError, match="holds other files \\(thesis.docx\\)"):
            Store.create(where)
    with pytest.raises(StoreError, match="this is a file"):
        Store.create(tmp_path / "thesis.docx")


def test_a_store_is_not_made_twice(home, store):
    with pytest.raises(StoreError, match="there is a store already"):
        Store.create(home)
    assert Store.open_or_create(home).snapshot == store.snapshot


def test_a_newer_store_is_refused(home, store):
    place(store).put("superhet-store.json", b'{"format": 99}')
    with pytest.raises(
        StoreTooNew, match="format 99, this version of superhet reads up to 2. Upgrade"
    ):
        Store.open(home)
    with pytest.raises(StoreTooNew):
        store.write({"bars_1d": bars()})


def test_a_flipped_byte_is_noticed_before_a_number_is_read(home, store):
    store.write({"bars_1d": bars()})
    name = next(f for f in parts(store) if "/2019-" in f)
    flip(store, name)
    fresh = Store.open(home)
    with pytest.raises(
        CorruptedPart, match=r"2019-.*parquet does not match its checksum.*Import the table again"
    ):
        fresh.read("bars_1d")
    assert fresh.read("bars_1d", start="2020-01-01").height == 120, "other parts stay readable"
    found = fresh.verification()
    assert not found.ok
    assert [(c.file, c.table) for c in found.corrupt] == [(name, "bars_1d")]
    assert json.loads(json.dumps(found.to_dict()))["files_checked"] == len(parts(store)) + 2


def test_importing_again_mends_a_part(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    flip(store, parts(store)[0])
    store.write({"bars_1d": bars()})
    assert Store.open(store.path).verify() == []
    place(store).remove(parts(store)[:2])
    store.write({"bars_1d": bars()})
    assert Store.open(store.path).verify() == []
    flip(store, parts(store)[0])
    store.write({"bars_1d": bars(price=20.0)})
    assert store.read("bars_1d")["close"].min() > 15, "what was lost need not be known to go on"


def test_a_missing_part_is_named(home, store):
    store.write({"bars_1d": bars()})
    place(store).remove([f for f in parts(store) if "/2020-01-" in f])
    with pytest.raises(CorruptedPart, match="2020-01-.*is missing"):
        Store.open(home).read("bars_1d")
    assert len(Store.open(home).verify()) == 1


@pytest.mark.parametrize("name", ["HEAD", "manifests/1.json", "superhet-store.json"])
def test_a_damaged_manifest_is_a_store_error(home, store, name):
    store.write({"bars_1d": bars()})
    place(store).put(name, b"{")
    with pytest.raises(CorruptedPart, match="Restore the folder from a copy") as caught:
        Store.open(home)
    assert caught.value.facts["file"] == name
    place(store).remove([name])
    with pytest.raises(StoreError):
        Store.open(home)


def test_a_flipped_byte_in_a_former_manifest_is_found(home, store):
    store.write({"bars_1d": bars()})
    store.write({"bars_1d": bars(price=20.0)})
    flip(store, "manifests/1.json")
    found = Store.open(home).verification()
    assert [c.file for c in found.corrupt] == ["manifests/1.json"]
    store.prune(keep=1)
    assert len(parts(store)) == 22, "parts that an unreadable manifest may need are not let go"


def test_a_frame_that_breaks_the_schema_writes_nothing(home, store):
    store.write({"bars_1d": bars()})
    before = files(store)
    with pytest.raises(DataError, match="not a positive price"):
        store.write(
            {
                "bars_1d": bars().with_columns(low=pl.lit(-1.0)),
                "calendar": bars().select("date").unique(),
            }
        )
    assert files(store) == before
    assert Store.open(home).names() == ["bars_1d"]


def test_a_reader_keeps_its_state_while_others_write(home, store):
    store.write({"bars_1d": bars()})
    reader = Store.open(home)
    for price in (20.0, 30.0, 40.0):
        store.write({"bars_1d": bars(price=price)})
        assert reader.read("bars_1d")["close"].max() < 15
    store.prune(keep=1)
    with pytest.raises(CorruptedPart, match="If another process has written .* open it again"):
        reader.read("bars_1d")


def test_a_part_that_goes_while_it_is_read_is_named(tmp_path, monkeypatch):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    frame = store._parts.scan

    def pulled_away(*arguments):
        scanned = frame(*arguments)
        (tmp_path / "store" / parts(store)[3]).unlink()
        return scanned

    monkeypatch.setattr(store._parts, "scan", pulled_away)
    with pytest.raises(CorruptedPart, match="is missing. If another process has written"):
        store.read("bars_1d")


def test_what_killed_writers_left_is_swept(home, store):
    store.write({"bars_1d": bars()})
    whole = files(store)
    there = place(store)
    for name in (
        "parts/bars_1d/.writing-1-x.parquet",
        ".writing-1-HEAD",
        "manifests/.writing-2.json",
    ):
        there.put(name, b"half")
    there.put("parts/bars_1d/2031-0123456789abcdef.parquet", b"of a state that never came")
    there.put("manifests/7.json", b"of a state that never came")
    store.write({"bars_1d": bars()})
    assert files(store) == whole


def test_a_table_can_be_removed(home, store):
    store.write({"bars_1d": bars(), "calendar": bars().select("date").unique()})
    store.remove("calendar")
    assert Store.open(home).names() == ["bars_1d"]
    with pytest.raises(UnknownName, match="unknown table 'bars'; did you mean"):
        store.remove("bars")
    with pytest.raises(UnknownName, match="unknown table 'calendar'"):
        store.read("calendar")


def test_info_counts_rows_dates_and_bytes(store):
    store.write({"bars_1d": bars()}, source="by hand")
    info = store.info()
    table = info["tables"]["bars_1d"]
    assert (info["format"], info["source"], info["writes"]) == (2, "by hand", 1)
    facts = (table["rows"], table["first"], table["last"], table["parts"])
    assert facts == (240, "2019-01-01", "2020-02-09", 11)
    assert table["bytes"] == sum(place(store).size(f) for f in parts(store))
    assert json.loads(json.dumps(info)) == info


def test_an_extra_folder_lies_beside_the_tables(tmp_path):
    store = Store.create(tmp_path / "store")
    assert store.extra_folder("truth") == store.path / "truth"
    with pytest.raises(StoreError, match="cannot be the name"):
        store.extra_folder("parts")
    with pytest.raises(StoreError, match="cannot be the name"):
        store.extra_folder("../x")


def test_an_empty_table_can_be_stored(home, store):
    store.write({"bars_1d": bars().head(0), "calendar": bars().head(0).select("date")})
    again = Store.open(home)
    assert again.read("bars_1d").is_empty()
    assert again.read("calendar").schema == {"date": pl.Date}
    store.write({"bars_1d": bars()})
    store.write({"bars_1d": bars().head(0)}, mode="upsert")
    assert store.read("bars_1d").height == 240
    store.write({"bars_1d": bars().head(0)})
    assert store.read("bars_1d").is_empty()
