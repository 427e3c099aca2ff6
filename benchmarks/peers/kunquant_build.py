"""Compile KunQuant functions to float32 with the widest vectors of this processor."""

from __future__ import annotations

from pathlib import Path

from KunQuant.Driver import KunCompilerConfig
from KunQuant.jit import cfake


def compiled(functions):
    """Compile functions by name; time-major arrays, its own recommended partition."""
    status = Path("/proc/cpuinfo")
    wide = status.exists() and "avx512dq" in status.read_text()
    config = KunCompilerConfig(
        dtype="float",
        blocking_len=16 if wide else 8,
        partition_factor=4,
        input_layout="TS",
        output_layout="TS",
        options={"opt_reduce": True, "fast_log": True},
    )
    flags = {"avx512": True, "avx512dq": True, "avx512vl": True} if wide else {}
    machine = cfake.CppCompilerConfig(machine=cfake.X64CPUFlags(**flags))
    wanted = [(name, function, config) for name, function in functions.items()]
    return cfake.compileit(wanted, f"superhet_{next(iter(functions))}", machine)
