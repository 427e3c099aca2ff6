"""Blocks: what a page is made of. A page holds sections, a section holds cards, a card shows one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Option: TypeAlias = dict[str, Any]
Verdict: TypeAlias = Literal["pass", "fail", "none", "explained"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    title : the heading
    kind : how numbers are written (`numbers.show`), or "text", "long" (broken into lines), "code", "badge",
        "link"
    signed : colour the number by its sign, in the direction of the market's habit
    """

    title: str
    kind: str = "n3"
    signed: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under columns.

    Parameters
    ----------
    columns : the columns
    rows : cells, one tuple a row
    heat : shade numbers by size, in the direction of the market's habit
    csv : a data address that a button saves as `csv_name`
    totals : rows that stay in sight below the others
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[object]]
    heat: float = 0.0
    csv: str = ""
    csv_name: str = ""
    totals: Sequence[Sequence[object]] = ()


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A key number with its meaning in plain words."""

    title: str
    value: str
    meaning: str
    sign: int = 0


@dataclass(frozen=True, kw_only=True)
class Check:
    """A row that passes or fails: the value beside its threshold."""

    title: str
    value: str
    threshold: str
    verdict: Verdict
    meaning: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One thing on a page; exactly one of the contents is set.

    Parameters
    ----------
    id : unique in the report; a figure's option is stored under it
    title, note : heading, and how to read it
    wide : take the whole width
    height : of a figure, pixels
    """

    id: str
    title: str
    note: str = ""
    wide: bool = False
    height: int = 300
    figure: Option | None = None
    table: Table | None = None
    tiles: Sequence[Tile] = ()
    checks: Sequence[Check] = ()
    pairs: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    paragraphs: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """Cards under one heading of the index."""

    id: str
    title: str
    note: str = ""
    cards: Sequence[Card] = ()


@dataclass(frozen=True, kw_only=True)
class Page:
    """One tab."""

    id: str
    title: str
    sections: Sequence[Section] = ()
