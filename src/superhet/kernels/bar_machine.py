"""The bar machine: a program on bars, run tile by tile, from fields of the bars to one number a day.

A tile is one session of `LANES` assets. All steps of a program go over a tile while it lies in the cache,
so that many statistics of many formulas cost one pass over the bars. Tiles do not depend on one another,
nor do the lanes of a tile: the bytes are the same for any number of threads, and whatever else is
computed beside.

1. the tiles are shared out                                          -> run 2. of each tile, load what the
program reads, and do its steps       -> _tiles 3. a step is one loop over a slot, a slice, or a row of
lanes        -> bar_elementwise, bar_folds, bar_walks

Registers of bars are `[bars, LANES]` in one scratch array, behind them those of days, `[LANES]`; sums
have a float64 array of their own. Lanes beyond the last asset hold NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels import bar_codes as codes
from superhet.kernels.bar_codes import CODE, FIRST, LANES, LAST, ON_BARS, RESULT, A, B, C, D
from superhet.kernels.bar_elementwise import (
    alone,
    arithmetic,
    claims,
    claims_of_number,
    where,
    where_number,
    with_number,
)
from superhet.kernels.bar_folds import (
    find_centre,
    fold_extreme,
    fold_moments,
    fold_pair,
    fold_product,
    fold_sum,
)
from superhet.kernels.bar_program import Program
from superhet.kernels.bar_walks import (
    back_return,
    cumulate,
    end_known,
    finish,
    lag,
    place,
    place_of_extreme,
    quantile,
    rank,
    spread,
    top_mean,
)

Array = npt.NDArray[Any]
Rows = npt.NDArray[np.int64]

_SHARES = 8  # pieces of work for each thread, so that none waits long for the last
_CONVERTED = 1 << 22  # bars of all fields that are converted to the type of the registers at a time


def run(
    program: Program,
    fields: Sequence[Array],
    daily: Array,
    days: tuple[Rows, Rows],
    dtype: Any,
    threads: int = 1,
) -> Array:
    """Compute the outputs of a program, [outputs, days, assets] of `dtype`; not known is NaN.

    Parameters
    ----------
    fields : [bars, assets] each, of any number type
    daily : [inputs, days, assets]
    days : the first row of bars of each day, and the one after its last
    dtype : float32 or float64, of registers and outputs
    threads : how many
    """
    starts, stops = days
    assets = fields[0].shape[1]
    across = -(-assets // LANES)
    out = np.empty((program.outputs, starts.size, assets), dtype=dtype)
    most = int(np.max(stops - starts, initial=1))

    def work(first: int, last: int) -> None:
        scratch = np.empty((program.bars * most + program.days) * LANES, dtype=dtype)
        sums = np.empty((program.sums + 3) * LANES)
        spare = np.empty(6 * LANES, dtype=dtype)
        keys, order = np.empty(2 * most), np.empty(2 * most, dtype=np.int64)
        begin, end = int(starts[first // across]), int(stops[(last - 1) // across])
        _tiles(
            program.code,
            program.numbers,
            tuple(_typed(f, begin, end, dtype) for f in fields),
            daily,
            starts - begin,
            stops - begin,
            (first, last, most, program.bars, program.sums),
            (scratch, spare),
            (sums, keys, order),
            out,
        )

    tiles = starts.size * across
    same = all(f.dtype == dtype for f in fields)
    pieces = threads * _SHARES if threads > 1 else 1
    if not same:
        pieces = max(pieces, sum(f.size for f in fields) // _CONVERTED)
    cuts = np.linspace(0, tiles, min(tiles, pieces) + 1).astype(int).tolist()
    if threads == 1:
        for first, last in pairwise(cuts):
            work(first, last)
        return out
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, cuts[:-1], cuts[1:]))
    return out


def _typed(field: Array, begin: int, end: int, dtype: Any) -> Array:
    """Give some rows of a field in the type of the registers, read-only: one signature for the compiler."""
    rows = np.ascontiguousarray(field[begin : max(begin, end)], dtype=dtype).view()
    rows.setflags(write=False)
    return rows


@njit(cache=True, nogil=True, error_model="numpy")
def _load(out: Array, field: Array, row: int, bars: int, first: int) -> None:
    """Copy the bars of one tile; lanes beyond the last asset become NaN.

    Indices are flat and unsigned, or each row would cost a check of its bounds; the width is not a
    constant, or the compiler would take a slower way of copying.
    """
    assets = np.uint64(field.shape[1])
    flat = field.reshape(field.size)
    width = np.uint64(min(LANES, field.shape[1] - first))
    if width < np.uint64(LANES):
        out[:] = np.nan
    at, to = np.uint64(row) * assets + np.uint64(first), np.uint64(0)
    for _ in range(bars):
        for j in range(width):
            out[to + j] = flat[at + j]
        at += assets
        to += np.uint64(LANES)


@njit(cache=True, nogil=True, error_model="numpy")
def _slice(bars: int, first: int, last: int) -> tuple[int, int]:
    """Turn places of a day into rows; an empty slice where they lie outside."""
    a = first - 1 if first > 0 else bars + first
    z = last if last > 0 else bars + last + 1
    a, z = max(a, 0), min(z, bars)
    return a, max(a, z)


@njit(cache=True, nogil=True, error_model="numpy")
def _tiles(
    program: Rows,
    numbers: Array,
    fields: tuple[Array, ...],
    daily: Array,
    starts: Rows,
    stops: Rows,
    plan: tuple[int, int, int, int, int],
    scratch: tuple[Array, Array],
    doubles: tuple[Array, Array, Rows],
    out: Array,
) -> None:
    """Do all steps on some tiles; one flat function, since a function more on the way compiles all anew."""
    first_tile, last_tile, most, slots, rows_of_sums = plan
    s, partial = scratch
    sums, keys, order = doubles
    spare = sums[rows_of_sums * LANES :]
    slot, days = most * LANES, slots * most * LANES
    assets = out.shape[2]
    across = (assets + LANES - 1) // LANES
    for tile in range(first_tile, last_tile):
        day, first = tile // across, tile % across * LANES
        width = min(LANES, assets - first)
        start, bars = starts[day], stops[day] - starts[day]
        for i in range(program.shape[0]):
            step, number = program[i], numbers[i]
            code, on_bars = step[CODE], step[ON_BARS] == 1
            to = step[RESULT] * slot if on_bars else days + step[RESULT] * LANES
            size = bars * LANES if on_bars else LANES
            result = s[to : to + size]
            if code < codes.LOAD:
                each, base = (slot, 0) if on_bars else (LANES, days)
                x = s[base + step[A] * each : base + step[A] * each + size]
                y = s[base + step[B] * each : base + step[B] * each + size]
                if code == codes.WHERE:
                    z = s[base + step[C] * each : base + step[C] * each + size]
                    where(result, x, y, z)
                elif code == codes.WHERE_NUMBER:
                    where_number(result, x, y, number)
                elif code < codes.LESS:
                    arithmetic(code, result, x, y)
                elif code < codes.ADD_NUMBER:
                    claims(code, result, x, y)
                elif code < codes.LESS_NUMBER:
                    with_number(code, result, x, number)
                elif code < codes.NEGATE:
                    claims_of_number(code, result, x, number)
                else:
                    alone(code, result, x)
            elif code == codes.LOAD:
                _load(result, fields[step[A]], start, bars, first)
            elif code == codes.DAILY:
                for j in range(LANES):
                    result[j] = daily[step[A], day, first + j] if j < width else np.nan
            elif code == codes.FILL:
                result[:] = number
            elif code == codes.SPREAD:
                spread(result, s[days + step[A] * LANES : days + (step[A] + 1) * LANES])
            elif code == codes.OUT:
                to_row = out[step[RESULT], day, first : first + width]
                from_row = s[days + step[A] * LANES : days + (step[A] + 1) * LANES]
                for j in range(width):
                    to_row[j] = from_row[j] if abs(from_row[j]) < np.inf else np.nan
            elif code < codes.SUM:
                x = s[step[A] * slot : step[A] * slot + size]
                if code == codes.LAG:
                    lag(result, x, step[B])
                elif code == codes.BACK_RETURN:
                    back_return(result, x, step[B])
                elif code == codes.RANK:
                    rank(result, x, keys, order)
                elif code == codes.PLACE:
                    place(result)
                else:
                    cumulate(code, result, x, spare)
            else:
                a, z = _slice(bars, step[FIRST], step[LAST])
                x = s[step[A] * slot + a * LANES : step[A] * slot + z * LANES]
                y = s[step[B] * slot + a * LANES : step[B] * slot + z * LANES]
                centre = s[days + step[C] * LANES : days + (step[C] + 1) * LANES]
                scale = s[days + (step[C] + 1) * LANES : days + (step[C] + 2) * LANES]
                at = step[RESULT] * LANES
                if code == codes.SUM:
                    fold_sum(sums[at : at + 2 * LANES], x, partial)
                elif code == codes.PRODUCT_SUM:
                    fold_product(sums[at : at + 2 * LANES], x, y, partial)
                elif code == codes.MOMENTS:
                    fold_moments(sums[at : at + 5 * LANES], x, centre, scale, partial)
                elif code == codes.PAIR:
                    other = s[days + step[D] * LANES : days + (step[D] + 1) * LANES]
                    fold_pair(sums[at : at + 6 * LANES], x, y, centre, other, partial)
                elif code < codes.FIRST_KNOWN:
                    fold_extreme(code, sums[at : at + 2 * LANES], x, partial)
                elif code == codes.CENTRE:
                    find_centre(result, s[to + LANES : to + 2 * LANES], x, partial)
                elif code == codes.QUANTILE:
                    quantile(result, x, number, keys, order)
                elif code == codes.TOP_MEAN:
                    w = s[step[C] * slot + a * LANES : step[C] * slot + z * LANES]
                    top_mean(result, x, y, w, number, keys, order)
                elif codes.ARG_MIN <= code <= codes.ARG_MAX:
                    place_of_extreme(code, result, x, a)
                elif code < codes.TOTAL:
                    end_known(code, result, x)
                else:
                    finish(code, result, sums[step[A] * LANES :], scale, z - a)
