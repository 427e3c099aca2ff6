"""Books: what a ledger wrote down, as a result with named records, and its account rules in words."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.backtest.costs import CostSchedule, Schedule, rate_on
from superhet.backtest.tape import AccountTerms, Tape
from superhet.errors import SuperhetError
from superhet.kernels.ledger_books import (
    COSTS,
    INCOMES,
    KINDS,
    LEG_COSTS,
    REFUSALS,
    LedgerBooks,
    Opening,
)
from superhet.panel import BacktestResult, Benchmark, BookState, Dates, Panel, Records

Floats: TypeAlias = npt.NDArray[np.float64]
Column: TypeAlias = npt.NDArray[Any]

CASH_WORDS = {
    "cut": "buys are cut to whole lots that fit the cash, in asset order",
    "scale": "all buys of a session are scaled by one factor that fits the cash, then cut to whole lots",
    "refuse": "a buy that does not fit the cash is refused whole",
    "borrow": "buys are paid with borrowed money, which costs margin interest",
}


def result_of(
    tape: Tape,
    books: LedgerBooks,
    benchmark: Benchmark | None = None,
    opening: Opening | None = None,
) -> BacktestResult:
    """Turn books into a result, from the first session on which something could be filled.

    Parameters
    ----------
    tape, books : of one run
    benchmark : on the sessions of the tape, or None
    opening : the book that the run went on from, or None

    Raises
    ------
    SuperhetError
        if the book was ruined
    """
    if books.ruined >= 0:
        raise SuperhetError(
            f"backtest: the book lost all its capital on {tape.dates.values[books.ruined]}. "
            "Lower the gross exposure, or look for a wrong price near that date."
        )
    daily, dates, assets = books.daily, tape.dates[1:], tape.assets
    before, equity = daily.equity[:-1], daily.equity[1:]
    costs, incomes = daily.costs[1:], daily.incomes[1:]

    def panel(values: Floats, name: str) -> Panel:
        return Panel(values=values, dates=dates, assets=assets, name=name, unit="weight")

    return BacktestResult(
        dates=dates,
        equity=equity,
        returns=equity / before - 1.0,
        gross_returns=(equity + costs.sum(axis=1)) / before - 1.0,
        holdings=panel(daily.holdings[1:], "holdings"),
        target=panel(_in_force(tape, opening)[1:], "target"),
        cash=daily.cash[1:],
        trades=trade_records(books, tape),
        orders_refused=refusal_records(books, tape),
        costs={name: costs[:, k] for k, name in enumerate(COSTS)},
        income={name: incomes[:, k] for k, name in enumerate(INCOMES)},
        turnover=daily.traded[1:] / before / 2.0,
        benchmark=None if benchmark is None else benchmark.returns[1:],
        benchmark_name="" if benchmark is None else benchmark.name,
        conventions=tape.conventions,
        periods_per_year=tape.terms.periods_per_year,
        final_state=_state(tape, books.closing),
    )


def _in_force(tape: Tape, opening: Opening | None) -> Floats:
    """Give the target in force at the close of each session, [sessions, assets]."""
    row = np.maximum.accumulate(tape.row_of)
    if opening is None:
        daily = len(row) == len(tape.weights) and bool((np.diff(row) == 1).all())
        return tape.weights if daily else np.asarray(tape.weights[row])
    return np.asarray(np.vstack([opening.weight, tape.weights])[row + 1])


def _state(tape: Tape, closing: Opening) -> BookState:
    return BookState(
        date=tape.dates.values[-1],
        assets=tape.assets,
        shares=closing.shares,
        goal=closing.goal,
        mark=closing.mark,
        weight=closing.weight,
        cash=closing.cash,
        equity=closing.equity,
        fresh=closing.fresh,
    )


def opening_of(state: BookState) -> Opening:
    """Turn the state at the end of one run into the opening book of the next."""
    return Opening(
        shares=state.shares,
        goal=state.goal,
        mark=state.mark,
        weight=state.weight,
        cash=state.cash,
        equity=state.equity,
        decided=True,
        fresh=state.fresh,
    )


def trade_records(books: LedgerBooks, tape: Tape) -> Records:
    """Name the columns of fills: date, asset, shares, price, value, the costs of a leg, kind, delisting.

    `value` is shares x price without sign; `kind` is "order", "recall" (the lender took shares back) or
    "delisting" (closed without costs, because the asset left the market), which `delisting` marks as well.
    Fills inside the session have their `time`.
    """
    step, asset, kind = books.fills
    shares, price = books.money[:2]
    session = step if tape.steps is None else tape.steps.session[step]
    columns: dict[str, Column] = {
        "date": tape.dates.values[session],
        "asset": asset,
        "shares": shares,
        "price": price,
        "value": np.abs(shares) * price,
        **{name: books.money[2 + k] for k, name in enumerate(LEG_COSTS)},
        "kind": _kinds(kind),
        "delisting": kind == KINDS.index("delisting"),
    }
    if tape.steps is not None:
        columns["time"] = tape.steps.time[step]
    return Records(name="trades", columns=columns)


def _kinds(kind: Column) -> Column:
    if not kind.any():  # nothing but orders: one word, seen from every row
        return np.broadcast_to(np.array(KINDS)[:1], kind.shape)
    return np.array(KINDS)[kind]


def refusal_records(books: LedgerBooks, tape: Tape) -> Records:
    """Name the columns of refusals: date, asset, shares not done (signed), rule."""
    session, asset, code = books.refusals
    return Records(
        name="orders_refused",
        columns={
            "date": tape.dates.values[session],
            "asset": asset,
            "shares": books.undone,
            "rule": np.array(REFUSALS)[code],
        },
    )


def conventions(terms: AccountTerms, costs: CostSchedule, dates: Dates) -> dict[str, str]:
    """State the account rules, and the costs on some dates, in words."""
    per_share = f" + {costs.commission_per_share:g} a share" if costs.commission_per_share else ""
    recovery = "the last close" if terms.recovery == 1.0 else f"{terms.recovery:.0%} of it"
    return {
        "decision": "at the close, sized with equity and prices of that close (a suspended asset at its "
        "last close); targets are cut to whole lots, and differences are sent in shares",
        "order of fills": "sells, then buys, each in asset order; a trade through zero is two legs",
        "cash shortage": CASH_WORDS[terms.cash_rule],
        "short sales": "borrowed shares; the proceeds stay as collateral and buy nothing",
        "commission": f"{costs.commission:.3%} of value{per_share}, at least "
        f"{costs.commission_minimum:g} a leg",
        "stamp duty": f"on sales: {_schedule(costs.stamp_duty, dates)}",
        **_buyers_duty(costs, dates),
        "transfer fee": f"both sides: {_schedule(costs.transfer_fee, dates)}",
        "slippage": f"{costs.slippage:.3%} of value, booked as a cost; the fill price is not moved",
        "delisting": f"the position is closed at {recovery}, without costs",
        "cash interest": _interest(costs.cash_interest, "on cash that is free"),
        "margin interest": _interest(costs.margin, "on free cash below zero"),
        "gross returns": "the same fills without costs",
        "turnover": "half the traded value over the equity before, delistings left out",
    }


def _buyers_duty(costs: CostSchedule, dates: Dates) -> dict[str, str]:
    if not rate_on(costs.stamp_duty_buyers, dates).any():
        return {}
    return {"buyers' stamp duty": f"on purchases: {_schedule(costs.stamp_duty_buyers, dates)}"}


def _interest(rate: float | str, on: str) -> str:
    if rate == "risk_free":
        return f"the risk-free rate known at the close before, {on}, for every calendar day"
    return f"{rate:.2%} a year of 365 days {on}, for every calendar day" if rate else "none"


def _schedule(rows: Schedule, dates: Dates) -> str:
    """List the rates in force on the dates, each with its first day unless that is the schedule's own."""
    first, last = str(dates.days[0]), str(dates.days[-1])
    begun = max((k for k, (day, _) in enumerate(rows) if day <= first), default=0)
    said = [
        f"{rate:.4%}" + (f" from {day}" if k else "")
        for k, (day, rate) in enumerate(rows)
        if k >= begun and day <= last
    ]
    return ", ".join(said) or "none"
