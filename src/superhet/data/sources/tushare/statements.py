"""Statements of tushare with all their revisions, each known since its own figures were published.

1. rows of the three statements, and of the report types that hold corrections     -> gathered
2. one row for each publication: period, day, and whether it is an update          -> joined
3. in order of publication; what a later one leaves out stays as it was            -> numbered

A correction carries the date of the first report in `ann_date` and its own in `f_ann_date`; the latter
is when the figures became known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from superhet.data.sources.vendor.columns import pick, to_dates

if TYPE_CHECKING:
    import polars as pl

NAME = "tushare"
REPORT_TYPES = ("1", "4", "5")
"""Latest consolidated, consolidated as restated a year later, consolidated before a correction."""

_ORDER = {"5": 0, "1": 1, "4": 2}
_HEAD = {
    "asset": "ts_code",
    "report_date": "end_date",
    "_first": "ann_date",
    "_own": "f_ann_date",
    "report_type": "report_type",
    "_update": "update_flag",
}
ITEMS: Mapping[str, dict[str, str]] = {
    "income": {
        "revenue": "revenue",
        "total_revenue": "total_revenue",
        "operating_cost": "oper_cost",
        "operating_profit": "operate_profit",
        "total_profit": "total_profit",
        "net_profit": "n_income_attr_p",
        "net_profit_all": "n_income",
        "selling_expense": "sell_exp",
        "admin_expense": "admin_exp",
        "financial_expense": "fin_exp",
        "research_expense": "rd_exp",
        "income_tax": "income_tax",
    },
    "balancesheet": {
        "total_assets": "total_assets",
        "total_liabilities": "total_liab",
        "equity": "total_hldr_eqy_exc_min_int",
        "equity_all": "total_hldr_eqy_inc_min_int",
        "current_assets": "total_cur_assets",
        "current_liabilities": "total_cur_liab",
        "cash": "money_cap",
        "receivables": "accounts_receiv",
        "inventories": "inventories",
        "fixed_assets": "fix_assets",
        "goodwill": "goodwill",
        "short_borrowing": "st_borr",
        "long_borrowing": "lt_borr",
        "bonds_payable": "bond_payable",
    },
    "cashflow": {
        "operating_cash_flow": "n_cashflow_act",
        "investing_cash_flow": "n_cashflow_inv_act",
        "financing_cash_flow": "n_cash_flows_fnc_act",
        "capital_expenditure": "c_pay_acq_const_fiolta",
    },
}
"""Function -> our column -> its column; all in yuan."""

FLOWS = (*ITEMS["income"], *ITEMS["cashflow"], "gross_profit")
BASIS = dict.fromkeys(FLOWS, "ytd")


def wanted(query: str) -> tuple[str, ...]:
    """List the columns to ask a function for."""
    return (*_HEAD.values(), *ITEMS[query].values())


def statements(parts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Make statements of all publications of one asset.

    Parameters
    ----------
    parts : income, balancesheet, cashflow -> rows of all report types
    """
    import polars as pl

    key = ["asset", "report_date", "announce_date", "_rank", "report_type"]
    joined: pl.DataFrame | None = None
    for query, rows in parts.items():
        if rows.is_empty():
            continue
        taken = _dated(query, rows).unique(key, keep="last", maintain_order=True)
        joined = taken if joined is None else joined.join(taken, on=key, how="full", coalesce=True)
    if joined is None:
        return pl.DataFrame()
    for column in (c for items in ITEMS.values() for c in items):
        if column not in joined.columns:
            joined = joined.with_columns(pl.lit(None, pl.Float64).alias(column))
    joined = joined.with_columns(gross_profit=pl.col("revenue") - pl.col("operating_cost"))
    return _numbered(joined)


def _dated(query: str, rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    items = ITEMS[query]
    taken = pick(NAME, query, rows, _HEAD | items, dict.fromkeys(items, 1.0))
    taken = to_dates(taken, "report_date", "_first", "_own", form="%Y%m%d")
    taken = taken.with_columns(
        announce_date=pl.coalesce("_own", "_first"),
        report_type=pl.col("report_type").cast(pl.String),
    )
    order = pl.col("report_type").replace_strict(_ORDER, default=1, return_dtype=pl.Int64)
    update = (pl.col("_update").cast(pl.String) == "1").fill_null(False).cast(pl.Int64)
    return (
        taken.with_columns(_rank=2 * order + update)
        .drop("_first", "_own", "_update")
        .filter(pl.col("announce_date").is_not_null() & pl.col("report_date").is_not_null())
    )


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Order the publications of each period, drop those that say nothing new, and number them."""
    import polars as pl

    period = ["asset", "report_date"]
    items = [c for c in frame.columns if frame.schema[c] == pl.Float64]
    ordered = frame.sort(*period, "announce_date", "_rank")
    ordered = ordered.with_columns(pl.col(c).forward_fill().over(period) for c in items)
    told = pl.struct(items)
    new = (told != told.shift(1).over(period)).fill_null(True)
    first = pl.int_range(pl.len()).over(period) == 0
    kept = ordered.filter(new | first)
    number = pl.int_range(pl.len()).over(period).cast(pl.Int64)
    return kept.with_columns(revision=number).drop("_rank")
