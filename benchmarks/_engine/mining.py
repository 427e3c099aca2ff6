"""(f) Mining: a thousand random formulas and the daily IC of each; superhet, KunQuant, gplearn.

KunQuant compiles every formula, and that counts: a miner cannot know its formulas before. It gets the first
of the trees. gplearn draws programs of its own without any window, as it has none; its IC is the same numpy
function as KunQuant's. IC is the correlation with the return from the next close to the one after.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._engine.panels import price_market, prices
from benchmarks._engine.trees import fields_of, text, trees
from benchmarks._harness import Arrays, Part, Works, compare

FULL, SMALL = (1250, 800), (500, 96)
COUNT, COMPARED, FIRST = 1000, 40, 320
OUTSIDE = {"kunquant": "kunquant_trees.py", "gplearn": "gplearn_trees.py"}
WORK = f"(f) {COUNT:,} trees and their IC"


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each system, with trees a CPU second."""
    found = compare(sys.modules[__name__], SMALL if small else FULL, tables)
    for row in found:
        row["trees_per_second"] = COUNT / row["cpu_seconds"]
        row["work"] += f", {row['trees_per_second']:.0f} a second"
    return found


def inputs(size: Part) -> Arrays:
    """Make daily bars and the returns to be foretold."""
    made = prices(size, seed=11)
    forward = np.full(size, np.nan, dtype=np.float32)
    forward[:-2] = made["close"][2:] / made["close"][1:-1] - 1.0
    return made | {"forward": forward}


def parts(size: Part) -> dict[str, Part]:
    """Give every system all of the data."""
    return {}


def tables(folder: Path) -> None:
    """Write the trees."""
    task = {"work": WORK, "count": COUNT, "first": FIRST, "trees": trees(COUNT)[:COMPARED]}
    (folder / "trees.json").write_text(json.dumps(task))


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed between correlations of float32 values."""
    return 1e-3


def moved(work: str, size: Part) -> float:
    """Give the bytes: for each tree its fields and the returns read once; nothing is written."""
    return 4.0 * sum(len(fields_of(tree)) + 1 for tree in trees(COUNT)) * size[0] * size[1]


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it: from texts to scores, nothing kept from an earlier call."""
    from superhet.factors import parse
    from superhet.factors.screen import Screen

    market = price_market(arrays)
    texts = [text(tree) for tree in trees(COUNT)]

    def work() -> Arrays:
        screen = Screen(market, market["forward"], dtype="float32", threads=1)
        scores = screen.score([parse(formula) for formula in texts])
        return {f"{i}": ic for i, ic in enumerate(scores.ic)}

    return {WORK: work}


def kept(found: Any) -> Arrays:
    """Give the ICs of the first trees, from the date on which all windows are full."""
    return {f"{i}": found[f"{i}"][FIRST:-2] for i in range(COMPARED)}


SYSTEMS = {"superhet": superhet}
