"""Statements, forecasts, express reports and macro figures of akshare: a quarter of all companies at a time.

The day of announcement is 公告日期 of the profit, balance and cash-flow pages, which is that of the first
report. The page 业绩报表 (`stock_yjbb_em`) is not used: its 最新公告日期 is the day of the latest update, and
figures dated by it would be wrong by a year. The figures themselves are the latest: a restated one
stands in the row of the first announcement, and only a vendor that keeps revisions can mend that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from superhet.data.sources.akshare.client import NAME, Client
from superhet.data.sources.akshare.listing import with_codes
from superhet.data.sources.vendor.columns import pick, to_dates
from superhet.data.sources.vendor.releases import month_end, released

if TYPE_CHECKING:
    import polars as pl

_HEAD = {"asset": "股票代码", "announce_date": "公告日期"}
STATEMENTS: Mapping[str, dict[str, str]] = {
    "stock_lrb_em": {
        "revenue": "营业总收入",
        "operating_cost": "营业总支出-营业支出",
        "operating_profit": "营业利润",
        "total_profit": "利润总额",
        "net_profit": "净利润",
        "selling_expense": "营业总支出-销售费用",
        "admin_expense": "营业总支出-管理费用",
        "financial_expense": "营业总支出-财务费用",
    },
    "stock_zcfz_em": {
        "total_assets": "资产-总资产",
        "cash": "资产-货币资金",
        "receivables": "资产-应收账款",
        "inventories": "资产-存货",
        "total_liabilities": "负债-总负债",
        "equity": "股东权益合计",
    },
    "stock_xjll_em": {
        "operating_cash_flow": "经营性现金流-现金流量净额",
        "investing_cash_flow": "投资性现金流-现金流量净额",
        "financing_cash_flow": "融资性现金流-现金流量净额",
    },
}
"""Function -> our column -> its column; all in yuan, flows since January."""

FLOWS = (*STATEMENTS["stock_lrb_em"], *STATEMENTS["stock_xjll_em"], "gross_profit")
BASIS = dict.fromkeys(FLOWS, "ytd")
_BOOKED = {"asset": "股票代码", "_actual": "实际披露时间"}
_FORECAST = {
    **_HEAD, "_of": "预测指标", "_change": "业绩变动幅度", "_profit": "预测数值", "kind": "预告类型",
}  # fmt: skip
_PROFIT = "归属于上市公司股东的净利润"
_EXPRESS = {
    **_HEAD,
    "revenue": "营业收入-营业收入",
    "net_profit": "净利润-净利润",
    "eps": "每股收益",
    "book_per_share": "每股净资产",
    "roe": "净资产收益率",
    "revenue_growth": "营业收入-同比增长",
    "net_profit_growth": "净利润-同比增长",
}
MACRO: Mapping[str, dict[str, str]] = {
    "macro_china_pmi": {"pmi": "制造业-指数", "pmi_services": "非制造业-指数"},
    "macro_china_cpi": {"cpi_yoy": "全国-同比增长"},
    "macro_china_ppi": {"ppi_yoy": "当月同比增长"},
    "macro_china_money_supply": {
        "m2": "货币和准货币(M2)-数量(亿元)",
        "m2_yoy": "货币和准货币(M2)-同比增长",
        "m1_yoy": "货币(M1)-同比增长",
        "m0_yoy": "流通中的现金(M0)-同比增长",
    },
}
"""Function -> series -> its column; figures in percent, m2 in 100 million yuan."""


def statements(client: Client, quarter: date) -> tuple[pl.DataFrame, list[str]]:
    """Make statements of one quarter; known when the last of the three pages says so.

    A company whose day of announcement is on none of the pages gets the day on which it disclosed; without
    either it is left out, and counted.
    """
    import polars as pl

    joined: pl.DataFrame | None = None
    for query, items in STATEMENTS.items():
        columns = _HEAD | items
        rows = client.ask(query, tuple(columns.values()), date=f"{quarter:%Y%m%d}")
        taken = pick(NAME, query, rows, columns, dict.fromkeys(items, 1.0))
        taken = with_codes(to_dates(taken, "announce_date")).unique("asset", keep="last")
        taken = taken.rename({"announce_date": f"_{query}"})
        joined = (
            taken if joined is None else joined.join(taken, on="asset", how="full", coalesce=True)
        )
    assert joined is not None
    joined = joined.with_columns(
        gross_profit=pl.col("revenue") - pl.col("operating_cost"),
        announce_date=pl.max_horizontal(f"_{query}" for query in STATEMENTS),
        report_date=pl.lit(quarter),
    ).drop(f"_{query}" for query in STATEMENTS)
    undated = joined["announce_date"].null_count()
    if undated:
        joined = _with_disclosure(client, joined, quarter)
        undated = joined["announce_date"].null_count()
        joined = joined.filter(pl.col("announce_date").is_not_null())
    notes = [f"{undated} statements without any date of announcement are left out"]
    return joined, notes if undated else []


def forecasts(client: Client, quarter: date) -> pl.DataFrame:
    """Make forecasts of the profit of the parent's owners for one quarter."""
    import polars as pl

    query = "stock_yjyg_em"
    rows = client.ask(query, tuple(_FORECAST.values()), date=f"{quarter:%Y%m%d}")
    taken = pick(NAME, query, rows, _FORECAST, {"_change": 0.01, "_profit": 1.0})
    taken = taken.filter(pl.col("_of").cast(pl.String) == _PROFIT)
    taken = with_codes(to_dates(taken, "announce_date")).with_columns(
        report_date=pl.lit(quarter),
        profit_low=pl.col("_profit"),
        profit_high=pl.col("_profit"),
        change_low=pl.col("_change"),
        change_high=pl.col("_change"),
    )
    key = ["asset", "announce_date"]
    return taken.drop("_of", "_change", "_profit").unique(key, keep="last", maintain_order=True)


def express_reports(client: Client, quarter: date) -> pl.DataFrame:
    """Make express_reports of one quarter."""
    import polars as pl

    query = "stock_yjkb_em"
    rows = client.ask(query, tuple(_EXPRESS.values()), date=f"{quarter:%Y%m%d}")
    scales = dict.fromkeys((c for c in _EXPRESS if c not in _HEAD), 1.0)
    scales |= dict.fromkeys(("roe", "revenue_growth", "net_profit_growth"), 0.01)
    taken = with_codes(to_dates(pick(NAME, query, rows, _EXPRESS, scales), "announce_date"))
    key = ["asset", "announce_date"]
    return taken.with_columns(report_date=pl.lit(quarter)).unique(key, keep="last")


def macro(client: Client, query: str) -> pl.DataFrame:
    """Make macro of one page, with assumed release dates."""
    import polars as pl

    series = MACRO[query]
    rows = client.ask(query, ("月份", *series.values()))
    taken = pick(NAME, query, rows, {"_month": "月份", **series}, dict.fromkeys(series, 1.0))
    months = [re.findall(r"\d+", str(m))[:2] for m in taken["_month"].to_list()]
    ends = [month_end(int(m[0]), int(m[1])) for m in months]
    return pl.concat(
        [released(name, dict(zip(ends, taken[name].to_list(), strict=True))) for name in series]
    )


def _with_disclosure(client: Client, frame: pl.DataFrame, quarter: date) -> pl.DataFrame:
    import polars as pl

    query = "stock_yysj_em"
    rows = client.ask(query, tuple(_BOOKED.values()), symbol="沪深A股", date=f"{quarter:%Y%m%d}")
    booked = with_codes(to_dates(pick(NAME, query, rows, _BOOKED), "_actual")).unique("asset")
    filled = frame.join(booked, on="asset", how="left")
    return filled.with_columns(announce_date=pl.coalesce("announce_date", "_actual")).drop(
        "_actual"
    )
