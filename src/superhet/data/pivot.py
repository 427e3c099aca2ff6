"""Long tables onto dense grids: the one place where rows become panels.

1. asset names become column numbers by one hash look-up in polars      -> asset_positions
2. days become row numbers through a table of all days of the range     -> Grid.rows_of
3. a scatter per column writes the values; holes stay NaN               -> Pivot
4. tables of intervals (status, industry, members) are painted, row by
   row in the order of their start, so that the future never matters   -> paint
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from superhet.errors import DataError
from superhet.panel.axes import Assets, DateArray, Dates
from superhet.progress import Progress

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
"""Called as (what, done, total) while a table is read."""


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


@runtime_checkable
class _Described(Protocol):
    """Tables that can name the columns of one without reading it, as a store can."""

    def columns(self, table: str) -> dict[str, str]: ...


def _number_columns(tables: Tables, table: str, day: str) -> list[str]:
    """Name the columns that hold numbers or flags, in order; `day` is read where nothing else says them."""
    import polars as pl

    if isinstance(tables, _Described):
        wanted = {"Float64", "Int64", "Boolean"}
        return [n for n, kind in tables.columns(table).items() if kind in wanted]
    schema = tables.read(table, start=day, end=day).schema
    return [n for n, t in schema.items() if t.is_numeric() or t == pl.Boolean]


class Pivot:
    """A dated long table on a grid, column by column, each read when asked for.

    Where the rows go is found out once; a column then costs one read and one scatter. The table is read
    in pieces of a year (bars of a day: of a month) to bound memory; `Tables` promises the same row order
    at every read.

    Parameters
    ----------
    tables, table : what to read
    grid : the axes; sessions for a daily table, bar ends for an intraday one
    progress : called as (done, total, table) while the pieces are placed

    Raises
    ------
    DataError
        (on first use) for a stamp or an asset that is not on the axes, or two rows with one key
    """

    def __init__(
        self, tables: Tables, table: str, grid: Grid, progress: Progress | None = None
    ) -> None:
        self.tables, self.table, self.grid = tables, table, grid
        self._key = "date" if grid.dates.is_daily else "time"
        self._progress = progress
        day = str(grid.dates.days[0]) if len(grid.dates) else "1900-01-01"
        keys = {self._key, "asset"}
        self.columns = [n for n in _number_columns(tables, table, day) if n not in keys]

    @cached_property
    def present(self) -> Flags:
        """Where the table has a row, [dates, assets]."""
        present = np.zeros(self.grid.shape, dtype=bool)
        for _, _, cells in self._placed:
            present.ravel()[cells] = True
        return present

    def column(self, name: str) -> Floats:
        """Lay out one column, [dates, assets]; NaN where there is no row or no value."""
        out = np.full(self.grid.shape, np.nan)
        for start, end, cells in self._placed:
            out.ravel()[cells] = floats(self._read([name], start, end)[name])
        return out

    @cached_property
    def _placed(self) -> list[tuple[str, str, Integers]]:
        """The pieces: first day, last day, and the cell of each row."""
        dates, width = self.grid.dates, self.grid.shape[1]
        if not len(dates):
            return []
        spans = list(_spans(dates.days[0], dates.days[-1], "Y" if dates.is_daily else "M"))
        out = []
        for done, (start, end) in enumerate(spans):
            frame = self._read([self._key, "asset"], start, end)
            rows = self.grid.rows_of(frame[self._key].to_numpy())
            places = asset_positions(frame["asset"], self.grid.assets)
            self._require_on_axes(frame, rows, places)
            cells = rows * width + places
            self._require_once(frame, cells)
            out.append((start, end, cells))
            if self._progress is not None:
                self._progress(done + 1, len(spans), self.table)
        return out

    def _read(self, columns: list[str], start: str, end: str) -> pl.DataFrame:
        return self.tables.read(self.table, columns=columns, start=start, end=end)

    def _require_on_axes(self, frame: pl.DataFrame, rows: Integers, places: Integers) -> None:
        for found, column, mend in (
            (rows, self._key, "is not a session of the calendar. Drop the row, or add the session"),
            (places, "asset", "is not in `securities`. Add it there, or drop its rows"),
        ):
            if found.size and found.min() < 0:
                row = int(np.argmin(found))
                raise DataError(
                    f"{column} {frame[column][row]} {mend} ({int((found < 0).sum())} such rows).",
                    file=self.table,
                    column=column,
                )

    def _require_once(self, frame: pl.DataFrame, cells: Integers) -> None:
        if np.all(cells[1:] > cells[:-1]):
            return  # sorted by key, as the schema has it
        order = np.argsort(cells, kind="stable")
        again = order[1:][cells[order][1:] == cells[order][:-1]]
        if again.size:
            row = int(again[0])
            raise DataError(
                f"two rows for {frame['asset'][row]} on {frame[self._key][row]}. Keep one of them.",
                file=self.table,
                column=self._key,
            )


def _spans(first: np.datetime64, last: np.datetime64, unit: str) -> Iterator[tuple[str, str]]:
    """Cut the days from `first` to `last` into calendar years ("Y") or months ("M")."""
    periods = np.arange(first.astype(f"datetime64[{unit}]"), last.astype(f"datetime64[{unit}]") + 1)
    for period in periods:
        start = max(first, period.astype("datetime64[D]"))
        end = min(last, (period + 1).astype("datetime64[D]") - np.timedelta64(1, "D"))
        yield str(start), str(end)


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
