"""Intraday bars as a Cube on their own bar ends."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from superhet.data.derived import estimated_amount
from superhet.data.pivot import Floats, Grid, Pivot
from superhet.errors import DataError, UnknownName
from superhet.panel import Assets, Cube, Dates, Panel
from superhet.panel.panel import Unit

if TYPE_CHECKING:
    from collections.abc import Callable

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

    The bar ends are those that occur in the data; a field is read when it is asked for. A bar without
    trade keeps the prices that the table gives it; a missing bar is NaN. Where the table has no amount,
    volume × (high + low + close) / 3 stands in, and the panel's name says so.

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
    span = {"start": str(sessions.values[0]), "end": str(sessions.values[-1])}
    stamps = Dates(
        np.sort(tables.read(table, columns=["time"], **span)["time"].unique().to_numpy())
    )
    away = ~np.isin(stamps.days, sessions.values)
    if away.any():
        raise DataError(
            f"bar {stamps.values[int(np.argmax(away))]} is not on a session of the calendar "
            f"({int(away.sum())} such bar ends). Drop those rows, or add the session.",
            file=table,
            column="time",
        )
    if not len(stamps):
        raise DataError(
            f"no bars from {span['start']} to {span['end']}. Load another period, or leave "
            f"{frequency} out of market.intraday.",
            file=table,
        )
    pivot = Pivot(tables, table, Grid(stamps, assets))
    column = cache(pivot.column)

    def values(name: str) -> tuple[Floats, str]:
        if name in pivot.columns:
            return column(name), name
        parts = {n: column(n) for n in ("high", "low", "close", "volume")}
        return estimated_amount(parts), "amount (volume × typical price)"

    def loader(name: str) -> Callable[[], Panel]:
        def load() -> Panel:
            found, title = values(name)
            return Panel(
                values=found,
                dates=stamps,
                assets=assets,
                name=title,
                unit=_UNITS[name],
                frequency=frequency,
            )

        return cache(load)

    return Cube({n: loader(n) for n in _UNITS}, dates=stamps, assets=assets)
