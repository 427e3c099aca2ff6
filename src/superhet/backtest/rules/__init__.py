"""Trading rules of markets, as tables."""

from superhet.backtest.rules.ashare import AShareRules
from superhet.backtest.rules.boards import board_of, boards
from superhet.backtest.rules.none import NoRules
from superhet.backtest.rules.us import USRules

__all__ = ["AShareRules", "NoRules", "USRules", "board_of", "boards"]
