"""Equal runs give equal bytes; a run that was killed goes on to the same bytes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from superhet.cli.main import app
from superhet.data.base import MemoryTables
from superhet.data.store import Store
from superhet.errors import CorruptedPart, RunInterrupted
from superhet.pipeline import executors
from superhet.pipeline.config import parse_config
from superhet.pipeline.index import compare_runs, list_runs, reindex, show_run
from superhet.pipeline.run import Run
from superhet.testing.studies import tiny_study, write_study

STAGES = ["data", "signals", "clean", "synthesis", "portfolio", "backtest", "attribution", "audit"]


@pytest.fixture(scope="module")
def plain(tiny_store):
    """The study without audit: quicker, equal in all else."""
    return parse_config(tiny_study(tiny_store.path, audit=None))


@pytest.fixture(scope="module")
def finished(plain, tiny_store, tmp_path_factory):
    """Its finished run."""
    return Run(plain, tiny_store, tmp_path_factory.mktemp("runs")).execute()


TIMED = {"run.json", "log.txt"}  # what says how long it took


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def results(folder: Path) -> dict[str, bytes]:
    """All files but the note, which tells times and a process."""
    return {name: content for name, content in files(folder).items() if name not in TIMED}


def test_two_runs_in_different_folders_give_the_same_bytes(plain, tiny_store, finished, tmp_path):
    again = Run(plain, tiny_store, tmp_path).execute()
    assert again.run_id == finished.run_id
    assert again.stages == finished.stages
    assert again.metrics == finished.metrics
    assert results(Path(again.run_dir)) == results(Path(finished.run_dir))


@pytest.mark.parametrize("workers", [1, 3])
def test_the_number_of_threads_changes_nothing(
    workers, plain, tiny_store, finished, tmp_path, monkeypatch
):
    monkeypatch.setattr(executors, "cores", lambda: workers)
    again = Run(plain, tiny_store, tmp_path).execute()
    assert again.stages == finished.stages
    assert results(Path(again.run_dir)) == results(Path(finished.run_dir))


def test_the_audit_adds_a_stage_and_changes_no_other(tiny_run, finished):
    assert list(tiny_run.stages) == STAGES
    assert list(finished.stages) == STAGES[:-1]
    assert {n: tiny_run.stages[n] for n in finished.stages} == finished.stages
    assert tiny_run.audit == "pass"
    assert finished.audit is None
    assert tiny_run.run_id != finished.run_id


def test_a_run_folder_says_what_was_asked_on_which_data(finished, plain, tiny_store):
    folder = Path(finished.run_dir)
    note = json.loads((folder / "run.json").read_text())
    assert note["status"] == "done"
    assert note["snapshot"] == tiny_store.snapshot == note["stages"]["data"]
    assert note["config"] == plain.fingerprint
    assert note["metrics"] == json.loads((folder / "metrics.json").read_text())
    assert parse_config(yaml.safe_load((folder / "config.yaml").read_text())) == plain
    assert set(finished.stage_seconds) >= set(STAGES[:-1]) | {"report"}
    assert finished.seconds >= max(finished.stage_seconds.values())


def test_the_values_can_be_taken_elsewhere(finished):
    tables = {p.stem: pl.read_parquet(p) for p in Path(finished.run_dir, "tables").iterdir()}
    assert set(tables) == {"super_factor", "weights", "returns", "trades", "orders_refused"}
    equity = tables["returns"]["equity"].to_numpy()
    grown = equity[0] * np.cumprod(1 + tables["returns"]["net_return"].to_numpy()[1:])
    np.testing.assert_allclose(equity[1:], grown, rtol=1e-9)
    assert set(tables["trades"]["asset"]) <= set(tables["super_factor"]["asset"].cast(pl.String))


def test_a_finished_run_is_not_computed_again(plain, tiny_store, finished, monkeypatch):
    before = results(Path(finished.run_dir))
    for name in ("compute_signals", "mix_and_clean", "synthesize", "build_portfolio"):
        monkeypatch.setattr(f"superhet.pipeline.stages.{name}", pytest.fail)
    again = Run(plain, tiny_store, Path(finished.run_dir).parent).execute()
    assert again.stages == finished.stages
    assert results(Path(again.run_dir)) == before


def test_other_data_or_another_seed_make_another_run(plain, tiny_store, tmp_path):
    class Other:
        snapshot = "other"

    there = Run(plain, tiny_store, tmp_path)
    assert Run(plain, Other(), tmp_path).run_id != there.run_id
    changed = parse_config(tiny_study(tiny_store.path, audit=None, seed=8))
    assert Run(changed, tiny_store, tmp_path).run_id != there.run_id
    assert there.run_id.startswith("tiny-")


@pytest.mark.parametrize("stage", ["signals", "backtest"])
def test_a_corrupted_array_is_noticed_when_a_run_goes_on(
    stage, plain, tiny_store, tmp_path, finished
):
    done = Run(plain, tiny_store, tmp_path).execute()
    tree = (Path(done.run_dir) / "stages" / f"{stage}.json").read_text()
    name = tree.split('"hash": "')[1].split('"')[0]
    path = Path(done.run_dir) / "arrays" / f"{name}.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptedPart, match=rf"{name}.npy: its content does not match its hash"):
        Run(plain, tiny_store, tmp_path).execute()
    mended = Run(plain, tiny_store, tmp_path).execute(fresh=True)
    assert mended.stages == finished.stages


# --- killed runs ---------------------------------------------------------------------------------


def kill_when(stage: str, study: Path, runs: Path, wait: float = 0.0) -> Path:
    """Start a run in a process of its own and kill it once a stage is on the disk; give its folder."""
    words = [sys.executable, "-m", "superhet.cli.main", "run", str(study), "--runs", str(runs)]
    process = subprocess.Popen(
        [*words, "--quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        limit = time.monotonic() + 120
        while not list(runs.glob(f"*/stages/{stage}.json")):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < limit
            time.sleep(0.002)
        time.sleep(wait)
    finally:
        process.kill()
        process.communicate()
    (folder,) = runs.iterdir()
    return folder


def status(folder: Path) -> str:
    return json.loads((folder / "run.json").read_text())["status"]


def test_a_killed_run_is_refused_then_goes_on_to_the_same_bytes(
    plain, tiny_store, finished, tmp_path
):
    file = write_study(tmp_path / "tiny.yaml", tiny_study(tiny_store.path, audit=None))
    folder = kill_when("clean", file, tmp_path / "runs")
    assert status(folder) == "running"
    (folder / "arrays" / ".half.npy.1.tmp").write_bytes(b"half")
    job = Run(plain, tiny_store, tmp_path / "runs")
    with pytest.raises(RunInterrupted, match="Go on with --resume, or start over with --fresh"):
        job.execute()
    kept = files(folder / "stages")
    assert {"signals.json", "clean.json"} <= set(kept)
    done = job.execute(resume=True)
    assert done.stages == finished.stages
    assert "signals" not in done.stage_seconds, "it was there"
    assert results(folder) == results(Path(finished.run_dir))
    assert status(folder) == "done"


def test_fresh_starts_over(plain, tiny_store, finished, tmp_path):
    first = Run(plain, tiny_store, tmp_path)
    first.folder.mkdir(parents=True)
    note = {"status": "running", "pid": 2**22 + 1}
    (first.folder / "run.json").write_text(json.dumps(note))
    (first.folder / "rubbish").write_text("x")
    done = first.execute(fresh=True)
    assert done.stages == finished.stages
    assert not (first.folder / "rubbish").exists()
    assert [p.name for p in tmp_path.iterdir()] == [done.run_id]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_run_killed_at_any_moment_goes_on_to_the_same_bytes(
    seed, tiny_config, tiny_store, tiny_run, tmp_path
):
    rng = random.Random(seed)
    file = write_study(tmp_path / "tiny.yaml", tiny_study(tiny_store.path))
    folder = kill_when(rng.choice(STAGES[1:-1]), file, tmp_path / "runs", wait=0.5 * rng.random())
    job = Run(tiny_config, tiny_store, tmp_path / "runs")
    if status(folder) == "running":
        with pytest.raises(RunInterrupted):
            job.execute()
    done = job.execute(resume=True)
    assert done.stages == tiny_run.stages
    assert results(folder) == results(Path(tiny_run.run_dir))


# --- the index -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(tiny_store, finished):
    """Two finished runs in one folder: the plain one and one with another portfolio."""
    runs = Path(finished.run_dir).parent
    study = tiny_study(
        tiny_store.path, audit=None, name="flat", portfolio={"rank_long_short": {"power": 1.0}}
    )
    return runs, finished, Run(parse_config(study), tiny_store, runs).execute()


def test_runs_are_listed_by_name(two):
    runs, plain, flat = two
    rows = list_runs(runs)
    assert [r["run_id"] for r in rows] == [flat.run_id, plain.run_id]
    assert {r["status"] for r in rows} == {"done"}
    assert rows[1]["stages"] == plain.stages
    assert rows[1]["metrics"] == plain.metrics


def test_the_index_is_made_from_the_folders_whenever_it_is_lost(two):
    runs, *_ = two
    before = list_runs(runs)
    (runs / "index.sqlite").unlink()
    assert reindex(runs) == 2
    assert list_runs(runs) == before


def test_a_run_is_shown_by_the_beginning_of_its_name(two, plain):
    runs, first, flat = two
    found = show_run(runs, "tiny")
    assert found == show_run(runs, first.run_id)
    assert found["metrics"] == first.metrics
    assert parse_config(found["config"]) == plain
    assert show_run(runs, "flat")["run_id"] == flat.run_id


def test_two_runs_are_compared_key_by_key(two):
    runs, first, flat = two
    found = compare_runs(runs, "tiny", "flat")
    assert found["config"]["portfolio.rank_long_short.power"] == [1.5, 1.0]
    assert set(found["config"]) >= {"name", "portfolio.rank_long_short.power"}
    assert not [k for k in found["config"] if k.startswith(("market", "signals", "synthesis"))]
    assert set(found["stages"]) == {"portfolio", "backtest", "attribution"}
    assert found["stages"]["portfolio"] == [first.stages["portfolio"], flat.stages["portfolio"]]
    assert "net_sharpe" in found["metrics"]
    assert "oos_rank_ic" not in found["metrics"], "the super-factor is the same"
    assert compare_runs(runs, "tiny", "tiny") == {"config": {}, "stages": {}, "metrics": {}}


def test_the_command_line_says_the_same(two):
    runs, *_ = two

    def said(*words: str):
        done = CliRunner().invoke(app, ["runs", *words, "--runs", str(runs), "--json"])
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    assert said("list") == list_runs(runs)
    assert said("show", "flat") == show_run(runs, "flat")
    assert said("compare", "tiny", "flat") == compare_runs(runs, "tiny", "flat")


def test_an_override_on_the_command_line_makes_another_run(two, tiny_store, tmp_path):
    _, first, _ = two
    file = write_study(tmp_path / "tiny.yaml", tiny_study(tiny_store.path, audit=None))
    words = ["run", str(file), "mix.clock=1w", "seed=8", "--runs", str(tmp_path / "runs"), "-q"]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["run_id"] != first.run_id
    assert found["stages"]["signals"] == first.stages["signals"], (
        "the clock comes after the signals"
    )
    assert found["stages"]["clean"] != first.stages["clean"]
    resolved = yaml.safe_load(Path(found["run_dir"], "config.yaml").read_text())
    assert (resolved["mix"], resolved["seed"]) == ({"clock": "1w"}, 8)


def test_a_store_is_simulated_where_the_study_says_how(tmp_path, monkeypatch, finished):
    monkeypatch.chdir(tmp_path)
    write_study("tiny.yaml", tiny_study("made/here", audit=None))
    done = CliRunner().invoke(app, ["run", "tiny.yaml", "-q", "--json"])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["stages"] == finished.stages, "the same recipe gives the same market anywhere"
    assert Store.open("made/here").snapshot == found["stages"]["data"]
    assert Path(found["report"]).parent == Path("runs") / found["run_id"]


def test_a_fact_about_the_data_reaches_the_summary_and_the_report(plain, tiny_store, tmp_path):
    frames = {name: tiny_store.read(name) for name in tiny_store.names()}
    wrong_unit = frames["bars_1d"].with_columns(amount=pl.col("amount") * 1000)
    meta = {name: tiny_store.meta(name) for name in tiny_store.names()}
    tables = MemoryTables({**frames, "bars_1d": wrong_unit}, "thousandfold", meta)
    priced = replace(plain, backtest=replace(plain.backtest, fill="vwap"))
    summary = Run(priced, tables, tmp_path).execute()
    assert any("amount" in text for text in summary.warnings)
    page = Path(summary.report).read_text(encoding="utf-8")
    assert summary.warnings[0][:40] in page
