"""The tables of a store: which columns they have, what each means, and which values are impossible.

One `Table` a table of docs/design.md. Nothing else in the house knows which column is a key, which one
dates a row, and from when a row may be used; `superhet.data.checking` holds a frame against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from superhet.errors import UnknownName

Kind = Literal["date", "time", "text", "number", "count", "flag"]
Rule = Literal["", "positive", "not_negative"]
Period = Literal["", "year", "month"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column.

    Parameters
    ----------
    kind : date (Date), time (Datetime[ms], no zone), text, number (Float64), count (Int64), flag (Boolean)
    unit : unit of the values, as in docs/design.md
    required : whether the table is worthless without it
    rule : what every known value obeys
    """

    kind: Kind = "number"
    unit: str = ""
    required: bool = False
    rule: Rule = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of a store.

    Parameters
    ----------
    key : columns that name a row; none may be missing, and no two rows may share them all
    columns : name -> field, keys included
    date : the column that dates a row and cuts the table into parts; None for static tables
    known_at : the column from which on a row may be used (statements: the session after it, unless their
        meta data say `known_at: same_day`); None for static tables
    period : one part a year or a month, or one part in all
    open_ended : whether further numeric columns are welcome
    ordered : whether the source must give its dates in rising order (asset by asset)
    sessions : whether `date` must be a session of the calendar
    """

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, Field] = field(default_factory=dict)
    date: str | None = None
    known_at: str | None = None
    period: Period = ""
    open_ended: bool = False
    ordered: bool = False
    sessions: bool = False

    @property
    def required(self) -> list[str]:
        """The columns that must be there."""
        return [n for n, f in self.columns.items() if f.required]

    @property
    def range_column(self) -> str | None:
        """The column that `read(start=, end=)` cuts on: known-at, else the date."""
        return self.known_at or self.date

    def field_of(self, column: str) -> Field | None:
        """Give the field of a column; a number for a further column of an open table; else None."""
        if column in self.columns:
            return self.columns[column]
        return Field() if self.open_ended else None


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
        period="month",
        ordered=True,
        sessions=True,
    )


_ALL = (
    Table(
        name="bars_1d",
        key=("date", "asset"),
        columns={
            "date": _DATE,
            "asset": _TEXT,
            **_BARS,
            "adjust_factor": Field(unit="ratio", rule="positive"),
            "float_shares": _SHARES,
            "total_shares": _SHARES,
            "limit_up": _LIMIT,
            "limit_down": _LIMIT,
        },
        date="date",
        known_at="date",
        period="year",
        ordered=True,
        sessions=True,
    ),
    *(_minute_bars(m) for m in MINUTES),
    Table(
        name="daily",
        key=("date", "asset"),
        columns={"date": _DATE, "asset": _TEXT},
        date="date",
        known_at="date",
        period="year",
        open_ended=True,
        ordered=True,
        sessions=True,
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
    ),
    Table(
        name="status",
        key=("asset", "start_date"),
        columns={
            "asset": _TEXT,
            "start_date": _DATE,
            "end_date": _LATER,
            "is_st": Field(kind="flag", required=True),
            "name": Field(kind="text"),
        },
        date="start_date",
        known_at="start_date",
    ),
    Table(
        name="industry",
        key=("asset", "scheme", "start_date"),
        columns={
            "asset": _TEXT,
            "scheme": _TEXT,
            "industry": _TEXT,
            "start_date": _DATE,
            "end_date": _LATER,
        },
        date="start_date",
        known_at="start_date",
    ),
    Table(
        name="index_members",
        key=("index", "asset", "start_date"),
        columns={"index": _TEXT, "asset": _TEXT, "start_date": _DATE, "end_date": _LATER},
        date="start_date",
        known_at="start_date",
    ),
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
        ordered=True,
        sessions=True,
    ),
    Table(
        name="statements",
        key=("asset", "report_date", "announce_date", "revision"),
        columns={
            "asset": _TEXT,
            "report_date": _DATE,
            "announce_date": _DATE,
            "revision": Field(kind="count", rule="not_negative"),
        },
        date="announce_date",
        known_at="announce_date",
        open_ended=True,
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
    ),
    Table(name="calendar", key=("date",), columns={"date": _DATE}, date="date", ordered=True),
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
