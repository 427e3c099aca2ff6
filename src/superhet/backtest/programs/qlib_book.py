"""Keep the books of a tape in Qlib.

python qlib_book.py TAPE_FOLDER BOOKS_FOLDER

Qlib's own `Account` holds the cash and the positions, its own `Exchange` and `SimulatorExecutor` fill the
orders, as they are installed. What they cannot express stays different, and is measured:

1. the tape becomes a provider folder: raw prices (factor 1), blocks and caps as fields    -> `write_provider`
2. flat rates and one trade unit, as near to the tape's as Qlib can be told             -> `exchange_settings`
3. before each session: corporate actions and financing on the account, then orders in shares
                                                                      -> `FollowTape.generate_trade_decision`
4. what the executor did, and why the rest was not done               -> `FollowTape.post_exe_step`
5. fees that differ from the tape's on the same fills, prices in single precision          -> `Gap`
"""

from __future__ import annotations

import io
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["TQDM_DISABLE"] = "1"  # before qlib: its bars would fill stderr

import numpy as np
import pandas as pd

with redirect_stderr(io.StringIO()):  # gym, which Qlib imports, says that it is unmaintained
    import qlib
    from qlib.backtest import backtest
    from qlib.backtest.decision import Order, TradeDecisionWO
    from qlib.strategy.base import BaseStrategy

if TYPE_CHECKING:
    from superhet.backtest.programs.book_files import LEG_COSTS, BookError, Tape, read_tape
    from superhet.backtest.programs.book_rules import REFUSALS, Clerk, lots
else:  # a program runs alone, with its own folder in front of the path
    from book_files import LEG_COSTS, BookError, Tape, read_tape
    from book_rules import REFUSALS, Clerk, lots

FIELDS = ("price", "close", "volume")


def write_provider(tape: Tape, folder: Path) -> None:
    """Write the tape as a Qlib provider: calendar, instruments and one file a field, in single precision.

    The calendar gets one day more than the tape, because Qlib asks when the last session ends.
    """
    after = str(np.datetime64(tape.dates[-1]) + 1)
    _lines(folder / "calendars" / "day.txt", [*tape.dates, after])
    span = f"{tape.dates[0]}\t{tape.dates[-1]}"
    _lines(folder / "instruments" / "all.txt", [f"{name}\t{span}" for name in tape.assets])
    quote, close = tape.quotes, tape.quotes["close"]
    ones = np.where(np.isnan(close), np.nan, 1.0)
    table = {name: quote[name] for name in FIELDS}
    table |= {"factor": ones, "change": np.zeros_like(close)}
    table["most"] = _caps(tape)
    table["buy_block"] = (tape.buy_block != 0) | ~(quote["price"] > 0.0)
    table["sell_block"] = (tape.sell_block != 0) | ~(quote["price"] > 0.0)
    for i, name in enumerate(tape.assets):
        home = folder / "features" / name.lower()
        home.mkdir(parents=True, exist_ok=True)
        for what, values in table.items():
            column = np.concatenate([[0.0], values[:, i].astype(np.float64)])
            column.astype("<f4").tofile(home / f"{what}.day.bin")


def _caps(tape: Tape) -> Any:
    """Give the largest order of each cell in whole lots: Qlib itself would round 99.9 up to 100."""
    most = tape.quotes["most"].copy()
    for t, i in np.argwhere(np.isfinite(most)).tolist():
        most[t, i] = lots(most[t, i], float(tape.step[i]), float(tape.minimum[i]))
    return most


def _lines(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def usual(values: Any) -> float:
    """Give the value that holds most often."""
    found, counts = np.unique(np.asarray(values), return_counts=True)
    return float(found[counts.argmax()])


def flat_rates(tape: Tape) -> dict[str, float]:
    """Give the rates in force on most sessions: Qlib has one rate a side, whatever the date."""
    return {name: usual(tape.rates[name][1:]) for name in tape.rates}


def exchange_settings(tape: Tape) -> dict[str, Any]:
    """Tell Qlib's exchange what it can be told of the tape."""
    rate = flat_rates(tape)
    both = rate["commission"] + rate["transfer_fee"] + rate["slippage"]
    settings: dict[str, Any] = {
        "codes": list(tape.assets),
        "deal_price": "$price",
        "limit_threshold": ("$buy_block", "$sell_block"),
        "open_cost": both + rate["stamp_duty_buyers"],
        "close_cost": both + rate["stamp_duty"],
        "min_cost": rate["commission_minimum"],
        "trade_unit": int(usual(tape.step)),
    }
    if np.isfinite(tape.quotes["most"]).any():
        settings["volume_threshold"] = ("current", "$most")
    return settings


@dataclass
class Gap:
    """What Qlib's last equity has beyond the tape's rules on Qlib's own fills, in currency.

    Parameters
    ----------
    fees : flat rates, and a minimum that covers all costs and not the commission alone
    fill_prices : fills at prices of single precision
    closing_marks : what is held at the last close, at prices of single precision
    refused : rule -> orders
    """

    fees: float = 0.0
    fill_prices: float = 0.0
    closing_marks: float = 0.0
    refused: dict[str, int] = field(default_factory=dict)


class FollowTape(BaseStrategy):
    """Hold the decided weights of a tape: orders in shares, sized from the account's own value."""

    def __init__(self, clerk: Clerk, report: Callable[[int], None] | None = None) -> None:
        super().__init__()
        self.clerk, self.report, self.gap = clerk, report, Gap()
        self.rate = flat_rates(clerk.tape)
        self.at = {name: i for i, name in enumerate(clerk.tape.assets)}
        self._opened = clerk.tape.marks()[0]
        self.unit = exchange_settings(clerk.tape)["trade_unit"]
        clerk.close_session(0, self.shares_of({}), float(clerk.terms["capital"]))

    def shares_of(self, amounts: dict[str, float]) -> list[float]:
        """Give the account's amounts in the order of the tape's assets.

        Qlib books value / price, which leaves specks behind whole shares.
        """
        return [round(float(amounts.get(name, 0.0)), 6) for name in self.clerk.tape.assets]

    def generate_trade_decision(self, execute_result: Any = None) -> Any:
        """Before the session: what happens overnight, then the orders."""
        step = self.trade_calendar.get_trade_step()
        account, clerk = self.trade_position, self.clerk
        held = self.shares_of(account.get_stock_amount_dict())
        cash = float(account.get_cash())
        after, money = clerk.open_session(step + 1, held, cash)
        book = account.position
        for i, name in enumerate(clerk.tape.assets):
            if after[i] == 0.0 and name in book:
                del book[name]
            elif after[i] != 0.0:
                book[name]["amount"] = after[i]
                book[name]["price"] = float(self._opened[step + 1, i])
        book["cash"] = book["cash"] + (money - cash)
        begin, end = self.trade_calendar.get_step_time(step)
        orders = []
        for order in clerk.orders(after):
            name, size = clerk.tape.assets[order.asset], order.shares
            if size < 0.0 and -size > after[order.asset]:
                self._refuse(order.asset, size + after[order.asset], "no_borrow")
                size = -after[order.asset]
            if size == 0.0:
                continue
            side = Order.BUY if size > 0.0 else Order.SELL
            orders.append(Order(name, abs(size), side, start_time=begin, end_time=end))
        return TradeDecisionWO(orders, self)

    def post_exe_step(self, execute_result: Any) -> None:
        """After the session: write down fills and refusals, then decide if the tape decides today."""
        for order, value, cost, price in execute_result or ():
            side = 1.0 if order.direction == Order.BUY else -1.0
            done = round(float(order.deal_amount), 6) if value > 0.0 else 0.0
            if done:
                self._fill(order.stock_id, side * done, float(price), float(cost))
            if done < order.amount:
                left = side * (float(order.amount) - done)
                self._refuse(self.at[order.stock_id], left, self._why(order, left))
        account = self.trade_position
        shares = self.shares_of(account.get_stock_amount_dict())
        t, cash, value = self.clerk.t, float(account.get_cash()), float(account.calculate_value())
        marks = self.clerk.closed[t]
        worth = math.fsum(size * marks[i] for i, size in enumerate(shares) if size)
        self.gap.closing_marks = value - cash - worth
        self.clerk.close_session(t, shares, cash, value)
        if self.report is not None:
            self.report(t)

    def _fill(self, name: str, shares: float, price: float, charged: float) -> None:
        i, rate = self.at[name], self.rate
        ours = self.clerk.leg_cost(i, shares)
        value = abs(shares) * price
        cost = dict.fromkeys(LEG_COSTS, 0.0)
        cost["stamp_duty"] = value * rate["stamp_duty" if shares < 0.0 else "stamp_duty_buyers"]
        cost["transfer_fee"] = value * rate["transfer_fee"]
        cost["slippage"] = value * rate["slippage"]
        cost["commission"] = charged - math.fsum(cost.values())
        self.gap.fees += math.fsum(ours.values()) - charged
        self.gap.fill_prices += shares * (self._price(i) - price)
        self.clerk.filled(i, shares, cost, "order", at=price)

    def _price(self, i: int) -> float:
        return float(self.clerk.tape.quotes["price"][self.clerk.t, i])

    def _why(self, order: Any, left: float) -> str:
        """Say why a part of an order was not done; Qlib itself does not."""
        i, tape, t = self.at[order.stock_id], self.clerk.tape, self.clerk.t
        block = int((tape.buy_block if left > 0.0 else tape.sell_block)[t, i])
        if block:
            return REFUSALS[block]
        if not self._price(i) > 0.0:
            return "suspended"
        if order.amount > tape.quotes["most"][t, i]:
            return "volume_cap"
        return "lot" if abs(left) < self.unit or left < 0.0 else "cash"

    def _refuse(self, i: int, left: float, rule: str) -> None:
        self.clerk.refuse(i, left, rule)
        self.gap.refused[rule] = self.gap.refused.get(rule, 0) + 1


def notes(tape: Tape, gap: Gap) -> list[str]:
    """Say what Qlib could not express in this book."""
    rate, settings = flat_rates(tape), exchange_settings(tape)
    said = [
        f"one rate a side for all dates: {settings['open_cost']:.4%} buying, "
        f"{settings['close_cost']:.4%} selling",
        f"the minimum of {settings['min_cost']:g} covers all costs of a fill, not the commission alone",
        "prices in single precision",
    ]
    odd = sorted({float(x) for x in tape.step} - {float(settings["trade_unit"])})
    if odd:
        said.append(
            f"one trade unit of {settings['trade_unit']} for all; the tape has {odd} as well"
        )
    if rate["commission_per_share"]:
        said.append("a commission a share is left out")
    if tape.quotes["half_spread"].any() or tape.quotes["impact"].any():
        said.append("half-spreads and impact are left out")
    if (tape.weights < 0.0).any():
        said.append(
            f"its exchange cannot sell short: {gap.refused.get('no_borrow', 0)} orders were not done"
        )
    if tape.terms["cash_rule"] != "cut":
        said.append("a buy that does not fit the cash is cut to what fits, whatever the rule")
    if tape.actions:
        said.append("splits and dividends are booked on the account before the open")
    return said


def keep(
    tape: Tape, folder: Path, report: Callable[[int], None] | None = None
) -> tuple[Clerk, Gap]:
    """Run Qlib on a tape, with its files in `folder`; give the clerk with the books, and the gap."""
    provider = folder / "provider"
    write_provider(tape, provider)
    qlib.init(
        provider_uri=str(provider),
        region="cn",
        kernels=1,
        expression_cache=None,
        dataset_cache=None,
        logging_level="ERROR",
        exp_manager={
            "class": "MLflowExpManager",
            "module_path": "qlib.workflow.expm",
            "kwargs": {"uri": f"sqlite:///{folder / 'experiments.db'}", "default_exp_name": "book"},
        },
    )
    clerk = Clerk(tape)
    strategy = FollowTape(clerk, report)
    backtest(
        start_time=tape.dates[1],
        end_time=tape.dates[-1],
        strategy=strategy,
        executor={
            "class": "SimulatorExecutor",
            "module_path": "qlib.backtest.executor",
            "kwargs": {"time_per_step": "day", "generate_portfolio_metrics": False},
        },
        # a series of nothing: without one, Qlib looks for the CSI 300
        benchmark=pd.Series(0.0, index=pd.DatetimeIndex(tape.dates[1:])),
        account=float(tape.terms["capital"]),
        exchange_kwargs={"freq": "day", **exchange_settings(tape)},
    )
    return clerk, strategy.gap


def main(arguments: list[str]) -> int:
    """Read the tape, run Qlib, write the books; 0, or 1 with the reason on stderr."""
    if len(arguments) != 2:
        print("usage: python qlib_book.py TAPE_FOLDER BOOKS_FOLDER", file=sys.stderr)
        return 2
    scratch = Path(tempfile.mkdtemp(prefix="qlib-book-"))
    try:
        tape = read_tape(arguments[0])
        last = len(tape.dates) - 1
        begun = time.perf_counter()
        clerk, gap = keep(tape, scratch, lambda t: print(f"session {t} of {last}", flush=True))
        facts = {
            "engine": "qlib",
            "version": qlib.__version__,
            "seconds": time.perf_counter() - begun,
            "notes": notes(tape, gap),
            "gap": {name: getattr(gap, name) for name in ("fees", "fill_prices", "closing_marks")},
        }
        clerk.write(arguments[1], facts)
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
