"""Weights in, money out: market rules, costs, ledger, engines."""

from superhet.backtest.actions import ActionsDisagree, BookedActions, corporate_actions
from superhet.backtest.base import ENGINES, RULES, Engine, MarketRules, RuleTable
from superhet.backtest.costs import NO_COSTS, Costs, CostSchedule
from superhet.backtest.engines import NativeEngine
from superhet.backtest.fills import FillPrices, FillWindow, fill_prices
from superhet.backtest.frictions import Frictions, FrictionTerms, friction_terms
from superhet.backtest.lending import Lending, LendingTerms, lending_terms
from superhet.backtest.multi import BookOfStrategies, netted, run_book
from superhet.backtest.rules import AShareRules, NoRules, USRules
from superhet.backtest.tape import Tape, read_tape, write_tape
from superhet.backtest.taping import TapedEngine

__all__ = [
    "ENGINES",
    "NO_COSTS",
    "RULES",
    "AShareRules",
    "ActionsDisagree",
    "BookOfStrategies",
    "BookedActions",
    "CostSchedule",
    "Costs",
    "Engine",
    "FillPrices",
    "FillWindow",
    "FrictionTerms",
    "Frictions",
    "Lending",
    "LendingTerms",
    "MarketRules",
    "NativeEngine",
    "NoRules",
    "RuleTable",
    "Tape",
    "TapedEngine",
    "USRules",
    "corporate_actions",
    "fill_prices",
    "friction_terms",
    "lending_terms",
    "netted",
    "read_tape",
    "run_book",
    "write_tape",
]
