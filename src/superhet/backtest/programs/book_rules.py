"""Rules of a book in plain Python, for programs that run outside superhet.

An engine keeps cash and positions. What no engine knows is here, one session after the other:

1. corporate actions, delistings, financing, recalls, before the session opens   -> `Clerk.open_session`
2. orders in shares, sells first, each in asset order                            -> `Clerk.orders`
3. how much of an order may be filled, and why the rest may not                  -> `Clerk.admit`
4. what a fill costs                                                             -> `Clerk.leg_cost`
5. marks, equity, and the goals of what is decided at the close                  -> `Clerk.close_session`

Account: shares sold short are borrowed, and the proceeds stay with the lender as collateral. What may be
spent on buying is cash minus the marked value of the shorts. Covering and selling out are never held
back for money. The tape and the books are files: see `book_files`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from superhet.backtest.programs.book_files import (
        FLOWS,
        LEG_COSTS,
        REFUSALS,
        Action,
        BookError,
        Books,
        Tape,
        write_books,
    )
else:  # a program runs alone, with its own folder in front of the path
    from book_files import FLOWS, LEG_COSTS, REFUSALS, Action, BookError, Books, Tape, write_books

__all__ = ["REFUSALS", "Clerk", "Fill", "Order", "lots", "order_size"]

DAYS_PER_YEAR = 365.0
NOT_LISTED, SUSPENDED = 1, 2
# forgive the last bits of a division: 300 shares that come out as 299.9999999999 are 300
SPECK, HAIR = 1e-9, 1e-6


class Order(NamedTuple):
    """Shares to buy (positive) or sell (negative); `kind` is "order" or "recall"."""

    asset: int
    shares: float
    kind: str


class Fill(NamedTuple):
    """The part of an order that may be filled, in shares without sign."""

    closing: float
    opening: float


def lots(shares: float, step: float, minimum: float) -> float:
    """Cut shares to whole lots, 0 below the smallest order.

    Examples
    --------
    >>> lots(399.0, 100.0, 100.0), lots(199.0, 1.0, 200.0)
    (300.0, 0.0)
    """
    whole = math.floor(shares / step + SPECK) * step
    return whole if whole >= minimum else 0.0


def order_size(held: float, goal: float, step: float) -> float:
    """Give the order from `held` to `goal`: what closes goes whole, what grows goes in lots."""
    if goal == 0.0:
        return -held
    if held * goal < 0.0:
        return goal - held
    size = math.floor(abs(abs(goal) - abs(held)) / step + SPECK) * step
    return size if goal > held else -size


class Clerk:
    """Keep what an engine does not know: marks, goals, room to trade, and the log of the book.

    Shares are lists of N numbers and cash is a number, both the engine's own: the clerk never keeps them.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.terms = tape.terms
        self.closed = tape.marks()[1]
        self.goal = [0.0] * len(tape.assets)
        self.equity = float(tape.terms["capital"])  # at the close before
        self.t, self._row, self._fresh = 0, -1, False
        self._quote: dict[str, list[Any]] = {}
        self._rate: dict[str, float] = {}
        self._mark: list[float] = []
        self._gross = self._reserve = self._traded = 0.0
        self._queue: dict[int, tuple[Order, float]] = {}  # asset -> its order, shares held before
        self._scale = math.nan
        self._flows = dict.fromkeys(FLOWS, 0.0)
        self.books = Books(equity=[], holdings=[], costs=[], trades=[], refused=[])

    def open_session(
        self, t: int, shares: Sequence[float], cash: float
    ) -> tuple[list[float], float]:
        """Do what happens before the open of session `t` >= 1; give shares and cash after it."""
        tape = self.tape
        self.t, self._mark = t, self.closed[t - 1].tolist()
        self._rate = {name: float(series[t]) for name, series in tape.rates.items()}
        self._quote = {name: table[t].tolist() for name, table in tape.quotes.items()}
        self._quote["buy_block"] = tape.buy_block[t].tolist()
        self._quote["sell_block"] = tape.sell_block[t].tolist()
        self._flows = dict.fromkeys(FLOWS, 0.0)
        self._traded, self._scale = 0.0, math.nan
        held = list(shares)
        for action in tape.actions.get(t, []):
            cash += self._act(action, held)
        for i, size in enumerate(held):
            if size != 0.0 and self._quote["sell_block"][i] == NOT_LISTED:
                price = self._mark[i] * self.terms["recovery"]
                cash += size * price
                self._log_trade(i, -size, price, dict.fromkeys(LEG_COSTS, 0.0), "delisting")
                held[i] = self.goal[i] = 0.0
        return held, cash + self._finance(held, cash)

    def _act(self, action: Action, held: list[float]) -> float:
        i, split = action.asset, action.split
        if self._mark[i] > 0.0:
            self._mark[i] = max((self._mark[i] - action.dividend_gross) / split, 0.0)
        self.goal[i] = _toward_zero(self.goal[i] * split)
        if held[i] == 0.0:
            return 0.0
        paid, grown = action.paid(held[i]), held[i] * split
        self._flows["dividends"] += paid
        held[i] = _toward_zero(grown)
        return paid + (grown - held[i]) * self._mark[i]

    def _finance(self, held: Sequence[float], cash: float) -> float:
        rates = self._rate
        years = rates["days"] / DAYS_PER_YEAR
        self._gross, self._reserve, fee = 0.0, 0.0, 0.0
        for i, size in enumerate(held):
            if size == 0.0:
                continue
            value = size * self._mark[i]
            self._gross += abs(value)
            if value < 0.0:
                self._reserve -= value
                fee -= value * self._quote["borrow_rate"][i] * years
        free = cash - self._reserve
        flows = self._flows
        flows["borrow"] = fee
        flows["cash_interest"] = max(free, 0.0) * rates["cash_rate"] * years
        flows["margin"] = max(-free, 0.0) * rates["margin_rate"] * years
        return flows["cash_interest"] - flows["borrow"] - flows["margin"]

    def orders(self, shares: Sequence[float]) -> list[Order]:
        """Give the orders of the session: sells, then buys, each in asset order."""
        sending = self._fresh or (self.terms["retry"] and self._row >= 0)
        sent = []
        for i, held in enumerate(shares):
            needed = self._recalled(i, held)
            size = self._difference(i, held, needed > 0.0) if sending else 0.0
            if needed > 0.0 and needed >= size:
                sent.append(Order(i, needed, "recall"))
            elif size != 0.0:
                sent.append(Order(i, size, "order"))
        sent.sort(key=lambda order: order.shares > 0.0)
        self._queue = {order.asset: (order, shares[order.asset]) for order in sent}
        return sent

    def _recalled(self, i: int, held: float) -> float:
        """Give the shares that the lender wants back, and raise the goal to what may stay."""
        left = _whole(self._quote["borrowable"][i])
        if not self.terms["recall"] or held >= -left:
            return 0.0
        self.goal[i] = max(self.goal[i], 0.0 - left)
        return -held - left

    def _difference(self, i: int, held: float, recalled: bool) -> float:
        goal, fresh = self.goal[i], self._fresh
        size = order_size(held, goal, float(self.tape.step[i]))
        weight = float(self.tape.weights[self._row, i])
        if fresh and goal == 0.0 and weight != 0.0:
            mark = self._mark[i]
            if mark > 0.0:  # the capital is too small for one lot
                self.refuse(i, weight * self.equity / mark, "lot")
            else:
                self.refuse(i, 0.0, "not_listed")
        elif size != 0.0 and abs(size) < self.tape.minimum[i] and goal != 0.0:
            if fresh and not recalled:
                self.refuse(i, size, "lot")
            size = 0.0
        return size

    def admit(self, asset: int, cash: float) -> Fill:
        """Say how much of the asset's order may be filled now, given the engine's cash.

        What is admitted counts as filled: ask once for an order, in the order of `orders`.
        """
        order, held = self._queue[asset]
        side = math.copysign(1.0, order.shares)
        if side > 0.0 and math.isnan(self._scale):
            self._scale = self._common_scale(cash)
        fill = self._cut_to_market(order, held)
        price, mark = self._quote["price"][asset], self._mark[asset]
        if fill.closing > 0.0:
            cash -= self._outlay(asset, side * fill.closing)
            self._gross -= fill.closing * mark
            self._reserve -= fill.closing * mark if side > 0.0 else 0.0
        opening = self._cut_to_account(asset, side, fill.opening, cash) if fill.opening else 0.0
        self._gross += opening * price if opening else 0.0
        self._reserve += opening * price if opening and side < 0.0 else 0.0
        return Fill(fill.closing, opening)

    def _cut_to_market(self, order: Order, held: float) -> Fill:
        i, side = order.asset, math.copysign(1.0, order.shares)
        step, minimum = float(self.tape.step[i]), float(self.tape.minimum[i])
        block = self._blocked(i, side)
        if block:
            self.refuse(i, order.shares, REFUSALS[block])
            return Fill(0.0, 0.0)
        size, most = abs(order.shares), self._quote["most"][i]
        if size > most:
            cut = lots(most, step, minimum)
            if cut < size:
                self.refuse(i, side * (size - cut), "volume_cap")
            size = cut
        closing = min(size, max(-held * side, 0.0))
        return Fill(closing, size - closing)

    def _blocked(self, i: int, side: float) -> int:
        block = self._quote["buy_block" if side > 0.0 else "sell_block"][i]
        if block == 0 and not self._quote["price"][i] > 0.0:
            return SUSPENDED
        return int(block)

    def _cut_to_account(self, i: int, side: float, opening: float, cash: float) -> float:
        step, minimum = float(self.tape.step[i]), float(self.tape.minimum[i])
        room = max(self.terms["max_gross"] * self.equity - self._gross, 0.0)
        room /= self._quote["price"][i]
        limits = [(room, "leverage")]
        if side < 0.0:
            left = _whole(self._quote["borrowable"][i]) - max(-self._queue[i][1], 0.0)
            limits.insert(0, (max(left, 0.0), "no_borrow"))
        for limit, rule in limits:
            if opening > limit:
                cut = lots(limit, step, minimum)
                if cut < opening:
                    self.refuse(i, side * (opening - cut), rule)
                opening = cut
        rule = self.terms["cash_rule"]
        if side < 0.0 or opening <= 0.0 or rule == "borrow":
            return opening
        if rule == "scale" and self._scale < 1.0:
            cut = lots(opening * self._scale, step, minimum)
            if cut < opening:
                self.refuse(i, opening - cut, "cash")
                opening = cut
        room = self.affordable(i, opening, cash - self._reserve)
        if opening > room:
            cut = 0.0 if rule == "refuse" else lots(room, step, minimum)
            self.refuse(i, opening - cut, "cash")
            opening = cut
        return opening

    def _common_scale(self, cash: float) -> float:
        """Give the one factor that fits all openings of the session to the cash; covering goes first."""
        if self.terms["cash_rule"] != "scale":
            return 1.0
        free, needed = cash - self._reserve, 0.0
        for i, (order, held) in self._queue.items():
            if order.shares < 0.0 or self._blocked(i, 1.0):
                continue
            size, most = order.shares, self._quote["most"][i]
            if size > most:
                size = lots(most, float(self.tape.step[i]), float(self.tape.minimum[i]))
            closing = min(size, max(-held, 0.0))
            if closing > 0.0:
                free -= self._outlay(i, closing) - closing * self._mark[i]
            if size > closing:
                needed += self._outlay(i, size - closing)
        return min(max(free / needed, 0.0), 1.0) if needed > 0.0 else 1.0

    def leg_cost(self, asset: int, shares: float) -> dict[str, float]:
        """Give the five costs of one leg of `shares` (signed) at the session's fill price."""
        rate, size, spread = self._rate, abs(shares), self._quote["half_spread"][asset]
        value = size * self._quote["price"][asset]
        return {
            "commission": max(
                value * rate["commission"] + size * rate["commission_per_share"],
                rate["commission_minimum"],
            ),
            "stamp_duty": value * rate["stamp_duty" if shares < 0.0 else "stamp_duty_buyers"],
            "transfer_fee": value * rate["transfer_fee"],
            "slippage": value * (rate["slippage"] + spread),
            "impact": value * self._quote["impact"][asset] * math.sqrt(size),
        }

    def _outlay(self, asset: int, shares: float) -> float:
        paid = sum(self.leg_cost(asset, shares).values())
        return float(shares * self._quote["price"][asset] + paid)

    def affordable(self, asset: int, wanted: float, free: float) -> float:
        """Give the shares that `free` currency buys, costs included.

        With impact, whose cost grows faster than the size, the largest whole number of steps up to `wanted`.
        """
        rate, quote = self._rate, self._quote
        price, impact = quote["price"][asset], quote["impact"][asset]
        extra = 1.0 + rate["stamp_duty_buyers"] + rate["transfer_fee"] + rate["slippage"]
        extra += quote["half_spread"][asset]
        rated = extra + rate["commission"] + rate["commission_per_share"] / price
        spend = min(free / rated, (free - rate["commission_minimum"]) / extra)
        room = float(max(spend, 0.0) / price)
        if impact <= 0.0 or room <= 0.0:
            return room
        if wanted <= room and self._outlay(asset, wanted) <= free:
            return room
        step = float(self.tape.step[asset])
        fits, too_many = 0, math.floor(min(room, wanted) / step + SPECK) + 1
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            if self._outlay(asset, middle * step) <= free:
                fits = middle
            else:
                too_many = middle
        return fits * step

    def filled(
        self, asset: int, shares: float, cost: Mapping[str, float], kind: str, at: float = 0.0
    ) -> None:
        """Write down one leg of a fill with the costs that were charged; `at` is not the tape's price."""
        price = at or self._quote["price"][asset]
        self._log_trade(asset, shares, price, cost, kind)
        self._traded += abs(shares) * price
        for name in LEG_COSTS:
            self._flows[name] += cost[name]

    def _log_trade(
        self, i: int, shares: float, price: float, cost: Mapping[str, float], kind: str
    ) -> None:
        paid = [cost[name] for name in LEG_COSTS]
        head = (self.tape.dates[self.t], self.tape.assets[i])
        self.books.trades.append((*head, shares, price, abs(shares) * price, *paid, kind))

    def refuse(self, i: int, shares: float, rule: str) -> None:
        """Write down shares (signed) that were not done, and the rule that held them back."""
        self.books.refused.append((self.tape.dates[self.t], self.tape.assets[i], shares, rule))

    def close_session(
        self, t: int, shares: Sequence[float], cash: float, equity: float | None = None
    ) -> None:
        """Log the close of session `t` and set the goals of a decision; `equity` is the engine's own.

        Raises
        ------
        BookError
            if the equity is gone
        """
        mark = self.closed[t].tolist()
        held = [(t, i, size) for i, size in enumerate(shares) if size != 0.0]
        self.equity = cash + sum(size * mark[i] for _, i, size in held)
        self.equity = self.equity if equity is None else equity
        day = self.tape.dates[t]
        if t > 0:
            self.books.equity.append((day, self.equity, cash, self._traded))
            self.books.costs.append((day, *self._flows.values()))
            self.books.holdings.extend(held)
        if not self.equity > 0.0:
            raise BookError(
                f"the book lost all its capital on {day}. Lower the gross exposure, or look for a "
                "wrong price near that date."
            )
        self._fresh = bool(self.tape.row[t] >= 0)
        if self._fresh:
            self._row = int(self.tape.row[t])
            self._decide(mark)

    def _decide(self, mark: Sequence[float]) -> None:
        step, minimum = self.tape.step.tolist(), self.tape.minimum.tolist()
        for i, weight in enumerate(self.tape.weights[self._row].tolist()):
            self.goal[i] = 0.0
            if abs(weight) > 0.0 and mark[i] > 0.0:
                size = lots(abs(weight) * self.equity / mark[i], step[i], minimum[i])
                self.goal[i] = math.copysign(size, weight) if size else 0.0

    def write(self, folder: str | Path, facts: Mapping[str, Any]) -> None:
        """Write the books folder, and the goals still open with the facts; see `write_books`."""
        goals = {name: goal for name, goal in zip(self.tape.assets, self.goal, strict=True) if goal}
        write_books(self.books, folder, {**facts, "goals": goals})


def _toward_zero(shares: float) -> float:
    return math.copysign(math.floor(abs(shares) + HAIR), shares) if shares else 0.0


def _whole(shares: float) -> float:
    return math.floor(shares) if math.isfinite(shares) else shares
