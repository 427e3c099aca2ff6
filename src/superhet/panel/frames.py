"""Frames: panels and records to and from pandas, polars and Arrow. Nothing is lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from superhet.errors import DataError
from superhet.panel.axes import Assets, Dates
from superhet.panel.panel import Panel, Unit
from superhet.panel.records import Records

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


def to_pandas(panel: Panel) -> pd.DataFrame:
    """Give a wide frame: index dates, columns assets."""
    import pandas as pd

    return pd.DataFrame(
        panel.values,
        index=pd.DatetimeIndex(panel.dates.values.astype("datetime64[s]"), name="date"),
        columns=pd.Index(panel.assets.values, name="asset"),
    )


def from_pandas(frame: pd.DataFrame, *, name: str = "", unit: Unit = "score") -> Panel:
    """Read a wide frame: index dates, columns assets."""
    return Panel(
        values=frame.to_numpy(),
        dates=Dates(frame.index.to_numpy().astype("datetime64[s]")),
        assets=Assets(str(c) for c in frame.columns),
        name=name,
        unit=unit,
    )


def to_polars(panel: Panel) -> pl.DataFrame:
    """Give a long frame: date, asset, value; rows that are not known are left out."""
    import polars as pl

    row, column = np.nonzero(panel.known())
    names = np.array(panel.assets.values, dtype=object)
    return pl.DataFrame(
        {
            "date": panel.dates.values[row],
            "asset": pl.Series(names[column], dtype=pl.String),
            panel.name or "value": panel.values[row, column],
        }
    )


def from_polars(
    frame: pl.DataFrame,
    value: str,
    *,
    dates: Dates | None = None,
    assets: Assets | None = None,
    unit: Unit = "score",
) -> Panel:
    """Read a long frame with columns date, asset and `value`.

    Raises
    ------
    DataError
        if a (date, asset) occurs twice, or lies outside axes that were given
    """
    days = frame["date"].to_numpy()
    names = frame["asset"].to_list()
    dates = dates or Dates(np.unique(days))
    assets = assets or Assets(sorted(set(names)))
    stamps = days.astype(dates.values.dtype)
    row = np.searchsorted(dates.values, stamps)
    column = assets.positions(names)
    outside = (row >= len(dates)) | (column < 0)
    outside[~outside] = dates.values[row[~outside]] != stamps[~outside]
    if outside.any():
        at = int(np.flatnonzero(outside)[0])
        raise DataError(f"({stamps[at]}, {names[at]}) lies outside the axes", row=at)
    cell = row * len(assets) + column
    order = np.argsort(cell, kind="stable")
    twice = np.flatnonzero(np.diff(cell[order]) == 0)
    if twice.size:
        at = int(order[twice[0] + 1])
        raise DataError(f"({stamps[at]}, {names[at]}) occurs twice", row=at)
    out = np.full((len(dates), len(assets)), np.nan)
    out[row, column] = frame[value].to_numpy()
    return Panel(values=out, dates=dates, assets=assets, name=value, unit=unit)


def records_to_polars(records: Records) -> pl.DataFrame:
    """Give one column for each column."""
    import polars as pl

    return pl.DataFrame({n: c.copy() for n, c in records.items()})
