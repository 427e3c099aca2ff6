"""Time vn.py's portfolio backtest on target weights; runs in the environment `.engines/vnpy`.

Usage: vnpy_portfolio.py FOLDER, the arrays of `benchmarks.backtest`. The bars are put into the engine
before; it runs and sums up its results. The engine knows no cash: the strategy keeps its own book.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np
from clock import arrays, keep, row
from fees import WORK, capital, fee, invested, target

SCRATCH = tempfile.TemporaryDirectory()
Path(SCRATCH.name, ".vntrader").mkdir()
os.chdir(SCRATCH.name)  # vn.py writes its settings beside the first import

from vnpy.trader.constant import Direction, Exchange, Interval  # noqa: E402
from vnpy.trader.object import BarData  # noqa: E402
from vnpy.trader.setting import SETTINGS  # noqa: E402
from vnpy_portfoliostrategy import StrategyTemplate  # noqa: E402
from vnpy_portfoliostrategy.backtesting import BacktestingEngine  # noqa: E402

SETTINGS["log.console"] = False


class Follow(StrategyTemplate):
    """Follow target weights with a cash book of its own."""

    parameters = ("weights", "names", "cash")
    weights = None
    names = None
    cash = 0.0

    def on_init(self):
        self.equity, self.last = [], {}

    def update_trade(self, trade):
        super().update_trade(trade)
        shares = trade.volume if trade.direction == Direction.LONG else -trade.volume
        self.cash -= shares * trade.price + fee(shares, trade.price)

    def calculate_price(self, vt_symbol, direction, reference):
        return reference * (2.0 if direction == Direction.LONG else 0.3)  # the next open

    def on_bars(self, bars):
        weights = self.weights[len(self.equity)]
        for name, bar in bars.items():
            self.last[name] = bar.close_price
        held = sum(shares * self.last[n] for n, shares in self.pos_data.items() if shares)
        equity = self.cash + held
        self.equity.append(equity)
        for i, name in enumerate(self.names):
            self.set_target(name, target(weights[i], equity, self.last[name]))
        self.rebalance_portfolio(bars)


def engine(given):
    """Make the engine with its bars."""
    sessions, assets = given["close"].shape
    days = np.busday_offset("2014-01-02", np.arange(sessions), roll="forward").tolist()
    moments = [datetime(day.year, day.month, day.day) for day in days]
    names = [f"{600000 + i:06d}.SSE" for i in range(assets)]
    made = BacktestingEngine()
    made.output = lambda _: None
    made.set_parameters(
        vt_symbols=names,
        interval=Interval.DAILY,
        start=moments[0],
        end=moments[-1],
        capital=capital(assets),
        rates=dict.fromkeys(names, 0.00026),
        slippages=dict.fromkeys(names, 0.0),
        sizes=dict.fromkeys(names, 1),
        priceticks=dict.fromkeys(names, 0.01),
    )
    setting = {
        "weights": invested(given["weights"]).tolist(),
        "names": names,
        "cash": capital(assets),
    }
    made.add_strategy(Follow, setting)
    made.dts.update(moments)
    for i, name in enumerate(names):
        opened, close = given["open"][:, i].tolist(), given["close"][:, i].tolist()
        for moment, o, c in zip(moments, opened, close, strict=True):
            made.history_data[moment, name] = BarData(
                symbol=name[:6],
                exchange=Exchange.SSE,
                datetime=moment,
                interval=Interval.DAILY,
                open_price=o,
                high_price=max(o, c),
                low_price=min(o, c),
                close_price=c,
                volume=1e9,
                gateway_name="DB",
            )
    return made


def run(made):
    """Run an engine and let it sum up."""
    made.run_backtesting()
    made.calculate_result()
    made.calculate_statistics(output=False)
    return made.strategy.equity


def main(folder):
    given = arrays(folder, "vnpy")
    ready = [engine(given)]
    with contextlib.redirect_stdout(sys.stderr):
        told, found = row(lambda: run(ready.pop() if ready else engine(given)), WORK)
    shape = given["close"].shape
    assert len(found) == shape[0], "vn.py stopped before the end"
    keep(folder, "vnpy", shape, WORK, {"equity": np.array(found[1:])})
    return [told]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]).resolve())))
