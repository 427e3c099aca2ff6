"""A portfolio strategy of vn.py that follows a tape, and the matcher that it needs.

vn.py's portfolio engine keeps orders and trades; it knows no cash, no fees by date, no suspension, no
limits and no volume. What it lacks is added at two places:

1. before a session's orders are matched: corporate actions, financing, old orders cancelled, new ones
   sent                                                              -> `FollowTape.before_open`
2. while they are matched, one after the other: suspension, limits, volume, leverage and cash cut an
   order before vn.py's own matcher sees it                          -> `GuardedEngine.cross_limit_order`
3. each trade that vn.py reports changes position and cash           -> `FollowTape.update_trade`
4. at the close: marks, equity, and the decision of the day          -> `FollowTape.on_bars`

This file imports vn.py, which picks its folder of settings at once: `vnpy_book` chooses that first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from vnpy.trader.constant import Direction, Exchange, Interval, Offset
from vnpy.trader.database import DB_TZ
from vnpy.trader.object import BarData
from vnpy_portfoliostrategy import StrategyTemplate
from vnpy_portfoliostrategy.backtesting import BacktestingEngine

if TYPE_CHECKING:
    from superhet.backtest.programs.book_files import BookError, Tape
    from superhet.backtest.programs.book_rules import Clerk, Order
    from superhet.backtest.programs.vnpy_names import vt_symbol
else:  # a program runs alone, with its own folder in front of the path
    from book_files import BookError, Tape
    from book_rules import Clerk, Order
    from vnpy_names import vt_symbol

_FAR_ABOVE, _FAR_BELOW = 1e9, 0.0  # limits through the market: vn.py fills at the open of the bar
_TICK = 0.01


def tape_bars(tape: Tape, asset: int) -> list[Any]:
    """Give the daily bars of one asset; none where it has no close.

    vn.py has no place for a number that is not known: an open, high or low without value is the close.
    """
    symbol, exchange = vt_symbol(tape.assets[asset]).rsplit(".", 1)
    close = tape.quotes["close"][:, asset].tolist()
    lines = [tape.quotes[name][:, asset].tolist() for name in ("open", "high", "low", "volume")]
    bars = []
    for t, price in enumerate(close):
        if not price > 0.0:
            continue
        opened, high, low = (line[t] if line[t] > 0.0 else price for line in lines[:3])
        volume = lines[3][t] if lines[3][t] > 0.0 else 0.0
        bars.append(
            BarData(
                symbol=symbol,
                exchange=Exchange(exchange),
                datetime=datetime.fromisoformat(tape.dates[t]).replace(tzinfo=DB_TZ),
                interval=Interval.DAILY,
                volume=volume,
                turnover=volume * (opened + high + low + price) / 4.0,  # the tape has no turnover
                open_price=opened,
                high_price=high,
                low_price=low,
                close_price=price,
                gateway_name="DB",
            )
        )
    return bars


class FollowTape(StrategyTemplate):
    """Hold the decided weights of a tape; cash and marks are kept here, positions by vn.py."""

    author = "superhet"
    parameters: ClassVar[list[str]] = ["clerk", "report"]
    variables: ClassVar[list[str]] = ["cash"]
    clerk: Clerk
    report: Callable[[int], None] | None = None

    def on_init(self) -> None:
        """Take over the capital."""
        self.vts = [vt_symbol(name) for name in self.clerk.tape.assets]
        self.position = {name: i for i, name in enumerate(self.vts)}
        self.cash = float(self.clerk.tape.terms["capital"])
        self.mark: list[float] = self.clerk.tape.mark.tolist()
        self.kinds: dict[int, str] = {}  # asset -> kind of its order

    def shares(self) -> list[float]:
        """Read the positions, in the order of the tape's assets."""
        return [float(self.pos_data[name]) for name in self.vts]

    def before_open(self, t: int) -> None:
        """Book what happens overnight, and send the orders of session `t`."""
        self.cancel_all()
        clerk = self.clerk
        shares, self.cash = clerk.open_session(t, self.shares(), self.cash)
        self.pos_data.update(zip(self.vts, shares, strict=True))
        for action in clerk.tape.actions.get(t, []):
            after = (self.mark[action.asset] - action.dividend_gross) / action.split
            self.mark[action.asset] = after if after > 0.0 or math.isnan(after) else 0.0
        orders = clerk.orders(shares)
        self.kinds = {order.asset: order.kind for order in orders}
        for order in orders:
            self._send(order, shares[order.asset])

    def _send(self, order: Order, held: float) -> None:
        """Send an order as vn.py wants it: what closes a position apart from what opens one."""
        size, buying = abs(order.shares), order.shares > 0.0
        against = max(-held if buying else held, 0.0)
        closing = min(size, against)
        name, price = self.vts[order.asset], _FAR_ABOVE if buying else _FAR_BELOW
        if closing > 0.0:
            (self.cover if buying else self.sell)(name, price, closing)
        if size > closing:
            (self.buy if buying else self.short)(name, price, size - closing)

    def update_trade(self, trade: Any) -> None:
        """Take a trade of vn.py: its position by vn.py, its money here."""
        super().update_trade(trade)
        asset, clerk = self.position[trade.vt_symbol], self.clerk
        expected = float(clerk.tape.quotes["price"][clerk.t, asset])
        if trade.price != expected:
            raise BookError(
                f"{clerk.tape.dates[clerk.t]} {clerk.tape.assets[asset]}: vn.py filled at {trade.price} "
                f"where the tape says {expected}"
            )
        shares = float(trade.volume if trade.direction == Direction.LONG else -trade.volume)
        cost = clerk.leg_cost(asset, shares)
        self.cash -= shares * trade.price + sum(cost.values())
        clerk.filled(asset, shares, cost, self.kinds[asset])

    def on_bars(self, bars: dict[str, Any]) -> None:
        """Mark the book at the closes of vn.py's bars, and let the tape decide."""
        for name, bar in bars.items():
            self.mark[self.position[name]] = bar.close_price
        shares, equity = self.shares(), self.cash
        for size, mark in zip(shares, self.mark, strict=True):
            if size != 0.0:
                equity += size * mark
        t = self.strategy_engine.session
        self.clerk.close_session(t, shares, self.cash, equity)
        if self.report is not None:
            self.report(t)


class GuardedEngine(BacktestingEngine):
    """vn.py's engine with market rules in front of its matcher, and its errors not swallowed."""

    def __init__(self, tape: Tape, say: Callable[[str], None]) -> None:
        super().__init__()
        self.tape, self.say = tape, say
        self.day_of = {day: t for t, day in enumerate(tape.dates)}
        self.broken: Exception | None = None

    @property
    def session(self) -> int:
        """The number of the session, 0 at the first decision."""
        return self.day_of[str(self.datetime.date())]

    def run_backtesting(self) -> None:
        """Run over every session of the tape, from the first.

        vn.py's own loop skips sessions on which no stock trades, takes the first bar for its warm-up when
        it falls on the first of a month, and prints an error and returns as if all were well.
        """
        played = {str(moment.date()) for moment in self.dts}
        for day in self.tape.dates:
            if day not in played:
                self.dts.add(datetime.fromisoformat(day).replace(tzinfo=DB_TZ))
        self.datetime = min(self.dts) - timedelta(days=1)
        super().run_backtesting()
        if self.broken is not None:
            raise self.broken

    def new_bars(self, dt: datetime) -> None:
        """Play one session, and remember what goes wrong."""
        try:
            super().new_bars(dt)
        except Exception as error:
            self.broken = error
            raise

    def cross_limit_order(self) -> None:
        """Match the orders of the session one after the other, each cut to what the rules admit."""
        t, strategy = self.session, self.strategy
        if t == 0:
            return
        strategy.before_open(t)
        waiting = list(self.active_limit_orders.values())
        asked = {order.vt_symbol for order in waiting}
        for order in waiting:
            if order.vt_symbol in asked:
                asked.remove(order.vt_symbol)
                fill = strategy.clerk.admit(strategy.position[order.vt_symbol], strategy.cash)
            # a leg that closes is sent just before the one that opens, in the same stock
            room = fill.closing if order.offset == Offset.CLOSE else fill.opening
            if room > 0.0:
                self._match(order, room)
        self.active_limit_orders.update(
            (order.vt_orderid, order) for order in waiting if order.is_active()
        )

    def _match(self, order: Any, room: float) -> None:
        name = order.vt_symbol
        price = float(self.tape.quotes["price"][self.session, self.strategy.position[name]])
        bar = self.bars.get(name)
        order.volume = min(
            order.volume, room
        )  # vn.py fills all or nothing: the order itself is cut
        if bar is None or not bar.low_price <= bar.open_price == price <= bar.high_price:
            self.bars[name] = self._bar_at(order, price)  # vn.py fills at the open of a bar
        self.active_limit_orders = {order.vt_orderid: order}
        super().cross_limit_order()
        if bar is None:
            del self.bars[name]
        else:
            self.bars[name] = bar
        if order.is_active():
            raise BookError(
                f"{self.datetime.date()} {name}: vn.py did not fill an order at {price}"
            )

    def _bar_at(self, order: Any, price: float) -> Any:
        return BarData(
            symbol=order.symbol,
            exchange=order.exchange,
            datetime=self.datetime,
            interval=self.interval,
            open_price=price,
            high_price=price,
            low_price=price,
            close_price=price,
            gateway_name=self.gateway_name,
        )

    def output(self, msg: str) -> None:
        """Hand on what vn.py has to say."""
        self.say(msg)


def make_engine(
    tape: Tape,
    strategy: Any = FollowTape,
    report: Callable[[int], None] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[GuardedEngine, Clerk]:
    """Set up vn.py for a tape; `strategy` may be your own, made from `FollowTape`. Bars come after."""
    clerk, names = Clerk(tape), [vt_symbol(name) for name in tape.assets]
    engine = GuardedEngine(tape, say)
    engine.set_parameters(
        vt_symbols=names,
        interval=Interval.DAILY,
        start=datetime.fromisoformat(tape.dates[0]),
        end=datetime.fromisoformat(tape.dates[-1]),
        rates=dict.fromkeys(names, 0.0),
        slippages=dict.fromkeys(names, 0.0),
        sizes=dict.fromkeys(names, 1.0),
        priceticks=dict.fromkeys(names, _TICK),
        capital=float(tape.terms["capital"]),
    )
    engine.add_strategy(strategy, {"clerk": clerk, "report": report})
    return engine, clerk
