"""Plan: many formulas merged into one graph, in the order of computation.

Equal sub-formulas are one node already (see `expression`), so merging is a walk. The plan counts how often
each node is used, so that the evaluator can let an intermediate go after its last use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from superhet.factors.expression import Expression


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """The order of computation of a set of formulas.

    Parameters
    ----------
    outputs : name -> expression
    order : every node once, operands before what uses them
    uses : node -> how many nodes and outputs read it
    """

    outputs: Mapping[str, Expression]
    order: tuple[Expression, ...]
    uses: Mapping[Expression, int]

    @property
    def lookback(self) -> int:
        """Sessions before the newest that the formulas need."""
        return max((e.lookback for e in self.outputs.values()), default=0)

    @property
    def quarters(self) -> int:
        """Quarters before the newest that the formulas need."""
        return max((e.quarters for e in self.outputs.values()), default=0)


def plan(formulas: Mapping[str, Expression]) -> Plan:
    """Merge formulas into one graph.

    Examples
    --------
    >>> from superhet.factors.parse import parse
    >>> merged = plan({"a": parse("ts_mean(close, 5)"), "b": parse("close / ts_mean(close, 5)")})
    >>> [str(node) for node in merged.order], merged.lookback
    (['close', '5', 'ts_mean(close, 5)', 'close / ts_mean(close, 5)'], 4)
    """
    order: dict[Expression, None] = {}
    for expression in formulas.values():
        for node in expression.walk():
            order.setdefault(node)
    uses = Counter(argument for node in order for argument in node.arguments)
    uses.update(formulas.values())
    return Plan(outputs=dict(formulas), order=tuple(order), uses=uses)
