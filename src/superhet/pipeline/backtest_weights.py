"""A file of target weights: long rows date, asset, weight, or a wide table -> a panel on a market's axes.

1. the file is read, and its form checked                               -> read_weights
2. strategies of one book are laid over each other                      -> backtest.netted
3. its assets and dates are found among those of the market             -> weights_panel

A date that stands in the file is a decision: an asset without a row on it has weight 0. A weight that is NaN
counts as 0 and is counted; a date on which every weight is NaN is no decision. Nothing is dropped without
a word.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superhet.backtest import netted
from superhet.errors import ConfigError, DataError
from superhet.panel import Assets, Dates, Panel
from superhet.pipeline.parquet_rows import read_rows

if TYPE_CHECKING:
    import polars as pl

KEYS = ("date", "asset", "weight")
STRATEGY = "strategy"
_SHOWN = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class TargetWeights:
    """What a file of weights says.

    Parameters
    ----------
    frame : columns date (day), asset, weight, and `strategy` where the book has several
    path : of the file
    notes : what was counted on the way, in words
    """

    frame: pl.DataFrame
    path: Path
    notes: tuple[str, ...] = ()

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names of the strategies; empty for a book of one."""
        if STRATEGY not in self.frame.columns:
            return ()
        return tuple(sorted(self.frame[STRATEGY].unique().to_list()))

    def of(self, strategy: str) -> TargetWeights:
        """Give the rows of one strategy, as a book of its own."""
        import polars as pl

        rows = self.frame.filter(pl.col(STRATEGY) == strategy).drop(STRATEGY)
        return TargetWeights(frame=rows, path=self.path)


def read_weights(path: Path, what: str = "--weights") -> TargetWeights:
    """Read a Parquet file of target weights and check its form.

    Parameters
    ----------
    path : long rows `date, asset, weight` (and `strategy`), or wide: `date` and one column an asset
    what : the option that named it, for messages

    Raises
    ------
    InputError, DataError
        naming the file, the column and the row
    """
    import polars as pl

    frame = read_rows(path, what, "long rows date, asset, weight")
    frame = _long(frame, path)
    if not frame.height:
        raise DataError("there is no row.", file=str(path))
    keys = [STRATEGY, *KEYS] if STRATEGY in frame.columns else list(KEYS)
    unread = [n for n in frame.columns if n not in keys]
    frame = frame.select(keys).with_columns(_days(frame["date"], path))
    for name in keys[:-1]:
        _no_hole(frame[name], name, path)
    frame = frame.with_columns(pl.col("asset").cast(pl.String), pl.col("weight").cast(pl.Float64))
    if STRATEGY in keys:
        frame = frame.with_columns(pl.col(STRATEGY).cast(pl.String))
    _no_pair_twice(frame, keys[:-1], path)
    found = _without_nan(frame, path)
    if unread:
        found = replace(found, notes=(f"columns not read: {', '.join(unread)}", *found.notes))
    return found


def _long(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Give long rows, of a wide table too: `date` and one number column an asset."""
    missing = [n for n in KEYS if n not in frame.columns]
    if not missing:
        if not frame.schema["weight"].is_numeric():
            raise DataError(
                f"holds {frame.schema['weight']}, not numbers.", file=str(path), column="weight"
            )
        return frame
    others = [n for n in frame.columns if n != "date"]
    wide = missing == ["asset", "weight"] and others and STRATEGY not in others
    if wide and all(frame.schema[n].is_numeric() for n in others):
        return frame.unpivot(index="date", variable_name="asset", value_name="weight")
    raise DataError(
        f"there is no column {missing[0]!r}; the file has {', '.join(frame.columns)}. Write long rows "
        "date, asset, weight (and strategy, for a book of several), or a wide table: date and one column of "
        "numbers an asset.",
        file=str(path),
        column=missing[0],
    )


def _days(column: pl.Series, path: Path) -> pl.Series:
    import polars as pl

    if column.dtype == pl.Date:
        return column
    if column.dtype == pl.String:
        read = column.str.to_date("%Y-%m-%d", strict=False)
        wrong = read.is_null() & column.is_not_null()
        if wrong.any():
            row = int(wrong.arg_max() or 0)
            raise DataError(
                f"{column[row]!r} is no date like 2018-01-31.",
                file=str(path),
                row=row,
                column="date",
            )
        return read
    if not isinstance(column.dtype, pl.Datetime):
        raise DataError(
            f"holds {column.dtype}, not dates. Write days like 2018-01-31.",
            file=str(path),
            column="date",
        )
    timed = (column != column.dt.truncate("1d")).fill_null(False)
    if timed.any():
        row = int(timed.arg_max() or 0)
        raise DataError(
            f"{column[row]} is a time of day; a decision is made at the close of a session. Write the day.",
            file=str(path),
            row=row,
            column="date",
        )
    return column.cast(pl.Date)


def _no_hole(column: pl.Series, name: str, path: Path) -> None:
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise DataError(f"the {name} is missing.", file=str(path), row=row, column=name)


def _no_pair_twice(frame: pl.DataFrame, keys: Sequence[str], path: Path) -> None:
    import polars as pl

    twice = frame.select(pl.struct(keys).is_duplicated().alias("twice"))["twice"].to_numpy()
    if not twice.any():
        return
    rows = np.flatnonzero(twice)
    first = frame.row(int(rows[0]), named=True)
    of = f" of strategy {first[STRATEGY]!r}" if STRATEGY in keys else ""
    hint = "" if of else f" A book of several strategies needs a column {STRATEGY!r}."
    raise DataError(
        f"{first['asset']} on {first['date']}{of} stands more than once; {rows.size:,} rows are not one a "
        f"date and asset. Keep one row each.{hint}",
        file=str(path),
        row=int(rows[0]),
    )


def _without_nan(frame: pl.DataFrame, path: Path) -> TargetWeights:
    """Refuse infinite weights; take NaN as 0, and leave out dates that have nothing else."""
    import polars as pl

    infinite = frame["weight"].is_infinite().fill_null(False)
    if infinite.any():
        row = int(infinite.arg_max() or 0)
        one = frame.row(row, named=True)
        raise DataError(
            f"the weight of {one['asset']} on {one['date']} is infinite.",
            file=str(path),
            row=row,
            column="weight",
        )
    unknown = frame["weight"].is_nan() | frame["weight"].is_null()
    unknown = unknown.fill_null(True)
    if not unknown.any():
        return TargetWeights(frame=frame, path=path)
    over = ["date", STRATEGY] if STRATEGY in frame.columns else ["date"]
    marked = frame.with_columns(unknown.alias("unknown"))
    empty = marked.filter(pl.col("unknown").all().over(over))["date"].unique().sort()
    kept = marked.filter(~pl.col("unknown").all().over(over))
    first = frame.row(int(unknown.arg_max() or 0), named=True)
    notes = [
        f"{int(unknown.sum()):,} weights are NaN (first: {first['asset']} on {first['date']}) and count as 0"
    ]
    if empty.len():
        notes.append(
            f"{empty.len():,} dates have NaN weights alone (first: {empty[0]}): they are no decisions, and "
            "what is held stays"
        )
    if not kept.height:
        raise DataError("every weight is NaN.", file=str(path), column="weight")
    filled = kept.with_columns(
        weight=pl.when("unknown").then(0.0).otherwise(pl.col("weight"))
    ).drop("unknown")
    return TargetWeights(frame=filled, path=path, notes=tuple(notes))


def weights_panel(
    read: TargetWeights, market_dates: Dates, assets: Assets, known: Assets | None = None
) -> Panel:
    """Lay weights over decision dates and a market's assets; strategies are netted.

    Parameters
    ----------
    read : the file's rows; those outside the market's dates must have been cut before
    market_dates : sessions of the market
    assets : assets of the panel; all of the file's must be among them
    known : assets that a message may suggest; None = `assets`

    Returns
    -------
    [decision dates, assets], NaN nowhere

    Raises
    ------
    DataError
        for assets that are unknown, with near misses, and for dates that are no session, with the nearest
    """
    require_assets(read, known or assets)
    days = np.unique(read.frame["date"].to_numpy().astype("datetime64[D]"))
    _require_sessions(days, market_dates, read.path)
    if not read.strategies:
        return _panel(read.frame, assets, "weights")
    targets = {name: _panel(read.of(name).frame, assets, name) for name in read.strategies}
    return replace(netted(targets, dict.fromkeys(targets, 1.0)), name="weights")


def _panel(frame: pl.DataFrame, assets: Assets, name: str) -> Panel:
    """Lay rows over their own dates and the assets; an asset without a row has 0."""
    dates = Dates(np.unique(frame["date"].to_numpy().astype("datetime64[D]")))
    values = np.zeros((len(dates), len(assets)))
    row = np.searchsorted(dates.values, frame["date"].to_numpy().astype("datetime64[D]"))
    values[row, asset_columns(frame["asset"], assets)] = frame["weight"].to_numpy()
    return Panel(values=values, dates=dates, assets=assets, name=name, unit="weight")


def asset_columns(names: pl.Series, assets: Assets) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Find the positions of the assets of many rows; -1 where a name is not on the axis."""
    import polars as pl

    each = names.unique()
    known = pl.DataFrame({"name": each, "at": assets.positions(each.to_list())})
    rows = names.rename("name").to_frame().join(known, on="name", how="left", maintain_order="left")
    return rows["at"].to_numpy()


def require_assets(read: TargetWeights, known: Assets) -> None:
    """Insist that a market knows every asset of a file, and name near misses of those that it does not."""
    names = read.frame["asset"].unique().sort().to_list()
    unknown = [n for n in names if n not in known]
    if not unknown:
        return
    said = []
    for name in unknown[:_SHOWN]:
        like = [k for k in known.values if k.split(".")[0] == name.split(".")[0]][:1]
        like = like or difflib.get_close_matches(name, known.values, n=1, cutoff=0.7)
        said.append(f"{name} (did you mean {like[0]}?)" if like else name)
    more = f" and {len(unknown) - _SHOWN} others" if len(unknown) > _SHOWN else ""
    count = "an asset" if len(unknown) == 1 else f"{len(unknown)} assets"
    raise DataError(
        f"has {count} that the store does not know: {', '.join(said)}{more}. Drop them, or import "
        "their bars.",
        file=str(read.path),
        column="asset",
    )


def _require_sessions(days: np.ndarray[Any, Any], sessions: Dates, path: Path) -> None:
    there = sessions.days
    at = np.searchsorted(there, days)
    found = at < len(sessions)
    found[found] = there[at[found]] == days[found]
    if found.all():
        return
    wrong = np.flatnonzero(~found)
    said = []
    for k in wrong[:_SHOWN]:
        near = [str(d) for d in there[max(int(at[k]) - 1, 0) : int(at[k]) + 1]]
        said.append(f"{days[k]} (nearest: {' and '.join(near)})")
    more = f" and {wrong.size - _SHOWN} others" if wrong.size > _SHOWN else ""
    count = (
        "a date that is no session"
        if wrong.size == 1
        else f"{wrong.size} dates that are no sessions"
    )
    raise DataError(
        f"has {count} of the store ({sessions.describe()}): {', '.join(said)}{more}. A decision is made at "
        "the close of a session: move it to the session before, or cut the file with --start and --end.",
        file=str(path),
        column="date",
    )


def between(read: TargetWeights, start: str | None, end: str | None) -> TargetWeights:
    """Keep the decisions from `start` to `end`.

    Raises
    ------
    ConfigError
        if none is left
    """
    import polars as pl

    frame = read.frame
    if start is not None:
        frame = frame.filter(pl.col("date") >= pl.lit(start).str.to_date())
    if end is not None:
        frame = frame.filter(pl.col("date") <= pl.lit(end).str.to_date())
    if not frame.height:
        dates: pl.Series = read.frame["date"]
        raise ConfigError(
            "--start" if start is not None else "--end",
            f"{read.path} decides from {dates.min()!s} to {dates.max()!s}; nothing is left between "
            f"{start or 'the beginning'} and {end or 'the end'}.",
        )
    return TargetWeights(frame=frame, path=read.path, notes=read.notes)
