"""Window steps by name, and how a family of them calls its kernel.

A step's parameters are (window, known rows needed, more…). Steps on the same operands that one kernel can
take together form a family; `family` gives the key they share, `bind` the call that computes them all.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.factors.graph import Node
from superhet.kernels import windows as tree
from superhet.kernels import windows_moments as moments
from superhet.kernels import windows_order as order
from superhet.kernels import windows_pairs as pairs
from superhet.kernels import windows_weighted as weighted

Call: TypeAlias = Callable[[], None]


@dataclass(frozen=True)
class Places:
    """Where a family reads and writes in a tile.

    Parameters
    ----------
    tile : [slots, rows, assets]
    sources : slot and row of output row 0, operand by operand
    goals : slot of each member
    first, count : row of the members' slots that takes output row 0, and how many rows follow
    """

    tile: npt.NDArray[Any]
    sources: Sequence[tuple[int, int]]
    goals: Sequence[int]
    first: int
    count: int


@dataclass(frozen=True)
class _Kernel:
    """A kernel of families added by parts: its code for each statistic, and its further arguments."""

    run: Callable[..., None]
    code: int | None = None
    extra: tuple[Any, ...] = ()


_TREES: dict[str, _Kernel] = {
    "sum": _Kernel(tree.sums, tree.SUM),
    "mean": _Kernel(tree.sums, tree.MEAN),
    "count": _Kernel(tree.sums, tree.KNOWN),
    "max": _Kernel(tree.extremes, None, (1.0,)),
    "min": _Kernel(tree.extremes, None, (-1.0,)),
    "product": _Kernel(tree.products),
    "newest": _Kernel(tree.newest),
    "var": _Kernel(moments.moments, moments.VAR),
    "std": _Kernel(moments.moments, moments.STD),
    "zscore": _Kernel(moments.moments, moments.ZSCORE),
    "slope": _Kernel(moments.trends, moments.SLOPE),
    "rsquare": _Kernel(moments.trends, moments.RSQUARE),
    "residual": _Kernel(moments.trends, moments.RESIDUAL),
    "linear_mean": _Kernel(moments.trends, moments.LINEAR),
    "age_sum": _Kernel(moments.trends, moments.AGES),
    "cov": _Kernel(pairs.pairs, pairs.COV),
    "corr": _Kernel(pairs.pairs, pairs.CORR),
    "beta": _Kernel(pairs.pairs, pairs.BETA),
    "distance": _Kernel(pairs.pairs, pairs.DISTANCE),
    "geometric_mean": _Kernel(weighted.geometric_means),
    "place": _Kernel(tree.places),
}
_SWEEPS: dict[str, _Kernel] = {
    "skew": _Kernel(weighted.shapes, weighted.SKEW),
    "kurt": _Kernel(weighted.shapes, weighted.KURT),
    "absolute_deviation": _Kernel(weighted.absolute_deviations),
    "rank": _Kernel(order.ranks),
}
_QUANTILE = "quantile"
NAMES = (*_TREES, *_SWEEPS, _QUANTILE)
_CUT = {moments.trends, pairs.pairs}  # kernels that are told which deviation counts as none


def family(node: Node) -> Hashable:
    """Give what the members of a family share: operands, kernel, and the kernel's own parameters."""
    operands = tuple((r.node.number, r.lag) for r in node.operands)
    if node.op == _QUANTILE:
        return operands, _QUANTILE, node.params[:2]
    kernel = _TREES.get(node.op) or _SWEEPS[node.op]
    return operands, kernel.run.__name__, kernel.extra, node.params[2:]


def bind(members: Sequence[Node], at: Places) -> Call:
    """Make the call that computes a family; it may be run again and again, as the tile's rows change."""
    first = members[0]
    ordered = sorted(zip(members, at.goals, strict=True), key=lambda pair: pair[0].params[0])
    if first.op == _QUANTILE:
        return _quantiles(ordered, at)
    kernel = _TREES.get(first.op) or _SWEEPS[first.op]
    flat = [part for source in at.sources for part in source]
    head = (at.tile, *flat, at.first, at.count)
    if first.op in _SWEEPS:
        table, more = _table(ordered, {}), first.params[2:]
        return lambda: kernel.run(*head, table, *more)
    made = tree.parts(node.params[0] for node, _ in ordered)
    table = _table(ordered, made.places)
    extra = kernel.extra or tuple(
        np.asarray(p) if isinstance(p, tuple) else p for p in first.params[2:]
    )
    if kernel.run in _CUT and not extra:
        extra = (0.0,)
    return lambda: kernel.run(*head, made.nodes, made.rows, table, *extra)


def _table(ordered: Sequence[tuple[Node, int]], places: dict[int, int]) -> npt.NDArray[np.int64]:
    rows = []
    for node, goal in ordered:
        window, minimum = node.params[:2]
        code = (_TREES.get(node.op) or _SWEEPS[node.op]).code
        row = (places.get(window, window), minimum, goal)
        rows.append(row if code is None else (*row, code))
    return np.array(rows, dtype=np.int64)


def _quantiles(ordered: Sequence[tuple[Node, int]], at: Places) -> Call:
    window, minimum = ordered[0][0].params[:2]
    ((slot, row),) = at.sources
    goals = np.array([goal for _, goal in ordered], dtype=np.int64)
    levels = np.array([node.params[2] for node, _ in ordered], dtype=np.float64)
    return lambda: order.quantiles(
        at.tile, slot, row, at.first, at.count, (window, minimum), goals, levels
    )
