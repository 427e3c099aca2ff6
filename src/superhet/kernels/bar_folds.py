"""Folds: a slice of the day to float64 sums, lane by lane, as compiled loops that vectorise.

A slice is bars of `LANES` lanes each, flat. Blocks of `PARTS` bars are added in registers, four blocks in the
type of the bars, and these partial sums in float64: a chain of float32 additions has 32 links or a few more,
and a sum depends on the bars of its own lane and slice only. Sums are rows of `LANES`, flat; the first row
counts.

A bar that is NaN or infinite is missing. Moments and products are those of deviations from a `centre` close
to the mean, so that nothing cancels; where all bars are equal the centre is that bar: all deviations are 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels import bar_codes as codes
from superhet.kernels.bar_codes import LANES
from superhet.kernels.bar_walks import end_known

Cells = npt.NDArray[Any]
Sums = npt.NDArray[np.float64]

PARTS = 8
_BLOCK = PARTS * LANES
_SPAN = 4 * _BLOCK
_LEAST, _MOST, _TWICE = 2.0**-120, 2.0**120, np.int64(2 * 1023)  # float32 ends at 2^127


@njit(cache=True, nogil=True, error_model="numpy")
def _clear(sums: Sums, partial: Cells) -> None:
    for i in range(sums.size):
        sums[i], partial[i] = 0.0, 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _add(sums: Sums, partial: Cells) -> None:
    """Add partial sums, and begin new ones."""
    for i in range(sums.size):
        sums[i] += partial[i]
        partial[i] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def fold_sum(sums: Sums, x: Cells, partial: Cells) -> None:
    """Count the known bars and add them: two rows of sums."""
    one, zero, inf = x.dtype.type(1), x.dtype.type(0), x.dtype.type(np.inf)
    whole = x.size // _BLOCK * _BLOCK
    _clear(sums, partial)
    for at in range(0, whole, _BLOCK):
        block = x[at : at + _BLOCK]
        for j in range(LANES):
            n, s = partial[j], partial[LANES + j]
            for k in range(PARTS):
                v = block[k * LANES + j]
                known = abs(v) < inf
                n += one if known else zero
                s += v if known else zero
            partial[j] = n
            partial[LANES + j] = s
        if at % _SPAN == _SPAN - _BLOCK:
            _add(sums, partial)
    for at in range(whole, x.size, LANES):
        row = x[at : at + LANES]
        for j in range(LANES):
            v = row[j]
            known = abs(v) < inf
            partial[j] += one if known else zero
            partial[LANES + j] += v if known else zero
    _add(sums, partial)


@njit(cache=True, nogil=True, error_model="numpy")
def fold_product(sums: Sums, x: Cells, y: Cells, partial: Cells) -> None:
    """Count the known products of two values and add them: two rows of sums."""
    one, zero, inf = x.dtype.type(1), x.dtype.type(0), x.dtype.type(np.inf)
    whole = x.size // _BLOCK * _BLOCK
    _clear(sums, partial)
    for at in range(0, whole, _BLOCK):
        block, beside = x[at : at + _BLOCK], y[at : at + _BLOCK]
        for j in range(LANES):
            n, s = partial[j], partial[LANES + j]
            for k in range(PARTS):
                v = block[k * LANES + j] * beside[k * LANES + j]
                known = abs(v) < inf
                n += one if known else zero
                s += v if known else zero
            partial[j] = n
            partial[LANES + j] = s
        if at % _SPAN == _SPAN - _BLOCK:
            _add(sums, partial)
    for at in range(whole, x.size, LANES):
        row, other = x[at : at + LANES], y[at : at + LANES]
        for j in range(LANES):
            v = row[j] * other[j]
            known = abs(v) < inf
            partial[j] += one if known else zero
            partial[LANES + j] += v if known else zero
    _add(sums, partial)


@njit(cache=True, nogil=True, error_model="numpy")
def fold_extreme(code: int, sums: Sums, x: Cells, partial: Cells) -> None:
    """Count the known bars and find the least or the greatest: two rows of sums."""
    one, zero, inf = x.dtype.type(1), x.dtype.type(0), x.dtype.type(np.inf)
    sign = one if code == codes.MAX else -one
    whole = x.size // _BLOCK * _BLOCK
    for j in range(LANES):
        partial[j] = zero
        partial[LANES + j] = -inf
    for at in range(0, whole, _BLOCK):
        block = x[at : at + _BLOCK]
        for j in range(LANES):
            n, best = partial[j], partial[LANES + j]
            for k in range(PARTS):
                v = block[k * LANES + j] * sign
                n += one if abs(v) < inf else zero
                best = v if (v > best) & (v < inf) else best
            partial[j] = n
            partial[LANES + j] = best
    for at in range(whole, x.size, LANES):
        row = x[at : at + LANES]
        for j in range(LANES):
            v = row[j] * sign
            best = partial[LANES + j]
            partial[j] += one if abs(v) < inf else zero
            partial[LANES + j] = v if (v > best) & (v < inf) else best
    for j in range(LANES):
        sums[j] = partial[j]
        sums[LANES + j] = partial[LANES + j] * sign


@njit(cache=True, nogil=True, error_model="numpy")
def find_centre(centre: Cells, scale: Cells, x: Cells, spare: Cells) -> None:
    """Give each lane a number close to its mean, and a power of two that brings deviations close to 1.

    The mean of `PARTS` bars spread over the slice; where none of them is known, or the slice is shorter, that
    of all bars.

    Parameters
    ----------
    centre, scale : [LANES], the results; NaN and 1 where nothing is known
    x : the slice
    spare : three rows
    """
    one, zero, inf = x.dtype.type(1), x.dtype.type(0), x.dtype.type(np.inf)
    n, total, size = spare[:LANES], spare[LANES : 2 * LANES], spare[2 * LANES : 3 * LANES]
    end_known(codes.FIRST_KNOWN, centre, x)
    step = x.size // _BLOCK * LANES
    some = x[step // LANES // 2 * LANES :]
    for j in range(LANES):
        scale[j], n[j], total[j], size[j] = one, zero, zero, zero
    if step > 0:
        for j in range(LANES):
            count, s, e = zero, zero, zero
            for k in range(PARTS):
                d = some[k * step + j] - centre[j]
                known = abs(d) < inf
                count += one if known else zero
                s += d if known else zero
                e += abs(d) if known else zero
            n[j] = count
            total[j] = s
            size[j] = e
    for j in range(LANES):
        if n[j] == zero and centre[j] == centre[j]:
            for i in range(j, x.size, LANES):
                d = x[i] - centre[j]
                if abs(d) < inf:
                    n[j] += one
                    total[j] += d
                    size[j] += abs(d)
    for j in range(LANES):
        moves = size[j] > zero
        centre[j] += total[j] / n[j] if moves else zero
        mean = np.float64(size[j] / n[j])
        bits = np.float64(min(max(mean, _LEAST), _MOST)).view(np.int64)
        exponent = _TWICE - (bits >> np.int64(52))
        power = np.int64(exponent << np.int64(52)).view(np.float64)
        scale[j] = x.dtype.type(power) if moves else one


@njit(cache=True, nogil=True, error_model="numpy")
def fold_moments(sums: Sums, x: Cells, centre: Cells, scale: Cells, partial: Cells) -> None:
    """Add powers 0 to 4 of scaled deviations from the centre: five rows of sums."""
    one, zero, inf = x.dtype.type(1), x.dtype.type(0), x.dtype.type(np.inf)
    whole = x.size // _BLOCK * _BLOCK
    _clear(sums, partial)
    for at in range(0, whole, _BLOCK):
        block = x[at : at + _BLOCK]
        for j in range(LANES):
            n, s1, s2 = partial[j], partial[LANES + j], partial[2 * LANES + j]
            s3, s4 = partial[3 * LANES + j], partial[4 * LANES + j]
            c, a = centre[j], scale[j]
            for k in range(PARTS):
                d = (block[k * LANES + j] - c) * a
                known = abs(d) < inf
                d = d if known else zero
                e = d * d
                n += one if known else zero
                s1 += d
                s2 += e
                s3 += e * d
                s4 += e * e
            partial[j] = n
            partial[LANES + j] = s1
            partial[2 * LANES + j] = s2
            partial[3 * LANES + j] = s3
            partial[4 * LANES + j] = s4
        if at % _SPAN == _SPAN - _BLOCK:
            _add(sums, partial)
    for at in range(whole, x.size, LANES):
        row = x[at : at + LANES]
        for j in range(LANES):
            d = (row[j] - centre[j]) * scale[j]
            known = abs(d) < inf
            d = d if known else zero
            e = d * d
            partial[j] += one if known else zero
            partial[LANES + j] += d
            partial[2 * LANES + j] += e
            partial[3 * LANES + j] += e * d
            partial[4 * LANES + j] += e * e
    _add(sums, partial)


@njit(cache=True, nogil=True, error_model="numpy")
def fold_pair(
    sums: Sums, x: Cells, y: Cells, x_centre: Cells, y_centre: Cells, partial: Cells
) -> None:
    """Count the pairs and add deviations of `x`, of `y`, their squares and products: six rows of sums."""
    one, zero, inf = x.dtype.type(1), x.dtype.type(0), x.dtype.type(np.inf)
    whole = x.size // _BLOCK * _BLOCK
    _clear(sums, partial)
    for at in range(0, whole, _BLOCK):
        block, beside = x[at : at + _BLOCK], y[at : at + _BLOCK]
        for j in range(LANES):
            n, sx, sy = partial[j], partial[LANES + j], partial[2 * LANES + j]
            xx, yy, xy = partial[3 * LANES + j], partial[4 * LANES + j], partial[5 * LANES + j]
            a, b = x_centre[j], y_centre[j]
            for k in range(PARTS):
                p, q = block[k * LANES + j] - a, beside[k * LANES + j] - b
                known = abs(p) + abs(q) < inf
                p = p if known else zero
                q = q if known else zero
                n += one if known else zero
                sx += p
                sy += q
                xx += p * p
                yy += q * q
                xy += p * q
            partial[j] = n
            partial[LANES + j] = sx
            partial[2 * LANES + j] = sy
            partial[3 * LANES + j] = xx
            partial[4 * LANES + j] = yy
            partial[5 * LANES + j] = xy
        if at % _SPAN == _SPAN - _BLOCK:
            _add(sums, partial)
    for at in range(whole, x.size, LANES):
        row, other = x[at : at + LANES], y[at : at + LANES]
        for j in range(LANES):
            p, q = row[j] - x_centre[j], other[j] - y_centre[j]
            known = abs(p) + abs(q) < inf
            p = p if known else zero
            q = q if known else zero
            partial[j] += one if known else zero
            partial[LANES + j] += p
            partial[2 * LANES + j] += q
            partial[3 * LANES + j] += p * p
            partial[4 * LANES + j] += q * q
            partial[5 * LANES + j] += p * q
    _add(sums, partial)
