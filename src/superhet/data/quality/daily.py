"""Daily bars made ready for the check: sorted by asset and date, and what several checks ask of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from superhet.data.quality.months import month_number

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables


@dataclass(frozen=True, eq=False, kw_only=True)
class Daily:
    """The daily bars of a store.

    Parameters
    ----------
    bars : rows of `bars_1d`, sorted by asset and date, with an `adjust_factor`
    lives : asset, its first and its last date with a bar
    months : asset, month (its number): the months in which an asset has a bar
    sessions : the calendar; without a table of it the days that have bars
    """

    bars: pl.DataFrame
    lives: pl.DataFrame
    months: pl.DataFrame
    sessions: pl.Series


def read_daily(tables: Tables) -> Daily | None:
    """Read them; None if there are none."""
    import polars as pl

    if "bars_1d" not in tables.names():
        return None
    bars = tables.read("bars_1d")
    if bars.is_empty():
        return None
    bars = _by_asset(bars)
    if "adjust_factor" not in bars.columns:
        bars = _with_factors(bars, tables)
    lives = bars.group_by("asset", maintain_order=True).agg(
        first=pl.col("date").min(), last=pl.col("date").max()
    )
    calendar = tables.read("calendar") if "calendar" in tables.names() else bars
    sessions = calendar["date"].unique().sort()
    return Daily(bars=bars, lives=lives, months=_asset_months(bars), sessions=sessions)


def before(column: str) -> pl.Expr:
    """Give the value of the row before of the same asset; rows are sorted by asset."""
    import polars as pl

    same = pl.col("asset") == pl.col("asset").shift(1)
    return pl.when(same).then(pl.col(column).shift(1))


def rising(order: Sequence[str]) -> pl.Expr:
    """Tell whether a row comes after the row above it, so that no key can be there twice."""
    import polars as pl

    result = pl.lit(False)
    for name in reversed(order):
        here, above = pl.col(name), pl.col(name).shift(1)
        result = (here > above) | ((here == above) & result)
    return result.fill_null(True)


def numbered_sessions(sessions: pl.Series) -> pl.DataFrame:
    """Give date and _session, its number from 0."""
    import polars as pl

    days = pl.DataFrame({"date": sessions}).with_row_index("_session")
    return days.with_columns(pl.col("_session").cast(pl.Int64))


def _by_asset(bars: pl.DataFrame) -> pl.DataFrame:
    """Sort by asset and date; names become numbers, which sort faster, and in a store dates are sorted."""
    import polars as pl

    names = pl.Enum(bars["asset"].unique().sort())
    order = ["_number"] if bars["date"].is_sorted() else ["_number", "date"]
    bars = bars.with_columns(pl.col("asset").cast(names).to_physical().alias("_number"))
    return bars.sort(order, maintain_order=True).drop("_number")


def _with_factors(bars: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    import polars as pl

    if "adjust_factors" not in tables.names():
        return bars.with_columns(adjust_factor=pl.lit(1.0))
    factors = tables.read("adjust_factors").sort("date")
    joined = bars.sort("date").join_asof(factors, on="date", by="asset", check_sortedness=False)
    return _by_asset(joined.with_columns(pl.col("adjust_factor").fill_null(1.0)))


def _asset_months(bars: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    months = bars.select("asset", month=month_number(pl.col("date")))
    return months.filter(pl.any_horizontal(pl.all() != pl.all().shift(1)).fill_null(True))
