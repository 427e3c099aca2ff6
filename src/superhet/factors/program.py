"""A program: what the machine runs, as plain data.

It knows no arrays, no threads and no dates, so that any back end can run it; the one in `factors.machine`
runs it on numpy and numba. Row counts are relative: a pass computes `reach` rows before the first row asked
for, because a later pass looks back at them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from superhet.factors.graph import Node

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
