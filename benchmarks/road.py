"""The whole road at three sizes: its cost should grow in line with the data.

5,000 assets × 10 years daily with 20 formulas, ICIR synthesis, long-short and backtest, and the same at a
quarter and a sixteenth of the assets. Each size runs in a process of its own, so that its peak memory
is its own; the simulated store is made beforehand and is not part of the time.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FULL = {"assets": 5000, "years": 10.0}
SMALL = {"assets": 1280, "years": 4.0}
PARTS = (16, 4, 1)


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each stage and size."""
    found = []
    size = SMALL if small else FULL
    with tempfile.TemporaryDirectory() as scratch:
        for part in PARTS:
            assets = int(size["assets"]) // part
            command = [
                sys.executable,
                "-m",
                "benchmarks.road",
                scratch,
                str(assets),
                str(size["years"]),
            ]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found += json.loads(done.stdout)
    return found


def study(store: Path) -> dict[str, Any]:
    """Give the configuration that is timed."""
    from superhet.factors import library

    return {
        "name": "road",
        "market": {"store": str(store), "benchmark": "SIM"},
        "signals": [{"library": "daily", "pick": [f.name for f in library("daily")][:20]}],
        "preprocess": [
            {"winsorize": {"mad": 5}},
            {"neutralize": {"against": ["industry", "size"]}},
            "standardize",
        ],
        "synthesis": {
            "model": "icir_weighted",
            "target": {"horizon": 5, "delay": 1},
            "subsets": False,
        },
        "portfolio": {"rank_long_short": {"max_turnover": 0.2}},
        "backtest": {"engine": "native"},
    }


def time_road(scratch: Path, assets: int, years: float) -> list[dict[str, Any]]:
    """Walk the road once on a store of the given size and time each stage."""
    from superhet.data.store import Store
    from superhet.pipeline import stages
    from superhet.pipeline.config import parse_config

    store = scratch / f"store-{assets}"
    if not store.exists():
        make = "from benchmarks.road import make; make"
        command = [sys.executable, "-c", f"{make}({str(store)!r}, {assets}, {years})"]
        subprocess.run(command, check=True)
    config = parse_config(study(store))
    done: dict[str, Any] = {}
    steps = {
        "data": lambda: stages.load(config, Store.open(store)),
        "signals": lambda: stages.compute_signals(config, done["data"]),
        "clean": lambda: stages.mix_and_clean(config, done["data"], done["signals"]),
        "synthesis": lambda: stages.synthesize(config, done["data"], done["clean"]),
        "portfolio": lambda: stages.build_portfolio(config, done["data"], done["synthesis"]),
        "backtest": lambda: stages.run_backtest(config, done["data"], done["portfolio"]),
    }
    found = []
    for name, step in steps.items():
        wall, cpu = time.perf_counter(), time.process_time()
        done[name] = step()
        found.append(measured(f"{assets} assets x {years:g} y: {name}", wall, cpu))
    total = {key: sum(row[key] for row in found) for key in ("seconds", "cpu_seconds")}
    return [*found, {**measured(f"{assets} assets x {years:g} y: all", 0.0, 0.0), **total}]


def make(store: str, assets: int, years: float) -> None:
    """Make a simulated store without intraday bars."""
    from superhet.data.sources.simulated import SimulatedMarket
    from superhet.pipeline.simulate import simulated_store

    simulated_store(Path(store), SimulatedMarket(assets=assets, years=years, bars=None))


def measured(work: str, wall: float, cpu: float) -> dict[str, Any]:
    """Give the row of work that began at these wall and CPU times."""
    return {
        "work": work,
        "system": "superhet",
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "ratio": None,
    }


if __name__ == "__main__":
    print(json.dumps(time_road(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))
