"""Cross-sections of descriptors and styles: one row (date) at a time, constants of the estimation universe.

Everything is estimated on the *inside* cells and applied to all: names outside are clipped, centred and
scaled with the constants of those within. `inside` must hold only cells with a positive, finite cap;
`prepare_inside` sees to it.

1. winsorise: the data errors go, what is far comes near                  -> winsorize_row
2. standardise: cap-weighted mean 0, equal-weighted deviation 1           -> standardize_row
3. add a descriptor to the weighted sum of its style                      -> add_descriptor
4. divide by the weights of what is known, and standardise again          -> finish_style
5. fill what is missing from the logarithm of the cap, within industries  -> fill_style
6. take out other styles                                                  -> orthogonalize_style

The last step keeps two promises at once. The regressors X are styles, hence cap-centred. Let y be
cap-centred too; then the residual e = y - X b of the regression *without* intercept, weighted by v =
sqrt(cap), is cap-centred whatever b is, and its inner products with X, weighted by v, are 0. Scaling
spoils neither. Winsorising would, so it stands between two such regressions: residual, clip, centre,
residual again, scale.

NaN rule: what is not finite is missing, enters no statistic and stays missing, but in step 5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.clipping import FLAT
from superhet.kernels.weighted_columns import move, orthogonalize, product, take_out

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int32]
Tallies = npt.NDArray[np.int64]

NONE, DEVIATIONS, THREE_GROUPS = 0, 1, 2
CONSTANT, REMOVED, CLIPPED = 0, 1, 2
"""Columns of the tallies of a descriptor: 1 where it does not vary inside; cells removed; cells clipped."""
_ROUNDS = 50
_SUMS = {"reassoc", "nsz"}
"""Sums are added lane by lane; the same cells give the same bits, in whatever market they stand."""


class Clip(NamedTuple):
    """How a cross-section is winsorised.

    Parameters
    ----------
    rule : NONE, DEVIATIONS (clip at mean ± limit deviations) or THREE_GROUPS (first take away what is
        beyond `remove` deviations, again and again until nothing is, then clip)
    limit, remove : in deviations of the inside cells
    """

    rule: int
    limit: float
    remove: float


@njit(cache=True, nogil=True, error_model="numpy")
def prepare_inside(estimable: Flags, caps: Floats) -> Flags:
    """Keep the estimable cells that have a cap, [dates, assets]."""
    out = np.empty(estimable.shape, np.bool_)
    for t in range(estimable.shape[0]):
        for j in range(estimable.shape[1]):
            w = caps[t, j]
            out[t, j] = estimable[t, j] & (w > 0.0) & (w - w == 0.0)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def winsorize_row(
    x: Floats, inside: Flags, caps: Floats, clip: Clip, out: Floats
) -> tuple[int, int]:
    """Winsorise one row; give the numbers of cells removed and clipped. Caps play no part."""
    for j in range(x.size):
        v = x[j]
        out[j] = v if v - v == 0.0 else np.nan
    if clip.rule == NONE:
        return 0, 0
    removed, mean, std = 0, 0.0, 0.0
    for _ in range(_ROUNDS):
        n, mean, std, _ = _moments(out, inside, caps)
        if n < 2.0:
            return removed, 0
        if clip.rule != THREE_GROUPS or std == 0.0:
            break
        within, reach = 0, clip.remove * std
        for j in range(x.size):
            far = abs(out[j] - mean) > reach
            within += far & inside[j]
            removed += far
            out[j] = np.nan if far else out[j]
        if within == 0:
            break
    clipped = 0
    low, high = mean - clip.limit * std, mean + clip.limit * std
    for j in range(x.size):
        v = out[j]
        clipped += (v < low) | (v > high)
        v = low if v < low else v
        out[j] = high if v > high else v
    return removed, clipped


@njit(cache=True, nogil=True, error_model="numpy")
def standardize_row(x: Floats, inside: Flags, caps: Floats, least: int, out: Floats) -> bool:
    """Give cap-weighted mean 0 and equal-weighted deviation 1 (divisor n); say whether the row is constant.

    A constant row gives 0; one with fewer than `least` known inside cells gives NaN.
    """
    n, _, std, centre = _moments(x, inside, caps)
    if n < max(least, 2):
        for j in range(x.size):
            out[j] = np.nan
        return False
    constant = std == 0.0
    for j in range(x.size):
        v = x[j]
        value = 0.0 if constant else (v - centre) / std
        out[j] = value if v - v == 0.0 else np.nan
    return bool(constant)


@njit(cache=True, nogil=True, error_model="numpy")
def _moments(x: Floats, inside: Flags, caps: Floats) -> tuple[float, float, float, float]:
    """Give number, mean, deviation (divisor n) and cap-weighted mean of the known inside cells.

    Both means are corrected once for their own rounding; a deviation that is rounding is 0.
    """
    n, total, _, _, _ = _add_up(x, inside, caps, 0.0)
    mean = total / n
    _, rest, square, mass, part = _add_up(x, inside, caps, mean)
    rest /= n
    variance = square / n - rest * rest
    std = np.sqrt(variance) if variance > 0.0 else 0.0
    centre = mean + part / mass
    mean += rest
    return n, mean, (std if std > FLAT * abs(mean) else 0.0), centre


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _add_up(
    x: Floats, inside: Flags, caps: Floats, centre: float
) -> tuple[float, float, float, float, float]:
    """Add up number, distance from a centre, its square, cap, and cap times distance."""
    n, total, square, mass, part = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(x.size):
        v = x[j]
        ok = inside[j] & (v - v == 0.0)
        d, w = v - centre if ok else 0.0, caps[j] if ok else 0.0
        n += 1.0 if ok else 0.0
        total += d
        square += d * d
        mass += w
        part += w * d
    return n, total, square, mass, part


@njit(cache=True, nogil=True, error_model="numpy")
def add_descriptor(
    x: Floats,
    inside: Flags,
    caps: Floats,
    weight: float,
    clip: Clip,
    least: int,
    total: Floats,
    mass: Floats,
    tallies: Tallies,
) -> None:
    """Winsorise and standardise a descriptor, and add it, times its weight, where it is known.

    Parameters
    ----------
    x, caps : [dates, assets]
    inside : [dates, assets], of `prepare_inside`
    total, mass : [dates, assets], written: sums of weight times score, and of weights
    tallies : [dates, 3], written: CONSTANT, REMOVED, CLIPPED
    """
    size = x.shape[1]
    held, score = np.empty(size), np.empty(size)
    for t in range(x.shape[0]):
        removed, clipped = winsorize_row(x[t], inside[t], caps[t], clip, held)
        constant = standardize_row(held, inside[t], caps[t], least, score)
        tallies[t, CONSTANT] = constant
        tallies[t, REMOVED] = removed
        tallies[t, CLIPPED] = clipped
        for j in range(size):
            z = score[j]
            ok = z == z
            total[t, j] += weight * z if ok else 0.0
            mass[t, j] += weight if ok else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def finish_style(
    total: Floats, mass: Floats, inside: Flags, caps: Floats, least: int, out: Floats
) -> None:
    """Divide by the weights of what is known and standardise; NaN where nothing is known, [dates, assets]."""
    size = total.shape[1]
    mixed = np.empty(size)
    for t in range(total.shape[0]):
        for j in range(size):
            mixed[j] = total[t, j] / mass[t, j] if mass[t, j] > 0.0 else np.nan
        standardize_row(mixed, inside[t], caps[t], least, out[t])


@njit(cache=True, nogil=True, error_model="numpy")
def fill_style(
    style: Floats,
    log_cap: Floats,
    codes: Codes,
    groups: int,
    inside: Flags,
    caps: Floats,
    least: int,
    limit: float,
    tallies: Tallies,
) -> None:
    """Fill missing cells from the line of the style on the logarithm of the cap, in place; then standardise.

    The line is that of the cell's industry, or of all where the industry has fewer than `least` known
    inside cells, its caps do not vary, or the industry is not known. Estimates are kept within ± limit.

    Parameters
    ----------
    style, log_cap, caps : [dates, assets]; a cell without a cap stays missing
    codes : [dates, assets], below `groups`; -1 = not known
    tallies : [dates], written: how many cells were filled

    Notes
    -----
    A row of which nothing is known stays so, and one with nothing missing is not touched.
    """
    size = style.shape[1]
    sums, row = np.empty((groups + 1, 5)), np.empty(size)
    slope, level = np.empty(groups + 1), np.empty(groups + 1)
    for t in range(style.shape[0]):
        y, x = style[t], log_cap[t]
        known, missing, pivot = 0, 0, 0.0
        for j in range(size):
            ok = inside[t, j] & (y[j] == y[j]) & (x[j] == x[j])
            known += ok
            pivot += x[j] if ok else 0.0
            missing += (y[j] != y[j]) & (x[j] == x[j])
        tallies[t] = 0
        if missing == 0 or known < max(least, 2):
            continue
        pivot /= known
        for g in range(groups + 1):
            for k in range(5):
                sums[g, k] = 0.0
        for j in range(size):
            a, b = y[j], x[j] - pivot
            if inside[t, j] and a == a and b == b:
                _count(sums[groups], a, b)
                if codes[t, j] >= 0:
                    _count(sums[codes[t, j]], a, b)
        for g in range(groups, -1, -1):
            m = sums[g, 0]
            vx = sums[g, 3] - sums[g, 1] * sums[g, 1] / m if m > 0.0 else 0.0
            if m >= least and vx > 1e-12 * sums[g, 3]:
                slope[g] = (sums[g, 4] - sums[g, 1] * sums[g, 2] / m) / vx
                level[g] = (sums[g, 2] - slope[g] * sums[g, 1]) / m
            elif g == groups:
                slope[g], level[g] = 0.0, sums[g, 2] / m
            else:
                slope[g], level[g] = slope[groups], level[groups]
        filled = 0
        for j in range(size):
            b = x[j] - pivot
            if y[j] != y[j] and b == b:
                g = codes[t, j] if codes[t, j] >= 0 else groups
                y[j] = min(max(level[g] + slope[g] * b, -limit), limit)
                filled += 1
        tallies[t] = filled
        for j in range(size):
            row[j] = y[j]
        standardize_row(row, inside[t], caps[t], 2, y)


@njit(cache=True, nogil=True, error_model="numpy")
def _count(sums: Floats, a: float, b: float) -> None:
    """Add a cell to the sums of a line."""
    sums[0] += 1.0
    sums[1] += b
    sums[2] += a
    sums[3] += b * b
    sums[4] += a * b


@njit(cache=True, nogil=True, error_model="numpy")
def orthogonalize_style(
    style: Floats,
    against: Floats,
    inside: Flags,
    caps: Floats,
    clip: Clip,
    least: int,
    cells: tuple[Flags, Tallies],
) -> None:
    """Take styles out of another, in place; see the module for the order.

    Parameters
    ----------
    style : [dates, assets]
    against : [K, dates, assets], standardised styles
    cells : room for the cells that are fitted, [assets], and [dates], written: 1 where the styles taken out
        explain all of it

    Notes
    -----
    What is left: cap-weighted mean 0, equal-weighted deviation 1, and sum sqrt(cap) style against = 0
    over the inside cells where all are known. NaN where one of them is.
    """
    fitted, tallies = cells
    K, dates, size = against.shape
    rest, held, v = np.empty(size), np.empty(size), np.empty(size)
    known, q, squares = np.empty(size, np.bool_), np.empty((K, size)), np.empty(K)
    for t in range(dates):
        count = 0
        for j in range(size):
            bad = style[t, j]
            for k in range(K):
                bad += against[k, t, j]
            known[j] = bad == bad
            fitted[j] = inside[t, j] & known[j]
            count += fitted[j]
            rest[j] = style[t, j] if known[j] else 0.0
            v[j] = np.sqrt(caps[t, j]) if fitted[j] else 0.0
            for k in range(K):
                q[k, j] = against[k, t, j] if known[j] else 0.0
        tallies[t] = 0
        if count < max(least, K + 2):
            for j in range(size):
                style[t, j] = np.nan
            continue
        orthogonalize(q, v, squares)
        move(rest, _moments(rest, fitted, caps[t])[3])
        before = np.sqrt(product(rest, rest, v))
        take_out(rest, q, squares, v)
        winsorize_row(rest, fitted, caps[t], clip, held)
        move(held, _moments(held, fitted, caps[t])[3])
        take_out(held, q, squares, v)
        std = _moments(held, fitted, caps[t])[2]
        after = np.sqrt(product(held, held, v))
        explained = std == 0.0 or not after > FLAT * 1e3 * before
        tallies[t] = explained
        for j in range(size):
            value = 0.0 if explained else held[j] / std
            style[t, j] = value if known[j] else np.nan
