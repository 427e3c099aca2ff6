"""The Backtrader engine: its broker keeps the books, by `programs/backtrader_book.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from superhet.backtest.base import ENGINES
from superhet.backtest.engines.outside import OutsideEngine


@ENGINES.add("backtrader")
@dataclass(frozen=True, kw_only=True)
class BacktraderEngine(OutsideEngine):
    """Trade target weights in Backtrader (GPL-3, installed by the user); fills once a session."""

    name: ClassVar[str] = "backtrader"
    module: ClassVar[str] = "backtrader"
    own: ClassVar[tuple[str, ...]] = ("shorts",)
    """Rules that it has itself; our adapter adds the others."""
