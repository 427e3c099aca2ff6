"""Results go to standard output, one JSON value with --json; everything else goes to standard error."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge
from refused import assert_refused

from superhet.errors import ConfigError, TooFewAssets, UnknownName
from superhet.panel import Market, Panel
from superhet.preprocess import TRANSFORMERS
from superhet.version import __version__

CONTRACT = {"run_id", "run_dir", "report", "stages", "metrics", "seconds"}
METRICS = {
    "oos_rank_ic", "oos_icir", "oracle_share", "gross_sharpe", "net_sharpe", "annual_turnover",
    "max_abs_industry_net", "max_abs_size_exposure",
}  # fmt: skip
STAGES = ["data", "signals", "clean", "synthesis", "portfolio", "backtest", "attribution"]


@pytest.fixture(scope="session")
def runs(tiny_run):
    """The folder of runs with the finished run of the tiny study."""
    return Path(tiny_run.run_dir).parent


def test_a_run_prints_the_contract_and_nothing_else(command, study_file, tmp_path):
    done = command("run", study_file(audit={"dates": 1}), "--runs", tmp_path / "runs", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert set(found) >= CONTRACT
    assert set(found["metrics"]) >= METRICS
    assert list(found["stages"]) == [*STAGES, "audit"]
    assert all(re.fullmatch(r"[0-9a-f]{16}", digest) for digest in found["stages"].values())
    assert Path(found["run_dir"]).name == found["run_id"]
    assert Path(found["report"]).read_text(encoding="utf-8").startswith("<!")
    assert isinstance(found["seconds"], float)
    assert found["audit"] == "pass"
    assert 0 < found["metrics"]["max_abs_industry_net"] <= 1e-10
    assert 0 < found["metrics"]["max_abs_size_exposure"] <= 1e-10
    assert all(line.startswith("  ") for line in done.err.splitlines()), "progress, one line a step"
    assert "  signals" in done.err.splitlines()


def test_what_is_not_known_is_null(command, study_file, tiny_store, tmp_path):
    import shutil

    from superhet.testing.studies import tiny_study, write_study

    real = shutil.copytree(tiny_store.path, tmp_path / "store")
    shutil.rmtree(real / "truth")
    study = tiny_study(real, audit=None, market={"simulate": None})
    file = write_study(tmp_path / "real.yaml", study)
    done = command("run", file, "--runs", tmp_path / "runs", "--quiet", "--json")
    found = json.loads(done.out, parse_constant=pytest.fail)
    assert found["metrics"]["oracle_share"] is None
    assert found["audit"] is None


def test_for_a_person_a_run_prints_a_few_lines(command, study_file, tmp_path):
    done = command("run", study_file(), "--runs", tmp_path, "--quiet")
    assert done.code == 0
    assert done.err == ""
    for word in ("RankIC", "ICIR", "Sharpe gross / net", "turnover", "industry net", "report"):
        assert word in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("data", "info", "--store", "STORE"),
        ("data", "check", "--store", "STORE"),
        ("factor", "list"),
        ("factor", "list", "daily"),
        ("factor", "list", "alpha158", "--lang", "zh"),
        ("factor", "show", "ts_mean(returns, 5)"),
        ("factor", "show", "alpha158.MA5", "--lang", "zh"),
        ("factor", "eval", "ts_mean(returns, 5)", "--store", "STORE", "--out", "OUT"),
        ("factor", "eval", "bar_sum(volume)", "--store", "STORE"),
        ("factor", "eval", "--library", "daily", "--pick", "reversal_5", "--store", "STORE"),
        ("runs", "list", "--runs", "RUNS"),
        ("runs", "show", "tiny", "--runs", "RUNS"),
        ("runs", "compare", "tiny", "tiny", "--runs", "RUNS"),
        ("schema",),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_every_command_prints_one_json_value(arguments, command, tiny_store, runs, tmp_path):
    places = {"STORE": tiny_store.path, "RUNS": runs, "OUT": tmp_path / "values.parquet"}
    done = command(*(places.get(a, a) for a in arguments), "--json")
    assert done.code == 0, done.err
    json.loads(done.out, parse_constant=pytest.fail)
    plain = command(*(places.get(a, a) for a in arguments))
    assert plain.code == 0, plain.err
    assert plain.out.strip()


def test_a_simulation_and_an_import_print_one_json_value(command, tmp_path):
    made = command(
        "data", "simulate", "--store", tmp_path / "s", "--assets", "20", "--years", "0.25",
        "--bars", "none", "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    found = json.loads(made.out)
    assert found["tables"]["bars_1d"]["rows"] > 0
    assert "bars_15min" not in found["tables"]
    assert made.err, "progress"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "calendar.csv").write_text("date\n2020-01-02\n")
    done = command(
        "data", "import", "--path", tmp_path / "in", "--store", tmp_path / "other", "--json"
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["tables"][0]["written"] == 1


def test_the_schema_is_one_json_object_even_without_asking(command):
    assert json.loads(command("schema").out)["title"] == "superhet study"


def test_values_of_a_formula_can_be_taken_elsewhere(command, tiny_store, tmp_path):
    import polars as pl

    out = tmp_path / "values.parquet"
    done = command("factor", "eval", "returns", "--store", tiny_store.path, "--out", out, "--json")
    found = json.loads(done.out)
    frame = pl.read_parquet(out)
    assert frame["date"].max().isoformat() == found["last_date"]
    assert frame.columns == ["date", "asset", "returns"]
    last = frame.filter(frame["date"] == frame["date"].max())
    assert found["last"] == dict(zip(last["asset"], last["returns"], strict=True))


def test_a_formula_that_cannot_be_read_is_refused_everywhere(command, tiny_store):
    for words in (("show",), ("eval", "--store", tiny_store.path)):
        done = command("factor", words[0], "ts_mean(close", *words[1:], "--json")
        assert_refused(done, r"column 14")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nope",), "No such command 'nope'"),
        (("run",), "Missing argument"),
        (("run", "x.yaml", "--nope"), "No such option: --nope"),
        (("data", "simulate"), "Missing option '--store'"),
        (("data", "simulate", "--store", "s", "--assets", "many"), "Invalid value for '--assets'"),
        (("runs", "compare", "a"), "Missing argument"),
    ],
)
def test_wrong_usage_ends_with_2_on_standard_error(arguments, message, command):
    done = command(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert "Usage: superhet" in done.err
    assert message in done.err


def test_an_unknown_run_is_refused_with_those_that_exist(command, runs, tmp_path):
    assert_refused(
        command("runs", "show", "tyni", "--runs", runs), r"unknown run 'tyni'; known: tiny-"
    )
    assert_refused(command("runs", "show", "x", "--runs", tmp_path), r"unknown run 'x'")


def test_version_and_help_end_with_0(command):
    assert command("--version").out.strip() == __version__
    for words in ((), ("run",), ("audit",), ("data",), ("factor",), ("runs",), ("data", "import")):
        done = command(*words, "--help")
        assert done.code == 0
        assert "Usage: superhet" in done.out


@pytest.fixture
def raising(monkeypatch, study_file):
    """A study whose last transformer raises this error, in a worker of the pool."""
    monkeypatch.setattr(TRANSFORMERS, "_known", dict(TRANSFORMERS._known))

    def study(error: BaseException):
        @TRANSFORMERS.add("raising")
        @dataclass(kw_only=True, frozen=True)
        class Raising:
            share: Annotated[float, Ge(0)] = 0.5

            def __post_init__(self) -> None:
                if self.share > 1:
                    raise ConfigError("share", f"must be at most 1 (got {self.share})")

            def transform(self, signal: Panel, market: Market) -> Panel:
                raise error

        return study_file(preprocess=["raising"])

    return study


def test_an_error_inside_a_worker_comes_out_as_it_is(command, raising, tmp_path):
    file = raising(TooFewAssets("neutralize x", "2018-03-01", 12, 30))
    done = command("run", file, "--runs", tmp_path, "--quiet", "--json")
    assert_refused(done, r"^neutralize x: 2018-03-01 has 12 valid names, at least 30 are needed")


def test_an_error_with_its_own_arguments_survives_the_pool(command, raising, tmp_path):
    file = raising(UnknownName("exposure", "sise", ["size"], "preprocess[0]"))
    done = command("run", file, "--runs", tmp_path, "--quiet", "--json")
    assert_refused(done, r"^preprocess\[0\]: unknown exposure 'sise'; did you mean 'size'\?")


def test_an_error_inside_pydantic_comes_out_with_its_path(command, raising, study_file):
    raising(ValueError())
    file = study_file(preprocess=[{"raising": {"share": 2}}])
    assert_refused(
        command("run", file), r"^preprocess\[0\].raising.share: must be at most 1 \(got 2"
    )
    file = study_file(preprocess=[{"raising": {"share": -1}}])
    assert_refused(command("run", file), r"^preprocess\[0\].raising.share: must be at least 0")


def test_debug_shows_where_it_happened(raising, tmp_path, command):
    file = raising(TooFewAssets("x", "2018-03-01", 12, 30))
    with pytest.raises(TooFewAssets):
        command("run", file, "--runs", tmp_path, "--quiet", "--debug")


def test_a_fault_of_ours_is_not_dressed_up_as_the_users(raising, tmp_path, command):
    with pytest.raises(ZeroDivisionError):
        command("run", raising(ZeroDivisionError()), "--runs", tmp_path, "--quiet")


def test_ctrl_c_says_that_finished_stages_are_kept(raising, tmp_path, command):
    done = command("run", raising(KeyboardInterrupt()), "--runs", tmp_path, "--quiet")
    assert done.code == 130
    assert "interrupted; finished stages are kept (--resume)" in done.err


def test_a_folder_that_may_not_be_written_is_refused(command, study_file, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = command("run", study_file(), "--runs", blocked / "runs", "--quiet")
    assert_refused(done, r"file.*: (Not a directory|File exists)")


def test_messages_go_to_standard_error_when_asked_for(command, study_file, tmp_path):
    done = command("--verbose", "run", study_file(), "--runs", tmp_path, "--quiet", "--json")
    json.loads(done.out)
    assert re.search(r"I signals: computed in .* s, hash [0-9a-f]{16}", done.err)
    assert logging.getLogger("superhet").propagate is False


def test_a_real_process_keeps_the_two_streams_apart(tmp_path):
    words = ("data", "simulate", "--store", str(tmp_path / "store"), "--assets", "20", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "superhet.cli.main", *words, "--years", "0.25"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tables"]["bars_15min"]["rows"] > 0
    assert "  prices" in done.stderr.splitlines()
    assert "Warning" not in done.stderr
