"""Trading rules of markets, as tables."""

from superhet.backtest.rules.ashare import AShareRules
from superhet.backtest.rules.boards import board_of
from superhet.backtest.rules.us import USRules

__all__ = ["AShareRules", "USRules", "board_of"]
