"""Index panels: who was in which index on each date, from a store's spells of membership."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from superhet.data.pivot import Grid, asset_positions, days, paint
from superhet.panel import Market, Panel

if TYPE_CHECKING:
    from superhet.data.base import Tables

INDICES = ("000300.SH", "000905.SH", "000852.SH")
"""CSI 300, CSI 500 and CSI 1000: large, middle and small A-shares."""


def index_panels(
    tables: Tables, market: Market, indices: Sequence[str] = INDICES
) -> dict[str, Panel]:
    """Give index -> flags of its members, of those indices that the store knows.

    Parameters
    ----------
    tables : a store; may have `index_members` (index, asset, start_date, end_date)
    market : gives the axes
    indices : codes; one that the store lacks, or that has no member on the axes, is left out

    Returns
    -------
    flag panels, [dates, assets], for `sub_universes`; a member from its start date to before its end date
    """
    if "index_members" not in tables.names():
        return {}
    frame = tables.read("index_members")
    grid = Grid(market.dates, market.assets)
    found = {}
    for index in indices:
        rows = frame.filter(frame["index"] == index)
        if not rows.height:
            continue
        start = days(rows["start_date"])
        never = np.full(start.size, np.datetime64("NaT"), dtype="datetime64[D]")
        end = days(rows["end_date"]) if "end_date" in rows.columns else never
        flags = paint(
            grid,
            asset_positions(rows["asset"], grid.assets),
            start,
            end,
            np.ones(rows.height, dtype=bool),
        )
        if flags.any():
            found[index] = market.universe.member.with_values(flags, name=index, unit="flag")
    return found
