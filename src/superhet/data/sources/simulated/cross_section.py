"""Cross-sections as the Barra models make them: one session at a time, estimated on the listed assets.

1. data errors go (beyond ten deviations, again and again), what is far comes near (three), then
   cap-weighted mean 0 and equal-weighted deviation 1                                  -> scores
2. scores add up with their weights, those of what is known, and are standardised again -> mixed
3. other styles are taken out by regression with weights √cap, before and after a clip  -> without

Plain NumPy, with code of its own: the risk model has other code, and tests hold one against the other.
NaN is not known; what is not listed is NaN.

References
----------
MSCI, *CNE5 Descriptor Details*, July 2012; *USE4 Methodology Notes*, August 2011.
"""

from __future__ import annotations

import numpy as np

from superhet.data.sources.simulated.recipe import Flags, Floats

_REMOVE, _LIMIT = 10.0, 3.0
_ROUNDS = 20


def scores(rows: Floats, cap: Floats, inside: Flags) -> Floats:
    """Winsorise and standardise descriptors, row by row.

    Parameters
    ----------
    rows : [descriptors, assets]
    cap : [assets], market cap
    inside : [assets], listed

    Returns
    -------
    [descriptors, assets]; NaN outside, and where a value was taken for a data error
    """
    kept = inside[None, :] & np.isfinite(rows)
    for _ in range(_ROUNDS):
        mean, deviation = _moments(rows, kept)
        near = np.abs(np.where(kept, rows - mean, 0.0)) <= _REMOVE * deviation
        if near.all():
            break
        kept &= near
    clipped = np.clip(rows, mean - _LIMIT * deviation, mean + _LIMIT * deviation)
    return standardized(np.where(kept, clipped, np.nan), cap)


def standardized(rows: Floats, cap: Floats) -> Floats:
    """Give rows cap-weighted mean 0 and equal-weighted deviation 1; a constant row becomes 0."""
    known = np.isfinite(rows)
    _, deviation = _moments(rows, known)
    weight = np.where(known, cap, 0.0)
    middle = (np.where(known, rows, 0.0) * weight).sum(axis=1, keepdims=True)
    middle = middle / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    return np.asarray((rows - middle) / np.where(deviation > 0.0, deviation, np.inf))


def mixed(parts: Floats, weights: Floats, cap: Floats) -> Floats:
    """Add up the scores of one style, [descriptors, assets], with their weights [descriptors]; [assets]."""
    known = np.isfinite(parts)
    mass = (known * weights[:, None]).sum(axis=0)
    total = np.where(known, parts, 0.0) * weights[:, None]
    mean = np.where(mass > 0.0, total.sum(axis=0) / np.where(mass > 0.0, mass, 1.0), np.nan)
    row: Floats = standardized(mean[None, :], cap)[0]
    return row


def without(styles: Floats, others: Floats, cap: Floats) -> Floats:
    """Take other styles out of styles.

    Parameters
    ----------
    styles : [styles, assets]
    others : [others, assets], standardised
    cap : [assets], market cap

    Returns
    -------
    [styles, assets], standardised, with Σ √cap · style · other = 0; NaN where one of them is
    """
    known = np.isfinite(styles) & np.isfinite(others).all(axis=0)
    weight = np.sqrt(np.where(known.any(axis=0), cap, 0.0))
    against = _orthogonal(np.nan_to_num(others), weight)
    rest = _residuals(np.where(known, styles, 0.0), known, against, weight)
    mean, deviation = _moments(rest, known)
    near = np.clip(rest, mean - _LIMIT * deviation, mean + _LIMIT * deviation)
    centred = standardized(np.where(known, near, np.nan), cap)
    rest = _residuals(np.where(known, centred, 0.0), known, against, weight)
    return standardized(np.where(known, rest, np.nan), cap)


def _orthogonal(rows: Floats, weight: Floats) -> Floats:
    """Take each row out of those after it."""
    out: Floats = rows.copy()
    for k in range(1, len(out)):
        out[k:] = _residuals(out[k:], np.isfinite(out[k:]), out[k - 1 : k], weight)
    return out


def _residuals(rows: Floats, known: Flags, against: Floats, weight: Floats) -> Floats:
    """Take rows that are orthogonal to one another out of others."""
    for one in against:
        scaled = weight * one
        square = (known * (scaled * one)).sum(axis=1, keepdims=True)
        slope = (rows * scaled).sum(axis=1, keepdims=True) / np.maximum(square, 1e-300)
        rows = rows - np.where(known, slope * one, 0.0)
    return rows


def _moments(rows: Floats, known: Flags) -> tuple[Floats, Floats]:
    """Give mean and deviation of the known cells of each row, [rows, 1]."""
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = np.where(known, rows, 0.0).sum(axis=1, keepdims=True) / count
    square = np.where(known, rows - mean, 0.0) ** 2
    return mean, np.sqrt(square.sum(axis=1, keepdims=True) / count)
