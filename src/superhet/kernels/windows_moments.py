"""Window kernels of moments: variance, deviation, z-score, trend lines; see `kernels.windows`.

Sums are float64. Squares of float32 values are exact there, and sums of some hundred of them lose nothing
that float32 could tell apart, so they are plainly added. Of float64 values they are taken about a *pivot*
that lies in the window, its newest known value: when a part joins the newer one its sums are moved to that
pivot, which takes no division. So nothing cancels however far from zero the values are, and the pivot, like
everything else, depends on the window alone.

In the ring a row holds its planes one behind the other: known rows, sum, sum of squares, what else the kernel
needs, and the pivot. Results are divided and rooted in their own type, scaled to its range.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from superhet.kernels.windows import LANES, Table, Tile, add_row, three

VAR, STD, ZSCORE = 0, 1, 2
SLOPE, RSQUARE, RESIDUAL, LINEAR, AGES = 0, 1, 2, 3, 4
SMALL, LARGE = 2.0**-40, 2.0**20
"""Second moments are scaled by the one, their roots by the other, so that float32 can hold them."""
NOISE = 1e-13
"""Share of the second moment below which a variance is the rounding of its sums, and taken as 0."""
FLOOR = 1e-29
"""Share of the squared pivot below which it is the rounding of the values themselves: some last digits."""
_S, _SS = LANES, 2 * LANES
_K1, _K2, _KX = 3 * LANES, 4 * LANES, 5 * LANES
_PIVOT, _LAST = 3 * LANES, 6 * LANES  # the pivot's plane, of moments and of trends


@njit(cache=True, nogil=True, error_model="numpy")
def moments(
    s: Tile, source: int, at: int, to: int, count: int, nodes: Table, rows: int, members: Table
) -> None:
    """Give sample variance, deviation (ddof 1) and the z-score of the newest row.

    Parameters
    ----------
    members : [members, 4], rows (position in `nodes`, minimum, slot, VAR | STD | ZSCORE)

    Notes
    -----
    A z-score in a window without variance is NaN.
    """
    ring = np.zeros((rows, 4 * LANES), np.float64)
    x, longest = s[source], nodes[nodes.shape[0] - 1, 0]
    pivoted = s.itemsize == 8
    value = _PIVOT if pivoted else _S
    for r in range(1 - longest, count):
        row, leaf = x[at + r], ring[nodes[0, 3] + (r & nodes[0, 4])]
        for j in range(LANES):
            a = float(row[j])
            ok = a - a == 0.0
            leaf[j] = 1.0 if ok else 0.0
            leaf[value + j] = a if ok else 0.0
        if not pivoted:
            _square(leaf)
        for k in range(1, nodes.shape[0]):
            if nodes[k, 0] > r + longest:
                break
            goal, newer, older, _ = three(nodes, k, r)
            if pivoted:
                _join(ring[goal], ring[newer], ring[older])
            else:
                add_row(ring[goal], ring[newer], ring[older], 3 * LANES)
        if r >= 0:
            for i in range(members.shape[0]):
                k = members[i, 0]
                sums_ = ring[nodes[k, 3] + (r & nodes[k, 4])]
                out, least = s[members[i, 2], to + r], float(max(members[i, 1], 2))
                _moment(sums_, row, out, least, members[i, 3])


@njit(cache=True, nogil=True, error_model="numpy")
def _square(leaf: Tile) -> None:
    for j in range(LANES):
        leaf[_SS + j] = leaf[_S + j] * leaf[_S + j]


@njit(cache=True, nogil=True, error_model="numpy")
def _join(out: Tile, p: Tile, q: Tile) -> None:
    """Join an older part to a newer one, moved to its pivot."""
    for j in range(LANES):
        n, m, pivot, sx = p[j], q[j], p[_PIVOT + j], q[_S + j]
        pivot = pivot if n > 0.0 else q[_PIVOT + j]
        far = q[_PIVOT + j] - pivot if m > 0.0 else 0.0
        out[j] = n + m
        out[_PIVOT + j] = pivot
        out[_S + j] = p[_S + j] + (sx + m * far)
        out[_SS + j] = p[_SS + j] + (q[_SS + j] + far * (2.0 * sx + m * far))


@njit(cache=True, nogil=True, error_model="numpy")
def _moment(sums_: Tile, row: Tile, out: Tile, least: float, kind: int) -> None:
    real, nan, zero = out.dtype.type, out.dtype.type(np.nan), out.dtype.type(0)
    if kind == STD:
        large = real(LARGE)
        for j in range(LANES):
            n, sx = sums_[j], sums_[_S + j]
            two = n * sums_[_SS + j]
            level = n * sums_[_PIVOT + j]
            vary = two - sx * sx
            value = np.sqrt(real(vary * SMALL) / real(n * (n - 1.0))) * large
            value = value if vary > NOISE * two + FLOOR * level * level else zero
            out[j] = value if n >= least else nan
        return
    for j in range(LANES):
        n, sx = sums_[j], sums_[_S + j]
        two = n * sums_[_SS + j]
        level = n * sums_[_PIVOT + j]
        vary = two - sx * sx
        flat = vary <= NOISE * two + FLOOR * level * level
        if kind == VAR:
            value = 0.0 if flat else vary / (n * (n - 1.0))
        else:
            away = n * (row[j] - sums_[_PIVOT + j]) - sx
            value = np.nan if flat else away / np.sqrt(vary * n / (n - 1.0))
        out[j] = real(value) if n >= least else nan


@njit(cache=True, nogil=True, error_model="numpy")
def trends(
    s: Tile,
    source: int,
    at: int,
    to: int,
    count: int,
    nodes: Table,
    rows: int,
    members: Table,
    cut: float,
) -> None:
    """Give slope, R² and newest residual of the trend line, per session; linearly weighted means; Σkx.

    Parameters
    ----------
    members : [members, 4], rows (position in `nodes`, minimum, slot, SLOPE | RSQUARE | RESIDUAL | LINEAR |
        AGES)
    cut : R² is NaN in windows whose sample deviation is at most this

    Notes
    -----
    With k = 0 for the newest row, a window needs n, Σk, Σk², Σx, Σx², Σkx over its known rows, x about the
    pivot; the older part brings its own with k moved on by the length of the newer one.
    """
    ring = np.zeros((rows, 7 * LANES), np.float64)
    x, longest = s[source], nodes[nodes.shape[0] - 1, 0]
    pivoted = s.itemsize == 8
    value = _LAST if pivoted else _S
    for r in range(1 - longest, count):
        row, leaf = x[at + r], ring[nodes[0, 3] + (r & nodes[0, 4])]
        for j in range(LANES):
            a = float(row[j])
            ok = a - a == 0.0
            leaf[j] = 1.0 if ok else 0.0
            leaf[value + j] = a if ok else 0.0
        if not pivoted:
            _square(leaf)
        for k in range(1, nodes.shape[0]):
            if nodes[k, 0] > r + longest:
                break
            goal, newer, older, lag = three(nodes, k, r)
            if pivoted:
                _join_in_time(ring[goal], ring[newer], ring[older], float(lag))
            else:
                _add_in_time(ring[goal], ring[newer], ring[older], float(lag))
        if r >= 0:
            for i in range(members.shape[0]):
                k = members[i, 0]
                sums_ = ring[nodes[k, 3] + (r & nodes[k, 4])]
                out, least, kind = s[members[i, 2], to + r], float(members[i, 1]), members[i, 3]
                if kind <= RESIDUAL:
                    _line(sums_, row, out, max(least, 2.0), kind, cut)
                else:
                    _weighted_sum(sums_, out, max(least, 1.0), kind, nodes[k, 0])


@njit(cache=True, nogil=True, error_model="numpy")
def _add_in_time(out: Tile, p: Tile, q: Tile, late: float) -> None:
    """Add an older part to a newer one, moved on by `late` rows."""
    for j in range(LANES):
        m, sx, k1 = q[j], q[_S + j], q[_K1 + j]
        out[j] = p[j] + m
        out[_S + j] = p[_S + j] + sx
        out[_SS + j] = p[_SS + j] + q[_SS + j]
        out[_K1 + j] = p[_K1 + j] + (k1 + late * m)
        out[_K2 + j] = p[_K2 + j] + (q[_K2 + j] + late * (2.0 * k1 + late * m))
        out[_KX + j] = p[_KX + j] + (q[_KX + j] + late * sx)


@njit(cache=True, nogil=True, error_model="numpy")
def _join_in_time(out: Tile, p: Tile, q: Tile, late: float) -> None:
    """Join an older part to a newer one, moved to its pivot and on by `late` rows."""
    for j in range(LANES):
        n, m, pivot, k1, sx = p[j], q[j], p[_LAST + j], q[_K1 + j], q[_S + j]
        pivot = pivot if n > 0.0 else q[_LAST + j]
        far = q[_LAST + j] - pivot if m > 0.0 else 0.0
        out[j] = n + m
        out[_LAST + j] = pivot
        out[_S + j] = p[_S + j] + (sx + m * far)
        out[_SS + j] = p[_SS + j] + (q[_SS + j] + far * (2.0 * sx + m * far))
        out[_K1 + j] = p[_K1 + j] + (k1 + late * m)
        out[_K2 + j] = p[_K2 + j] + (q[_K2 + j] + late * (2.0 * k1 + late * m))
        out[_KX + j] = p[_KX + j] + (q[_KX + j] + far * k1 + late * (sx + m * far))


@njit(cache=True, nogil=True, error_model="numpy")
def _weighted_sum(sums_: Tile, out: Tile, least: float, kind: int, window: int) -> None:
    """Give the linearly weighted mean, or Σkx."""
    real, nan = out.dtype.type, out.dtype.type(np.nan)
    for j in range(LANES):
        pivot, k1 = sums_[_LAST + j], sums_[_K1 + j]
        value = sums_[_KX + j]
        if kind == LINEAR:
            mass = window * sums_[j] - k1
            value = pivot + (window * sums_[_S + j] - value) / mass
        else:
            value = value + pivot * k1
        out[j] = real(value) if sums_[j] >= least else nan


@njit(cache=True, nogil=True, error_model="numpy")
def _line(sums_: Tile, row: Tile, out: Tile, least: float, kind: int, cut: float) -> None:
    """Give slope, R² or residual."""
    real, nan = out.dtype.type, out.dtype.type(np.nan)
    zero, one = out.dtype.type(0), out.dtype.type(1)
    root = np.sqrt(SMALL)
    if kind == SLOPE:
        for j in range(LANES):
            n, sx, k1 = sums_[j], sums_[_S + j], sums_[_K1 + j]
            two = n * sums_[_SS + j]
            level = n * sums_[_LAST + j]
            value = real(k1 * sx - n * sums_[_KX + j]) / real(n * sums_[_K2 + j] - k1 * k1)
            value = value if two - sx * sx > NOISE * two + FLOOR * level * level else zero
            out[j] = value if n >= least else nan
    elif kind == RSQUARE:
        for j in range(LANES):
            n, sx, k1 = sums_[j], sums_[_S + j], sums_[_K1 + j]
            two = n * sums_[_SS + j]
            level = n * sums_[_LAST + j]
            vary = two - sx * sx
            part = real((k1 * sx - n * sums_[_KX + j]) * root)
            value = part * part / (real(n * sums_[_K2 + j] - k1 * k1) * real(vary * SMALL))
            value = value if value < one else one
            ok = (
                (vary > NOISE * two + FLOOR * level * level)
                & (vary > cut * cut * n * (n - 1.0))
                & (n >= least)
            )
            out[j] = value if ok else nan
    else:
        for j in range(LANES):
            n, sx, k1 = sums_[j], sums_[_S + j], sums_[_K1 + j]
            two = n * sums_[_SS + j]
            level = n * sums_[_LAST + j]
            rise = (k1 * sx - n * sums_[_KX + j]) * k1 / (n * sums_[_K2 + j] - k1 * k1)
            value = real(n * (row[j] - sums_[_LAST + j]) - sx - rise) / real(n)
            value = value if two - sx * sx > NOISE * two + FLOOR * level * level else zero
            out[j] = value + row[j] * zero if n >= least else nan
