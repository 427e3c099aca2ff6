"""`superhet data log|verify|rollback|prune|sql`, through a store of two states."""

from __future__ import annotations

import json

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from superhet.cli import data_store, stores
from superhet.data.store import Store


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Run one of the commands in this process; what is cached goes into a folder of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    app = typer.Typer(pretty_exceptions_enable=False)
    data_store.register(app)

    def run(*arguments):
        return CliRunner().invoke(app, [str(a) for a in arguments])

    return run


def frame(close: float) -> pl.DataFrame:
    prices = {c: pl.lit(close) for c in ("open", "high", "low", "close")}
    days = pl.DataFrame({"date": ["2020-01-02", "2020-01-03"], "asset": ["A", "A"]})
    return days.with_columns(**prices, volume=pl.lit(1.0))


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    where = tmp_path / "store" if request.param == "folder" else f"memory://{tmp_path.name}/store"
    made = Store.create(where)
    made.write({"bars_1d": frame(10.0)}, source="a vendor")
    made.write({"bars_1d": frame(20.0)}, source="another")
    return made


def test_log_lists_states_with_their_changes(command, store):
    done = command("log", "--store", store.location, "--json")
    found = json.loads(done.stdout)
    assert found["snapshot"] == store.snapshot
    assert [s["number"] for s in found["states"]] == [2, 1, 0]
    assert found["states"][0]["tables"] == {"bars_1d": {"added": 0, "changed": 2, "removed": 0}}
    text = command("log", "--store", store.location, "--limit", 1).stdout
    assert f"2  {store.snapshot}" in text
    assert "another" in text
    assert "bars_1d +0 ~2 -0" in text
    assert "a vendor" not in text


def test_verify_ends_with_1_and_names_the_damaged_file(command, store):
    done = command("verify", "--store", store.location, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"ok": True, "files_checked": 7, "corrupt": []}
    part = store._manifest.tables["bars_1d"].parts[0].file
    store._place.put(part, b"harmed")
    done = command("verify", "--store", store.location, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert not found["ok"]
    (corrupt,) = found["corrupt"]
    assert (corrupt["file"], corrupt["table"]) == (part, "bars_1d")
    assert "does not match its checksum" in corrupt["reason"]
    assert "1 damaged" in command("verify", "--store", store.location).stdout


def test_verify_of_a_store_with_a_damaged_head_names_head(command, store):
    store._place.put("HEAD", b"{")
    done = command("verify", "--store", store.location, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["corrupt"][0]["file"] == "HEAD"
    gone = command("verify", "--store", f"{store.location}x")
    assert gone.exit_code == 2
    assert "there is no store here" in gone.stderr


def test_rollback_goes_back_and_says_how_to_come_back(command, store):
    first, second = store.log()[1].snapshot, store.snapshot
    done = command("rollback", "--store", store.location, first[:8])
    assert f"back again: superhet data rollback {second}" in done.stdout
    assert Store.open(store.location).read("bars_1d")["close"].to_list() == [10.0, 10.0]
    done = command("rollback", "--store", store.location, "--json")
    assert json.loads(done.stdout) == {
        "snapshot": second,
        "before": first,
        "number": 4,
        "changed": True,
    }
    done = command("rollback", second, "--store", store.location)
    assert "is the present state already" in done.stdout
    done = command("rollback", "f00d", "--store", store.location)
    assert done.exit_code == 2
    assert "unknown snapshot 'f00d'" in done.stderr


def test_prune_says_what_it_freed(command, store):
    done = command("prune", "--store", store.location, "--keep", 1, "--json")
    found = json.loads(done.stdout)
    assert (found["states"], found["files"]) == ([0, 1], 2)
    assert found["bytes"] > 0
    assert "0 states let go" in command("prune", "--store", store.location, "--keep", 1).stdout
    assert "(no longer kept)" in command("log", "--store", store.location).stdout
    assert command("prune", "--store", store.location, "--keep", 0).exit_code == 2


def test_sql_answers_as_table_json_or_file(command, store, tmp_path):
    question = ("sql", "select asset, avg(close) c from bars_1d group by asset", "--store")
    assert "20.0" in command(*question, store.location).stdout
    found = json.loads(command(*question, store.location, "--json").stdout)
    assert found == {"columns": ["asset", "c"], "rows": [{"asset": "A", "c": 20.0}], "count": 1}
    before = store.log()[1].snapshot
    found = json.loads(command(*question, store.location, "--json", "--snapshot", before).stdout)
    assert found["rows"][0]["c"] == 10.0
    for name in ("x.parquet", "x.csv"):
        out = tmp_path / name
        told = json.loads(command(*question, store.location, "--out", out, "--json").stdout)
        assert told == {"rows": 1, "columns": ["asset", "c"], "out": str(out)}
        assert out.exists()


def test_sql_prints_fifty_rows_unless_told_otherwise(command, store):
    question = ("sql", "from range(60)", "--store", store.location)
    text = command(*question).stdout
    assert "more rows than 50; --limit N shows them" in text
    assert "│ 49 " in text
    assert "│ 50 " not in text
    assert "│ 59 " in command(*question, "--limit", 100).stdout
    assert "more rows" not in command(*question, "--limit", 3).stdout
    assert len(json.loads(command(*question, "--json").stdout)["rows"]) == 60


def test_sql_with_a_wrong_name_or_a_change_ends_with_2(command, store):
    for text, words in (
        ("select * from bar_1d", "did you mean 'bars_1d'"),
        ("select closs from bars_1d", "did you mean 'close'"),
        ("drop table bars_1d", "only queries are answered"),
    ):
        done = command("sql", text, "--store", store.location)
        assert done.exit_code == 2
        assert words in done.stderr
        assert done.stdout == ""


def test_the_cache_is_where_the_system_wants_it(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert stores.cache_folder() == tmp_path / "superhet"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert stores.cache_folder() == tmp_path / "home/.cache/superhet"
