"""Sums of one date of a factor risk model's regression, and the room that a date needs.

1. styles are copied from where they lie, 0 where not known; assets that know return, styles, industry and
   capitalisation are fitted, the others have weight 0                                    -> enter
2. columns times the root of the weight are made and added up by industry while they lie in the nearest
   cache, then multiplied in one pass                                                     -> add
3. a thin industry gets the market beside its names                                       -> thicken

All assets stay in the order of memory, and sums are added in an order that depends on their number alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from superhet.kernels.ranking import Codes, Flags, Floats, Reals
from superhet.kernels.regression_date import Counts
from superhet.kernels.regression_planes import Planes, row_of
from superhet.kernels.regression_products import LANES, Places, add_by_group, gram, products_with

BLOCK = 256
"""Assets whose columns are made and added up by industry together."""


class Regressed(NamedTuple):
    """Factor returns of many dates, and how good they are; NaN rows where a date has too few names.

    Columns of `f` and `t` are country, J industries, K styles.

    Parameters
    ----------
    f : [dates, 1 + J + K] return of each factor, fraction per period; NaN for an industry without names and a
        style that is not known at all or collinear
    t : [dates, 1 + J + K] f over its standard error, for residuals whose variance goes as 1 / weight
        (homoscedastic after weighting; Huber weights are taken as given)
    residual : [dates, assets] specific return; NaN where return, exposures or industry are not known
    r2 : [dates] 1 - sum(v u^2) / sum(v r^2), as Barra states it
    r2_centred : [dates] the same about the weighted mean return
    vif : [dates, K] variance inflation of each style among all columns; inf where collinear
    identity_error : [dates] largest relative departure from X'Vu = 0 and from the constraint
    names : [dates] names fitted
    industry_names : [dates, J] of them
    shares : [dates, J] share of capitalisation among them
    without_cap : [dates] names inside with a return that are left out: capitalisation zero or not known
    collinear : [dates, K] styles that industries and earlier styles explain
    robust_weights : [dates, assets] Huber weights in (0, 1]; [0, 0] where not asked for
    """

    f: Floats
    t: Floats
    residual: Floats
    r2: Floats
    r2_centred: Floats
    vif: Floats
    identity_error: Floats
    names: Counts
    industry_names: Counts
    shares: Floats
    without_cap: Counts
    collinear: Flags
    robust_weights: Floats


class Given(NamedTuple):
    """What is regressed: returns and inside of a date on what was known `lag` rows before.

    Styles lie anywhere, in single or double precision; `single` and `double` are rows of either type.
    """

    returns: Floats
    styles: Planes
    single: Reals
    double: Floats
    is_single: bool
    codes: Codes
    caps: Floats
    inside: Flags
    lag: int
    thin: int
    huber: float


class Room(NamedTuple):
    """Working room of one date with K styles, J industries.

    Parameters
    ----------
    whole : [at least 1, assets] styles; 0 where not known
    bad : [assets] NaN where a style is not known
    places : [assets] industry of each fitted asset, J for the others
    base, weights, root, huber : [assets] root of capitalisation, 0 where not fitted; that times the Huber
        weight; the root of the weight; the Huber weight
    p : [K + 1, assets] styles and return times the root of the weight
    v : [C, BLOCK] a block of styles, return and one times the weight, capitalisation, and one
    lanes, sums : [LANES, J + 1, C], [J + 1, C] sums of v by industry
    products, inner, lower : [K + 1, K + 1] products of p; of industry means; [K, K] Cholesky factor of the
        difference
    means : [K + 1, J] industry means, or what is made of them
    square, size : [K], [K + 1] squares about the weighted mean, about 0
    usable, kept : [K] styles known somewhere; those that count
    middle : [K] what was subtracted from each style
    market, extra : [K + 1] cap-weighted mean of each column; [J] weight of that asset in each industry
    b, a, intercepts : [K], [J], [J + 1] slopes; intercepts; the same, NaN where an industry has no names
    step, totals : [K], [J] products of the styles, and sums by industry, of what is to be explained
    rest, y, spare : [assets] residuals of fitted assets, and room
    """

    whole: Floats
    bad: Floats
    places: Places
    base: Floats
    weights: Floats
    root: Floats
    huber: Floats
    p: Floats
    v: Floats
    lanes: Floats
    sums: Floats
    products: Floats
    inner: Floats
    lower: Floats
    means: Floats
    square: Floats
    size: Floats
    usable: Flags
    kept: Flags
    middle: Floats
    market: Floats
    extra: Floats
    b: Floats
    a: Floats
    intercepts: Floats
    step: Floats
    totals: Floats
    rest: Floats
    y: Floats
    spare: Floats


@njit(cache=True, nogil=True, error_model="numpy")
def new_room(K: int, N: int, J: int) -> Room:
    """Make room for K styles, N assets, J industries."""
    C = (K + 4 + LANES - 1) // LANES * LANES
    return Room(
        np.zeros((max(K, 1), N)),
        np.empty(N),
        np.empty(N, np.uint32),
        np.empty(N),
        np.empty(N),
        np.empty(N),
        np.ones(N),
        np.zeros((K + 1, N)),
        np.zeros((C, BLOCK)),
        np.empty((LANES, J + 1, C)),
        np.empty((J + 1, C)),
        np.empty((K + 1, K + 1)),
        np.empty((K + 1, K + 1)),
        np.empty((K, K)),
        np.empty((K + 1, J)),
        np.empty(K),
        np.empty(K + 1),
        np.empty(K, np.bool_),
        np.empty(K, np.bool_),
        np.zeros(K),
        np.empty(K + 1),
        np.empty(J),
        np.empty(K),
        np.empty(J),
        np.empty(J + 1),
        np.empty(K),
        np.empty(J),
        np.empty(N),
        np.empty(N),
        np.empty(N),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def enter(given: Given, t: int, room: Room, out: Regressed) -> int:
    """Copy the styles, find the assets that are fitted and return their number."""
    J, s = np.uint32(room.a.size), t - given.lag
    y, inside, codes, caps = given.returns[t], given.inside[t], given.codes[s], given.caps[s]
    bad, base, places = room.bad, room.base, room.places
    bad[:] = 0.0
    last = room.usable.size - 1
    for k in range(0, last + 1, 5):
        five = (k, min(k + 1, last), min(k + 2, last), min(k + 3, last), min(k + 4, last))
        if given.is_single:
            _copy_five(given.styles, five, s, given.single, room.whole, bad, room.usable)
        else:
            _copy_five(given.styles, five, s, given.double, room.whole, bad, room.usable)
    n, without = 0, 0
    for j in range(bad.size):
        has_cap = (caps[j] > 0.0) & (caps[j] < np.inf)
        takes_part = inside[j] & (y[j] - y[j] == 0.0)
        without += takes_part & (not has_cap)
        fits = takes_part & has_cap & (np.uint32(codes[j]) < J) & (bad[j] == 0.0)
        places[j] = np.uint32(codes[j]) if fits else J
        base[j] = caps[j] if fits else 0.0
        n += fits
    for j in range(bad.size):
        base[j] = np.sqrt(base[j])
    out.without_cap[t] = without
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _copy_five(
    styles: Planes,
    five: tuple[int, int, int, int, int],
    s: int,
    like: Reals,
    whole: Floats,
    bad: Floats,
    usable: Flags,
) -> None:
    """Copy five styles, 0 where not known, and make `bad` NaN there; five rows arrive faster than one.

    Styles that are not usable are 0. The last style may come again.
    """
    k0, k1, k2, k3, k4 = five
    r0, r1, r2 = (
        row_of(styles, k0, s, like),
        row_of(styles, k1, s, like),
        row_of(styles, k2, s, like),
    )
    r3, r4 = row_of(styles, k3, s, like), row_of(styles, k4, s, like)
    w0, w1, w2, w3, w4 = whole[k0], whole[k1], whole[k2], whole[k3], whole[k4]
    if usable[k0] & usable[k1] & usable[k2] & usable[k3] & usable[k4]:
        for j in range(bad.size):
            a, b, c = np.float64(r0[j]), np.float64(r1[j]), np.float64(r2[j])
            d, e = np.float64(r3[j]), np.float64(r4[j])
            bad[j] += (a - a) + (b - b) + (c - c) + (d - d) + (e - e)
            w0[j] = a if a - a == 0.0 else 0.0
            w1[j] = b if b - b == 0.0 else 0.0
            w2[j] = c if c - c == 0.0 else 0.0
            w3[j] = d if d - d == 0.0 else 0.0
            w4[j] = e if e - e == 0.0 else 0.0
        return
    for k in range(k0, k4 + 1):
        whole[k] = 0.0
        if usable[k]:
            _copy(row_of(styles, k, s, like), whole[k], bad)


@njit(cache=True, nogil=True, error_model="numpy")
def _copy(row: Reals, whole: Floats, bad: Floats) -> None:
    """Copy a style, 0 where it is not known, and make `bad` NaN there."""
    for j in range(row.size):
        v = np.float64(row[j])
        unknown = v - v
        whole[j] = v if unknown == 0.0 else 0.0
        bad[j] += unknown


@njit(cache=True, nogil=True, error_model="numpy")
def find_usable(given: Given, t: int, room: Room) -> None:
    """Tell which styles are known for some asset that has the rest: nobody was fitted."""
    J, s = np.uint32(room.a.size), t - given.lag
    y, inside, codes, caps = given.returns[t], given.inside[t], given.codes[s], given.caps[s]
    for k in range(room.usable.size):
        room.bad[:] = 0.0
        if given.is_single:
            _copy(row_of(given.styles, k, s, given.single), room.y, room.bad)
        else:
            _copy(row_of(given.styles, k, s, given.double), room.y, room.bad)
        room.usable[k] = False
        for j in range(y.size):
            has_rest = inside[j] & (caps[j] > 0.0) & (np.uint32(codes[j]) < J) & (y[j] == y[j])
            room.usable[k] |= has_rest & (room.bad[j] == 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def add(given: Given, t: int, room: Room, out: Regressed) -> None:
    """Make the columns, add them up by industry and multiply them."""
    K, J, sums, y = room.b.size, room.a.size, room.sums, given.returns[t]
    room.lanes[:] = 0.0
    for begin in range(0, y.size, BLOCK):
        end = min(begin + BLOCK, y.size)
        _fill_block(y, begin, end, room)
        add_by_group(room.v, room.places[begin:end], room.lanes)
    a, b, c, d = room.lanes[0], room.lanes[1], room.lanes[2], room.lanes[3]
    for g in range(J):
        for k in range(K + 4):
            sums[g, k] = (a[g, k] + b[g, k]) + (c[g, k] + d[g, k])
    gram(room.p, y.size, room.products)
    total = 0.0
    for g in range(J):
        total += sums[g, K + 2]
    for g in range(J):
        out.shares[t, g] = sums[g, K + 2] / total
        out.industry_names[t, g] = int(sums[g, K + 3])
    thicken(given.thin, out.shares[t], out.industry_names[t], room)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_block(y: Floats, begin: int, end: int, room: Room) -> None:
    """Write the columns of some assets."""
    K, n = room.b.size, end - begin
    base, huber = room.base[begin:end], room.huber[begin:end]
    weights, root = room.weights[begin:end], room.root[begin:end]
    ones, caps, counts = room.v[K + 1], room.v[K + 2], room.v[K + 3]
    for i in range(n):
        w = base[i] * huber[i]
        weights[i] = w
        ones[i] = w
        caps[i] = base[i] * base[i]
        counts[i] = 1.0 if base[i] > 0.0 else 0.0
    for i in range(n):
        root[i] = np.sqrt(weights[i])
    for k in range(K):
        _scale(room.whole[k, begin:end], root, room.p[k, begin:end], room.v[k, :n])
    known, p, v = room.spare[:n], room.p[K, begin:end], room.v[K, :n]
    for i in range(n):
        known[i] = y[begin + i] if base[i] > 0.0 else 0.0
    _scale(known, root, p, v)


@njit(cache=True, nogil=True, error_model="numpy")
def _scale(x: Floats, root: Floats, p: Floats, v: Floats) -> None:
    for i in range(x.size):
        q = x[i] * root[i]
        p[i] = q
        v[i] = q * root[i]


@njit(cache=True, nogil=True, error_model="numpy")
def centre(room: Room) -> None:
    """Subtract their weighted means from the styles, so that no product of large numbers cancels."""
    K, J = room.b.size, room.a.size
    total = room.sums[:J, K + 1].sum()
    for k in range(K):
        middle = room.sums[:J, k].sum() / total
        room.middle[k] += middle
        for j in range(room.bad.size):
            room.whole[k, j] -= middle


@njit(cache=True, nogil=True, error_model="numpy")
def thicken(thin: int, shares: Floats, counts: Counts, room: Room) -> None:
    """Put the market beside the names of each thin industry."""
    K, sums, extra, market = room.b.size, room.sums, room.extra, room.market
    found = False
    for g in range(extra.size):
        few = 0 < counts[g] < thin
        extra[g] = (thin - counts[g]) * sums[g, K + 1] / counts[g] if few else 0.0
        found |= few
    if not found:
        return
    total = 0.0
    for j in range(room.base.size):
        cap = room.base[j] * room.base[j]
        room.y[j] = cap / room.root[j] if cap > 0.0 else 0.0
        total += cap
    products_with(room.p, room.y, market)
    for k in range(K + 1):
        market[k] /= total
    for g in range(extra.size):
        if extra[g] > 0.0:
            for k in range(K + 1):
                sums[g, k] += extra[g] * market[k]
                for m in range(k + 1):
                    room.products[k, m] += extra[g] * market[k] * market[m]
            sums[g, K + 1] += extra[g]
