"""The data room: from a store to a Market, one more day, and statements as of each day; against peers.

Eight fields of daily bars are loaded as panels, the first time after a write (from Parquet, which the peers
read, too) and again (from the panels that the store keeps). `read()` reads the bytes of those panels from
the page cache and adds them up: less cannot be done. The as-of join puts the newest of 40 quarters on every
day of every asset; polars and DuckDB get it as one `join_asof` and one `ASOF JOIN`, which find the same as
long as periods are announced in order. Qlib is asked `P(...)` of point-in-time files that superhet exported,
for a few assets, and its time is scaled. ArcticDB (LMDB) holds each field as one wide frame, and appends a
row to each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._data.make import make
from benchmarks._data.peers import OUTSIDE, check_pit, prepare
from benchmarks._data.systems import SYSTEMS
from benchmarks._harness import (
    ONE_THREAD,
    OURS,
    ROOT,
    Disagreement,
    peak_mb,
    run_outside,
    timed,
)

FULL, SMALL = (2500, 5000), (250, 1000)
CARRIED = {"adjust_factor", "float_shares"}  # superhet carries these over missing days


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each work and system."""
    size = SMALL if small else FULL
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make(folder, *size)
        found = {name: _run(name, folder) for name in SYSTEMS}
        prepare(folder)
        for name, script in OUTSIDE.items():
            done = run_outside(name, script, folder)
            if done is not None:
                found[name] = done
        _check(folder, found)
    spent = {row["work"]: row["cpu_seconds"] for row in found[OURS]}
    return [
        {
            **{key: value for key, value in row.items() if key != "note"},
            "work": f"{size[0]:,} x {size[1]:,}: {work}{row.get('note', '')}",
            "system": name,
            "ratio": row["cpu_seconds"] / cpu,
        }
        for work, cpu in spent.items()
        for name, done in found.items()
        for row in done
        if row["work"] == work
    ]


def _run(name: str, folder: Path) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.data", name, str(folder)],
        cwd=ROOT,
        env=os.environ | ONE_THREAD,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def child(name: str, folder: Path) -> list[dict[str, Any]]:
    """Time one system; keep what it gave beside the store."""
    done = []
    for work, call in SYSTEMS[name](folder).items():
        seconds, cpu, given = timed(call)
        done.append({"work": work, "seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak_mb()})
        if given is not None:
            arrays = given if isinstance(given, dict) else {"values": given}
            np.savez(folder / f"{name} {work}.npz", **arrays)
    return done


def _check(folder: Path, found: dict[str, list[dict[str, Any]]]) -> None:
    """Hold the panels of each system against ours, NaN places included."""
    if "qlib" in found:
        check_pit(folder)
    for name, done in found.items():
        for work in [row["work"] for row in done]:
            theirs = folder / f"{name} {work}.npz"
            if name in (OURS, "qlib") or not theirs.exists():
                continue
            with np.load(folder / f"{OURS} {work}.npz") as a, np.load(theirs) as b:
                for key in set(b.files) - CARRIED:
                    if not np.array_equal(a[key], b[key], equal_nan=True):
                        raise Disagreement(f"data: {work!r}, {key}: {name} and {OURS} differ")


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], Path(sys.argv[2]))))
