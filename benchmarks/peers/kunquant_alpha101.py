"""Compute KunQuant's own Alpha101 in float64; runs in the environment `.peers/kunquant` and needs g++.

Usage: kunquant_alpha101.py INPUTS.npz OUTPUTS.npz, where INPUTS holds open, high, low, close, volume and vwap
[dates, assets], float64, without holes, assets a multiple of 8. OUTPUTS gets one array of the same size for
each alpha that KunQuant defines, named alpha001 and so on, NaN where it has no value.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from KunQuant.Driver import KunCompilerConfig
from KunQuant.jit import cfake
from KunQuant.Op import Builder, Input, Output
from KunQuant.predefined import Alpha101
from KunQuant.runner import KunRunner
from KunQuant.Stage import Function

FIELDS = ("open", "high", "low", "close", "volume", "vwap")


def main(inputs: Path, outputs: Path) -> None:
    with np.load(inputs) as held:
        arrays = {name: np.ascontiguousarray(held[name], dtype=np.float64) for name in FIELDS}
    library = compiled()
    module = library.getModule("alpha101")
    size = arrays["close"].shape
    found = {name: np.empty(size) for name in module.getOutputNames()}
    executor = KunRunner.createSingleThreadExecutor()
    KunRunner.runGraph(executor, module, arrays, 0, size[0], found)
    np.savez(outputs, **found)


def compiled():
    config = KunCompilerConfig(
        dtype="double",
        partition_factor=4,
        input_layout="TS",
        output_layout="TS",
        # its running sums lose digits, in double too; without them each window is summed anew
        options={"opt_reduce": False, "fast_log": False, "no_fast_stat": True},
    )
    # -O1: the numbers are computed once, and g++ is most of the time; a contracted product would not be
    # rounded, and x - x would not be 0
    machine = cfake.CppCompilerConfig(opt_level=1, other_flags=("-ffp-contract=off",))
    return cfake.compileit([("alpha101", alphas(), config)], "superhet_alpha101", machine)


def alphas() -> Function:
    builder = Builder()
    with builder:
        data = Alpha101.AllData(**{name: Input(name) for name in FIELDS})
        for formula in Alpha101.all_alpha:
            Output(formula(data), formula.__name__)
    return Function(builder.ops)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
