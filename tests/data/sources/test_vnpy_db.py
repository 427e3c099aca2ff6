"""vn.py's SQLite: the end of a bar, the clock of the exchange, lots or shares, and files that are none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, datetime, timedelta

import pytest

from superhet.data.pulling import Patience, pull
from superhet.data.sources.vendor import Access, PullRequest, Universe
from superhet.data.sources.vnpy_db import VnpyDb
from superhet.data.store import Store
from superhet.errors import ConfigError, DataError, VendorError

COLUMNS = (
    "symbol VARCHAR(255)", "exchange VARCHAR(255)", "datetime DATETIME", "interval VARCHAR(255)",
    "volume REAL", "turnover REAL", "open_interest REAL", "open_price REAL", "high_price REAL",
    "low_price REAL", "close_price REAL",
)  # fmt: skip


def database(path, bars, columns=COLUMNS):
    """Write a file as vn.py 4 does: naive times, in the zone of its settings."""
    with closing(sqlite3.connect(path)) as made, made:
        made.execute(f"CREATE TABLE dbbardata (id INTEGER PRIMARY KEY, {', '.join(columns)})")
        names = ", ".join(c.split()[0] for c in columns)
        marks = ", ".join("?" * len(columns))
        made.executemany(f"INSERT INTO dbbardata ({names}) VALUES ({marks})", bars)
    return path


def bar(symbol, exchange, moment, interval, volume=1000.0, turnover=10_100.0):
    return (symbol, exchange, str(moment), interval, volume, turnover, 0.0, 10.0, 10.2, 9.9, 10.1)


def minutes(moved=timedelta(0), **options):
    opening = [datetime(2020, 1, 2, 9, 30) + timedelta(minutes=k) for k in range(120)]
    afternoon = [datetime(2020, 1, 2, 13, 0) + timedelta(minutes=k) for k in range(120)]
    return [bar("600000", "SSE", m + moved, "1m", **options) for m in opening + afternoon]


def go(path, store, *tables, universe="all", start=date(2020, 1, 1), end=date(2020, 1, 31)):
    request = PullRequest(
        universe=Universe.parse(universe),
        start=start,
        end=end,
        today=date(2021, 1, 1),
        tables=tables,
    )
    patience = Patience(tries=1)
    return pull(VnpyDb, request, store, Access(path=path), patience=patience)


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


@pytest.mark.parametrize("moved", [timedelta(0), timedelta(hours=-8)], ids=["exchange", "utc"])
def test_a_minute_that_vnpy_stamps_at_its_start_ends_a_minute_later(tmp_path, store, moved):
    path = database(tmp_path / "database.db", minutes(moved))
    assert go(path, store, "bars_1min").ok
    times = store.read("bars_1min")["time"]
    assert len(times) == 240
    assert times.min() == datetime(2020, 1, 2, 9, 31)
    assert times.max() == datetime(2020, 1, 2, 15, 0)


@pytest.mark.parametrize(
    "moment", [datetime(2020, 1, 2), datetime(2020, 1, 1, 16), datetime(2020, 1, 2, 15)]
)
def test_a_daily_bar_belongs_to_the_day_of_the_exchange(tmp_path, store, moment):
    path = database(tmp_path / "database.db", [bar("000001", "SZSE", moment, "d")])
    assert go(path, store, "bars_1d").ok
    assert store.read("bars_1d").select("date", "asset").rows() == [(date(2020, 1, 2), "000001.SZ")]


def test_hours_of_neither_clock_are_refused(tmp_path, store):
    path = database(tmp_path / "database.db", minutes(timedelta(hours=-13)))
    report = go(path, store, "bars_1min")
    assert "set database.timezone of vn.py to Asia/Shanghai" in next(iter(report.failed.values()))


def test_lots_are_found_out_by_the_turnover(tmp_path, store):
    path = database(tmp_path / "database.db", minutes(volume=10.0))
    report = go(path, store, "bars_1min")
    assert store.read("bars_1min")["volume"].unique().to_list() == [1000.0]
    assert any("volumes in lots of 100" in note for note in report.notes)


def test_a_gateway_without_turnover_leaves_the_amount_open(tmp_path, store):
    path = database(tmp_path / "database.db", minutes(turnover=0.0))
    assert go(path, store, "bars_1min").ok
    assert store.read("bars_1min")["amount"].null_count() == 240


def test_futures_are_left_out_and_counted(tmp_path, store):
    bars = [
        bar("600000", "SSE", datetime(2020, 1, 2), "d"),
        bar("rb2005", "SHFE", datetime(2020, 1, 2), "d"),
    ]
    report = go(database(tmp_path / "database.db", bars), store, "bars_1d")
    assert report.notes == {"1 contracts that are no shares are left out": 1}
    assert len(store.read("bars_1d")) == 1


def test_a_second_pull_reads_the_new_days(tmp_path, store):
    days = [datetime(2020, 1, 2) + timedelta(days=k) for k in range(5)]
    path = database(tmp_path / "database.db", [bar("600000", "SSE", d, "d") for d in days])
    go(path, store, "bars_1d", end=date(2020, 1, 3))
    report = go(path, store, "bars_1d")
    assert report.rows["bars_1d"] == 3
    assert len(store.read("bars_1d")) == 5


def test_files_that_are_no_database_of_vnpy_are_named(tmp_path, store):
    text = tmp_path / "notes.db"
    text.write_text("no database" * 100)
    with pytest.raises(DataError, match=r"notes\.db: it is no SQLite file"):
        go(text, store, "bars_1d")
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as made, made:
        made.execute("CREATE TABLE things (name TEXT)")
    with pytest.raises(DataError, match="it has no table dbbardata"):
        go(other, store, "bars_1d")
    with pytest.raises(ConfigError, match="there is no file"):
        go(tmp_path / "none.db", store, "bars_1d")
    with pytest.raises(ConfigError, match="--path: vnpy_db reads a file"):
        go(None, store, "bars_1d")
    renamed = tuple(c.replace("turnover", "amount") for c in COLUMNS)
    with pytest.raises(VendorError, match="without turnover; not known: id, amount"):
        go(database(tmp_path / "new.db", [], renamed), store, "bars_1d")


def test_a_code_that_is_not_there_is_named(tmp_path, store):
    path = database(tmp_path / "database.db", minutes())
    with pytest.raises(ConfigError, match=r"database\.db has no bars of 600004\.SH"):
        go(path, store, "bars_1min", universe="600000.SH,600004.SH")
