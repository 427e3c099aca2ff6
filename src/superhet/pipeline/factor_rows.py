"""Rows: a table of factors on disk, long and by date, written piece by piece; whole or not there.

`date, asset, <factors>`: one row for each session on which an asset is listed, sorted by date, then asset; a
value that is not known is null.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError, DiskFull
from superhet.panel import Market
from superhet.pipeline.artifacts import write_atomic

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Array: TypeAlias = npt.NDArray[Any]
_ROWS = 1 << 18  # of a row group: what readers take at a time, and what is copied at a time


class Rows(Protocol):
    """Takes rows of all columns, in the order of sessions."""

    def put(self, first: int, values: Mapping[str, Array]) -> None:
        """Take some sessions from row `first` on, column -> [sessions, assets]."""


class NoRows:
    """Keeps nothing."""

    def put(self, first: int, values: Mapping[str, Array]) -> None:
        """Forget the rows."""


def written(
    path: Path | None,
    market: Market,
    listed: Array,
    facts: Mapping[str, Any],
    fill: Callable[[Rows], None],
) -> None:
    """Let `fill` write a Parquet file, which appears at `path` when it is done; None writes nothing.

    Parameters
    ----------
    path : of the file
    market, listed : axes, and where there is a row, [sessions, assets]
    facts : kept in the file's metadata under "superhet", as JSON
    fill : puts the rows

    Raises
    ------
    ConfigError
        if `path` is a folder
    DiskFull
        if there is no room; a file that was there before is untouched
    """
    if path is None:
        fill(NoRows())
        return
    if path.is_dir():
        raise ConfigError("--out", f"{path} is a folder; name a file in it")
    try:
        write_atomic(path, lambda aside: _to_parquet(aside, market, listed, facts, fill))
    except DiskFull:
        raise DiskFull(
            path.parent, f"no room left to write {path.name}; nothing was written. Make room there"
        ) from None


def _to_parquet(
    path: Path,
    market: Market,
    listed: Array,
    facts: Mapping[str, Any],
    fill: Callable[[Rows], None],
) -> None:
    with path.open("wb") as file:  # opened by Python, so that its errors name the file
        rows = _ParquetRows(file, market, listed, facts)
        try:
            fill(rows)
        finally:
            rows.close()  # a writer that is left open writes when it is collected


class _ParquetRows:
    """Rows of a Parquet file."""

    def __init__(self, file: Any, market: Market, listed: Array, facts: Mapping[str, Any]) -> None:
        import polars as pl

        self._file, self._listed = file, listed
        self._days = market.dates.values
        self._names = pl.Series(list(market.assets.values), dtype=pl.String)
        self._facts = json.dumps(facts, ensure_ascii=False)
        self._writer: Any = None

    def put(self, first: int, values: Mapping[str, Array]) -> None:
        """Write some sessions, a row group at a time."""
        count = len(next(iter(values.values())))
        step = max(1, _ROWS // max(self._listed.shape[1], 1))
        for begin in range(0, count, step):
            end = min(begin + step, count)
            part = {n: v[begin:end] for n, v in values.items()}
            self._group(first + begin, first + end, part)

    def close(self) -> None:
        """Write the end of the file."""
        if self._writer is not None:
            self._writer.close()

    def _group(self, first: int, last: int, values: Mapping[str, Array]) -> None:
        import polars as pl
        import pyarrow.parquet as pq

        row, column = np.nonzero(self._listed[first:last])
        cells = row * self._listed.shape[1] + column
        columns = {
            "date": self._days[first + row],
            "asset": self._names.gather(column),
            **{n: v.ravel()[cells] for n, v in values.items()},
        }
        table = _to_arrow(pl.DataFrame(columns, nan_to_null=True))
        if self._writer is None:
            schema = table.schema.with_metadata({"superhet": self._facts})
            self._writer = pq.ParquetWriter(
                self._file, schema, compression="zstd", use_dictionary=["date", "asset"]
            )
        self._writer.write_table(table, row_group_size=max(len(cells), 1))


def _to_arrow(frame: pl.DataFrame) -> pa.Table:
    """Hand rows to pyarrow, text with offsets of 32 bits.

    pyarrow's own `array` and `cast` load pandas and a thousand functions, which takes half a second.
    """
    import polars as pl
    import pyarrow as pa

    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    (text,) = table["asset"].chunks
    _, offsets, letters = text.buffers()
    short = np.frombuffer(offsets, dtype=np.int64).astype(np.int32)
    names = pa.Array.from_buffers(pa.string(), len(text), [None, pa.py_buffer(short), letters])
    return table.set_column(1, "asset", names)
