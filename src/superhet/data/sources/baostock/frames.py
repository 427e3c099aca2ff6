"""Answers of baostock -> frames of our tables.

Every value comes as text. Prices are in yuan, volumes in shares, amounts in yuan; `turn` is in percent
of the float, the ratios of statements are fractions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from superhet.data.sources.vendor.codes import from_dotted
from superhet.data.sources.vendor.columns import pick, to_dates

if TYPE_CHECKING:
    import polars as pl

NAME = "baostock"
DAILY: tuple[str, ...] = (
    "date", "code", "open", "high", "low", "close", "preclose", "volume", "amount", "adjustflag",
    "turn", "tradestatus", "pctChg", "peTTM", "pbMRQ", "psTTM", "pcfNcfTTM", "isST",
)  # fmt: skip
MINUTE: tuple[str, ...] = (
    "date", "time", "code", "open", "high", "low", "close", "volume", "amount", "adjustflag",
)  # fmt: skip
INDEX: tuple[str, ...] = ("date", "code", "open", "high", "low", "close", "volume", "amount")
FACTORS = ("code", "dividOperateDate", "backAdjustFactor")
BASIC = ("code", "code_name", "ipoDate", "outDate", "type", "status")
TRADE_DATES = ("calendar_date", "is_trading_day")
MEMBERS = ("updateDate", "code", "code_name")
INDUSTRY = ("updateDate", "code", "code_name", "industry", "industryClassification")
EXPRESS = {
    "asset": "code",
    "announce_date": "performanceExpPubDate",
    "report_date": "performanceExpStatDate",
    "_updated": "performanceExpUpdateDate",
    "total_assets": "performanceExpressTotalAsset",
    "equity": "performanceExpressNetAsset",
    "eps_change": "performanceExpressEPSChgPct",
    "roe": "performanceExpressROEWa",
    "eps": "performanceExpressEPSDiluted",
    "revenue_growth": "performanceExpressGRYOY",
    "operating_profit_growth": "performanceExpressOPYOY",
}
FORECAST = {
    "asset": "code",
    "announce_date": "profitForcastExpPubDate",
    "report_date": "profitForcastExpStatDate",
    "kind": "profitForcastType",
    "change_high": "profitForcastChgPctUp",
    "change_low": "profitForcastChgPctDwn",
}
RATIOS = {
    "query_profit_data": {
        "roe": "roeAvg",
        "net_margin": "npMargin",
        "gross_margin": "gpMargin",
        "net_profit": "netProfit",
        "eps_ttm": "epsTTM",
        "revenue": "MBRevenue",
        "total_shares": "totalShare",
        "float_shares": "liqaShare",
    },
    "query_operation_data": {
        "receivable_turnover": "NRTurnRatio",
        "inventory_turnover": "INVTurnRatio",
        "current_asset_turnover": "CATurnRatio",
        "asset_turnover": "AssetTurnRatio",
    },
    "query_growth_data": {
        "equity_growth": "YOYEquity",
        "asset_growth": "YOYAsset",
        "net_profit_growth": "YOYNI",
        "eps_growth": "YOYEPSBasic",
        "parent_net_profit_growth": "YOYPNI",
    },
    "query_balance_data": {
        "current_ratio": "currentRatio",
        "quick_ratio": "quickRatio",
        "cash_ratio": "cashRatio",
        "liability_growth": "YOYLiability",
        "liability_to_asset": "liabilityToAsset",
        "asset_to_equity": "assetToEquity",
    },
    "query_cash_flow_data": {
        "current_asset_to_asset": "CAToAsset",
        "fixed_asset_to_asset": "NCAToAsset",
        "tangible_asset_to_asset": "tangibleAssetToAsset",
        "interest_cover": "ebitToInterest",
        "cash_flow_to_revenue": "CFOToOR",
        "cash_flow_to_net_profit": "CFOToNP",
        "cash_flow_to_gross_revenue": "CFOToGr",
    },
    "query_dupont_data": {
        "dupont_roe": "dupontROE",
        "dupont_asset_to_equity": "dupontAssetStoEquity",
        "dupont_asset_turnover": "dupontAssetTurn",
        "dupont_net_margin": "dupontNitogr",
    },
}
"""Function -> our column -> its column, of the quarterly ratios."""


def bars(rows: pl.DataFrame, query: str) -> pl.DataFrame:
    """Make bars_1d: raw prices; a day of suspension has no volume.

    The float is what volume and turnover rate imply, to a few parts in 100,000; idle days say none.
    """
    import polars as pl

    columns = {
        "date": "date",
        "asset": "code",
        **{c: c for c in ("open", "high", "low", "close", "volume", "amount")},
        "_status": "tradestatus",
        "is_st": "isST",
        "_turn": "turn",
    }
    taken = pick(NAME, query, rows, columns, {"volume": 1.0, "amount": 1.0, "_turn": 0.01})
    suspended = pl.col("_status") == "0"
    turned = pl.when((pl.col("_turn") > 0) & (pl.col("volume") > 0)).then(pl.col("_turn"))
    return _ours(taken, "date").with_columns(
        suspended.alias("suspended"),
        (pl.col("volume") / turned).round(0).alias("float_shares"),
        *(pl.when(suspended).then(pl.col(c).fill_null(0.0)).otherwise(pl.col(c)).alias(c)
          for c in ("volume", "amount")),
    ).drop("_status", "_turn")  # fmt: skip


def daily(rows: pl.DataFrame, query: str) -> pl.DataFrame:
    """Make daily: the close before, turnover as a fraction of the float, valuation ratios."""
    columns = {
        "date": "date",
        "asset": "code",
        "pre_close": "preclose",
        "turnover_rate": "turn",
        "pe_ttm": "peTTM",
        "pb": "pbMRQ",
        "ps_ttm": "psTTM",
        "pcf_ttm": "pcfNcfTTM",
    }
    taken = pick(NAME, query, rows, columns, {"turnover_rate": 0.01})
    return _ours(taken, "date")


def minutes(rows: pl.DataFrame, query: str) -> pl.DataFrame:
    """Make minute bars; their time is the end of the bar already."""
    import polars as pl

    columns = {"time": "time", "asset": "code"}
    columns |= {c: c for c in ("open", "high", "low", "close", "volume", "amount")}
    taken = pick(NAME, query, rows, columns)
    stamp = pl.col("time").str.slice(0, 14).str.to_datetime("%Y%m%d%H%M%S", time_unit="ms")
    return _ours(taken).with_columns(stamp.alias("time"))


def index_bars(rows: pl.DataFrame, query: str) -> pl.DataFrame:
    """Make index_bars."""
    columns = {"index": "code", "date": "date"}
    columns |= {c: c for c in ("open", "high", "low", "close", "volume", "amount")}
    return _ours(pick(NAME, query, rows, columns), "date", code="index")


def adjust_factors(rows: pl.DataFrame, query: str) -> pl.DataFrame:
    """Make adjust_factors, backward: 1 at the listing, larger after each payment."""
    columns = {"asset": "code", "date": "dividOperateDate", "adjust_factor": "backAdjustFactor"}
    return _ours(pick(NAME, query, rows, columns), "date")


def securities(rows: pl.DataFrame, query: str) -> pl.DataFrame:
    """Make securities of the shares (type 1), those that are gone included."""
    import polars as pl

    columns = {"asset": "code", "name": "code_name", "list_date": "ipoDate"}
    columns |= {"delist_date": "outDate", "_type": "type"}
    taken = pick(NAME, query, rows, columns).filter(pl.col("_type") == "1").drop("_type")
    return _ours(taken, "list_date", "delist_date")


def calendar(rows: pl.DataFrame, query: str) -> pl.DataFrame:
    """Make the calendar of the days on which the exchange is open."""
    import polars as pl

    taken = pick(NAME, query, rows, {"date": "calendar_date", "_open": "is_trading_day"})
    return to_dates(taken.filter(pl.col("_open") == "1").drop("_open"), "date")


def express_reports(rows: pl.DataFrame, query: str) -> pl.DataFrame:
    """Make express_reports; figures that were updated are known from the day of the update."""
    import polars as pl

    percent = ("eps_change", "roe", "revenue_growth", "operating_profit_growth")
    taken = pick(NAME, query, rows, EXPRESS, dict.fromkeys(percent, 0.01))
    taken = _ours(taken, "announce_date", "report_date", "_updated")
    known = pl.max_horizontal("announce_date", "_updated").alias("announce_date")
    return taken.with_columns(known).drop("_updated")


def forecasts(rows: pl.DataFrame, query: str) -> pl.DataFrame:
    """Make forecasts; changes of the profit as fractions."""
    scales = {"change_low": 0.01, "change_high": 0.01}
    taken = _ours(pick(NAME, query, rows, FORECAST, scales), "announce_date", "report_date")
    return taken.unique(["asset", "report_date", "announce_date"], keep="last", maintain_order=True)


def statements(parts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Make one row of statements of the ratios of one quarter, known when the last of them was published.

    Parameters
    ----------
    parts : function -> its answer; those without rows are left out
    """
    import polars as pl

    joined: pl.DataFrame | None = None
    published = []
    for query, rows in parts.items():
        if rows.is_empty():
            continue
        columns = {"asset": "code", "report_date": "statDate", "_published": "pubDate"}
        taken = pick(NAME, query, rows, columns | RATIOS[query])
        taken = _ours(taken, "report_date", "_published")
        published.append(taken["_published"].max())
        taken = taken.drop("_published").unique(["asset", "report_date"], maintain_order=True)
        key = ["asset", "report_date"]
        joined = taken if joined is None else joined.join(taken, on=key, how="full", coalesce=True)
    if joined is None:
        return pl.DataFrame()
    known = max((p for p in published if p is not None), default=None)
    return joined.with_columns(pl.lit(known, pl.Date).alias("announce_date"))


def _ours(frame: pl.DataFrame, *dates: str, code: str = "asset") -> pl.DataFrame:
    import polars as pl

    names = {c: from_dotted(c) for c in frame[code].unique().to_list() if c}
    renamed = pl.col(code).replace_strict(names, default=None, return_dtype=pl.String)
    return to_dates(frame.with_columns(renamed.alias(code)), *dates)
