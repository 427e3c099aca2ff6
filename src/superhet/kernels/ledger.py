"""Ledger: weights and prices in, money out; one pass over sessions and assets.

A session runs in this order:

1. corporate actions scale shares, goals and marks; delistings; borrow fee  -> `_open_session`
2. orders: whole lots of the difference between goal and holding            -> `_write_orders`
3. sells in asset order, then buys in asset order, leg by leg with costs    -> `_fill_order`, `_leg`
4. equity at the close; on a decision date the goals of what follows        -> `_close_session`, `_decide`

Account: shares sold short are borrowed, and the proceeds stay with the lender as collateral. What may be
spent on buying is therefore cash minus the marked value of the shorts. Opening orders of either side stop
at `max_gross` x equity; covering and selling out are never held back for money. Whatever is refused or
cut leaves a row with a code of `REFUSALS`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.ledger_books import (
    CASH,
    LEVERAGE,
    LOT,
    NOT_LISTED,
    VOLUME_CAP,
    LedgerBooks,
    Quotes,
    Terms,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# the same as floats: an integer literal would compile a function once for every value
_NOT_LISTED, _LOT = float(NOT_LISTED), float(LOT)
_VOLUME_CAP, _CASH_SHORT, _LEVERAGE = float(VOLUME_CAP), float(CASH), float(LEVERAGE)
# the moving numbers of the account: cash, marked value of shorts, gross value, equity, traded value
_CASH, _RESERVE, _GROSS, _EQUITY, _TRADED = range(5)


class _Book(NamedTuple):
    shares: Floats
    goal: Floats
    order: Floats
    mark: Floats
    factor: Floats
    account: Floats


class _Log(NamedTuple):
    trades: Floats
    refused: Floats
    used: Ints  # [2], rows written so far


class _Daily(NamedTuple):
    equity: Floats
    cash: Floats
    traded: Floats
    holdings: Floats
    costs: Floats


@njit(cache=True, nogil=True, error_model="numpy")
def _lots(shares: float, step: float, minimum: float) -> float:
    lots = float(np.floor(shares / step + 1e-9) * step)
    return lots if lots >= minimum else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _order(held: float, goal: float, step: float) -> float:
    if goal == 0.0:  # what closes a position goes whole, odd lots included
        return -held
    if held * goal < 0.0:
        return goal - held
    size = float(np.floor(abs(abs(goal) - abs(held)) / step + 1e-9) * step)
    return size if goal > held else -size


@njit(cache=True, nogil=True, error_model="numpy")
def _refuse(t: int, i: int, shares: float, code: float, log: _Log) -> None:
    n = log.used[1]
    log.refused[0, n], log.refused[1, n], log.refused[2, n], log.refused[3, n] = t, i, shares, code
    log.used[1] = n + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _book_trade(t: int, i: int, shares: float, price: float, delisted: float, log: _Log) -> int:
    n = log.used[0]
    log.trades[0, n], log.trades[1, n], log.trades[2, n] = t, i, shares
    log.trades[3, n], log.trades[8, n] = price, delisted
    log.used[0] = n + 1
    return int(n)


@njit(cache=True, nogil=True, error_model="numpy")
def _grown(rows: Floats, used: int, needed: int) -> Floats:
    if used + needed <= rows.shape[1]:
        return rows
    longer = np.zeros((rows.shape[0], 2 * rows.shape[1] + needed))
    for k in range(rows.shape[0]):
        for n in range(used):  # a loop, because slice assignment costs seconds to compile
            longer[k, n] = rows[k, n]
    return longer


@njit(cache=True, nogil=True, error_model="numpy")
def _open_session(t: int, quotes: Quotes, borrow: float, book: _Book, log: _Log) -> float:
    reserve, gross, lent = 0.0, 0.0, 0.0
    for i in range(len(book.shares)):
        factor = quotes.adjust[t, i]
        if factor > 0.0:
            if book.factor[i] > 0.0 and factor != book.factor[i]:
                ratio = factor / book.factor[i]
                book.shares[i] *= ratio
                book.goal[i] *= ratio
                book.mark[i] /= ratio
            book.factor[i] = factor
        if book.shares[i] == 0.0:
            continue
        value = book.shares[i] * book.mark[i]
        lent -= min(value, 0.0)
        if quotes.sell_block[t, i] == NOT_LISTED:
            book.account[_CASH] += value
            _book_trade(t, i, -book.shares[i], book.mark[i], 1.0, log)
            book.shares[i], book.goal[i] = 0.0, 0.0
        else:
            gross += abs(value)
            reserve -= min(value, 0.0)
    fee = lent * borrow
    book.account[_CASH] -= fee
    book.account[_RESERVE], book.account[_GROSS], book.account[_TRADED] = reserve, gross, 0.0
    return float(fee)


@njit(cache=True, nogil=True, error_model="numpy")
def _write_orders(
    t: int, weights: Floats, row: int, fresh: bool, terms: Terms, book: _Book, log: _Log
) -> None:
    for i in range(len(book.shares)):
        size = _order(book.shares[i], book.goal[i], terms.step[i])
        weight = weights[row, i]
        if fresh and book.goal[i] == 0.0 and abs(weight) > 0.0:
            if book.mark[i] > 0.0:  # the capital is too small for one lot
                _refuse(t, i, weight * book.account[_EQUITY] / book.mark[i], _LOT, log)
            else:
                _refuse(t, i, 0.0, _NOT_LISTED, log)
        elif size != 0.0 and abs(size) < terms.minimum[i] and book.goal[i] != 0.0:
            if fresh:
                _refuse(t, i, size, _LOT, log)
            size = 0.0
        book.order[i] = size


@njit(cache=True, nogil=True, error_model="numpy")
def _leg(
    t: int, i: int, shares: float, price: float, rates: Floats, account: Floats, cost: Floats,
    log: _Log,
) -> None:  # fmt: skip
    value = abs(shares) * price
    commission = max(value * rates[t, 0] + abs(shares) * rates[t, 2], rates[t, 1])
    stamp = value * rates[t, 3] if shares < 0.0 else 0.0
    transfer, slippage = value * rates[t, 4], value * rates[t, 5]
    account[_CASH] -= shares * price + (commission + stamp + transfer + slippage)
    account[_TRADED] += value
    n = _book_trade(t, i, shares, price, 0.0, log)
    log.trades[4, n], log.trades[5, n] = commission, stamp
    log.trades[6, n], log.trades[7, n] = transfer, slippage
    cost[t, 0] += commission
    cost[t, 1] += stamp
    cost[t, 2] += transfer
    cost[t, 3] += slippage


@njit(cache=True, nogil=True, error_model="numpy")
def _affordable(account: Floats, price: float, rates: Floats, t: int) -> float:
    """Give the shares that free cash buys, costs included."""
    free = account[_CASH] - account[_RESERVE]
    extra = 1.0 + rates[t, 4] + rates[t, 5]
    spend = min(free / (extra + rates[t, 0] + rates[t, 2] / price), (free - rates[t, 1]) / extra)
    return float(max(spend, 0.0) / price)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_order(
    t: int, i: int, size: float, side: float, quotes: Quotes, terms: Terms, book: _Book,
    cost: Floats, log: _Log,
) -> None:  # fmt: skip
    account, step, minimum = book.account, terms.step[i], terms.minimum[i]
    price, most = quotes.price[t, i], terms.participation * quotes.volume[t, i]
    if size > most:
        cut = _lots(most, step, minimum)
        _refuse(t, i, side * (size - cut), _VOLUME_CAP, log)
        size = cut
    closing = min(size, max(-book.shares[i] * side, 0.0))
    opening = size - closing
    if closing > 0.0:
        _leg(t, i, side * closing, price, terms.rates, account, cost, log)
        account[_GROSS] -= closing * book.mark[i]
        account[_RESERVE] -= closing * book.mark[i] if side > 0.0 else 0.0
    room = max(terms.max_gross * account[_EQUITY] - account[_GROSS], 0.0) / price
    if opening > room:
        cut = _lots(room, step, minimum)
        _refuse(t, i, side * (opening - cut), _LEVERAGE, log)
        opening = cut
    room = _affordable(account, price, terms.rates, t)
    if side > 0.0 and opening > room:
        cut = _lots(room, step, minimum)
        _refuse(t, i, opening - cut, _CASH_SHORT, log)
        opening = cut
    if opening > 0.0:
        _leg(t, i, side * opening, price, terms.rates, account, cost, log)
        account[_GROSS] += opening * price
        account[_RESERVE] += opening * price if side < 0.0 else 0.0
    book.shares[i] += side * (closing + opening)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_side(
    t: int, side: float, quotes: Quotes, terms: Terms, book: _Book, cost: Floats, log: _Log
) -> None:
    block = quotes.sell_block if side < 0.0 else quotes.buy_block
    for i in range(len(book.shares)):
        size = book.order[i] * side
        if size > 0.0 and block[t, i] != 0:
            _refuse(t, i, book.order[i], float(block[t, i]), log)
        elif size > 0.0:
            _fill_order(t, i, size, side, quotes, terms, book, cost, log)


@njit(cache=True, nogil=True, error_model="numpy")
def _close_session(t: int, close: Floats, book: _Book, held: Floats) -> float:
    equity = book.account[_CASH]
    for i in range(len(book.shares)):
        if close[t, i] > 0.0:
            book.mark[i] = close[t, i]
        if book.shares[i] != 0.0:
            held[t, i] = book.shares[i] * book.mark[i]
            equity += held[t, i]
    book.account[_EQUITY] = equity
    if equity > 0.0:
        for i in range(len(book.shares)):
            held[t, i] /= equity
    return float(equity)


@njit(cache=True, nogil=True, error_model="numpy")
def _decide(weights: Floats, row: int, equity: float, terms: Terms, book: _Book) -> None:
    for i in range(len(book.shares)):
        weight = weights[row, i]
        book.goal[i] = 0.0
        if abs(weight) > 0.0 and book.mark[i] > 0.0:
            size = abs(weight) * equity / book.mark[i]
            book.goal[i] = np.sign(weight) * _lots(size, terms.step[i], terms.minimum[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    weights: Floats, row_of: Ints, quotes: Quotes, terms: Terms, book: _Book, log: _Log, out: _Daily
) -> tuple[Floats, Floats, int]:
    sessions, assets = quotes.close.shape
    row, fresh = np.int64(-1), row_of[0] > sessions  # nothing is decided yet
    for t in range(sessions):
        log = _Log(
            _grown(log.trades, log.used[0], 3 * assets),
            _grown(log.refused, log.used[1], 4 * assets),
            log.used,
        )
        out.costs[t, 4] = _open_session(t, quotes, terms.borrow[t], book, log)
        if fresh or (terms.retry and row >= 0):
            _write_orders(t, weights, row, fresh, terms, book, log)
            for side in (-1.0, 1.0):
                _fill_side(t, side, quotes, terms, book, out.costs, log)
        equity = _close_session(t, quotes.close, book, out.holdings)
        out.equity[t], out.cash[t] = equity, book.account[_CASH]
        out.traded[t] = book.account[_TRADED]
        if equity <= 0.0:
            return log.trades, log.refused, t
        fresh = row_of[t] >= 0
        if fresh:
            row = row_of[t]
            _decide(weights, row, equity, terms, book)
    return log.trades, log.refused, -1


def run_ledger(
    weights: npt.ArrayLike, row_of: npt.ArrayLike, quotes: Quotes, terms: Terms
) -> LedgerBooks:
    """Keep the books of target weights decided at closes and filled on the sessions after.

    Parameters
    ----------
    weights : [decisions, assets], signed fractions of equity; NaN = no position
    row_of : [sessions], the row of `weights` decided at that close, -1 for none
    quotes, terms : see `Quotes` and `Terms`

    Returns
    -------
    the books; numbers after a ruin are zero
    """
    sessions, assets = np.shape(quotes.close)
    out = _Daily(
        equity=np.zeros(sessions),
        cash=np.zeros(sessions),
        traded=np.zeros(sessions),
        holdings=np.zeros((sessions, assets)),
        costs=np.zeros((sessions, 5)),
    )
    capital = float(terms.capital)
    book = _Book(
        shares=np.zeros(assets),
        goal=np.zeros(assets),
        order=np.zeros(assets),
        mark=_plain(quotes.mark).copy(),
        factor=np.zeros(assets),
        account=np.array([capital, 0.0, 0.0, capital, 0.0]),
    )
    log = _Log(np.zeros((9, 4 * assets)), np.zeros((4, 4 * assets)), np.zeros(2, dtype=np.int64))
    trades, refused, ruined = _run(
        _plain(weights),
        np.ascontiguousarray(row_of, dtype=np.int64),
        _plain_quotes(quotes),
        _plain_terms(terms),
        book,
        log,
        out,
    )
    fills, refusals = log.used
    return LedgerBooks(
        **out._asdict(), trades=trades[:, :fills], refused=refused[:, :refusals], ruined=ruined
    )


def _plain_quotes(quotes: Quotes) -> Quotes:
    return Quotes(
        price=_plain(quotes.price),
        close=_plain(quotes.close),
        adjust=_plain(quotes.adjust),
        volume=_plain(quotes.volume),
        buy_block=np.ascontiguousarray(quotes.buy_block, dtype=np.int8),
        sell_block=np.ascontiguousarray(quotes.sell_block, dtype=np.int8),
        mark=_plain(quotes.mark),
    )


def _plain_terms(terms: Terms) -> Terms:
    return Terms(
        rates=_plain(terms.rates),
        borrow=_plain(terms.borrow),
        minimum=_plain(terms.minimum),
        step=_plain(terms.step),
        capital=float(terms.capital),
        participation=float(terms.participation),
        max_gross=float(terms.max_gross),
        retry=bool(terms.retry),
    )


def _plain(values: npt.ArrayLike) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)
