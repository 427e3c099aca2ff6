"""Sums of products of whole columns, several at a time: each cell is read once for many of them.

Columns are single or double precision; products are taken and added in double precision. The order in which a
sum is added depends on the number of cells alone, so it is the same in any tile and beside any other columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from superhet.kernels.ranking import Floats, Reals

Places = npt.NDArray[np.uint32]  # unsigned: no check for a negative index

LANES = 4
"""Cells that `add_by_group` takes at once, each into sums of its own; columns come by so many as well."""
_SUMS = {"reassoc", "contract"}  # lets a sum be kept in the lanes of a register
_TERMS = {"contract"}
_FIRST = 5  # columns that are subtracted together with the intercepts
_WHOLE, _DOUBLE = ir.IntType(64), ir.DoubleType()


@njit(cache=True, nogil=True, error_model="numpy")
def gram(q: Reals, n: int, out: Floats) -> None:
    """Write the inner products of the first n cells of K columns q to out [K, K], lower triangle.

    Twelve sums at a time: two triangles of three columns each, then the squares below them, nine at a time.
    """
    last = out.shape[0] - 1
    for k in range(0, last + 1, 6):
        a, b, c, d, e, f = _six_from(k, last)
        r = _two_triangles(q[a, :n], q[b, :n], q[c, :n], q[d, :n], q[e, :n], q[f, :n])
        out[a, a], out[b, a], out[b, b], out[c, a], out[c, b], out[c, c] = r[:6]
        out[d, d], out[e, d], out[e, e], out[f, d], out[f, e], out[f, f] = r[6:]
    for k in range(3, last + 1, 3):
        a, b, c, _, _, _ = _six_from(k, last)
        for m in range(0, k, 3):
            d, e, f = m, m + 1, m + 2
            s = _nine(q[a, :n], q[b, :n], q[c, :n], q[d, :n], q[e, :n], q[f, :n])
            out[a, d], out[a, e], out[a, f] = s[:3]
            out[b, d], out[b, e], out[b, f] = s[3:6]
            out[c, d], out[c, e], out[c, f] = s[6:]


@njit(cache=True, nogil=True, error_model="numpy")
def _six_from(k: int, last: int) -> tuple[int, int, int, int, int, int]:
    """Give the numbers of six columns from k on; past the last one it comes again."""
    return (
        min(k, last),
        min(k + 1, last),
        min(k + 2, last),
        min(k + 3, last),
        min(k + 4, last),
        min(k + 5, last),
    )


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _two_triangles(a: Reals, b: Reals, c: Reals, d: Reals, e: Reals, f: Reals) -> tuple[float, ...]:
    """Multiply a, b, c with each other, and d, e, f."""
    aa, ba, bb, ca, cb, cc = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    dd, ed, ee, fd, fe, ff = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(a.size):
        p, q, r = np.float64(a[i]), np.float64(b[i]), np.float64(c[i])
        u, v, w = np.float64(d[i]), np.float64(e[i]), np.float64(f[i])
        aa += p * p
        ba += q * p
        bb += q * q
        ca += r * p
        cb += r * q
        cc += r * r
        dd += u * u
        ed += v * u
        ee += v * v
        fd += w * u
        fe += w * v
        ff += w * w
    return aa, ba, bb, ca, cb, cc, dd, ed, ee, fd, fe, ff


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _nine(a: Reals, b: Reals, c: Reals, d: Reals, e: Reals, f: Reals) -> tuple[float, ...]:
    """Multiply a, b, c with d, e, f."""
    ad, ae, af, bd, be, bf, cd, ce, cf = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(a.size):
        p, q, r = np.float64(a[i]), np.float64(b[i]), np.float64(c[i])
        u, v, w = np.float64(d[i]), np.float64(e[i]), np.float64(f[i])
        ad += p * u
        ae += p * v
        af += p * w
        bd += q * u
        be += q * v
        bf += q * w
        cd += r * u
        ce += r * v
        cf += r * w
    return ad, ae, af, bd, be, bf, cd, ce, cf


@njit(cache=True, nogil=True, error_model="numpy")
def products_with(q: Reals, y: Reals, out: Floats) -> None:
    """Write the inner products of y and each of K columns q to out [K]."""
    for k in range(0, out.size, 6):
        found = _six_with(q, k, out.size - 1, y)
        for i in range(min(6, out.size - k)):
            out[k + i] = found[i]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _six_with(q: Reals, k: int, last: int, y: Reals) -> tuple[float, ...]:
    k0, k1, k2, k3, k4, k5 = _six_from(k, last)
    a, b, c, d, e, f = q[k0], q[k1], q[k2], q[k3], q[k4], q[k5]
    ay, by, cy, dy, ey, fy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(y.size):
        v = np.float64(y[i])
        ay += v * np.float64(a[i])
        by += v * np.float64(b[i])
        cy += v * np.float64(c[i])
        dy += v * np.float64(d[i])
        ey += v * np.float64(e[i])
        fy += v * np.float64(f[i])
    return ay, by, cy, dy, ey, fy


@njit(cache=True, nogil=True, error_model="numpy")
def subtract(x: Reals, q: Reals, b: Floats, y: Floats, spare: Floats, out: Reals) -> None:
    """Write x - y less the columns q [K or more, at least 1] times b [K]; NaN where x is not finite.

    y and spare are used up; `out` must be neither, or the loops could not run several cells at a time.
    """
    _five_off(x, q, b, y, spare)
    k = _FIRST
    while k + 6 < b.size:
        y, spare = spare, y
        _six_off(q, k, b, y, spare)
        k += 6
    _six_off(q, k, b, spare, out)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_TERMS)
def _five_off(x: Reals, q: Reals, b: Floats, y: Floats, out: Floats) -> None:
    k0, k1, k2, k3, k4, _ = _six_from(0, max(b.size - 1, 0))
    a0, a1, a2, a3, a4 = q[k0], q[k1], q[k2], q[k3], q[k4]
    b0, b1, b2, b3, b4 = _at(b, 0), _at(b, 1), _at(b, 2), _at(b, 3), _at(b, 4)
    for i in range(out.size):
        v = np.float64(x[i])
        v = v + (v - v) - y[i] - b0 * np.float64(a0[i]) - b1 * np.float64(a1[i])
        out[i] = v - b2 * np.float64(a2[i]) - b3 * np.float64(a3[i]) - b4 * np.float64(a4[i])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_TERMS)
def _six_off(q: Reals, k: int, b: Floats, y: Floats, out: Reals) -> None:
    k0, k1, k2, k3, k4, k5 = _six_from(k, max(b.size - 1, 0))
    a0, a1, a2, a3, a4, a5 = q[k0], q[k1], q[k2], q[k3], q[k4], q[k5]
    b0, b1, b2 = _at(b, k), _at(b, k + 1), _at(b, k + 2)
    b3, b4, b5 = _at(b, k + 3), _at(b, k + 4), _at(b, k + 5)
    for i in range(out.size):
        v = y[i] - b0 * np.float64(a0[i]) - b1 * np.float64(a1[i]) - b2 * np.float64(a2[i])
        out[i] = v - b3 * np.float64(a3[i]) - b4 * np.float64(a4[i]) - b5 * np.float64(a5[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _at(b: Floats, k: int) -> float:
    """Give a slope; 0 past the last one."""
    value: float = b[k] if k < b.size else 0.0
    return value


@njit(cache=True, nogil=True, error_model="numpy")
def add_by_group(q: Reals, places: Places, sums: Floats) -> None:
    """Add the cells of each column to the sums of their groups.

    Parameters
    ----------
    q : [C, cells], C a multiple of `LANES`
    places : [cells] group of each cell
    sums : [LANES, groups, C]; cell j goes to sums[j % LANES], so that no addition waits for the last one
    """
    whole, C = places.size - places.size % LANES, sums.shape[2]
    k = 0
    while k + 3 * LANES <= C:
        for j in range(0, whole, LANES):
            _add_block(q, k, j, places, sums)
            _add_block(q, k + LANES, j, places, sums)
            _add_block(q, k + 2 * LANES, j, places, sums)
        k += 3 * LANES
    if k + 2 * LANES <= C:
        for j in range(0, whole, LANES):
            _add_block(q, k, j, places, sums)
            _add_block(q, k + LANES, j, places, sums)
        k += 2 * LANES
    if k < C:
        for j in range(0, whole, LANES):
            _add_block(q, k, j, places, sums)
    for j in range(whole, places.size):
        for k in range(C):
            sums[j - whole, places[j], k] += q[k, j]


@intrinsic
def _add_block(typing_context: Any, q: Any, k: Any, j: Any, places: Any, sums: Any) -> Any:
    """Do it for columns k to k + 3 and cells j to j + 3: turned over in registers, then added by row."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        column, cell = arguments[1], arguments[2]
        source, place, goal = (
            context.make_array(signature.args[n])(context, builder, arguments[n]) for n in (0, 3, 4)
        )
        item = signature.args[0].dtype
        kind = context.get_data_type(item)
        size = builder.extract_value(source.shape, 1)
        groups, width = (builder.extract_value(goal.shape, axis) for axis in (1, 2))

        def place_in(row: Any, length: Any, at: Any) -> Any:
            return builder.add(builder.mul(row, length), at)

        def four(array: Any, of: Any, at: Any) -> Any:
            return builder.bitcast(builder.gep(array.data, [at]), ir.VectorType(of, 4).as_pointer())

        def plus(number: Any, n: int) -> Any:
            return builder.add(number, ir.Constant(_WHOLE, n))

        rows = [
            builder.load(
                four(source, kind, place_in(plus(column, n), size, cell)), align=item.bitwidth // 8
            )
            for n in range(LANES)
        ]
        for lane, values in enumerate(_turned_over(builder, rows)):
            double = values if kind == _DOUBLE else builder.fpext(values, ir.VectorType(_DOUBLE, 4))
            group = builder.zext(builder.load(builder.gep(place.data, [plus(cell, lane)])), _WHOLE)
            row = place_in(ir.Constant(_WHOLE, lane), groups, group)
            at = four(goal, _DOUBLE, place_in(row, width, column))
            builder.store(builder.fadd(builder.load(at, align=8), double), at, align=8)
        return context.get_dummy_value()

    return types.void(q, types.int64, types.int64, places, sums), generate


def _turned_over(builder: Any, rows: Any) -> list[Any]:
    """Transpose four vectors of four."""

    def pick(a: Any, b: Any, *lanes: int) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), 4), list(lanes))
        return builder.shuffle_vector(a, b, mask)

    a, b, c, d = rows
    pairs = [
        (pick(a, b, i, 4 + i, 2 + i, 6 + i), pick(c, d, i, 4 + i, 2 + i, 6 + i)) for i in (0, 1)
    ]
    return [pick(*pair, i, 1 + i, 4 + i, 5 + i) for i in (0, 2) for pair in pairs]
