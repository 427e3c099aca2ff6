"""Tables of a store as a Qlib provider folder.

1. calendars, the universe, one list an index                                -> write_lists
2. raw prices × factor, volume / factor, in float32                          -> stored_fields
3. what a float32 could not tell on reading again, beside it as raw_<field>  -> _beside
4. one bin a symbol and field                                                -> write_features

`open`, `high`, `low`, `close` and `vwap` are those of a Market in float32; `change` is the close over the
last known one, less 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from superhet.data.corporate_actions import action_factors
from superhet.data.pivot import days
from superhet.data.sources.beside import Known
from superhet.data.sources.qlib_bin_layout import (
    DAY,
    UNIVERSE,
    Floats32,
    to_folder,
    to_symbol,
    write_bin,
    write_lines,
)
from superhet.data.sources.qlib_bin_prices import raw_prices, raw_volumes
from superhet.data.sources.qlib_bin_rows import FLAGS, PRICES
from superhet.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables
    from superhet.progress import Progress

_ROLES = ("asset", "index")


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What bins are laid on.

    Parameters
    ----------
    folder : where the provider folder is made
    frequency : "day", "15min"
    moments : [moments], rising, of the type of the frame's dates
    progress : called with (symbols done, symbols in all, label)
    """

    folder: Path
    frequency: str
    moments: npt.NDArray[np.datetime64]
    progress: Progress


def check_symbols(assets: Sequence[str], indices: Sequence[str]) -> None:
    """See that each name can be a folder, and that no two would share one.

    Raises
    ------
    DataError
        with the names
    """
    seen: dict[str, str] = {}
    for name in [*assets, *indices]:
        folder = to_folder(to_symbol(name))
        if any(letter in name for letter in "/\\\t\n") or name.startswith("."):
            raise DataError(f"{name!r} cannot be the name of a folder, as a symbol of Qlib must be")
        if folder in seen:
            raise DataError(
                f"{seen[folder]!r} and {name!r} would share the folder {folder!r}; rename one"
            )
        seen[folder] = name


def write_lists(
    folder: Path, tables: Tables, sessions: npt.NDArray[np.datetime64], notes: list[str]
) -> None:
    """Write the universe and one list an index; an open end is the last session, or a later first day."""
    import polars as pl

    last = sessions[-1].item()
    bars = (
        tables.read("bars_1d", columns=["date", "asset"]) if "bars_1d" in tables.names() else None
    )
    first = pl.DataFrame(schema={"asset": pl.String, "_first": pl.Date})
    if bars is not None:
        first = bars.group_by("asset").agg(pl.col("date").min().alias("_first"))
    listed = first
    if "securities" in tables.names():
        listed = tables.read("securities").join(first, on="asset", how="full", coalesce=True)
    for column in ("list_date", "delist_date"):
        if column not in listed.columns:
            listed = listed.with_columns(pl.lit(None, pl.Date).alias(column))
    spans = listed.select(
        "asset",
        start=pl.coalesce("list_date", "_first", pl.lit(sessions[0].item())),
        end=pl.col("delist_date") - pl.duration(days=1),
    )
    _write_list(folder, UNIVERSE, spans, last)
    if "index_members" not in tables.names():
        return
    members = tables.read("index_members")
    never = members.filter(pl.col("end_date") <= pl.col("start_date")).height
    if never:
        notes.append(f"index_members: {never:,} memberships hold on no day, and are left out")
    members = members.with_columns(
        start=pl.col("start_date"),
        end=pl.col("end_date") - pl.duration(days=1),
    )
    for (index,), rows in members.group_by("index", maintain_order=True):
        stem = to_symbol(str(index)).lower()
        if stem == UNIVERSE or "/" in stem:
            raise DataError(
                f"an index cannot be called {index!r}, which names another list in Qlib"
            )
        _write_list(folder, stem, rows, last)


def index_names(tables: Tables) -> list[str]:
    """List the indices of a store, sorted."""
    found: set[str] = set()
    for table in ("index_bars", "index_members"):
        if table in tables.names():
            found |= set(tables.read(table, columns=["index"])["index"].unique())
    return sorted(found)


def known(tables: Tables) -> Known:
    """Give what only we know of the folder.

    Raises
    ------
    DataError
        if two columns differ in capitals only, which file names cannot show
    """
    fields: dict[str, str] = {}
    for table in ("daily", "statements"):
        columns = tables.read(table).columns if table in tables.names() else []
        if len({c.lower() for c in columns}) < len(columns):
            raise DataError(
                "two columns differ in capitals only; Qlib's names are in small letters", file=table
            )
        fields |= {c.lower(): c for c in columns if c != c.lower()}
    meta = {t: dict(tables.meta(t)) for t in ("statements",) if t in tables.names()}
    return Known(indices=[to_symbol(i) for i in index_names(tables)], fields=fields, meta=meta)


def with_factor(tables: Tables, frame: pl.DataFrame) -> pl.DataFrame:
    """Give daily bars their adjust factor, from the table that knows it; none, if no table does."""
    import polars as pl

    if "adjust_factor" in frame.columns:
        return frame
    if "adjust_factors" in tables.names():
        factors = tables.read("adjust_factors").select("asset", "date", "adjust_factor")
    elif "corporate_actions" in tables.names():
        factors = action_factors(tables, days(frame["date"]).max())
    else:
        return frame
    joined = frame.sort("date").join_asof(
        factors.sort("date"), on="date", by="asset", check_sortedness=False
    )
    return joined.with_columns(pl.col("adjust_factor").fill_null(1.0))


def stored_fields(frame: pl.DataFrame) -> dict[str, Floats32]:
    """Turn bars, sorted by name and date, into the fields of bins, each [rows] float32.

    Parameters
    ----------
    frame : raw bars; with `adjust_factor` prices and volumes are adjusted
    """
    import polars as pl

    name = next(r for r in _ROLES if r in frame.columns)
    carried = pl.col("adjust_factor") if "adjust_factor" in frame.columns else pl.lit(1.0)
    factor = carried.forward_fill().over(name).fill_null(1.0)
    columns = set(frame.columns)
    made: dict[str, pl.Expr] = {}
    for column in frame.columns:
        if column in PRICES:
            made[column] = pl.col(column) * factor
        elif column == "volume":
            made[column] = pl.col(column) / factor
        elif column == "adjust_factor":
            made["factor"] = factor
        elif column in FLAGS:
            made[column] = pl.col(column).cast(pl.Float64)
        elif frame.schema[column].is_numeric():
            made[column] = pl.col(column)
    if "close" in columns:
        level = pl.col("close") * factor
        made["change"] = level / level.forward_fill().shift(1).over(name) - 1.0
    if {"amount", "volume", "high", "low", "close"} <= columns:
        volume, typical = pl.col("volume"), pl.sum_horizontal("high", "low", "close") / 3.0
        mean = pl.when(volume > 0).then(pl.col("amount") / volume)
        made["vwap"] = pl.coalesce(mean, typical).clip(pl.col("low"), pl.col("high")) * factor
    values = frame.select(**made)
    return {c: values[c].fill_null(np.nan).to_numpy().astype(np.float32) for c in values.columns}


def write_features(
    grid: Grid, frame: pl.DataFrame, fields: Sequence[str] | None, *, bars: bool
) -> int:
    """Write one bin a symbol and field; give their number.

    Parameters
    ----------
    frame : rows of one table, all dates in `grid.moments`
    fields : those wished; None = all
    bars : whether they are bars; other numbers are written as they are
    """
    name = next(r for r in _ROLES if r in frame.columns)
    time = "date" if grid.frequency == DAY else "time"
    frame = frame.sort(name, time)
    values = stored_fields(frame.drop(time)) if bars else _as_they_are(frame)
    written = {c: v for c, v in values.items() if fields is None or c in fields}
    true = _as_they_are(frame.select(c for c in (*PRICES, "volume") if c in frame.columns))
    stamps = frame[time].to_numpy().astype(grid.moments.dtype)
    place = np.searchsorted(grid.moments, stamps)
    count = 0
    groups = list(_groups(frame[name]))
    for done, (asset, rows) in enumerate(groups):
        grid.progress(done, len(groups), f"{grid.frequency} bins")
        folder = grid.folder / "features" / to_folder(to_symbol(asset))
        folder.mkdir(parents=True, exist_ok=True)
        here = {c: v[rows] for c, v in written.items()}
        if bars:
            stored = {c: v[rows] for c, v in values.items()}
            here |= _beside({c: v[rows] for c, v in true.items()}, stored, written)
        at = place[rows] - place[rows.start]
        for column, cells in here.items():
            row = np.full(at[-1] + 1, np.nan, dtype=np.float32)
            row[at] = cells
            write_bin(
                folder / f"{column.lower()}.{grid.frequency}.bin", int(place[rows.start]), row
            )
            count += 1
    return count


def _as_they_are(frame: pl.DataFrame) -> dict[str, Floats32]:
    numbers = [c for c, t in frame.schema.items() if t.is_numeric()]
    return {c: frame[c].fill_null(np.nan).to_numpy().astype(np.float32) for c in numbers}


def _beside(
    true: Mapping[str, Floats32], stored: Mapping[str, Floats32], written: Mapping[str, Floats32]
) -> dict[str, Floats32]:
    """Give the raw values, in float32, of fields whose raw values could not be told from the stored ones."""
    prices = [c for c in PRICES if c in written]
    factor = stored.get("factor")
    if factor is None or not prices:
        return {}
    back, settled = raw_prices(np.column_stack([stored[c] for c in prices]), factor)
    found = {c: back[:, i] for i, c in enumerate(prices)}
    if "volume" in written:
        found["volume"] = raw_volumes(stored["volume"], settled)
    out = {}
    for column, values in found.items():
        if not np.array_equal(values.astype(np.float32), true[column], equal_nan=True):
            out[f"raw_{column}"] = true[column]
    return out


def _groups(names: pl.Series) -> Iterator[tuple[str, slice]]:
    """Give each name and its stretch of sorted rows."""
    lengths = names.rle()
    start = 0
    for piece in lengths.struct.unnest().iter_rows(named=True):
        yield piece["value"], slice(start, start + piece["len"])
        start += piece["len"]


def _write_list(folder: Path, stem: str, spans: pl.DataFrame, last: date) -> None:
    import polars as pl

    open_end = pl.max_horizontal(pl.col("start"), pl.lit(last))
    spans = spans.with_columns(end=pl.coalesce("end", open_end)).filter(
        pl.col("start") <= pl.col("end")
    )
    rows = spans.sort("asset", "start").select("asset", "start", "end").iter_rows()
    lines = (f"{to_symbol(asset)}\t{start}\t{end}" for asset, start, end in rows)
    write_lines(folder / "instruments" / f"{stem}.txt", lines)
