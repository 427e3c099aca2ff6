"""Raw prices and volumes from Qlib's adjusted float32 ones, exactly where that can be told.

A bin holds ``float32(raw × factor)``, and ``float32(factor)`` beside it. Their quotient is off by up to two
roundings, 2⁻²³ of its size, so 21.83 comes back as 21.8299995:

1. prices of an asset that all lie within that error of 2, 3 or 4 decimals are those      -> _on_tick
2. a factor is moved within its own rounding, if that makes all its prices come out       -> _settle
3. what then does not give the stored float32 again stays the quotient, which does        -> _exact

So ``float32(raw × factor)`` is the stored number for every value, to the last bit, and a price on a grid of
ticks is the price that was quoted. What a float32 cannot tell: volumes above 2²⁴ to the last share.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
_DECIMALS = (2, 3, 4)
_ERROR = 2.0**-23 * 1.01
_MOSTLY = 0.99


def raw_prices(adjusted: Floats32, factor: Floats32) -> tuple[Floats, Floats]:
    """Give raw prices and the factor of one asset.

    Parameters
    ----------
    adjusted : [dates, fields], NaN where there is none
    factor : [dates], adjusted / raw, positive

    Returns
    -------
    prices : [dates, fields], NaN where there is none
    factor : [dates], the same in float32
    """
    wide = factor.astype(np.float64)
    quotient = adjusted.astype(np.float64) / wide[:, None]
    price = _on_tick(quotient)
    settled = _settle(adjusted, price, factor)
    return _exact(adjusted, price, settled), settled


def raw_volumes(adjusted: Floats32, factor: Floats) -> Floats:
    """Give raw volumes, adjusted × factor, in whole shares where whole shares give the stored number again.

    Parameters
    ----------
    adjusted : [dates], NaN where there is none
    factor : [dates], positive
    """
    product = adjusted.astype(np.float64) * factor
    whole = np.round(product)
    same = (whole / factor).astype(np.float32) == adjusted
    return np.where(same, whole, product)


def as_stored(raw: Floats, factor: Floats) -> Floats32:
    """Give what a bin holds of a raw price."""
    return (raw * factor).astype(np.float32)


def _on_tick(price: Floats) -> Floats:
    """Round to the fewest decimals that nearly all prices have, where they have them."""
    known = price[np.isfinite(price)]
    for decimals in _DECIMALS:
        if not len(known):
            break
        near = np.abs(np.round(known, decimals) - known) <= _ERROR * np.abs(known)
        if near.mean() >= _MOSTLY:
            rounded = np.round(price, decimals)
            return np.where(np.abs(rounded - price) <= _ERROR * np.abs(price), rounded, price)
    return price


def _settle(adjusted: Floats32, price: Floats, factor: Floats32) -> Floats:
    """Find, for each run of equal factors, a factor of the same float32 that gives all stored prices."""
    wide = factor.astype(np.float64)
    if not len(wide):
        return wide
    starts = np.flatnonzero(np.r_[True, factor[1:] != factor[:-1]])
    length = np.diff(np.r_[starts, len(factor)])
    low, high = _rounding(factor)
    with np.errstate(invalid="ignore", divide="ignore"):
        below, above = (bound / price for bound in _rounding(adjusted))
    usable = np.isfinite(below) & np.isfinite(above) & (price > 0)
    low = np.maximum(low, np.where(usable, below, -np.inf).max(axis=1))
    high = np.minimum(high, np.where(usable, above, np.inf).min(axis=1))
    low, high = np.maximum.reduceat(low, starts), np.minimum.reduceat(high, starts)
    given = wide[starts]
    found = np.where((low < given) & (given < high) | ~(low < high), given, (low + high) / 2)
    return np.repeat(found, length)


def _exact(adjusted: Floats32, price: Floats, factor: Floats) -> Floats:
    same = (price * factor[:, None]).astype(np.float32) == adjusted
    return np.where(same, price, adjusted.astype(np.float64) / factor[:, None])


def _rounding(value: Floats32) -> tuple[Floats, Floats]:
    """Give the numbers between which everything rounds to `value`."""
    wide = value.astype(np.float64)
    down = np.nextafter(value, np.float32(-np.inf)).astype(np.float64)
    up = np.nextafter(value, np.float32(np.inf)).astype(np.float64)
    return (wide + down) / 2, (wide + up) / 2
