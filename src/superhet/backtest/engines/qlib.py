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
    own: ClassVar[tuple[str, ...]] = (
        "commission_minimum", "stamp_duty", "transfer_fee", "slippage", "volume_cap", "cash", "limits_lots",
    )  # fmt: skip
    """Rules that Qlib has itself: one rate a side and its minimum, its own cut for want of cash, one lot."""
    cannot: ClassVar[tuple[str, ...]] = ("borrow", "dated_rates", "shorts")
