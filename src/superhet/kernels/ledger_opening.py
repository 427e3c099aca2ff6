"""The opening of a session: what happens to the book before any order is sent.

1. corporate actions: cash, whole shares, marks and goals            -> `apply_actions`
2. an asset that left the market is closed at a part of its mark     -> `_delist`
3. borrow fees, interest on what is free, interest on what is owed   -> `settle`
4. the lender takes back what can no longer be borrowed              -> `recall_shorts`
"""

from __future__ import annotations

import numpy as np
from numba import njit

from superhet.kernels.ledger_books import (
    CASH_RATE,
    FIRST_COST,
    FIRST_INCOME,
    GOAL,
    GROSS,
    MARGIN_RATE,
    MARK,
    MONEY,
    NOT_LISTED,
    RECALLED,
    RESERVE,
    SHARES,
    TRADED,
    YEARS,
    Actions,
    Book,
    Log,
    Quotes,
    Sheet,
    Terms,
)
from superhet.kernels.ledger_fills import DELISTING, at

_BORROW, _MARGIN = FIRST_COST + 5, FIRST_COST + 6
_DIVIDENDS, _INTEREST = FIRST_INCOME, FIRST_INCOME + 1
_HAIR = 1e-6  # 100 x 1.15 is 114.99999999999999 in floats, and 115 shares


@njit(cache=True, nogil=True, error_model="numpy")
def _whole(shares: float) -> float:
    """Cut shares to a whole number, toward zero."""
    size = float(np.floor(abs(shares) + _HAIR))
    return size if shares > 0.0 else 0.0 - size


@njit(cache=True, nogil=True, error_model="numpy")
def apply_actions(t: int, actions: Actions, book: Book, out: Sheet) -> None:
    """Pay dividends and split shares on their ex-dates; a short pays what a holder gets before tax."""
    cells, asset, terms = book.cells, actions.asset, actions.terms
    for k in range(actions.first[t], actions.first[t + 1]):
        i, split = asset[k], terms[0, k]
        held, mark = cells[SHARES, i], max((cells[MARK, i] - terms[2, k]) / split, 0.0)
        if cells[MARK, i] > 0.0:  # not for a mark that is not known
            cells[MARK, i] = mark
        if held != 0.0:
            whole, paid = _whole(held * split), held * terms[1 if held > 0.0 else 2, k]
            book.account[MONEY] += paid + (held * split - whole) * mark
            out.series[t, _DIVIDENDS] += paid
            cells[SHARES, i] = whole
        if cells[GOAL, i] != 0.0:
            cells[GOAL, i] = _whole(cells[GOAL, i] * split)


@njit(cache=True, nogil=True, error_model="numpy")
def settle(t: int, s: int, quotes: Quotes, terms: Terms, book: Book, log: Log, out: Sheet) -> None:
    """Close what left the market, add up the values at the marks, and settle fees and interest."""
    reserve, gross, fee = 0.0, 0.0, 0.0
    account, cells, rates, series = book.account, book.cells, terms.rates, out.series
    block, rate, years = quotes.sell_block, quotes.borrow_rate, terms.rates[t, YEARS]
    for i in range(cells.shape[1]):
        if cells[SHARES, i] == 0.0:
            continue
        if block[s, i] == NOT_LISTED:
            _delist(s, i, terms.recovery, book, log)
            continue
        value = cells[SHARES, i] * cells[MARK, i]
        if value < 0.0:
            reserve -= value
            fee -= value * at(rate, t, i)
        gross += abs(value)
    free, fee = account[MONEY] - reserve, fee * years
    interest = max(free, 0.0) * rates[t, CASH_RATE] * years
    margin = max(-free, 0.0) * rates[t, MARGIN_RATE] * years
    series[t, _BORROW], series[t, _MARGIN], series[t, _INTEREST] = fee, margin, interest
    account[MONEY] += interest - (fee + margin)
    account[RESERVE], account[GROSS], account[TRADED] = reserve, gross, 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _delist(s: int, i: int, recovery: float, book: Book, log: Log) -> None:
    cells, n = book.cells, log.used[0]
    price = recovery * cells[MARK, i]
    book.account[MONEY] += cells[SHARES, i] * price
    log.fills[0, n], log.fills[1, n], log.fills[2, n] = s, i, DELISTING
    log.money[0, n], log.money[1, n] = -cells[SHARES, i], price
    for k in range(2, 7):
        log.money[k, n] = 0.0
    log.used[0] = n + 1
    cells[SHARES, i], cells[GOAL, i] = 0.0, 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def recall_shorts(t: int, quotes: Quotes, book: Book) -> bool:
    """Raise the goals of shorts beyond what can be borrowed; says whether any is called back."""
    found, cells = False, book.cells
    for i in range(cells.shape[1]):
        cells[RECALLED, i] = 0.0
        if cells[SHARES, i] < 0.0:
            borrowable = np.floor(at(quotes.borrowable, t, i))
            if -cells[SHARES, i] > borrowable:
                cells[RECALLED, i], found = 1.0, True
                cells[GOAL, i] = max(cells[GOAL, i], 0.0 - borrowable)
    return found
