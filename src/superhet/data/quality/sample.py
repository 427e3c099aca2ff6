"""Who is in the sample: survivors only, thin at first, closes only, adjusted forward; and the calendar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from superhet.data.quality.bars import LONG_GAP, TABLE
from superhet.data.quality.base import Finding, where
from superhet.data.quality.daily import Daily
from superhet.data.quality.months import month_text

if TYPE_CHECKING:
    import polars as pl

_FEW = 20  # assets below which nothing is said of the sample
_QUARTER, _YEAR, _YEARS = 60, 250, 3  # the first two in sessions
_ASSET_YEARS = 400


def check_sample(daily: Daily) -> Iterator[Finding]:
    """Look at the daily bars as a sample."""
    import polars as pl

    yield _forward_adjusted(daily.bars)
    yield _closes_only(daily.bars)
    yield from _survivors(daily.lives, daily.sessions)
    yield _one_exchange(daily.lives)
    months = universe(daily)
    widest = max(months.values())
    yield where(
        pl.DataFrame({"month": list(months), "assets": list(months.values())}),
        TABLE,
        "thin_start",
        pl.col("assets") < widest / 2,
        ["month", "assets"],
    )


def _forward_adjusted(bars: pl.DataFrame) -> Finding:
    """Count assets whose factors end at 1 and rise to it, or whose early prices are no quotes."""
    import polars as pl

    cents = pl.col("close") * 100
    odd = ((cents - cents.round()).abs() > 0.02 + 1e-4 * pl.col("close")).fill_null(False)
    factor = pl.col("adjust_factor")
    assets = bars.group_by("asset", maintain_order=True).agg(
        odd=odd.head(LONG_GAP).mean(), first=factor.first(), last=factor.last(), top=factor.max()
    )
    to_one = ((pl.col("last") - 1).abs() < 1e-9) & (pl.col("top") <= 1) & (pl.col("first") < 0.999)
    return where(
        assets, TABLE, "forward_adjusted", (pl.col("odd") > 0.5) | to_one, ["asset"], "close"
    )


def _closes_only(bars: pl.DataFrame) -> Finding:
    """Count bars of one price, if they are more than half of those that traded."""
    import polars as pl

    flat = (pl.col("high") == pl.col("low")) & (pl.col("volume") > 0)
    one, traded = bars.select(flat.sum(), (pl.col("volume") > 0).sum().alias("traded")).row(0)
    return Finding(
        table=TABLE,
        rule="closes_only",
        count=one if traded >= _FEW and one > traded / 2 else 0,
        total=traded,
    )


def _survivors(lives: pl.DataFrame, sessions: pl.Series) -> Iterator[Finding]:
    """Ask whether all that traded some years before the end trade in its last quarter, too.

    About one in a hundred is delisted in a year, in China; that none is in 400 asset-years happens to one
    honest sample in fifty.
    """
    import polars as pl

    inside = sessions.filter(sessions.is_between(lives["first"].min(), lives["last"].max()))
    back = min(len(inside) - _QUARTER, _YEARS * _YEAR)
    if back < _YEAR:
        return
    then, lately = inside[-back], inside[-_QUARTER]
    traded = lives.filter((pl.col("first") <= then) & (pl.col("last") >= then))
    if traded.height * back < _ASSET_YEARS * _YEAR:
        return
    stay = traded.filter(pl.col("last") >= lately).height == traded.height
    yield Finding(
        table=TABLE,
        rule="no_delisted",
        count=traded.height if stay else 0,
        total=traded.height,
        examples=(f"all {traded.height} of {then} trade after {lately}",) if stay else (),
    )


def _one_exchange(lives: pl.DataFrame) -> Finding:
    """Count the assets, if all carry the suffix of one exchange of the mainland."""
    places = sorted(set(lives["asset"].str.extract(r"\.(SH|SZ|BJ)$", 1).to_list()), key=str)
    alone = lives.height >= _FEW and len(places) == 1 and places[0] is not None
    return Finding(
        table=TABLE,
        rule="one_exchange",
        count=lives.height if alone else 0,
        total=lives.height,
        examples=(f"all {lives.height} are of {places[0]}",) if alone else (),
    )


def check_calendar(daily: Daily) -> Iterator[Finding]:
    """Hold the days that have bars against the calendar."""
    import polars as pl

    days = daily.bars.select(pl.col("date").unique().sort())
    inside = pl.DataFrame({"date": daily.sessions}).filter(
        pl.col("date").is_between(days["date"].min(), days["date"].max())
    )
    no_bar = ~pl.col("date").is_in(days["date"].implode())
    yield where(inside, "calendar", "gaps", no_bar, ["date"])
    away = ~pl.col("date").is_in(daily.sessions.implode())
    yield where(days, "calendar", "bars_off_calendar", away, ["date"])


def universe(daily: Daily) -> dict[str, int]:
    """Count the assets with a bar, by month."""
    months = daily.months.group_by("month").len().sort("month")
    return dict(months.with_columns(month_text("month")).rows())
