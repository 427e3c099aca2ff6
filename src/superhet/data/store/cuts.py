"""How a table is cut into parts: the longer ago, the longer the part.

A table cut by year has one part for each year before the last one, one for each month of the last year
before its last month, and one for each day of its last month. A table cut by month has months, and the days
of the last one.

So a new day is a new small file, and nothing else is rewritten; when a month or a year is over, the first
write of the next one joins its parts. The cut follows from the dates in the table alone and not from how
they came, so that equal tables are equal files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from superhet.data.table import Period, Table

if TYPE_CHECKING:
    import polars as pl

ALL = "all"
_LENGTH = {"year": 4, "month": 7, "day": 10}


@dataclass(frozen=True)
class Cut:
    """How one state of a table is cut.

    Parameters
    ----------
    period : longest part
    last : last day of the table, as 2020-02-29; "" if it has no dates
    """

    period: Period
    last: str

    def part_of(self, day: str) -> str:
        """Name the part that a day belongs to.

        Examples
        --------
        >>> [Cut("year", "2020-02-28").part_of(d) for d in ("2019-12-31", "2020-01-31", "2020-02-03")]
        ['2019', '2020-01', '2020-02-03']
        """
        if not self.period:
            return ALL
        for length in (_LENGTH["year"], _LENGTH["month"]):
            if length >= _LENGTH[self.period] and day[:length] != self.last[:length]:
                return day[:length]
        return day

    def span_of(self, part: str) -> str:
        """Name the longest part that a part, or a day, would be joined into.

        Examples
        --------
        >>> Cut("year", "2020-02-28").span_of("2020-02-03")
        '2020'
        """
        return part[: _LENGTH[self.period]] if self.period else ALL

    def holds(self, part: str, first: str, last: str) -> bool:
        """Tell whether a part is cut as this says: the same for its first and its last day."""
        return not self.period or self.part_of(first) == part == self.part_of(last)


def cut_frame(spec: Table, frame: pl.DataFrame, cut: Cut) -> Iterator[tuple[str, pl.DataFrame]]:
    """Cut rows, sorted by date, into parts, in order; nothing is copied."""
    import polars as pl

    if frame.is_empty():
        return
    if not cut.period or spec.date is None:
        yield ALL, frame
        return
    runs = frame[spec.date].cast(pl.Date).rle().struct.unnest()
    days = runs["value"].dt.to_string("%Y-%m-%d").to_list()
    begun, end, name = 0, 0, cut.part_of(days[0])
    for day, length in zip(days, runs["len"].to_list(), strict=True):
        part = cut.part_of(day)
        if part != name:
            yield name, frame.slice(begun, end - begun)
            begun, name = end, part
        end += length
    yield name, frame.slice(begun, end - begun)


def last_day(spec: Table, frame: pl.DataFrame) -> str:
    """Give the last day of rows, as 2020-02-29; "" without rows or dates."""
    if spec.date is None or frame.is_empty():
        return ""
    return str(frame[spec.date].max())[:10]
