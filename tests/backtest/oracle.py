"""The ledger once more, slowly and readably: one asset after the other, one rule a line."""

from __future__ import annotations

from math import floor, isfinite, sqrt
from types import SimpleNamespace

import numpy as np

RULES = ["", "not_listed", "suspended", "limit_up", "limit_down", "volume_cap", "cash", "leverage",
         "lot", "no_borrow"]  # fmt: skip


def whole(x):
    return (1 if x > 0 else -1) * floor(abs(x) + 1e-6)


class SlowBook:
    """An account that follows a tape; `fills`, `refused` and `days` are what it wrote down."""

    def __init__(self, tape):
        self.tape, self.terms = tape, tape.terms
        self.N = len(tape.assets)
        self.cash = self.equity = tape.terms.capital
        self.shares, self.goal = [0.0] * self.N, [0.0] * self.N
        self.mark, self.weight = list(tape.mark), [0.0] * self.N
        self.fills, self.refused, self.days = [], [], []
        self.cap = tape.most()

    def at(self, name, t, i, default):
        panel = getattr(self.tape, name)
        return default if panel is None else float(np.broadcast_to(panel, self.tape.shape)[t, i])

    def lots(self, shares, i):
        size = floor(shares / self.tape.step[i] + 1e-9) * self.tape.step[i] if shares > 0 else 0.0
        return size if size >= self.tape.minimum[i] else 0.0

    def cost(self, t, i, q, price):
        commission, minimum, per_share, sold, bought, transfer, slip = self.tape.rates[t]
        value = abs(q) * price
        return [
            max(value * commission + abs(q) * per_share, minimum),
            value * (sold if q < 0 else bought),
            value * transfer,
            value * (slip + self.at("half_spread", t, i, 0.0)),
            value * self.at("impact", t, i, 0.0) * sqrt(abs(q)),
        ]

    def run(self):
        tape = self.tape
        fresh = decided = False
        for t in range(len(tape.dates)):
            self.costs, self.traded = [0.0] * 7, 0.0
            self.income = [0.0, 0.0]
            if t:
                steps = [t] if tape.steps is None else list(np.flatnonzero(tape.steps.session == t))
                self.open(t, steps[0])
                self.recall(t)
                orders = self.orders(t, fresh, fresh or (self.terms.retry and decided))
                self.fill(t, steps, orders)
            for i in range(self.N):
                if tape.close[t, i] > 0:
                    self.mark[i] = tape.close[t, i]
            held = [q * m for q, m in zip(self.shares, self.mark, strict=True) if q]
            self.equity = self.cash + sum(held)
            self.days.append((self.equity, self.cash, list(self.shares), self.costs, self.income,
                              self.traded))  # fmt: skip
            fresh = tape.row_of[t] >= 0
            if fresh:
                decided = True
                self.decide(tape.weights[tape.row_of[t]])
        return self.report()

    def open(self, t, s):
        rows = self.tape.actions
        for k in np.flatnonzero(rows.session == t):
            i, split, held = rows.asset[k], rows.split[k], self.shares[rows.asset[k]]
            if self.mark[i] > 0:
                self.mark[i] = max((self.mark[i] - rows.dividend_gross[k]) / split, 0.0)
            if held:
                paid = held * (rows.dividend[k] if held > 0 else rows.dividend_gross[k])
                self.cash += paid
                self.income[0] += paid
                self.shares[i] = whole(held * split)
                self.cash += (held * split - self.shares[i]) * self.mark[i]
            self.goal[i] = whole(self.goal[i] * split)
        for i in range(self.N):
            if self.shares[i] and self.tape.sell_block[s, i] == 1:
                price = self.mark[i] * self.terms.recovery
                self.cash += self.shares[i] * price
                self.fills.append((s, i, -self.shares[i], price, [0.0] * 5, "delisting"))
                self.shares[i] = self.goal[i] = 0.0
        value = [q * m if q else 0.0 for q, m in zip(self.shares, self.mark, strict=True)]
        years = self.tape.days[t] / 365
        fee = sum(-v * self.at("borrow_rate", t, i, 0.0) for i, v in enumerate(value) if v < 0)
        free = self.cash - sum(-v for v in value if v < 0)
        self.income[1] = max(free, 0) * self.tape.cash_rate[t] * years
        self.costs[5] = fee * years
        self.costs[6] = max(-free, 0) * self.tape.margin_rate[t] * years
        self.cash += self.income[1] - self.costs[5] - self.costs[6]
        self.gross = sum(abs(v) for v in value)
        self.reserve = sum(-v for v in value if v < 0)

    def recall(self, t):
        self.need = {}
        if not self.terms.recall or self.tape.borrowable is None:
            return
        for i in range(self.N):
            there = self.at("borrowable", t, i, np.inf)
            if self.shares[i] < 0 and isfinite(there) and -self.shares[i] > floor(there):
                self.need[i] = -self.shares[i] - floor(there)
                self.goal[i] = max(self.goal[i], -floor(there))

    def orders(self, t, fresh, sending):
        orders = {}
        for i in range(self.N):
            held, goal, step, size = self.shares[i], self.goal[i], self.tape.step[i], 0.0
            if sending and goal != held:
                if goal == 0 or goal * held < 0:
                    size = goal - held
                else:
                    size = floor(abs(abs(goal) - abs(held)) / step + 1e-9) * step
                    size = size if goal > held else -size
                if goal != 0 and 0 < abs(size) < self.tape.minimum[i]:
                    if fresh and i not in self.need:
                        self.refused.append((t, i, size, "lot"))
                    size = 0.0
            if fresh and goal == 0 and self.weight[i] != 0:
                known = self.mark[i] > 0
                wanted = self.weight[i] * self.equity / self.mark[i] if known else 0.0
                self.refused.append((t, i, wanted, "lot" if known else "not_listed"))
            if i in self.need and self.need[i] >= size:
                size = self.need[i]
            elif i in self.need:
                del self.need[i]
            if size:
                orders[i] = size
        return orders

    def fill(self, t, steps, orders):
        single = self.tape.steps is None
        rest, reason = dict(orders), {}

        def refuse(i, size, rule):
            if single:
                self.refused.append((t, i, size, rule))
            else:
                reason[i] = rule

        for n, s in enumerate(steps):
            for side in (-1, 1):
                sent = {i: self.slice(i, abs(rest[i]), len(steps) - n)
                        for i, q in orders.items() if q * side > 0 and rest[i]}  # fmt: skip
                factor = self.factor(s, t, sent) if side > 0 else 1.0
                for i, size in sent.items():
                    if size > 0:
                        rest[i] -= side * self.order(s, t, i, size, side, factor, rest[i], refuse)
        for i, q in () if single else sorted(rest.items(), key=lambda x: (orders[x[0]] > 0, x[0])):
            if q:
                self.refused.append((t, i, q, reason[i]))

    def slice(self, i, size, left):
        steps = self.tape.steps
        if steps is not None and steps.style == "twap" and left > 1:
            return self.lots(size / left, i)
        return size

    def blocked(self, s, i, side):
        code = (self.tape.buy_block if side > 0 else self.tape.sell_block)[s, i]
        return "suspended" if code == 0 and not self.tape.price[s, i] > 0 else RULES[code]

    def capped(self, s, i, size):
        return size if size <= self.cap[s, i] else self.lots(self.cap[s, i], i)

    def order(self, s, t, i, size, side, factor, rest, refuse):
        rule = self.blocked(s, i, side)
        if not rule and self.tape.steps is not None and size < self.tape.minimum[i]:
            rule = "lot" if self.goal[i] and i not in self.need else ""
        if rule:
            refuse(i, rest, rule)
            return 0.0
        cut = self.capped(s, i, size)
        if cut < size:
            refuse(i, side * (size - cut), "volume_cap")
        price = self.tape.price[s, i]
        closing = min(cut, max(-side * self.shares[i], 0.0))
        kind = "recall" if i in self.need else "order"
        if closing:
            self.leg(s, t, i, side * closing, price, kind)
            self.gross -= closing * self.mark[i]
            self.reserve -= closing * self.mark[i] * (side > 0)
        opening = cut - closing
        for rule, left_by in self.rooms(t, i, opening, price, side, factor) if opening else ():
            room = left_by()
            if opening > room:
                left = 0.0 if room < 0 else self.lots(room, i)
                if left < opening:
                    refuse(i, side * (opening - left), rule)
                opening = left
        if opening:
            self.leg(s, t, i, side * opening, price, "order")
            self.gross += opening * price
            self.reserve += opening * price * (side < 0)
        return closing + opening

    def rooms(self, t, i, opening, price, side, factor):
        """Rules that hold an opening back, in order, each with the shares that it leaves."""
        if side < 0:
            there = self.at("borrowable", t, i, np.inf)
            there = floor(there) if isfinite(there) else there
            yield "no_borrow", lambda: max(there + min(self.shares[i], 0.0), 0.0)
        room = max(self.terms.max_gross * self.equity - self.gross, 0.0) / price
        yield "leverage", lambda: room
        if side < 0 or self.terms.cash_rule == "borrow":
            return
        sized = min(opening, self.lots(room, i) if opening > room else opening)
        if self.terms.cash_rule == "scale" and factor < 1:
            yield "cash", lambda: sized * factor
            sized = self.lots(sized * factor, i)
        yield "cash", lambda: self.affordable(t, i, sized, price)

    def affordable(self, t, i, size, price):
        """Count lots downward until they fit; the closed form of the kernel must say the same."""
        free = self.cash - self.reserve
        if size * price + sum(self.cost(t, i, size, price)) <= free:
            return size
        if self.terms.cash_rule == "refuse":
            return -1.0
        step = self.tape.step[i]
        low, high = 0, floor(size / step + 1e-9) + 1
        while high - low > 1:
            q = (low + high) // 2
            fits = q * step * price + sum(self.cost(t, i, q * step, price)) <= free + 1e-9
            low, high = (q, high) if fits else (low, q)
        return low * step

    def factor(self, s, t, sent):
        if self.terms.cash_rule != "scale":
            return 1.0
        free, need = self.cash - self.reserve, 0.0
        for i, wanted in sent.items():
            if wanted <= 0 or self.blocked(s, i, 1):
                continue
            size, price = self.capped(s, i, wanted), self.tape.price[s, i]
            closing = min(size, max(-self.shares[i], 0.0))
            if closing:
                free -= closing * price + sum(self.cost(t, i, closing, price))
                free += closing * self.mark[i]
            if size > closing:
                need += (size - closing) * price + sum(self.cost(t, i, size - closing, price))
        return min(max(free / need, 0.0), 1.0) if need else 1.0

    def leg(self, s, t, i, q, price, kind):
        paid = self.cost(t, i, q, price)
        self.cash -= q * price + sum(paid)
        self.shares[i] += q
        self.traded += abs(q) * price
        for k in range(5):
            self.costs[k] += paid[k]
        self.fills.append((s, i, q, price, paid, kind))

    def decide(self, weights):
        for i in range(self.N):
            self.weight[i], self.goal[i] = weights[i], 0.0
            if weights[i] and self.mark[i] > 0:
                size = self.lots(abs(weights[i]) * self.equity / self.mark[i], i)
                self.goal[i] = size if weights[i] > 0 else -size

    def report(self):
        names = ("equity", "cash", "shares", "costs", "income", "traded")
        days = {n: np.array(x) for n, x in zip(names, zip(*self.days, strict=True), strict=True)}
        return SimpleNamespace(**days, fills=self.fills, refused=self.refused)


def slow_books(tape):
    """Keep the books of a tape: equity, cash, shares, costs … at each close, fills, refusals."""
    return SlowBook(tape).run()
