"""Time gplearn on programs of its own with daily IC as fitness; runs in the environment `.peers/gplearn`.

Usage: gplearn_trees.py FOLDER, where FOLDER holds the fields and forward as .npy [dates, assets], and
trees.json with the name of the work and the number of trees. gplearn has elementwise functions only, so its
programs are cheaper than the trees of the others. Prints the rows as JSON.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import clock
import ic
import numpy as np
from gplearn.fitness import make_fitness
from gplearn.genetic import SymbolicRegressor

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
PROGRAMS = 100


def main(folder: Path) -> list[dict]:
    task = json.loads((folder / "trees.json").read_text())
    arrays = clock.arrays(folder, "gplearn")
    forward = np.nan_to_num(arrays["forward"])
    table = np.stack([arrays[name].ravel() for name in FIELDS], axis=1).astype(np.float64)

    def fitness(truth, told, weights):
        if len(told) != truth.size or truth.size != forward.size:
            return 0.0  # gplearn tries a metric on ten numbers
        found = ic.daily(told.reshape(forward.shape), truth.reshape(forward.shape))
        return float(abs(np.nanmean(found)))

    learner = SymbolicRegressor(
        population_size=PROGRAMS,
        generations=1,
        init_depth=(2, 5),
        function_set=("add", "sub", "mul", "div", "log", "abs", "neg", "max", "min"),
        metric=make_fitness(function=fitness, greater_is_better=True, wrap=False),
        stopping_criteria=9.0,
        random_state=0,
        n_jobs=1,
    )
    wall, cpu = time.perf_counter(), time.process_time()
    learner.fit(table, forward.ravel().astype(np.float64))
    told = {
        "work": task["work"],
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": clock.peak_mb(),
        "scale": task["count"] / PROGRAMS,
        "note": f" ({PROGRAMS} programs of its own without windows, scaled)",
    }
    clock.keep(folder, "gplearn", forward.shape, task["work"], {})
    return [told]


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = main(Path(sys.argv[1]))
    print(json.dumps(rows))
