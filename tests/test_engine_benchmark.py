"""The engine benchmark at a tiny size: its parts agree with polars, pandas and numpy. No time counts."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

SIZES = {
    "alpha158": (140, 32),
    "fourteen": (140, 32),
    "whole": (140, 32),
    "cross": (6, 600),
    "minutes": (480, 20),
    "mining": (340, 60),
}


@pytest.fixture
def harness(monkeypatch, tmp_path):
    """The harness, with all systems in this process and no peer installed."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))
    harness = importlib.import_module("benchmarks._harness")
    monkeypatch.setattr(harness, "APART", False)
    monkeypatch.setattr(harness, "PEERS", tmp_path)
    monkeypatch.setattr(harness, "bandwidth", lambda: 1e10)
    return harness


def part(name, monkeypatch):
    module = importlib.import_module(f"benchmarks._engine.{name}")
    monkeypatch.setattr(module, "SMALL", SIZES[name])
    if hasattr(module, "WARM"):
        monkeypatch.setattr(module, "WARM", SIZES[name])
    if name == "mining":
        monkeypatch.setattr(module, "COUNT", 60)
    return module


@pytest.mark.parametrize("name", sorted(SIZES))
def test_a_part_agrees_with_its_peers_and_knows_its_limit(name, harness, monkeypatch):
    rows = part(name, monkeypatch).rows(small=True)
    for row in rows:
        assert row["cpu_seconds"] >= 0.0
        assert row["peak_mb"] > 0.0
        assert row["limit"] > 0.0
    assert {row["ratio"] for row in rows if row["system"] == "superhet"} == {1.0}


def test_every_part_is_in_the_benchmark(harness):
    engine = importlib.import_module("benchmarks.engine")
    assert {module.__name__.rsplit(".", 1)[-1] for module in engine.PARTS} == set(SIZES)


def test_trees_are_drawn_alike_every_time_and_can_be_read(harness):
    from superhet.factors import parse

    trees = importlib.import_module("benchmarks._engine.trees")
    drawn = trees.trees(200)
    assert drawn == trees.trees(200)
    assert max(parse(trees.text(tree)).depth for tree in drawn) > 4
    assert trees.text(["delta", ["log", "close"], 5]) == "ts_delta(log(abs(close) + 1), 5)"
    assert trees.fields_of(["corr", "close", ["abs", "volume"], 5]) == {"close", "volume"}
