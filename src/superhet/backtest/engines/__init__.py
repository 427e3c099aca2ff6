"""Engines: ways to turn weights into books."""

from superhet.backtest.engines.native import NativeEngine

__all__ = ["NativeEngine"]
