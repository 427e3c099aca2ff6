"""The store: what was written is read back, and a failed or killed write leaves the state before it."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from superhet.data import durable, parts
from superhet.data.base import Tables
from superhet.data.checking import check_frame
from superhet.data.lock import LOCK_FILE, process_start, writer_lock
from superhet.data.store import Store
from superhet.errors import (
    CorruptedPart,
    DataError,
    DiskFull,
    StoreError,
    StoreLocked,
    StoreTooNew,
    UnknownName,
)


def bars(years=(2019, 2020), assets=3, price=10.0) -> pl.DataFrame:
    days = pl.concat(
        [pl.date_range(date(y, 1, 1), date(y, 2, 9), "1d", eager=True).alias("date") for y in years]
    )
    frame = pl.DataFrame({"date": days}).join(
        pl.DataFrame({"asset": [f"{i:06d}.SZ" for i in range(assets)]}), how="cross"
    )
    rng = np.random.default_rng(1)
    close = price * np.exp(0.01 * rng.standard_normal(frame.height))
    return frame.with_columns(
        open=pl.Series(close), high=pl.Series(close * 1.01), low=pl.Series(close * 0.99),
        close=pl.Series(close), volume=pl.lit(100.0),
    )  # fmt: skip


def files(store: Store) -> set[str]:
    return {p.relative_to(store.path).as_posix() for p in store.path.rglob("*") if p.is_file()}


def test_what_is_written_is_read_back(tmp_path):
    store = Store.create(tmp_path / "store")
    assert isinstance(store, Tables)
    store.write({"bars_1d": bars()})
    again = Store.open(tmp_path / "store")
    assert_frame_equal(again.read("bars_1d"), check_frame("bars_1d", bars()))
    assert again.names() == ["bars_1d"]
    assert again.snapshot == store.snapshot


def test_dates_cut_both_days_included_and_columns_are_chosen(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    cut = store.read("bars_1d", columns=["asset", "date"], start="2019-02-09", end="2020-01-01")
    assert cut.columns == ["asset", "date"]
    assert cut["date"].unique().sort().to_list() == [date(2019, 2, 9), date(2020, 1, 1)]
    assert store.read("bars_1d", start="2031-01-01").is_empty()


def test_daily_bars_are_cut_by_year_and_minute_bars_by_month(tmp_path):
    store = Store.create(tmp_path / "store")
    minutes = (
        bars(years=(2020,)).with_columns(time=pl.col("date").cast(pl.Datetime("ms"))).drop("date")
    )
    store.write({"bars_1d": bars(), "bars_15min": minutes})
    names = sorted(n.split("-")[0] for n in os.listdir(tmp_path / "store/parts/bars_1d"))
    assert names == ["2019", "2020"]
    months = sorted(n[:7] for n in os.listdir(tmp_path / "store/parts/bars_15min"))
    assert months == ["2020-01", "2020-02"]


def test_writing_the_same_again_changes_no_file(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()}, source="x")
    before = {f: (store.path / f).stat().st_mtime_ns for f in files(store) if f != LOCK_FILE}
    shuffled = bars().sample(fraction=1.0, shuffle=True, seed=3)
    store.write({"bars_1d": shuffled}, source="x")
    after = {f: (store.path / f).stat().st_mtime_ns for f in files(store) if f != LOCK_FILE}
    assert after == before


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


def test_upsert_puts_new_rows_in_place_of_those_with_the_same_key(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    untouched = store.path / next(f for f in files(store) if "bars_1d/2019" in f)
    stamp = untouched.stat().st_mtime_ns
    new = bars(years=(2020, 2021), price=20.0).with_columns(amount=pl.lit(7.0))
    store.write({"bars_1d": new}, mode="upsert")
    frame = store.read("bars_1d")
    assert frame.height == bars().height + bars(years=(2021,)).height
    assert frame.filter(pl.col("date") < date(2020, 1, 1))["close"].max() < 15
    assert frame.filter(pl.col("date") >= date(2020, 1, 1))["close"].min() > 15
    assert frame.filter(pl.col("date") < date(2020, 1, 1))["amount"].null_count() == 120
    assert untouched.stat().st_mtime_ns == stamp, "a year without new rows is not rewritten"
    assert frame.equals(frame.sort("date", "asset"))


def test_meta_data_travel_with_the_table(tmp_path):
    store = Store.create(tmp_path / "store")
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
    assert Store.open(store.path).meta("statements") == meta
    assert store.meta("macro") == {}
    assert store.info()["tables"]["statements"]["meta"] == meta


def test_a_missing_store_tells_how_to_make_one(tmp_path):
    with pytest.raises(
        StoreError, match="no store here. Make one .*superhet data simulate --store"
    ):
        Store.open(tmp_path / "nowhere")


def test_a_store_is_not_made_over_other_files(tmp_path):
    (tmp_path / "thesis.docx").write_text("x")
    with pytest.raises(StoreError, match="holds other files \\(thesis.docx\\)"):
        Store.create(tmp_path)
    Store.create(tmp_path / "store")
    with pytest.raises(StoreError, match="there is a store already"):
        Store.create(tmp_path / "store")


def test_a_newer_store_is_refused(tmp_path):
    store = Store.create(tmp_path / "store")
    (store.path / "superhet-store.json").write_text('{"format": 99}')
    with pytest.raises(
        StoreTooNew, match="format 99, this version of superhet reads up to 1. Upgrade"
    ):
        Store.open(store.path)
    with pytest.raises(StoreTooNew):
        store.write({"bars_1d": bars()})


def test_a_flipped_byte_is_noticed_before_a_number_is_read(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    part = next((store.path / "parts/bars_1d").glob("2019-*"))
    content = bytearray(part.read_bytes())
    content[len(content) // 3] ^= 1
    part.write_bytes(content)
    fresh = Store.open(store.path)
    with pytest.raises(
        CorruptedPart, match=r"2019-.*parquet does not match its checksum.*Import the table again"
    ):
        fresh.read("bars_1d")
    assert fresh.read("bars_1d", start="2020-01-01").height == 120, "other parts stay readable"
    assert len(fresh.verify()) == 1
    store.write({"bars_1d": bars()})
    assert Store.open(store.path).verify() == [], "importing again mends the part"


def test_a_missing_part_is_named(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    next((store.path / "parts/bars_1d").glob("2020-*")).unlink()
    with pytest.raises(CorruptedPart, match="2020-.*is missing"):
        Store.open(store.path).read("bars_1d")


@pytest.mark.parametrize("name", ["HEAD", "manifests/1.json", "superhet-store.json"])
def test_a_damaged_manifest_is_a_store_error(tmp_path, name):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    (store.path / name).write_text("{")
    with pytest.raises(StoreError, match="Restore the folder from a copy"):
        Store.open(store.path)


def test_a_frame_that_breaks_the_schema_writes_nothing(tmp_path):
    store = Store.create(tmp_path / "store")
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
    assert Store.open(store.path).names() == ["bars_1d"]


@pytest.mark.parametrize("fail_at", [0, 1, 2, 3])
def test_a_full_disk_leaves_the_former_state_and_no_files(tmp_path, monkeypatch, fail_at):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    before, snapshot = files(store), store.snapshot
    calls = 0
    real = durable.replace_file

    def full(path, content):
        nonlocal calls
        calls += 1
        if calls > fail_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, content)

    monkeypatch.setattr(parts, "replace_file", full)
    monkeypatch.setattr("superhet.data.manifest.replace_file", full)
    with pytest.raises(DiskFull, match="no room left while writing .*the former state is whole"):
        store.write({"bars_1d": bars(price=20.0)})
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
    Store.create(tmp_path / "store").write({"bars_1d": bars()})
    code = f"""
        import resource
        from superhet.data.store import Store
        from superhet.errors import DiskFull
        store = Store.open({str(tmp_path / "store")!r})
        frame = store.read("bars_1d").with_columns(volume=5.0)
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
    store = Store.open(tmp_path / "store")
    assert store.read("bars_1d")["volume"].unique().to_list() == [100.0]
    assert not [f for f in files(store) if ".writing" in f]
    assert len([f for f in files(store) if f.startswith("parts/")]) == 2


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


def test_a_reader_keeps_its_snapshot_while_another_writes(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()})
    reader = Store.open(store.path)
    store.write({"bars_1d": bars(price=20.0)})
    assert reader.read("bars_1d")["close"].max() < 15
    for price in (30.0, 40.0):
        store.write({"bars_1d": bars(price=price)})
    with pytest.raises(CorruptedPart, match="If another process has written .* open it again"):
        reader.read("bars_1d")


def test_old_parts_are_swept_after_two_writes(tmp_path):
    store = Store.create(tmp_path / "store")
    for price in (10.0, 20.0, 30.0, 40.0):
        store.write({"bars_1d": bars(price=price)})
    assert len([f for f in files(store) if f.startswith("parts/")]) == 3 * 2
    (store.path / "parts/bars_1d/.writing-1-x.parquet").write_text("half")
    (store.path / ".writing-1-HEAD").write_text("half")
    store.write({"bars_1d": bars(price=50.0)})
    assert not [f for f in files(store) if ".writing" in f]


def test_a_table_can_be_removed(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars(), "calendar": bars().select("date").unique()})
    store.remove("calendar")
    assert Store.open(store.path).names() == ["bars_1d"]
    with pytest.raises(UnknownName, match="unknown table 'bars'; did you mean"):
        store.remove("bars")
    with pytest.raises(UnknownName, match="unknown table 'calendar'"):
        store.read("calendar")


def test_info_counts_rows_dates_and_bytes(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars()}, source="by hand")
    info = store.info()
    table = info["tables"]["bars_1d"]
    assert (info["format"], info["source"], info["writes"]) == (1, "by hand", 1)
    assert (table["rows"], table["first"], table["last"], table["parts"]) == (
        240,
        "2019-01-01",
        "2020-02-09",
        2,
    )
    assert json.loads(json.dumps(info)) == info


def test_an_extra_folder_lies_beside_the_tables(tmp_path):
    store = Store.create(tmp_path / "store")
    assert store.extra_folder("truth") == store.path / "truth"
    with pytest.raises(StoreError, match="cannot be the name"):
        store.extra_folder("parts")
    with pytest.raises(StoreError, match="cannot be the name"):
        store.extra_folder("../x")


def test_an_empty_table_can_be_stored(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars().head(0), "calendar": bars().head(0).select("date")})
    again = Store.open(store.path)
    assert again.read("bars_1d").is_empty()
    assert again.read("calendar").schema == {"date": pl.Date}


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")
def test_a_killed_writer_leaves_the_old_state_or_the_new(tmp_path):
    store = Store.create(tmp_path / "store")
    prices = {check: store.write({"bars_1d": bars(price=check)}) for check in (10.0, 20.0)}
    code = f"""
        import polars as pl
        from superhet.data.store import Store
        store = Store.open({str(store.path)!r})
        ten = store.read("bars_1d").with_columns(pl.col("open", "high", "low", "close") / 2)
        twenty = store.read("bars_1d")
        print("ready", flush=True)
        while True:
            store.write({{"bars_1d": ten}}, source="ten")
            store.write({{"bars_1d": twenty}}, source="twenty")
    """
    script = textwrap.dedent(code)
    rng = np.random.default_rng(0)
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(float(rng.uniform(0.0, 0.05)))
            writer.send_signal(signal.SIGKILL)
        again = Store.open(store.path)
        assert again.verify() == []
        assert again.snapshot in prices.values()
        again.write({"bars_1d": bars(price=20.0)})
        assert not [f for f in files(again) if ".writing" in f]


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
