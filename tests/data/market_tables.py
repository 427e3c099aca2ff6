"""Small tables for the tests of the loader: hand-made ones, and a random store with every awkward case."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from superhet.data.base import MemoryTables

CALENDAR = [
    day
    for k in range(120)
    if (day := date(2020, 6, 1) + timedelta(days=k)).weekday() < 5 and day != date(2020, 6, 25)
]
NAMES = [
    "000001.SZ", "300001.SZ", "300900.SZ", "430001.BJ", "600000.SH", "600001.SH", "600002.SH",
    "688001.SH",
]  # fmt: skip
COLUMNS = ("date", "asset", "open", "high", "low", "close", "volume", "amount", "adjust_factor")


def bars(rows: list[tuple[object, ...]], columns: tuple[str, ...] = COLUMNS) -> pl.DataFrame:
    """Make a bars_1d frame; dates as "2020-06-01"."""
    frame = pl.DataFrame(rows, schema=list(columns), orient="row", infer_schema_length=None)
    numeric = [c for c in columns if c not in {"date", "asset"}]
    return frame.with_columns(pl.col("date").str.to_date(), pl.col(numeric).cast(pl.Float64))


def flat_bars(
    days: list[str], prices: dict[str, list[float | None]], **extra: float
) -> pl.DataFrame:
    """Make bars whose open, high, low and close are one price; None leaves the row out."""
    rows = [
        (day, asset, p, p, p, p, 1000.0, 1000.0 * p, 1.0)
        for asset, path in prices.items()
        for day, p in zip(days, path, strict=True)
        if p is not None
    ]
    frame = bars(rows)
    return frame.with_columns(**{n: pl.lit(v) for n, v in extra.items()})


def securities(rows: dict[str, tuple[str, str | None, str | None]]) -> pl.DataFrame:
    """Make securities: asset -> (board, list_date, delist_date)."""
    schema = {"asset": pl.String, "board": pl.String, "list": pl.String, "delist": pl.String}
    frame = pl.DataFrame([(a, *r) for a, r in rows.items()], schema=schema, orient="row")
    return frame.select(
        "asset",
        "board",
        pl.col("list").str.to_date().alias("list_date"),
        pl.col("delist").str.to_date().alias("delist_date"),
    )


def random_frames(seed: int = 0) -> dict[str, pl.DataFrame]:
    """Make every table for eight assets on 80 sessions: holes, zero volume, listings, a delisting, ST."""
    rng = np.random.default_rng(seed)
    listed = {n: date(2015, 1, 5) for n in NAMES}
    listed["300900.SZ"], listed["688001.SH"] = CALENDAR[60], CALENDAR[20]
    delisted = {n: None for n in NAMES} | {"600002.SH": CALENDAR[50]}
    daily, minute, valuation = [], [], []
    for name in NAMES:
        close, factor = 10.0 + rng.random(), 1.0
        for day in CALENDAR:
            gone = delisted[name]
            if day < listed[name] or (gone and day >= gone):
                continue
            if rng.random() < 0.03:
                factor *= 1.1
                close /= 1.1
            close = round(close * float(np.exp(0.04 * rng.standard_normal())), 2)
            if rng.random() < 0.06:
                continue
            high, low = close * 1.02, close * 0.97
            volume = 0.0 if rng.random() < 0.04 else float(rng.integers(1, 9) * 1000)
            amount = volume * close * (1 + 0.05 * rng.standard_normal())
            shares = float(rng.integers(5, 9) * 10**6)
            daily.append(
                (day, name, close, high, low, close, volume, amount, factor, shares, 2 * shares)
            )
            valuation.append((day, name, float(rng.random()), float(rng.random())))
            for minutes in (690, 900):
                stamp = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
                minute.append((stamp, name, close, high, low, close, volume / 2, amount / 2))
    shares_of = ("float_shares", "total_shares")
    return {
        "bars_1d": pl.DataFrame(daily, schema=[*COLUMNS, *shares_of], orient="row"),
        "bars_15min": pl.DataFrame(minute, schema=["time", *COLUMNS[1:8]], orient="row"),
        "daily": pl.DataFrame(valuation, schema=["date", "asset", "pb", "pe_ttm"], orient="row"),
        "securities": pl.DataFrame(
            [(n, None, listed[n], delisted[n]) for n in NAMES],
            schema={
                "asset": pl.String,
                "board": pl.String,
                "list_date": pl.Date,
                "delist_date": pl.Date,
            },
            orient="row",
        ),
        "calendar": pl.DataFrame({"date": CALENDAR}),
        **_slow_frames(rng),
    }


def _slow_frames(rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    def some(k: int) -> date:
        return CALENDAR[int(rng.integers(k, len(CALENDAR)))]

    old = date(2019, 12, 31)
    status, industry, members, weights, statements = [], [], [], [], []
    for name in NAMES:
        turn, back = sorted((some(5), some(40)))
        status += [(name, old, turn, False, "甲"), (name, turn, back, True, "*ST甲")]
        industry += [
            (name, "sw1", f"industry {rng.integers(3)}", old, turn),
            (name, "sw1", f"late {rng.integers(3)}", turn, None),
        ]
        members.append(("000300.SH", name, old, some(30)))
        for quarter in (date(2019, 12, 31), date(2020, 3, 31), date(2020, 6, 30)):
            told = max(some(0), quarter)
            statements.append((name, quarter, told, 0, float(rng.random()), float(rng.random())))
            statements.append((name, quarter, max(some(50), told), 1, float(rng.random()), 1.0))
        weights += [("000300.SH", day, name, float(rng.random())) for day in CALENDAR[4::20]]
    index = [("000300.SH", day, float(3000 + rng.random())) for day in CALENDAR]
    macro = [("pmi", old, some(0), float(rng.random())) for _ in range(6)]
    macro += [("m2", old, some(0), float(rng.random())) for _ in range(6)]
    return {
        "status": pl.DataFrame(
            status, schema=["asset", "start_date", "end_date", "is_st", "name"], orient="row"
        ),
        "industry": pl.DataFrame(
            industry,
            schema=["asset", "scheme", "industry", "start_date", "end_date"],
            orient="row",
            infer_schema_length=None,
        ),
        "index_members": pl.DataFrame(
            members, schema=["index", "asset", "start_date", "end_date"], orient="row"
        ),
        "index_weights": pl.DataFrame(
            weights, schema=["index", "date", "asset", "weight"], orient="row"
        ),
        "index_bars": pl.DataFrame(index, schema=["index", "date", "close"], orient="row"),
        "statements": pl.DataFrame(
            statements,
            schema=["asset", "report_date", "announce_date", "revision", "net_profit", "equity"],
            orient="row",
        ),
        "macro": pl.DataFrame(
            macro, schema=["series", "period", "release_date", "value"], orient="row"
        ),
    }


def random_tables(seed: int = 0) -> MemoryTables:
    """Put the random frames into memory."""
    return MemoryTables(random_frames(seed))
