"""Factor values from a file: long rows date, asset, one column a factor -> panels on the market's axes.

What does not fit the store is named by row: a date that is no session, an asset that the store does not know,
a pair that stands twice, a time of day. Nothing is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superhet.errors import DataError
from superhet.panel import Assets, Dates, Panel
from superhet.pipeline.parquet_rows import read_rows

if TYPE_CHECKING:
    import polars as pl

KEYS = ("date", "asset")
_SHOWN = 3


def read_factor_file(path: Path, what: str = "--factor-file") -> pl.DataFrame:
    """Read a file of factor values and check its form.

    Returns
    -------
    columns date (day), asset, and one number column a factor, in the order of the file

    Raises
    ------
    InputError, DataError
        naming the file, the column and the rows
    """
    import polars as pl

    frame = read_rows(path, what, "long rows date, asset, factors")
    for key in KEYS:
        if key not in frame.columns:
            raise DataError(
                f"there is no column {key!r}; the file has {', '.join(frame.columns)}. "
                "A factor file has long rows: date, asset, and one column a factor.",
                file=str(path),
                column=key,
            )
    frame = frame.with_columns(_days(frame["date"], path), frame["asset"].cast(pl.String))
    factors = [n for n in frame.columns if n not in KEYS]
    if not factors:
        raise DataError("there is no factor beside date and asset.", file=str(path))
    for name in factors:
        if not (frame.schema[name].is_numeric() or frame.schema[name] == pl.Boolean):
            raise DataError(
                f"holds {frame.schema[name]}, not numbers. Leave it out, or write numbers.",
                file=str(path),
                column=name,
            )
    _no_pair_twice(frame, path)
    return frame.select(*KEYS, *(pl.col(n).cast(pl.Float64) for n in factors))


def _days(column: pl.Series, path: Path) -> pl.Series:
    import polars as pl

    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise DataError("the date is missing.", file=str(path), row=row, column="date")
    if column.dtype == pl.String:
        try:
            return column.str.to_date("%Y-%m-%d")
        except pl.exceptions.PolarsError:
            read = column.str.to_date("%Y-%m-%d", strict=False)
            row = int(read.is_null().arg_max() or 0)
            raise DataError(
                f"{column[row]!r} is no date like 2018-01-31.",
                file=str(path),
                row=row,
                column="date",
            ) from None
    if column.dtype == pl.Date:
        return column
    if column.dtype != pl.Datetime:
        raise DataError(
            f"holds {column.dtype}, not dates. Write days like 2018-01-31.",
            file=str(path),
            column="date",
        )
    intraday = (column != column.dt.truncate("1d")).to_numpy()
    if intraday.any():
        row = int(np.argmax(intraday))
        raise DataError(
            f"{column[row]} is a time of day: {int(intraday.sum()):,} rows are not daily, and a report "
            "needs one value a session, known at its close. Aggregate a day first: for formulas with a bar_ "
            "function (bar_mean, bar_last; --frequency names the bars), for a file before it is written.",
            file=str(path),
            row=row,
            column="date",
        )
    return column.cast(pl.Date)


def _no_pair_twice(frame: pl.DataFrame, path: Path) -> None:
    import polars as pl

    twice = frame.select(pl.struct(KEYS).is_duplicated().alias("twice"))["twice"].to_numpy()
    if not twice.any():
        return
    rows = np.flatnonzero(twice)
    first = frame.row(int(rows[0]), named=True)
    same = (frame["date"] == first["date"]) & (frame["asset"] == first["asset"])
    places = np.flatnonzero(same.to_numpy())
    raise DataError(
        f"{first['asset']} on {first['date']} stands {len(places)} times (rows "
        f"{', '.join(str(r) for r in places[:_SHOWN])}); {rows.size:,} rows are not one a day and asset. "
        "Keep one row each; bars of a day are to be aggregated first.",
        file=str(path),
    )


def factor_panels(
    frame: pl.DataFrame, dates: Dates, assets: Assets, path: Path
) -> Mapping[str, Panel]:
    """Lay the values of a file over a market's axes; rows outside its period are left out.

    Parameters
    ----------
    frame : as `read_factor_file` gives
    dates, assets : axes of the market

    Raises
    ------
    DataError
        for assets that are unknown and dates that are no session within the period, by row
    """
    import polars as pl

    first, last = dates.values[0].item(), dates.values[-1].item()
    frame = frame.with_row_index("row").filter(pl.col("date").is_between(first, last))
    if not frame.height:
        raise DataError(
            f"no row lies between {first} and {last}, the period of the store.", file=str(path)
        )
    position = {d: i for i, d in enumerate(dates.values.astype("datetime64[D]").tolist())}
    row = np.array([position.get(d, -1) for d in frame["date"].to_list()], dtype=np.int64)
    column = assets.positions(frame["asset"].to_list())
    _all_known(frame, column < 0, "asset", path, "the store does not know")
    _all_known(frame, row < 0, "date", path, "the calendar of the store has no session on")
    found = {}
    for name in frame.columns:
        if name in {*KEYS, "row"}:
            continue
        values = np.full((len(dates), len(assets)), np.nan)
        values[row, column] = frame[name].to_numpy()
        found[name] = Panel(values=values, dates=dates, assets=assets, name=name, unit="score")
    return found


def _all_known(
    frame: pl.DataFrame, unknown: np.ndarray[Any, Any], column: str, path: Path, what: str
) -> None:
    if not unknown.any():
        return
    at = np.flatnonzero(unknown)
    named = frame[column].gather(at).unique(maintain_order=True).to_list()
    rows = [str(frame["row"][int(i)]) for i in at[:_SHOWN]]
    raise DataError(
        f"{what} {', '.join(str(n) for n in named[:_SHOWN])}"
        f"{f' and {len(named) - _SHOWN} others' if len(named) > _SHOWN else ''}: {at.size:,} rows "
        f"(row {', '.join(rows)}{' …' if at.size > _SHOWN else ''}). Drop them, or import what is missing.",
        file=str(path),
        column=column,
    )
