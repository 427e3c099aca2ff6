"""SQL over a store: the same numbers by another road, names that do not exist, and nothing but queries."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from store_places import PLACES, bars, flip, home_in, parts

from superhet.data.store import Store
from superhet.data.store.sql import query, write_answer
from superhet.errors import ConfigError, CorruptedPart, UnknownName


@pytest.fixture(scope="module", params=[*PLACES, "cached"])
def store(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sql")
    kind = "memory" if request.param == "cached" else request.param
    home = home_in(kind, folder)
    early = bars(years=(2019,)).with_columns(amount=pl.lit(None, pl.Float64))
    made = Store.create(home)
    made.write({"bars_1d": early, "calendar": early.select("date").unique()})
    made.write({"bars_1d": bars(years=(2020,)).with_columns(adjust_factor=2.0)}, mode="upsert")
    return Store.open(home, cache=folder / "cache" if request.param == "cached" else None)


def test_a_view_is_the_table(store):
    """Columns that only some parts have, or none, are null, and dates are dates."""
    found = query(store, "select * from bars_1d order by date, asset")
    assert_frame_equal(found, store.read("bars_1d"))
    assert found["amount"].null_count() == 240
    assert found["adjust_factor"].null_count() == 120


def test_a_mean_by_name_is_what_polars_says(store):
    found = query(
        store, "SELECT asset, avg(close) AS mean FROM BARS_1D GROUP BY asset ORDER BY asset"
    )
    wanted = store.read("bars_1d").group_by("asset").agg(mean=pl.col("close").mean()).sort("asset")
    assert_frame_equal(found, wanted)


def test_tables_join_and_are_listed(store):
    joined = "with c as (from calendar) select count(*) n from bars_1d join c using (date)"
    assert query(store, joined)["n"].to_list() == [120]
    assert query(store, "show tables")["name"].to_list() == ["bars_1d", "calendar"]
    assert query(store, "describe calendar")["column_name"].to_list() == ["date"]
    assert query(store, "from bars_1d order by date desc, asset", limit=2)["asset"].to_list() == [
        "000000.SZ",
        "000001.SZ",
    ]


def test_a_former_state_can_be_asked(store):
    former = Store.open(store.location, snapshot=store.log()[1].snapshot)
    assert query(former, "select count(*) n from bars_1d")["n"].to_list() == [120]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("select * from bars_1", "unknown table 'bars_1'; did you mean 'bars_1d'"),
        ("select closs from bars_1d", "unknown column 'closs'; did you mean 'close'"),
        ("select b.closs from bars_1d b", "unknown column 'closs'; did you mean 'close'"),
        ("select * exclude (closs) from bars_1d", "unknown column 'closs'; did you mean"),
    ],
)
def test_a_name_that_does_not_exist_has_near_misses(store, text, match):
    with pytest.raises(UnknownName, match=match):
        query(store, text)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("drop view bars_1d", "only queries are answered.*got DROP"),
        ("insert into calendar values ('2020-01-01')", "only queries .*got INSERT"),
        ("update bars_1d set close = 1", "only queries .*got UPDATE"),
        ("copy bars_1d to 'stolen.csv'", "only queries .*got COPY"),
        ("attach 'x.db'", "only queries .*got ATTACH"),
        ("set threads = 1", "only queries .*got SET"),
        ("select 1; drop view bars_1d", "one query is expected .got 2"),
        ("", "one query is expected .got 0"),
        ("selec close from bars_1d", "syntax error"),
        ("select * from read_text('/etc/hostname')", "Cannot access file"),
        ("select * from 'somewhere.parquet'", "Cannot access file|does not exist"),
        ("select nosuch(close) from bars_1d", "nosuch does not exist"),
        ("select cast(asset as integer) from bars_1d", "Could not convert string"),
    ],
)
def test_anything_but_a_query_over_the_tables_is_refused(store, text, match):
    with pytest.raises(ConfigError, match=match):
        query(store, text)


def test_a_frame_of_this_process_is_no_table(store):
    stranger = pl.DataFrame({"x": [1]})
    assert stranger.height == 1
    with pytest.raises(UnknownName, match="unknown table 'stranger'"):
        query(store, "select * from stranger")


def test_damage_is_noticed_in_tables_that_are_asked(tmp_path):
    store = Store.create(tmp_path / "it's here")
    store.write({"bars_1d": bars(), "calendar": bars().select("date").unique()})
    flip(store, parts(store)[0])
    again = Store.open(store.path)
    assert query(again, "select count(*) n from calendar")["n"].to_list() == [80]
    with pytest.raises(CorruptedPart, match="does not match its checksum"):
        query(again, "select count(*) from bars_1d")


def test_an_empty_table_has_its_columns(tmp_path):
    store = Store.create(tmp_path / "store")
    store.write({"bars_1d": bars().head(0)})
    found = query(store, "select * from bars_1d")
    assert (found.height, found.columns) == (0, store.read("bars_1d").columns)


def test_an_answer_is_written_by_the_ending_of_its_file(tmp_path):
    frame = pl.DataFrame({"asset": ["A"], "close": [1.5]})
    write_answer(frame, tmp_path / "x.parquet")
    write_answer(frame, tmp_path / "x.csv")
    assert_frame_equal(pl.read_parquet(tmp_path / "x.parquet"), frame)
    assert (tmp_path / "x.csv").read_text() == "asset,close\nA,1.5\n"
    with pytest.raises(ConfigError, match=r"--out: expected .*\.parquet or \.csv \(got x.xls\)"):
        write_answer(frame, tmp_path / "x.xls")
