"""(b) Fourteen features, as Qlib's data server is usually measured, without any cache: superhet and pyqlib.

Qlib's paper names one of its fourteen (`Std($close, 5)/$close`); this list stands in for the others.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks._engine.panels import price_market, prices, qlib_task, sampled
from benchmarks._harness import Arrays, Part, Works, compare

FULL, SMALL = (3160, 800), (400, 96)
ASSETS_OF_QLIB = 100
OUTSIDE = {"qlib": "qlib_features.py"}
WORK, FIELDS = "(b) 14 features", 5
FORMULAS = {
    f"feature {i}": text
    for i, text in enumerate(
        [
            "$close/Ref($close, 1)-1",
            "($close-$open)/$open",
            "($high-$low)/$open",
            "Mean($close, 5)/$close",
            "Mean($close, 10)/$close",
            "Mean($close, 20)/$close",
            "Std($close, 5)/$close",
            "Std($close, 20)/$close",
            "Max($high, 20)/$close",
            "Min($low, 20)/$close",
            "Mean($volume, 5)/$volume",
            "Std($volume, 20)/Mean($volume, 20)",
            "Corr($close, $volume, 10)",
            "EMA($close, 12)/EMA($close, 26)-1",
        ]
    )
}


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each system."""
    return compare(sys.modules[__name__], SMALL if small else FULL, tables)


def inputs(size: Part) -> Arrays:
    """Make daily bars."""
    return prices(size)


def parts(size: Part) -> dict[str, Part]:
    """Give Qlib some of the assets."""
    return {"qlib": (size[0], min(ASSETS_OF_QLIB, size[1]))}


def tables(folder: Path) -> None:
    """Write Qlib's store, and what it is to compute."""
    qlib_task(folder, WORK, FORMULAS, ASSETS_OF_QLIB)


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed between float32 values."""
    return 1e-4


def moved(work: str, size: Part) -> float:
    """Give the bytes: each field read once, each output written once."""
    return 4.0 * (FIELDS + len(FORMULAS)) * size[0] * size[1]


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.factors import evaluate, parse

    market = price_market(arrays)

    def work() -> Any:
        formulas = {name: parse(text, "qlib") for name, text in FORMULAS.items()}
        return evaluate(formulas, market, convention="qlib", dtype="float32", threads=1)

    return {WORK: work}


kept = sampled
SYSTEMS = {"superhet": superhet}
