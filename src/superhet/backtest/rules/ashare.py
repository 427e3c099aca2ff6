"""Rules of the A-share exchanges: who may be bought and sold at which price, and in which lots.

Limit prices are fields of the market: `data.limits` computes them by board, special treatment, listing age
and date where the store has none. Here they are compared with what traded in the step of a fill.

Sources of the fees
-------------------
Stamp duty: State Administration of Taxation and Ministry of Finance, notices effective 1992-06-12 (0.3 %
from both sides), 1997-05-12 (0.5 %), 1998-06-12 (0.4 %), 2001-11-16 (0.2 %), 2005-01-24 (0.1 %), 2007-05-30
(0.3 %), 2008-04-24 (0.1 %), 2008-09-19 (sellers only), 2023-08-28 (Ministry of Finance, notice 39 of 2023:
halved).

Transfer fee: ChinaClear, notices effective 2015-08-01 (0.02 per mille of value, both sides; before it
Shanghai charged 0.3 per mille of face value and Shenzhen 0.0255 per mille of value, which stands for both)
and 2022-04-29 (0.01 per mille).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from superhet.backtest.base import RULES, Codes, RuleTable
from superhet.backtest.costs import CostSchedule
from superhet.backtest.fills import FillPrices, FillSpec
from superhet.backtest.frozen import frozen
from superhet.backtest.rules.boards import boards, order_sizes
from superhet.backtest.rules.listing import closed_market, priced
from superhet.kernels.ledger_market import limit_codes
from superhet.panel import Market

HALF_A_TICK = 0.005  # prices move in steps of 0.01 yuan

LIMIT_TEST = {
    "open": "an open at the upper limit cannot be bought, one at the lower limit cannot be sold",
    "close": "a close at the upper limit cannot be bought, one at the lower limit cannot be sold",
    "vwap": "a session locked at the upper limit (high = low = limit) cannot be bought, one locked "
    "at the lower limit cannot be sold",
    "window": "a step in which every trade was at the upper limit cannot be bought, one in which every trade "
    "was at the lower limit cannot be sold",
}
NO_LIMITS = "not applied: the market has no fields limit_up and limit_down"

_STAMP_DUTY = (
    ("1990-12-19", 3e-3),
    ("1997-05-12", 5e-3),
    ("1998-06-12", 4e-3),
    ("2001-11-16", 2e-3),
    ("2005-01-24", 1e-3),
    ("2007-05-30", 3e-3),
    ("2008-04-24", 1e-3),
)
SELLERS_ONLY = "2008-09-19"


@RULES.add("ashare")
@dataclass(frozen=True, kw_only=True)
class AShareRules:
    """Suspensions, price limits, lots by board, T+1.

    T+1 holds by construction: an asset has one order a session, in one direction, however many steps it
    takes, so that no share bought today is sold today.
    """

    costs: ClassVar[CostSchedule] = CostSchedule(
        commission=2.5e-4,
        commission_minimum=5.0,
        commission_per_share=0.0,
        stamp_duty=(*_STAMP_DUTY, (SELLERS_ONLY, 1e-3), ("2023-08-28", 5e-4)),
        stamp_duty_buyers=(*_STAMP_DUTY, (SELLERS_ONLY, 0.0)),
        transfer_fee=(("1990-12-19", 2.55e-5), ("2015-08-01", 2e-5), ("2022-04-29", 1e-5)),
        slippage=5e-4,
        borrow=0.08,
        # brokers' list price for margin loans lies near that of lent shares
        margin=0.08,
    )
    periods_per_year: ClassVar[int] = 244

    def table(self, market: Market, fill: FillSpec | FillPrices) -> RuleTable:
        """Tabulate the rules for the steps of a fill."""
        prices = priced(market, fill)
        buy = sell = closed_market(market, prices)
        limited = "limit_up" in market and "limit_down" in market
        if limited:
            buy, sell = at_limits(market, prices, buy)
        names = boards(market)
        minimum, step = order_sizes(names, market.assets)
        test = LIMIT_TEST[prices.spec if isinstance(prices.spec, str) else "window"]
        return RuleTable(
            buy_block=buy,
            sell_block=sell,
            minimum=minimum,
            step=step,
            conventions={
                "price limits": test if limited else NO_LIMITS,
                "lots": "100 shares; STAR at least 200 then 1; BSE at least 100 then 1; an odd rest is "
                "sold only whole, when the position is closed",
                "t+1": "holds by construction: an asset has one order a session, in one direction",
                **_early(market),
            },
        )


def at_limits(market: Market, prices: FillPrices, closed: Codes) -> tuple[Codes, Codes]:
    """Add the codes of price limits to those of a closed market: for buying, for selling, [steps, assets]."""
    buy, sell = closed.copy(), closed.copy()
    limits = (market[name].values for name in ("limit_up", "limit_down"))
    panels = (frozen(values, np.float64) for values in (prices.low, prices.high, *limits))
    limit_codes(frozen(prices.session, np.int64), *panels, HALF_A_TICK, buy, sell)
    return buy, sell


def _early(market: Market) -> dict[str, str]:
    """State what stands in for rules of long ago, where the sessions reach that far back."""
    first = market.dates.days[0]
    out = {}
    if first < np.datetime64("2015-08-01"):
        out["early transfer fee"] = (
            "before 2015-08-01 Shanghai charged by face value; Shenzhen's rate stands for both"
        )
    return out
