"""(a) The 158 features of Alpha158, float32: superhet, pyqlib from its store, KunQuant compiled for them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks._engine.panels import price_market, prices, qlib_task, sampled
from benchmarks._harness import Arrays, Part, Works, compare

FULL, SMALL = (3160, 800), (400, 96)
ASSETS_OF_QLIB = 40
OUTSIDE = {"qlib": "qlib_features.py", "kunquant": "kunquant_alpha158.py"}
WORK, FIELDS, OUTPUTS = "(a) Alpha158", 6, 158


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each system."""
    return compare(sys.modules[__name__], SMALL if small else FULL, tables)


def inputs(size: Part) -> Arrays:
    """Make daily bars."""
    return prices(size)


def parts(size: Part) -> dict[str, Part]:
    """Give Qlib a few of the assets."""
    return {"qlib": (size[0], min(ASSETS_OF_QLIB, size[1]))}


def tables(folder: Path) -> None:
    """Write Qlib's store, and what the peers are to compute."""
    qlib_task(folder, WORK, "Alpha158", ASSETS_OF_QLIB)


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed between float32 values."""
    return 1e-3


def moved(work: str, size: Part) -> float:
    """Give the bytes: each field read once, each output written once."""
    return 4.0 * (FIELDS + OUTPUTS) * size[0] * size[1]


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.factors import evaluate, library

    market, formulas = price_market(arrays), {f.name: f for f in library("alpha158")}
    return {WORK: lambda: evaluate(formulas, market, dtype="float32", threads=1)}


kept = sampled
SYSTEMS = {"superhet": superhet}
