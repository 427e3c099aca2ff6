"""The vn.py engine: its portfolio backtest keeps the books, by `programs/vnpy_book.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from superhet.backtest.base import ENGINES
from superhet.backtest.engines.outside import OutsideEngine


@ENGINES.add("vnpy")
@dataclass(frozen=True, kw_only=True)
class VnpyEngine(OutsideEngine):
    """Trade target weights in vn.py (VeighNa, installed by the user); fills once a session."""

    name: ClassVar[str] = "vnpy"
    module: ClassVar[str] = "vnpy_portfoliostrategy"
    own: ClassVar[tuple[str, ...]] = ("shorts",)
    """Rules that it has itself; our adapter adds the others."""
