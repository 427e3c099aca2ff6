"""Closes at the price limit, where the bars give no limit prices: by the rule book of `data.limits`.

For counting only. The listing age is that of the bars, and what trades on the first day of the table counts
as seasoned; a study computes its limits with all that the store knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from superhet.data.limits import RULES, board_of
from superhet.data.quality.daily import Daily, before

if TYPE_CHECKING:
    import polars as pl

_FEN = 0.01


def with_limits(daily: Daily, status: pl.DataFrame | None) -> pl.DataFrame:
    """Give the bars with `limit_up` and `limit_down`; null where there is no limit.

    Bars that have either are given back as they are.

    Parameters
    ----------
    daily : the daily bars
    status : rows of the table `status`, if there are any; a column `is_st` of the bars comes before it
    """
    import polars as pl

    if {"limit_up", "limit_down"} & set(daily.bars.columns):
        return daily.bars
    boards = daily.lives.select(
        "asset",
        "first",
        _board=pl.Series([board_of(a) for a in daily.lives["asset"]], dtype=pl.String),
    )
    counts = daily.bars.group_by("asset", maintain_order=True).len()
    starts = counts.select("asset", _start=pl.col("len").cum_sum() - pl.col("len"))
    boards = boards.join(starts, on="asset", maintain_order="left")
    bars = daily.bars.select(
        "asset", "date", "close", "volume", "adjust_factor", _st=_special(daily, status)
    )
    bars = bars.join(boards, on="asset", maintain_order="left")
    seen = pl.int_range(pl.len()) - pl.col("_start")
    new = pl.col("first") > pl.lit(daily.lives["first"].min())
    close = before("close") * before("adjust_factor") / pl.col("adjust_factor")
    reference = (close / _FEN).round() * _FEN
    bars = bars.with_columns(_reference=reference, _percent=_percent(seen, new))
    share = pl.col("_percent") / 100

    def price(sign: int) -> pl.Expr:
        rounded = (pl.col("_reference") * (1 + sign * share) / _FEN + 0.5 + 1e-9).floor() * _FEN
        least = pl.col("_reference") + sign * _FEN
        further = (rounded > least) if sign > 0 else (rounded < least)
        return pl.when(further).then(rounded).when(rounded.is_not_null()).then(least)

    return bars.with_columns(limit_up=price(1), limit_down=price(-1))


def _percent(seen: pl.Expr, new: pl.Expr) -> pl.Expr:
    """Look up the limit in percent; null where the board has none or the listing is too young."""
    import polars as pl

    percent = pl.lit(None, pl.Int64)
    for rule in RULES:  # a later one of the same board takes its place
        holds = (pl.col("_board") == rule.board) & (
            pl.col("date") >= pl.lit(rule.since).str.to_date()
        )
        young = new & (pl.col("first") >= pl.lit(rule.since).str.to_date()) & (seen < rule.free)
        limit = pl.when(pl.col("_st")).then(rule.special).otherwise(rule.percent)
        percent = pl.when(holds & young).then(None).when(holds).then(limit).otherwise(percent)
    return percent


def _special(daily: Daily, status: pl.DataFrame | None) -> pl.Series:
    """Flag the bars of names under special treatment."""
    import polars as pl

    if "is_st" in daily.bars.columns:
        return daily.bars["is_st"].fill_null(False)
    if status is None or status.is_empty():
        return pl.repeat(False, daily.bars.height, eager=True)
    spells = status.select("asset", date="start_date", until=_until(status), is_st="is_st")
    rows = daily.bars.select("asset", "date")  # sorted within each asset, which is enough
    spells = spells.sort("asset", "date")
    joined = rows.join_asof(spells, on="date", by="asset", check_sortedness=False)
    flags = pl.col("is_st") & (pl.col("date") < pl.col("until"))
    return joined.select(flags.fill_null(False)).to_series()


def _until(status: pl.DataFrame) -> pl.Expr:
    import polars as pl

    never = pl.date(9999, 1, 1)
    return pl.col("end_date").fill_null(never) if "end_date" in status.columns else never
