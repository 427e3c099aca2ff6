"""Align: the one place that changes axes."""

from __future__ import annotations

import numpy as np

from superhet.panel.axes import Assets, Dates
from superhet.panel.panel import Array, Panel


def missing_like(panel: Panel, shape: tuple[int, int]) -> Array:
    """Make an array of "not known" in the panel's type: NaN, False, or -1 for groups."""
    if panel.unit == "group":
        return np.full(shape, -1, dtype=panel.values.dtype)
    if panel.values.dtype.kind == "f":
        return np.full(shape, np.nan, dtype=panel.values.dtype)
    return np.zeros(shape, dtype=panel.values.dtype)


def reindex(panel: Panel, *, dates: Dates | None = None, assets: Assets | None = None) -> Panel:
    """Put a panel on other axes; what was not there is not known.

    Nothing is carried forward: a date that the panel lacks gives NaN (see `as_of` for carrying).
    """
    dates, assets = dates or panel.dates, assets or panel.assets
    out = missing_like(panel, (len(dates), len(assets)))
    target = {d: i for i, d in enumerate(dates.values.tolist())}
    rows = np.array([target.get(d, -1) for d in panel.dates.values.tolist()], dtype=np.int64)
    columns = assets.positions(panel.assets.values)
    row_kept, column_kept = np.flatnonzero(rows >= 0), np.flatnonzero(columns >= 0)
    out[np.ix_(rows[row_kept], columns[column_kept])] = panel.values[np.ix_(row_kept, column_kept)]
    return Panel(
        values=out,
        dates=dates,
        assets=assets,
        name=panel.name,
        unit=panel.unit,
        frequency=panel.frequency,
        labels=panel.labels,
    )


def as_of(panel: Panel, dates: Dates) -> Panel:
    """Give, on each new date, the row of the last date at or before it.

    Rows are taken whole: a NaN in the last row stays NaN. New dates before the first are not known.
    """
    if panel.dates.is_daily and not dates.is_daily:
        # a day is known at its close: a bar of the same day sees only the day before
        last = np.searchsorted(panel.dates.values, dates.days, side="left") - 1
    else:
        stamps = panel.dates.days if dates.is_daily else panel.dates.values
        last = np.searchsorted(stamps, dates.values, side="right") - 1
    out = missing_like(panel, (len(dates), len(panel.assets)))
    known = last >= 0
    out[known] = panel.values[last[known]]
    return Panel(
        values=out,
        dates=dates,
        assets=panel.assets,
        name=panel.name,
        unit=panel.unit,
        frequency=panel.frequency,
        labels=panel.labels,
    )
