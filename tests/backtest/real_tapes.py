"""Tapes of real A-shares: the data lie beside the project; tests that need them are skipped without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from superhet.backtest import NativeEngine
from superhet.data import MarketRequest, UniverseRule, load_market
from superhet.data.base import MemoryTables
from superhet.panel import Panel

DATA = Path(__file__).parents[3] / "shared" / "data"
BOARDS = {"Main": "main", "SME": "main", "STAR": "star", "ChiNext": "chinext", "BSE": "bse"}
# the first has the halving of the stamp duty; the second ChiNext, special treatment and delistings
RECENT = ("cn/bars_daily_recent", (2022, 2023, 2024))
OLDER = ("cn/bars_daily", (2017, 2018, 2019))


def real_market(count, folder, years):
    """Load `count` stocks: those that were suspended most, and then every so many of the rest."""
    bars = pl.concat(
        [
            pl.read_parquet(DATA / folder / f"{year}.parquet").select(
                pl.col("date").dt.date(),
                pl.col("symbol").alias("asset"),
                *("open", "high", "low", "close"),
                *(pl.col(name).cast(pl.Float64) for name in ("volume", "amount")),
                pl.col("adj_factor").alias("adjust_factor"),
            )
            for year in years
        ]
    )
    known = bars.group_by("asset").len().sort("len", "asset")
    halted = known.head(count // 5)["asset"].to_list()
    rest = known["asset"].to_list()[count // 5 :]
    chosen = sorted({*halted, *rest[:: max(len(rest) // (count - len(halted)), 1)]})[:count]
    frames = {"bars_1d": bars.filter(pl.col("asset").is_in(chosen)).sort("date", "asset")}
    listed = pl.read_parquet(DATA / "cn" / "securities.parquet").rename({"symbol": "asset"})
    left = pl.col("delisted_by_2022_01")
    frames["securities"] = (
        pl.DataFrame({"asset": chosen})
        .join(listed, on="asset", how="left")
        .select(
            "asset",
            pl.col("name_2023").fill_null("").alias("name"),
            pl.col("board").replace_strict(BOARDS, default="main").alias("board"),
            pl.coalesce("list_date", "first_trade").dt.date().alias("list_date"),
            pl.when(left).then(pl.col("last_trade").dt.date() + pl.duration(days=1))
            .alias("delist_date"),
        )
    )  # fmt: skip
    if folder == OLDER[0]:
        frames["status"] = (
            pl.read_parquet(DATA / "cn" / "name_history.parquet")
            .rename({"symbol": "asset"})
            .filter(pl.col("asset").is_in(chosen))
            .select(
                "asset",
                pl.col("start_date").dt.date(),
                (pl.col("end_date").dt.date() + pl.duration(days=1)).alias("end_date"),
                "name",
                "is_st",
            )
            .sort("start_date", "asset")
        )
    request = MarketRequest(industry="", universe=UniverseRule(new_listing=0), size="amount_60")
    return load_market(MemoryTables(frames), request)


def real_weights(market, gross, long_short, seed=0):
    """Decide every session: slowly moving scores, also for stocks that are suspended on that day."""
    rng = np.random.default_rng(seed)
    score = rng.standard_normal((len(market.dates), len(market.assets)))
    for t in range(1, len(score)):
        score[t] = 0.95 * score[t - 1] + 0.3 * score[t]
    score = score if long_short else np.maximum(score, 0.0)
    score[market["listing_age"].values < 0] = 0.0
    values = gross * score / np.abs(score).sum(axis=1, keepdims=True)
    return Panel(
        values=values, dates=market.dates, assets=market.assets, name="weight", unit="weight"
    )


def real_tape(market, *, long_short, **settings):
    """Tape a book that trades every session under the rules of the A-share market."""
    gross = 1.4 if long_short else 0.98
    engine = NativeEngine(**{"capital": 2e7, "participation": 0.02, **settings})
    return engine.tape(real_weights(market, gross, long_short), market)
