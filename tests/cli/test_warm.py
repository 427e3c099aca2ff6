"""`superhet doctor --warm`: every kernel is compiled beforehand, and what was compiled is told."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from books import book_of

from superhet.factors import OPERATORS
from superhet.factors.crossings import CROSSINGS, NEUTRALIZE
from superhet.factors.lower import Lowering
from superhet.factors.windows import NAMES as WINDOWS
from superhet.kernels.elementwise import ELEMENTWISE
from superhet.pipeline import warm
from superhet.pipeline.backtest_market import whole_market


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
    families = ["elementwise", "statements", "mining", "evaluation", "risk", "ledger"]
    assert [k["family"] for k in kernels] == families
    assert [k["dtype"] for k in kernels] == ["float32"] * 4 + ["float64"] * 2
    assert all(k["seconds"] >= 0 for k in kernels)
    assert "  compiling elementwise, float32" in done.err.splitlines()
    plain = command("doctor", "--warm", "--all", "-q")
    assert "kernels:\n  elementwise   float32" in plain.out
    assert "  mining        float64" in plain.out
    assert "  evaluation    float64" in plain.out
    assert plain.err == ""


COMPILED = """
import importlib, json, pkgutil, sys, warnings
import superhet.kernels

modules = [
    importlib.import_module(m.name)
    for m in pkgutil.iter_modules(superhet.kernels.__path__, "superhet.kernels.")
]

def signatures():
    return {
        f"{m.__name__}.{n}{s}"
        for m in modules
        for n, f in vars(m).items()
        if hasattr(f, "nopython_signatures")
        for s in f.signatures
    }

warnings.simplefilter("ignore")
"""

RISK = """
from superhet.pipeline.warm_risk import warm_risk

warm_risk()
before = signatures()
from dataclasses import replace
from pathlib import Path
from superhet.data import Store
from superhet.pipeline.risk import RiskChoice, fit_risk
from superhet.risk.factor_covariance import HORIZONS

HORIZONS["short"] = replace(HORIZONS["short"], eigen_draws=4)
store = Store.open(sys.argv[1])
for robust in (False, True):
    fit_risk(store, Path(sys.argv[2]) / str(robust), RiskChoice(robust=robust))
after = signatures()
print(json.dumps([len(before), sorted(s for s in after - before if ".risk_" in s or "style" in s)]))
"""


LEDGER = """
from superhet.pipeline.warm_ledger import warm_ledger

warm_ledger()
before = signatures()
from pathlib import Path
from superhet.data import Store
from superhet.pipeline.backtest import BacktestChoice, backtest, of_weights

def bars(style):
    return {"bars": "15min", "start": "09:45", "end": "11:00", "style": style}

store, frictions = Store.open(sys.argv[1]), {"spread": "high_low", "impact": 1.0}
for k, fill in enumerate(("open", "vwap", bars("vwap"), bars("participate"))):
    settings = {"fill": fill, "frictions": frictions, "lending": {"available": "volume"}}
    choice = BacktestChoice(settings=settings, languages=())
    out = Path(sys.argv[2]) / str(k)
    found = backtest(of_weights(store, Path(sys.argv[3]), choice), out, choice)
    assert found["native"]["trades"] > 10, found
after = signatures()
print(json.dumps([len(before), sorted(after - before)]))
"""


def compiled_after(script, *words):
    """Run in a process of its own: here, other tests have called kernels with whatever types they like."""
    done = subprocess.run(
        [sys.executable, "-c", COMPILED + script, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_first_risk_fit_compiles_no_kernel_of_risk_after_the_warm_up(tiny_store, tmp_path):
    count, compiled = compiled_after(RISK, tiny_store.path, tmp_path)
    assert count > 20
    assert compiled == []


@pytest.mark.slow
def test_a_first_backtest_compiles_no_kernel_after_the_warm_up(tiny_store, tmp_path):
    weights = tmp_path / "weights.parquet"
    book_of(whole_market(tiny_store)).write_parquet(weights)
    count, compiled = compiled_after(LEDGER, tiny_store.path, tmp_path / "out", weights)
    assert count >= 8  # what is on disk already counts only where it is called from outside
    assert compiled == []
