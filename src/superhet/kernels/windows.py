"""Window kernels on tiles: each value is made from the rows of its own window.

A tile is `[slots, rows, LANES]` of one float type: time down, assets across. A kernel reads the rows of slot
`source`, of which output row `i` is row `at + i`, and writes `count` rows of each member's slot, from row
`to`. A *family* is one kernel on one source with many members (windows, statistics).

Whatever can be added is added by parts: a window of 60 is the newer 30 plus the 30 before them, 30 is 15
plus 15, 15 is 10 plus 5 (`split`); windows of a family share their parts. So a value costs about log2(window)
additions, there is no running sum that drifts or that a NaN could poison, and **a value depends on its
window and on nothing else**: not on the tile's first row, not on other members, not on threads. No
fast-math: the same bytes on every machine.

NaN rule: a row that is NaN or infinite is missing. `minimum` is the number of known rows that a member
needs; with fewer it is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Tile = npt.NDArray[Any]
Table = npt.NDArray[np.int64]
LANES = 128
"""Assets of one tile, a multiple of every vector width."""

SUM, MEAN, KNOWN = 0, 1, 2


@dataclass(frozen=True)
class Parts:
    """How windows are put together from shorter ones.

    Parameters
    ----------
    nodes : [nodes, 5], by rising window: window, the newer and the older part (positions in this table),
        where the node's ring of rows begins, and its length less one (lengths are powers of two)
    rows : rows of all rings together
    places : window -> its position in the table

    Examples
    --------
    >>> parts([5, 10]).nodes[:, :3].tolist()
    [[1, 0, 0], [2, 0, 0], [3, 1, 0], [5, 2, 1], [10, 3, 3]]
    """

    nodes: Table
    rows: int
    places: dict[int, int]


def split(window: int) -> tuple[int, int]:
    """Cut a window into a newer and an older part, so that usual windows share many parts.

    Examples
    --------
    >>> split(60), split(15), split(25), split(7)
    ((30, 30), (10, 5), (15, 10), (4, 3))
    """
    if window % 2 == 0:
        return window // 2, window // 2
    if window % 3 == 0 and window > 3:
        return window // 3 * 2, window // 3
    if window % 5 == 0:
        return window // 5 * 3, window // 5 * 2
    return window - window // 2, window // 2


def parts(windows: Iterable[int]) -> Parts:
    """Find the parts that some windows need."""
    needed, open_ = {1}, list(windows)
    while open_:
        window = open_.pop()
        if window not in needed:
            needed.add(window)
            open_ += split(window)
    ordered = sorted(needed)
    places = {window: i for i, window in enumerate(ordered)}
    longest_lag = dict.fromkeys(ordered, 0)
    for window in ordered[1:]:
        newer, older = split(window)
        longest_lag[older] = max(longest_lag[older], newer)
    table, begin = [], 0
    for window in ordered:
        size = 1 << longest_lag[window].bit_length()
        newer, older = (places[p] for p in split(window)) if window > 1 else (0, 0)
        table.append((window, newer, older, begin, size - 1))
        begin += size
    return Parts(np.array(table, dtype=np.int64), begin, places)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def three(nodes: Table, k: int, r: int) -> tuple[int, int, int, int]:
    """Give the ring rows of a node and of its parts at row `r`, and the lag of the older part."""
    newer, older = nodes[k, 1], nodes[k, 2]
    lag = nodes[newer, 0]
    return (
        nodes[k, 3] + (r & nodes[k, 4]),
        nodes[newer, 3] + (r & nodes[newer, 4]),
        nodes[older, 3] + ((r - lag) & nodes[older, 4]),
        lag,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def add_row(out: Tile, newer: Tile, older: Tile, width: int) -> None:
    """Add the first `width` numbers of two rows of a ring."""
    for j in range(width):
        out[j] = newer[j] + older[j]


@njit(cache=True, nogil=True, error_model="numpy")
def add_parts(ring: Tile, nodes: Table, r: int, rows: int) -> None:
    """Add the parts of all windows that are complete after `rows` rows; `ring` is [planes, rows, LANES]."""
    for k in range(1, nodes.shape[0]):
        if nodes[k, 0] > rows:
            return
        goal, newer, older, _ = three(nodes, k, r)
        for p in range(ring.shape[0]):
            out, a, b = ring[p, goal], ring[p, newer], ring[p, older]
            for j in range(LANES):
                out[j] = a[j] + b[j]


@njit(cache=True, nogil=True, error_model="numpy")
def sums(
    s: Tile, source: int, at: int, to: int, count: int, nodes: Table, rows: int, members: Table
) -> None:
    """Give sums, means and numbers of known rows.

    Parameters
    ----------
    nodes, rows : of `Parts`
    members : [members, 4], rows (position in `nodes`, minimum, slot, SUM | MEAN | KNOWN)
    """
    one, zero, nan = s.dtype.type(1), s.dtype.type(0), s.dtype.type(np.nan)
    ring = np.zeros((2, rows, LANES), s.dtype)
    x, longest = s[source], nodes[nodes.shape[0] - 1, 0]
    for r in range(1 - longest, count):
        here = nodes[0, 3] + (r & nodes[0, 4])
        row, total, known = x[at + r], ring[0, here], ring[1, here]
        for j in range(LANES):
            a = row[j]
            ok = a - a == zero
            total[j] = a if ok else zero
            known[j] = one if ok else zero
        add_parts(ring, nodes, r, r + longest)
        if r < 0:
            continue
        for m in range(members.shape[0]):
            k, kind = members[m, 0], members[m, 3]
            here = nodes[k, 3] + (r & nodes[k, 4])
            total, known, out = ring[0, here], ring[1, here], s[members[m, 2], to + r]
            least = s.dtype.type(max(members[m, 1], 0))
            if kind == SUM:
                for j in range(LANES):
                    out[j] = total[j] if known[j] >= least else nan
            elif kind == MEAN:
                for j in range(LANES):
                    out[j] = total[j] / known[j] if known[j] >= least else nan
            else:
                for j in range(LANES):
                    out[j] = known[j] if known[j] >= least else nan


@njit(cache=True, nogil=True, error_model="numpy")
def extremes(
    s: Tile,
    source: int,
    at: int,
    to: int,
    count: int,
    nodes: Table,
    rows: int,
    members: Table,
    sign: float,
) -> None:
    """Give the greatest known row of each window (`sign` 1) or the least (-1).

    Parameters
    ----------
    members : [members, 3], rows (position in `nodes`, minimum, slot)
    """
    one, zero, nan = s.dtype.type(1), s.dtype.type(0), s.dtype.type(np.nan)
    turn, low = s.dtype.type(sign), s.dtype.type(-np.inf)
    ring = np.zeros((2, rows, LANES), s.dtype)
    x, longest = s[source], nodes[nodes.shape[0] - 1, 0]
    for r in range(1 - longest, count):
        here = nodes[0, 3] + (r & nodes[0, 4])
        row, best, known = x[at + r], ring[0, here], ring[1, here]
        for j in range(LANES):
            a = row[j]
            ok = a - a == zero
            best[j] = a * turn if ok else low
            known[j] = one if ok else zero
        for k in range(1, nodes.shape[0]):
            if nodes[k, 0] > r + longest:
                break
            goal, newer, older, _ = three(nodes, k, r)
            out, p, q = ring[0, goal], ring[0, newer], ring[0, older]
            for j in range(LANES):
                out[j] = p[j] if p[j] > q[j] else q[j]
            out, p, q = ring[1, goal], ring[1, newer], ring[1, older]
            for j in range(LANES):
                out[j] = p[j] + q[j]
        if r < 0:
            continue
        for m in range(members.shape[0]):
            k = members[m, 0]
            here = nodes[k, 3] + (r & nodes[k, 4])
            best, known, out = ring[0, here], ring[1, here], s[members[m, 2], to + r]
            least = s.dtype.type(max(members[m, 1], 1))
            for j in range(LANES):
                out[j] = best[j] * turn if known[j] >= least else nan


@njit(cache=True, nogil=True, error_model="numpy")
def places(
    s: Tile,
    source: int,
    at: int,
    alive: int,
    alive_at: int,
    to: int,
    count: int,
    nodes: Table,
    rows: int,
    members: Table,
    rule: Table,
) -> None:
    """Say where in each window the greatest or least row stands.

    Parameters
    ----------
    alive, alive_at : slot that is NaN on rows before an asset exists, and its row of output row 0
    members : [members, 3], rows (position in `nodes`, minimum, slot)
    rule : [3], sign (1 greatest, -1 least), from the oldest, first unknown wins. Counted from the newest, the
        place is the number of sessions since, and among equals the newest counts; counted from the oldest
        existing row it begins at 1, and the oldest counts. If the first unknown wins, a missing row beats
        every value, as in numpy's argmax
    """
    one, zero, nan = s.dtype.type(1), s.dtype.type(0), s.dtype.type(np.nan)
    turn, low, high = s.dtype.type(rule[0]), s.dtype.type(-np.inf), s.dtype.type(np.inf)
    oldest, missing_wins = rule[1] == 1, rule[2] == 1
    ring = np.zeros((4, rows, LANES), s.dtype)
    x, living, longest = s[source], s[alive], nodes[nodes.shape[0] - 1, 0]
    for r in range(1 - longest, count):
        here = nodes[0, 3] + (r & nodes[0, 4])
        row, lives = x[at + r], living[alive_at + r]
        best, place, known, exist = ring[0, here], ring[1, here], ring[2, here], ring[3, here]
        for j in range(LANES):
            a = row[j]
            ok = a - a == zero
            exists = lives[j] == lives[j]
            instead = high if missing_wins & exists else low
            best[j] = a * turn if ok else instead
            place[j] = zero
            known[j] = one if ok else zero
            exist[j] = one if exists else zero
        for k in range(1, nodes.shape[0]):
            if nodes[k, 0] > r + longest:
                break
            goal, newer, older, lag = three(nodes, k, r)
            shift = s.dtype.type(lag)
            out, p, q = ring[0, goal], ring[0, newer], ring[0, older]
            where, u, v = ring[1, goal], ring[1, newer], ring[1, older]
            if oldest:
                for j in range(LANES):
                    where[j] = v[j] + shift if q[j] >= p[j] else u[j]
            else:
                for j in range(LANES):
                    where[j] = v[j] + shift if q[j] > p[j] else u[j]
            for j in range(LANES):
                out[j] = p[j] if p[j] > q[j] else q[j]
            for plane in range(2, 4):
                out, p, q = ring[plane, goal], ring[plane, newer], ring[plane, older]
                for j in range(LANES):
                    out[j] = p[j] + q[j]
        if r < 0:
            continue
        for m in range(members.shape[0]):
            k = members[m, 0]
            here = nodes[k, 3] + (r & nodes[k, 4])
            place, known, exist = ring[1, here], ring[2, here], ring[3, here]
            out, least = s[members[m, 2], to + r], s.dtype.type(max(members[m, 1], 1))
            for j in range(LANES):
                value = exist[j] - place[j] if oldest else place[j]
                out[j] = value if known[j] >= least else nan


@njit(cache=True, nogil=True, error_model="numpy")
def newest(
    s: Tile, source: int, at: int, to: int, count: int, nodes: Table, rows: int, members: Table
) -> None:
    """Give the newest known row of each window; members as in `extremes`."""
    zero, nan = s.dtype.type(0), s.dtype.type(np.nan)
    ring = np.zeros((rows, LANES), s.dtype)
    x, longest = s[source], nodes[nodes.shape[0] - 1, 0]
    for r in range(1 - longest, count):
        row, leaf = x[at + r], ring[nodes[0, 3] + (r & nodes[0, 4])]
        for j in range(LANES):
            a = row[j]
            leaf[j] = a if a - a == zero else nan
        for k in range(1, nodes.shape[0]):
            if nodes[k, 0] > r + longest:
                break
            goal, newer, older, _ = three(nodes, k, r)
            out, p, q = ring[goal], ring[newer], ring[older]
            for j in range(LANES):
                out[j] = p[j] if p[j] == p[j] else q[j]
        if r >= 0:
            for m in range(members.shape[0]):
                k = members[m, 0]
                s[members[m, 2], to + r] = ring[nodes[k, 3] + (r & nodes[k, 4])]


@njit(cache=True, nogil=True, error_model="numpy")
def products(
    s: Tile, source: int, at: int, to: int, count: int, nodes: Table, rows: int, members: Table
) -> None:
    """Multiply the known rows of each window; members as in `extremes`."""
    zero, nan = s.dtype.type(0), s.dtype.type(np.nan)
    ring = np.zeros((2, rows, LANES), np.float64)
    x, longest = s[source], nodes[nodes.shape[0] - 1, 0]
    for r in range(1 - longest, count):
        here = nodes[0, 3] + (r & nodes[0, 4])
        row, total, known = x[at + r], ring[0, here], ring[1, here]
        for j in range(LANES):
            a = row[j]
            ok = a - a == zero
            total[j] = a if ok else 1.0
            known[j] = 1.0 if ok else 0.0
        for k in range(1, nodes.shape[0]):
            if nodes[k, 0] > r + longest:
                break
            goal, newer, older, _ = three(nodes, k, r)
            for j in range(LANES):
                ring[0, goal, j] = ring[0, newer, j] * ring[0, older, j]
                ring[1, goal, j] = ring[1, newer, j] + ring[1, older, j]
        if r < 0:
            continue
        for m in range(members.shape[0]):
            k = members[m, 0]
            here = nodes[k, 3] + (r & nodes[k, 4])
            total, known, out = ring[0, here], ring[1, here], s[members[m, 2], to + r]
            least = float(max(members[m, 1], 1))
            for j in range(LANES):
                out[j] = s.dtype.type(total[j]) if known[j] >= least else nan
