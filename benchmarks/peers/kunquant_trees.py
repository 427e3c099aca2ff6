"""Time KunQuant on random formulas and their daily IC; runs in the environment `.peers/kunquant`.

Usage: kunquant_trees.py FOLDER, where FOLDER holds the fields and forward as .npy [dates, assets], and
trees.json: the name of the work, the trees, how many the whole work has, and the first row to compare.
Compiling counts, g++ included, since every formula is new; the trees are built as one function, which shares
what they have in common. Prints the rows as JSON and leaves the ICs in FOLDER.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import clock
import ic
import kunquant_build
import numpy as np
from KunQuant import ops
from KunQuant.Op import Builder, Input, Output
from KunQuant.runner import KunRunner
from KunQuant.Stage import Function

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
ROLLING = {
    "mean": ops.WindowedAvg,
    "std": ops.WindowedStddev,
    "sum": ops.WindowedSum,
    "max": ops.WindowedMax,
    "min": ops.WindowedMin,
    "lag": ops.BackRef,
}
PAIRS = {
    "add": ops.Add,
    "subtract": ops.Sub,
    "multiply": ops.Mul,
    "divide": ops.Div,
    "maximum": ops.Max,
    "minimum": ops.Min,
}
LEFT_OUT = "corr"
"""Trees with it are timed and not compared: in float32 KunQuant's sums of products lose their digits."""


def main(folder: Path) -> list[dict]:
    task = json.loads((folder / "trees.json").read_text())
    arrays = clock.arrays(folder, "kunquant")
    forward = arrays["forward"]
    fields = {name: arrays[name] for name in FIELDS}
    wall, cpu = time.perf_counter(), spent()
    module = kunquant_build.compiled({"trees": function(task["trees"])}).getModule("trees")
    built = spent() - cpu
    found = correlations(module, fields, forward)
    told = {
        "work": task["work"],
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": spent() - cpu,
        "peak_mb": clock.peak_mb(),
        "scale": task["count"] / len(found),
        "note": f" ({len(found)} trees, {built / (spent() - cpu):.0%} of it g++, scaled)",
    }
    kept = {
        name: values[task["first"] : -2]
        for name, values in found.items()
        if LEFT_OUT not in json.dumps(task["trees"][int(name)])
    }
    clock.keep(folder, "kunquant", forward.shape, task["work"], kept)
    return [told]


def correlations(module, fields, forward):
    size = forward.shape
    names = module.getOutputNames()
    cube = np.zeros((len(names), *size), dtype=np.float32)
    outputs = {name: cube[i] for i, name in enumerate(names)}
    used = {name: fields[name] for name in FIELDS}
    executor = KunRunner.createSingleThreadExecutor()
    KunRunner.runGraph(executor, module, used, 0, size[0], outputs)
    return {name: ic.daily(outputs[name], forward) for name in names}


def function(trees) -> Function:
    builder = Builder()
    with builder:
        fields = {name: Input(name) for name in FIELDS}
        for i, tree in enumerate(trees):
            Output(built(tree, fields), f"{i}")
    return Function(builder.ops)


def built(tree, fields):
    if isinstance(tree, str):
        return fields[tree]
    word, *operands = tree
    below = [part if isinstance(part, int) else built(part, fields) for part in operands]
    x = below[0]
    if word in PAIRS:
        return PAIRS[word](*below)
    if word in ROLLING:
        return ROLLING[word](x, below[1])
    if word == "delta":
        return x - ops.BackRef(x, below[1])
    if word == "rank":
        return ops.TsRank(x, below[1]) / below[1]
    if word == "corr":
        return ops.WindowedCorrelation(x, below[2], below[1])
    return {"abs": ops.Abs, "negate": lambda a: 0 - a, "log": lambda a: ops.Log(ops.Abs(a) + 1)}[
        word
    ](x)


def spent():
    """CPU seconds of this process and of the compilers it has run."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
