"""The schedule of a pass: what one step computes together, in which order, and from which row on.

1. nodes that one kernel takes together become one unit (a family of windows)     -> Schedule._gather
2. order: what a unit has made ready comes next, so that slots are soon free      -> Schedule._ordered
3. halo: how many rows before the tile's first each unit computes                 -> Schedule._reached
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from superhet.factors.crossings import CROSSINGS, NEUTRALIZE
from superhet.factors.graph import Node, Ref
from superhet.factors.windows import family

Held: TypeAlias = tuple[Node, int]
"""What a slot holds: a node, and the lag at which it was loaded."""


@dataclass(eq=False)
class Unit:
    """Nodes that one step computes; a load of a leaf or of a kept panel is a unit of its own."""

    nodes: list[Node]
    lag: int = 0  # of a load in a pass across assets
    load: bool = False

    @property
    def readers(self) -> list[Node]:
        """Members that bring operands of their own; the windows of a family share theirs."""
        if self.load:
            return []
        return self.nodes if self.nodes[0].op == NEUTRALIZE else self.nodes[:1]

    @cached_property
    def operands(self) -> list[Ref]:
        """What its step reads from slots; complete once all members are there."""
        return [r for node in self.readers for r in slotted(node)]


def slotted(node: Node) -> list[Ref]:
    """Give the operands that stand in slots: neither plain numbers nor the classification."""
    operands = list(node.operands)
    if node.kind == "cross" and (node.op == NEUTRALIZE or CROSSINGS[node.op].grouped):
        del operands[1]
    return [r for r in operands if r.node.kind != "constant"]


class Schedule:
    """The units of a pass, in the order in which they run.

    Parameters
    ----------
    cross : whether it goes across assets
    nodes : what it computes beside free nodes, operands first
    results : what it writes: position among the outputs, and the node with its lag

    Attributes
    ----------
    order : the units
    halos : unit -> rows before the tile's first that it computes
    reads : leaf or kept node -> rows before the pass's first row at which it is read
    writes : what a slot holds -> the outputs made of it: position, and the lag at which the slot is read
    """

    def __init__(
        self, cross: bool, nodes: Sequence[Node], results: Sequence[tuple[int, Ref]]
    ) -> None:
        self.cross = cross
        self._own = set(nodes)
        self.writes: dict[Held, list[tuple[int, int]]] = {}
        for position, result in results:
            held, lag = self.read(result)
            self.writes.setdefault(held, []).append((position, lag))
        self._unit_of: dict[Held, Unit] = {}
        self._gather([*(Ref(n) for n in nodes), *(r for _, r in results)])
        self.order = self._ordered()
        self.halos = self._reached()
        self.reads: dict[Node, int] = {}
        for unit in self.order:
            if unit.load:
                node, rows = unit.nodes[0], self.halos[unit] + unit.lag
                self.reads[node] = max(self.reads.get(node, 0), rows)

    def held(self, operand: Ref) -> Held:
        """Say what stands in the slot of an operand: across assets, a load at another lag is another load."""
        return operand.node, operand.lag if self.cross and self._loaded(operand.node) else 0

    def read(self, operand: Ref) -> tuple[Held, int]:
        """Give what stands in the slot of an operand, and how much of the lag its load has not taken."""
        held = self.held(operand)
        return held, operand.lag - held[1]

    def _loaded(self, node: Node) -> bool:
        return node.kind == "leaf" or (node not in self._own and not node.free)

    def _gather(self, wanted: Iterable[Ref]) -> None:
        """Put what is wanted, and all below it that the pass computes or loads, into units."""
        families: dict[Hashable, Unit] = {}
        depths: dict[Node, int] = {}
        stack = [(r, False) for r in reversed(list(wanted))]
        while stack:
            operand, ready = stack.pop()
            node, lag = held = self.held(operand)
            if held in self._unit_of or node.kind == "constant":
                continue
            load = self._loaded(node)
            if not load and not ready:
                stack.append((operand, True))
                stack.extend((r, False) for r in reversed(slotted(node)))
                continue
            below = max((depths.get(r.node, 0) for r in node.operands), default=0)
            depths[node] = below + (node.kind == "cross")
            shared = None if load else _shared(node, depths[node])
            unit = None if shared is None else families.get(shared)
            if unit is None:
                unit = Unit([], lag=lag, load=load)
                if shared is not None:
                    families[shared] = unit
            unit.nodes.append(node)
            self._unit_of[held] = unit

    def _ordered(self) -> list[Unit]:
        place = {unit: i for i, unit in enumerate(dict.fromkeys(self._unit_of.values()))}
        readers: dict[Unit, list[Unit]] = {unit: [] for unit in place}
        waits: dict[Unit, int] = {}
        for unit in place:
            below = {self._unit_of[self.held(r)] for r in unit.operands}
            waits[unit] = len(below)
            for operand in below:
                readers[operand].append(unit)
        stack = [u for u in reversed(place) if waits[u] == 0]
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

    def _reached(self) -> dict[Unit, int]:
        halos = dict.fromkeys(self.order, 0)
        for held, outputs in self.writes.items():
            if held in self._unit_of:  # a plain number has none
                unit = self._unit_of[held]
                halos[unit] = max(halos[unit], *(lag for _, lag in outputs))
        for unit in reversed(self.order):
            rows = halos[unit] + max(n.lookback for n in unit.nodes)
            for operand in unit.operands:
                held, lag = self.read(operand)
                below = self._unit_of[held]
                halos[below] = max(halos[below], rows + lag)
        return halos


def _shared(node: Node, depth: int) -> Hashable | None:
    """Give what nodes must share to be computed by one step; None for a step of its own."""
    if node.kind == "window":
        return family(node)
    if node.kind == "cross" and node.op == NEUTRALIZE:
        # one neutralized signal may stand inside another: only those of one depth go together
        return NEUTRALIZE, depth, tuple((r.node.number, r.lag) for r in node.operands[1:])
    return None
