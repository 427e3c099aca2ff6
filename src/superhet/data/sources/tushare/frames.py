"""Answers of tushare -> frames of our tables.

Volumes come in lots of 100 shares, amounts in 1,000 yuan, share counts and forecasts in 10,000, ratios
in percent, dates as 20200131.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from superhet.data.sources.spells import Snapshot
from superhet.data.sources.vendor.columns import pick, to_dates
from superhet.data.sources.vendor.releases import month_end, released

if TYPE_CHECKING:
    import polars as pl

NAME = "tushare"
DAY = "%Y%m%d"
_OHLC = {c: c for c in ("open", "high", "low", "close")}
_KEY = {"date": "trade_date", "asset": "ts_code"}

COLUMNS: Mapping[str, dict[str, str]] = {
    "daily": {**_KEY, **_OHLC, "volume": "vol", "amount": "amount", "pre_close": "pre_close"},
    "daily_basic": {
        **_KEY,
        "turnover_rate": "turnover_rate",
        "turnover_rate_free": "turnover_rate_f",
        "volume_ratio": "volume_ratio",
        "pe": "pe",
        "pe_ttm": "pe_ttm",
        "pb": "pb",
        "ps": "ps",
        "ps_ttm": "ps_ttm",
        "dividend_yield": "dv_ratio",
        "dividend_yield_ttm": "dv_ttm",
        "total_shares": "total_share",
        "float_shares": "float_share",
        "free_shares": "free_share",
    },
    "stk_limit": {**_KEY, "limit_up": "up_limit", "limit_down": "down_limit"},
    "suspend_d": {**_KEY, "_type": "suspend_type", "_timing": "suspend_timing"},
    "adj_factor": {**_KEY, "adjust_factor": "adj_factor"},
    "index_daily": {
        "index": "ts_code", "date": "trade_date", **_OHLC, "volume": "vol", "amount": "amount",
    },
    "index_weight": {
        "index": "index_code", "date": "trade_date", "asset": "con_code", "weight": "weight",
    },
    "stock_basic": {
        "asset": "ts_code", "name": "name", "list_date": "list_date", "delist_date": "delist_date",
    },
    "namechange": {
        "asset": "ts_code", "name": "name", "start_date": "start_date", "end_date": "end_date",
    },
    "index_member_all": {
        "asset": "ts_code", "start_date": "in_date", "end_date": "out_date",
        "l1": "l1_name", "l2": "l2_name", "l3": "l3_name",
    },
    "trade_cal": {"date": "cal_date", "_open": "is_open"},
    "forecast": {
        "asset": "ts_code", "announce_date": "ann_date", "report_date": "end_date",
        "kind": "type", "change_low": "p_change_min", "change_high": "p_change_max",
        "profit_low": "net_profit_min", "profit_high": "net_profit_max",
    },
    "express": {
        "asset": "ts_code", "announce_date": "ann_date", "report_date": "end_date",
        "revenue": "revenue", "operating_profit": "operate_profit",
        "total_profit": "total_profit", "net_profit": "n_income", "total_assets": "total_assets",
        "equity": "total_hldr_eqy_exc_min_int", "eps": "diluted_eps", "roe": "diluted_roe",
    },
}  # fmt: skip
"""Function -> our column -> its column."""

SCALES: Mapping[str, dict[str, float]] = {
    "daily": {"volume": 100.0, "amount": 1000.0},
    "daily_basic": {
        **dict.fromkeys(
            ("turnover_rate", "turnover_rate_free", "dividend_yield", "dividend_yield_ttm"), 0.01
        ),
        **dict.fromkeys(("total_shares", "float_shares", "free_shares"), 10_000.0),
    },
    "index_daily": {"volume": 100.0, "amount": 1000.0},
    "index_weight": {"weight": 0.01},
    "forecast": {
        **dict.fromkeys(("change_low", "change_high"), 0.01),
        **dict.fromkeys(("profit_low", "profit_high"), 10_000.0),
    },
    "express": {"roe": 0.01},
}
MACRO: Mapping[str, tuple[str, dict[str, str]]] = {
    "cn_pmi": ("month", {"pmi": "pmi010000", "pmi_services": "pmi020100"}),
    "cn_cpi": ("month", {"cpi_yoy": "nt_yoy"}),
    "cn_ppi": ("month", {"ppi_yoy": "ppi_yoy"}),
    "cn_m": ("month", {"m2": "m2", "m2_yoy": "m2_yoy", "m1_yoy": "m1_yoy", "m0_yoy": "m0_yoy"}),
}
"""Function -> its column of the month, series -> its column."""


def wanted(query: str) -> tuple[str, ...]:
    """List the columns to ask a function for."""
    return tuple(dict.fromkeys(COLUMNS[query].values()))


def shaped(query: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows of a function under our names, in our units, with dates as dates."""
    taken = pick(NAME, query, rows, COLUMNS[query], SCALES.get(query, {}))
    dates = [c for c in taken.columns if c == "date" or c.endswith("_date")]
    return to_dates(taken, *dates, form=DAY)


def bars(parts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Make bars_1d; who was suspended all day gets a row without prices.

    Parameters
    ----------
    parts : function -> shaped rows: daily, and those of daily_basic, stk_limit, suspend_d that were given
    """
    import polars as pl

    key = ["date", "asset"]
    joined = parts["daily"].drop("pre_close")
    halted = parts.get("suspend_d")
    if halted is not None:
        all_day = pl.col("_type") == "S", pl.col("_timing").cast(pl.String).fill_null("") == ""
        halted = halted.filter(*all_day).select(key).unique()
        joined = joined.join(
            halted.with_columns(_halted=pl.lit(True)), on=key, how="full", coalesce=True
        )
        joined = joined.with_columns(
            suspended=pl.col("_halted").fill_null(False) & pl.col("close").is_null(),
            volume=pl.col("volume").fill_null(0.0),
        ).drop("_halted")
    basic = parts.get("daily_basic")
    if basic is not None:
        shares = basic.select(*key, "total_shares", "float_shares")
        joined = joined.join(shares, on=key, how="left")
    limits = parts.get("stk_limit")
    if limits is not None:
        joined = joined.join(limits, on=key, how="left")
    return joined.unique(key, keep="last", maintain_order=True)


def daily(parts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Make daily: the close before and what daily_basic gives, without the share counts of bars_1d."""
    key = ["date", "asset"]
    before = parts["daily"].select(*key, "pre_close")
    basic = parts.get("daily_basic")
    if basic is None:
        return before
    ratios = basic.drop("total_shares", "float_shares")
    return before.join(ratios, on=key, how="full", coalesce=True).unique(
        key, keep="last", maintain_order=True
    )


def changes_only(factors: pl.DataFrame) -> pl.DataFrame:
    """Keep the days on which an asset's factor changes, and its first."""
    import polars as pl

    ordered = factors.sort("asset", "date")
    value = pl.col("adjust_factor")
    return ordered.filter((value != value.shift(1).over("asset")).fill_null(True))


def status(rows: pl.DataFrame) -> pl.DataFrame:
    """Make status of names; a name ends with its last day, our spells before their end."""
    import polars as pl

    taken = shaped("namechange", rows).unique(["asset", "start_date"], keep="last")
    return taken.with_columns(
        end_date=pl.col("end_date") + timedelta(days=1),
        is_st=pl.col("name").str.contains("ST", literal=True),
    )


def industry(rows: pl.DataFrame) -> pl.DataFrame:
    """Make industry, schemes sw2021_l1, sw2021_l2 and sw2021_l3."""
    import polars as pl

    taken = shaped("index_member_all", rows)
    levels = [
        taken.select(
            "asset", "start_date", "end_date", pl.lit(f"sw2021_{level}").alias("scheme"),
            pl.col(level).alias("industry"),
        )
        for level in ("l1", "l2", "l3")
    ]  # fmt: skip
    every = pl.concat(levels).filter(pl.col("industry").is_not_null())
    return every.sort("end_date", nulls_last=True).unique(
        ["asset", "scheme", "start_date"], keep="last", maintain_order=True
    )


def sessions(rows: pl.DataFrame) -> pl.DataFrame:
    """Keep the days of shaped trade_cal on which the exchange is open."""
    import polars as pl

    return rows.filter(pl.col("_open").cast(pl.String) == "1").select("date")


def states(weights: pl.DataFrame) -> list[Snapshot]:
    """Read who was in an index off its weights, day by day of publication."""
    groups = weights.sort("date").group_by("date", maintain_order=True)
    return [
        Snapshot(known=key[0], labels=dict.fromkeys(rows["asset"].to_list(), ""))
        for key, rows in groups
        if isinstance(key[0], date)
    ]


def macro(query: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Make macro of monthly figures, with assumed release dates."""
    import polars as pl

    month, series = MACRO[query]
    taken = pick(NAME, query, rows, {"_month": month, **series}, dict.fromkeys(series, 1.0))
    months = [str(m) for m in taken["_month"].to_list()]
    ends = [month_end(int(m[:4]), int(m[4:6])) for m in months]
    return pl.concat(
        [released(name, dict(zip(ends, taken[name].to_list(), strict=True))) for name in series]
    )
