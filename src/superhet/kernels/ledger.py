"""Ledger: weights and prices in, money out; one pass over sessions and assets.

A session runs in this order:

1. corporate actions scale shares, goals and marks; delistings; borrow fee  -> `_open_session`
2. orders: whole lots of the difference between goal and holding            -> `_write_orders`
3. sells in asset order, then buys in asset order, leg by leg with costs    -> `_fill_side`, `_leg`
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

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]

REFUSALS = (
    "",
    "not_listed",
    "suspended",
    "limit_up",
    "limit_down",
    "volume_cap",
    "cash",
    "leverage",
    "lot",
)
NOT_LISTED, SUSPENDED, LIMIT_UP, LIMIT_DOWN, VOLUME_CAP, CASH, LEVERAGE, LOT = range(1, 9)
COSTS = ("commission", "stamp_duty", "transfer_fee", "slippage", "borrow")
# the moving numbers of the account: cash, marked value of shorts, gross value, equity, traded value
_CASH, _RESERVE, _GROSS, _EQUITY, _TRADED = range(5)


class Quotes(NamedTuple):
    """What the market said, [sessions, assets]; prices are raw."""

    price: Floats  # fills happen here
    close: Floats  # NaN without trade
    adjust: Floats  # cumulative adjust factor; NaN before listing
    volume: Floats  # shares
    buy_block: Codes  # 0 = may buy, else a code of REFUSALS
    sell_block: Codes
    mark: Floats  # [assets], raw value at the first session of an asset that does not trade on it


class Terms(NamedTuple):
    """What the broker says.

    `rates` is [sessions, 6]: commission (fraction), its minimum, commission per share, stamp duty on
    sales, transfer fee, slippage. `borrow` is [sessions], the fee on short value for the calendar days
    since the session before. `minimum` and `step` are the lots of each asset, in shares.
    """

    rates: Floats
    borrow: Floats
    minimum: Floats
    step: Floats
    capital: float
    participation: float  # of the session's volume; infinite = no cap
    max_gross: float
    retry: bool


class _Book(NamedTuple):
    shares: Floats
    goal: Floats
    order: Floats
    mark: Floats
    factor: Floats
    account: Floats


class LedgerBooks(NamedTuple):
    """What the ledger wrote down; see `run_ledger`."""

    equity: Floats  # [sessions], at the close
    cash: Floats  # [sessions]
    holdings: Floats  # [sessions, assets], fraction of equity at the close
    costs: Floats  # [sessions, 5], currency, columns as COSTS
    traded: Floats  # [sessions], absolute traded value, delistings left out
    trades: Floats  # [9, fills]: session, asset, shares, price, four costs, 1 if a delisting
    refused: Floats  # [4, rows]: session, asset, shares not done (signed), code
    ruined: int  # session on which equity fell to zero, -1 if never


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
def _refuse(t: int, i: int, shares: float, code: int, refused: Floats, n: int) -> int:
    refused[0, n], refused[1, n], refused[2, n], refused[3, n] = t, i, shares, code
    return n + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _grown(rows: Floats, used: int, needed: int) -> Floats:
    if used + needed <= rows.shape[1]:
        return rows
    longer = np.empty((rows.shape[0], 2 * rows.shape[1] + needed))
    longer[:, :used] = rows[:, :used]
    return longer


@njit(cache=True, nogil=True, error_model="numpy")
def _open_session(
    t: int, quotes: Quotes, borrow: float, book: _Book, cost: Floats, trades: Floats, n: int
) -> int:
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
            trades[0, n], trades[1, n], trades[2, n] = t, i, -book.shares[i]
            trades[3, n], trades[4:8, n], trades[8, n] = book.mark[i], 0.0, 1.0
            n += 1
            book.shares[i], book.goal[i] = 0.0, 0.0
        else:
            gross += abs(value)
            reserve -= min(value, 0.0)
    cost[4] = lent * borrow
    book.account[_CASH] -= cost[4]
    book.account[_RESERVE], book.account[_GROSS], book.account[_TRADED] = reserve, gross, 0.0
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _write_orders(
    t: int, weights: Floats, fresh: bool, terms: Terms, book: _Book, refused: Floats, n: int
) -> int:
    for i in range(len(book.shares)):
        size = _order(book.shares[i], book.goal[i], terms.step[i])
        if fresh and book.goal[i] == 0.0 and abs(weights[i]) > 0.0:
            if book.mark[i] > 0.0:  # the capital is too small for one lot
                missed = weights[i] * book.account[_EQUITY] / book.mark[i]
                n = _refuse(t, i, missed, LOT, refused, n)
            else:
                n = _refuse(t, i, 0.0, NOT_LISTED, refused, n)
        elif size != 0.0 and abs(size) < terms.minimum[i] and book.goal[i] != 0.0:
            if fresh:
                n = _refuse(t, i, size, LOT, refused, n)
            size = 0.0
        book.order[i] = size
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _leg(
    t: int, i: int, shares: float, price: float, rates: Floats, account: Floats, cost: Floats,
    trades: Floats, n: int,
) -> int:  # fmt: skip
    value = abs(shares) * price
    commission = max(value * rates[0] + abs(shares) * rates[2], rates[1])
    stamp = value * rates[3] if shares < 0.0 else 0.0
    transfer, slippage = value * rates[4], value * rates[5]
    account[_CASH] -= shares * price + (commission + stamp + transfer + slippage)
    account[_TRADED] += value
    cost[0] += commission
    cost[1] += stamp
    cost[2] += transfer
    cost[3] += slippage
    trades[0, n], trades[1, n], trades[2, n], trades[3, n] = t, i, shares, price
    trades[4, n], trades[5, n], trades[6, n], trades[7, n] = commission, stamp, transfer, slippage
    trades[8, n] = 0.0
    return n + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _affordable(account: Floats, price: float, rates: Floats) -> float:
    """Give the shares that free cash buys, costs included."""
    free = account[_CASH] - account[_RESERVE]
    extra = 1.0 + rates[4] + rates[5]
    spend = min(free / (extra + rates[0] + rates[2] / price), (free - rates[1]) / extra)
    return float(max(spend, 0.0) / price)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_side(
    t: int, side: float, quotes: Quotes, terms: Terms, book: _Book, cost: Floats,
    trades: Floats, fills: int, refused: Floats, n: int,
) -> tuple[int, int]:  # fmt: skip
    account, rates = book.account, terms.rates[t]
    block = quotes.sell_block if side < 0.0 else quotes.buy_block
    for i in range(len(book.shares)):
        size = book.order[i] * side
        if size <= 0.0:
            continue
        if block[t, i] != 0:
            n = _refuse(t, i, book.order[i], block[t, i], refused, n)
            continue
        price, step, minimum = quotes.price[t, i], terms.step[i], terms.minimum[i]
        if size > terms.participation * quotes.volume[t, i]:
            cut = _lots(terms.participation * quotes.volume[t, i], step, minimum)
            n = _refuse(t, i, side * (size - cut), VOLUME_CAP, refused, n)
            size = cut
        closing = min(size, max(-book.shares[i] * side, 0.0))
        opening = size - closing
        if closing > 0.0:
            fills = _leg(t, i, side * closing, price, rates, account, cost, trades, fills)
            account[_GROSS] -= closing * book.mark[i]
            account[_RESERVE] -= closing * book.mark[i] if side > 0.0 else 0.0
        room = max(terms.max_gross * account[_EQUITY] - account[_GROSS], 0.0) / price
        if opening > room:
            cut = _lots(room, step, minimum)
            n = _refuse(t, i, side * (opening - cut), LEVERAGE, refused, n)
            opening = cut
        if opening > 0.0 and side > 0.0 and opening > _affordable(account, price, rates):
            cut = _lots(_affordable(account, price, rates), step, minimum)
            n = _refuse(t, i, opening - cut, CASH, refused, n)
            opening = cut
        if opening > 0.0:
            fills = _leg(t, i, side * opening, price, rates, account, cost, trades, fills)
            account[_GROSS] += opening * price
            account[_RESERVE] += opening * price if side < 0.0 else 0.0
        book.shares[i] += side * (closing + opening)
    return fills, n


@njit(cache=True, nogil=True, error_model="numpy")
def _close_session(close: Floats, book: _Book, held: Floats) -> float:
    equity = book.account[_CASH]
    for i in range(len(close)):
        if close[i] > 0.0:
            book.mark[i] = close[i]
        if book.shares[i] != 0.0:
            held[i] = book.shares[i] * book.mark[i]
            equity += held[i]
    book.account[_EQUITY] = equity
    if equity > 0.0:
        for i in range(len(close)):
            held[i] /= equity
    return float(equity)


@njit(cache=True, nogil=True, error_model="numpy")
def _decide(weights: Floats, equity: float, terms: Terms, book: _Book) -> None:
    for i in range(len(weights)):
        weight = weights[i]
        book.goal[i] = 0.0
        if abs(weight) > 0.0 and book.mark[i] > 0.0:
            size = abs(weight) * equity / book.mark[i]
            book.goal[i] = np.sign(weight) * _lots(size, terms.step[i], terms.minimum[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _run(weights: Floats, row_of: Ints, quotes: Quotes, terms: Terms) -> LedgerBooks:
    sessions, assets = quotes.close.shape
    equity, cash, traded = np.zeros(sessions), np.zeros(sessions), np.zeros(sessions)
    holdings, costs = np.zeros((sessions, assets)), np.zeros((sessions, 5))
    account = np.array([terms.capital, 0.0, 0.0, terms.capital, 0.0])
    book = _Book(
        shares=np.zeros(assets),
        goal=np.zeros(assets),
        order=np.zeros(assets),
        mark=quotes.mark.copy(),
        factor=np.zeros(assets),
        account=account,
    )
    trades, refused = np.empty((9, 4 * assets)), np.empty((4, 4 * assets))
    fills, n, ruined, row, fresh = 0, 0, -1, -1, False
    for t in range(sessions):
        trades, refused = _grown(trades, fills, 3 * assets), _grown(refused, n, 4 * assets)
        fills = _open_session(t, quotes, terms.borrow[t], book, costs[t], trades, fills)
        if fresh or (terms.retry and row >= 0):
            n = _write_orders(t, weights[row], fresh, terms, book, refused, n)
            for side in (-1.0, 1.0):
                fills, n = _fill_side(
                    t, side, quotes, terms, book, costs[t], trades, fills, refused, n
                )
        equity[t] = _close_session(quotes.close[t], book, holdings[t])
        cash[t], traded[t] = account[_CASH], account[_TRADED]
        if equity[t] <= 0.0:
            ruined = t
            break
        fresh = row_of[t] >= 0
        if fresh:
            row = row_of[t]
            _decide(weights[row], equity[t], terms, book)
    return LedgerBooks(
        equity, cash, holdings, costs, traded, trades[:, :fills], refused[:, :n], ruined
    )


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
    books: LedgerBooks = _run(
        _plain(weights),
        np.ascontiguousarray(row_of, dtype=np.int64),
        Quotes(
            price=_plain(quotes.price),
            close=_plain(quotes.close),
            adjust=_plain(quotes.adjust),
            volume=_plain(quotes.volume),
            buy_block=np.ascontiguousarray(quotes.buy_block, dtype=np.int8),
            sell_block=np.ascontiguousarray(quotes.sell_block, dtype=np.int8),
            mark=_plain(quotes.mark),
        ),
        Terms(
            rates=_plain(terms.rates),
            borrow=_plain(terms.borrow),
            minimum=_plain(terms.minimum),
            step=_plain(terms.step),
            capital=float(terms.capital),
            participation=float(terms.participation),
            max_gross=float(terms.max_gross),
            retry=bool(terms.retry),
        ),
    )
    return books


def _plain(values: npt.ArrayLike) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def carried_marks(close: Floats, adjust: Floats) -> Floats:
    """Carry the adjusted close over sessions without trade; NaN before the first.

    Parameters
    ----------
    close, adjust : [dates, assets], raw close and cumulative adjust factor

    Returns
    -------
    [dates, assets]; ratios of successive rows are the returns that the ledger earns
    """
    adjusted = close * adjust
    row = np.where(adjusted > 0.0, np.arange(len(close))[:, None], 0)
    return np.asarray(np.take_along_axis(adjusted, np.maximum.accumulate(row, axis=0), axis=0))
