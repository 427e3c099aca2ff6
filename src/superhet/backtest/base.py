"""The protocols of the room: market rules, engines, and their registries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from superhet.backtest.costs import CostSchedule
from superhet.backtest.fills import FillPrices, FillSpec
from superhet.panel import BacktestResult, Market, Panel
from superhet.registry import Registry

Codes: TypeAlias = npt.NDArray[np.int8]
Lots: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class RuleTable:
    """What the exchange allows, symbol by symbol and step by step.

    Parameters
    ----------
    buy_block, sell_block : [steps, assets], 0 = allowed, else a code of `kernels.ledger_books.REFUSALS`;
        a fill at a word of the daily bar has one step a session
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

    def table(self, market: Market, fill: FillSpec | FillPrices) -> RuleTable:
        """Tabulate the rules for the steps of a fill."""
        ...


@runtime_checkable
class Engine(Protocol):
    """Target weights in, books out."""

    def run(self, weights: Panel, market: Market) -> BacktestResult:
        """Trade target weights, decided at the closes of `weights.dates`."""
        ...


RULES: Registry[type[MarketRules]] = Registry("market rules")
ENGINES: Registry[type[Engine]] = Registry("engine")
