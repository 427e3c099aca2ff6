"""How a benchmark with peers is run: each system alone, on the same arrays, its numbers checked first.

1. the inputs are made once and lie as arrays in a temporary folder            -> compare
2. each system runs in a process of its own, held to one thread, so that CPU time and peak memory are
   its own; a peer that needs other versions runs in `.peers/<name>`           -> _run, child
3. a system is called once on a corner of the data, so that no import and no compilation is timed; then
   each piece of work runs once, or a few times while it is short: the least CPU time counts. Short works
   of ours run before the peers and after them, as a machine's speed may change by half within minutes
4. numbers that do not agree stop the benchmark                                -> _check
5. a peer too slow for all of the data gets its first rows (and columns); its time is scaled by the cells,
   and the row says so                                                         -> _row

A benchmark is a module with `FULL` and `SMALL` sizes, `inputs(size)` giving arrays `[dates, assets]`,
`SYSTEMS` (name -> arrays -> work -> call), `parts(size)` (system -> its dates and assets) and
`tolerance(work, system)`. It may have `OUTSIDE` (peer in an environment of its own -> its script),
`UNCOMPARED` (peers that work by other rules: timed only), `kept(found)` (what a call gave -> the arrays that
are compared), `moved(work, size)` (bytes that must move, for the column "limit": CPU time / the time of a
copy of as many bytes in the same run), `WARM` and `CALLS` (of a work that is short, at most).
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]
Works = dict[str, Callable[[], Arrays]]
Part = tuple[int, int]

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".peers"
"""Where `make peers` puts the environments of the peers that need their own."""
ENGINES = ROOT / ".engines"
"""Where `make engines` puts those of the backtest engines."""
APART = True
"""Whether each system runs in a process of its own."""
OURS = "superhet"
ONE_THREAD = {
    f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB")
} | {"POLARS_MAX_THREADS": "1"}
_WARM = (40, 60)  # dates and assets of the call that is not timed


class Disagreement(RuntimeError):
    """A peer's numbers are not ours: one of the two is wrong, and no time is worth printing."""


def compare(module: ModuleType, size: Part, extra: Callable[[Path], None] | None = None) -> Any:
    """Time the systems of a benchmark at one size and give the rows.

    Parameters
    ----------
    module : the benchmark
    size : dates and assets
    extra : writes what a peer in an environment of its own reads
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, values in module.inputs(size).items():
            np.save(folder / f"{name}.npy", values)
        parts: dict[str, Part] = {name: size for name in module.SYSTEMS} | module.parts(size)
        (folder / "parts.json").write_text(json.dumps(parts))
        if extra is not None:
            extra(folder)
        found = {name: _run(module.__name__, name, folder) for name in module.SYSTEMS}
        for name, script in getattr(module, "OUTSIDE", {}).items():
            rows = run_outside(name, script, folder)
            if rows is not None:
                found[name], parts[name] = rows, parts.get(name, size)
        if hasattr(module, "CALLS"):  # the machine may have changed its speed while the peers ran
            again = _run(module.__name__, OURS, folder)
            found[OURS] = [
                min(pair, key=lambda row: row["cpu_seconds"])
                for pair in zip(found[OURS], again, strict=True)
            ]
        for name, done in found.items():
            if name != OURS and name not in getattr(module, "UNCOMPARED", ()):
                _check(module, name, parts[name], folder, [row["work"] for row in done])
    return _rows(module, found, parts, size)


def child(module_name: str, system: str, folder: Path) -> list[dict[str, Any]]:
    """Time one system and keep its numbers beside the inputs."""
    module = importlib.import_module(module_name)
    build: Callable[[Arrays], Works] = module.SYSTEMS[system]
    whole = {path.stem: np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
    keep: Callable[[Any], Arrays] = getattr(module, "kept", lambda found: found)
    parts = {
        name: tuple(part) for name, part in json.loads((folder / "parts.json").read_text()).items()
    }
    for work in build(cut(whole, getattr(module, "WARM", _WARM))).values():
        work()
    rows, kept = [], parts[system]
    for name, work in build(cut(whole, kept)).items():
        seconds, cpu, numbers = timed(work, getattr(module, "CALLS", 3))
        rows.append({"work": name, "seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak_mb()})
        _keep(folder, system, kept, name, keep(numbers))
        del numbers
    if system == OURS:
        wanted = set(parts.values()) - {kept}
        for part in wanted:
            for name, work in build(cut(whole, part)).items():
                _keep(folder, system, part, name, keep(work()))
    return rows


def timed(work: Callable[[], Any], most: int = 3) -> tuple[float, float, Any]:
    """Give the wall and CPU seconds of the cheapest call, and the numbers.

    Three calls, fewer if they are long, and up to `most` until three seconds have gone.
    """
    best, spent, numbers = (np.inf, np.inf), 0.0, None
    for k in range(most):
        numbers = None  # two results at once would double the peak
        wall, cpu = time.perf_counter(), time.process_time()
        numbers = work()
        took = time.perf_counter() - wall, time.process_time() - cpu
        best = min(best, took, key=lambda pair: pair[1])
        spent += took[1]
        if spent > 10.0 or (k >= 2 and spent > 3.0):
            break
    return float(best[0]), float(best[1]), numbers


def cut(arrays: Mapping[str, npt.NDArray[Any]], part: Part) -> Arrays:
    """Copy the first dates and assets of every array."""
    return {n: np.array(a[: part[0], : part[1]], order="C") for n, a in arrays.items()}


def bandwidth() -> float:
    """Measure the bytes a CPU second that one thread reads and writes while copying 256 MB, at best."""
    source = np.ones(1 << 26, dtype=np.float32)
    target, least = np.zeros_like(source), np.inf
    for _ in range(7):
        begun = time.process_time()
        np.copyto(target, source)
        least = min(least, time.process_time() - begun)
    return 2.0 * source.nbytes / least


def peak_mb() -> float:
    """Give the peak memory of this process alone.

    The kernel's high-water mark where there is one: `ru_maxrss` of a child begins with that of its parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bare_market(fields: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Make a market of the given fields, in which every asset is a member on every weekday."""
    from superhet.panel import Assets, Cube, Dates, Market, Panel, Universe

    rows, names = next(iter(fields.values())).shape
    axes = {
        "dates": Dates(np.busday_offset("2014-01-02", np.arange(rows), roll="forward")),
        "assets": Assets([f"{600000 + i:06d}.SH" for i in range(names)]),
    }
    everyone = Panel(values=np.ones((rows, names), dtype=bool), name="member", unit="flag", **axes)
    panels = {n: Panel(values=v, name=n, unit="ratio", **axes) for n, v in fields.items()}
    universe = Universe(member=everyone, tradable=everyone, estimable=everyone, reasons={})
    return Market(fields=Cube(panels), universe=universe)


def _run(module: str, system: str, folder: Path) -> list[dict[str, Any]]:
    if not APART:
        return child(module, system, folder)
    command = [sys.executable, "-m", "benchmarks._harness", module, system, str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | ONE_THREAD,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def run_outside(name: str, script: str, folder: Path) -> list[dict[str, Any]] | None:
    homes = [home / name for home in (PEERS, ENGINES) if (home / name / ".done").exists()]
    if not homes:
        print(f"without {name}: run `make peers`, or `make engines`", file=sys.stderr)
        return None
    done = subprocess.run(
        [
            str(homes[0] / "bin" / "python"),
            str(ROOT / "benchmarks" / "peers" / script),
            str(folder),
        ],
        env=os.environ | ONE_THREAD,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def _keep(folder: Path, system: str, part: Part, work: str, numbers: Arrays) -> None:
    np.savez(folder / f"{system} {part[0]} {part[1]} {work}.npz", **numbers)


def _check(module: ModuleType, system: str, part: Part, folder: Path, works: list[str]) -> None:
    for work in works:
        files = [folder / f"{name} {part[0]} {part[1]} {work}.npz" for name in (OURS, system)]
        with np.load(files[0]) as ours, np.load(files[1]) as theirs:
            for name in theirs.files:
                allowed = module.tolerance(work, system)
                a, b = ours[name].astype(float), theirs[name].astype(float)
                worst = _distance(a, b)
                if not worst <= allowed:
                    raise Disagreement(
                        f"{module.__name__}: {work!r}, {name}: {system} and {OURS} differ by "
                        f"{worst:.3g} (allowed {allowed:g}) on {part[0]} x {part[1]}"
                    )


def _distance(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Give the largest difference, absolute below 1 and relative above; infinite if NaNs differ."""
    if a.shape != b.shape or (np.isnan(a) != np.isnan(b)).any():
        return float("inf")
    known = ~np.isnan(a)
    if not known.any():
        return float("inf")
    a, b = a[known], b[known]
    return float((np.abs(a - b) / np.maximum(np.abs(a), 1.0)).max())


def _rows(
    module: ModuleType, found: dict[str, list[dict[str, Any]]], parts: dict[str, Part], size: Part
) -> list[dict[str, Any]]:
    ours = {row["work"]: row["cpu_seconds"] for row in found[OURS]}
    rows = []
    speed = bandwidth() if hasattr(module, "moved") else None
    for work, cpu in ours.items():
        made = [
            _row(row, work, name, row["cpu_seconds"], cpu, parts[name], size)
            for name, done in found.items()
            for row in done
            if row["work"] == work
        ]
        for row in made if speed is not None else ():
            row["limit"] = row["cpu_seconds"] * speed / module.moved(work, size)
        rows += made
    if getattr(module, "TOTAL", False):
        for name, done in found.items():
            left = [work for work in ours if work not in {row["work"] for row in done}]
            same = sum(ours[row["work"]] for row in done)
            total = {k: sum(row[k] for row in done) for k in ("seconds", "cpu_seconds")}
            total["peak_mb"] = max(row["peak_mb"] for row in done)
            work = "all" + (f" but {' and '.join(left)}" if left else "")
            rows.append(_row(total, work, name, total["cpu_seconds"], same, parts[name], size))
    return rows


def _row(
    row: dict[str, Any], work: str, system: str, cpu: float, ours: float, part: Part, size: Part
) -> dict[str, Any]:
    scale = size[0] * size[1] / (part[0] * part[1])
    note = f" ({part[0]:,} x {part[1]:,}, scaled)" if scale > 1.0 else ""
    scale, note = scale * row.get("scale", 1.0), row.get("note", note)
    return {
        "work": f"{size[0]:,} x {size[1]:,}: {work}{note}",
        "system": system,
        "seconds": row["seconds"] * scale,
        "cpu_seconds": cpu * scale,
        "peak_mb": row["peak_mb"],
        "ratio": cpu * scale / ours if ours > 0.0 else None,
    }


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
