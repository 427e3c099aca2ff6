"""Random tables of a small Chinese market for the tests of formats: bars, members, statements, minutes."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

ASSETS = ("600000.SH", "000001.SZ", "830001.BJ", "AAPL", "CON")
SESSIONS = [
    day
    for k in range(200)
    if (day := date(2019, 12, 2) + timedelta(days=k)).weekday() < 5 and day != date(2020, 1, 1)
]


def daily_bars(rng: np.random.Generator, assets: tuple[str, ...] = ASSETS) -> pl.DataFrame:
    """Make bars with two decimals, holes, large volumes and factors that step."""
    frames = []
    for number, asset in enumerate(assets):
        days = sorted(rng.choice(len(SESSIONS), 100, replace=False)[number:])
        close = np.round(
            np.exp(rng.normal(3, 1) + np.cumsum(rng.normal(0, 0.03, len(days)))) + 1, 2
        )
        spread = np.round(rng.uniform(0, 0.5, (2, len(days))), 2)
        factor = np.repeat(np.cumprod(rng.uniform(1, 1.3, 1 + len(days) // 30)), 30)[: len(days)]
        volume = np.round(np.exp(rng.uniform(5, 20, len(days))))
        frames.append(
            pl.DataFrame(
                {
                    "date": [SESSIONS[d] for d in days],
                    "asset": asset,
                    "open": np.round(close + spread[0] / 2, 2),
                    "high": np.round(close + spread[0], 2),
                    "low": np.round(close - spread[1], 2),
                    "close": close,
                    "volume": volume,
                    "amount": volume * close,
                    "adjust_factor": factor,
                    "float_shares": np.round(rng.uniform(1e8, 1e9, len(days))),
                    "is_st": rng.random(len(days)) < 0.1,
                }
            ).with_columns(low=pl.min_horizontal("low", "close").clip(0.01))
        )
    return pl.concat(frames)


def minute_bars(rng: np.random.Generator, bars: pl.DataFrame, minutes: int = 15) -> pl.DataFrame:
    """Make bars of two moments of each day of `bars`, stamped at their end."""
    first = datetime(2000, 1, 1, 9, 30) + timedelta(minutes=minutes)
    clocks = [first.time(), (first + timedelta(minutes=minutes)).time()]
    frames = []
    for clock in clocks:
        price = np.round(bars["close"].to_numpy() * rng.uniform(0.99, 1.01, bars.height), 2)
        frames.append(
            bars.select(
                pl.col("date").dt.combine(clock, "ms").alias("time"),
                "asset",
                open=pl.lit(price),
                high=pl.lit(price),
                low=pl.lit(price),
                close=pl.lit(price),
                volume=pl.lit(np.round(rng.uniform(0, 1e6, bars.height))),
                amount=pl.lit(rng.uniform(0, 1e8, bars.height)),
            )
        )
    return pl.concat(frames)


def statements(rng: np.random.Generator, assets: tuple[str, ...] = ASSETS) -> pl.DataFrame:
    """Make three years of quarters, some restated once or twice, some without an answer."""
    rows = []
    for asset in assets:
        for quarter in range(12):
            year, part = 2017 + quarter // 4, quarter % 4
            end = date(year + (part == 3), (3 * part + 3) % 12 + 1, 1) - timedelta(days=1)
            told = end + timedelta(days=int(rng.integers(10, 60)))
            for revision in range(int(rng.integers(1, 4))):
                said = revision == 0 or rng.random() < 0.9
                rows.append(
                    (asset, end, told, revision, rng.normal() if said else None, rng.normal())
                )
                told += timedelta(days=int(rng.integers(1, 200)))
    schema = {
        "asset": pl.String, "report_date": pl.Date, "announce_date": pl.Date, "revision": pl.Int64,
        "net_profit": pl.Float64, "equity": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def market(seed: int = 0) -> dict[str, pl.DataFrame]:
    """Make the tables of a store."""
    rng = np.random.default_rng(seed)
    bars = daily_bars(rng)
    listed = [date(2017, 6, 15), SESSIONS[3], SESSIONS[1], SESSIONS[2], date(1999, 1, 1)]
    gone = [None, None, SESSIONS[90], None, None]
    members = [
        ("000300.SH", ASSETS[0], SESSIONS[2], SESSIONS[40]),
        ("000300.SH", ASSETS[0], SESSIONS[60], None),
        ("000300.SH", ASSETS[1], SESSIONS[0], SESSIONS[80]),
        ("Mine", ASSETS[3], SESSIONS[5], None),
        ("Mine", ASSETS[4], SESSIONS[-1] + timedelta(days=9), None),
    ]
    bars = bars.filter((pl.col("asset") != ASSETS[2]) | (pl.col("date") < SESSIONS[90]))
    bars = bars.filter((pl.col("asset") != ASSETS[1]) | (pl.col("date") >= SESSIONS[3]))
    return {
        "calendar": pl.DataFrame({"date": [*SESSIONS, SESSIONS[-1] + timedelta(days=3)]}),
        "securities": pl.DataFrame({"asset": ASSETS, "list_date": listed, "delist_date": gone}),
        "index_members": pl.DataFrame(
            members, schema=["index", "asset", "start_date", "end_date"], orient="row"
        ),
        "index_bars": pl.DataFrame(
            {
                "index": "000300.SH",
                "date": SESSIONS,
                "close": np.linspace(3000.0, 4000.0, len(SESSIONS)),
            }
        ),
        "bars_1d": bars,
        "daily": bars.select("date", "asset", PE=pl.col("close") / 3.0),
        "bars_15min": minute_bars(rng, bars.filter(pl.col("asset") == ASSETS[0])),
        "statements": statements(rng),
    }
