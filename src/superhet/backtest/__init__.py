"""Weights in, money out: market rules, costs, ledger, engines."""

from superhet.backtest.base import ENGINES, RULES, Engine, MarketRules, RuleTable
from superhet.backtest.costs import NO_COSTS, Costs, CostSchedule
from superhet.backtest.engines import NativeEngine
from superhet.backtest.rules import AShareRules, USRules

__all__ = [
    "ENGINES",
    "NO_COSTS",
    "RULES",
    "AShareRules",
    "CostSchedule",
    "Costs",
    "Engine",
    "MarketRules",
    "NativeEngine",
    "RuleTable",
    "USRules",
]
