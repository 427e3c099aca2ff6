"""The native engine: rule table, cost table, one compiled pass of the ledger.

1. the decisions are put on the market's sessions                 -> `_decisions`
2. the market becomes quotes, the rules and costs become terms    -> `_quotes`, `_terms`
3. the ledger runs                                                -> `kernels.ledger.run_ledger`
4. its books become a BacktestResult, from the first session on which something could be filled
                                                                  -> `_result`, `books.py`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Le

from superhet.backtest.base import ENGINES, RULES, Fill, MarketRules, RuleTable
from superhet.backtest.books import conventions, refusal_records, trade_records
from superhet.backtest.costs import Costs, CostSchedule
from superhet.backtest.decisions import Decisions, read_decisions
from superhet.errors import SuperhetError
from superhet.kernels.ledger import run_ledger
from superhet.kernels.ledger_books import COSTS, LedgerBooks, Quotes, Terms
from superhet.kernels.marks import carried_marks
from superhet.panel import BacktestResult, Market, Panel

Floats: TypeAlias = npt.NDArray[np.float64]


@ENGINES.add("native")
@dataclass(frozen=True, kw_only=True)
class NativeEngine:
    """Trade target weights under the rules of a market, session by session.

    A decision at the close of *t* is sized with the equity and prices of that close and filled on the
    session after, at its open, volume-weighted average or close.

    Parameters
    ----------
    capital : currency at the start
    fill : price of the fills
    rules : name of the market's rules ("ashare", "us")
    costs : what differs from the market's own costs
    participation : largest share of a session's volume that an order may take; None = no cap
    max_gross : orders that open positions stop at this multiple of equity
    retry : send what is still undone again on every session until the next decision
    """

    capital: Annotated[float, Gt(0.0)] = 1e8
    fill: Fill = "open"
    rules: str = "ashare"
    costs: Costs = field(default_factory=Costs)
    participation: Annotated[float, Gt(0.0), Le(1.0)] | None = 0.1
    max_gross: Annotated[float, Gt(0.0), Le(20.0)] = 2.1
    retry: bool = True

    def run(self, weights: Panel, market: Market) -> BacktestResult:
        """Trade target weights, decided at the closes of `weights.dates`.

        Parameters
        ----------
        weights : [decision dates, assets], signed fractions of equity on sessions of the market; NaN
            is 0 on a date with any known weight, and a date without any is no decision
        market : needs open/close/vwap as `fill` asks; limits, volume, suspended, listing_age,
            adjust_factor and boards are used where present

        Raises
        ------
        AxisMismatch
            if assets differ or a decision falls on no session
        NoSignal
            if no decision leaves a session to trade on
        ConfigError
            if the weights ask for more than `max_gross`
        """
        rules = RULES.get(self.rules, "backtest.rules")()
        decisions = read_decisions(weights, market, self.max_gross)
        traded = market.between(market.dates.values[decisions.start], None)
        table = rules.table(traded, self.fill)
        costs = self.costs.over(rules.costs)
        books = run_ledger(
            decisions.weights,
            decisions.row_of,
            self._quotes(traded, table, _marks(market, decisions.start)),
            self._terms(traded, table, costs),
        )
        if books.ruined >= 0:
            raise SuperhetError(
                f"backtest: the book lost all its capital on {traded.dates.values[books.ruined]}. "
                "Lower the gross exposure, or look for a wrong price near that date."
            )
        return self._result(decisions, traded, books, self._conventions(table, costs, rules))

    def _quotes(self, market: Market, table: RuleTable, mark: Floats) -> Quotes:
        close = market["close"].values
        capped = self.participation is not None
        return Quotes(
            price=market[self.fill].values,
            close=close,
            adjust=_adjust(market),
            volume=market["volume"].values if capped else close,
            buy_block=table.buy_block,
            sell_block=table.sell_block,
            mark=mark,
        )

    def _terms(self, market: Market, table: RuleTable, costs: CostSchedule) -> Terms:
        return Terms(
            rates=costs.rates(market.dates),
            borrow=costs.borrow_fees(market.dates),
            minimum=table.minimum,
            step=table.step,
            capital=self.capital,
            participation=np.inf if self.participation is None else self.participation,
            max_gross=self.max_gross,
            retry=self.retry,
        )

    def _conventions(
        self, table: RuleTable, costs: CostSchedule, rules: MarketRules
    ) -> dict[str, str]:
        cap = self.participation
        return {
            "capital": f"{self.capital:,.0f}",
            "fill": f"{self.fill} of the session after the decision",
            "volume cap": "none"
            if cap is None
            else f"{cap:.0%} of the session's volume, in whole lots",
            "retry": "undone orders are sent again on every session until the next decision"
            if self.retry
            else "undone orders lapse",
            "leverage": f"opening orders stop at {self.max_gross:g} x equity",
            **conventions(costs),
            **table.conventions,
            "annualisation": f"{rules.periods_per_year} sessions a year",
        }

    def _result(
        self, decisions: Decisions, market: Market, books: LedgerBooks, stated: dict[str, str]
    ) -> BacktestResult:
        dates, assets = market.dates[1:], market.assets
        before, equity = books.equity[:-1], books.equity[1:]
        costs = books.costs[1:]
        benchmark = market.benchmark
        in_force = decisions.in_force()[1:]
        return BacktestResult(
            dates=dates,
            equity=equity,
            returns=equity / before - 1.0,
            gross_returns=(equity + costs.sum(axis=1)) / before - 1.0,
            holdings=Panel(
                values=books.holdings[1:],
                dates=dates,
                assets=assets,
                name="holdings",
                unit="weight",
            ),
            target=Panel(values=in_force, dates=dates, assets=assets, name="target", unit="weight"),
            cash=books.cash[1:],
            trades=trade_records(books.trades, market.dates),
            orders_refused=refusal_records(books.refused, market.dates),
            costs={name: costs[:, k] for k, name in enumerate(COSTS)},
            turnover=books.traded[1:] / before / 2.0,
            benchmark=None if benchmark is None else benchmark.returns[1:],
            benchmark_name="" if benchmark is None else benchmark.name,
            conventions=stated,
            periods_per_year=RULES.get(self.rules).periods_per_year,
        )


def _adjust(market: Market) -> Floats:
    if "adjust_factor" in market:
        return np.asarray(market["adjust_factor"].values, dtype=np.float64)
    return np.ones((len(market.dates), len(market.assets)))


def _marks(market: Market, start: int) -> Floats:
    """Give the raw value of each asset at the close of session `start`, NaN before its first trade."""
    known = market.until(market.dates.values[start])
    adjust = _adjust(known)
    return np.asarray(carried_marks(known["close"].values, adjust)[-1] / adjust[-1])
