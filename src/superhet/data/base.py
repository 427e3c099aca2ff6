"""What a source of tables is: a store on disk, or frames in memory. The loader asks for nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from superhet.data.schema import table_spec
from superhet.data.table import Table
from superhet.errors import UnknownName
from superhet.registry import Registry

if TYPE_CHECKING:
    import polars as pl

    from superhet.panel.axes import DateLike

SOURCES: Registry[Any] = Registry("source")
"""Ways of filling a store from outside, by the name that `superhet data import --source` takes."""


@runtime_checkable
class Tables(Protocol):
    """Tables by name, all of one snapshot.

    Frames have the columns and types of `superhet.data.schema`, sorted by date and then by the rest of
    their key; null means not known.
    """

    @property
    def snapshot(self) -> str:
        """The name of the state of the data; equal contents have equal names."""
        ...

    def names(self) -> list[str]:
        """List the tables that are there, sorted."""
        ...

    def meta(self, table: str) -> Mapping[str, Any]:
        """Give what belongs to a table as a whole (statements: `basis`, `known_at`); {} if nothing."""
        ...

    def read(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        start: DateLike | None = None,
        end: DateLike | None = None,
    ) -> pl.DataFrame:
        """Read rows known from `start` to `end`, both days included."""
        ...


class MemoryTables:
    """Tables held in memory.

    Parameters
    ----------
    frames : table -> frame with the columns of the schema
    snapshot : the name of this state
    meta : table -> what belongs to it as a whole
    """

    def __init__(
        self,
        frames: Mapping[str, pl.DataFrame],
        snapshot: str = "memory",
        meta: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._frames = {table_spec(name).name: frame for name, frame in frames.items()}
        self._meta = {name: dict(values) for name, values in (meta or {}).items()}
        self._snapshot = snapshot

    @property
    def snapshot(self) -> str:
        """The name of this state."""
        return self._snapshot

    def names(self) -> list[str]:
        """List the tables, sorted."""
        return sorted(self._frames)

    def meta(self, table: str) -> Mapping[str, Any]:
        """Give what belongs to a table as a whole."""
        return self._meta.get(table, {})

    def read(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        start: DateLike | None = None,
        end: DateLike | None = None,
    ) -> pl.DataFrame:
        """Read rows known from `start` to `end`, both days included."""
        if table not in self._frames:
            raise UnknownName("table", table, self._frames)
        frame = cut(self._frames[table].lazy(), table_spec(table), start, end).collect()
        return frame.select(known_columns(frame.columns, table, columns))


def known_columns(
    existing: Sequence[str], table: str, columns: Sequence[str] | None
) -> Sequence[str]:
    """Check that the wished columns exist; all of them when none are wished."""
    for column in columns or ():
        if column not in existing:
            raise UnknownName(f"column of {table}", column, existing)
    return existing if columns is None else columns


def cut(
    frame: pl.LazyFrame, table: Table, start: DateLike | None, end: DateLike | None
) -> pl.LazyFrame:
    """Keep the rows whose range column lies from `start` to `end`, both days included."""
    import polars as pl

    if table.range_column is None:
        return frame
    column = pl.col(table.range_column)
    kind = pl.Datetime("ms") if table.columns[table.range_column].kind == "time" else pl.Date
    if start is not None:
        frame = frame.filter(column >= pl.lit(to_day(start)).cast(kind))
    if end is not None:
        frame = frame.filter(column < pl.lit(to_day(end) + timedelta(days=1)).cast(kind))
    return frame


def to_day(value: DateLike) -> date:
    """Turn anything that names a day into a `datetime.date`.

    Examples
    --------
    >>> to_day("2020-02-29")
    datetime.date(2020, 2, 29)
    """
    import numpy as np

    day = np.asarray(value, dtype="datetime64[D]").item()
    if not isinstance(day, date):
        raise ValueError(f"{value!r} is not a day")
    return day
