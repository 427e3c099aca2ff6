"""Fills of the ledger: what an order may take, what its legs cost, and who is held back.

1. an order meets blocks and the volume cap; what closes goes first ->  `fill_side`, `_allowed`
2. what opens meets the lender, the leverage and the cash             -> `_opening`
3. cash: cut to lots, scaled with all buys, refused whole, or borrowed -> `_cash_room`, `buy_factor`
4. a leg changes cash and is written down with its costs             -> `_leg_costs`, `_write_leg`

Speed: a call that hands whole books over costs more than a fill. The loop reads arrays into names first and
calls functions of numbers; functions of books are for the rare order that is held back.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from superhet.kernels.ledger_books import (
    CASH,
    CASH_RULES,
    EQUITY,
    FEE,
    FIRST_COST,
    GOAL,
    GROSS,
    LEVERAGE,
    LOT,
    MARK,
    MINIMUM,
    MONEY,
    NO_BORROW,
    ORDER,
    PURCHASE,
    PURCHASE_DUTY,
    REASON,
    RECALLED,
    RESERVE,
    SALE,
    SALES_DUTY,
    SHARES,
    SLIP,
    STEP,
    SUSPENDED,
    TRADED,
    VOLUME_CAP,
    Book,
    Floats,
    Ints,
    Log,
    Quotes,
    Sheet,
    Terms,
)

_SCALE, _REFUSE, _BORROW = (CASH_RULES.index(n) for n in ("scale", "refuse", "borrow"))
# codes as floats: an integer literal would compile a function once for every value
AN_ORDER, DELISTING, RECALL = 0.0, 1.0, 2.0
_VOLUME_CAP, _CASH, _LEVERAGE, _NO_BORROW = map(float, (VOLUME_CAP, CASH, LEVERAGE, NO_BORROW))
_SUSPENDED, _LOT = float(SUSPENDED), float(LOT)
_HAIR = 1.0 - 1e-9


@njit(cache=True, nogil=True, error_model="numpy")
def lots(shares: float, step: float, minimum: float) -> float:
    """Cut shares to whole lots; 0 below the smallest order."""
    whole = float(np.floor(shares / step + 1e-9) * step)
    return whole if whole >= minimum else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def at(panel: Floats, t: int, i: int) -> float:
    """Read a panel that may be one row, one column or one number."""
    return float(panel[t if panel.shape[0] > 1 else 0, i if panel.shape[1] > 1 else 0])


@njit(cache=True, nogil=True, error_model="numpy")
def refuse(t: int, i: int, shares: float, code: float, log: Log) -> None:
    """Write down what was not done."""
    n = log.used[1]
    log.refusals[0, n], log.refusals[1, n] = t, i
    log.refusals[2, n], log.refusals[3, n] = code, shares
    log.used[1] = n + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _held_back(
    t: int, i: int, shares: float, code: float, terms: Terms, book: Book, log: Log
) -> None:
    """Refuse at once where a session has one step; else only what is left at its end is refused."""
    if terms.style == 0:
        refuse(t, i, shares, code, log)
    else:
        book.cells[REASON, i] = code


@njit(cache=True, nogil=True, error_model="numpy")
def _capped(size: float, most: float, step: float, minimum: float) -> float:
    """Cut an order to what the volume of a step allows; a volume that is not known allows nothing."""
    return float(size if size <= most else lots(most, step, minimum))


@njit(cache=True, nogil=True, error_model="numpy")
def slice_of(size: float, left: int, style: int, step: float, minimum: float) -> float:
    """Give the part of an order that is sent in this step, of `left` steps; the last takes the rest."""
    return lots(size / left, step, minimum) if style == 1 and left > 1 else size


@njit(cache=True, nogil=True, error_model="numpy")
def _money_for(t: int, i: int, shares: float, price: float, quotes: Quotes, terms: Terms) -> float:
    """Give the money that buying takes, costs included."""
    rates, value = terms.rates, shares * price
    commission = max(value * rates[t, 0] + shares * rates[t, 2], rates[t, 1])
    impact = at(quotes.impact, t, i) * np.sqrt(shares)
    extra = rates[t, PURCHASE_DUTY] + rates[t, FEE] + rates[t, SLIP]
    extra += at(quotes.half_spread, t, i) + impact
    return float(value + commission + value * extra)


@njit(cache=True, nogil=True, error_model="numpy")
def _room(
    free: float, price: float, rate: float, least: float, per_share: float, extra: float
) -> float:
    """Give the shares that free cash buys: commission `rate`, at least `least`, all else in `extra`."""
    spend = min(free / (extra + rate + per_share / price), (free - least) / extra)
    return float(max(spend, 0.0) / price)


@njit(cache=True, nogil=True, error_model="numpy")
def _cash_room(
    t: int, i: int, opening: float, price: float, quotes: Quotes, terms: Terms, book: Book
) -> float:
    """Give the shares that free cash buys, costs included; with impact the largest number of whole lots."""
    free, rates = book.account[MONEY] - book.account[RESERVE], terms.rates
    extra = 1.0 + rates[t, PURCHASE_DUTY] + rates[t, FEE] + rates[t, SLIP]
    extra += at(quotes.half_spread, t, i)
    room = _room(free, price, rates[t, 0], rates[t, 1], rates[t, 2], extra)
    if at(quotes.impact, t, i) <= 0.0 or room <= 0.0:
        return float(room)
    if opening <= room and _money_for(t, i, opening, price, quotes, terms) <= free:
        return float(room)
    step = terms.lots[STEP, i]
    least, most = 0.0, np.floor(min(room, opening) / step + 1e-9) + 1.0
    while most - least > 1.0:  # least fits, most does not
        middle = np.floor(0.5 * (least + most))
        if _money_for(t, i, middle * step, price, quotes, terms) <= free:
            least = middle
        else:
            most = middle
    return float(least * step)


@njit(cache=True, nogil=True, error_model="numpy")
def _opening(
    s: int, t: int, i: int, opening: float, side: float, factor: float, quotes: Quotes,
    terms: Terms, book: Book, log: Log,
) -> float:  # fmt: skip
    """Cut what opens a position to what lender, leverage and cash allow."""
    account, step, minimum, price = (
        book.account,
        terms.lots[STEP, i],
        terms.lots[MINIMUM, i],
        quotes.price[s, i],
    )
    room = np.floor(at(quotes.borrowable, t, i)) + min(book.cells[SHARES, i], 0.0)
    if side < 0.0 and opening > room:
        cut = lots(max(room, 0.0), step, minimum)
        _held_back(t, i, side * (opening - cut), _NO_BORROW, terms, book, log)
        opening = cut
    room = max(terms.max_gross * account[EQUITY] - account[GROSS], 0.0) / price
    if opening > room:
        cut = lots(room, step, minimum)
        _held_back(t, i, side * (opening - cut), _LEVERAGE, terms, book, log)
        opening = cut
    if side < 0.0 or opening <= 0.0 or terms.cash_rule == _BORROW:
        return float(opening)
    if terms.cash_rule == _SCALE and factor < 1.0:
        cut = lots(opening * factor, step, minimum)
        if cut < opening:
            _held_back(t, i, opening - cut, _CASH, terms, book, log)
        opening = cut
    room = _cash_room(t, i, opening, price, quotes, terms, book)
    if opening > room:
        cut = 0.0 if terms.cash_rule == _REFUSE else lots(room, step, minimum)
        _held_back(t, i, opening - cut, _CASH, terms, book, log)
        opening = cut
    return float(opening)


@njit(cache=True, nogil=True, error_model="numpy")
def _allowed(
    s: int, t: int, i: int, size: float, quotes: Quotes, terms: Terms, book: Book, log: Log
) -> float:
    """Cut an order to what the market of a step lets through; write down the rule that holds it."""
    side = 1.0 if book.cells[ORDER, i] > 0.0 else -1.0
    code = float(quotes.buy_block[s, i] if side > 0.0 else quotes.sell_block[s, i])
    if code == 0.0 and not quotes.price[s, i] > 0.0:
        code = _SUSPENDED
    elif code == 0.0 and size < terms.lots[MINIMUM, i] and terms.style != 0:
        # the rest of an order that was cut; what closes a position goes whole
        code = _LOT if book.cells[GOAL, i] != 0.0 and book.cells[RECALLED, i] == 0.0 else 0.0
    if code != 0.0:
        _held_back(t, i, book.cells[ORDER, i], code, terms, book, log)
        return 0.0
    if terms.participation == np.inf:
        return float(size)
    cut = _capped(
        size, terms.participation * quotes.volume[s, i], terms.lots[STEP, i], terms.lots[MINIMUM, i]
    )
    if cut < size:
        _held_back(t, i, side * (size - cut), _VOLUME_CAP, terms, book, log)
    return float(cut)


@njit(cache=True, nogil=True, error_model="numpy")
def _moving(root: float, shares: float) -> float:
    """Give the square-root impact of a leg, a fraction of its value."""
    return float(root * np.sqrt(shares)) if root > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _leg_costs(
    value: float, shares: float, rate: float, least: float, per_share: float,
    other: tuple[float, float, float, float],
) -> tuple[float, float, float, float, float]:  # fmt: skip
    """Give the costs of a leg in the order of `LEG_COSTS`; `other` are fractions of its value."""
    commission = max(value * rate + shares * per_share, least)
    return commission, value * other[0], value * other[1], value * other[2], value * other[3]


@njit(cache=True, nogil=True, error_model="numpy")
def _spent(t: int, series: Floats) -> tuple[float, float, float, float, float]:
    """Give what the legs of a session have cost so far."""
    row = series[t]
    return (
        row[FIRST_COST], row[FIRST_COST + 1], row[FIRST_COST + 2], row[FIRST_COST + 3],
        row[FIRST_COST + 4],
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _added(
    a: tuple[float, float, float, float, float], b: tuple[float, float, float, float, float]
) -> tuple[float, float, float, float, float]:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4]


@njit(cache=True, nogil=True, error_model="numpy")
def _write_leg(
    where: tuple[int, int, int, float], shares: float, price: float,
    costs: tuple[float, float, float, float, float], fills: Ints, money: Floats,
) -> None:  # fmt: skip
    n = where[0]
    fills[0, n], fills[1, n], fills[2, n] = where[1], where[2], where[3]
    money[0, n], money[1, n] = shares, price
    money[2, n], money[3, n], money[4, n] = costs[0], costs[1], costs[2]
    money[5, n], money[6, n] = costs[3], costs[4]


@njit(cache=True, nogil=True, error_model="numpy")
def fill_side(
    s: int, t: int, side: float, count: int, left: int, factor: float, quotes: Quotes, terms: Terms,
    book: Book, out: Sheet, log: Log,
) -> None:  # fmt: skip
    """Fill what can be filled of the sales (side -1) or purchases (1) of a step, in asset order."""
    account, cells, lot = book.account, book.cells, terms.lots
    prices, volume, queue, rates = quotes.price, quotes.volume, book.queue, terms.rates
    block = quotes.sell_block if side < 0.0 else quotes.buy_block
    spread, impact, lendable = quotes.half_spread, quotes.impact, quotes.borrowable
    fills, money, series = log.fills, log.money, out.series
    rate, least, per_share = rates[t, 0], rates[t, 1], rates[t, 2]
    stamp, fee = rates[t, SALES_DUTY if side < 0.0 else PURCHASE_DUTY], rates[t, FEE]
    simple, capping = terms.style == 0, terms.participation < np.inf
    highest, n = terms.max_gross * account[EQUITY], log.used[0]
    # names for what every leg changes: a number in memory is ready only some cycles after it was written
    cash, gross, reserve = account[MONEY], account[GROSS], account[RESERVE]
    traded, spent = account[TRADED], _spent(t, series)
    for k in range(count):
        i = queue[SALE if side < 0.0 else PURCHASE, k]
        held, price = cells[SHARES, i], prices[s, i]
        size = slice_of(cells[ORDER, i] * side, left, terms.style, lot[STEP, i], lot[MINIMUM, i])
        clear = block[s, i] == 0 and price > 0.0 and simple
        if not clear or (capping and not size <= terms.participation * volume[s, i]):
            size = 0.0 if size <= 0.0 else _allowed(s, t, i, size, quotes, terms, book, log)
        slip, root = rates[t, SLIP] + at(spread, t, i), at(impact, t, i)
        closing = min(size, max(-held * side, 0.0))
        for part in range(2):
            done = closing if part == 0 else size - closing
            if done <= 0.0:
                continue
            kind = RECALL if part == 0 and cells[RECALLED, i] > 0.0 else AN_ORDER
            value, moved = done * price, _moving(root, done)
            if part == 1:
                # with a hair to spare, so that the exact rule is asked only where it may bind
                fits = value <= (highest - gross) * _HAIR
                if side < 0.0:
                    fits = fits and done <= at(lendable, t, i) + min(held, 0.0)
                else:
                    need = (
                        value * (1.0 + stamp + fee + slip + moved + rate) + least + done * per_share
                    )
                    fits = fits and factor >= 1.0 and need <= (cash - reserve) * _HAIR
                if not fits:
                    account[MONEY], account[GROSS], account[RESERVE] = cash, gross, reserve
                    done = _opening(s, t, i, done, side, factor, quotes, terms, book, log)
                    value, moved = done * price, _moving(root, done)
                if done <= 0.0:
                    continue
            paid = _leg_costs(value, done, rate, least, per_share, (stamp, fee, slip, moved))
            cash -= side * value + (paid[0] + paid[1] + paid[2] + paid[3] + paid[4])
            traded += value
            spent = _added(spent, paid)
            _write_leg((n, s, i, kind), side * done, price, paid, fills, money)
            n += 1
            change = value if part == 1 else -done * cells[MARK, i]
            gross += change
            if (side > 0.0) == (part == 0):
                reserve += change
            held += side * done
            cells[SHARES, i] = held
            cells[ORDER, i] -= side * done
    account[MONEY], account[GROSS], account[RESERVE], account[TRADED] = cash, gross, reserve, traded
    log.used[0] = n
    for c in range(5):
        series[t, FIRST_COST + c] = spent[c]


@njit(cache=True, nogil=True, error_model="numpy")
def buy_factor(
    s: int, t: int, left: int, count: int, quotes: Quotes, terms: Terms, book: Book
) -> float:
    """Give the one factor by which all openings of a step are scaled to fit the free cash.

    Covering comes first: it takes cash and gives its collateral back. Sizes are those after the volume cap.
    """
    free, need = book.account[MONEY] - book.account[RESERVE], 0.0
    for k in range(count):
        i = book.queue[PURCHASE, k]
        step, minimum, price = terms.lots[STEP, i], terms.lots[MINIMUM, i], quotes.price[s, i]
        size = slice_of(book.cells[ORDER, i], left, terms.style, step, minimum)
        if size <= 0.0 or quotes.buy_block[s, i] != 0 or not price > 0.0:
            continue
        if terms.participation < np.inf:
            size = _capped(size, terms.participation * quotes.volume[s, i], step, minimum)
        closing = min(size, max(-book.cells[SHARES, i], 0.0))
        if closing > 0.0:
            free -= _money_for(t, i, closing, price, quotes, terms) - closing * book.cells[MARK, i]
        if size > closing:
            need += _money_for(t, i, size - closing, price, quotes, terms)
    return float(min(max(free / need, 0.0), 1.0)) if need > 0.0 else 1.0
