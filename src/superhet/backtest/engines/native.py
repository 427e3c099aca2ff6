"""The native engine: a tape through the compiled ledger."""

from __future__ import annotations

from dataclasses import dataclass

from superhet.backtest.base import ENGINES
from superhet.backtest.bookkeeping import keep_books
from superhet.backtest.tape import Tape
from superhet.backtest.taping import TapedEngine
from superhet.kernels.ledger_books import LedgerBooks, Opening


@ENGINES.add("native")
@dataclass(frozen=True, kw_only=True)
class NativeEngine(TapedEngine):
    """Trade target weights under the rules of a market, session by session; see `TapedEngine`."""

    def keep(self, tape: Tape, opening: Opening | None = None) -> LedgerBooks:
        """Keep the books of a tape, from cash alone or from an opening book."""
        return keep_books(tape, opening)
