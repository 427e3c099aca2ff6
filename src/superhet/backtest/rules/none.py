"""No rules: what trades can be bought and sold, in single shares and without costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from superhet.backtest.base import RULES, RuleTable
from superhet.backtest.costs import CostSchedule
from superhet.backtest.fills import FillPrices, FillSpec
from superhet.backtest.rules.listing import single_shares
from superhet.panel import Market


@RULES.add("none")
@dataclass(frozen=True, kw_only=True)
class NoRules:
    """Only what cannot be helped: an asset without trade or listing cannot be filled."""

    costs: ClassVar[CostSchedule] = CostSchedule(
        commission=0.0,
        commission_minimum=0.0,
        commission_per_share=0.0,
        stamp_duty=(),
        transfer_fee=(),
        slippage=0.0,
        borrow=0.0,
    )
    periods_per_year: ClassVar[int] = 252

    def table(self, market: Market, fill: FillSpec | FillPrices) -> RuleTable:
        """Tabulate the rules for the steps of a fill."""
        return single_shares(market, fill, {"costs": "none unless set"})
