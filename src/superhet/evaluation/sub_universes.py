"""Sub-universes: whether a signal works everywhere, or only among the small.

Members of indices where they are known, thirds by size where not; each judged by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from superhet.evaluation.groups import size_groups
from superhet.evaluation.information import Information, information
from superhet.evaluation.summary import plain
from superhet.panel import Market, Panel, require_same_axes


@dataclass(frozen=True, eq=False, kw_only=True)
class SubUniverse:
    """A signal within a part of the universe.

    Parameters
    ----------
    name : of the part
    names : assets in it, a mean over the dates on which it has any
    information : of the signal among them
    """

    name: str
    names: float
    information: Information

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers by name, ready for JSON."""
        found = self.information
        return {
            "name": self.name,
            "names": plain(self.names),
            "coverage": plain(found.mean_coverage),
            "rank_ic": found.rank.to_dict(),
            "ic": found.linear.to_dict(),
        }


def sub_universes(market: Market, members: Mapping[str, Panel] | None = None) -> dict[str, Panel]:
    """Give name -> flags of the parts of the universe.

    Parameters
    ----------
    market : its universe's members are split
    members : index -> flag panel of its members; a name in several counts in each. What is in none is "rest".
        None or empty = thirds by size: "small", "middle", "large"

    Returns
    -------
    flag panels; a part that never has a member is left out
    """
    inside = market.universe.member
    if not members:
        size = size_groups(market, 3).values
        parts = {n: size == g for g, n in enumerate(("small", "middle", "large"))}
    else:
        for panel in members.values():
            require_same_axes(inside, panel)
        parts = {n: p.values.astype(bool) for n, p in members.items()}
        parts["rest"] = ~np.logical_or.reduce(list(parts.values()))
    made = {n: flags & inside.values for n, flags in parts.items()}
    return {n: inside.with_values(f, name=n, unit="flag") for n, f in made.items() if f.any()}


def information_by_sub_universe(
    signal: Panel, forward: Panel, parts: Mapping[str, Panel], horizon: int
) -> tuple[SubUniverse, ...]:
    """Correlate a signal with its forward return within each part; ranks are taken inside it.

    Parameters
    ----------
    signal : [dates, assets], score
    forward : [dates, assets], return stamped at the signal date
    parts : name -> flag panel, as `sub_universes` gives
    horizon : dates over which neighbouring forward returns overlap
    """
    found = []
    for name, flags in parts.items():
        require_same_axes(signal, flags)
        inside = flags.values.astype(bool)
        within = forward.with_values(np.where(inside, forward.values, np.nan))
        counts = inside.sum(axis=1)
        found.append(
            SubUniverse(
                name=name,
                names=float(counts[counts > 0].mean()) if (counts > 0).any() else float("nan"),
                information=information(signal, within, horizon),
            )
        )
    return tuple(found)
