"""The protocol of the room: a model learns from a market and gives the risk of any date it has seen."""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

from superhet.panel import Market, RiskSnapshot
from superhet.panel.axes import DateLike
from superhet.registry import Registry


@runtime_checkable
class RiskModel(Protocol):
    """Forecasts the covariance of returns.

    What it gives for date *t* must be the same, bit for bit, whether it was fitted on a market or on that
    market until *t*: a snapshot is known at the close of its date.
    """

    def fit(self, market: Market) -> Self:
        """Learn from a market; gives a fitted model and leaves this one as it is."""
        ...

    def at(self, date: DateLike) -> RiskSnapshot:
        """Give the risk as it was known at the close of a date."""
        ...


RISK_MODELS: Registry[type[Any]] = Registry("risk model")
