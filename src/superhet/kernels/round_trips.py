"""Round trips: fills matched first in, first out, into entries and exits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_DUST = 1e-9
COLUMNS = 9


@njit(cache=True, nogil=True, error_model="numpy")
def match_fills(
    asset: Ints, session: Ints, shares: Floats, price: Floats, costs: Floats, split: Floats, dividend: Floats
) -> Floats:  # fmt: skip
    """Match the fills and actions of a book, sorted by asset and then in the order of events.

    Parameters
    ----------
    asset, session : [rows]
    shares : [rows], signed; 0 for a corporate action
    price : [rows], of the fill
    costs : [rows], currency, of the fill
    split : [rows], of an action: shares after for one before (1 for a fill)
    dividend : [rows, 2], of an action: currency per share held before the split (0 for a fill), for a
        long and for a short

    Returns
    -------
    [9, trips]: asset, entry row, exit row (-1 = still open), shares at the exit (signed: negative for a
    short), entry price per share of the exit, exit price, costs of both ends, dividends, entry session. A
    trip is one entry, or part of one, with one exit.
    """
    rows = asset.size
    out = np.empty((COLUMNS, 2 * rows + 1))
    lots = np.empty((6, rows))  # row, shares, price, costs a share, dividends a share, session
    count = 0
    head = tail = 0
    for k in range(rows):
        if k == 0 or asset[k] != asset[k - 1]:
            if k > 0:
                count = _left(out, count, lots, head, tail, asset[k - 1])
            head = tail = 0
        if shares[k] == 0.0:
            factor = _whole(lots, head, tail, split[k])
            for q in range(head, tail):
                lots[4, q] = (lots[4, q] + dividend[k, 0 if lots[1, q] > 0.0 else 1]) / factor
                lots[1, q] *= factor
                lots[2, q] /= factor
                lots[3, q] /= factor
            continue
        rest = shares[k]
        each = costs[k] / abs(shares[k])
        while head < tail and rest * lots[1, head] < 0.0:
            done = min(abs(rest), abs(lots[1, head]))
            sign = 1.0 if lots[1, head] > 0.0 else -1.0
            out[0, count] = asset[k]
            out[1, count] = lots[0, head]
            out[2, count] = k
            out[3, count] = sign * done
            out[4, count] = lots[2, head]
            out[5, count] = price[k]
            out[6, count] = done * (lots[3, head] + each)
            out[7, count] = sign * done * lots[4, head]
            out[8, count] = lots[5, head]
            count += 1
            lots[1, head] -= sign * done
            rest += sign * done
            if abs(lots[1, head]) < _DUST:
                head += 1
        if abs(rest) > _DUST:
            lots[0, tail] = k
            lots[1, tail] = rest
            lots[2, tail] = price[k]
            lots[3, tail] = each
            lots[4, tail] = 0.0
            lots[5, tail] = session[k]
            tail += 1
    if rows > 0:
        count = _left(out, count, lots, head, tail, asset[rows - 1])
    return out[:, :count]


@njit(cache=True, nogil=True, error_model="numpy")
def _whole(lots: Floats, head: int, tail: int, split: float) -> float:
    """Give the factor of a split after which a whole number of shares is whole again.

    The fraction is paid in cash on the ex-date, so it leaves the lots; a book of fractions keeps them.
    """
    held = 0.0
    for q in range(head, tail):
        held += lots[1, q]
    after = held * split
    if held == 0.0 or abs(held - np.round(held)) > 1e-6 or abs(after) < 1.0:
        return split
    # the allowance is the ledger's
    return float(np.trunc(after + np.sign(after) * 1e-6)) / held


@njit(cache=True, nogil=True, error_model="numpy")
def _left(out: Floats, count: int, lots: Floats, head: int, tail: int, asset: int) -> int:
    """Write down what is still open."""
    for q in range(head, tail):
        if abs(lots[1, q]) < 1e-9:
            continue
        out[0, count] = asset
        out[1, count] = lots[0, q]
        out[2, count] = -1.0
        out[3, count] = lots[1, q]
        out[4, count] = lots[2, q]
        out[5, count] = np.nan
        out[6, count] = abs(lots[1, q]) * lots[3, q]
        out[7, count] = lots[1, q] * lots[4, q]
        out[8, count] = lots[5, q]
        count += 1
    return count
