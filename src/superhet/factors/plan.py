"""Graph -> program: passes over the data, and in each the steps on the slots of a tile.

1. which nodes the outputs need, and in which pass each is computed              -> _members
2. nodes that one kernel takes together become one unit (a family of windows)     -> _units
3. order: what a unit has made ready comes next, so that slots are soon free      -> _order
4. halo: how many rows before the tile's first each node needs                    -> _halos
5. slots by liveness                                                              -> _Emitter._steps

A *program* is plain data: it knows no arrays, no threads and no dates, and any back end can run it; the one
in `factors.machine` runs it on numpy and numba. Row counts are relative: a pass computes `reach` rows before
the first row asked for, because a later pass looks back at them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from superhet.factors.crossings import NEUTRALIZE
from superhet.factors.graph import Node, Ref
from superhet.factors.windows import family

Target: TypeAlias = tuple[Literal["output", "panel"], int]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One instruction.

    Parameters
    ----------
    kind : "load" brings a leaf or a kept panel into a slot, "store" writes a slot to its target
    nodes : what it computes: one node, or a family
    sources : slot and lag of each operand; slot -1 for a plain number or a classification
    goals : slot of each node
    halo : rows before the tile's first that it computes
    target : where a "store" writes the rows from the tile's first on
    """

    kind: Literal["load", "store", "element", "window", "cross"]
    nodes: tuple[Node, ...] = ()
    sources: tuple[tuple[int, int], ...] = ()
    goals: tuple[int, ...] = ()
    halo: int = 0
    target: Target | None = None


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One way through the data, tile by tile.

    Parameters
    ----------
    axis : "time" for tiles of some assets, "cross" for tiles of some rows
    steps : in order
    slots : how many arrays a tile needs
    halo : rows before the tile's first that its slots hold
    reach : rows before the first one asked for that the pass computes
    panels : nodes that are kept for later passes
    last : nodes whose kept rows nobody needs after this pass
    """

    axis: Literal["time", "cross"]
    steps: tuple[Step, ...]
    slots: int
    halo: int
    reach: int
    panels: tuple[Node, ...] = ()
    last: tuple[Node, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Program:
    """What the machine runs.

    Parameters
    ----------
    passes : one after the other
    outputs : how many results
    lookback : rows before the first one asked for that any leaf is read at
    """

    passes: tuple[Pass, ...]
    outputs: int
    lookback: int

    @property
    def steps(self) -> int:
        """Instructions of all passes."""
        return sum(len(p.steps) for p in self.passes)

    @property
    def kept(self) -> int:
        """The greatest number of panels that are kept at a time."""
        most = alive = 0
        for p in self.passes:
            alive += len(p.panels)
            most = max(most, alive)
            alive -= len(p.last)
        return most


def plan(outputs: Sequence[Ref]) -> Program:
    """Make the program that computes some nodes, each at its lag.

    Parameters
    ----------
    outputs : in the order of the results
    """
    members, later = _members(outputs)
    last = max([*members, *(_phase(r) for r in outputs)], default=0)
    passes: list[Pass] = []
    needed: dict[Node, int] = {}  # kept node -> rows before the first one asked for that are read
    lookback = 0
    for phase in range(last, -1, -1):
        results = [(i, r) for i, r in enumerate(outputs) if _phase(r) == phase]
        kept = [n for n in members.get(phase, ()) if n in later]
        nodes = members.get(phase, [])
        if not nodes and not results:
            continue
        emitter = _Emitter(phase % 2 == 1, nodes, results, kept)
        reach = max((needed[n] for n in kept), default=0)
        for node, halo in emitter.reads.items():
            if node.free:
                lookback = max(lookback, reach + halo)
            else:
                needed[node] = max(needed.get(node, 0), reach + halo)
        passes.append(emitter.made(reach))
    passes.reverse()
    return Program(passes=_freed(passes), outputs=len(outputs), lookback=lookback)


def _phase(output: Ref) -> int:
    """Give the pass that writes an output: what is lagged across assets is read back by the next one."""
    node = output.node
    if node.free:
        return 0
    return node.phase + (node.phase % 2 == 1 and output.lag > 0)


def _members(outputs: Iterable[Ref]) -> tuple[dict[int, list[Node]], set[Node]]:
    """Give the nodes of each phase, and those that a later phase reads; free nodes belong to no phase."""
    seen: set[Node] = set()
    later = {r.node for r in outputs if not r.node.free and _phase(r) > r.node.phase}
    stack = [r.node for r in outputs]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        for operand in node.operands:
            stack.append(operand.node)
            if not operand.node.free and operand.node.phase < node.phase:
                later.add(operand.node)
    members: dict[int, list[Node]] = {}
    for node in sorted(seen, key=lambda n: n.number):
        if not node.free:
            members.setdefault(node.phase, []).append(node)
    if any(r.node.free for r in outputs):
        members.setdefault(0, [])
    return members, later


def _freed(passes: Sequence[Pass]) -> tuple[Pass, ...]:
    """Say after which pass each kept panel may go."""
    readers: dict[Node, int] = {}
    for i, done in enumerate(passes):
        for node in done.panels:
            readers[node] = i
        for step in done.steps:
            readers.update({n: i for n in step.nodes if step.kind == "load" and n in readers})
    found = []
    for i, done in enumerate(passes):
        last = tuple(n for n, at in readers.items() if at == i)
        found.append(
            Pass(
                axis=done.axis,
                steps=done.steps,
                slots=done.slots,
                halo=done.halo,
                reach=done.reach,
                panels=done.panels,
                last=last,
            )
        )
    return tuple(found)


@dataclass(eq=False)
class _Unit:
    """Nodes that one step computes; a load of a leaf or of a kept panel is a unit of its own."""

    nodes: list[Node]
    lag: int = 0  # of a load in a pass across assets
    load: bool = False


class _Emitter:
    """One pass: its units in order, their halos, their slots.

    Attributes
    ----------
    reads : leaf or kept node -> rows before the pass's first row at which it is read
    """

    def __init__(
        self,
        cross: bool,
        nodes: Sequence[Node],
        results: Sequence[tuple[int, Ref]],
        kept: Sequence[Node],
    ) -> None:
        self._cross, self._results, self._kept = cross, results, kept
        self._kept_set = set(kept)
        self._own = set(nodes)
        self._results_of: dict[tuple[Node, int], list[tuple[int, Ref]]] = {}
        for i, result in results:
            self._results_of.setdefault(self._key(result), []).append((i, result))
        self._unit_of: dict[tuple[Node, int], _Unit] = {}
        self._order = self._ordered(self._units(nodes))
        self._halo: dict[_Unit, int] = {}
        self._halos()
        self.reads: dict[Node, int] = {}
        for unit in self._order:
            if unit.load:
                node = unit.nodes[0]
                rows = self._halo[unit] + unit.lag
                self.reads[node] = max(self.reads.get(node, 0), rows)

    def made(self, reach: int) -> Pass:
        """Give the pass."""
        steps, slots = self._steps()
        return Pass(
            axis="cross" if self._cross else "time",
            steps=tuple(steps),
            slots=slots,
            halo=max(self._halo.values(), default=0),
            reach=reach,
            panels=tuple(self._kept),
        )

    # ------------------------------------------------------------------------------- units and order

    def _key(self, operand: Ref) -> tuple[Node, int]:
        """Name what an operand reads: across assets, a load at another lag is another load."""
        loaded = operand.node.kind == "leaf" or (
            operand.node not in self._own and not operand.node.free
        )
        return (operand.node, operand.lag if loaded and self._cross else 0)

    def _lag(self, operand: Ref) -> int:
        """Give the lag at which a slot is read (a load across assets has taken it already)."""
        return operand.lag - self._key(operand)[1]

    def _needs(self, node: Node) -> list[Ref]:
        """Give the operands that stand in slots of their own."""
        operands = list(node.operands)
        if node.kind == "cross" and node.op.startswith("group_"):
            operands.pop()
        elif node.kind == "cross" and node.op == NEUTRALIZE:
            operands.pop(1)
        return [r for r in operands if r.node.kind != "constant"]

    def _units(self, nodes: Sequence[Node]) -> list[_Unit]:
        wanted = [Ref(n) for n in nodes] + [r for _, r in self._results]
        found: list[_Unit] = []
        families: dict[Hashable, _Unit] = {}
        depths: dict[Node, int] = {}
        stack = [(r, False) for r in reversed(wanted)]
        while stack:
            operand, ready = stack.pop()
            key = self._key(operand)
            node = key[0]
            if key in self._unit_of or node.kind == "constant":
                continue
            load = node.kind == "leaf" or (node not in self._own and not node.free)
            if not load and not ready:
                stack.append((operand, True))
                stack.extend((r, False) for r in reversed(self._needs(node)))
                continue
            below = max((depths.get(r.node, 0) for r in node.operands), default=0)
            depths[node] = below + (node.kind == "cross")
            shared = None if load else _shared(node, depths[node])
            unit = families.get(shared) if shared is not None else None
            if unit is None:
                unit = _Unit([], lag=key[1], load=load)
                found.append(unit)
                if shared is not None:
                    families[shared] = unit
            unit.nodes.append(node)
            self._unit_of[key] = unit
        return found

    def _operands(self, unit: _Unit) -> list[Ref]:
        if unit.load:
            return []
        if len(unit.nodes) > 1 and unit.nodes[0].kind == "window":
            return self._needs(unit.nodes[0])
        return [r for node in unit.nodes for r in self._needs(node)]

    def _ordered(self, units: Sequence[_Unit]) -> list[_Unit]:
        place = {unit: i for i, unit in enumerate(units)}
        waits: dict[_Unit, int] = {}
        readers: dict[_Unit, list[_Unit]] = {unit: [] for unit in units}
        for unit in units:
            below = {self._unit_of[self._key(r)] for r in self._operands(unit)}
            waits[unit] = len(below)
            for operand in below:
                readers[operand].append(unit)
        stack = [u for u in reversed(units) if waits[u] == 0]
        ordered = []
        while stack:
            unit = stack.pop()
            ordered.append(unit)
            ready = []
            for reader in readers[unit]:
                waits[reader] -= 1
                if waits[reader] == 0:
                    ready.append(reader)
            stack.extend(sorted(ready, key=lambda u: -place[u]))
        return ordered

    def _halos(self) -> None:
        halo = dict.fromkeys(self._order, 0)
        for _, result in self._results:
            if result.node.kind != "constant":
                unit = self._unit_of[self._key(result)]
                halo[unit] = max(halo[unit], self._lag(result))
        for unit in reversed(self._order):
            if unit.load:
                continue
            for node in unit.nodes:
                for operand in self._needs(node):
                    below = self._unit_of[self._key(operand)]
                    rows = halo[unit] + self._lag(operand) + node.lookback
                    halo[below] = max(halo[below], rows)
        self._halo = halo

    # ------------------------------------------------------------------------------------------ slots

    def _steps(self) -> tuple[list[Step], int]:
        uses = self._last_uses()
        slot: dict[tuple[Node, int], int] = {}
        free: list[int] = []
        count = 0
        steps: list[Step] = []
        for at, unit in enumerate(self._order):
            goals = []
            for node in unit.nodes:
                if free:
                    goals.append(free.pop())
                else:
                    goals.append(count)
                    count += 1
                slot[node, unit.lag] = goals[-1]
            steps.append(self._step(unit, goals, slot))
            steps += self._stores(unit, slot)
            free += [slot.pop(key) for key in uses.get(at, ())]
        return steps, count

    def _step(self, unit: _Unit, goals: Sequence[int], slot: dict[tuple[Node, int], int]) -> Step:
        node = unit.nodes[0]
        sources: list[tuple[int, int]] = []
        if unit.load:
            sources = [(-1, unit.lag)]
        else:
            members = unit.nodes if node.op == NEUTRALIZE else unit.nodes[:1]
            for member in members:
                needs = self._needs(member)
                for operand in member.operands:
                    stands = operand in needs
                    place = slot[self._key(operand)] if stands else -1
                    sources.append((place, self._lag(operand) if stands else operand.lag))
        return Step(
            kind="load" if unit.load else _step_kind(node),
            nodes=tuple(unit.nodes),
            sources=tuple(sources),
            goals=tuple(goals),
            halo=self._halo[unit],
        )

    def _stores(self, unit: _Unit, slot: dict[tuple[Node, int], int]) -> list[Step]:
        stores = []
        for node in unit.nodes:
            key = (node, unit.lag)
            if key not in slot:
                continue
            if node in self._kept_set and not unit.load:
                source = (slot[key], 0)
                stores.append(Step(kind="store", sources=(source,), target=("panel", node.number)))
            for i, result in self._results_of.get(key, ()):
                source = (slot[key], self._lag(result))
                stores.append(Step(kind="store", sources=(source,), target=("output", i)))
        return stores

    def _last_uses(self) -> dict[int, list[tuple[Node, int]]]:
        last: dict[tuple[Node, int], int] = {}
        for at, unit in enumerate(self._order):
            for node in unit.nodes:
                last[node, unit.lag] = at
            for node in unit.nodes if not unit.load else ():
                for operand in self._needs(node):
                    last[self._key(operand)] = at
        freed: dict[int, list[tuple[Node, int]]] = {}
        for key, at in last.items():
            freed.setdefault(at, []).append(key)
        return freed


def _step_kind(node: Node) -> Literal["element", "window", "cross"]:
    if node.kind in ("element", "window", "cross"):
        return node.kind
    raise AssertionError(f"{node.kind} is no step")


def _shared(node: Node, depth: int) -> Hashable | None:
    """Give what nodes must share to be computed by one step; None for a step of its own."""
    if node.kind == "window":
        return family(node)
    if node.kind == "cross" and node.op == NEUTRALIZE:
        # one neutralized signal may stand inside another: only those of one depth go together
        return NEUTRALIZE, depth, tuple((r.node.number, r.lag) for r in node.operands[1:])
    return None
