"""Long tables onto dense grids: the one place where rows become panels.

1. asset names become column numbers by one hash look-up in polars      -> asset_positions
2. days become row numbers through a table of all days of the range     -> Grid.rows_of
3. a scatter per column writes the values; holes stay NaN               -> pour
4. tables of intervals (status, industry, members) are painted, row by
   row in the order of their start, so that the future never matters   -> paint
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from superhet.errors import DataError
from superhet.panel.axes import Assets, DateArray, Dates

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Grid:
    """The axes on which a long table is laid out; `dates` are sessions or bar ends."""

    dates: Dates
    assets: Assets

    @property
    def shape(self) -> tuple[int, int]:
        """Number of dates and assets."""
        return len(self.dates), len(self.assets)

    @cached_property
    def _row_of_day(self) -> Integers:
        days = self.dates.days.astype(np.int64)
        rows = np.full(int(days[-1] - days[0]) + 1, -1, dtype=np.int64)
        rows[days - days[0]] = np.arange(days.size)
        return rows

    def rows_of(self, stamps: npt.NDArray[np.datetime64]) -> Integers:
        """Find the row of each stamp; -1 where it is not on the axis."""
        if self.dates.is_daily:
            offset = stamps.astype("datetime64[D]").astype(np.int64)
            offset -= int(self.dates.values[0].astype(np.int64))
            inside = (offset >= 0) & (offset < self._row_of_day.size)
            rows: Integers = self._row_of_day[np.where(inside, offset, 0)]
            rows[~inside] = -1
            return rows
        seconds = stamps.astype("datetime64[s]")
        at = np.searchsorted(self.dates.values, seconds).astype(np.int64)
        at[at == len(self.dates)] = 0
        at[self.dates.values[at] != seconds] = -1
        return at


def asset_positions(names: pl.Series, assets: Assets) -> Integers:
    """Find the place of each name on the asset axis; -1 where it has none."""
    import polars as pl

    codes = names.cast(pl.Enum(list(assets.values)), strict=False).to_physical()
    return codes.cast(pl.Int64).fill_null(-1).to_numpy()


def floats(column: pl.Series) -> Floats:
    """Turn a numeric column into float64, null into NaN."""
    import polars as pl

    return column.cast(pl.Float64).to_numpy()


def days(column: pl.Series) -> DateArray:
    """Turn a column of dates or timestamps into days, null into NaT."""
    return column.to_numpy().astype("datetime64[D]")


def pour(
    frames: Iterable[pl.DataFrame], grid: Grid, columns: Sequence[str], table: str
) -> tuple[dict[str, Floats], Flags]:
    """Scatter the rows of a long table onto a grid.

    Parameters
    ----------
    frames : parts of the table, no stamp in two of them
    grid : the axes
    columns : numeric columns to take
    table : name of the table, for messages; its time column is `time` on a bar grid, else `date`

    Returns
    -------
    column -> [dates, assets], NaN where there is no row; and where there is a row

    Raises
    ------
    DataError
        for a stamp or an asset that is not on the axes, or two rows with one key
    """
    key = "date" if grid.dates.is_daily else "time"
    size = grid.shape[0] * grid.shape[1]
    out = {name: np.full(size, np.nan) for name in columns}
    present = np.zeros(size, dtype=bool)
    count = 0
    for frame in frames:
        stamps = frame[key].to_numpy()
        rows, places = grid.rows_of(stamps), asset_positions(frame["asset"], grid.assets)
        _require_on_axes(frame, rows, places, table, key)
        cells = rows * grid.shape[1] + places
        present[cells] = True
        count += cells.size
        if np.count_nonzero(present) != count:
            _report_duplicate(frame, cells, table, key)
        for name in columns:
            out[name][cells] = floats(frame[name])
    return {n: v.reshape(grid.shape) for n, v in out.items()}, present.reshape(grid.shape)


def parts(
    tables: Tables, table: str, columns: Sequence[str], dates: Dates, unit: str = "Y"
) -> Iterator[pl.DataFrame]:
    """Read a dated table in pieces of one calendar year (or month, unit "M"), to bound memory."""
    first, last = dates.days[0], dates.days[-1]
    periods = np.arange(first.astype(f"datetime64[{unit}]"), last.astype(f"datetime64[{unit}]") + 1)
    for period in periods:
        start = max(first, period.astype("datetime64[D]"))
        end = min(last, (period + 1).astype("datetime64[D]") - np.timedelta64(1, "D"))
        frame = tables.read(table, columns=list(columns), start=str(start), end=str(end))
        if frame.height:
            yield frame


def paint(
    grid: Grid, places: Integers, start: DateArray, end: DateArray, values: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """Lay intervals [start, end) over the grid; where two overlap, the later start wins.

    Parameters
    ----------
    grid : daily axes
    places : [rows], position on the asset axis; a row with -1 is left out
    start, end : [rows] datetime64[D]; a missing end is open, a missing start is from ever
    values : [rows], flags or integer codes

    Returns
    -------
    [dates, assets]; False or -1 where no interval reaches
    """
    blank: Any = False if values.dtype == bool else -1
    lying = np.full(grid.shape[::-1], blank, dtype=values.dtype)
    axis = grid.dates.values
    first = np.where(np.isnat(start), 0, np.searchsorted(axis, start))
    stop = np.where(np.isnat(end), axis.size, np.searchsorted(axis, end))
    order = np.argsort(np.where(np.isnat(start), np.datetime64("1000-01-01"), start), kind="stable")
    for row in order[(places[order] >= 0) & (first[order] < stop[order])]:
        lying[places[row], first[row] : stop[row]] = values[row]
    return np.ascontiguousarray(lying.T)


def _require_on_axes(
    frame: pl.DataFrame, rows: Integers, places: Integers, table: str, key: str
) -> None:
    for found, column, mend in (
        (rows, key, "is not a session of the calendar. Drop the row, or add the session"),
        (places, "asset", "is not in `securities`. Add it there, or drop its rows"),
    ):
        if found.size and found.min() < 0:
            row = int(np.argmin(found))
            raise DataError(
                f"{column} {frame[column][row]} {mend} ({int((found < 0).sum())} such rows).",
                file=table,
                column=column,
            )


def _report_duplicate(frame: pl.DataFrame, cells: Integers, table: str, key: str) -> None:
    order = np.argsort(cells, kind="stable")
    again = order[1:][cells[order][1:] == cells[order][:-1]]
    row = int(again[0]) if again.size else 0
    raise DataError(
        f"two rows for {frame['asset'][row]} on {frame[key][row]}. Keep one of them.",
        file=table,
        column=key,
    )
