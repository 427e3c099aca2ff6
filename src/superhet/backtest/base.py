"""The protocols of the room: market rules, engines, and their registries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from superhet.backtest.costs import CostSchedule
from superhet.panel import BacktestResult, Market, Panel
from superhet.registry import Registry

Fill: TypeAlias = Literal["open", "vwap", "close"]
Codes: TypeAlias = npt.NDArray[np.int8]
Lots: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class RuleTable:
    """What the exchange allows, symbol by symbol and day by day.

    Parameters
    ----------
    buy_block, sell_block : [dates, assets], 0 = allowed, else a code of `kernels.ledger_books.REFUSALS`
    minimum : [assets], shares of the smallest opening order
    step : [assets], shares by which orders grow
    conventions : rule -> what is assumed, in words
    """

    buy_block: Codes
    sell_block: Codes
    minimum: Lots
    step: Lots
    conventions: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class MarketRules(Protocol):
    """The rules of one exchange."""

    costs: ClassVar[CostSchedule]
    periods_per_year: ClassVar[int]

    def table(self, market: Market, fill: Fill) -> RuleTable:
        """Tabulate the rules for orders filled at `fill` of each session."""
        ...


@runtime_checkable
class Engine(Protocol):
    """Target weights in, books out."""

    def run(self, weights: Panel, market: Market) -> BacktestResult:
        """Trade target weights, decided at the closes of `weights.dates`."""
        ...


RULES: Registry[type[MarketRules]] = Registry("market rules")
ENGINES: Registry[type[Engine]] = Registry("engine")
