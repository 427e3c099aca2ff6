"""Time KunQuant's own Alpha158 on float32; runs in the environment `.peers/kunquant` and needs g++.

Usage: kunquant_alpha158.py FOLDER, where FOLDER holds open, high, low, close, volume and amount as .npy
[dates, assets] and formulas.json with the name of the work and the rows to keep. Prints the rows as JSON and
leaves the numbers in FOLDER. Building the library (g++) is not timed; its seconds go to standard error.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import clock
import kunquant_build
import numpy as np
from KunQuant.Op import Builder, Input, Output
from KunQuant.predefined.Alpha158 import AllData
from KunQuant.runner import KunRunner
from KunQuant.Stage import Function

FIELDS = ("open", "high", "low", "close", "volume", "amount")
LEFT_OUT = ("BETA", "RSQR", "RESI")
"""Families that are timed and not compared: in float32 KunQuant's regression sums lose all their digits."""


def main(folder: Path) -> list[dict]:
    task = json.loads((folder / "formulas.json").read_text())
    arrays = {name: a for name, a in clock.arrays(folder, "kunquant").items() if name in FIELDS}
    begun = time.perf_counter()
    library = kunquant_build.compiled({"alpha158": alpha158()})
    print(f"KunQuant: {time.perf_counter() - begun:.0f} s of g++", file=sys.stderr)
    module = library.getModule("alpha158")
    names = module.getOutputNames()
    size = next(iter(arrays.values())).shape
    cube = np.zeros((len(names), *size), dtype=np.float32)
    outputs = {name: cube[i] for i, name in enumerate(names)}
    executor = KunRunner.createSingleThreadExecutor()
    told, _ = clock.row(
        lambda: KunRunner.runGraph(executor, module, arrays, 0, size[0], outputs), task["work"]
    )
    rows = np.array(task["rows"])
    kept = {name: cube[i, rows] for i, name in enumerate(names) if not name.startswith(LEFT_OUT)}
    clock.keep(folder, "kunquant", size, task["work"], kept)
    return [told]


def alpha158() -> Function:
    builder = Builder()
    with builder:
        data = AllData(**{name: Input(name) for name in FIELDS})
        prices = [(n, getattr(data, n.lower())) for n in ("OPEN", "HIGH", "LOW", "VWAP")]
        values, names = data.build(
            {
                "kbar": {},
                "price": {"windows": [0], "feature": prices},
                "rolling": {"windows": [5, 10, 20, 30, 60]},
            }
        )
        for value, name in zip(values, names, strict=True):
            Output(value, name)
    return Function(builder.ops)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
