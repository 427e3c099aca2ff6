"""Window kernels of order: rank of the newest row, and quantiles; see `kernels.windows`.

Ranks are counted, all windows of a family in one sweep. Quantiles keep each lane's window sorted: one pass
without branches takes the oldest row out and puts the newest in. Order statistics are exact, so it does not
matter that the window slides.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.windows import LANES, Table, Tile


@njit(cache=True, nogil=True, error_model="numpy")
def ranks(s: Tile, source: int, at: int, to: int, count: int, members: Table) -> None:
    """Rank the newest row among the known rows of each window, in (0, 1]; ties share their average.

    Parameters
    ----------
    members : [members, 3], rows (window, minimum, slot), by rising window
    """
    one, half, zero = s.dtype.type(1), s.dtype.type(0.5), s.dtype.type(0)
    nan = s.dtype.type(np.nan)
    below, known = np.empty(LANES, s.dtype), np.empty(LANES, s.dtype)
    x = s[source]
    for i in range(count):
        newest = x[at + i]
        below[:] = zero
        known[:] = zero
        done = 0
        for m in range(members.shape[0]):
            while done < members[m, 0]:
                row = x[at + i - done]
                for j in range(LANES):
                    a, b = row[j], newest[j]
                    ok = a - a == s.dtype.type(0)
                    below[j] += (half if ok & (a <= b) else zero) + (half if ok & (a < b) else zero)
                    known[j] += one if ok else zero
                done += 1
            minimum = s.dtype.type(members[m, 1])
            out = s[members[m, 2], to + i]
            for j in range(LANES):
                b = newest[j]
                value = (below[j] + half) / known[j]
                out[j] = value if (known[j] >= minimum) & (b - b == 0) else nan


@njit(cache=True, nogil=True, error_model="numpy")
def quantiles(
    s: Tile,
    source: int,
    at: int,
    to: int,
    count: int,
    needs: tuple[int, int],
    slots: Table,
    levels: npt.NDArray[np.float64],
) -> None:
    """Give quantiles of one window, linear between neighbours.

    Parameters
    ----------
    needs : window and minimum
    slots, levels : [quantiles], where each goes, and its level in [0, 1]
    """
    inf = s.dtype.type(np.inf)
    one = s.dtype.type(1)
    window = needs[0]
    ordered = np.full((window + 1, LANES), inf, s.dtype)
    known = np.zeros(LANES, s.dtype)
    before, entering = np.empty(LANES, s.dtype), np.empty(LANES, s.dtype)
    leaving = np.full(LANES, inf, s.dtype)
    lows = np.empty((levels.size, window + 1), np.int64)
    shares = np.empty((levels.size, window + 1), s.dtype)
    for q in range(levels.size):
        for n in range(1, window + 1):
            height = (n - 1) * levels[q]
            lows[q, n] = int(height)
            shares[q, n] = height - lows[q, n]
    x = s[source]
    for i in range(1 - window, count):
        newest = x[at + i]
        for j in range(LANES):
            a = newest[j]
            ok = a - a == s.dtype.type(0)
            entering[j] = a if ok else inf
            known[j] += one if ok else one - one
        if i > 0:
            oldest = x[at + i - window]
            for j in range(LANES):
                a = oldest[j]
                ok = a - a == s.dtype.type(0)
                leaving[j] = a if ok else inf
                known[j] -= one if ok else one - one
        before[:] = -inf
        for k in range(window):
            here, above = ordered[k], ordered[k + 1]
            for j in range(LANES):
                kept = here[j] if here[j] < leaving[j] else above[j]
                low = entering[j] if entering[j] < kept else kept
                here[j] = before[j] if before[j] > low else low
                before[j] = kept
        if i >= 0:
            for q in range(slots.size):
                _give(ordered, known, needs, lows[q], shares[q], s[slots[q], to + i])


@njit(cache=True, nogil=True, error_model="numpy")
def _give(
    ordered: Tile, known: Tile, needs: tuple[int, int], lows: Table, shares: Tile, out: Tile
) -> None:
    """Read one quantile off the sorted windows: first as if all rows were known, then where they are not."""
    window, minimum = needs
    low, share = lows[window], shares[window]
    first, second = ordered[low], ordered[min(low + 1, window - 1)]
    for j in range(LANES):
        out[j] = first[j] + share * (second[j] - first[j])
    for j in range(LANES):
        n = int(known[j])
        if n != window:
            if n < max(minimum, 1):
                out[j] = np.nan
            else:
                first_ = ordered[lows[n], j]
                out[j] = first_ + shares[n] * (ordered[min(lows[n] + 1, n - 1), j] - first_)
