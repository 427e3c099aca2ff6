"""The Qlib engine: its account and exchange keep the books, by `programs/qlib_book.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from superhet.backtest.base import ENGINES
from superhet.backtest.engines.outside import OutsideEngine


@ENGINES.add("qlib")
@dataclass(frozen=True, kw_only=True)
class QlibEngine(OutsideEngine):
    """Trade target weights on Qlib's executor; long only, flat rates, fills once a session."""

    name: ClassVar[str] = "qlib"
    module: ClassVar[str] = "qlib"
    own: ClassVar[tuple[str, ...]] = ("stamp_duty", "volume_cap", "cash", "limits_lots")
    """Rules that Qlib has itself: one stamp duty for all dates, its own cut for want of cash, one lot."""
    cannot: ClassVar[tuple[str, ...]] = ("borrow",)
