"""Sections: what every transformer does at its door.

1. axes of signal and market must agree
2. non-members become NaN; the cells that statistics may use are the estimable members
3. a date on which no such cell is known is not known yet: its row becomes NaN
4. a date with some, but fewer than `min_names`, is an error: its statistics would be noise
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.errors import TooFewAssets
from superhet.panel import Dates, Market, Panel, require_same_axes

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Sections:
    """The cross-sections of one signal.

    Parameters
    ----------
    values : [dates, assets], float64, NaN outside the pool and on dates without statistics
    inside : [dates, assets], where statistics are estimated
    """

    values: Floats
    inside: Flags


def sections(
    what: str,
    signal: Panel,
    market: Market,
    min_names: int,
    *,
    pool: Flags | None = None,
    inside: Flags | None = None,
) -> Sections:
    """Bring a signal to its cross-sections.

    Parameters
    ----------
    what : the transformer, for messages ("winsorize")
    min_names : fewest known inside names that a date may have, unless it has none
    pool : [dates, assets], who is transformed; None for the members
    inside : [dates, assets], who is estimated on; None for the estimable members

    Raises
    ------
    AxisMismatch
        if signal and market do not share their axes
    TooFewAssets
        naming the first date that has some names, but too few
    """
    universe = market.universe
    require_same_axes(signal, universe.member)
    pool = universe.member.values if pool is None else pool
    inside = pool & (universe.estimable.values if inside is None else inside)
    values = np.where(pool, signal.values, np.nan).astype(np.float64, copy=False)
    counts = (inside & np.isfinite(values)).sum(axis=1)
    require_names(f"{what} of {signal.name!r}", signal.dates, counts, min_names)
    values[counts == 0] = np.nan
    return Sections(values=values, inside=inside)


def require_names(what: str, dates: Dates, counts: npt.NDArray[np.int64], needed: int) -> None:
    """Insist that each date has no name at all or at least `needed`.

    Raises
    ------
    TooFewAssets
        naming the first date that breaks the rule
    """
    few = np.flatnonzero((counts > 0) & (counts < needed))
    if few.size:
        raise TooFewAssets(what, dates.values[few[0]], int(counts[few[0]]), needed)
