"""What a table is: its columns with unit and rule, its key, and from when a row may be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["date", "time", "text", "number", "count", "flag"]
Rule = Literal["", "positive", "not_negative"]
Period = Literal["", "year", "month"]
Known = Literal["static", "session", "next_session", "time"]


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
    frequency : how often rows come: "1d", "15min", "quarterly", "monthly", or "event" for whenever it happens
    known_at : the column from which on a row may be used; None for static tables
    known : when on that day: "session" = by its close; "next_session" = after its close, so from the next
        session on (the table's meta data may say `known_at: same_day`, and a row's `announce_time` counts);
        "time" = at the moment itself
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
    known: Known = "static"
    frequency: str = "event"
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

    @property
    def newest_of(self) -> tuple[str, ...]:
        """The key without what tells revisions of one fact apart."""
        return tuple(k for k in self.key if k not in ("revision", self.known_at))

    def field_of(self, column: str) -> Field | None:
        """Give the field of a column; a number for a further column of an open table; else None."""
        if column in self.columns:
            return self.columns[column]
        return Field() if self.open_ended else None
