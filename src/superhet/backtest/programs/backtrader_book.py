"""Keep the books of a tape in Backtrader.

python backtrader_book.py TAPE_FOLDER BOOKS_FOLDER

Backtrader's own broker holds the cash and the positions; its value at each close is the equity of the
books. What its broker does not know is given to it through its own hooks:

1. a feed a stock, and a feed of the calendar in front              -> `Bars`, `add_feeds`
2. fees by date, side and leg, with a minimum                       -> `Fees`
3. suspension, price limits, volume, leverage and cash, by a filler -> `Filler`
4. before each open (cheat-on-open): corporate actions, financing, old orders cancelled, new ones sent,
   all in shares                                                    -> `FollowTape.next_open`
5. fills, leg by leg, as the broker reports them                    -> `Fills`

Backtrader refuses a fill that leaves its cash below zero. A book that may owe money therefore gets a line
of credit: money that the broker holds on top, and that is taken off again in the books.
"""

from __future__ import annotations

import datetime
import math
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

if TYPE_CHECKING:
    from superhet.backtest.programs.book_files import BookError, Tape, read_tape
    from superhet.backtest.programs.book_rules import Clerk
else:  # a program runs alone, with its own folder in front of the path
    from book_files import BookError, Tape, read_tape
    from book_rules import Clerk

CALENDAR = "(calendar)"
PENNY = 0.01  # covers the last bits of a book whose cash comes down to zero exactly


class Bars(bt.feed.DataBase):
    """A feed over arrays: `times` and `prices` (open, high, low, close, volume), one row a session."""

    params = (("times", ()), ("prices", ()))

    def start(self) -> None:
        """Begin at the first bar."""
        super().start()
        self._next_bar = 0

    def _load(self) -> bool:
        k = self._next_bar
        if k >= len(self.p.times):
            return False
        self.lines.datetime[0] = self.p.times[k]
        lines = (
            self.lines.open,
            self.lines.high,
            self.lines.low,
            self.lines.close,
            self.lines.volume,
        )
        for line, price in zip(lines, self.p.prices[k], strict=True):
            line[0] = price
        self.lines.openinterest[0] = 0.0
        self._next_bar = k + 1
        return True


class Fees(bt.CommInfoBase):
    """Fees of one stock: the broker asks leg by leg, the sign of `size` tells a sale."""

    params = (
        ("clerk", None),
        ("asset", 0),
        ("stocklike", True),
        ("commtype", bt.CommInfoBase.COMM_PERC),
    )

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        return math.fsum(self.p.clerk.leg_cost(self.p.asset, size).values()) if size else 0.0


class Filler:
    """Say how many shares of an order may fill in this session."""

    def __init__(self, clerk: Clerk, cash: Callable[[], float]) -> None:
        self.clerk, self.cash = clerk, cash
        self.position = {name: i for i, name in enumerate(clerk.tape.assets)}

    def __call__(self, order: Any, price: float, ago: int) -> float:
        """Give the shares, without sign."""
        fill = self.clerk.admit(self.position[order.data._name], self.cash())
        return fill.closing + fill.opening


class FollowTape(bt.Strategy):
    """Hold the decided weights of a tape."""

    params = (("clerk", None), ("credit", 0.0), ("report", None))

    def __init__(self) -> None:
        self.clerk: Clerk = self.p.clerk
        self.stocks = [
            self.getdatabyname(name) if name in self.cerebro.datasbyname else None
            for name in self.clerk.tape.assets
        ]

    @property
    def session(self) -> int:
        """The number of the session, 0 at the first decision."""
        return len(self.data0) - 1

    def shares(self) -> list[float]:
        """Read the broker's positions, in the order of the tape's assets."""
        held = self.broker.positions
        return [
            float(held[data].size) if data is not None and data in held else 0.0
            for data in self.stocks
        ]

    def cash(self) -> float:
        """Read the broker's cash, without the line of credit."""
        return float(self.broker.get_cash() - self.p.credit)

    def next_open(self) -> None:
        """Before the open: what happens to positions and cash overnight, then the orders of the session."""
        for order in self.broker.get_orders_open():
            self.cancel(order)
        t, clerk = self.session, self.clerk
        if t == 0:
            return
        held, cash = self.shares(), self.cash()
        after, money = clerk.open_session(t, held, cash)
        for i, (old, new) in enumerate(zip(held, after, strict=True)):
            if new != old:
                position = self.broker.getposition(self.stocks[i])
                position.fix(new, position.price * old / new if new else 0.0)
        if money != cash:
            self.broker.add_cash(money - cash)
            self.broker.get_value([self.data0])  # the broker takes added cash in when it is asked
        for order in clerk.orders(after):
            send = self.buy if order.shares > 0.0 else self.sell
            send(data=self.stocks[order.asset], size=abs(order.shares), kind=order.kind)

    def next(self) -> None:
        """At the close: log the broker's value, and decide if the tape decides today."""
        value = float(self.broker.get_value() - self.p.credit)
        self.clerk.close_session(self.session, self.shares(), self.cash(), value)
        if self.p.report is not None:
            self.p.report(self.session)

    # Backtrader calls these until the youngest stock is listed; a book trades from the first day
    prenext_open = nextstart_open = next_open
    prenext = nextstart = next


class Fills(bt.Analyzer):
    """Write down what the broker reports: every leg of every fill, and what it would not do."""

    def start(self) -> None:
        """Count from zero."""
        self.fills = self.margin_calls = 0

    def notify_order(self, order: Any) -> None:
        """Take one report of the broker."""
        clerk: Clerk = self.strategy.clerk
        asset = clerk.tape.assets.index(order.data._name)
        if order.status == order.Margin:
            self.margin_calls += 1
            clerk.refuse(asset, float(order.executed.remsize), "cash")
        for bit in order.executed.iterpending():
            for size, charged in ((bit.closed, bit.closedcomm), (bit.opened, bit.openedcomm)):
                if size:
                    self.fills += 1
                    cost = clerk.leg_cost(asset, size)
                    _compare(clerk, asset, bit.price, charged - math.fsum(cost.values()))
                    clerk.filled(asset, float(size), cost, order.info.kind)

    def get_analysis(self) -> dict[str, int]:
        """Give the number of legs filled and of fills that the broker would not do."""
        return {"fills": self.fills, "margin": self.margin_calls}


def _compare(clerk: Clerk, asset: int, price: float, overcharge: float) -> None:
    """Insist that the broker filled at the session's price and charged its fees."""
    expected = float(clerk.tape.quotes["price"][clerk.t, asset])
    if price != expected or abs(overcharge) > 1e-6:
        raise BookError(
            f"{clerk.tape.dates[clerk.t]} {clerk.tape.assets[asset]}: Backtrader filled at {price} where "
            f"the tape says {expected}, or charged {overcharge:+.6f} too much"
        )


def add_feeds(cerebro: Any, tape: Tape) -> None:
    """Add the calendar, and a feed for each stock from its first known price on.

    A session without trade is a flat bar at the last value (the filler keeps orders out of it), lowered
    on ex-dates, so that the broker values what it holds as the books do. Backtrader fills at the open of
    a bar: the line "open" carries the fill price, whatever that is on the tape.
    """
    times = [bt.date2num(datetime.datetime.fromisoformat(day)) for day in tape.dates]
    cerebro.adddata(Bars(times=times, prices=[(1.0, 1.0, 1.0, 1.0, 0.0)] * len(times)), CALENDAR)
    opened, closed = tape.marks()
    quote = tape.quotes
    for i, name in enumerate(tape.assets):
        known = np.flatnonzero(~np.isnan(closed[:, i]))
        if not known.size:
            continue  # never had a price, and is never traded
        first, mark = int(known[0]), np.where(np.isnan(opened[:, i]), closed[:, i], opened[:, i])
        columns = [
            np.where(np.isnan(quote[line][:, i]), mark, quote[line][:, i])
            for line in ("price", "high", "low")
        ]
        columns += [closed[:, i], np.nan_to_num(quote["volume"][:, i])]
        rows = np.column_stack(columns)[first:].tolist()
        cerebro.adddata(Bars(times=times[first:], prices=rows), name)


def credit_line(tape: Tape) -> float:
    """Give the money that the broker must hold on top so that a book that may owe is not refused."""
    capital = float(tape.terms["capital"])
    if tape.terms["cash_rule"] == "borrow":
        return 10.0 * float(tape.terms["max_gross"]) * capital
    return 2.0 * capital if bool((tape.weights < 0.0).any()) else PENNY


def make_cerebro(
    tape: Tape, strategy: Any = FollowTape, report: Callable[[int], None] | None = None
) -> tuple[Any, Clerk]:
    """Set up Backtrader for a tape; `strategy` may be your own, made from `FollowTape`."""
    clerk, credit = Clerk(tape), credit_line(tape)
    cerebro = bt.Cerebro(stdstats=False, cheat_on_open=True)
    add_feeds(cerebro, tape)
    broker = cerebro.broker
    broker.set_cash(float(tape.terms["capital"]) + credit)
    broker.set_checksubmit(False)
    broker.set_filler(Filler(clerk, lambda: float(broker.get_cash()) - credit))
    for i, name in enumerate(tape.assets):
        broker.addcommissioninfo(Fees(clerk=clerk, asset=i), name=name)
    cerebro.addstrategy(strategy, clerk=clerk, credit=credit, report=report)
    cerebro.addanalyzer(Fills, _name="fills")
    return cerebro, clerk


def notes(tape: Tape, found: dict[str, int]) -> list[str]:
    """Say what Backtrader could not express by itself in this book."""
    said = [
        "Backtrader knows no lots, limits, suspensions, volume caps, leverage or dated fees: a filler and a "
        "fee class carry them",
        "orders are sent before the open of their session (cheat-on-open), after its corporate actions",
        "the line 'open' of each feed carries the fill price of the tape",
    ]
    if tape.actions:
        said.append(
            "splits and dividends are booked on the broker's positions and cash before the open"
        )
    if credit_line(tape) > PENNY:
        said.append(
            f"a line of credit of {credit_line(tape):,.0f} lets the broker's cash go below zero; it is "
            "taken off in the books"
        )
    if found["margin"]:
        said.append(f"Backtrader refused {found['margin']} fills for want of cash")
    return said


def main(arguments: list[str]) -> int:
    """Read the tape, run Backtrader, write the books; 0, or 1 with the reason on stderr."""
    if len(arguments) != 2:
        print("usage: python backtrader_book.py TAPE_FOLDER BOOKS_FOLDER", file=sys.stderr)
        return 2
    try:
        tape = read_tape(arguments[0])
        last = len(tape.dates) - 1
        cerebro, clerk = make_cerebro(
            tape, report=lambda t: print(f"session {t} of {last}", flush=True)
        )
        start = time.perf_counter()
        found = cerebro.run()[0].analyzers.fills.get_analysis()
        facts = {
            "engine": "backtrader",
            "version": bt.__version__,
            "seconds": time.perf_counter() - start,
            "notes": notes(tape, found),
        }
        clerk.write(arguments[1], facts)
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
