"""One date of a factor risk model's regression: country, industries and styles, in closed form.

1. sums by industry and products of all columns; a thin industry gets the market beside its
   names                                                                       -> risk_regression_blocks
2. products lose what industries explain (no dummy is ever made); Cholesky in the order of the
   columns: one that earlier columns explain is marked, and left out                     -> _within, _factor
3. slopes b, then intercepts a_g = mean(y) - mean(x) b of each industry g; with s_g its share of
   capitalisation the country return is sum(s_g a_g), an industry's is a_g less that     -> _solve, _write
4. residuals, what is left of X'Vu = 0, one step of refinement where that is not round-off  -> _check

`_date` is the whole of it; Huber weights repeat 1 to 4. Nothing else allocates. Dates do not touch each
other: any range of them gives the same bits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from superhet.kernels.ranking import Floats
from superhet.kernels.regression_date import add_up, dot
from superhet.kernels.regression_products import LANES, gram, products_with, subtract
from superhet.kernels.risk_regression_blocks import (
    Given,
    Regressed,
    Room,
    add,
    centre,
    enter,
    find_usable,
    new_room,
)

LEAST = 20
"""Names that a date must have; it must have more than there are slopes, too."""
THIN = 5
"""Names below which an industry is thin."""
CLEAR = 1e-8
"""Least share of a style's square that other columns must leave (a variance inflation of 1e8)."""
MAD_TO_DEVIATION = 1.482602218505602
_OFFSET = 1e-5  # a column of which industry means hold more than all but this is centred first
_ROUND = 1e-13  # relative size of X'Vu that is round-off
_TURNS, _STILL = 25, 1e-7  # Huber weights: most rounds, and the change at which they stand


@njit(cache=True, nogil=True, error_model="numpy")
def regress_all(given: Given, out: Regressed) -> None:
    """Regress every date."""
    T, N = given.returns.shape
    room = new_room(given.styles.begins.size, N, out.shares.shape[1])
    for t in range(T):
        out.residual[t] = np.nan
        if t >= given.lag:
            _date(given, t, room, out)


@njit(cache=True, nogil=True, error_model="numpy")
def _date(given: Given, t: int, room: Room, out: Regressed) -> None:
    K, J = room.b.size, room.a.size
    room.usable[:] = True
    n = enter(given, t, room, out)
    if n == 0 and K > 0:
        find_usable(given, t, room)
        n = enter(given, t, room, out)
    out.names[t] = n
    if n < LEAST or n <= J + K + 1:
        return
    room.huber[:] = 1.0
    room.middle[:] = 0.0
    for turn in range(_TURNS):
        add(given, t, room, out)
        if _within(room):
            centre(room)
            add(given, t, room, out)
            _within(room)
        _factor(room)
        room.b[:] = 0.0
        room.a[:] = 0.0
        room.intercepts[:] = np.nan
        for k in range(K):
            room.step[k] = room.products[K, k]
        for g in range(J):
            room.totals[g] = room.sums[g, K]
        _solve(room)
        out.identity_error[t] = _check(given, t, room, out.residual[t])
        if given.huber == 0.0 or turn == _TURNS - 1 or _reweigh(n, given.huber, room) < _STILL:
            break
    _write(t, n, room, out)
    if given.huber > 0.0:
        for j in range(room.places.size):
            if room.places[j] < np.uint32(J):
                out.robust_weights[t, j] = room.huber[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _within(room: Room) -> bool:
    """Take from the products what industry means explain; return whether a column hides behind its mean."""
    K, J, sums, products = room.b.size, room.a.size, room.sums, room.products
    total = 0.0
    for g in range(J):
        weight = sums[g, K + 1]
        total += weight
        part = 1.0 / np.sqrt(weight) if weight > 0.0 else 0.0
        for k in range(K + 1):
            room.means[k, g] = sums[g, k] * part
    gram(room.means, J, room.inner)
    hidden = False
    for k in range(K + 1):
        room.size[k] = products[k, k]
        if k < K:
            mean = 0.0
            for g in range(J):
                mean += sums[g, k]
            room.square[k] = products[k, k] - mean * mean / total
            hidden |= room.usable[k] & (room.square[k] < _OFFSET * room.size[k])
        for m in range(k + 1):
            products[k, m] -= room.inner[k, m]
    return hidden


@njit(cache=True, nogil=True, error_model="numpy")
def _factor(room: Room) -> None:
    """Factor the products of the styles, in their order, leaving out what others explain."""
    L, kept, products = room.lower, room.kept, room.products
    for k in range(room.b.size):
        left = products[k, k]
        for m in range(k):
            c = products[k, m]
            for i in range(m):
                c -= L[k, i] * L[m, i]
            L[k, m] = c / L[m, m] if kept[m] else 0.0
            left -= L[k, m] * L[k, m]
        kept[k] = room.usable[k] & (left > CLEAR * room.square[k]) & (room.square[k] > 0.0)
        L[k, k] = np.sqrt(left) if kept[k] else 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(room: Room) -> None:
    """Add to slopes and intercepts what explains `step` (freed of industries) and `totals`."""
    L, kept, step, totals = room.lower, room.kept, room.step, room.totals
    K = step.size
    for k in range(K):
        for m in range(k):
            step[k] -= L[k, m] * step[m]
        step[k] = step[k] / L[k, k] if kept[k] else 0.0
    for k in range(K - 1, -1, -1):
        for m in range(k + 1, K):
            step[k] -= L[m, k] * step[m]
        step[k] = step[k] / L[k, k] if kept[k] else 0.0
        room.b[k] += step[k]
    for g in range(room.a.size):
        if room.sums[g, K + 1] > 0.0:
            left = totals[g]
            for k in range(K):
                left -= room.sums[g, k] * step[k]
            room.a[g] += left / room.sums[g, K + 1]
            room.intercepts[g] = room.a[g]


@njit(cache=True, nogil=True, error_model="numpy")
def _check(given: Given, t: int, room: Room, residual: Floats) -> float:
    """Write the residuals and return the largest relative size of X'Vu, refining once where it is large."""
    error = 0.0
    for attempt in range(2):
        _explain(given, t, room, residual)
        for j in range(residual.size):
            room.rest[j] = residual[j] if room.base[j] > 0.0 else 0.0
        error = _departure(room)
        if error < _ROUND or attempt == 1:
            break
        _solve(room)
    return error


@njit(cache=True, nogil=True, error_model="numpy")
def _explain(given: Given, t: int, room: Room, residual: Floats) -> None:
    """Write returns less intercepts and slopes; NaN where return, styles or industry are not known."""
    J, y = np.uint32(room.a.size), room.y
    codes = given.codes[t - given.lag]
    for j in range(y.size):
        # -1 is the largest unsigned number
        y[j] = room.intercepts[min(np.uint32(codes[j]), J)] + room.bad[j]
    subtract(given.returns[t], room.whole, room.b, y, room.spare, residual)


@njit(cache=True, nogil=True, error_model="numpy")
def _departure(room: Room) -> float:
    """Write X'Vu to `step` (freed of industries) and `totals`; return its largest relative size."""
    K, J, lanes, totals = room.b.size, room.a.size, room.lanes[:, :, 0], room.totals
    rest, weights, places, scaled, weighted = (
        room.rest,
        room.weights,
        room.places,
        room.y,
        room.spare,
    )
    for j in range(rest.size):
        scaled[j] = rest[j] * room.root[j]
        weighted[j] = rest[j] * weights[j]
    products_with(room.p, scaled, room.step)
    lanes[:] = 0.0
    whole = rest.size - rest.size % LANES
    for j in range(0, whole, LANES):
        for lane in range(LANES):
            lanes[lane, places[j + lane]] += weighted[j + lane]
    for j in range(whole, rest.size):
        lanes[0, places[j]] += weighted[j]
    error, size = 0.0, room.size[K]
    for g in range(J):
        totals[g] = (lanes[0, g] + lanes[1, g]) + (lanes[2, g] + lanes[3, g])
        if room.extra[g] > 0.0:
            left = room.market[K] - room.a[g]
            for k in range(K):
                left -= room.market[k] * room.b[k]
            totals[g] += room.extra[g] * left
            for k in range(K):
                room.step[k] += room.extra[g] * left * room.market[k]
    for k in range(K):
        if room.kept[k] and size > 0.0:
            error = max(error, abs(room.step[k]) / np.sqrt(room.size[k] * size))
    for g in range(J):
        weight = room.sums[g, K + 1]
        if weight > 0.0:
            if size > 0.0:
                error = max(error, abs(totals[g]) / np.sqrt(weight * size))
            part = totals[g] / weight
            for k in range(K):
                room.step[k] -= room.sums[g, k] * part
    return error


@njit(cache=True, nogil=True, error_model="numpy")
def _reweigh(n: int, bound: float, room: Room) -> float:
    """Set Huber weights by the residuals over their robust deviation; return the largest change."""
    change, m = 0.0, 0
    for j in range(room.rest.size):
        if room.base[j] > 0.0:
            room.y[j] = abs(room.rest[j]) * np.sqrt(room.base[j])
            room.spare[m] = room.y[j]
            m += 1
    reach = bound * MAD_TO_DEVIATION * np.median(room.spare[:n])
    if reach == 0.0:
        return 0.0
    for j in range(room.rest.size):
        if room.base[j] > 0.0:
            weight = reach / room.y[j] if room.y[j] > reach else 1.0
            change = max(change, abs(weight - room.huber[j]))
            room.huber[j] = weight
    return change


@njit(cache=True, nogil=True, error_model="numpy")
def _write(t: int, n: int, room: Room, out: Regressed) -> None:
    """Write factor returns, and what the date is worth."""
    K, J, p = room.b.size, room.a.size, room.p
    f, shares = out.f[t], out.shares[t]
    country, offset, largest, slopes = 0.0, 0.0, 0.0, 0
    for k in range(K):
        offset += room.middle[k] * room.b[k]
        slopes += room.kept[k]
        f[1 + J + k] = room.b[k] if room.kept[k] else np.nan
        out.collinear[t, k] = room.usable[k] & (not room.kept[k])
    for g in range(J):
        if room.sums[g, K + 1] > 0.0:
            slopes += 1
            country += shares[g] * room.a[g]
    f[0], left = country - offset, 0.0
    for g in range(J):
        if room.sums[g, K + 1] > 0.0:
            f[1 + g] = room.a[g] - country
            left += shares[g] * f[1 + g]
            largest = max(largest, abs(f[1 + g]))
    if largest > 0.0:
        out.identity_error[t] = max(out.identity_error[t], abs(left) / largest)
    for j in range(room.rest.size):
        room.y[j] = room.rest[j] * room.weights[j]
    unexplained, mean = dot(room.y, room.rest), dot(p[K], room.root)
    about = room.size[K] - mean * mean / add_up(room.weights)
    out.r2[t] = 1.0 - unexplained / room.size[K]
    out.r2_centred[t] = 1.0 - unexplained / about
    _errors(t, unexplained / (n - slopes), room, out)


@njit(cache=True, nogil=True, error_model="numpy")
def _errors(t: int, variance: float, room: Room, out: Regressed) -> None:
    """Write t statistics and variance inflation."""
    K, J, sums, shares, means = room.b.size, room.a.size, room.sums, out.shares[t], room.means
    z, lengths, inverse = room.market, room.totals, room.inner
    shared = 0.0
    for g in range(J):
        weight = sums[g, K + 1]
        if weight > 0.0:
            shared += shares[g] * shares[g] / weight
        for k in range(K):
            means[k, g] = sums[g, k] / weight if weight > 0.0 else 0.0
    for k in range(K):
        z[k] = dot(means[k], shares)
        for g in range(J):
            means[k, g] -= z[k]
        z[k] += room.middle[k]
        for m in range(K):
            inverse[k, m] = 1.0 if k == m else 0.0
    _forward(means, room, lengths)
    for g in range(J):
        weight = sums[g, K + 1]
        if weight > 0.0:
            own = (1.0 - 2.0 * shares[g]) / weight + shared + lengths[g]
            out.t[t, 1 + g] = out.f[t, 1 + g] / np.sqrt(variance * own)
    for k in range(K):
        means[k, 0] = z[k]
    _forward(means[:, :1], room, lengths)
    out.t[t, 0] = out.f[t, 0] / np.sqrt(variance * (shared + lengths[0]))
    _forward(inverse, room, room.step)
    for k in range(K):
        out.vif[t, k] = np.inf if room.usable[k] else np.nan
        if room.kept[k]:
            out.vif[t, k] = room.square[k] * room.step[k]
            out.t[t, 1 + J + k] = room.b[k] / np.sqrt(variance * room.step[k])


@njit(cache=True, nogil=True, error_model="numpy")
def _forward(x: Floats, room: Room, out: Floats) -> None:
    """Write x'(LL')^-1 x of each column of x [K, ...]; x is used up."""
    L, count = room.lower, min(x.shape[1], out.size)
    out[:count] = 0.0
    for k in range(room.b.size):
        if room.kept[k]:
            for m in range(k):
                if room.kept[m]:
                    c = L[k, m]
                    for i in range(count):
                        x[k, i] -= c * x[m, i]
            c = 1.0 / L[k, k]
            for i in range(count):
                x[k, i] *= c
                out[i] += x[k, i] * x[k, i]
