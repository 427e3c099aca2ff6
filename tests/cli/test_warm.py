"""`superhet doctor --warm`: every kernel is compiled beforehand, and what was compiled is told."""

from __future__ import annotations

import json

from superhet.factors import OPERATORS
from superhet.factors.crossings import CROSSINGS, NEUTRALIZE
from superhet.factors.lower import Lowering
from superhet.factors.windows import NAMES as WINDOWS
from superhet.kernels.elementwise import ELEMENTWISE
from superhet.pipeline import warm


def test_the_warm_up_touches_every_kernel():
    lowering = Lowering()
    for family in warm.FAMILIES:
        for formula in warm.calls(family):
            for convention in ("superhet", "qlib", "pandas"):
                lowering.output(formula, convention)
    steps = {(n.kind, n.op) for n in lowering.graph.nodes}
    assert {("window", n) for n in WINDOWS} <= steps
    assert {("cross", n) for n in (*CROSSINGS, NEUTRALIZE)} <= steps
    assert {("element", n) for n in ELEMENTWISE} <= steps
    called = {n.word for f in warm.FAMILIES for c in warm.calls(f) for n in c.walk()}
    assert set(OPERATORS) <= called


def test_the_doctor_warms_up_family_by_family(command, monkeypatch):
    monkeypatch.setattr(warm, "FAMILIES", ("elementwise", "statements"))
    done = command("doctor", "--warm", "--json")
    assert done.code == 0, done.err
    kernels = json.loads(done.out)["kernels"]
    assert [k["family"] for k in kernels] == ["elementwise", "statements", "mining", "evaluation"]
    assert all(k["dtype"] == "float32" and k["seconds"] >= 0 for k in kernels)
    assert "  compiling elementwise, float32" in done.err.splitlines()
    plain = command("doctor", "--warm", "--all", "-q")
    assert "kernels:\n  elementwise   float32" in plain.out
    assert "  mining        float64" in plain.out
    assert "  evaluation    float64" in plain.out
    assert plain.err == ""
