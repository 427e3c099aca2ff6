"""Ledger: weights and prices in, money out; one pass over sessions and assets.

A session runs in this order:

1. corporate actions, delistings, fees and interest, recalled shorts       -> `ledger_opening`
2. orders: whole lots of the difference between goal and holding           -> `_write_orders`
3. step by step of the session: sells in asset order, then buys in asset order -> `_fill_steps`,
   leg by leg with costs                                                   -> `ledger_fills`
4. equity at the close; on a decision date the goals of what follows       -> `_close_session`, `_decide`

Account: shares sold short are borrowed, and the proceeds stay with the lender as collateral. What may be
spent on buying is therefore cash minus the marked value of the shorts. Opening orders of either side stop
at `max_gross` x equity; covering and selling out are never held back for money. Whatever is refused or
cut leaves a row with a code of `REFUSALS`. Shares are whole on every day.

Session 0 is the first decision's: nothing trades on it. A book can be closed at any session and opened
again from there; the numbers that follow are the same to the bit.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from superhet.kernels.ledger_books import (
    EQUITY,
    FIRST_COST,
    FIRST_INCOME,
    GOAL,
    LOT,
    MARK,
    MINIMUM,
    MONEY,
    NOT_LISTED,
    ORDER,
    PURCHASE,
    REASON,
    RECALLED,
    SALE,
    SHARES,
    STEP,
    TRADED,
    WEIGHT,
    Actions,
    Book,
    Daily,
    Floats,
    Ints,
    LedgerBooks,
    Log,
    Opening,
    Quotes,
    Sheet,
    Terms,
)
from superhet.kernels.ledger_fills import at, buy_factor, fill_side, lots, refuse
from superhet.kernels.ledger_opening import apply_actions, recall_shorts, settle

_NOT_LISTED, _LOT = float(NOT_LISTED), float(LOT)
_SCALE = 1
_ROWS = 1 << 16  # of a log, to begin with


@njit(cache=True, nogil=True, error_model="numpy")
def _order(held: float, goal: float, step: float) -> float:
    if goal == 0.0:  # what closes a position goes whole, odd lots included
        return -held
    if held * goal < 0.0:
        return goal - held
    size = float(np.floor(abs(abs(goal) - abs(held)) / step + 1e-9) * step)
    return size if goal > held else -size


@njit(cache=True, nogil=True, error_model="numpy")
def _no_lot(t: int, i: int, book: Book, log: Log) -> None:
    """Refuse a weight that asks for less than one lot, or for an asset without a price."""
    cells = book.cells
    if cells[MARK, i] > 0.0:
        refuse(t, i, cells[WEIGHT, i] * book.account[EQUITY] / cells[MARK, i], _LOT, log)
    else:
        refuse(t, i, 0.0, _NOT_LISTED, log)


@njit(cache=True, nogil=True, error_model="numpy")
def _called_back(t: int, i: int, size: float, quotes: Quotes, book: Book) -> float:
    """Enlarge an order to what the lender wants back, odd lots included."""
    need = -book.cells[SHARES, i] - np.floor(at(quotes.borrowable, t, i))
    if need >= size:
        return float(need)
    book.cells[RECALLED, i] = 0.0  # the order does more than that by itself
    return float(size)


@njit(cache=True, nogil=True, error_model="numpy")
def _write_orders(
    t: int, sending: bool, fresh: bool, quotes: Quotes, terms: Terms, book: Book, log: Log
) -> tuple[int, int]:
    """Write the orders of a session; gives the numbers of sales and of purchases."""
    cells, queue, lot = book.cells, book.queue, terms.lots
    sales, purchases = 0, 0
    for i in range(cells.shape[1]):
        held, goal, size = cells[SHARES, i], cells[GOAL, i], 0.0
        if sending and held != goal:
            size = _order(held, goal, lot[STEP, i])
            if abs(size) < lot[MINIMUM, i] and goal != 0.0:
                if fresh and size != 0.0 and cells[RECALLED, i] == 0.0:
                    refuse(t, i, size, _LOT, log)
                size = 0.0
        if fresh and goal == 0.0 and abs(cells[WEIGHT, i]) > 0.0:
            _no_lot(t, i, book, log)
        if cells[RECALLED, i] > 0.0:
            size = _called_back(t, i, size, quotes, book)
        cells[ORDER, i] = size
        if size < 0.0:
            queue[SALE, sales] = i
            sales += 1
        elif size > 0.0:
            queue[PURCHASE, purchases] = i
            purchases += 1
    return sales, purchases


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _fill_steps(
    t: int, sales: int, purchases: int, quotes: Quotes, terms: Terms, book: Book, out: Sheet,
    log: Log,
) -> None:  # fmt: skip
    end = quotes.first_step[t + 1]
    for s in range(quotes.first_step[t], end):
        for row in range(2):
            side, count, factor = (-1.0, sales, 1.0) if row == 0 else (1.0, purchases, 1.0)
            if row == 1 and terms.cash_rule == _SCALE:
                factor = buy_factor(s, t, end - s, count, quotes, terms, book)
            if count > 0:
                fill_side(s, t, side, count, end - s, factor, quotes, terms, book, out, log)
    if terms.style != 0:
        _refuse_rest(t, sales, purchases, book, log)


@njit(cache=True, nogil=True, error_model="numpy")
def _refuse_rest(t: int, sales: int, purchases: int, book: Book, log: Log) -> None:
    """Refuse what a session of several steps left undone, by the rule that held it back last."""
    cells = book.cells
    for row in range(2):
        for k in range(sales if row == 0 else purchases):
            i = book.queue[row, k]
            if cells[ORDER, i] != 0.0:
                refuse(t, i, cells[ORDER, i], cells[REASON, i], log)
            cells[REASON, i] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _close_session(t: int, close: Floats, book: Book, out: Sheet) -> None:
    cells, weights, equity = book.cells, out.holdings, book.account[MONEY]
    for i in range(cells.shape[1]):
        price = close[t, i]
        if price > 0.0:
            cells[MARK, i] = price
        if cells[SHARES, i] != 0.0:
            equity += cells[SHARES, i] * cells[MARK, i]
    book.account[EQUITY] = equity
    if equity > 0.0:
        for i in range(cells.shape[1]):
            if cells[SHARES, i] != 0.0:
                weights[t, i] = cells[SHARES, i] * cells[MARK, i] / equity


@njit(cache=True, nogil=True, error_model="numpy")
def _decide(weights: Floats, row: int, terms: Terms, book: Book) -> None:
    cells, lot, equity = book.cells, terms.lots, book.account[EQUITY]
    for i in range(cells.shape[1]):
        weight, mark = weights[row, i], cells[MARK, i]
        cells[WEIGHT, i], cells[GOAL, i] = weight, 0.0
        if abs(weight) > 0.0 and mark > 0.0:
            size = lots(abs(weight) * equity / mark, lot[STEP, i], lot[MINIMUM, i])
            cells[GOAL, i] = size if weight > 0.0 else 0.0 - size


@njit(cache=True, nogil=True, error_model="numpy")
def _roomy(log: Log, fills: int, refusals: int) -> Log:
    """Give a log with room for some more rows of each kind."""
    used, more = log.used[0], log.fills.shape[1]
    kept, money = log.fills, log.money
    if used + fills > more:
        kept = np.empty((3, 2 * more + fills), dtype=np.int64)
        money = np.empty((7, 2 * more + fills))
        for k in range(7):  # loops, because slice assignment costs seconds to compile
            for n in range(used):
                money[k, n] = log.money[k, n]
                if k < 3:
                    kept[k, n] = log.fills[k, n]
    used, more, refused = log.used[1], log.refusals.shape[1], log.refusals
    if used + refusals > more:
        refused = np.empty((4, 2 * more + refusals))
        for k in range(4):
            for n in range(used):
                refused[k, n] = log.refusals[k, n]
    return Log(kept, money, refused, log.used)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _trade_session(
    t: int, decided: bool, fresh: bool, quotes: Quotes, terms: Terms, book: Book, out: Sheet,
    log: Log,
) -> None:  # fmt: skip
    called = recall_shorts(t, quotes, book) if terms.recall else False
    sending = fresh or (terms.retry and decided)
    if sending or called:
        sales, purchases = _write_orders(t, sending, fresh, quotes, terms, book, log)
        _fill_steps(t, sales, purchases, quotes, terms, book, out, log)


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    weights: Floats, row_of: Ints, decided: bool, fresh: bool, resumed: bool, quotes: Quotes,
    actions: Actions, terms: Terms, book: Book, log: Log, out: Sheet,
) -> tuple[Log, bool, bool, int]:  # fmt: skip
    sessions, assets = quotes.close.shape
    account, series = book.account, out.series
    for t in range(sessions):
        if t > 0:
            steps = quotes.first_step[t + 1] - quotes.first_step[t]
            more = (2 * steps + 1) * assets
            room = min(log.fills.shape[1] - log.used[0] - more, log.refusals.shape[1] - log.used[1])
            if room < 6 * assets:
                log = _roomy(log, more + 6 * assets, 6 * assets)
            if actions.first[t + 1] > actions.first[t]:
                apply_actions(t, actions, book, out)
            settle(t, quotes.first_step[t], quotes, terms, book, log, out)
            _trade_session(t, decided, fresh, quotes, terms, book, out, log)
        if t > 0 or not resumed:
            _close_session(t, quotes.close, book, out)
            fresh = row_of[t] >= 0
        series[t, 0], series[t, 1], series[t, 2] = account[EQUITY], account[MONEY], account[TRADED]
        if account[EQUITY] <= 0.0:
            return log, decided, fresh, t
        if row_of[t] >= 0:
            decided = True
            _decide(weights, row_of[t], terms, book)
    return log, decided, fresh, -1


def run_ledger(
    weights: Floats,
    row_of: Ints,
    quotes: Quotes,
    actions: Actions,
    terms: Terms,
    opening: Opening,
    *,
    resumed: bool = False,
) -> LedgerBooks:
    """Keep the books of target weights decided at closes and filled on the sessions after.

    Parameters
    ----------
    weights : [decisions, assets], signed fractions of equity, finite
    row_of : [sessions], the row of `weights` decided at that close, -1 for none
    quotes, actions, terms : see `ledger_books`
    opening : the book at the close of session 0
    resumed : whether the run that gave `opening` closed session 0 and decided on it; `row_of[0]`
        must then be -1

    Returns
    -------
    the books; numbers after a ruin are zero
    """
    sessions, assets = np.shape(quotes.close)
    out = Sheet(series=np.zeros((sessions, 12)), holdings=np.zeros((sessions, assets)))
    book = Book(
        cells=np.zeros((7, assets)),
        queue=np.zeros((2, assets), dtype=np.int64),
        account=np.array([opening.cash, 0.0, 0.0, opening.equity, 0.0]),
    )
    book.cells[: WEIGHT + 1] = opening.shares, opening.goal, opening.mark, opening.weight
    # room that is never written costs no memory
    rows = max(4 * assets, min(sessions * assets, 32 * _ROWS))
    log = Log(
        fills=np.empty((3, rows), dtype=np.int64),
        money=np.empty((7, rows)),
        refusals=np.empty((4, _ROWS)),
        used=np.zeros(2, dtype=np.int64),
    )
    log, decided, fresh, ruined = _run(
        weights, row_of, opening.decided, opening.fresh, resumed, quotes, actions, terms, book,
        log, out,
    )  # fmt: skip
    fills, refusals = log.used
    shares, goal, mark, weight = book.cells[: WEIGHT + 1]
    return LedgerBooks(
        daily=_daily(out),
        fills=log.fills[:, :fills],
        money=log.money[:, :fills],
        refusals=log.refusals[:3, :refusals].astype(np.int64),
        undone=log.refusals[3, :refusals].copy(),
        closing=Opening(
            shares=shares,
            goal=goal,
            mark=mark,
            weight=weight,
            cash=float(book.account[MONEY]),
            equity=float(book.account[EQUITY]),
            decided=bool(decided),
            fresh=bool(fresh),
        ),
        ruined=int(ruined),
    )


def _daily(out: Sheet) -> Daily:
    equity, cash, traded = out.series[:, :FIRST_COST].T.copy()
    return Daily(
        equity=equity,
        cash=cash,
        traded=traded,
        holdings=out.holdings,
        costs=out.series[:, FIRST_COST:FIRST_INCOME],
        incomes=out.series[:, FIRST_INCOME:],
    )
