"""What every part of a factor page is given: the study and the words; small helpers to make cards of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from superhet.report.blocks import Card, Column, Option, Section, Table
from superhet.report.catalogue import Text
from superhet.report.context import whole_rows
from superhet.report.factor_study import FactorStudy, Series, numbers
from superhet.report.numbers import MISSING, show

AXIS = "@axis:dates"
WINDOW = 20


@dataclass(frozen=True, kw_only=True)
class FactorContext:
    """A study and the words to show it.

    A card is titled ``factor.card.ID`` and explained by ``factor.note.ID`` of the catalogue.

    Parameters
    ----------
    study : the factor
    text : the words
    home : address of the board
    beside : other language -> address of the same page
    """

    study: FactorStudy
    text: Text
    home: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)

    def word(self, key: str, **values: object) -> str:
        """Give a word of the factor pages."""
        return self.text(f"factor.{key}", **values)

    def label(self, key: str, **values: object) -> str:
        """Give a label: one of the factor pages, or one that all pages share."""
        own = f"factor.label.{key}"
        return self.text(own if own in self.text else f"label.{key}", **values)

    def name(self, kind: str, word: str) -> str:
        """Translate a word that comes from data; unknown words stay as they are."""
        own = f"factor.{kind}.{word}"
        return self.text[own] if own in self.text else self.text.name(kind, word)

    def figure(
        self, name: str, option: Option, *, wide: bool = False, height: int = 300, **values: object
    ) -> Card:
        """Make a card that shows a figure."""
        return Card(
            id=name,
            title=self.word(f"card.{name}", **values),
            note=self.word(f"note.{name}", **values),
            figure=option,
            wide=wide,
            height=height,
        )

    def table(self, name: str, table: Table, *, wide: bool = False, **values: object) -> Card:
        """Make a card that shows a table."""
        return Card(
            id=name,
            title=self.word(f"card.{name}", **values),
            note=self.word(f"note.{name}", **values),
            table=table,
            wide=wide,
        )

    def say(self, name: str, *paragraphs: str, wide: bool = False) -> Card:
        """Make a card of sentences."""
        return Card(id=name, title=self.word(f"card.{name}"), paragraphs=paragraphs, wide=wide)

    def section(self, name: str, cards: Sequence[Card | None]) -> Section:
        """Make a section; a card alone in its row is widened."""
        there = [c for c in cards if c is not None]
        return Section(id=name, title=self.word(f"section.{name}"), cards=whole_rows(there))

    def columns(self, *wanted: str) -> list[Column]:
        """Make columns of "label:kind" texts; a kind that ends with "+" is coloured by sign."""
        made = []
        for one in wanted:
            label, _, kind = one.partition(":")
            signed = kind.endswith("+")
            made.append(
                Column(title=self.label(label), kind=kind.rstrip("+") or "n3", signed=signed)
            )
        return made

    @property
    def horizon(self) -> int:
        """The main horizon, sessions."""
        return int(self.study.facts["horizon"])

    @property
    def dates(self) -> list[str]:
        """The dates of all series."""
        return list(self.study.series.get("date", ()))

    def series(self, name: str) -> Series | None:
        """Give a series that has some value; None without."""
        values = self.study.array(name)
        return values if values.size and np.isfinite(values).any() else None


def spread_of(values: Sequence[Mapping[str, Any]], key: str) -> Series:
    """Take one number of each row."""
    return numbers([row.get(key) for row in values])


def shown(value: Any, kind: str) -> str:
    """Write a number, or a threshold of two numbers."""
    if isinstance(value, list | tuple):
        return " … ".join(show(v, kind) for v in value)
    return show(value, kind) if value is not None else MISSING


def interval(low_high: Any, kind: str) -> str:
    """Write an interval."""
    if not low_high or low_high[0] is None:
        return MISSING
    return f"{show(low_high[0], kind)} … {show(low_high[1], kind)}"
