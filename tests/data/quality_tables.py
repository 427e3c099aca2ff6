"""Small tables without any fault, and one planting of each rule of the data check.

A planting is the tables, changed in one way, with the number of cases that the rule must count. It may
make other rules speak too: a jump is a jump whatever made it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import polars as pl

from superhet.data.base import MemoryTables
from superhet.data.quality import QualityReport, check

DAYS = [date(2020, 1, 1) + timedelta(days=i) for i in range(10)]
Frames = dict[str, pl.DataFrame]


def bars(days: Sequence[date] = DAYS, asset: str = "A", **changes: Any) -> pl.DataFrame:
    """Make daily bars of one share that rise by a dime a day."""
    close = [10.0 + 0.1 * (i % 7) for i in range(len(days))]
    columns = {
        "date": list(days),
        "asset": [asset] * len(days),
        "open": close,
        "high": [c + 0.2 for c in close],
        "low": [c - 0.2 for c in close],
        "close": close,
        "volume": [100.0 + i for i in range(len(days))],
        "adjust_factor": [1.0] * len(days),
    }
    frame = pl.DataFrame({**columns, **changes}, strict=False)
    if "amount" not in changes:
        frame = frame.with_columns(amount=pl.col("close") * pl.col("volume"))
    return frame


def many(assets: int, days: int, start: date = date(2018, 1, 1)) -> pl.DataFrame:
    """Make daily bars of many shares, 0, 1, 2 … as 000001.SZ or .SH in turn."""
    axis = [start + timedelta(days=i) for i in range(days)]
    names = [f"{i:06d}.{('SZ', 'SH')[i % 2]}" for i in range(assets)]
    return pl.concat([bars(axis, name) for name in names]).sort("date", "asset")


def minutes(of: pl.DataFrame) -> pl.DataFrame:
    """Cut each day into two bars, at 10:00 and at 15:00."""
    rows = of.select(
        "date", "asset", "open", "high", "low", "close", pl.col("volume", "amount") / 2
    )
    stamp = pl.col("date").cast(pl.Datetime("ms"))
    parts = [rows.with_columns(time=stamp + timedelta(hours=hour)) for hour in (10, 15)]
    return pl.concat(parts).drop("date").sort("time", "asset")


def statements(quarters: int = 8, asset: str = "A", **changes: Any) -> pl.DataFrame:
    """Make quarterly statements, each announced 20 to 40 days after its period."""
    ends = [date(2018 + q // 4, 3 * (q % 4) + 3, (31, 30, 30, 31)[q % 4]) for q in range(quarters)]
    columns = {
        "asset": [asset] * quarters,
        "report_date": ends,
        "announce_date": [end + timedelta(days=20 + q % 5) for q, end in enumerate(ends)],
        "revision": [0] * quarters,
        "total_assets": [1000.0 + q for q in range(quarters)],
        "total_liabilities": [400.0] * quarters,
        "total_equity": [600.0 + q for q in range(quarters)],
        "revenue": [50.0 + q for q in range(quarters)],
    }
    return pl.DataFrame({**columns, **changes})


def macro(months: int = 36, name: str = "cpi", start: int = 0) -> pl.DataFrame:
    """Make a monthly series, released 8 to 16 days after its month, revised once."""
    firsts = [date(2017 + m // 12, m % 12 + 1, 1) for m in range(start, start + months + 1)]
    ends = [f - timedelta(days=1) for f in firsts[1:]]
    first = pl.DataFrame(
        {
            "series": [name] * months,
            "period": ends,
            "release_date": [e + timedelta(days=8 + 2 * (i % 5)) for i, e in enumerate(ends)],
            "value": [100.0 + i for i in range(months)],
        }
    )
    again = first[:1].with_columns(release_date=pl.lit(date(2021, 1, 5)))
    return pl.concat([first, again]).sort("release_date", "series")


def spells(**changes: Any) -> pl.DataFrame:
    """Make the memberships of A and B in an index, side by side and one after the other."""
    columns = {
        "index": ["X", "X"],
        "asset": ["A", "A"],
        "start_date": [DAYS[0], DAYS[5]],
        "end_date": [DAYS[5], None],
    }
    return pl.DataFrame({**columns, **changes})


def clean() -> Frames:
    """Make a store of all kinds of tables without a fault."""
    weights = {"index": ["X"], "date": [DAYS[0]], "asset": ["A"], "weight": [1.0]}
    labels = {
        "asset": ["A"],
        "scheme": ["sw1"],
        "industry": ["banks"],
        "start_date": [date(2019, 1, 1)],
    }
    return {
        "bars_1d": bars(),
        "bars_15min": minutes(bars()),
        "calendar": pl.DataFrame({"date": DAYS}),
        "securities": pl.DataFrame({"asset": ["A"], "list_date": [DAYS[0]]}),
        "statements": statements(),
        "macro": macro(),
        "industry": pl.DataFrame(labels),
        "index_members": spells(),
        "index_weights": pl.DataFrame(weights),
    }


def looked_through(frames: Frames, **more: Any) -> QualityReport:
    """Check tables in memory."""
    return check(MemoryTables(frames, meta=more.pop("meta", None)), **more)


@dataclass(frozen=True)
class Planting:
    """One way to break one rule.

    Parameters
    ----------
    finding : table.rule, or table.field.rule
    count : cases that must be counted
    frames : makes the tables
    """

    finding: str
    count: int
    frames: Callable[[], Frames]
    meta: Mapping[str, Any] = field(default_factory=dict)
    against: Callable[[], Frames] | None = None

    def report(self) -> QualityReport:
        """Check the tables."""
        other = None if self.against is None else MemoryTables(self.against())
        return check(MemoryTables(self.frames(), meta=self.meta), against=other)


def _with(table: str, made: Callable[[], pl.DataFrame]) -> Callable[[], Frames]:
    return lambda: {**clean(), table: made()}


def _bars(**changes: Any) -> Callable[[], Frames]:
    return _with("bars_1d", lambda: bars(**changes))


def _cell(frame: pl.DataFrame, row: int, **values: Any) -> pl.DataFrame:
    """Write cells of one row."""
    number = pl.int_range(pl.len())
    return frame.with_columns(
        pl.when(number == row).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


def _minute(row: int, **values: Any) -> Callable[[], Frames]:
    return _with("bars_15min", lambda: _cell(minutes(bars()), row, **values))


def _statement(row: int, **values: Any) -> Callable[[], Frames]:
    return _with("statements", lambda: _cell(statements(), row, **values))


def _only(
    frame: Callable[[], pl.DataFrame], **more: Callable[[], pl.DataFrame]
) -> Callable[[], Frames]:
    return lambda: {"bars_1d": frame(), **{n: make() for n, make in more.items()}}


def _months_of_holes() -> pl.DataFrame:
    """Lose half of a month of all shares of Shenzhen."""
    frame = many(20, 200)
    gone = pl.col("date").is_between(date(2018, 3, 5), date(2018, 3, 20))
    return frame.filter(~(gone & pl.col("asset").str.ends_with(".SZ")))


def _halved() -> pl.DataFrame:
    """Halve all prices from the sixth day on."""
    half = pl.when(pl.int_range(pl.len()) >= 5).then(0.5).otherwise(1.0)
    return bars().with_columns(pl.col("open", "high", "low", "close") * half)


def _came_back() -> pl.DataFrame:
    axis = [date(2018, 1, 1) + timedelta(days=i) for i in range(300)]
    old, new = bars(axis[:20]), bars(axis[-20:])
    prices = ["open", "high", "low", "close"]
    return pl.concat([old, new.with_columns(pl.col(prices) * 8)])


def _shares(*counts: float) -> list[float]:
    return [*counts, *[counts[-1]] * (len(DAYS) - len(counts))]


def _estimated() -> pl.DataFrame:
    frame = many(1, 400)
    month = pl.col("date").dt.year() * 12 + pl.col("date").dt.month()
    return frame.with_columns(float_shares=1e6 + 100.0 * (month % 7))


def _closes() -> pl.DataFrame:
    return many(3, 20).with_columns(open=pl.col("close"), high=pl.col("close"), low=pl.col("close"))


def _thin() -> pl.DataFrame:
    late = many(4, 31, date(2018, 2, 1))
    return pl.concat([late, bars([date(2018, 1, 10)], "000000.SZ")]).sort("date", "asset")


def _three_assets(days: Sequence[int]) -> pl.DataFrame:
    """Make statements of 30 assets, each announced so many days after its period, in turn."""
    every = [statements(1, f"{i:03d}") for i in range(30)]
    frame = pl.concat(every)
    wait = pl.Series([days[i % len(days)] for i in range(30)])
    return frame.with_columns(announce_date=pl.col("report_date") + pl.duration(days=wait))


def _seasonal() -> pl.DataFrame:
    frame = pl.concat([statements(8, f"{i:03d}") for i in range(60)])
    odd = pl.col("report_date").dt.quarter().is_in([2, 3])
    return frame.with_columns(cash_flow=pl.when(~odd).then(1.0))


def _steady() -> pl.DataFrame:
    return macro().with_columns(release_date=pl.col("period") + pl.duration(days=12))


def _two_series(months: int, start: int) -> pl.DataFrame:
    return pl.concat([macro(60), macro(60, "ppi"), macro(months, "m2", start)]).sort("release_date")


def _snapshot(names: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "asset": [f"{i:06d}.{('SZ', 'SH')[i % 2]}" for i in range(names)],
            "scheme": "sw1",
            "industry": "banks",
            "start_date": date(2018, 1, 1),
        }
    )


def _set_aside() -> Frames:
    row = {
        "table": ["bars_1d"],
        "fault": ["f"],
        "rule": ["bad_ohlc"],
        "file": ["a.csv"],
        "row": [3],
        "column": ["high"],
        "message": ["high 9 is below low"],
        "cells": ["{}"],
    }
    return {**clean(), "quarantine": pl.DataFrame(row)}


_LATER = date(2020, 6, 1)
PLANTINGS = (
    Planting("bars_1d.duplicate_keys", 1, _bars(date=[*DAYS[:9], DAYS[8]])),
    Planting("statements.revenue.missing_values", 1, _statement(3, revenue=None)),
    Planting("bars_1d.quarantined", 1, _set_aside),
    Planting("bars_1d.dropped_on_import", 7, clean, {"bars_1d": {"dropped": {"no_trade": 7}}}),
    Planting("bars_1d.missing_sessions", 3, _with("bars_1d", lambda: bars()[[2, 3, 7]])),
    Planting(
        "bars_1d.months_with_holes",
        1,
        _only(_months_of_holes, calendar=lambda: many(1, 200).select("date")),
    ),
    Planting("bars_1d.stale_bars", 9, _bars(close=[10.0] * 10, volume=[100.0] * 10)),
    Planting("bars_1d.zero_volume", 2, _bars(volume=[0.0] * 2 + [100.0 + i for i in range(8)])),
    Planting("bars_1d.jumps", 1, _bars(adjust_factor=[1.0] * 5 + [2.0] * 5)),
    Planting(
        "bars_1d.split_suspected",
        1,
        lambda: {"bars_1d": _halved()},
    ),
    Planting("bars_1d.factor_discontinuities", 1, _bars(adjust_factor=[1.0] * 5 + [2.0] * 5)),
    Planting("bars_1d.factor_falls", 1, _bars(adjust_factor=[2.0] * 5 + [1.9] * 5)),
    Planting("bars_1d.forward_adjusted", 1, _bars(adjust_factor=[0.9] * 5 + [1.0] * 5)),
    Planting("bars_1d.bad_ohlc", 1, _bars(high=[9.9] + [11.0] * 9, low=[9.0] * 10)),
    Planting("bars_1d.close_missing", 1, _bars(close=[None] + [10.0 + i / 10 for i in range(9)])),
    Planting("bars_1d.amount_missing", 1, _bars(amount=[None] + [1000.0] * 9)),
    Planting("bars_1d.vwap_outside_bar", 1, _bars(amount=[1e4] + [None] * 9)),
    Planting("bars_1d.unit_slips", 1, _bars(amount=[1e7] + [None] * 9)),
    Planting("bars_1d.shares_slips", 1, _bars(total_shares=_shares(1e6, 1e6, 1e10))),
    Planting("bars_1d.float_shares.shares_estimated", 13, _only(_estimated)),
    Planting("bars_1d.volume_above_shares", 4, _bars(float_shares=[105.0] * 10)),
    Planting("calendar.gaps", 1, _with("bars_1d", lambda: bars()[[0, 1, 3]])),
    Planting("calendar.bars_off_calendar", 1, _bars(date=[*DAYS[:9], date(2020, 2, 1)])),
    Planting("bars_1d.no_delisted", 400, _only(lambda: many(400, 320))),
    Planting(
        "bars_1d.one_exchange",
        24,
        _only(
            lambda: many(48, 5).filter(pl.col("asset").str.ends_with(".SZ")),
        ),
    ),
    Planting("bars_1d.closes_only", 60, _only(_closes)),
    Planting("bars_1d.thin_start", 1, _only(_thin)),
    Planting(
        "bars_1d.reused_symbol", 1, _only(_came_back, calendar=lambda: many(1, 300).select("date"))
    ),
    Planting("bars_15min.incomplete_days", 1, _with("bars_15min", lambda: minutes(bars())[1:])),
    Planting(
        "bars_15min.days_without_minutes",
        1,
        _with("bars_15min", lambda: minutes(bars()[[0, 1, 3]])),
    ),
    Planting("bars_15min.minutes_without_day", 1, _with("bars_1d", lambda: bars()[:9])),
    Planting("bars_15min.volume_differs", 1, _minute(0, volume=1.0)),
    Planting("bars_15min.volume_inexact", 1, _minute(0, volume=51.0)),
    Planting("bars_15min.close_differs", 1, _minute(1, close=10.1)),
    Planting("bars_15min.close_inexact", 1, _minute(1, close=10.001)),
    Planting("bars_15min.open_differs", 1, _minute(0, open=10.1)),
    Planting("bars_15min.open_inexact", 1, _minute(0, open=10.001)),
    Planting("bars_15min.beyond_high_or_low", 1, _minute(0, high=99.0)),
    Planting(
        "bars_15min.high_or_low_missed",
        1,
        _with("bars_15min", lambda: _cell(_cell(minutes(bars()), 0, high=10.1), 1, high=10.1)),
    ),
    Planting("bars_15min.idle_bars", 1, _minute(0, volume=0.0)),
    Planting(
        "statements.announced_before_period", 1, _statement(7, announce_date=date(2019, 12, 30))
    ),
    Planting(
        "statements.announced_on_period_end", 1, _statement(7, announce_date=date(2019, 12, 31))
    ),
    Planting("statements.announced_late", 1, _statement(7, announce_date=_LATER)),
    Planting("statements.older_period", 1, _statement(0, announce_date=_LATER)),
    Planting(
        "statements.restatements",
        1,
        _with(
            "statements",
            lambda: pl.concat(
                [
                    statements(),
                    _cell(statements()[7:], 0, announce_date=_LATER, revision=1, revenue=9.0),
                ]
            ),
        ),
    ),
    Planting(
        "statements.revised_before_original",
        1,
        _with(
            "statements",
            lambda: pl.concat(
                [
                    statements(),
                    _cell(statements()[7:], 0, announce_date=date(2020, 1, 2), revision=1),
                ]
            ),
        ),
    ),
    Planting(
        "statements.dates_alike", 20, _with("statements", lambda: _three_assets([30, 30, 40]))
    ),
    Planting("statements.balance_broken", 1, _statement(3, total_liabilities=300.0)),
    Planting("statements.revenue.statement_unit_slips", 1, _statement(3, revenue=50e4)),
    Planting(
        "statements.periods_missing",
        2,
        _with("statements", lambda: statements()[[0, 1, 2, 3, 6, 7]]),
    ),
    Planting("statements.cash_flow.quarters_missing", 240, _with("statements", _seasonal)),
    Planting("statements.assets_without", 1, _with("statements", lambda: statements(asset="B"))),
    Planting(
        "macro.released_before_period",
        1,
        _with("macro", lambda: _cell(macro(), 3, release_date=date(2017, 1, 3))),
    ),
    Planting(
        "macro.released_on_period_end",
        1,
        _with("macro", lambda: _cell(macro(), 3, release_date=date(2017, 4, 30))),
    ),
    Planting("macro.release_lag_constant", 1, _with("macro", _steady)),
    Planting(
        "macro.single_vintage", 1, _with("macro", lambda: macro().unique("period").sort("period"))
    ),
    Planting(
        "macro.months_missing",
        1,
        _with("macro", lambda: macro().filter(pl.col("period") != date(2018, 5, 31))),
    ),
    Planting(
        "macro.same_month_missing",
        1,
        _with("macro", lambda: macro(48).filter(pl.col("period").dt.month() != 2)),
    ),
    Planting("macro.series_end_early", 1, _with("macro", lambda: _two_series(40, 0))),
    Planting("macro.series_start_late", 1, _with("macro", lambda: _two_series(40, 20))),
    Planting("macro.revised_values", 1, _with("macro", lambda: _cell(macro(), 36, value=7.0))),
    Planting(
        "index_members.members_short",
        1,
        _with(
            "index_members",
            lambda: pl.DataFrame(
                {
                    "index": "X",
                    "asset": ["A", "B", "C", "A"],
                    "start_date": [date(2020, 1, 1)] * 3 + [date(2020, 4, 30)],
                    "end_date": [date(2020, 4, 10)] * 3 + [date(2020, 5, 1)],
                }
            ),
        ),
    ),
    Planting(
        "index_members.members_unknown", 1, _with("index_members", lambda: spells(asset=["A", "B"]))
    ),
    Planting(
        "index_members.weights_missing",
        1,
        lambda: {n: f for n, f in clean().items() if n != "index_weights"},
    ),
    Planting(
        "index_weights.weights_off",
        1,
        _with("index_weights", lambda: clean()["index_weights"].with_columns(weight=pl.lit(0.9))),
    ),
    Planting(
        "industry.labels_missing",
        1,
        _with(
            "industry",
            lambda: clean()["industry"].with_columns(start_date=pl.lit(date(2020, 2, 1))),
        ),
    ),
    Planting(
        "industry.snapshots_only", 1, _only(lambda: many(12, 5), industry=lambda: _snapshot(12))
    ),
    Planting(
        "industry.snapshot_partial", 2, _only(lambda: many(12, 5), industry=lambda: _snapshot(10))
    ),
    Planting(
        "index_members.spells_overlap",
        1,
        _with("index_members", lambda: spells(end_date=[DAYS[7], None])),
    ),
    Planting(
        "index_members.spells_one_day_holes",
        1,
        _with("index_members", lambda: spells(end_date=[DAYS[4], None])),
    ),
    Planting(
        "securities.bars_before_listing",
        1,
        _with("securities", lambda: pl.DataFrame({"asset": ["A"], "list_date": [DAYS[1]]})),
    ),
    Planting(
        "securities.bars_after_delisting",
        1,
        _with("securities", lambda: pl.DataFrame({"asset": ["A"], "delist_date": [DAYS[8]]})),
    ),
    Planting(
        "securities.not_in_securities",
        1,
        _with("securities", lambda: pl.DataFrame({"asset": ["B"]})),
    ),
    Planting(
        "securities.without_bars",
        1,
        _with("securities", lambda: pl.DataFrame({"asset": ["A", "B"]})),
    ),
    Planting(
        "bars_1d.high.vendors_differ", 1, clean, against=_bars(high=[10.3, *bars()["high"][1:]])
    ),
    Planting("bars_1d.returns_differ", 1, clean, against=_bars(adjust_factor=[1.0] * 9 + [1.1])),
    Planting(
        "bars_1d.only_here", 1, clean, against=_with("bars_1d", lambda: bars()[[0, *range(2, 10)]])
    ),
    Planting(
        "bars_1d.only_there", 1, _with("bars_1d", lambda: bars()[[0, *range(2, 10)]]), against=clean
    ),
)
