"""Context: what every page is given, and small helpers to make cards of the catalogue's words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from superhet.report.base import Study
from superhet.report.blocks import Card, Option, Section, Table
from superhet.report.catalogue import Text
from superhet.report.figures import colour
from superhet.report.measures import Measures

FREQUENCIES = ("minute", "daily", "quarterly")


@dataclass(frozen=True, kw_only=True)
class Context:
    """A study, what is measured of it, and the words to say so.

    A card is titled ``card.ID`` and explained by ``note.ID`` of the catalogue.
    """

    study: Study
    measures: Measures
    text: Text

    def figure(
        self, name: str, option: Option, *, wide: bool = False, height: int = 300, **values: object
    ) -> Card:
        """Make a card that shows a figure."""
        return Card(
            id=name,
            title=self.text(f"card.{name}"),
            note=self.text(f"note.{name}", **values),
            figure=option,
            wide=wide,
            height=height,
        )

    def table(self, name: str, table: Table, *, wide: bool = False, **values: object) -> Card:
        """Make a card that shows a table."""
        return Card(
            id=name,
            title=self.text(f"card.{name}"),
            note=self.text(f"note.{name}", **values),
            table=table,
            wide=wide,
        )

    def section(self, name: str, cards: list[Card]) -> Section:
        """Make a section; empty ones are dropped by the page, and a card alone in its row is widened."""
        return Section(id=name, title=self.text(f"section.{name}"), cards=whole_rows(cards))

    def block(self, name: str) -> str:
        """Translate the block of a signal."""
        return self.text.name("block", self.study.signals.blocks.get(name, ""))

    def block_colour(self, block: str) -> str:
        """Give a frequency the same colour everywhere."""
        known = [b for b in FREQUENCIES if b in self.blocks]
        rest = [b for b in self.blocks if b not in FREQUENCIES]
        order = known + rest
        return colour(order.index(block)) if block in order else "@muted"

    @property
    def blocks(self) -> list[str]:
        """The blocks of the signals: known frequencies first, fast to slow."""
        have = set(self.study.signals.blocks.values())
        return [b for b in FREQUENCIES if b in have] + sorted(have - set(FREQUENCIES))


def whole_rows(cards: list[Card]) -> list[Card]:
    """Widen each card that would stand alone in a row of two."""
    out: list[Card] = []
    waiting = False  # a card stands in the left half of the row
    for card in cards:
        if card.wide and waiting:
            out[-1] = replace(out[-1], wide=True)
        waiting = not card.wide and not waiting
        out.append(card)
    if waiting:
        out[-1] = replace(out[-1], wide=True)
    return out


def sign_of(value: float) -> int:
    """Give -1, 0 or 1; 0 where the value is not known."""
    return 0 if not np.isfinite(value) else int(np.sign(value))
