"""`superhet export`: a folder that another tool runs alone."""

from __future__ import annotations

import json

import polars as pl
import pytest
from books import book_of
from refused import assert_refused

from superhet.pipeline.backtest_market import whole_market
from superhet.pipeline.export_engines import TARGETS

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def weights(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.parquet"
    book_of(whole_market(tiny_store)).write_parquet(path)
    return path


@pytest.mark.parametrize("target", TARGETS)
def test_folder_holds_the_tape_the_program_and_how_it_is_run(
    target, weights, tiny_store, command, tmp_path
):
    out = tmp_path / target
    done = command(
        "export", target, "--weights", weights, "--store", tiny_store.path, "--out", out, "--json",
        "--quiet", "--capital", "2e7",
    )  # fmt: skip
    assert done.code == 0, done
    found = json.loads(done.out)
    assert {"README.md", "tape/"} <= set(found["files"])
    terms = json.loads((out / "tape" / "terms.json").read_text())
    assert terms["capital"] == 2e7
    assert pl.read_parquet(out / "tape" / "assets.parquet").height == found["assets"] == 12
    assert (
        pl.read_parquet(out / "tape" / "weights.parquet").height == pl.read_parquet(weights).height
    )


def test_a_study_hands_its_super_factor_to_vnpy(tiny_run, command, tmp_path):
    out = tmp_path / "vnpy"
    assert command("export", "vnpy", tiny_run.run_dir, "--out", out, "--quiet").code == 0
    assert (out / "lab" / "signal" / "super_factor.parquet").is_file()


def test_what_is_wrong_is_said_in_one_paragraph(weights, tiny_store, command, tmp_path):
    given = ("--weights", weights, "--store", tiny_store.path)

    def say(message, *arguments):
        assert_refused(command("export", *arguments, "--quiet"), message)

    out = ("--out", tmp_path / "o")
    say("unknown export target 'vnp'; did you mean 'vnpy'", "vnp", *given, *out)
    say("--out: is required", "vnpy", *given)
    say("give either a run folder, or --weights", "vnpy", *out)
    window = ("--set", "fill={bars: 15min, style: twap, start: '09:45', end: '11:00'}")
    say("fills inside the session", "backtrader", *given, *out, *window)
    (tmp_path / "o").mkdir(exist_ok=True)
    (tmp_path / "o" / "mine.txt").write_text("kept")
    say("is not empty", "backtrader", *given, *out)
