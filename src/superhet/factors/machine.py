"""The machine: runs a program tile by tile, on numpy and compiled kernels.

A tile of a pass down time is `LANES` assets by some rows, and the rows before them that its windows look
back on (the last few assets lie in strips, see `factors.tiles`); a tile of a pass across assets is some rows
of all assets. Its slots stay in the cache while all steps of the pass go over them. Tiles do not depend on
one another: threads take them as they come, and the bytes are the same for any number of threads and any cut
of the rows.

1. for each pass, arrays for what later passes will read            -> _Run.go
2. each thread binds the steps to slots of its own, once            -> _Worker
3. tile after tile: load, compute, write                            -> _Worker.work
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from superhet.factors.crossings import CROSSINGS, NEUTRALIZE, neutralize
from superhet.factors.graph import Node
from superhet.factors.program import Pass, Program, Step, Target
from superhet.factors.tiles import Results, Tile, Whole
from superhet.factors.windows import Places, bind
from superhet.kernels.elementwise import ELEMENTWISE
from superhet.kernels.streaming import write_through
from superhet.kernels.windows import LANES
from superhet.progress import Progress, silent

Array = npt.NDArray[Any]
_FEW, _MANY = (
    256,
    1280,
)  # rows of a tile down time: many, as its halo is computed once for all of them
_ROOM = 64 << 20  # bytes of all slots of a thread, within which a tile has more than few rows
_TILES = 4  # tiles that each thread should find, so that all end together
_CELLS = 80_000  # cells of a tile across assets
_FEWEST = 4  # kernels may touch some rows beyond a window without using them
_SCALARS = {"add", "subtract", "multiply", "divide"}  # take a plain number as fast as an array


class Leaves(Protocol):
    """Where a program's leaves come from."""

    def leaf(self, key: Any) -> Array:
        """Give the array of a leaf, [rows, assets]: any float type, flags or whole numbers."""

    def inside(self) -> Array:
        """Give the estimable members, [rows, assets] flags."""

    def position(self, asset: str) -> int:
        """Give the column of an asset."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to run.

    Parameters
    ----------
    dtype : float32 or float64, of slots and results
    threads : how many
    """

    dtype: Any = np.float32
    threads: int = 1


def run(
    program: Program,
    leaves: Leaves,
    outputs: Array | Results,
    rows: tuple[int, int],
    settings: Settings,
    progress: Progress = silent,
) -> None:
    """Compute some rows of all outputs.

    Parameters
    ----------
    leaves : arrays of all rows
    outputs : [outputs, rows, assets], written in place, or what takes the results as they are made
    rows : first row and the one after the last
    progress : called with tiles done, of all tiles, and "signals"
    """
    results = Whole(outputs) if isinstance(outputs, np.ndarray) else outputs
    _Run(program, leaves, results, rows, settings, progress).go()


@dataclass
class _Kept:
    """A panel kept between passes; `first` is the row of the market on which it begins."""

    values: Array
    first: int


@dataclass
class _Run:
    program: Program
    leaves: Leaves
    outputs: Results
    rows: tuple[int, int]
    settings: Settings
    progress: Progress
    kept: dict[int, _Kept] = field(default_factory=dict)
    done: int = 0
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def go(self) -> None:
        """Run all passes; leaves are made here first, where no two threads can ask for one at a time."""
        for todo in self.program.passes:
            for node in (n for step in todo.steps for n in step.nodes):
                for leaf in (node, *(r.node for r in node.operands)):
                    if leaf.kind == "leaf":
                        self.leaves.leaf(leaf.params[0])
        works = [(p, *self._tiles(p)) for p in self.program.passes]
        total = sum(len(tiles) for _, tiles, _ in works)
        for todo, tiles, height in works:
            first = max(self.rows[0] - todo.reach, 0)
            for node in todo.panels:
                shape = (self.rows[1] - first, self.outputs.shape[2])
                self.kept[node.number] = _Kept(np.empty(shape, self.settings.dtype), first)
            self._spread(todo, tiles, height, total)
            for node in todo.last:
                del self.kept[node.number]

    def _tiles(self, todo: Pass) -> tuple[list[Tile], int]:
        """Cut the rows and assets of a pass; give the tiles, and the height of the slots."""
        first, last = max(self.rows[0] - todo.reach, 0), self.rows[1]
        assets, count = self.outputs.shape[2], max(last - first, 0)
        height, width = (max(_CELLS // max(assets, 1), 1), max(assets, 1))
        if todo.axis == "time":
            fair = count * -(-assets // LANES) // (_TILES * self.settings.threads)
            height, width = max(min(_most_rows(todo, self.settings), fair), _FEW, todo.halo), LANES
        height = -(-count // max(-(-count // height), 1)) if count else 1

        def strips(left: int) -> int:
            return max(width // (assets - left), 1) if todo.axis == "time" else 1

        tiles = [
            Tile(t, min(t + height, last), j, min(j + width, assets), strips(j))
            for j in range(0, assets, width)
            for t in range(first, last, height)
        ]
        return tiles, height

    def _spread(self, todo: Pass, tiles: list[Tile], height: int, total: int) -> None:
        queue = iter(tiles)
        workers = max(min(self.settings.threads, len(tiles)), 1)
        if workers == 1:
            self._work(todo, queue, height, total)
            return
        with ThreadPoolExecutor(workers) as pool:
            futures = [pool.submit(self._work, todo, queue, height, total) for _ in range(workers)]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                self.stopped = any(f.done() and f.exception() for f in futures) or not all(
                    f.done() for f in futures
                )
            for future in futures:
                future.result()

    def _work(self, todo: Pass, queue: Iterator[Tile], height: int, total: int) -> None:
        worker = _Worker(self, todo, height)
        try:
            while not self.stopped:
                with self.lock:
                    tile = next(queue, None)
                if tile is None:
                    return
                with np.errstate(all="ignore"):  # what is not a finite number is turned into NaN
                    worker.work(tile)
                with self.lock:
                    self.done += 1
                    self.progress(self.done, total, "signals")
        finally:
            worker.close()


class _Worker:
    """One thread's slots, and the steps of a pass bound to them."""

    def __init__(self, run_: _Run, todo: Pass, height: int) -> None:
        self._run, self._pass = run_, todo
        width = LANES if todo.axis == "time" else run_.outputs.shape[2]
        rows = max(todo.halo + height, _FEWEST)
        self._slots = np.empty((todo.slots, rows, width), run_.settings.dtype)
        self._number = run_.settings.dtype
        self._begin = rows - height  # the slot row that holds the tile's first row
        self._at = Tile()
        self._strips: list[tuple[Tile, slice]] = []
        self._bound: dict[int, list[Callable[[], None]]] = {}
        self._constants: dict[float, Array] = {}

    def close(self) -> None:
        """Let go of the steps, which know the worker that knows them: results would outlive their users."""
        self._bound.clear()

    def work(self, tile: Tile) -> None:
        """Compute one tile."""
        self._at, self._strips = tile, tile.cut()
        count = tile.rows
        if count not in self._bound:
            self._bound[count] = [self._bind(step, count) for step in self._pass.steps]
        for step in self._bound[count]:
            step()

    def _bind(self, step: Step, count: int) -> Callable[[], None]:
        if step.kind == "load":
            return self._load(step, count)
        if step.kind == "store":
            return self._store(step, count)
        if step.kind == "element":
            return self._element(step, count)
        return self._window(step, count) if step.kind == "window" else self._cross(step, count)

    def _view(self, source: tuple[int, int], halo: int, count: int) -> Array:
        slot, lag = source
        begin = self._begin - lag
        return self._slots[slot, begin - halo : begin + count]

    # ------------------------------------------------------------------------------- load and store

    def _load(self, step: Step, count: int) -> Callable[[], None]:
        node, lag = step.nodes[0], step.sources[0][1]
        goal = self._view((step.goals[0], 0), step.halo, count)
        kept = self._run.kept.get(node.number)
        values = self._run.leaves.leaf(node.params[0]) if kept is None else kept.values
        origin = 0 if kept is None else kept.first

        def load() -> None:
            goal[:, self._strips[-1][1].stop :] = np.nan  # lanes beyond the last asset
            for at, lanes in self._strips:
                begin, end = at.first - step.halo - lag - origin, at.last - lag - origin
                absent = min(max(-begin, 0), end - begin)  # rows before the first one do not exist
                goal[:absent, lanes] = np.nan
                goal[absent : end - begin, lanes] = values[begin + absent : end, at.left : at.right]

        return load

    def _put(self, target: Target, at: Tile, values: Array) -> None:
        """Hand values on that begin on the first row of a tile; rows not asked for are left out."""
        kind, number = target
        if kind == "panel":
            kept = self._run.kept[number]
            first = at.first - kept.first
            write_through(values, kept.values[first : first + len(values), at.left : at.right])
            return
        before = max(self._run.rows[0] - at.first, 0)
        if before < len(values):
            row = at.first + before - self._run.rows[0]
            self._run.outputs.put(number, row, at.left, values[before:])

    def _store(self, step: Step, count: int) -> Callable[[], None]:
        source, target = self._view(step.sources[0], 0, count), step.target
        assert target is not None

        def store() -> None:
            for at, lanes in self._strips:
                values = np.ascontiguousarray(source[: at.last - at.first, lanes])
                self._put(target, at, values)

        return store

    # --------------------------------------------------------------------------------------- compute

    def _element(self, step: Step, count: int) -> Callable[[], None]:
        node = step.nodes[0]
        function = ELEMENTWISE[node.op]
        operands = [
            self._constant(r.node, node.op, count + step.halo)
            if r.node.kind == "constant"
            else self._view(source, step.halo, count)
            for r, source in zip(node.operands, step.sources, strict=True)
        ]
        out = self._view((step.goals[0], 0), step.halo, count)
        return lambda: function(*operands, out=out)

    def _constant(self, node: Node, op: str, rows: int) -> Any:
        value = self._number(node.params[0])
        if op in _SCALARS:
            return value
        if value not in self._constants:
            self._constants[value] = np.full(self._slots.shape[1:], value)
        return self._constants[value][:rows]

    def _window(self, step: Step, count: int) -> Callable[[], None]:
        begin = self._begin - step.halo
        sources = [(slot, begin - lag) for slot, lag in step.sources]
        at = Places(self._slots, sources, step.goals, begin, count + step.halo)
        return bind(step.nodes, at)

    def _cross(self, step: Step, count: int) -> Callable[[], None]:
        outs = [self._view((goal, 0), 0, count) for goal in step.goals]
        node = step.nodes[0]
        if node.op == NEUTRALIZE:
            return self._neutralize(step, outs, count)
        crossing = CROSSINGS[node.op]
        x = self._view(step.sources[0], 0, count)
        inside = self._run.leaves.inside()
        params = node.params
        if node.op == "asset":
            params = (self._run.leaves.position(node.params[0]),)
        if not crossing.grouped:
            return lambda: crossing.run(x, self._rows(inside), *params, outs[0])
        codes, lag = self._codes(node, 1)
        return lambda: crossing.run(x, self._rows(inside), self._rows(codes, lag), *params, outs[0])

    def _neutralize(self, step: Step, outs: list[Array], count: int) -> Callable[[], None]:
        width = len(step.nodes[0].operands)
        views = [self._view(s, 0, count) if s[0] >= 0 else np.empty(0) for s in step.sources]
        signals, exposures = views[::width], views[2:width]
        codes, lag = self._codes(step.nodes[0], 1)
        inside = self._run.leaves.inside()
        return lambda: neutralize(
            signals, self._rows(inside), self._rows(codes, lag), exposures, outs
        )

    def _codes(self, node: Node, operand: int) -> tuple[Array, int]:
        classification = node.operands[operand]
        return self._run.leaves.leaf(classification.node.params[0]), classification.lag

    def _rows(self, values: Array, lag: int = 0) -> Array:
        """Give the rows of the tile of a whole array."""
        return values[self._at.first - lag : self._at.last - lag]


def _most_rows(todo: Pass, settings: Settings) -> int:
    """Give the rows of a tile down time whose slots fit into the room of a thread."""
    row = max(todo.slots, 1) * LANES * np.dtype(settings.dtype).itemsize
    return int(min(_ROOM // row - todo.halo, _MANY))


def slots_bytes(program: Program, assets: int, settings: Settings) -> int:
    """Estimate the memory that the slots of all threads take."""
    size = np.dtype(settings.dtype).itemsize
    most = 0
    for p in program.passes:
        if p.axis == "time":
            cells = (max(_most_rows(p, settings), _FEW, p.halo) + p.halo) * LANES
        else:
            cells = (max(_CELLS // max(assets, 1), 1) + p.halo) * assets
        most = max(most, p.slots * cells * size)
    return most * settings.threads
