"""The graph that the machine computes: steps on arrays, of which equal ones are one node.

Operators say what they are by building this graph (`Build`). A step is

- a *leaf*: a field, or whatever the evaluator has computed elsewhere (bars, statements);
- *element by element*;
- a *window* down the dates of one asset;
- a *cross* step over the assets of one date.

**Lags are not steps.** An operand is a node and a lag (`Ref`), and the lag that all operands share moves out:
`f(ts_lag(x, 5))` and `ts_lag(f(x), 5)` are one node, read 5 rows later. A cross step measures on the
universe of its own date, so no lag moves through it.

**Phases.** Windows need all rows of some assets, cross steps all assets of some rows. A node's phase is the
pass that computes it: windows in even passes, cross steps in odd ones, element-wise steps as early as they
can. What depends on leaves element by element only is `free`: cheaper to compute again than to keep.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from superhet.factors.conventions import Convention

Kind: TypeAlias = Literal["leaf", "constant", "element", "window", "cross"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Node:
    """One step.

    Parameters
    ----------
    number : position in the graph; operands come before
    kind, op : what it is, and which
    operands : nodes with lags
    params : numbers that belong to the step; of a leaf its key
    phase : pass that computes it
    free : whether any pass may compute it again
    """

    number: int
    kind: Kind
    op: str
    operands: tuple[Ref, ...] = ()
    params: tuple[Any, ...] = ()
    phase: int = 0
    free: bool = False

    @property
    def lookback(self) -> int:
        """Rows before the newest that the step itself reads."""
        return int(self.params[0]) - 1 if self.kind == "window" else 0


@dataclass(frozen=True)
class Ref:
    """A node, some rows earlier."""

    node: Node
    lag: int = 0

    def before(self, lag: int) -> Ref:
        """Read it `lag` rows earlier still."""
        return Ref(self.node, self.lag + lag)


Operand: TypeAlias = "Ref | float"


@dataclass
class Graph:
    """All steps of some formulas; equal steps are one node."""

    nodes: list[Node] = field(default_factory=list)
    _known: dict[Hashable, Node] = field(default_factory=dict)

    def leaf(self, key: Hashable) -> Ref:
        """Give the leaf of a key."""
        return Ref(self._one("leaf", "leaf", (), (key,)))

    def constant(self, value: float) -> Ref:
        """Give a number as a step."""
        return Ref(self._one("constant", "constant", (), (float(value),)))

    def step(self, kind: Kind, op: str, operands: tuple[Ref, ...], params: tuple[Any, ...]) -> Ref:
        """Give a step; what its operands' lags share moves out of it."""
        moving = [r.lag for r in operands if r.node.kind != "constant"]
        shared = 0 if kind == "cross" else min(moving, default=0)
        inside = tuple(
            r if r.node.kind == "constant" else Ref(r.node, r.lag - shared) for r in operands
        )
        return Ref(self._one(kind, op, inside, params), shared)

    def _one(self, kind: Kind, op: str, operands: tuple[Ref, ...], params: tuple[Any, ...]) -> Node:
        key = (kind, op, tuple((r.node.number, r.lag) for r in operands), params)
        node = self._known.get(key)
        if node is None:
            phase, free = _place(kind, operands)
            node = Node(
                number=len(self.nodes),
                kind=kind,
                op=op,
                operands=operands,
                params=params,
                phase=phase,
                free=free,
            )
            self.nodes.append(node)
            self._known[key] = node
        return node


def _place(kind: Kind, operands: tuple[Ref, ...]) -> tuple[int, bool]:
    """Find the pass that computes a step, and whether any pass may."""
    phase = max((r.node.phase for r in operands if not r.node.free), default=0)
    if kind in ("leaf", "constant"):
        return 0, True
    if kind == "element":
        late = any(r.lag and r.node.phase == phase and not r.node.free for r in operands)
        return phase + (phase % 2 == 1 and late), all(r.node.free for r in operands)
    if kind == "window":
        return phase + phase % 2, False
    return phase + 1 - phase % 2, False


@dataclass(frozen=True)
class Build:
    """What an operator builds its steps with, under one convention.

    Parameters
    ----------
    graph : where the steps go
    convention : how many rows a window needs, and so on
    alive : leaf that is 0 while an asset is listed and NaN otherwise
    """

    graph: Graph
    convention: Convention
    alive: Ref

    def element(self, op: str, *operands: Operand) -> Ref:
        """Take a step element by element; see `kernels.elementwise`."""
        return self.graph.step("element", op, self._refs(operands), ())

    def claim(self, op: str, *operands: Operand) -> Ref:
        """Take a comparison; the convention says what a missing side gives."""
        claim = self.element(op, *operands)
        if not self.convention.unknown_is_false:
            return claim
        # of all comparisons, IEEE makes only "not equal" true where a side is NaN
        unknown = self.element("add", self.alive, 1.0) if op == "not_equal" else self.alive
        return self.element("first_known", claim, unknown)

    def known(self, value: Ref) -> Ref:
        """Turn what is not a finite number into NaN, if the convention does so inside a formula."""
        return self.element("known", value) if self.convention.finite else value

    def divide(self, x: Operand, y: Operand) -> Ref:
        """Divide; a quotient by zero as the convention has it."""
        return self.element("divide_known" if self.convention.finite else "divide", x, y)

    def window(
        self, op: str, *operands: Operand, window: int, least: int = 1, extra: tuple[Any, ...] = ()
    ) -> Ref:
        """Take a window step that needs the convention's number of known rows, at least `least`."""
        return self.window_of(
            op, *operands, window=window, rows=self.convention.minimum(window, least), extra=extra
        )

    def window_of(
        self, op: str, *operands: Operand, window: int, rows: int, extra: tuple[Any, ...] = ()
    ) -> Ref:
        """Take a window step that needs `rows` known rows; see `factors.windows` for the steps."""
        return self.graph.step("window", op, self._refs(operands), (window, rows, *extra))

    def cross(self, op: str, *operands: Operand, extra: tuple[Any, ...] = ()) -> Ref:
        """Take a step over the assets of a date; see `factors.crossings` for the steps."""
        return self.graph.step("cross", op, self._refs(operands), extra)

    def _refs(self, operands: tuple[Operand, ...]) -> tuple[Ref, ...]:
        return tuple(o if isinstance(o, Ref) else self.graph.constant(o) for o in operands)
