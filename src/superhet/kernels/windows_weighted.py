"""Window kernels of geometric weights, and those that go row by row; see `kernels.windows`.

Geometric weights add by parts, too, where the older part counts less by the weight of its lag.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from superhet.kernels.windows import LANES, Table, Tile, three

SKEW, KURT = 0, 1


@njit(cache=True, nogil=True, error_model="numpy")
def geometric_means(
    s: Tile,
    source: int,
    at: int,
    to: int,
    count: int,
    nodes: Table,
    rows: int,
    members: Table,
    factor: float,
) -> None:
    """Average the known rows with weights factor^k, k rows before the newest, divided by their sum.

    Parameters
    ----------
    members : [members, 3], rows (position in `nodes`, minimum, slot)
    factor : in [0, 1)
    """
    nan = s.dtype.type(np.nan)
    ring = np.zeros((3, rows, LANES), np.float64)
    x, longest = s[source], nodes[nodes.shape[0] - 1, 0]
    for r in range(1 - longest, count):
        here = nodes[0, 3] + (r & nodes[0, 4])
        row, total, mass, known = x[at + r], ring[0, here], ring[1, here], ring[2, here]
        for j in range(LANES):
            a = np.float64(row[j])
            ok = a - a == 0.0
            total[j] = a if ok else 0.0
            mass[j] = 1.0 if ok else 0.0
            known[j] = 1.0 if ok else 0.0
        for k in range(1, nodes.shape[0]):
            if nodes[k, 0] > r + longest:
                break
            goal, newer, older, lag = three(nodes, k, r)
            less = factor**lag
            for p in range(2):
                out, u, v = ring[p, goal], ring[p, newer], ring[p, older]
                for j in range(LANES):
                    out[j] = u[j] + less * v[j]
            out, u, v = ring[2, goal], ring[2, newer], ring[2, older]
            for j in range(LANES):
                out[j] = u[j] + v[j]
        if r < 0:
            continue
        for m in range(members.shape[0]):
            k = members[m, 0]
            here = nodes[k, 3] + (r & nodes[k, 4])
            total, mass, known = ring[0, here], ring[1, here], ring[2, here]
            out, least = s[members[m, 2], to + r], float(max(members[m, 1], 1))
            for j in range(LANES):
                out[j] = s.dtype.type(total[j] / mass[j]) if known[j] >= least else nan


@njit(cache=True, nogil=True, error_model="numpy")
def _mean(x: Tile, newest: int, window: int, n: Tile, mean: Tile) -> None:
    """Take the number and the mean of the known rows of one window."""
    zero = x.dtype.type(0)
    n[:] = 0.0
    mean[:] = 0.0
    for k in range(window):
        row = x[newest - k]
        for j in range(LANES):
            a = row[j]
            ok = a - a == zero
            n[j] += 1.0 if ok else 0.0
            mean[j] += np.float64(a) if ok else 0.0
    for j in range(LANES):
        mean[j] = mean[j] / n[j]


@njit(cache=True, nogil=True, error_model="numpy")
def shapes(
    s: Tile, source: int, at: int, to: int, count: int, members: Table, unvaried: float
) -> None:
    """Give the adjusted sample skewness and excess kurtosis.

    Parameters
    ----------
    members : [members, 4], rows (window, minimum, slot, SKEW | KURT)
    unvaried : what a window without variance gives

    Notes
    -----
    Two passes, the second about the mean: sums of raw fourth powers would lose what is asked for.
    """
    nan, zero = s.dtype.type(np.nan), s.dtype.type(0)
    n, mean = np.empty(LANES), np.empty(LANES)
    m2, m3, m4 = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    x = s[source]
    for i in range(count):
        for m in range(members.shape[0]):
            window, kind = members[m, 0], members[m, 3]
            least = max(float(members[m, 1]), 3.0 if kind == SKEW else 4.0)
            _mean(x, at + i, window, n, mean)
            m2[:] = 0.0
            m3[:] = 0.0
            m4[:] = 0.0
            for k in range(window):
                row = x[at + i - k]
                for j in range(LANES):
                    a = row[j]
                    b = np.float64(a) - mean[j] if a - a == zero else 0.0
                    c = b * b
                    m2[j] += c
                    m3[j] += c * b
                    m4[j] += c * c
            out = s[members[m, 2], to + i]
            for j in range(LANES):
                z, var = n[j], m2[j] / n[j]
                if kind == SKEW:
                    value = (m3[j] / z) / (var * np.sqrt(var)) * np.sqrt(z * (z - 1.0)) / (z - 2.0)
                else:
                    g = (m4[j] / z) / (var * var)
                    value = (z - 1.0) / ((z - 2.0) * (z - 3.0)) * ((z + 1.0) * g - 3.0 * (z - 1.0))
                flat = var <= 1e-26 * mean[j] * mean[j]
                value = unvaried if flat else value
                out[j] = nan if z < least else s.dtype.type(value)


@njit(cache=True, nogil=True, error_model="numpy")
def absolute_deviations(s: Tile, source: int, at: int, to: int, count: int, members: Table) -> None:
    """Give the mean absolute deviation from the mean of each window.

    Parameters
    ----------
    members : [members, 3], rows (window, minimum, slot)
    """
    nan, zero = s.dtype.type(np.nan), s.dtype.type(0)
    n, mean, away = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    x = s[source]
    for i in range(count):
        for m in range(members.shape[0]):
            window, least = members[m, 0], max(float(members[m, 1]), 1.0)
            _mean(x, at + i, window, n, mean)
            away[:] = 0.0
            for k in range(window):
                row = x[at + i - k]
                for j in range(LANES):
                    a = row[j]
                    away[j] += abs(np.float64(a) - mean[j]) if a - a == zero else 0.0
            out = s[members[m, 2], to + i]
            for j in range(LANES):
                out[j] = s.dtype.type(away[j] / n[j]) if n[j] >= least else nan
