"""Rules of the A-share exchanges: who may be bought and sold at which price, and in which lots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from superhet.backtest.base import RULES, Codes, Fill, RuleTable
from superhet.backtest.costs import CostSchedule
from superhet.backtest.rules.boards import boards, order_sizes
from superhet.backtest.rules.listing import closed_market
from superhet.kernels.ledger_books import LIMIT_DOWN, LIMIT_UP
from superhet.panel import Market
from superhet.panel.panel import Array

HALF_A_TICK = 0.005  # prices move in steps of 0.01 yuan

LIMIT_TEST = {
    "open": "an open at the upper limit cannot be bought, one at the lower limit cannot be sold",
    "close": "a close at the upper limit cannot be bought, one at the lower limit cannot be sold",
    "vwap": "a session locked at the upper limit (high = low = limit) cannot be bought, one locked "
    "at the lower limit cannot be sold",
}


@RULES.add("ashare")
@dataclass(frozen=True, kw_only=True)
class AShareRules:
    """Suspensions, price limits, lots by board, T+1.

    T+1 holds by construction: a session fills one order an asset, and sells come before buys, so that no
    share bought today is sold today.

    Parameters
    ----------
    limits : whether price limits hold back orders
    """

    limits: bool = True
    costs: ClassVar[CostSchedule] = CostSchedule(
        commission=2.5e-4,
        commission_minimum=5.0,
        commission_per_share=0.0,
        # halved on 2023-08-28 (Ministry of Finance, notice 39 of 2023); before 2008-09-19 buyers paid too
        # and rates were higher, which is left out
        stamp_duty=(("1990-12-19", 1e-3), ("2023-08-28", 5e-4)),
        # ChinaClear: 0.02 per mille until 2022-04-28, then 0.01 per mille
        transfer_fee=(("1990-12-19", 2e-5), ("2022-04-29", 1e-5)),
        slippage=5e-4,
        borrow=0.08,
    )
    periods_per_year: ClassVar[int] = 244

    def table(self, market: Market, fill: Fill) -> RuleTable:
        """Tabulate the rules for orders filled at `fill` of each session."""
        blocked = closed_market(market, fill)
        buy, sell = blocked.copy(), blocked
        if self.limits and "limit_up" in market and "limit_down" in market:
            up, down = _at_limits(market, fill)
            _mark(buy, up, LIMIT_UP)
            _mark(sell, down, LIMIT_DOWN)
        names = boards(market)
        minimum, step = order_sizes(names, market.assets)
        return RuleTable(
            buy_block=buy,
            sell_block=sell,
            minimum=minimum,
            step=step,
            conventions={
                "price limits": LIMIT_TEST[fill] if self.limits else "not applied",
                "lots": "100 shares; STAR at least 200 then 1; BSE at least 100 then 1; an odd rest is "
                "sold only whole, when the position is closed",
                "t+1": "holds by construction: one fill a session, sells before buys",
            },
        )


def _at_limits(market: Market, fill: Fill) -> tuple[Array, Array]:
    up, down = market["limit_up"].values, market["limit_down"].values
    if fill == "vwap":
        low, high = market["low"].values, market["high"].values
    else:
        low = high = market[fill].values
    # comparisons with NaN are False: no limit, no lock
    return low > up - HALF_A_TICK, high < down + HALF_A_TICK


def _mark(codes: Codes, where: Array, code: int) -> None:
    codes[np.logical_and(where, codes == 0)] = code
