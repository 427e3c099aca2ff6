"""Go on from this book in Backtrader: change `MyBook`, then run `python strategy.py`.

As it stands it keeps the book of the folder `tape`, prints each year, and ends with the same equity as the
books. `STOP_LOSS` shows how a rule of your own comes in.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superhet.backtest.programs.backtrader_book import FollowTape, make_cerebro
    from superhet.backtest.programs.book_files import BookError, read_tape
    from superhet.backtest.programs.book_rules import Clerk
else:
    from backtrader_book import FollowTape, make_cerebro
    from book_files import BookError, read_tape

STOP_LOSS = 0.0  # 0.2 sells what closes 20 % below its average cost, until the next decision


class MyBook(FollowTape):
    """Hold the decided weights, unless a rule of your own says otherwise.

    Backtrader calls `next_open` before each open and `next` at each close. At hand are

    - `self.stocks[i]`: the feed of asset `i` (`close[0]` today, `close[-1]` the session before), None for an
      asset that never had a price; `self.data0` is the calendar;
    - `self.broker.getposition(feed)`: its `size` and average `price`;
    - `self.clerk.goal[i]`: the shares to hold. Change it at a close, and the difference is sent before
      the next open (under `retry` in tape/terms.json; without it, only on decision dates);
    - `self.clerk.tape`: all that is on the tape, weights included.
    """

    def next(self) -> None:
        """At the close: the book first, then the rule."""
        super().next()
        if STOP_LOSS > 0.0:
            self.sell_losers()

    prenext = nextstart = next  # the same before the youngest stock is listed

    def sell_losers(self) -> None:
        """Set the goal of what lost too much to nothing."""
        for i, feed in enumerate(self.stocks):
            if feed is None or not self.broker.getposition(feed).size:
                continue
            cost = self.broker.getposition(feed).price
            if feed.close[0] < (1.0 - STOP_LOSS) * cost:
                self.clerk.goal[i] = 0.0


def years(clerk: Clerk) -> list[tuple[str, float, float]]:
    """Give (year, return, deepest loss from the highest close so far), from the equity of the book."""
    start = last = highest = float(clerk.terms["capital"])
    rows: list[tuple[str, float, float]] = []
    for day, equity, *_ in clerk.books.equity:
        if not rows or rows[-1][0] != day[:4]:
            rows.append((day[:4], 0.0, 0.0))
            start = last
        highest, last = max(highest, equity), equity
        rows[-1] = (day[:4], equity / start - 1.0, min(rows[-1][2], equity / highest - 1.0))
    return rows


def main() -> int:
    """Run the book and print it."""
    tape = read_tape(Path(__file__).parent / "tape")
    cerebro, clerk = make_cerebro(tape, MyBook)
    try:
        # any analyzer, observer or indicator of Backtrader goes in here, before the run
        book: Any = cerebro.run()[0]
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{'year':<6}{'return':>10}{'drawdown':>10}")
    for year, gain, loss in years(clerk):
        print(f"{year:<6}{gain:>10.2%}{loss:>10.2%}")
    print(f"fills {book.analyzers.fills.get_analysis()['fills']:,}")
    print(f"final equity {clerk.equity:,.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
