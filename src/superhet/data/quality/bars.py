"""Daily bars: holes, repeats, jumps, factors, units, and who is missing from the sample."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from superhet.data.checking import bad_ohlc
from superhet.data.quality.base import Finding, Limits, where

if TYPE_CHECKING:
    import polars as pl

TABLE = "bars_1d"
_SPLITS = (1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0)
_REVERSE_SPLITS = (2.0, 3.0, 4.0, 5.0, 8.0, 10.0, 20.0, 50.0)
_TENS = (1e-6, 1e-4, 1e-3, 1e-2, 1e2, 1e3, 1e4, 1e6)
_KEY = ["asset", "date"]
_LONG_GAP = 250  # sessions


def check_bars(bars: pl.DataFrame, sessions: pl.Series, limits: Limits) -> Iterator[Finding]:
    """Look through daily bars.

    Parameters
    ----------
    bars : rows of `bars_1d`, sorted by asset and date, with an `adjust_factor`
    sessions : the calendar
    """
    frame = _with_neighbours(bars, sessions)
    yield from _holes(frame, sessions, limits)
    yield from _moves(frame, limits)
    yield from _amounts(frame)
    yield from _shares(frame)
    yield _forward_adjusted(bars)
    yield from _sample(bars, sessions)


def power_of_ten(ratio: pl.Expr, tolerance: float = 0.3) -> pl.Expr:
    """Tell a ratio that is about 100, 1,000, 10,000 or a million, or one over these."""
    return reduce(or_, ((ratio / t).log(10).abs() < tolerance / 2 for t in _TENS))


def _with_neighbours(bars: pl.DataFrame, sessions: pl.Series) -> pl.DataFrame:
    import polars as pl

    number = pl.DataFrame({"date": sessions}).with_row_index("_session")
    number = number.with_columns(pl.col("_session").cast(pl.Int64))
    frame = bars.join(number, on="date", how="left", maintain_order="left")
    frame = frame.with_columns(_adjusted=pl.col("close") * pl.col("adjust_factor"))
    names = ("close", "adjust_factor", "_adjusted", "volume", "_session")
    before = {c: pl.col(c).shift(1).over("asset") for c in names}
    return frame.with_columns(
        _gap=pl.col("_session") - before["_session"] - 1,
        _raw=pl.col("close") / before["close"] - 1,
        _return=pl.col("_adjusted") / before["_adjusted"] - 1,
        _change=pl.col("adjust_factor") / before["adjust_factor"] - 1,
        _same=(pl.col("close") == before["close"]) & (pl.col("volume") == before["volume"]),
    )


def _holes(frame: pl.DataFrame, sessions: pl.Series, limits: Limits) -> Iterator[Finding]:
    import polars as pl

    holes = frame.filter(pl.col("_gap") > 0)
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
    months = _missing_by_month(frame, sessions)
    usual = months["share"].median()
    bound = max(limits.holes * float(usual if isinstance(usual, float) else 0.0), 0.02)
    yield where(
        months, TABLE, "months_with_holes", pl.col("share") > bound, ["month", "missing", "share"]
    )
    again = (pl.col("_gap") >= _LONG_GAP) & ((pl.col("_return") > 4) | (pl.col("_return") < -0.8))
    yield where(frame, TABLE, "reused_symbol", again, ["asset", "date", "_gap", "_return"])


def _missing_by_month(frame: pl.DataFrame, sessions: pl.Series) -> pl.DataFrame:
    """Give month, bars missing inside assets' lives, and their share."""
    import polars as pl

    lives = frame.group_by("asset").agg(
        first=pl.col("_session").min(), last=pl.col("_session").max()
    )
    days = pl.DataFrame({"date": sessions}).with_row_index("_session")
    days = days.with_columns(pl.col("_session").cast(pl.Int64))
    begun = lives.group_by(_session="first").agg(plus=pl.len())
    ended = lives.group_by(_session=pl.col("last") + 1).agg(minus=pl.len())
    there = frame.group_by("_session").agg(bars=pl.len())
    alive = days
    for other in (begun, ended, there):
        alive = alive.join(other, on="_session", how="left", maintain_order="left")
    alive = alive.with_columns(pl.col("plus", "minus", "bars").fill_null(0).cast(pl.Int64))
    alive = alive.with_columns(alive=(pl.col("plus") - pl.col("minus")).cum_sum())
    return (
        alive.filter(pl.col("alive") > 0)
        .group_by(month=pl.col("date").dt.strftime("%Y-%m"))
        .agg(missing=(pl.col("alive") - pl.col("bars")).sum(), alive=pl.col("alive").sum())
        .with_columns(share=pl.col("missing") / pl.col("alive"))
        .sort("share", "month", descending=[True, False])
    )


def _moves(frame: pl.DataFrame, limits: Limits) -> Iterator[Finding]:
    import polars as pl

    jump = pl.col("_return").abs() > limits.jump
    moved = pl.col("_change").abs() > limits.factor
    ratio = 1 / (1 + pl.col("_raw"))
    split = reduce(
        or_,
        [
            *((ratio / s - 1).abs() < 0.02 for s in _SPLITS),
            *((ratio * s - 1).abs() < 0.02 for s in _REVERSE_SPLITS),
        ],
    )
    conditions = {
        "stale_bars": pl.col("_same") & (pl.col("volume") > 0),
        "zero_volume": pl.col("volume") == 0,
        "jumps": jump & (pl.col("_gap") < _LONG_GAP),
        "split_suspected": jump & ~moved & split & (pl.col("_gap") < 5),
        "factor_discontinuities": moved & jump & (pl.col("_return").abs() > pl.col("_raw").abs()),
        "factor_falls": pl.col("_change") < -limits.factor,
        "close_missing": pl.col("close").is_null(),
        "bad_ohlc": bad_ohlc(frame.columns),
    }
    for rule, wrong in conditions.items():
        labels = [*_KEY, "_return"] if rule in ("jumps", "split_suspected") else _KEY
        yield where(frame, TABLE, rule, wrong, labels)


def _amounts(frame: pl.DataFrame) -> Iterator[Finding]:
    import polars as pl

    if "amount" not in frame.columns:
        return
    vwap, traded = pl.col("amount") / pl.col("volume"), pl.col("volume") > 0
    outside = (vwap < pl.col("low") * 0.998) | (vwap > pl.col("high") * 1.002)
    yield where(frame, TABLE, "vwap_outside_bar", traded & outside, _KEY, "amount")
    yield where(frame, TABLE, "amount_missing", pl.col("amount").is_null(), _KEY, "amount")
    slipped = traded & power_of_ten(vwap / pl.col("close"))
    yield where(frame, TABLE, "unit_slips", slipped, _KEY, "amount")


def _shares(frame: pl.DataFrame) -> Iterator[Finding]:
    import polars as pl

    for name in ("float_shares", "total_shares"):
        if name not in frame.columns:
            continue
        ratio = pl.col(name) / pl.col(name).forward_fill().shift(1).over("asset")
        slipped = power_of_ten(ratio, tolerance=0.1)
        yield where(frame, TABLE, "shares_slips", slipped, _KEY, name)
    if "float_shares" in frame.columns:
        above = pl.col("volume") > pl.col("float_shares") * 1.0001
        yield where(frame, TABLE, "volume_above_shares", above, _KEY, "float_shares")


def _forward_adjusted(bars: pl.DataFrame) -> Finding:
    """Count assets whose factors end at 1 and rise to it, or whose early prices are no quotes."""
    import polars as pl

    cents = pl.col("close") * 100
    odd = ((cents - cents.round()).abs() > 0.02 + 1e-4 * pl.col("close")).fill_null(False)
    factor = pl.col("adjust_factor")
    assets = bars.group_by("asset", maintain_order=True).agg(
        odd=odd.head(250).mean(), first=factor.first(), last=factor.last(), top=factor.max()
    )
    to_one = ((pl.col("last") - 1).abs() < 1e-9) & (pl.col("top") <= 1) & (pl.col("first") < 0.999)
    return where(
        assets, TABLE, "forward_adjusted", (pl.col("odd") > 0.5) | to_one, ["asset"], "close"
    )


def _sample(bars: pl.DataFrame, sessions: pl.Series) -> Iterator[Finding]:
    """Look at who is in the sample through time: does nobody ever leave it, is it thin at first."""
    import polars as pl

    lives = bars.group_by("asset", maintain_order=True).agg(
        first=pl.col("date").min(), last=pl.col("date").max()
    )
    inside = sessions.filter(sessions.is_between(bars["date"].min(), bars["date"].max()))
    if len(inside) > _LONG_GAP + 50 and lives.height >= 20:
        then, lately = inside[-_LONG_GAP], inside[-60]
        traded = lives.filter((pl.col("first") <= then) & (pl.col("last") >= then))
        stay = traded.filter(pl.col("last") >= lately).height == traded.height
        yield Finding(
            table=TABLE,
            rule="no_delisted",
            count=traded.height if stay else 0,
            total=traded.height,
            examples=(f"all {traded.height} of {then} trade after {lately}",) if stay else (),
        )
    months = (
        bars.group_by(month=pl.col("date").dt.strftime("%Y-%m"))
        .agg(assets=pl.col("asset").n_unique())
        .sort("month")
    )
    thin = pl.col("assets") < months["assets"].max() / 2  # type: ignore[operator] # counts
    yield where(months, TABLE, "thin_start", thin, ["month", "assets"])


def check_calendar(bars: pl.DataFrame, sessions: pl.Series) -> Iterator[Finding]:
    """Hold the days that have bars against the calendar."""
    import polars as pl

    days = bars.select(pl.col("date").unique().sort())
    inside = pl.DataFrame({"date": sessions}).filter(
        pl.col("date").is_between(days["date"].min(), days["date"].max())
    )
    no_bar = ~pl.col("date").is_in(days["date"].implode())
    yield where(inside, "calendar", "gaps", no_bar, ["date"])
    away = ~pl.col("date").is_in(sessions.implode())
    yield where(days, "calendar", "bars_off_calendar", away, ["date"])


def universe(bars: pl.DataFrame) -> dict[str, int]:
    """Count the assets with a bar, by month."""
    import polars as pl

    months = bars.group_by(month=pl.col("date").dt.strftime("%Y-%m")).agg(
        assets=pl.col("asset").n_unique()
    )
    return dict(months.sort("month").rows())


__all__ = ["check_bars", "check_calendar", "power_of_ten", "universe"]
