"""Who is listed, since when, and on which board.

What `securities` does not say comes from the code (the board) and from the first bar (the listing date).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from superhet.data.derived import SEASONED
from superhet.data.limits import BOARDS, board_of
from superhet.data.pivot import Grid, Integers, asset_positions, days
from superhet.errors import DataError
from superhet.panel.axes import Assets, DateArray

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables

_MERGED = {"sme": "main"}
"""Boards that are no more: the SME board, always under main-board rules, joined it in April 2021."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Listing:
    """Static facts about the assets of an axis.

    Parameters
    ----------
    board : [assets], codes into `limits.BOARDS`
    listed_on : [assets] datetime64[D], first listed day; NaT = never seen
    delisted_on : [assets] datetime64[D], first day listed no more; NaT = not (yet)
    """

    board: Integers
    listed_on: DateArray
    delisted_on: DateArray


def read_listing(
    tables: Tables, grid: Grid, first_bars: Callable[[], DateArray] | None = None
) -> Listing:
    """Read `securities`, and complete it.

    Parameters
    ----------
    tables : a store, or frames in memory
    grid : the daily axes
    first_bars : gives what `find_first_bars` does, of all bars or of those that count here; None = ask it

    Raises
    ------
    DataError
        for a board that is none of `limits.BOARDS`
    """
    board = np.array([BOARDS.index(board_of(a)) for a in grid.assets.values], dtype=np.int64)
    last = grid.dates.values[-1]
    listed_on = np.full(len(grid.assets), np.datetime64("NaT"), dtype="datetime64[D]")
    delisted_on = listed_on.copy()
    if "securities" in tables.names():
        frame = tables.read("securities")
        place = asset_positions(frame["asset"], grid.assets)
        for column, target in (("list_date", listed_on), ("delist_date", delisted_on)):
            if column in frame.columns:
                target[place] = days(frame[column])
        if "board" in frame.columns:
            _take_boards(frame, place, board)
    unknown = np.isnat(listed_on)
    if unknown.any():
        first = first_bars() if first_bars else find_first_bars(tables, grid.assets, last)
        listed_on[unknown] = np.where(first > last, np.datetime64("NaT"), first)[unknown]
    return Listing(board=board, listed_on=listed_on, delisted_on=delisted_on)


def _take_boards(frame: pl.DataFrame, place: Integers, board: Integers) -> None:
    for row, name in enumerate(frame["board"].to_list()):
        if name is None:
            continue
        known = _MERGED.get(name.lower(), name.lower())
        if known not in BOARDS:
            raise DataError(
                f"{name!r} is not a board; known: {', '.join(BOARDS)}. Map it on import.",
                file="securities",
                row=row,
                column="board",
            )
        board[place[row]] = BOARDS.index(known)


def find_first_bars(tables: Tables, assets: Assets, last: np.datetime64 | None = None) -> DateArray:
    """Find the day of each asset's first bar up to `last`, [assets]; NaT if it has none.

    What already trades on the first date of the table was listed before, nobody knows when: it counts
    as `SEASONED` sessions old.
    """
    import polars as pl

    frame = tables.read("bars_1d", columns=["date", "asset"], end=last)
    first = frame.group_by("asset").agg(pl.col("date").min())
    place, day = asset_positions(first["asset"], assets), days(first["date"])
    out = np.full(len(assets), np.datetime64("NaT"), dtype="datetime64[D]")
    out[place[place >= 0]] = day[place >= 0]
    out[out == day.min()] = np.busday_offset(day.min(), -SEASONED, roll="backward")
    return out
