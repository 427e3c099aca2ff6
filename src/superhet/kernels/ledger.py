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
    ODD,
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
from superhet.kernels.ledger_fills import at, buy_factor, fill_side, refuse
from superhet.kernels.ledger_opening import apply_actions, recall_shorts, settle
from superhet.kernels.ownerless import ownerless

_NOT_LISTED, _LOT = float(NOT_LISTED), float(LOT)
_SCALE = 1
_ROWS = 1 << 16  # of a log, to begin with


@njit(cache=True, nogil=True, error_model="numpy")
def _order(held: float, goal: float, step: float) -> float:
    """Give the shares to send; what closes a position goes whole, odd lots included."""
    size = float(np.floor(abs(abs(goal) - abs(held)) / step + 1e-9) * step)
    size = size if goal > held else 0.0 - size
    return goal - held if (goal == 0.0) | (held * goal < 0.0) else size


@njit(cache=True, nogil=True, error_model="numpy")
def _no_lot(t: int, i: int, book: Book, log: Log) -> None:
    """Refuse a weight that asks for less than one lot, or for an asset without a price."""
    cells = book.cells
    if cells[MARK, i] > 0.0:
        refuse(t, i, cells[WEIGHT, i] * book.account[EQUITY] / cells[MARK, i], _LOT, log)
    else:
        refuse(t, i, 0.0, _NOT_LISTED, log)


@njit(cache=True, nogil=True, error_model="numpy")
def _size_orders(sending: bool, fresh: bool, terms: Terms, book: Book) -> int:
    """Size the orders of a session; gives the number of those that need a second look, queued as `ODD`.

    Nothing here is to be guessed: a branch on the side of an order costs more than all of its arithmetic.
    """
    cells, queue, lot = book.cells, book.queue, terms.lots
    for i in range(cells.shape[1]):
        held, goal = cells[SHARES, i], cells[GOAL, i]
        size = _order(held, goal, lot[STEP, i]) if sending else 0.0
        cells[ORDER, i] = size
    odd = 0
    for i in range(cells.shape[1]):
        size, goal = cells[ORDER, i], cells[GOAL, i]
        small = (abs(size) < lot[MINIMUM, i]) & (goal != 0.0) & (size != 0.0)
        none = fresh & (goal == 0.0) & (cells[WEIGHT, i] != 0.0)
        queue[ODD, odd] = i
        odd += int(small | none | (cells[RECALLED, i] > 0.0))
    return odd


@njit(cache=True, nogil=True, error_model="numpy")
def _mend_orders(
    t: int, odd: int, fresh: bool, quotes: Quotes, terms: Terms, book: Book, log: Log
) -> None:
    """Drop orders below the smallest; send back, odd lots included, what the lender calls for."""
    cells = book.cells
    for k in range(odd):
        i = book.queue[ODD, k]
        size, goal, recalled = cells[ORDER, i], cells[GOAL, i], cells[RECALLED, i] > 0.0
        if goal != 0.0 and abs(size) < terms.lots[MINIMUM, i]:
            if fresh and size != 0.0 and not recalled:
                refuse(t, i, size, _LOT, log)
            size = 0.0
        if fresh and goal == 0.0 and cells[WEIGHT, i] != 0.0:
            _no_lot(t, i, book, log)
        if recalled:
            need = -cells[SHARES, i] - np.floor(at(quotes.borrowable, t, i))
            if need >= size:
                size = need
            else:
                cells[RECALLED, i] = 0.0  # the order does more than that by itself
        cells[ORDER, i] = size


@njit(cache=True, nogil=True, error_model="numpy")
def _queue_orders(book: Book) -> tuple[int, int]:
    """Queue the orders of a session; gives the numbers of sales and of purchases."""
    cells, queue = book.cells, book.queue
    sales, purchases = 0, 0
    for i in range(cells.shape[1]):
        size = cells[ORDER, i]
        queue[SALE, sales], queue[PURCHASE, purchases] = i, i
        sales += int(size < 0.0)
        purchases += int(size > 0.0)
    return sales, purchases


@njit(cache=True, nogil=True, error_model="numpy")
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
        # no branches, so that the processor takes several assets at once
        whole = np.floor(abs(weight) * equity / mark / lot[STEP, i] + 1e-9) * lot[STEP, i]
        size = whole if (mark > 0.0) & (whole >= lot[MINIMUM, i]) else 0.0
        cells[WEIGHT, i] = weight
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


@njit(cache=True, nogil=True, error_model="numpy")
def _trade_session(
    t: int, decided: bool, fresh: bool, quotes: Quotes, terms: Terms, book: Book, out: Sheet,
    log: Log,
) -> None:  # fmt: skip
    called = recall_shorts(t, quotes, book) if terms.recall else False
    sending = fresh or (terms.retry and decided)
    if sending or called:
        odd = _size_orders(sending, fresh, terms, book)
        if odd > 0:
            _mend_orders(t, odd, fresh, quotes, terms, book, log)
        sales, purchases = _queue_orders(book)
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


@njit(cache=True, nogil=True, error_model="numpy")
def _run_ownerless(
    weights: Floats, row_of: Ints, decided: bool, fresh: bool, resumed: bool, quotes: Quotes,
    actions: Actions, terms: Terms, book: Book, log: Log, out: Sheet,
) -> tuple[Log, bool, bool, int]:  # fmt: skip
    """Run over arrays that the caller keeps alive; the log, which is given back, keeps its owners.

    A call that hands over twenty arrays counts their owners up and down, which took a quarter of the time.
    """
    found: tuple[Log, bool, bool, int] = _run(
        ownerless(weights), ownerless(row_of), decided, fresh, resumed,
        Quotes(
            ownerless(quotes.price), ownerless(quotes.volume), ownerless(quotes.buy_block),
            ownerless(quotes.sell_block), ownerless(quotes.close), ownerless(quotes.first_step),
            ownerless(quotes.half_spread), ownerless(quotes.impact), ownerless(quotes.borrow_rate),
            ownerless(quotes.borrowable),
        ),
        actions,
        Terms(
            ownerless(terms.rates), ownerless(terms.lots), terms.recovery, terms.participation,
            terms.max_gross, terms.retry, terms.recall, terms.cash_rule, terms.style,
        ),
        Book(ownerless(book.cells), ownerless(book.queue), ownerless(book.account)),
        log,
        Sheet(ownerless(out.series), ownerless(out.holdings)),
    )  # fmt: skip
    return found


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
        queue=np.zeros((3, assets + 1), dtype=np.int64),
        account=np.array([opening.cash, 0.0, 0.0, opening.equity, 0.0]),
    )
    book.cells[: WEIGHT + 1] = opening.shares, opening.goal, opening.mark, opening.weight
    # room that is never written costs no memory
    rows = max(4 * assets, min(sessions * assets, 128 * _ROWS))
    log = Log(
        fills=np.empty((3, rows), dtype=np.int64),
        money=np.empty((7, rows)),
        refusals=np.empty((4, _ROWS)),
        used=np.zeros(2, dtype=np.int64),
    )
    log, decided, fresh, ruined = _run_ownerless(
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
