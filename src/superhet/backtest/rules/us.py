"""Rules of the US exchanges: no price limits, single shares, no commission unless you set one.

The fee of the SEC on sales (Section 31 of the Exchange Act) stands in the column of stamp duty. Sources: fee
rate advisories of the SEC and information notices of FINRA, effective 2014-03-18 (22.10 dollars a million),
2015-02-14, 2016-02-16 (21.80), 2017-07-04, 2018-05-22 (13.00), 2019-04-16 (20.70), 2020-02-18 (22.10),
2021-02-25 (5.10), 2022-05-14 (22.90), 2023-02-27 (8.00; release 34-96724), 2024-05-22 (27.80; release
34-99973), 2025-05-14 (0; release 34-102779). Release 34-104909 of 2026-02-27 sets a rate that is not in the
table. FINRA's trading activity fee on sales (0.0001 to 0.0002 dollars a share) is left out: a book charges
what is due by the share on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from superhet.backtest.base import RULES, RuleTable
from superhet.backtest.costs import CostSchedule
from superhet.backtest.fills import FillPrices, FillSpec
from superhet.backtest.rules.listing import single_shares
from superhet.panel import Market

SECTION_31 = (
    ("2014-03-18", 22.1e-6),
    ("2015-02-14", 18.4e-6),
    ("2016-02-16", 21.8e-6),
    ("2017-07-04", 23.1e-6),
    ("2018-05-22", 13.0e-6),
    ("2019-04-16", 20.7e-6),
    ("2020-02-18", 22.1e-6),
    ("2021-02-25", 5.1e-6),
    ("2022-05-14", 22.9e-6),
    ("2023-02-27", 8.0e-6),
    ("2024-05-22", 27.8e-6),
    ("2025-05-14", 0.0),
)


@RULES.add("us")
@dataclass(frozen=True, kw_only=True)
class USRules:
    """Suspensions only; what was bought may be sold the same day, though a session has one order an asset."""

    costs: ClassVar[CostSchedule] = CostSchedule(
        commission=0.0,
        commission_minimum=0.0,
        commission_per_share=0.0,
        stamp_duty=SECTION_31,
        transfer_fee=(),
        slippage=5e-4,
        borrow=0.03,
        margin=0.06,
    )
    periods_per_year: ClassVar[int] = 252

    def table(self, market: Market, fill: FillSpec | FillPrices) -> RuleTable:
        """Tabulate the rules for the steps of a fill."""
        said = {
            "SEC fee": "on sales (Section 31), in the column of stamp duty; none before 2014-03-18, and "
            "the rate of 2026 is not in the table",
            "FINRA fee": "the trading activity fee on sales is left out",
        }
        return single_shares(market, fill, said)
