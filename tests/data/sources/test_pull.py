"""Pulling: what is asked once, what again, what survives, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from sources.made_up_vendor import SHARES, Script, rows, vendor

from superhet.data.pulling import Patience, paced, pull
from superhet.data.quarantine import listed
from superhet.data.sources.vendor import Access, PullRequest, Universe, find_vendor
from superhet.data.store import Store
from superhet.errors import StoreLocked, UnknownName, VendorError, VendorRefused

TODAY = date(2020, 6, 30)


def wish(start="2020-01-02", end="2020-03-31", universe="all", tables=(), today=TODAY):
    return PullRequest(
        universe=Universe.parse(universe),
        start=date.fromisoformat(start),
        end=date.fromisoformat(end),
        today=today,
        tables=tuple(tables),
    )


def go(script, store, request=None, **options):
    patience = Patience(**{"sleep": lambda seconds: None, **options.pop("patience", {})})
    return pull(vendor(script), request or wish(), store, Access(), patience=patience, **options)


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


def test_everything_is_asked_once_and_stored(store):
    script = Script()
    report = go(script, store, wish(tables=["securities", "bars_1d"]))
    assert (report.planned, report.known, report.done, report.failed) == (4, 0, 4, {})
    assert store.read("securities")["asset"].to_list() == list(SHARES)
    assert len(store.read("bars_1d")) == report.rows["bars_1d"] == 3 * 64
    assert report.snapshot == store.snapshot


def test_a_finished_pull_asks_nothing_again_the_same_day(store):
    go(Script(), store, wish(tables=["securities", "bars_1d"]))
    script = Script()
    report = go(script, store, wish(tables=["securities", "bars_1d"]))
    assert script.asked == []
    assert report.known == 4
    assert report.ok


def test_a_later_pull_asks_for_the_new_days_alone_and_for_lists_again(store):
    both = ["securities", "bars_1d"]
    go(Script(), store, wish(tables=both))
    script = Script()
    go(script, store, wish(end="2020-07-03", tables=both, today=date(2020, 7, 4)))
    assert [u.query for u in script.asked] == ["list", "bars", "bars", "bars"]
    assert {u.start for u in script.asked[1:]} == {date(2020, 4, 1)}


def test_days_that_had_not_come_are_asked_again(store):
    today = date(2020, 3, 31)
    go(Script(latest=date(2020, 3, 27)), store, wish(today=today))  # the vendor is two days behind
    script = Script()
    go(script, store, wish(end="2020-04-01", today=date(2020, 4, 1)))
    assert {u.start for u in script.asked} == {date(2020, 3, 28)}
    assert len(store.read("bars_1d")) == 3 * 65


def test_the_day_of_asking_itself_is_asked_again_the_next_day(store):
    today = date(2020, 3, 31)
    go(Script(), store, wish(today=today))
    script = Script()
    go(script, store, wish(today=date(2020, 4, 1)))
    assert {u.start for u in script.asked} == {today}


def test_an_earlier_start_is_asked_from_there(store):
    go(Script(), store, wish(start="2020-02-03"))
    script = Script()
    go(script, store, wish(start="2020-01-02"))
    assert {u.start for u in script.asked} == {date(2020, 1, 2)}


def test_again_asks_whatever_the_journal_says(store):
    go(Script(), store)
    script = Script()
    go(script, store, again=True)
    assert len(script.asked) == 3


def test_a_journal_of_rows_that_the_store_has_not_is_not_believed(store, tmp_path):
    go(Script(), store)
    other = Store.create(tmp_path / "other")
    folder = other.extra_folder("pulls")
    folder.mkdir()
    journal = store.extra_folder("pulls") / "made_up.jsonl"
    (folder / "made_up.jsonl").write_bytes(journal.read_bytes())
    script = Script()
    go(script, other)
    assert len(script.asked) == 3


def test_what_a_rollback_took_back_is_asked_again(store):
    first = wish(universe="600000.SH")
    go(Script(), store, first)
    go(Script(), store, wish(universe="000001.SZ"))
    store.rollback()
    script = Script()
    go(script, store, wish(universe="000001.SZ,600000.SH"))
    assert [u.scope for u in script.asked] == ["000001.SZ"]
    assert store.read("bars_1d")["asset"].n_unique() == 2


def test_the_batches_of_a_pull_are_one_state_and_one_rollback_takes_them_back(store):
    before = store.write({"securities": pl.DataFrame({"asset": ["600036.SH"]})}, source="mine")
    report = go(Script(), store, patience={"batch_units": 1})
    kept = [s for s in store.log() if s.kept]
    assert [s.snapshot for s in kept] == [report.snapshot, before, kept[-1].snapshot]
    assert [s.number for s in store.log()] == [4, 3, 2, 1, 0], "the log tells of each batch"
    assert store.rollback() == before
    assert "bars_1d" not in store.names()
    assert store.rollback() == report.snapshot, "and forth again"
    store.rollback()
    script = Script()
    go(script, store)
    assert len(script.asked) == 3, "what was taken back is asked again"


def test_a_pull_of_many_batches_takes_no_more_room_than_its_rows(store):
    names = ",".join(f"60{k:04d}.SH" for k in range(10))
    go(Script(), store, wish(universe=names), patience={"batch_units": 1})
    parts = sum(f.stat().st_size for f in (store.path / "parts").rglob("*") if f.is_file())
    assert parts == store.info()["tables"]["bars_1d"]["bytes"]
    assert store.verify() == []


def test_what_another_writer_puts_in_between_two_batches_is_a_state_of_its_own(store):
    def meanwhile(unit):
        if unit.scope == SHARES[2]:
            other = Store.open(store.path)
            names.append(other.write({"securities": pl.DataFrame({"asset": ["600036.SH"]})}))

    names: list[str] = []
    go(Script(fault=meanwhile), store, patience={"batch_units": 1})
    assert store.rollback() == names[0], "the batches after it are taken back, and it stays"
    assert store.read("bars_1d")["asset"].n_unique() == 2
    store.rollback(store.log()[0].parent)
    assert "securities" in store.names()


def test_two_pulls_one_after_the_other_are_two_states(store):
    first = go(Script(), store, patience={"batch_units": 1}).snapshot
    later = wish(end="2020-06-05", today=date(2020, 6, 6))
    go(Script(), store, later, patience={"batch_units": 1})
    assert store.rollback() == first


def test_a_moments_fault_is_waited_out_longer_each_time(store):
    faults = iter([True, True, False])
    slept: list[float] = []
    script = Script(
        fault=lambda u: (
            VendorError("v", u.query, "busy", reach="moment")
            if u.scope == SHARES[1] and next(faults, False)
            else None
        )
    )
    assert go(script, store, patience={"sleep": slept.append}).ok
    assert slept == [2.0, 4.0]


def test_a_vendor_that_says_how_long_is_obeyed(store):
    faults = iter([True])
    slept: list[float] = []
    script = Script(
        fault=lambda u: (
            VendorError("v", u.query, "slower", reach="moment", wait=61.0)
            if next(faults, False)
            else None
        )
    )
    go(script, store, patience={"sleep": slept.append})
    assert slept == [61.0]


def test_one_bad_unit_is_recorded_and_the_rest_is_fetched(store):
    script = Script(
        fault=lambda u: VendorError("v", u.query, "no such share") if u.scope == SHARES[1] else None
    )
    report = go(script, store)
    assert not report.ok
    assert (report.done, len(report.failed)) == (2, 1)
    assert "600000.SH" in next(iter(report.failed))
    assert store.read("bars_1d")["asset"].unique().sort().to_list() == [SHARES[0], SHARES[2]]
    assert "no such share" in (store.extra_folder("pulls") / "made_up.jsonl").read_text()
    script = Script()
    assert go(script, store).done == 1
    assert [u.scope for u in script.asked] == [SHARES[1]]


def spoil(monkeypatch, count):
    """Let the first bars of one share have a close of -1."""

    def bad(unit, latest):
        frame = rows(unit, latest)
        if unit.scope != SHARES[0]:
            return frame
        wrong = pl.int_range(pl.len()) < count
        return frame.with_columns(close=pl.when(wrong).then(-1.0).otherwise(pl.col("close")))

    monkeypatch.setattr("sources.made_up_vendor.rows", bad)


def test_many_rows_that_break_the_schema_fail_their_unit_alone(store, monkeypatch):
    spoil(monkeypatch, 2)
    report = go(Script(), store)
    assert "is not a positive price" in next(iter(report.failed.values()))
    assert report.done == 2
    assert "quarantine" not in store.names()


def test_one_row_that_breaks_the_schema_is_set_aside_and_the_others_are_in(store, monkeypatch):
    spoil(monkeypatch, 1)
    report = go(Script(), store)
    assert report.ok
    assert report.quarantined == {"bars_1d": 1}
    assert len(store.read("bars_1d")) == 3 * 64 - 1
    aside = listed(store).row(0, named=True)
    assert (aside["table"], aside["column"]) == ("bars_1d", "close")
    assert aside["file"].startswith("made_up bars 000001.SZ")
    go(Script(), store, again=True)
    assert len(listed(store)) == 1
    assert "1 rows set aside" in str(report)


def test_a_function_whose_columns_changed_is_not_asked_again(store):
    script = Script(fault=lambda u: VendorError("v", u.query, "columns changed", reach="query"))
    report = go(script, store)
    assert len(script.asked) == 1
    assert len(report.failed) == 3


def test_faults_in_a_row_end_the_pull_and_keep_what_came(store):
    names = [f"60{k:04d}.SH" for k in range(12)]
    script = Script(
        fault=lambda u: (
            VendorError("v", u.query, "no route", reach="moment") if u.scope > names[2] else None
        )
    )
    report = go(script, store, wish(universe=",".join(names)))
    assert report.done == 3
    assert len(report.failed) == 5
    assert "5 questions in a row failed" in report.stopped
    assert store.read("bars_1d")["asset"].n_unique() == 3


def test_a_vendor_that_lets_nobody_in_any_more_ends_the_pull(store):
    script = Script(
        fault=lambda u: VendorRefused("v", "token expired") if u.scope == SHARES[2] else None
    )
    report = go(script, store)
    assert report.stopped == "v: token expired"
    assert (report.done, report.ok) == (2, False)


def test_an_empty_list_is_an_error_and_an_empty_share_is_not(store, monkeypatch):
    monkeypatch.setattr("sources.made_up_vendor.SHARES", ())
    report = go(Script(), store, wish(tables=["securities", "bars_1d"], universe="600000.SH"))
    assert "an empty answer for all, which cannot be" in next(iter(report.failed.values()))
    later = go(Script(latest=date(2019, 1, 1)), store, wish(start="2020-05-01", end="2020-05-02"))
    assert later.ok


def test_an_interrupt_keeps_what_was_fetched(store):
    def interrupt(unit):
        return KeyboardInterrupt() if unit.scope == SHARES[2] else None

    with pytest.raises(KeyboardInterrupt):
        go(Script(fault=interrupt), store)
    assert store.read("bars_1d")["asset"].n_unique() == 2
    script = Script()
    go(script, store)
    assert [u.scope for u in script.asked] == [SHARES[2]]


def test_a_batch_is_in_the_store_before_its_units_count_as_answered(store, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    original = Store.write
    monkeypatch.setattr(Store, "write", full)
    with pytest.raises(OSError, match="No space"):
        go(Script(), store)
    monkeypatch.setattr(Store, "write", original)
    script = Script()
    go(script, store)
    assert len(script.asked) == 3


def test_another_writer_is_waited_for(store, monkeypatch):
    original, refused = Store.write, iter([True, True, False])

    def busy(self, *arguments, **options):
        if next(refused, False):
            raise StoreLocked(self.path, "somebody is writing")
        return original(self, *arguments, **options)

    monkeypatch.setattr(Store, "write", busy)
    assert go(Script(), store).ok
    assert store.read("bars_1d")["asset"].n_unique() == 3


def wait_for_a_batch(journal, before, child):
    """Wait until the journal has grown, or the child has ended."""
    while child.poll() is None and (not journal.exists() or journal.stat().st_size <= before):
        time.sleep(0.005)


@pytest.mark.slow
def test_a_killed_pull_goes_on_and_loses_no_row(tmp_path):
    code = f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
        from datetime import date
        from sources.made_up_vendor import Script, vendor
        from superhet.data.pulling import Patience, pull
        from superhet.data.sources.vendor import Access, PullRequest, Universe
        from superhet.data.store import Store
        names = ",".join(f"60{{k:04d}}.SH" for k in range(40))
        request = PullRequest(universe=Universe.parse(names), start=date(2020, 1, 2),
                              end=date(2020, 3, 31), today=date(2020, 6, 30), tables=())
        script = Script(fault=lambda u: time.sleep(0.02))
        store = Store.open_or_create({str(tmp_path / "store")!r})
        report = pull(vendor(script), request, store, Access(), patience=Patience(batch_units=5))
        print(report.done, len(script.asked), flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    journal = tmp_path / "store" / "pulls" / "made_up.jsonl"
    for kill in range(4):
        before = journal.stat().st_size if journal.exists() else 0
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        wait_for_a_batch(journal, before, child)
        time.sleep(0.04 * kill)
        child.send_signal(signal.SIGKILL)
        child.communicate()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    store = Store.open(tmp_path / "store")
    assert len(store.read("bars_1d")) == 40 * 64
    assert store.verify() == []
    assert sum(s.kept for s in store.log()) <= 1 + 5, "one a start of the pull, and the empty one"
    assert int(done.stdout.split()[1]) < 40  # it did not begin at the beginning


def test_a_remote_store_keeps_the_journal_with_it(tmp_path):
    home = f"memory://{uuid.uuid4().hex}/store"
    names = ",".join(f"60{k:04d}.SH" for k in range(8))
    first = Store.create(home, cache=tmp_path / "one")
    unknown = Script(
        fault=lambda u: VendorError("v", u.query, "no share") if "7.SH" in u.scope else None
    )
    assert len(go(unknown, first, wish(universe=names), patience={"batch_units": 2}).failed) == 1
    assert sum(s.kept for s in first.log()) == 2
    script = Script()
    other = Store.open(home, cache=tmp_path / "two")  # of another machine
    assert go(script, other, wish(universe=names)).ok
    assert [u.scope for u in script.asked] == ["600007.SH"]
    assert Store.open(home).read("bars_1d")["asset"].n_unique() == 8
    again = Script()
    go(again, Store.open(home), wish(universe=names))  # and a pull needs no cache
    assert again.asked == []


def test_the_pace_is_kept():
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    wait = paced(30, Patience(clock=lambda: now[0], sleep=sleep))
    for _ in range(3):
        wait()
    now[0] += 5.0
    wait()
    assert slept == [2.0, 2.0]


def test_an_unknown_vendor_or_table_is_met_with_near_misses(store):
    with pytest.raises(UnknownName, match="did you mean 'baostock'"):
        find_vendor("baostok")
    with pytest.raises(UnknownName, match="did you mean 'bars_1d'"):
        go(Script(), store, wish(tables=["bars1d"]))


def test_the_simulated_vendor_fills_a_store(store, monkeypatch):
    monkeypatch.setattr("superhet.data.sources.vendor_simulated._ASSETS", 12)
    request = wish(start="2018-01-02", end="2018-06-29", today=date(2019, 1, 1))
    simulated = find_vendor("simulated")
    assert pull(simulated, request, store, Access()).ok
    assert {"bars_1d", "statements", "calendar"} <= set(store.names())
    assert store.meta("statements")["basis"]
    assert pull(simulated, request, store, Access()).done == 0
