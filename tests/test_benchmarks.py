"""The benchmarks at a tiny size: they agree with their peers and give rows of one format. No time counts."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from superhet.risk.factor_covariance import HORIZONS

SIZES = {
    "evaluation": (60, 200),
    "cross_section": (45, 400),
    "formulas": (60, 40),
    "ledger": (60, 80),
    "risk": (300, 120),
}
FORMAT = {"work", "system", "seconds", "cpu_seconds", "peak_mb", "ratio"}


@pytest.fixture
def harness(monkeypatch, tmp_path):
    """The harness, with all systems in this process and no peer installed."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    harness = importlib.import_module("benchmarks._harness")
    monkeypatch.setattr(harness, "APART", False)
    monkeypatch.setattr(harness, "PEERS", tmp_path)
    monkeypatch.setattr(harness, "ENGINES", tmp_path)
    return harness


def run(name, monkeypatch, capsys):
    """Rows of `python -m benchmarks NAME --small --json` at the tiny size."""
    module = importlib.import_module(f"benchmarks.{name}")
    monkeypatch.setattr(module, "SMALL", SIZES[name])
    monkeypatch.setattr(sys, "argv", ["benchmarks", name, "--small", "--json"])
    assert importlib.import_module("benchmarks.__main__").main() == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["benchmark"] == name
    return printed["rows"]


@pytest.mark.parametrize("name", sorted(SIZES))
def test_peers_agree_and_every_row_has_the_format(name, harness, monkeypatch, capsys):
    if name == "ledger":  # one of them as it is run by hand: every system in a process of its own
        monkeypatch.setattr(harness, "APART", True)
    if name == "risk":
        few = replace(HORIZONS["short"], eigen_draws=20)
        monkeypatch.setitem(HORIZONS, "short", few)
    rows = run(name, monkeypatch, capsys)
    for row in rows:
        assert set(row) >= FORMAT
        assert row["cpu_seconds"] >= 0.0
        assert row["peak_mb"] > 0.0
    ours = [row for row in rows if row["system"] == "superhet"]
    assert {row["ratio"] for row in ours} == {1.0}
    assert len(rows) > len(ours) > 0


def test_a_peer_on_a_slice_says_so(harness, monkeypatch, capsys):
    module = importlib.import_module("benchmarks.cross_section")
    monkeypatch.setattr(module, "DATES", {"pandas": 45, "polars": 20, "numpy": 5, "numpy 64": 5})
    rows = run("cross_section", monkeypatch, capsys)
    noted = {row["system"]: "scaled" in row["work"] for row in rows}
    few = {"polars": True, "numpy": True, "numpy 64": True}
    assert noted == {"superhet": False, "pandas": False} | few


def test_a_missing_peer_costs_one_line(harness, monkeypatch, capsys):
    module = importlib.import_module("benchmarks.evaluation")
    monkeypatch.setattr(module, "SMALL", SIZES["evaluation"])
    rows = module.rows(small=True)
    assert "make peers" in capsys.readouterr().err
    assert "alphalens" not in {row["system"] for row in rows}


def test_numbers_that_disagree_stop_the_benchmark(harness, monkeypatch):
    module = importlib.import_module("benchmarks.formulas")
    wrong = {"ts_mean": lambda: {"x": np.zeros(SIZES["formulas"])}}
    monkeypatch.setattr(module, "SMALL", SIZES["formulas"])
    monkeypatch.setitem(module.SYSTEMS, "pandas", lambda arrays: wrong)
    with pytest.raises(harness.Disagreement, match="'ts_mean', x: pandas and superhet differ"):
        module.rows(small=True)


@pytest.fixture
def data_room(harness, monkeypatch):
    """The benchmark of the data room at a tiny size, its systems in this process."""
    module = importlib.import_module("benchmarks.data")
    monkeypatch.setattr(module, "SMALL", (90, 40))
    monkeypatch.setattr(module, "_run", module.child)
    return module


def test_the_systems_of_the_data_room_agree_without_peers(data_room, capsys):
    rows = data_room.rows(small=True)
    told = capsys.readouterr().err
    assert "without qlib" in told
    assert "without arcticdb" in told
    assert {row["system"] for row in rows} == {"superhet", "read()", "polars", "duckdb"}
    for row in rows:
        assert set(row) == FORMAT
        assert (row["ratio"] == 1.0) == (row["system"] == "superhet")


def test_a_panel_that_is_not_ours_stops_the_data_room(data_room, harness, monkeypatch):
    systems = importlib.import_module("benchmarks._data.systems").SYSTEMS
    wrong = {"load one field": lambda: {"close": np.zeros((90, 40))}}
    monkeypatch.setitem(systems, "polars", lambda folder: wrong)
    with pytest.raises(harness.Disagreement, match="'load one field', close: polars and superhet"):
        data_room.rows(small=True)


@pytest.mark.slow
@pytest.mark.parametrize("peer", ["qlib", "arcticdb"])
def test_the_peers_of_the_data_room_know_the_same(peer, data_room, harness, monkeypatch):
    monkeypatch.setattr(harness, "PEERS", Path(__file__).parents[1] / ".peers")
    if not (harness.PEERS / peer / ".done").exists():
        pytest.skip(f"{peer} is not installed; `make peers` installs it")
    monkeypatch.setattr(data_room, "OUTSIDE", {peer: data_room.OUTSIDE[peer]})
    works = {row["work"] for row in data_room.rows(small=True) if row["system"] == peer}
    assert len(works) == {"qlib": 1, "arcticdb": 3}[peer]
    assert all("(4 assets, scaled)" in work for work in works) == (peer == "qlib")
