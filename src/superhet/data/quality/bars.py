"""Daily bars: holes, repeats, jumps, splits and factors, units, share counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from superhet.data.checking import bad_ohlc
from superhet.data.quality.base import Finding, Limits, count_rules, examples, where
from superhet.data.quality.daily import Daily, before, numbered_sessions
from superhet.data.quality.months import month_number, month_text

if TYPE_CHECKING:
    import polars as pl

TABLE = "bars_1d"
LONG_GAP = 250  # sessions
_SPLITS = (1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0)
_REVERSE_SPLITS = (2.0, 3.0, 4.0, 5.0, 8.0, 10.0, 20.0, 50.0)
_SPLIT_CLOSE, _SPLIT_OPEN, _SPLIT_DAY = 0.03, 0.03, 0.05
"""How near to the ratio of a split close and open must be, and how far the price may move that day."""
_TENS = (1e-6, 1e-4, 1e-3, 1e-2, 1e2, 1e3, 1e4, 1e6)
_KEY = ["asset", "date"]
_FEW_HOLES, _FEW_NAMES = 0.02, 3.0
"""Share of missing bars, and names suspended all month, that are nothing odd."""
_ROUNDED = 1e-4  # amounts come rounded
_MONTHLY = (
    0.6  # share of asset-months with a slight change of shares from where on they are estimates
)


def check_bars(daily: Daily, limits: Limits) -> Iterator[Finding]:
    """Look through daily bars."""
    frame = _with_neighbours(daily)
    yield from _holes(frame, daily, limits)
    yield from _moves(frame, limits)
    yield from _amounts(frame)
    yield from _shares(frame, daily)


def power_of_ten(ratio: pl.Expr, tolerance: float = 0.3) -> pl.Expr:
    """Tell a ratio that is about 100, 1,000, 10,000 or a million, or one over these.

    The logarithm may be off by half the tolerance: 0.3 allows a factor of 1.41 either way.
    """
    return reduce(or_, ((ratio / t).log(10).abs() < tolerance / 2 for t in _TENS))


def _with_neighbours(daily: Daily) -> pl.DataFrame:
    """Add what a bar is in comparison with the one before it."""
    import polars as pl

    number = numbered_sessions(daily.sessions)
    frame = daily.bars.join(number, on="date", how="left", maintain_order="left")
    frame = frame.with_columns(_adjusted=pl.col("close") * pl.col("adjust_factor"))
    close = before("close")
    return frame.with_columns(
        _gap=pl.col("_session") - before("_session") - 1,
        _raw=pl.col("close") / close - 1,
        _opened=pl.col("open") / close - 1,
        _return=pl.col("_adjusted") / before("_adjusted") - 1,
        _change=pl.col("adjust_factor") / before("adjust_factor") - 1,
        _same=(pl.col("close") == close) & (pl.col("volume") == before("volume")),
    )


def _holes(frame: pl.DataFrame, daily: Daily, limits: Limits) -> Iterator[Finding]:
    import polars as pl

    holes = frame.select("asset", "date", "_gap").filter(pl.col("_gap") > 0)
    longest = holes.sort("_gap", "asset", descending=[True, False]).head(3)
    missing = int(holes["_gap"].sum())
    yield Finding(
        table=TABLE,
        rule="missing_sessions",
        count=missing,
        total=frame.height + missing,
        examples=tuple(
            f"{asset} {gap} sessions before {date}"
            for asset, date, gap in longest.select("asset", "date", "_gap").rows()
        ),
    )
    months = _missing_by_month(frame, daily)
    usual = months["share"].median()
    least = _FEW_HOLES + _FEW_NAMES / daily.lives.height
    bound = max(limits.holes * float(usual if isinstance(usual, float) else 0.0), least)
    yield where(
        months, TABLE, "months_with_holes", pl.col("share") > bound, ["month", "missing", "share"]
    )


def _missing_by_month(frame: pl.DataFrame, daily: Daily) -> pl.DataFrame:
    """Give month, bars missing inside assets' lives, and their share."""
    import polars as pl

    days = pl.DataFrame({"date": daily.sessions})
    begun = daily.lives.group_by(date="first").agg(plus=pl.len())
    ended = daily.lives.group_by(date="last").agg(minus=pl.len())
    there = frame.group_by("date").agg(bars=pl.len())
    for other in (begun, ended, there):
        days = days.join(other, on="date", how="left", maintain_order="left")
    days = days.with_columns(pl.col("plus", "minus", "bars").fill_null(0).cast(pl.Int64))
    gone = pl.col("minus").shift(1, fill_value=0)  # alive on its last day still
    days = days.with_columns(alive=(pl.col("plus") - gone).cum_sum())
    return (
        days.filter(pl.col("alive") > 0)
        .group_by(month=month_number(pl.col("date")))
        .agg(missing=(pl.col("alive") - pl.col("bars")).sum(), alive=pl.col("alive").sum())
        .with_columns(share=pl.col("missing") / pl.col("alive"))
        .sort("share", "month", descending=[True, False])
        .with_columns(month_text("month"))
    )


def _moves(frame: pl.DataFrame, limits: Limits) -> Iterator[Finding]:
    import polars as pl

    wider = pl.when(pl.col("asset").str.ends_with(".BJ")).then(1.5).otherwise(1.0)
    jump, soon = pl.col("_return").abs() > limits.jump * wider, pl.col("_gap") < LONG_GAP
    moved = pl.col("_change").abs() > limits.factor
    larger = pl.col("_return").abs() > pl.col("_raw").abs()
    again = ~soon & ((pl.col("_return") > 4) | (pl.col("_return") < -0.8))
    yield from count_rules(
        frame,
        TABLE,
        {
            "jumps": jump,
            "split_suspected": jump & ~moved & (pl.col("_gap") < 5) & _split(),
            "factor_discontinuities": moved & jump & larger & soon,
        },
        [*_KEY, "_return"],
        largest="_return",
    )
    yield from count_rules(frame, TABLE, {"reused_symbol": again}, [*_KEY, "_gap", "_return"])
    conditions = {
        "stale_bars": pl.col("_same") & (pl.col("volume") > 0),
        "zero_volume": pl.col("volume") == 0,
        "factor_falls": pl.col("_change") < -limits.factor,
        "close_missing": pl.col("close").is_null(),
        "bad_ohlc": bad_ohlc(frame.columns),
    }
    yield from count_rules(frame, TABLE, conditions, _KEY)


def _split() -> pl.Expr:
    """Tell a price that opens and closes at a usual split's ratio to the close before."""
    import polars as pl

    opened, closed = 1 + pl.col("_opened"), 1 + pl.col("_raw")
    ratios = [*(1 / s for s in _SPLITS), *_REVERSE_SPLITS]
    near = [
        ((closed / r - 1).abs() < _SPLIT_CLOSE) & ((opened / r - 1).abs() < _SPLIT_OPEN)
        for r in ratios
    ]
    quiet = ((closed / opened - 1).abs() < _SPLIT_DAY) & (pl.col("high") > pl.col("low"))
    return reduce(or_, near) & quiet


def _amounts(frame: pl.DataFrame) -> Iterator[Finding]:
    import polars as pl

    if "amount" not in frame.columns:
        return
    vwap, traded = pl.col("amount") / pl.col("volume"), pl.col("volume") > 0
    outside = (vwap < pl.col("low") * (1 - _ROUNDED)) | (vwap > pl.col("high") * (1 + _ROUNDED))
    conditions = {
        "vwap_outside_bar": traded & outside,
        "amount_missing": pl.col("amount").is_null(),
        "unit_slips": traded & power_of_ten(vwap / pl.col("close")),
    }
    yield from count_rules(frame, TABLE, conditions, _KEY, "amount")


def _shares(frame: pl.DataFrame, daily: Daily) -> Iterator[Finding]:
    import polars as pl

    for name in ("float_shares", "total_shares"):
        if name not in frame.columns:
            continue
        known = frame.select(*_KEY, name)
        known = known.filter(pl.col(name).is_not_null()) if known[name].null_count() else known
        known = known.with_columns(ratio=pl.col(name) / before(name))
        slipped = power_of_ten(pl.col("ratio"), tolerance=0.1)
        changed = known.filter(pl.col("ratio") != 1)
        found = where(changed, TABLE, "shares_slips", slipped, _KEY, name)
        yield replace(found, total=known.height)
        yield _estimated(changed, name, daily.months.height)
    if "float_shares" in frame.columns:
        above = pl.col("volume") > pl.col("float_shares") * 1.0001
        yield where(frame, TABLE, "volume_above_shares", above, _KEY, "float_shares")


def _estimated(changed: pl.DataFrame, name: str, months: int) -> Finding:
    """Count asset-months in which shares change by less than 2 %, if that is so in most of them."""
    import polars as pl

    slight = changed.filter((pl.col("ratio") - 1).abs() < 0.02)
    count = slight.select("asset", month_number(pl.col("date"))).n_unique()
    often = months >= 12 and count > _MONTHLY * months
    return Finding(
        table=TABLE,
        rule="shares_estimated",
        field=name,
        count=count if often else 0,
        total=months,
        examples=examples(slight.select(*_KEY, "ratio")) if often else (),
    )


__all__ = ["LONG_GAP", "TABLE", "check_bars", "power_of_ten"]
