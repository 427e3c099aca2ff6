"""The tables of a store: which columns they have, what each means, and which values are impossible.

One `Table` a table of docs/design.md. Nothing else in the house knows which column is a key, which one
dates a row, and from when a row may be used; `superhet.data.checking` holds a frame against it.
"""

from __future__ import annotations

from collections.abc import Mapping

from superhet.data.table import Field, Table
from superhet.errors import UnknownName

_DATE = Field(kind="date", required=True)
_TIME = Field(kind="time", required=True)
_TEXT = Field(kind="text", required=True)
_LATER = Field(kind="date")
_PRICE = Field(unit="price", required=True, rule="positive")
_LIMIT = Field(unit="price", rule="positive")
_SHARES = Field(unit="shares", rule="not_negative")
_VOLUME = Field(unit="shares", rule="not_negative", required=True)
_AMOUNT = Field(unit="currency", rule="not_negative")
_BARS = {
    **{name: _PRICE for name in ("open", "high", "low", "close")},
    "volume": _VOLUME,
    "amount": _AMOUNT,
}
MINUTES = (1, 5, 15, 30, 60)


def _minute_bars(minutes: int) -> Table:
    return Table(
        name=f"bars_{minutes}min",
        key=("time", "asset"),
        columns={"time": _TIME, "asset": _TEXT, **_BARS},
        date="time",
        known_at="time",
        known="time",
        frequency=f"{minutes}min",
        period="month",
        ordered=True,
        sessions=True,
    )


def _daily(name: str, columns: Mapping[str, Field], *, open_ended: bool = False) -> Table:
    return Table(
        name=name,
        key=("date", "asset"),
        columns={"date": _DATE, "asset": _TEXT, **columns},
        date="date",
        known_at="date",
        known="session",
        frequency="1d",
        period="year",
        open_ended=open_ended,
        ordered=True,
        sessions=True,
    )


def _spells(table: str, key: tuple[str, ...], **further: Field) -> Table:
    """Make a table of what holds from `start_date` to before `end_date`."""
    of = {k: _TEXT for k in key} | {k: f for k, f in further.items() if f is _TEXT}
    return Table(
        name=table,
        key=(*key, "start_date"),
        columns={**of, "start_date": _DATE, "end_date": _LATER, **further},
        date="start_date",
        known_at="start_date",
        known="session",
    )


def _announced(
    name: str,
    columns: Mapping[str, Field],
    *,
    key: tuple[str, ...] = ("asset", "report_date"),
    frequency: str = "quarterly",
    open_ended: bool = True,
) -> Table:
    """Make a table of what a company, or somebody about it, publishes of a period; revisions are kept."""
    return Table(
        name=name,
        key=(*key, "announce_date", "revision"),
        columns={
            **dict.fromkeys((k for k in key if k != "report_date"), _TEXT),
            "report_date": _DATE,
            "announce_date": _DATE,
            "revision": Field(kind="count", rule="not_negative"),
            "announce_time": Field(kind="time"),
            **columns,
        },
        date="announce_date",
        known_at="announce_date",
        known="next_session",
        frequency=frequency,
        period="year",
        open_ended=open_ended,
    )


_FLAG = Field(kind="flag")
_SHARE = Field(unit="ratio", rule="not_negative")

_ALL = (
    _daily(
        "bars_1d",
        {
            **_BARS,
            "adjust_factor": Field(unit="ratio", rule="positive"),
            "float_shares": _SHARES,
            "total_shares": _SHARES,
            "limit_up": _LIMIT,
            "limit_down": _LIMIT,
            "suspended": _FLAG,
            "is_st": _FLAG,
        },
    ),
    *(_minute_bars(m) for m in MINUTES),
    _daily("daily", {}, open_ended=True),
    Table(
        name="adjust_factors",
        key=("asset", "date"),
        columns={
            "asset": _TEXT,
            "date": _DATE,
            "adjust_factor": Field(unit="ratio", rule="positive", required=True),
        },
        date="date",
        known_at="date",
        known="session",
    ),
    Table(
        name="corporate_actions",
        key=("asset", "ex_date"),
        columns={
            "asset": _TEXT,
            "ex_date": _DATE,
            "announce_date": _LATER,
            "cash": Field(unit="price", rule="not_negative"),
            "bonus": _SHARE,
            "rights": _SHARE,
            "rights_price": Field(unit="price", rule="not_negative"),
            "split": Field(unit="ratio", rule="positive"),
        },
        date="ex_date",
        known_at="ex_date",
        known="session",
    ),
    Table(
        name="securities",
        key=("asset",),
        columns={
            "asset": _TEXT,
            "name": Field(kind="text"),
            "board": Field(kind="text"),
            "list_date": _LATER,
            "delist_date": _LATER,
        },
        frequency="static",
    ),
    _spells(
        "status",
        ("asset",),
        is_st=Field(kind="flag", required=True),
        name=Field(kind="text"),
    ),
    _spells("industry", ("asset", "scheme"), industry=_TEXT),
    _spells("index_members", ("index", "asset")),
    Table(
        name="index_weights",
        key=("index", "date", "asset"),
        columns={
            "index": _TEXT,
            "date": _DATE,
            "asset": _TEXT,
            "weight": Field(unit="weight", required=True, rule="not_negative"),
        },
        date="date",
        known_at="date",
        known="session",
    ),
    Table(
        name="index_bars",
        key=("index", "date"),
        columns={
            "index": _TEXT,
            "date": _DATE,
            **{name: _LIMIT for name in ("open", "high", "low")},
            "close": _PRICE,
            "volume": _SHARES,
            "amount": _AMOUNT,
        },
        date="date",
        known_at="date",
        known="session",
        frequency="1d",
        ordered=True,
        sessions=True,
    ),
    Table(
        name="risk_free",
        key=("date",),
        columns={"date": _DATE, "rate": Field(unit="return", required=True)},
        date="date",
        known_at="date",
        known="session",
        frequency="1d",
        ordered=True,
    ),
    _announced(
        "statements",
        {"update_date": _LATER, "report_type": Field(kind="text")},
    ),
    _announced(
        "forecasts",
        {
            "kind": Field(kind="text"),
            "profit_low": Field(unit="currency"),
            "profit_high": Field(unit="currency"),
            "change_low": Field(unit="ratio"),
            "change_high": Field(unit="ratio"),
        },
        open_ended=False,
    ),
    _announced("express_reports", {}),
    _announced(
        "estimates",
        {"rating": Field(kind="text")},
        key=("asset", "broker", "report_date"),
        frequency="event",
    ),
    Table(
        name="macro",
        key=("series", "period", "release_date"),
        columns={
            "series": _TEXT,
            "period": _DATE,
            "release_date": _DATE,
            "value": Field(required=True),
        },
        date="release_date",
        known_at="release_date",
        known="session",
        frequency="monthly",
    ),
    Table(
        name="calendar",
        key=("date",),
        columns={"date": _DATE},
        date="date",
        frequency="1d",
        ordered=True,
    ),
    Table(
        name="quarantine",
        key=("table", "fault"),
        columns={
            "table": _TEXT,
            "fault": _TEXT,
            "rule": _TEXT,
            "file": Field(kind="text"),
            "row": Field(kind="count"),
            "column": Field(kind="text"),
            "message": Field(kind="text"),
            "cells": _TEXT,
        },
        frequency="static",
    ),
)

TABLES: Mapping[str, Table] = {table.name: table for table in _ALL}


def table_spec(name: str, key: str = "") -> Table:
    """Give the table of that name.

    Raises
    ------
    UnknownName
        with near misses; `key` is the configuration path that named it
    """
    if name not in TABLES:
        raise UnknownName("table", name, TABLES, key)
    return TABLES[name]
