"""What a ledger asks of whole panels before it starts, one pass each: blocks, jumps of factors, gross."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.ledger_books import LIMIT_DOWN, LIMIT_UP, NOT_LISTED, SUSPENDED

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]


@njit(cache=True, nogil=True, error_model="numpy")
def closed_codes(
    session: Ints, price: Floats, close: Floats, suspended: Flags, age: npt.NDArray[Any]
) -> Codes:
    """Give the refusal code of assets that do not trade, [steps, assets]; 0 where they do.

    Parameters
    ----------
    session : [steps], row of the daily panels that a step belongs to
    price : [steps, assets], of the fills
    close, suspended, age : [sessions, assets]; the last two may have no rows: nobody is flagged, all are
        listed
    """
    codes = np.zeros(price.shape, dtype=np.int8)
    for s in range(price.shape[0]):
        t = session[s]
        for i in range(price.shape[1]):
            if not (price[s, i] > 0.0 and close[t, i] > 0.0):
                codes[s, i] = SUSPENDED
        if suspended.shape[0] > 0:
            for i in range(price.shape[1]):
                if suspended[t, i]:
                    codes[s, i] = SUSPENDED
        if age.shape[0] > 0:
            for i in range(price.shape[1]):
                if age[t, i] < 0:
                    codes[s, i] = NOT_LISTED
    return codes


@njit(cache=True, nogil=True, error_model="numpy")
def limit_codes(
    session: Ints, low: Floats, high: Floats, up: Floats, down: Floats, tolerance: float,
    buy: Codes, sell: Codes,
) -> None:  # fmt: skip
    """Add the codes of price limits where nothing else holds; a limit that is NaN locks nobody.

    Parameters
    ----------
    session : [steps], row of `up` and `down` that a step belongs to
    low, high : [steps, assets], what traded
    up, down : [sessions, assets], limit prices
    tolerance : currency
    buy, sell : [steps, assets], written in place
    """
    for s in range(low.shape[0]):
        t = session[s]
        for i in range(low.shape[1]):
            if low[s, i] > up[t, i] - tolerance and buy[s, i] == 0:
                buy[s, i] = LIMIT_UP
            if high[s, i] < down[t, i] + tolerance and sell[s, i] == 0:
                sell[s, i] = LIMIT_DOWN


@njit(cache=True, nogil=True, error_model="numpy")
def factor_jumps(factor: Floats, start: int, noise: float) -> tuple[Ints, Floats]:
    """List the jumps of a cumulative adjust factor after session `start`, by session and asset.

    Gaps are bridged by the last known factor; the first known one is no jump.

    Parameters
    ----------
    factor : [sessions, assets]; NaN where not known
    start : session
    noise : relative change that is no jump

    Returns
    -------
    [2, rows] session and asset, [rows] ratio of the new factor to the old
    """
    nothing, none = np.empty((2, 0), dtype=np.int64), np.empty(0)
    count = _jumps(factor, start, noise, nothing, none)  # counted first: growing arrays is slower
    where, ratio = np.empty((2, count), dtype=np.int64), np.empty(count)
    _jumps(factor, start, noise, where, ratio)
    return where, ratio


@njit(cache=True, nogil=True, error_model="numpy")
def _jumps(factor: Floats, start: int, noise: float, where: Ints, ratio: Floats) -> int:
    """Write down the jumps that there is room for; gives how many there are."""
    last, used = np.zeros(factor.shape[1]), 0
    for t in range(factor.shape[0]):
        for i in range(factor.shape[1]):
            now, before = factor[t, i], last[i]
            if now == before or not now > 0.0:
                continue
            if t <= start:
                last[i] = now
            elif abs(now - before) > noise * before:
                last[i] = now
                if before > 0.0:
                    if used < ratio.size:
                        where[0, used], where[1, used], ratio[used] = t, i, now / before
                    used += 1
    return used


@njit(cache=True, nogil=True, error_model="numpy")
def gross_weights(weights: Floats) -> tuple[Ints, Floats]:
    """Count the known weights of each row, and add up their sizes.

    Parameters
    ----------
    weights : [decisions, assets]; NaN is left out, an infinite weight makes its row infinite
    """
    known, gross = np.zeros(len(weights), dtype=np.int64), np.zeros(len(weights))
    for k in range(weights.shape[0]):
        count, total = 0, 0.0
        for i in range(weights.shape[1]):
            weight = weights[k, i]
            if weight == weight:
                count += 1
                total += abs(weight)
        known[k], gross[k] = count, total
    return known, gross
