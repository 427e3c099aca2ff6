"""The history of a store: what each write changed, opening and going back to former states, letting go."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_places import PLACES, bars, bars_on, files, flip, home_in, parts, place

from superhet.data.store import Store, history
from superhet.data.store.changes import Changes, count_changes
from superhet.errors import CorruptedPart, StoreError, UnknownName


@pytest.fixture(params=PLACES)
def home(request, tmp_path):
    return home_in(request.param, tmp_path)


@pytest.fixture
def store(home):
    return Store.create(home)


def test_the_log_says_what_each_write_changed(store):
    store.write({"bars_1d": bars()}, source="a vendor")
    one = bars().tail(3).with_columns(volume=pl.lit(5.0))
    new = bars_on(date(2020, 2, 10))
    store.write({"bars_1d": pl.concat([one, new])}, mode="upsert", source="a daily update")
    late = bars().filter(pl.col("date") >= date(2020, 1, 1))
    store.write({"bars_1d": late, "calendar": bars().select("date").unique()})
    store.remove("calendar")
    told = [(s.number, s.source, dict(s.tables)) for s in store.log()]
    assert told == [
        (4, "removed: calendar", {"calendar": Changes(removed=80)}),
        (3, "", {"bars_1d": Changes(changed=3, removed=123), "calendar": Changes(added=80)}),
        (2, "a daily update", {"bars_1d": Changes(added=3, changed=3)}),
        (1, "a vendor", {"bars_1d": Changes(added=240)}),
        (0, "", {}),
    ]
    names = [s.snapshot for s in store.log()]
    assert [s.parent for s in store.log()] == [*names[1:], ""]
    assert names[0] == store.snapshot


def test_the_time_of_writing_is_in_the_log_and_in_no_name(tmp_path, monkeypatch):
    names = []
    for day in ("2020-02-28T09:30:00+00:00", "2021-02-28T09:30:00+00:00"):
        monkeypatch.setattr("superhet.data.store.store.now", lambda day=day: day)
        store = Store.create(tmp_path / day[:4])
        store.write({"bars_1d": bars()})
        assert {s.written for s in store.log()} == {day}
        assert store.info()["written"] == day
        names.append(store.snapshot)
    assert names[0] == names[1]


def test_a_former_state_is_opened_and_cannot_be_written_to(home, store):
    first = store.write({"bars_1d": bars()})
    store.write({"bars_1d": bars(price=20.0)})
    for name in (first, first[:6]):
        former = Store.open(home, snapshot=name)
        assert former.is_former
        assert (former.snapshot, former.number) == (first, 1)
        assert former.read("bars_1d")["close"].max() < 15
    for change in (
        lambda: former.write({"bars_1d": bars()}),
        lambda: former.remove("bars_1d"),
        former.rollback,
        former.prune,
    ):
        with pytest.raises(
            StoreError, match="is an older one and can only be read. Open the store"
        ):
            change()
    assert not Store.open(home, snapshot=store.snapshot).is_former


def test_an_unknown_snapshot_is_named_with_those_that_are_kept(home, store):
    store.write({"bars_1d": bars()})
    with pytest.raises(UnknownName, match=f"unknown snapshot 'f00d'.*{store.snapshot}"):
        Store.open(home, snapshot="f00d")
    with pytest.raises(UnknownName, match="unknown snapshot ''"):
        Store.open(home, snapshot="")


def test_rollback_writes_the_former_state_again_and_loses_nothing(home, store):
    first = store.write({"bars_1d": bars(), "calendar": bars().select("date").unique()})
    second = store.write({"bars_1d": bars(years=(2020,), price=20.0)})
    store.remove("calendar")
    before = set(parts(store))
    assert store.rollback(first) == first
    assert store.names() == ["bars_1d", "calendar"]
    assert store.read("bars_1d")["close"].max() < 15
    assert set(parts(store)) == before, "no byte is written twice"
    state = store.log()[0]
    assert state.source == f"rollback to {first}, state 1"
    assert state.tables == {
        "bars_1d": Changes(added=120, changed=120),
        "calendar": Changes(added=80),
    }
    assert [s.number for s in store.log()] == [4, 3, 2, 1, 0]
    assert store.rollback(second) == second, "and forth again"
    assert Store.open(home).read("bars_1d").height == 120


def test_rollback_without_a_name_takes_back_the_last_write(store):
    with pytest.raises(StoreError, match="no state before this one"):
        store.rollback()
    first = store.write({"bars_1d": bars()})
    second = store.write({"bars_1d": bars(price=20.0)})
    assert store.rollback() == first
    assert store.rollback() == second
    number = store.number
    assert store.rollback(second) == second
    assert store.number == number, "where we are already there is nothing to write"


def test_what_a_rollback_went_back_behind_is_not_held(store):
    first = store.write({"bars_1d": bars()})  # state 1
    second = store.write({"bars_1d": bars(price=20.0)})  # state 2
    store.rollback(first)  # state 3
    assert [store.holds(n) for n in range(-1, 6)] == [False, True, True, False, True, False, False]
    store.write({"bars_1d": bars(price=30.0)})  # state 4
    assert [store.holds(n) for n in range(5)] == [True, True, False, True, True]
    store.rollback(second)  # state 5: what was written in state 2 is back, 3 and 4 are not
    assert [store.holds(n) for n in range(6)] == [True, True, True, False, False, True]


def test_a_rollback_to_a_damaged_state_is_refused(home, store):
    first = store.write({"bars_1d": bars()})
    flip(store, parts(store)[0])
    second = store.write({"bars_1d": bars(price=20.0)})
    with pytest.raises(CorruptedPart, match="does not match its checksum"):
        Store.open(home).rollback(first)
    assert Store.open(home).snapshot == second
    assert "only former states need it" in Store.open(home).verify()[0]


def test_prune_frees_what_only_old_states_need(home, store):
    first = store.write({"bars_1d": bars()})
    for price in (20.0, 30.0, 40.0):
        last = store.write({"bars_1d": bars(price=price)})
    assert len(parts(store)) == 4 * 11
    swept = store.prune(keep=2)
    assert (swept.states, swept.files) == ([0, 1, 2], 22)
    assert len(parts(store)) == 22
    assert swept.size > 0
    assert [(s.number, s.kept) for s in store.log()] == [
        (4, True), (3, True), (2, False), (1, False), (0, False),
    ]  # fmt: skip
    assert store.log()[3].tables == {"bars_1d": Changes(added=240)}
    with pytest.raises(StoreError, match=f"the state {first} of .* is no longer kept; 2 are"):
        store.rollback(first)
    with pytest.raises(StoreError, match="the present state is always kept"):
        store.prune(keep=0)
    assert store.prune(keep=1).states == [3]
    assert Store.open(home).snapshot == last
    assert Store.open(home).verify() == []


def test_twenty_states_and_the_last_of_twenty_days_are_kept(tmp_path, monkeypatch):
    store = Store.create(f"memory://{tmp_path.name}/kept")
    wrote = []
    for day in range(1, 26):
        for hour in (10, 11):
            monkeypatch.setattr(
                "superhet.data.store.store.now", lambda d=day, h=hour: f"2020-03-{d:02}T{h}"
            )
            store.write({"calendar": pl.DataFrame({"date": [date(2020, day % 12 + 1, hour)]})})
            wrote.append(store.number)
    store.write({"calendar": pl.DataFrame({"date": [date(2021, 1, 1)]})})
    kept = [s.number for s in store.log() if s.kept]
    newest = wrote[-20:]
    last_of_day = [n for n in wrote if n % 2 == 0][-20:]
    assert sorted(kept) == sorted({*newest, *last_of_day, store.number})
    assert [s.number for s in store.log()] == list(range(store.number, -1, -1)), "no line is lost"


def test_a_sweep_that_is_cut_short_anywhere_is_finished_by_the_next(tmp_path, monkeypatch):
    reached = []
    for stop in range(5):
        store = Store.create(f"memory://{tmp_path.name}/{stop}")
        for price in (10.0, 20.0, 30.0):
            store.write({"bars_1d": bars(price=price)})
        steps = []

        def once(step, real, steps=steps, stop=stop):
            def call(*arguments):
                steps.append(step)
                if len(steps) > stop:
                    raise KeyboardInterrupt
                return real(*arguments)

            return call

        there = store._place
        with monkeypatch.context() as patched:
            patched.setattr(there, "put", once("put", there.put))
            patched.setattr(there, "remove", once("remove", there.remove))
            try:
                store.prune(keep=1)
            except KeyboardInterrupt:
                reached.append(stop)
        again = Store.open(store.location)
        assert again.verify() == []
        assert len(again.log()) == 4
        for state in again.log():
            if state.kept:
                assert Store.open(store.location, snapshot=state.snapshot).names() is not None
        again.prune(keep=1)
        assert len(parts(again)) == 11
        assert [s.kept for s in again.log()] == [True, False, False, False]
    assert reached == [0, 1, 2, 3], "a line, manifests, half-written files, parts"


def test_a_damaged_line_of_the_history_is_passed_over(store):
    for price in (10.0, 20.0, 30.0):
        store.write({"bars_1d": bars(price=price)})
    store.prune(keep=1)
    lines = place(store).read(history.HISTORY_FILE).decode().splitlines()
    assert [json.loads(line)["number"] for line in lines] == [0, 1, 2]
    place(store).put(history.HISTORY_FILE, "\n".join(["{", *lines[1:]]).encode())
    assert [s.number for s in store.log()] == [3, 2, 1]
    assert "history.jsonl" in files(store)


ROWS = st.dictionaries(st.integers(0, 6), st.sampled_from([None, 1.0, 2.0]))


@given(ROWS, ROWS, st.booleans())
@settings(deadline=None)
def test_changes_are_those_of_two_dictionaries(old, new, lacks):
    """A column that one side lacks counts as not known there."""

    def frame(rows, *, narrow=False):
        keys = sorted(rows)
        made = pl.DataFrame({"key": keys}, schema={"key": pl.Int64})
        if narrow:
            return made
        return made.with_columns(x=pl.Series([rows[k] for k in keys], dtype=pl.Float64))

    if lacks:
        new = dict.fromkeys(new)
    counted = count_changes(["key"], frame(old), frame(new, narrow=lacks))
    both = old.keys() & new.keys()
    assert counted == Changes(
        added=len(new.keys() - old.keys()),
        changed=sum(old[k] != new[k] for k in both),
        removed=len(old.keys() - new.keys()),
    )
