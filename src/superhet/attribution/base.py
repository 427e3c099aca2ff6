"""The protocol of the room: an attributor explains the return of a backtest."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from superhet.panel import Attribution, BacktestResult, Market
from superhet.registry import Registry


@runtime_checkable
class Attributor(Protocol):
    """Books in, effects out."""

    def attribute(self, result: BacktestResult, market: Market) -> Attribution:
        """Split the net return of every session into named effects."""
        ...


ATTRIBUTORS: Registry[type[Attributor]] = Registry("attribution")
