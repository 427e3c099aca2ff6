"""Engines: ways to turn weights into books."""

from superhet.backtest.engines.backtrader import BacktraderEngine
from superhet.backtest.engines.native import NativeEngine
from superhet.backtest.engines.qlib import QlibEngine
from superhet.backtest.engines.vnpy import VnpyEngine

__all__ = ["BacktraderEngine", "NativeEngine", "QlibEngine", "VnpyEngine"]
