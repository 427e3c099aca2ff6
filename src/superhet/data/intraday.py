"""Intraday bars as a Cube on their own bar ends."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from superhet.data.derived import estimated_amount
from superhet.data.pivot import Grid, Pivot
from superhet.errors import DataError, UnknownName
from superhet.panel import Assets, Cube, Dates, Panel
from superhet.panel.panel import Unit

if TYPE_CHECKING:
    from superhet.data.base import Tables

_UNITS: dict[str, Unit] = {
    "open": "price",
    "high": "price",
    "low": "price",
    "close": "price",
    "volume": "shares",
    "amount": "currency",
}


def intraday_cube(tables: Tables, frequency: str, sessions: Dates, assets: Assets) -> Cube:
    """Give the bars of one frequency on `[bar ends, assets]`.

    The bar ends are those that occur in the data (none, where the bars begin later); a field is read when
    it is asked for. A bar without trade keeps the prices that the table gives it; a missing bar is NaN.
    Where the table has no amount, volume × (high + low + close) / 3 stands in, and the panel's name says so.

    Parameters
    ----------
    tables : has the table `bars_<frequency>`
    frequency : "15min"
    sessions : the daily axis; bars outside its range are left out
    assets : the asset axis

    Raises
    ------
    UnknownName
        if there is no such table; lists the frequencies that exist
    DataError
        for a bar on a day of the range that is no session
    """
    table = f"bars_{frequency}"
    if table not in tables.names():
        known = [n.removeprefix("bars_") for n in tables.names() if n.startswith("bars_")]
        known = [n for n in known if n.endswith("min")]
        raise UnknownName("intraday frequency", frequency, known, "market.intraday")
    stamps = _bar_ends(tables, table, sessions)
    pivot = Pivot(tables, table, Grid(stamps, assets))
    column = cache(pivot.column)

    def make(name: str) -> Panel:
        values, title = None, name
        if name not in pivot.columns:
            of = {n: column(n) for n in ("high", "low", "close", "volume")}
            values, title = estimated_amount(of), "amount (volume × typical price)"
        return Panel(
            values=column(name) if values is None else values,
            dates=stamps,
            assets=assets,
            name=title,
            unit=_UNITS[name],
            frequency=frequency,
        )

    kept = cache(make)
    return Cube({n: partial(kept, n) for n in _UNITS}, dates=stamps, assets=assets)


def _bar_ends(tables: Tables, table: str, sessions: Dates) -> Dates:
    """Find the bar ends that occur on the sessions."""
    start, end = str(sessions.values[0]), str(sessions.values[-1])
    found = tables.read(table, columns=["time"], start=start, end=end)["time"].unique()
    stamps = Dates(np.sort(found.to_numpy()))
    away = ~np.isin(stamps.days, sessions.values)
    if away.any():
        raise DataError(
            f"bar {stamps.values[int(np.argmax(away))]} is not on a session of the calendar "
            f"({int(away.sum())} such bar ends). Drop those rows, or add the session.",
            file=table,
            column="time",
        )
    return stamps
