"""Bars of several web pages, the next one where one does not answer; factors; shares and valuation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from superhet.data.sources.akshare.client import NAME, Client
from superhet.data.sources.vendor.codes import prefixed
from superhet.data.sources.vendor.columns import pick, to_dates
from superhet.data.sources.vendor.volume import in_shares
from superhet.errors import VendorError

if TYPE_CHECKING:
    import polars as pl

_OURS = ("date", "open", "high", "low", "close", "volume", "amount")
_EASTMONEY = ("日期", "开盘", "最高", "最低", "收盘", "成交量", "成交额")
_PAGES = {
    "stock_zh_a_hist": (
        dict(zip(_OURS, _EASTMONEY, strict=True)) | {"turnover_rate": "换手率"},
        100.0,
    ),
    "stock_zh_a_daily": (
        dict(zip(_OURS, _OURS, strict=True))
        | {"float_shares": "outstanding_share", "turnover_rate": "turnover"},
        1.0,
    ),
    "stock_zh_a_hist_tx": (dict(zip(_OURS, _OURS, strict=True)), 1.0),
}
"""Function -> our column -> its column, and shares in its unit of volume; in order of asking."""

_MINUTES = {
    "stock_zh_a_hist_min_em": (
        dict(zip(("time", *_OURS[1:]), ("时间", *_EASTMONEY[1:]), strict=True)),
        100.0,
    ),
    "stock_zh_a_minute": (
        dict(zip(("time", *_OURS[1:-1]), ("day", *_OURS[1:-1]), strict=True)),
        1.0,
    ),
}
"""The same of minute bars, stamped at their end."""

_VALUE = {
    "date": "数据日期",
    "total_shares": "总股本",
    "float_shares": "流通股本",
    "pe_ttm": "PE(TTM)",
    "pe": "PE(静)",
    "pb": "市净率",
    "pcf_ttm": "市现率",
    "ps_ttm": "市销率",
}
_TIRED = 3
_HOLIDAY = timedelta(days=10)  # longer than any stretch without a session
_NUMBERS = ("open", "high", "low", "close", "volume", "amount")


class Prices:
    """Asks for the bars of one share at a time; a page that failed three times running is left alone."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._failures: Counter[str] = Counter()

    def bars(self, asset: str, start: date, end: date) -> tuple[pl.DataFrame, list[str]]:
        """Give raw bars, with what else the page had, and notes on pages that failed.

        Raises
        ------
        VendorError
            if no page answers, with what each said
        """
        return self._first_answer(
            "bars", _PAGES, lambda query: self._page(query, asset, start, end)
        )

    def minutes(
        self, asset: str, minutes: int, start: date, end: date
    ) -> tuple[pl.DataFrame, list[str]]:
        """Give raw bars of so many minutes, as far back as a page has them (a few months).

        Raises
        ------
        VendorError
            if no page answers, with what each said
        """
        rows, notes = self._first_answer(
            "minute bars",
            _MINUTES,
            lambda query: self._minute_page(query, asset, minutes, (start, end)),
        )
        first = rows["time"].min()
        if isinstance(first, datetime) and first.date() - start > _HOLIDAY:
            notes.append(f"no bars of {minutes} minutes are given before {first.date()}")
        return rows, notes

    def _first_answer(
        self, what: str, pages: Iterable[str], ask: Callable[[str], tuple[pl.DataFrame, str]]
    ) -> tuple[pl.DataFrame, list[str]]:
        said = []
        for query in pages:
            if self._failures[query] >= _TIRED:
                said.append(f"{query} failed {_TIRED} times running and is not asked any more")
                continue
            try:
                rows, note = ask(query)
            except VendorError as error:
                self._failures[query] += 1
                said.append(error.message)
                continue
            self._failures[query] = 0
            notes = [f"{what} of {query}, since others failed"] if said else []
            return rows, [*notes, note] if note else notes
        raise VendorError(NAME, what, "; ".join(said), reach="moment")

    def factors(self, asset: str, end: date) -> pl.DataFrame:
        """Give backward factors until a day; never forward ones, which change with each payment."""
        import polars as pl

        query, columns = "stock_zh_a_daily", {"date": "date", "adjust_factor": "hfq_factor"}
        rows = self._client.ask(
            query, tuple(columns.values()), symbol=prefixed(asset, NAME), adjust="hfq-factor"
        )
        taken = to_dates(pick(NAME, query, rows, columns, {"adjust_factor": 1.0}), "date")
        taken = taken.filter(pl.col("date") <= end).unique("date", keep="last")
        return taken.with_columns(pl.lit(asset).alias("asset"))

    def values(self, asset: str) -> pl.DataFrame:
        """Give share counts and valuation ratios of one share, as far back as the page has them (2018)."""
        query = "stock_value_em"
        rows = self._client.ask(query, tuple(_VALUE.values()), symbol=asset[:6])
        numbers = dict.fromkeys((c for c in _VALUE if c != "date"), 1.0)
        return to_dates(pick(NAME, query, rows, _VALUE, numbers), "date").unique("date")

    def _page(self, query: str, asset: str, start: date, end: date) -> tuple[pl.DataFrame, str]:
        import polars as pl

        columns, unit = _PAGES[query]
        days = {"start_date": f"{start:%Y%m%d}", "end_date": f"{end:%Y%m%d}"}
        if query == "stock_zh_a_hist":
            options = {"symbol": asset[:6], "period": "daily", "adjust": "", **days}
        else:
            if query.endswith("tx"):
                days = {"start_date": str(start), "end_date": str(end)}
            options = {"symbol": prefixed(asset, NAME), "adjust": "", **days}
        rows = self._client.ask(query, tuple(columns.values()), **options)
        scales = dict.fromkeys(_NUMBERS, 1.0)
        if "turnover_rate" in columns:  # in percent at Eastmoney, a fraction at Sina
            scales["turnover_rate"] = 0.01 if query == "stock_zh_a_hist" else 1.0
        taken = to_dates(pick(NAME, query, rows, columns, scales), "date")
        taken = taken.filter(pl.col("date").is_between(start, end))
        return in_shares(taken, NAME, query, expected=unit)

    def _minute_page(
        self, query: str, asset: str, minutes: int, days: tuple[date, date]
    ) -> tuple[pl.DataFrame, str]:
        import polars as pl

        columns, unit = _MINUTES[query]
        first, last = days
        if query == "stock_zh_a_minute":  # gives what it has, whatever days are wished
            options = {"symbol": prefixed(asset, NAME), "period": str(minutes), "adjust": ""}
        else:
            options = {
                "symbol": asset[:6],
                "start_date": f"{first} 09:00:00",
                "end_date": f"{last} 15:00:00",
                "period": str(minutes),
                "adjust": "",
            }
        rows = self._client.ask(query, tuple(columns.values()), **options)
        numbers = dict.fromkeys((c for c in _NUMBERS if c in columns), 1.0)
        taken = pick(NAME, query, rows, columns, numbers)
        moment = pl.col("time").cast(pl.String).str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
        taken = taken.with_columns(moment.alias("time"), pl.lit(asset).alias("asset"))
        if "amount" not in taken.columns:
            taken = taken.with_columns(pl.lit(None, pl.Float64).alias("amount"))
        taken = taken.filter(pl.col("time").dt.date().is_between(first, last))
        return in_shares(taken, NAME, query, expected=unit)
