"""Every bad study ends with exit code 2 and one paragraph; nothing that was there before is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from refused import assert_refused, contents

from superhet.testing.studies import tiny_study, write_study


@pytest.fixture(scope="session")
def earlier(tiny_run):
    """The folder of a run that finished before, and its contents."""
    folder = Path(tiny_run.run_dir)
    return folder, contents(folder)


@pytest.fixture
def untouched(tiny_store, earlier):
    """Hold store and earlier run against what they were, after the test."""
    before = contents(tiny_store.path)
    yield
    assert contents(tiny_store.path) == before
    folder, files = earlier
    assert contents(folder) == files


def signal(formula: str, **more: object) -> list[dict[str, object]]:
    return [{"name": "x", "formula": formula, **more}]


STUDIES = {
    "unknown key": (
        {"market": {"univers": "all"}},
        r"market: unknown key 'univers'; did you mean 'universe'\?",
    ),
    "unknown key at the top": (
        {"portfoli": {}},
        r"unknown key 'portfoli'; did you mean 'portfolio'\?",
    ),
    "unknown key of a component": (
        {"preprocess": [{"winsorize": {"madd": 5}}]},
        r"preprocess\[0\].winsorize: unknown key 'madd'; did you mean 'mad'\?",
    ),
    "unknown component": (
        {"preprocess": ["winsorise"]},
        r"preprocess\[0\]: unknown transformer 'winsorise'; did you mean 'winsorize'\?",
    ),
    "unknown synthesizer": (
        {"synthesis": {"model": "rigde"}},
        r"synthesis.model: unknown synthesizer 'rigde'; did you mean 'ridge'\?",
    ),
    "unknown library": (
        {"signals": [{"library": "dayly"}]},
        r"signals\[0\].library: unknown library 'dayly'; did you mean 'daily'\?",
    ),
    "unknown formula of a library": (
        {"signals": [{"library": "daily", "pick": ["reversal_6"]}]},
        r"signals\[0\].pick: unknown formula of library 'daily' 'reversal_6'; did you mean",
    ),
    "unknown attribution": (
        {"attribution": ["sector"]},
        r"attribution\[0\]: must be one of industry, side, size, cost \(got 'sector'\)",
    ),
    "value out of range": (
        {"preprocess": [{"winsorize": {"mad": -1}}]},
        r"preprocess\[0\].winsorize.mad: must be above 0 \(got -1\)",
    ),
    "value of the wrong kind": (
        {"synthesis": {"target": {"horizon": "soon"}}},
        r"synthesis.target.horizon: must be a whole number \(got 'soon'\)",
    ),
    "value deep inside a section": (
        {"market": {"simulate": {"assets": 5}}},
        r"market.simulate.assets: must be at least 10 \(got 5\)",
    ),
    "no such word": (
        {"backtest": {"fill": "noon"}},
        r"backtest.fill: must be .*'open'.* \(got 'noon'\)",
    ),
    "seed": ({"seed": -1}, r"seed: must be a whole number of at least 0 \(got -1\)"),
    "no date": (
        {"market": {"start": "soon"}},
        r"market.start: must be a date like 2018-01-31 \(got 'soon'\)",
    ),
    "dates the wrong way round": (
        {"market": {"start": "2019-01-01", "end": "2018-06-01"}},
        r"market.start: lies after market.end",
    ),
    "no duration": (
        {"synthesis": {"folds": {"train": "2x"}}},
        r"synthesis.folds.train: '2x' is not a duration; write a number and one of d, w, m, q, y",
    ),
    "no clock": ({"mix": {"clock": "3x"}}, r"mix.clock: must be like \"1d\".*\(got '3x'\)"),
    "missing section": ({"portfolio": None}, r"portfolio: is required"),
    "formula syntax": (
        {"signals": signal("ts_mean(close, 5")},
        r"x: expected '\)' or ',' .* \(column 17\)\n  ts_mean\(close, 5\n {18}\^",
    ),
    "unknown operator": (
        {"signals": signal("ts_maen(close, 5)")},
        r"x: unknown function 'ts_maen'; did you mean 'ts_mean' .*\(column 1\)",
    ),
    "unknown field": (
        {"signals": signal("ts_mean(clsoe, 5)")},
        r"x: unknown field 'clsoe'; did you mean 'close'\? \(column 9\)",
    ),
    "a lag that looks ahead": (
        {"signals": signal("ts_lag(close, -1)")},
        r"x: ts_lag\(close, -1\) reads the future; a lag is positive .*\(column 15\)",
    ),
    "a window that looks ahead": (
        {"signals": signal("ts_return(close, -5)")},
        r"x: ts_return\(close, -5\) reads the future",
    ),
    "two signals of one name": (
        {"signals": signal("close") + signal("open")},
        r"signals\[1\]: the name 'x' is used twice",
    ),
    "unknown index": (
        {"market": {"universe": "999999.SH"}},
        r"market.universe.index: unknown index '999999.SH'; known: SIM, all",
    ),
    "an empty universe": (
        {"market": {"universe": {"new_listing": 100_000}}},
        r"universe: nobody can be traded on any date; .* 'new_listing' excludes the last one .*"
        r"Relax universe.new_listing, widen the index, or load a longer period",
    ),
    "dates beyond the data": (
        {"market": {"start": "2030-01-01"}},
        r"market.start: no session of the data lies between 2030-01-01 and the last day. Choose",
    ),
    "too few names to trade": (
        {"market": {"universe": {"illiquid": 0.7}}},
        r"portfolio of 'super_factor': \d{4}-\d\d-\d\d has \d\d valid names, at least 30 are needed. "
        "Widen the universe or start later; or lower `min_names`, or .* `when_few: hold`",
    ),
    "all signals missing": (
        {"signals": signal("ts_lag(close, 1000)")},
        r"signal 'x' has no value on any date. .*look-back",
    ),
    "too short for one fold": (
        {"synthesis": {"folds": {"train": "2y"}}},
        r"synthesis.folds: 304 dates are too few for one fold: .* Shorten train or load more history",
    ),
    "another recipe": (
        {"market": {"simulate": {"assets": 71}}},
        r"market.simulate: the store .* was made by another recipe. Give `market.store` another name",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", STUDIES)
def test_a_bad_study_is_refused_in_one_paragraph(case, command, study_file, tmp_path, untouched):
    changes, message = STUDIES[case]
    ended = command("run", study_file(**changes), "--runs", tmp_path / "runs", "--quiet", "--json")
    assert_refused(ended, message)


def test_a_refused_study_is_refused_the_same_way_again(command, study_file, tmp_path):
    file = study_file(signals=signal("ts_mean(clsoe, 5)"))
    first = command("run", file, "--runs", tmp_path, "--quiet")
    assert command("run", file, "--runs", tmp_path, "--quiet") == first
    (row,) = json.loads(command("runs", "list", "--runs", tmp_path, "--json").out)
    assert row["status"] == "failed"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"market: [", r"study.yaml: not valid YAML: while parsing"),
        ("name: 因子".encode("gbk"), r"study.yaml: not UTF-8 .* at byte 6\). Save it as UTF-8"),
        (b"- 1", r"study.yaml: expected keys and values at the top, got list"),
        (b"a: !!python/object:os.system {}", r"study.yaml: not valid YAML: could not determine"),
    ],
)
def test_a_file_that_is_no_study_is_refused(content, message, command, tmp_path):
    file = tmp_path / "study.yaml"
    file.write_bytes(content)
    assert_refused(command("run", file, "--runs", tmp_path), message)


def test_a_study_that_is_not_there_is_refused(command, tmp_path):
    ended = command("run", tmp_path / "nowhere.yaml")
    assert_refused(
        ended, r"nowhere.yaml: no such configuration file. Check the path, or start from"
    )
    assert_refused(command("run", tmp_path), r"cannot be read as a configuration: Is a directory")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("market", r"override 'market': write section.key=value"),
        ("market.universe=: [", r"override 'market.universe=: \[': ': \[' is not a YAML value"),
        ("market.univers=all", r"market: unknown key 'univers'; did you mean 'universe'\?"),
        ("synthesis.target.delay=0", r"synthesis.target.delay: must be at least 1 \(got 0\)"),
    ],
)
def test_a_bad_override_is_refused(override, message, command, study_file, untouched):
    assert_refused(command("run", study_file(), override, "--quiet"), message)


def test_a_store_that_is_not_there_is_refused(command, tmp_path):
    study = tiny_study(tmp_path / "nowhere", market={"simulate": None})
    file = write_study(tmp_path / "study.yaml", study)
    message = r"store .*nowhere: there is no store here. Make one .*superhet data simulate --store"
    assert_refused(command("run", file, "--runs", tmp_path), message)
    assert_refused(command("data", "info", "--store", tmp_path / "nowhere"), message)


def test_an_interrupted_run_asks_whether_to_go_on_or_start_over(
    command, study_file, tmp_path, untouched
):
    file = study_file()
    run = command("run", file, "--runs", tmp_path / "runs", "--quiet", "--json")
    folder = Path(json.loads(run.out)["run_dir"])
    note = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(
        json.dumps({**note, "status": "running", "pid": _no_process()})
    )
    before = contents(folder)
    ended = command("run", file, "--runs", tmp_path / "runs", "--quiet", "--json")
    assert_refused(
        ended, r"earlier run .* was interrupted. Go on with --resume, or start over with --fresh"
    )
    assert contents(folder) == before


def test_a_run_that_another_process_is_working_on_is_left_alone(command, study_file, tmp_path):
    file = study_file()
    run = command("run", file, "--runs", tmp_path / "runs", "--quiet", "--json")
    folder = Path(json.loads(run.out)["run_dir"])
    note = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**note, "status": "running", "pid": os.getppid()}))
    for extra in ((), ("--resume",), ("--fresh",)):
        ended = command("run", file, "--runs", tmp_path / "runs", "--quiet", *extra)
        assert_refused(ended, rf"process {os.getppid()} is working on this run now. Wait for it")


def _no_process() -> int:
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    return int(done.stdout)
