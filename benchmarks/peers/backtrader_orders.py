"""Time Backtrader on target weights, orders in shares; runs in the environment `.engines/backtrader`.

Usage: backtrader_orders.py FOLDER, the arrays of `benchmarks.backtest`. The feeds hold arrays and are
made before.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import backtrader as bt
import numpy as np
from clock import arrays, keep, row
from fees import WORK, capital, fee, invested, target


class Fees(bt.CommInfoBase):
    """Commission with a minimum, a transfer fee, stamp duty on sales."""

    params = (("stocklike", True), ("commtype", bt.CommInfoBase.COMM_PERC), ("percabs", True))

    def _getcommission(self, size, price, pseudoexec):
        return fee(size, price) if size else 0.0


class Columns(bt.feed.DataBase):
    """A feed of one asset's arrays."""

    params = (("columns", ()),)

    def start(self):
        super().start()
        self._at = -1

    def _load(self):
        self._at += 1
        days, opened, close = self.p.columns
        if self._at >= len(days):
            return False
        lines = (self.lines.open, self.lines.high, self.lines.low, self.lines.close)
        o, c = opened[self._at], close[self._at]
        for line, value in zip(lines, (o, max(o, c), min(o, c), c), strict=True):
            line[0] = value
        self.lines.datetime[0] = days[self._at]
        self.lines.volume[0], self.lines.openinterest[0] = 1e9, 0.0
        return True


class Follow(bt.Strategy):
    """Send the differences to the target shares, sells first."""

    params = (("weights", None),)

    def __init__(self):
        self.equity = []

    def next(self):
        weights = self.p.weights[len(self.equity)]
        equity = self.broker.getvalue()
        self.equity.append(equity)
        orders = []
        for i, data in enumerate(self.datas):
            size = target(weights[i], equity, data.close[0]) - self.getposition(data).size
            if size:
                orders.append((size > 0, size, data))
        for buys in (False, True):
            for buy, size, data in orders:
                if buy is buys:
                    (self.buy if buy else self.sell)(data, size=abs(size))


def cerebro(given):
    """Make the feeds, the broker and the strategy."""
    sessions, assets = given["close"].shape
    days = np.busday_offset("2014-01-02", np.arange(sessions), roll="forward").tolist()
    numbers = [bt.date2num(day) for day in days]
    made = bt.Cerebro(stdstats=False)
    for i in range(assets):
        columns = (numbers, given["open"][:, i].tolist(), given["close"][:, i].tolist())
        made.adddata(Columns(columns=columns, timeframe=bt.TimeFrame.Days), name=f"a{i}")
    made.broker.setcash(capital(assets))
    made.broker.set_checksubmit(False)
    made.broker.addcommissioninfo(Fees())
    made.addstrategy(Follow, weights=invested(given["weights"]).tolist())
    return made


def main(folder):
    given = arrays(folder, "backtrader")
    ready = [cerebro(given)]  # once: a Cerebro runs its feeds one time
    told, found = row(lambda: (ready.pop() if ready else cerebro(given)).run()[0].equity, WORK)
    keep(folder, "backtrader", given["close"].shape, WORK, {"equity": np.array(found[1:])})
    return [told]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
