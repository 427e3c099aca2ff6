"""Lists of akshare: shares and those delisted, sessions, industries of Shenwan, index members of today."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from superhet.data.sources.akshare.client import NAME, Client
from superhet.data.sources.spells import Snapshot
from superhet.data.sources.vendor.codes import from_digits
from superhet.data.sources.vendor.columns import pick, to_dates

if TYPE_CHECKING:
    import polars as pl

SCHEME = "sw2021_l1"
INDUSTRIES = {
    "11": "农林牧渔", "22": "基础化工", "23": "钢铁", "24": "有色金属", "27": "电子", "28": "汽车",
    "33": "家用电器", "34": "食品饮料", "35": "纺织服饰", "36": "轻工制造", "37": "医药生物",
    "41": "公用事业", "42": "交通运输", "43": "房地产", "45": "商贸零售", "46": "社会服务",
    "48": "银行", "49": "非银金融", "51": "综合", "61": "建筑材料", "62": "建筑装饰", "63": "电力设备",
    "64": "机械设备", "65": "国防军工", "71": "计算机", "72": "传媒", "73": "通信", "74": "煤炭",
    "75": "石油石化", "76": "环保", "77": "美容护理",
}  # fmt: skip
"""First two digits of an industry code of Shenwan, edition of 2021 -> name of its first level."""

_LISTED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "stock_info_sh_name_code": (("证券代码", "证券简称", "上市日期"), ("主板A股", "科创板")),
    "stock_info_sz_name_code": (("A股代码", "A股简称", "A股上市日期"), ("A股列表",)),
    "stock_info_bj_name_code": (("证券代码", "证券简称", "上市日期"), ("",)),
}
_GONE: dict[str, tuple[tuple[str, ...], str]] = {
    "stock_info_sh_delist": (("公司代码", "公司简称", "上市日期", "暂停上市日期"), "全部"),
    "stock_info_sz_delist": (("证券代码", "证券简称", "上市日期", "终止上市日期"), "终止上市公司"),
}


def securities(client: Client) -> pl.DataFrame:
    """Make securities of the three exchanges, those delisted from Shanghai and Shenzhen included."""
    import polars as pl

    parts = []
    for query, (columns, kinds) in _LISTED.items():
        for kind in kinds:
            rows = client.ask(query, columns, **({"symbol": kind} if kind else {}))
            ours = dict(zip(("asset", "name", "list_date"), columns, strict=True))
            taken = to_dates(pick(NAME, query, rows, ours), "list_date")
            parts.append(taken.with_columns(pl.lit(None, pl.Date).alias("delist_date")))
    for query, (columns, kind) in _GONE.items():
        rows = client.ask(query, columns, symbol=kind)
        ours = dict(zip(("asset", "name", "list_date", "delist_date"), columns, strict=True))
        parts.append(to_dates(pick(NAME, query, rows, ours), "list_date", "delist_date"))
    every = pl.concat(parts, how="vertical_relaxed")
    every = every.filter(pl.col("asset").is_not_null())
    return with_codes(every).unique("asset", keep="last", maintain_order=True)


def sessions(client: Client) -> pl.DataFrame:
    """Make the calendar."""
    query = "tool_trade_date_hist_sina"
    rows = client.ask(query, ("trade_date",))
    return to_dates(pick(NAME, query, rows, {"date": "trade_date"}), "date").unique()


def industry(client: Client) -> tuple[pl.DataFrame, list[str]]:
    """Make industry: the first level of Shenwan, each label from its date of entry until the next.

    A code of an older edition that the one of 2021 does not have stays a number, and is counted in the notes.
    """
    import polars as pl

    query = "stock_industry_clf_hist_sw"
    columns = {"asset": "symbol", "start_date": "start_date", "_code": "industry_code"}
    taken = to_dates(
        pick(NAME, query, client.ask(query, tuple(columns.values())), columns), "start_date"
    )
    level = pl.col("_code").cast(pl.String).str.slice(0, 2)
    named = level.replace_strict(INDUSTRIES, default=level + "0000", return_dtype=pl.String)
    labelled = with_codes(
        taken.with_columns(named.alias("industry"), pl.lit(SCHEME).alias("scheme"))
    )
    old = labelled.filter(pl.col("industry").str.ends_with("0000")).height
    notes = [f"{old} labels of older editions of Shenwan are numbers, not names"] if old else []
    return labelled.drop("_code").unique(["asset", "start_date"], keep="last"), notes


def members(client: Client, index: str) -> Snapshot:
    """Read the members of an index of China Securities, as of the day on the list."""
    query, columns = "index_stock_cons_csindex", ("日期", "成分券代码")
    rows = client.ask(query, columns, symbol=index[:6])
    taken = to_dates(pick(NAME, query, rows, {"date": "日期", "asset": "成分券代码"}), "date")
    known = taken["date"].max()
    names = [from_digits(str(a)) for a in taken["asset"].to_list()]
    return Snapshot(
        known=known if isinstance(known, date) else date.min, labels=dict.fromkeys(names, "")
    )


def weights(client: Client, index: str) -> pl.DataFrame:
    """Make index_weights of the day on the list."""
    import polars as pl

    query = "index_stock_cons_weight_csindex"
    columns = {"date": "日期", "asset": "成分券代码", "weight": "权重"}
    rows = client.ask(query, tuple(columns.values()), symbol=index[:6])
    taken = to_dates(pick(NAME, query, rows, columns, {"weight": 0.01}), "date")
    return with_codes(taken).with_columns(pl.lit(index).alias("index"))


def index_bars(client: Client, index: str, start: date, end: date) -> pl.DataFrame:
    """Make index_bars."""
    import polars as pl

    query, names = "stock_zh_index_daily_em", ("date", "open", "high", "low", "close", "amount")
    digits, market = index.split(".")
    rows = client.ask(
        query,
        names,
        symbol=f"{market.lower()}{digits}",
        start_date=f"{start:%Y%m%d}",
        end_date=f"{end:%Y%m%d}",
    )
    taken = to_dates(pick(NAME, query, rows, dict(zip(names, names, strict=True))), "date")
    return taken.with_columns(pl.lit(index).alias("index"))


def with_codes(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn the six digits of `asset` into our codes."""
    import polars as pl

    digits = pl.col("asset").cast(pl.String)
    names = {d: from_digits(d) for d in frame.select(digits).to_series().unique() if d}
    return frame.with_columns(digits.replace_strict(names, default=None).alias("asset"))
