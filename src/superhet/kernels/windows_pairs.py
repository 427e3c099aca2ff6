"""Window kernels of two signals: covariance, correlation, slope and residual; see `kernels.windows_moments`.

Only rows on which both are known enter; float64 values are taken about those of the newest such row. A tile
is done half after half, so that the sums of the longest window stay in the near cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from superhet.kernels.windows import LANES, Table, Tile, three
from superhet.kernels.windows_moments import FLOOR, NOISE, SMALL

COV, CORR, BETA, DISTANCE = 0, 1, 2, 3
_FINE = 1e-10  # float64 has a smaller epsilon, float32 a greater one
_WIDTH = 64
"""Lanes done together, a divisor of `LANES`; with fewer, starting a loop costs more than the cache saves."""
_LINE = 8
"""Cells between two rows of the ring: rows a power of two apart would share their places in the cache."""
_SY, _SX, _SYY, _SXX, _SXY, _PY, _PX, _ALL = (i * _WIDTH for i in range(1, 9))


@njit(cache=True, nogil=True, error_model="numpy")
def pairs(
    s: Tile,
    ys: int,
    yat: int,
    xs: int,
    xat: int,
    to: int,
    count: int,
    nodes: Table,
    rows: int,
    members: Table,
    cut: float,
) -> None:
    """Give covariance, correlation, slope of `y` on `x`, and the newest residual of that line.

    Parameters
    ----------
    ys, yat, xs, xat : slots of `y` and `x`, and the rows that belong to output row 0
    nodes, rows : of `Parts`
    members : [members, 4], rows (position in `nodes`, minimum, slot, COV | CORR | BETA | DISTANCE)
    cut : a correlation is NaN where a sample deviation is at most this
    """
    ring = np.zeros((rows, _ALL + _LINE), np.float64)
    y, x, longest = s[ys], s[xs], nodes[nodes.shape[0] - 1, 0]
    pivoted = np.finfo(s.dtype).eps < _FINE  # known to the compiler, which leaves the other way out
    for left in range(0, LANES, _WIDTH):
        right = left + _WIDTH
        for r in range(1 - longest, count):
            yr, xr = y[yat + r, left:right], x[xat + r, left:right]
            leaf = ring[nodes[0, 3] + (r & nodes[0, 4])]
            if pivoted:
                _begin(leaf, yr, xr)
            else:
                _multiply(leaf, yr, xr)
            for k in range(1, nodes.shape[0]):
                if nodes[k, 0] > r + longest:
                    break
                goal, newer, older, _ = three(nodes, k, r)
                if pivoted:
                    _join(ring[goal], ring[newer], ring[older])
                else:
                    out, p, q = ring[goal], ring[newer], ring[older]
                    for j in range(_PY):
                        out[j] = p[j] + q[j]
            if r >= 0:
                for i in range(members.shape[0]):
                    k = members[i, 0]
                    sums_ = ring[nodes[k, 3] + (r & nodes[k, 4])]
                    goals, least = (
                        s[members[i, 2], to + r, left:right],
                        float(max(members[i, 1], 2)),
                    )
                    _pair(sums_, yr, xr, goals, least, members[i, 3], cut)


@njit(cache=True, nogil=True, error_model="numpy")
def _begin(leaf: Tile, y: Tile, x: Tile) -> None:
    """Write the sums of one row about itself; those of squares and products are 0, and stay so."""
    for j in range(_WIDTH):
        a, b = float(y[j]), float(x[j])
        ok = (a - a == 0.0) & (b - b == 0.0)
        leaf[j] = 1.0 if ok else 0.0
        leaf[_PY + j] = a if ok else 0.0
        leaf[_PX + j] = b if ok else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _multiply(leaf: Tile, y: Tile, x: Tile) -> None:
    """Write the sums of one row about 0."""
    for j in range(_WIDTH):
        a, b = float(y[j]), float(x[j])
        ok = (a - a == 0.0) & (b - b == 0.0)
        a, b = a if ok else 0.0, b if ok else 0.0
        leaf[j] = 1.0 if ok else 0.0
        leaf[_SY + j] = a
        leaf[_SX + j] = b
        leaf[_SYY + j] = a * a
        leaf[_SXX + j] = b * b
        leaf[_SXY + j] = a * b


@njit(cache=True, nogil=True, error_model="numpy")
def _join(out: Tile, p: Tile, q: Tile) -> None:
    """Join an older part to a newer one, moved to its pivots."""
    for j in range(_WIDTH):
        n, m, py, px = p[j], q[j], p[_PY + j], p[_PX + j]
        py = py if n > 0.0 else q[_PY + j]
        px = px if n > 0.0 else q[_PX + j]
        v = q[_PY + j] - py if m > 0.0 else 0.0
        u = q[_PX + j] - px if m > 0.0 else 0.0
        sy, sx = q[_SY + j], q[_SX + j]
        out[j] = n + m
        out[_PY + j] = py
        out[_PX + j] = px
        out[_SY + j] = p[_SY + j] + (sy + m * v)
        out[_SX + j] = p[_SX + j] + (sx + m * u)
        out[_SYY + j] = p[_SYY + j] + (q[_SYY + j] + v * (2.0 * sy + m * v))
        out[_SXX + j] = p[_SXX + j] + (q[_SXX + j] + u * (2.0 * sx + m * u))
        out[_SXY + j] = p[_SXY + j] + (q[_SXY + j] + (u * sy + v * (sx + m * u)))


@njit(cache=True, nogil=True, error_model="numpy")
def _pair(sums_: Tile, yr: Tile, xr: Tile, out: Tile, least: float, kind: int, cut: float) -> None:
    real, nan, one = out.dtype.type, out.dtype.type(np.nan), out.dtype.type(1)
    pivoted = np.finfo(out.dtype).eps < _FINE
    if kind == CORR:
        for j in range(_WIDTH):
            n, sy, sx = sums_[j], sums_[_SY + j], sums_[_SX + j]
            yy, xx = n * sums_[_SYY + j], n * sums_[_SXX + j]
            vy, vx = yy - sy * sy, xx - sx * sx
            ly, lx = (n * sums_[_PY + j], n * sums_[_PX + j]) if pivoted else (0.0, 0.0)
            yy, xx = NOISE * yy + FLOOR * ly * ly, NOISE * xx + FLOOR * lx * lx
            cov = real((n * sums_[_SXY + j] - sx * sy) * SMALL)
            value = cov / (np.sqrt(real(vy * SMALL)) * np.sqrt(real(vx * SMALL)))
            value = value if value < one else one
            value = value if value > -one else -one
            limit = cut * cut * n * (n - 1.0)
            ok = (vy > limit) & (vy > yy) & (vx > limit) & (vx > xx)
            out[j] = value if ok & (n >= least) else nan
        return
    for j in range(_WIDTH):
        n, sy, sx = sums_[j], sums_[_SY + j], sums_[_SX + j]
        yy, xx = n * sums_[_SYY + j], n * sums_[_SXX + j]
        vy, vx, cov = yy - sy * sy, xx - sx * sx, n * sums_[_SXY + j] - sx * sy
        ly, lx = (n * sums_[_PY + j], n * sums_[_PX + j]) if pivoted else (0.0, 0.0)
        flat = vx <= NOISE * xx + FLOOR * lx * lx
        if kind == COV:
            still = flat | (vy <= NOISE * yy + FLOOR * ly * ly)
            value = 0.0 if still else cov / (n * (n - 1.0))
        else:
            value = np.nan if flat else cov / vx
            if kind == DISTANCE:
                now = (yr[j] - sums_[_PY + j]) - value * (xr[j] - sums_[_PX + j])
                value = now - (sy - value * sx) / n
        out[j] = real(value) if n >= least else nan
