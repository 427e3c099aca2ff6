"""Rules of the US exchanges: no price limits, single shares, no commission unless you set one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from superhet.backtest.base import RULES, Fill, RuleTable
from superhet.backtest.costs import CostSchedule
from superhet.backtest.rules.listing import closed_market
from superhet.panel import Market


@RULES.add("us")
@dataclass(frozen=True, kw_only=True)
class USRules:
    """Suspensions only; the fees of the SEC and FINRA (under 0.3 bp of sales) are left out."""

    costs: ClassVar[CostSchedule] = CostSchedule(
        commission=0.0,
        commission_minimum=0.0,
        commission_per_share=0.0,
        stamp_duty=(),
        transfer_fee=(),
        slippage=5e-4,
        borrow=0.03,
    )
    periods_per_year: ClassVar[int] = 252

    def table(self, market: Market, fill: Fill) -> RuleTable:
        """Tabulate the rules for orders filled at `fill` of each session."""
        blocked = closed_market(market, fill)
        single = np.ones(len(market.assets))
        return RuleTable(
            buy_block=blocked,
            sell_block=blocked,
            minimum=single,
            step=single,
            conventions={
                "price limits": "none",
                "lots": "single shares",
                "SEC and FINRA fees": "left out",
            },
        )
