"""The protocol of the room: a rule turns an alpha into target weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

from superhet.panel import Market, Panel, RiskSnapshot
from superhet.registry import Registry

Risk: TypeAlias = Callable[[Any], RiskSnapshot]


@runtime_checkable
class PortfolioRule(Protocol):
    """Alpha in, target weights out."""

    def weights(self, alpha: Panel, market: Market, risk: Risk | None = None) -> Panel:
        """Give target weights on the dates of `alpha`, which are decision dates.

        Weights are signed fractions of capital. A date without any known alpha is no decision: its row
        is NaN. On all other dates every asset has a weight, 0 outside the pool.
        """
        ...


PORTFOLIO_RULES: Registry[type[PortfolioRule]] = Registry("portfolio rule")
