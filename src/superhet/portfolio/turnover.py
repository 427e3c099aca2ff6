"""Turnover: what trading a new target means, and how to stop at a cap.

Turnover is one-way: half the sum of absolute changes against the previous target, drifted by the returns
since. The drift uses only returns known at the decision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.panel import Market

Floats: TypeAlias = npt.NDArray[np.float64]
_STEPS, _CLOSE = 25, 1e-6  # of the search, and the share of the cap that may be left unused


def one_way(before: Floats, after: Floats) -> float:
    """Give half the sum of absolute changes."""
    return float(np.abs(after - before).sum() / 2.0)


def growth(market: Market, first: int, last: int) -> Floats:
    """Give what 1 invested at the close of session `first` is worth at the close of `last`, [assets].

    Sessions without a known return (not listed any more) leave the value as it is.
    """
    returns = market["returns"].values[first + 1 : last + 1]
    return np.asarray(np.prod(1.0 + np.where(np.isnan(returns), 0.0, returns), axis=0))


def drifted(weights: Floats, grown: Floats) -> Floats:
    """Let weights drift with the market: w g / (1 + sum of w (g - 1)); the rest of capital is cash.

    Examples
    --------
    >>> drifted(np.array([0.5, -0.5]), np.array([1.1, 1.0])).round(4)
    array([ 0.5238, -0.4762])
    """
    moved = weights * grown
    return np.asarray(moved / (1.0 + (moved - weights).sum()))


def step_towards(
    drift: Floats, start: Floats, target: Floats, cap: float, scale: Callable[[Floats], Floats]
) -> Floats:
    """Go from `start` towards `target` as far as the cap on turnover allows.

    Parameters
    ----------
    drift : [assets], what is held
    start : [assets], the nearest admissible portfolio to what is held
    target : [assets], the portfolio that is wanted
    cap : largest one-way turnover; where `start` alone needs more, `start` is the answer
    scale : brings a blend back to the wanted gross

    Returns
    -------
    [assets]; a blend, so that every linear property that both share (neutrality, sums) is kept
    """
    wanted = one_way(drift, target)
    if wanted <= cap:
        return target
    touched = np.flatnonzero((drift != 0.0) | (start != 0.0) | (target != 0.0))
    held, near, far = drift[touched], start[touched], target[touched]
    best = scale(near)
    low, least = 0.0, one_way(held, best)
    high, most = 1.0, wanted
    for _ in range(_STEPS):
        if cap - least <= _CLOSE * cap:  # also where `start` alone goes beyond the cap
            break
        # turnover is nearly linear in the blend: the chord lands close, and below where it is convex.
        # It aims a little under the cap: aimed at the cap itself, rounding alone decides on which side
        # it lands, and above it the next chord would be the same one again.
        share = low + (high - low) * ((1.0 - _CLOSE / 2.0) * cap - least) / (most - least)
        blend = scale(near + share * (far - near))
        traded = one_way(held, blend)
        if traded <= cap:
            low, least, best = share, traded, blend
        else:
            high, most = share, traded
    out = np.zeros_like(target)
    out[touched] = best
    return out
