"""The protocol of the room: one cross-section in, one cross-section out, date by date."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from superhet.panel import Market, Panel
from superhet.registry import Registry


@runtime_checkable
class Transformer(Protocol):
    """Changes the values of a signal, never its axes.

    Statistics come from the estimable members; every member is transformed with them; a non-member is
    NaN; NaN stays NaN except in `fill`; nothing after a date may change that date.
    """

    def transform(self, signal: Panel, market: Market) -> Panel:
        """Give the transformed signal, on the same axes."""
        ...


TRANSFORMERS: Registry[type[Transformer]] = Registry("transformer")
