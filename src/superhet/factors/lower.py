"""Expressions -> steps: each formula under its convention, all in one graph.

What the machine computes are calls on daily values: element by element, down time, across assets. Everything
below them — fields, bars reduced to the day, statements carried forward — is a leaf, named by its expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from superhet.errors import FormulaError, LookAheadFormula
from superhet.factors.base import Operator
from superhet.factors.conventions import CONVENTIONS, Convention
from superhet.factors.expression import Expression
from superhet.factors.graph import Build, Graph, Ref
from superhet.kernels.elementwise import ELEMENTWISE

ALIVE = "alive"
"""Key of the leaf that says whether an asset exists."""
_FAMILIES = ("elementwise", "time_series", "cross_section")
_BOUNDED = {  # steps that cannot give an infinite number
    *("known", "divide_known", "sign", "is_nan"),
    *("less", "less_equal", "equal", "not_equal", "both", "either"),
    *("mean", "count", "max", "min", "newest", "std", "zscore", "rsquare", "linear_mean", "corr"),
    *("geometric_mean", "place", "rank", "quantile", "skew", "kurt", "absolute_deviation"),
}


def in_machine(node: Expression) -> bool:
    """Say whether the machine computes a node, rather than being handed it as a leaf."""
    if node.kind != "call" or node.level not in ("daily", "number"):
        return False
    return node.operator.family in _FAMILIES and "build" in node.operator.given


def leaves_of(
    expressions: Iterable[Expression], resident: Iterable[Expression] = ()
) -> list[Expression]:
    """Give the nodes that some formulas are handed as leaves, each once.

    Parameters
    ----------
    resident : nodes whose values are known; nothing below them is needed
    """
    known = set(resident)
    found: dict[Expression, None] = {}
    seen: set[Expression] = set()
    stack = list(expressions)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in known:
            continue
        if in_machine(node):
            stack.extend(reversed(node.arguments))
        elif node.kind != "number" and node.level != "asset":
            found.setdefault(node)
    return list(found)


class Lowering:
    """Builds the steps of expressions in one graph; equal steps are shared, whatever the convention.

    Parameters
    ----------
    resident : expressions whose values are known: they are leaves
    """

    def __init__(self, resident: Iterable[Expression] = ()) -> None:
        self._resident = set(resident)
        self.graph = Graph()
        self._alive = self.graph.leaf(ALIVE)
        self._builds = {c: Build(self.graph, k, self._alive) for c, k in CONVENTIONS.items()}
        self._known: dict[tuple[str, Expression], Ref] = {}

    def output(self, expression: Expression, convention: str) -> Ref:
        """Give the step that computes a formula, without infinite numbers."""
        found = self.step(expression, convention)
        node = found.node
        if node.op in _BOUNDED or (node.kind == "cross"):
            return found
        if node.op == "divide":
            return self.graph.step("element", "divide_known", node.operands, ()).before(found.lag)
        return self.graph.step("element", "known", (found,), ())

    def step(self, expression: Expression, convention: str) -> Ref:
        """Give the step of an expression, those of its operands first."""
        stack = [expression]
        while stack:
            node = stack[-1]
            if (convention, node) in self._known:
                stack.pop()
                continue
            waiting = self._operands(node, convention) if self._computed(node) else []
            if waiting:
                stack.extend(reversed(waiting))
                continue
            self._known[convention, node] = self._made(node, convention)
            stack.pop()
        return self._known[convention, expression]

    def _computed(self, node: Expression) -> bool:
        return in_machine(node) and node not in self._resident

    def _operands(self, node: Expression, convention: str) -> list[Expression]:
        return [
            a
            for i, a in enumerate(node.arguments)
            if node.operator.parameter(i).role.name in ("signal", "group")
            and (convention, a) not in self._known
        ]

    def _made(self, node: Expression, convention: str) -> Ref:
        if node.kind == "number":
            return self.graph.constant(node.value)
        if not self._computed(node):
            return self.graph.leaf(node)
        known = node.operator
        arguments: list[Any] = []
        for i, argument in enumerate(node.arguments):
            role = known.parameter(i).role.name
            if role in ("signal", "group"):
                arguments.append(self._known[convention, argument])
            elif role == "asset":
                arguments.append(argument.word)
            else:
                arguments.append(int(argument.value) if role == "whole" else argument.value)
        later = any(isinstance(a, Ref) and a.lag < 0 for a in arguments)
        if later and known.family == "cross_section":
            message = f"{known.name} cannot take later sessions; apply it to the label's values"
            raise FormulaError(message, repr(node), 0)
        found: Ref = known.function(*arguments, build=self._builds[convention])
        if found.lag < 0 and node.lookahead == 0:
            raise LookAheadFormula(f"{known.name} reads later sessions", repr(node), 0)
        return found


def on_arrays(operator: Operator, operands: Sequence[Any], convention: Convention) -> Any:
    """Compute an element-wise operator on whole arrays of one shape (or numbers), as bars and quarters need.

    Parameters
    ----------
    operands : float64 arrays or numbers

    Returns
    -------
    float64 array of the operands' joint shape
    """
    graph = Graph()
    build = Build(graph, convention, graph.leaf(ALIVE))
    refs = []
    arrays: dict[Ref, Any] = {build.alive: np.float64(0.0)}
    for i, operand in enumerate(operands):
        ref = graph.constant(float(operand)) if np.ndim(operand) == 0 else graph.leaf(i)
        arrays[ref] = np.asarray(operand, dtype=np.float64)
        refs.append(ref)
    root: Ref = operator.function(*refs, build=build)
    shape = np.broadcast_shapes(*(np.shape(o) for o in operands))
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if node.kind == "constant":
                arrays[Ref(node)] = np.float64(node.params[0])
            elif node.kind == "element":
                below = [arrays[r] for r in node.operands]
                arrays[Ref(node)] = ELEMENTWISE[node.op](*below, out=np.empty(shape))
    return arrays[root]
