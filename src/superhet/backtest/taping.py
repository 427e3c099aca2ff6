"""Taping: market, target weights and settings become the tape that every engine reads.

1. decisions are put on the market's sessions                          -> `read_decisions`
2. prices of the fills, and what the exchange allows at each of them   -> `fill_prices`, `MarketRules.table`
3. corporate actions, lending, frictions, costs                        -> `_parts`
4. all of it on the sessions from the first decision on                -> `TapedEngine.tape`

`TapedEngine` is what all engines share: the settings and this road. An engine adds `keep`, which turns a tape
into books.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le

from superhet.backtest.actions import TABLE, BookedActions, corporate_actions
from superhet.backtest.base import RULES, MarketRules, RuleTable
from superhet.backtest.books import conventions, opening_of, result_of
from superhet.backtest.costs import Costs, CostSchedule
from superhet.backtest.decisions import Decisions, read_decisions
from superhet.backtest.fills import FillPrices, FillSpec, fill_prices
from superhet.backtest.frictions import Frictions, FrictionTerms, friction_terms
from superhet.backtest.lending import Lending, LendingTerms, lending_terms
from superhet.backtest.rules.boards import boards
from superhet.backtest.tape import AccountTerms, CashRule, StepTimes, Tape
from superhet.errors import AxisMismatch, ConfigError
from superhet.kernels.ledger_books import LedgerBooks, Opening
from superhet.panel import BacktestResult, BookState, Market, Panel

Floats: TypeAlias = npt.NDArray[np.float64]
ActionRule: TypeAlias = Literal["auto", "cash", "reinvest"]


class _Parts(NamedTuple):
    """What the tape is put together from; all but `actions` on the sessions of the tape."""

    market: Market
    prices: FillPrices
    table: RuleTable
    costs: CostSchedule
    actions: BookedActions
    lending: LendingTerms
    frictions: FrictionTerms


@dataclass(frozen=True, kw_only=True)
class TapedEngine(ABC):
    """The settings that all engines share.

    A decision at the close of *t* is sized with the equity and prices of that close and filled on the
    session after.

    Parameters
    ----------
    capital : currency at the start
    fill : "open", "vwap" or "close" of the session, or a window of minute bars
    rules : name of the market's rules ("ashare", "us", "none")
    costs : what differs from the market's own costs
    frictions : spread and impact of each asset
    participation : largest share of a step's volume that an order may take; None = no cap
    max_gross : orders that open positions stop at this multiple of equity
    retry : send what is still undone again on every session until the next decision
    cash_rule : what happens to buys that do not fit the free cash: "cut" to lots that fit, in asset order;
        "scale" all of a session by one factor; "refuse" them whole; "borrow" the money
    corporate_actions : "auto" pays dividends in cash and splits shares where the market has a table of
        corporate actions, and else reinvests by the adjust factor; "cash" insists on the table; "reinvest"
        leaves it aside
    dividend_tax : flat rate on cash dividends
    recovery : fraction of the last mark that a delisted position pays
    lending : what short sellers find
    """

    capital: Annotated[float, Gt(0.0)] = 1e8
    fill: FillSpec = "open"
    rules: str = "ashare"
    costs: Costs = field(default_factory=Costs)
    frictions: Frictions = field(default_factory=Frictions)
    participation: Annotated[float, Gt(0.0), Le(1.0)] | None = 0.1
    max_gross: Annotated[float, Gt(0.0), Le(20.0)] = 2.1
    retry: bool = True
    cash_rule: CashRule = "cut"
    corporate_actions: ActionRule = "auto"
    dividend_tax: Annotated[float, Ge(0.0), Le(1.0)] = 0.0
    recovery: Annotated[float, Ge(0.0), Le(1.0)] = 1.0
    lending: Lending = field(default_factory=Lending)

    @abstractmethod
    def keep(self, tape: Tape, opening: Opening | None = None) -> LedgerBooks:
        """Keep the books of a tape, from cash alone or from an opening book."""

    def run(self, weights: Panel, market: Market) -> BacktestResult:
        """Trade target weights, decided at the closes of `weights.dates`.

        Parameters
        ----------
        weights : [decision dates, assets], signed fractions of equity on sessions of the market; NaN
            is 0 on a date with any known weight, and a date without any is no decision
        market : needs the prices that `fill` asks for, and close; volume for `participation` and impact;
            limits, suspended, listing_age, adjust_factor, corporate actions and boards are used where
            present

        Raises
        ------
        AxisMismatch
            if assets differ or a decision falls on no session
        NoSignal
            if no decision leaves a session to trade on
        ConfigError
            if the weights ask for more than `max_gross`, or a setting for a column that the market lacks
        DataError
            if a weight is infinite, or there are no bars for a window
        SuperhetError
            if the book loses all its capital
        """
        decisions = read_decisions(weights, market, self.max_gross)
        tape = self._taped(decisions, market)
        return result_of(
            tape, self.keep(tape), market.between(tape.dates.values[0], None).benchmark
        )

    def resume(self, state: BookState, weights: Panel, market: Market) -> BacktestResult:
        """Go on from the end of an earlier run; the numbers are those of one run, to the bit.

        Parameters
        ----------
        state : `final_state` of the earlier result
        weights : decisions until `state.date` are taken already and left aside
        market : must have the session `state.date` and one after it

        Raises
        ------
        AxisMismatch
            if the assets are not those of the state
        """
        if state.assets != market.assets:
            raise AxisMismatch(
                f"the book and the market have different assets: {state.assets.describe()} and "
                f"{market.assets.describe()}. Load the market with the assets of the first run."
            )
        decisions = read_decisions(weights, market, self.max_gross, after=state.date)
        tape, opening = self._taped(decisions, market), opening_of(state)
        benchmark = market.between(tape.dates.values[0], None).benchmark
        return result_of(tape, self.keep(tape, opening), benchmark, opening)

    def tape(self, weights: Panel, market: Market) -> Tape:
        """Give the tape of `run`, as other engines read it."""
        return self._taped(read_decisions(weights, market, self.max_gross), market)

    def _taped(self, decisions: Decisions, market: Market) -> Tape:
        rules, start = RULES.get(self.rules, "backtest.rules")(), decisions.start
        parts = self._parts(rules, market, start)
        terms, prices, dates = self._terms(rules, parts), parts.prices, parts.market.dates
        return Tape(
            dates=dates,
            assets=market.assets,
            boards=tuple(boards(parts.market)),
            weights=decisions.weights,
            row_of=decisions.row_of,
            **{name: _known(parts.market, name) for name in ("open", "high", "low", "volume")},
            close=parts.market["close"].values,
            price=prices.price,
            buy_block=parts.table.buy_block,
            sell_block=parts.table.sell_block,
            traded_volume=None if self.participation is None else prices.volume,
            participation=np.inf if self.participation is None else self.participation,
            minimum=parts.table.minimum,
            step=parts.table.step,
            mark=_marks(market, start),
            rates=parts.costs.rates(dates),
            days=np.diff(dates.days, prepend=dates.days[:1]).astype(np.float64),
            cash_rate=parts.costs.cash_rates(parts.market),
            margin_rate=parts.costs.margin_rates(dates),
            terms=terms,
            actions=parts.actions.rows,
            half_spread=parts.frictions.half_spread,
            impact=parts.frictions.impact,
            borrow_rate=_borrow_rate(parts),
            borrowable=_borrowable(parts),
            steps=_steps(prices),
            conventions=self._conventions(rules, parts, terms),
        )

    def _parts(self, rules: MarketRules, market: Market, start: int) -> _Parts:
        traded = market.between(market.dates.values[start], None)
        prices, costs = fill_prices(traded, self.fill), self.costs.over(rules.costs)
        if prices.volume is None and self.participation is not None:
            raise ConfigError(
                "backtest.participation",
                "caps orders by volume, and the market has no daily field volume. Import it as a column of "
                "the table bars_1d, or set participation to null.",
            )
        return _Parts(
            market=traded,
            prices=prices,
            table=rules.table(traded, prices),
            costs=costs,
            actions=corporate_actions(self._acting(market), start, self.dividend_tax),
            lending=lending_terms(self.lending, market, start, costs.borrow),
            frictions=friction_terms(self.frictions, market, start),
        )

    def _acting(self, market: Market) -> Market:
        """Give the market as corporate actions are to be read from it."""
        if self.corporate_actions == "cash" and TABLE not in market.events:
            raise ConfigError(
                "backtest.corporate_actions",
                f"asks for cash dividends, and the market has no table {TABLE}. Import the table, or say "
                "auto or reinvest.",
            )
        if self.corporate_actions != "reinvest":
            return market
        return replace(market, events={n: e for n, e in market.events.items() if n != TABLE})

    def _terms(self, rules: MarketRules, parts: _Parts) -> AccountTerms:
        return AccountTerms(
            capital=self.capital,
            max_gross=self.max_gross,
            retry=self.retry,
            cash_rule=self.cash_rule,
            recall=parts.lending.recall and parts.lending.borrowable is not None,
            recovery=self.recovery,
            periods_per_year=rules.periods_per_year,
        )

    def _conventions(
        self, rules: MarketRules, parts: _Parts, terms: AccountTerms
    ) -> dict[str, str]:
        cap, account = self.participation, conventions(terms, parts.costs, parts.market.dates)
        if parts.prices.style != "single":
            account["commission"] += "; each bar of the window is an order of its own"
        return {
            "capital": f"{self.capital:,.0f}",
            "fill": parts.prices.words,
            "volume cap": "none"
            if cap is None
            else f"{cap:.0%} of the volume of the fill's session or bar, in whole lots",
            "retry": "undone orders are sent again on every session until the next decision"
            if self.retry
            else "undone orders lapse",
            "leverage": f"opening orders stop at {self.max_gross:g} x equity",
            **account,
            **parts.lending.words,
            **parts.actions.words,
            **parts.frictions.words,
            **parts.table.conventions,
            "annualisation": f"{rules.periods_per_year} sessions a year",
        }


def _borrow_rate(parts: _Parts) -> Floats | None:
    if parts.lending.borrow_rate is not None:
        return parts.lending.borrow_rate
    return np.full((1, 1), parts.costs.borrow) if parts.costs.borrow > 0.0 else None


def _borrowable(parts: _Parts) -> Floats | None:
    """Give the shares to borrow in shares of the session: what was known before an ex-date is split too."""
    known, rows = parts.lending.borrowable, parts.actions.rows
    if known is None or not len(rows):
        return known
    out = known.copy()
    out[rows.session, rows.asset] *= rows.split
    return out


def _steps(prices: FillPrices) -> StepTimes | None:
    if prices.style == "single":
        return None
    return StepTimes(session=prices.session, time=prices.time, style=prices.style)


def _known(market: Market, name: str) -> Any:
    return market[name].values if name in market else None


def _marks(market: Market, start: int) -> Floats:
    """Give the raw value of each asset at the close of session `start`, NaN before its first trade.

    A last close of long ago is brought to the session's shares by the adjust factor, or by the table of
    corporate actions where there is none.
    """
    close = market["close"].values
    adjust = market["adjust_factor"].values if "adjust_factor" in market else np.ones((1, 1))
    one = np.broadcast_to(adjust, close.shape)
    mark, last = np.full(close.shape[1], np.nan), np.zeros(close.shape[1], dtype=np.int64)
    for row in range(start, -1, -1):
        found = np.isnan(mark) & (close[row] > 0.0)
        if found.any():
            mark[found] = close[row, found] * one[row, found] / one[start, found]
            last[found] = row
        elif not np.isnan(mark).any():
            break
    if "adjust_factor" not in market and TABLE in market.events:
        rows = corporate_actions(market).rows
        for k in np.flatnonzero((rows.session > last[rows.asset]) & (rows.session <= start)):
            i = rows.asset[k]
            mark[i] = max((mark[i] - rows.dividend_gross[k]) / rows.split[k], 0.0)
    return mark
