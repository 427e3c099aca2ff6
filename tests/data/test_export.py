"""An export is whole or not there, and an import of it without a map gives the same snapshot."""

from __future__ import annotations

import json

import pytest
import typer
from qlib_tables import market
from typer.testing import CliRunner

from superhet.cli.data_export import register
from superhet.data import export as module
from superhet.data.base import MemoryTables
from superhet.data.export import Wanted, export
from superhet.data.ingest import import_files
from superhet.data.sources import readers
from superhet.data.sources.beside import Known
from superhet.data.store import Store
from superhet.errors import ConfigError, DataError, StoreError, UnknownName

app = typer.Typer()
register(app)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    made = Store.create(tmp_path_factory.mktemp("export") / "store")
    made.write(market())
    return made


@pytest.mark.parametrize("format", ["parquet", "csv"])
@pytest.mark.parametrize("many", [1_000_000, 50])
def test_an_import_without_a_map_gives_the_same_snapshot(
    store, tmp_path, format, many, monkeypatch
):
    monkeypatch.setattr(module, "MANY_ROWS", many)
    done = export(store, tmp_path / "out", format)
    assert import_files(tmp_path / "out", tmp_path / "s").snapshot == store.snapshot
    assert done.tables["bars_1d"] == store.read("bars_1d").height
    yearly = (tmp_path / f"out/bars_1d/2019.{format}").exists()
    assert yearly == (many == 50)


def test_what_belongs_to_a_table_lies_beside_it(store, tmp_path):
    meta = {"statements": {"basis": {"net_profit": "ytd"}, "known_at": "same_day"}}
    tables = MemoryTables({n: store.read(n) for n in store.names()}, meta=meta)
    export(tables, tmp_path / "out", "parquet")
    found = Known.read(tmp_path / "out")
    assert found is not None
    assert found.meta == meta


def test_days_cut_the_dated_tables(store, tmp_path):
    export(store, tmp_path / "out", "csv", Wanted(start="2020-02-03", end="2020-02-07"))
    import_files(tmp_path / "out", tmp_path / "s")
    dates = Store.open(tmp_path / "s").read("bars_1d")["date"]
    assert (str(dates.min()), str(dates.max())) == ("2020-02-03", "2020-02-07")


@pytest.mark.parametrize("format", ["qlib_bin", "parquet"])
def test_a_failed_export_leaves_nothing_and_keeps_what_was_there(store, tmp_path, format):
    def fail(done, total, label):
        if done == 1:
            raise KeyboardInterrupt

    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("kept")
    wanted = Wanted(overwrite=True)
    with pytest.raises(KeyboardInterrupt):
        export(store, tmp_path / "out", format, wanted, fail)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out/mine.txt").read_text() == "kept"
    export(store, tmp_path / "out", format, wanted)
    assert not (tmp_path / "out/mine.txt").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_with_something_in_it_is_refused(store, tmp_path):
    (tmp_path / "out").mkdir()
    export(store, tmp_path / "out", "csv")
    with pytest.raises(StoreError, match="--overwrite"):
        export(store, tmp_path / "out", "csv")
    with pytest.raises(StoreError, match="never overwrites"):
        export(store, store.path, "csv", Wanted(overwrite=True))
    assert store.verify() == []


def test_wishes_that_cannot_be_fulfilled(store, tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'parquet'"):
        export(store, tmp_path / "out", "parket")
    with pytest.raises(ConfigError, match="only qlib_bin has fields"):
        export(store, tmp_path / "out", "csv", Wanted(fields=("close",)))
    with pytest.raises(DataError, match="no session in the span"):
        export(store, tmp_path / "out", "qlib_bin", Wanted(start="2031-01-01"))
    with pytest.raises(DataError, match="has no tables"):
        export(MemoryTables({}), tmp_path / "out", "csv")
    assert not (tmp_path / "out").exists()


def test_the_command(store, tmp_path):
    options = ["--store", store.path, "--out", tmp_path / "bins", "--format", "qlib_bin"]
    runner = CliRunner()
    done = runner.invoke(app, ["export", *map(str, options), "--fields", "close", "--json", "-q"])
    report = json.loads(done.stdout)
    assert done.exit_code == 0
    assert report["snapshot"] == store.snapshot
    assert report["files"] == len([p for p in (tmp_path / "bins").rglob("*") if p.is_file()])
    again = runner.invoke(app, ["export", *map(str, options)])
    assert again.exit_code == 2
    wrong = runner.invoke(app, ["export", *map(str, options), "--start", "yesterday"])
    assert wrong.exit_code == 2


def test_every_reader_is_registered():
    assert {"files", "qlib_bin", "tdx"} <= set(readers.SOURCES.names())
