"""The next session's orders: targets of a book against what is held, checked as far as a close can know.

1. weights up to the close of D, of a market that ends there            -> orders_source
2. the book at that close and its goals: our engine run to D, or a user's account   -> next_orders, _goals
3. orders, and what each would cost                                     -> _order, _cost
4. checks: trading, limits, lots, sellable shares, borrowing, cash      -> _Checks

An order is not held back by a check; its status says what stands against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from superhet.backtest import RULES, NativeEngine
from superhet.backtest.tape import RATES
from superhet.data.base import Tables
from superhet.errors import InputError
from superhet.panel import Assets, Dates, Market, Panel
from superhet.pipeline.artifacts import write_atomic
from superhet.pipeline.backtest_books import marks
from superhet.pipeline.backtest_engines import NATIVE, make_engine
from superhet.pipeline.backtest_market import priced_alone, some_assets
from superhet.pipeline.order_limits import next_limits, next_weekday
from superhet.pipeline.orders_source import (
    Held,
    OrderSource,
    decided_row,
    market_until,
    read_holdings,
)

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]
CHECKS = ("trading", "limit", "lot", "sellable", "borrow", "cash")
_TICK = 0.005


def next_orders(
    source: OrderSource,
    tables: Tables,
    date: str,
    *,
    holdings: Path | None = None,
    cash: float | None = None,
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Make the orders of the session after D.

    Parameters
    ----------
    source : weights and a book
    tables : the store; nothing after D is used
    date : D, a session
    holdings : Parquet file of what is held: asset, shares (and sellable); None = the book of the source
    cash : beside `holdings`

    Returns
    -------
    one row an order, and the facts of the whole

    Raises
    ------
    ConfigError, InputError, DataError
        for a date that is no session, or before the first decision; for a file of holdings that does not fit
    """
    market = market_until(tables, date)
    weights = source.weights(market)
    given = None if holdings is None else read_holdings(holdings, cash, market.assets)
    engine = make_engine(NATIVE, source.settings)
    assert isinstance(engine, NativeEngine)
    held = set() if given is None else set(given.shares)
    ever = set(np.array(weights.assets.values)[np.nan_to_num(weights.values).any(axis=0)])
    if not priced_alone(engine):
        ever = set(weights.assets.values)
    names = Assets([a for a in market.assets.values if a in held | ever])
    market = some_assets(market, names)
    weights = _on(weights, names)
    row = decided_row(weights)
    day, last = market.dates.days[-1], weights.dates.days[row]
    facts: dict[str, Any] = {"date": date, "decided": str(last), "notes": []}
    if given is not None:
        goals = _goals(weights.values[row], _equity(given, market), market, engine)
        if last != day:
            facts["notes"].append(
                f"{date} is no decision: the targets of {last} are sized anew with the account of {date}"
            )
        return _table(market, weights.values[row], goals, given, engine, facts)
    if weights.dates.days[0] == day:  # nothing is held before the first decision
        start = Held(shares={}, cash=engine.capital)
        goals = _goals(weights.values[0], engine.capital, market, engine)
        return _table(market, weights.values[0], goals, start, engine, facts)
    state = engine.run(weights, market).final_state
    assert state is not None
    if not state.fresh and not engine.retry:
        facts["notes"].append(f"{date} is no decision, and undone orders lapse (retry is off)")
    goal = state.goal if state.fresh or engine.retry else state.shares
    account = Held(
        shares={names.values[k]: float(state.shares[k]) for k in np.flatnonzero(state.shares)},
        cash=float(state.cash),
    )
    return _table(market, np.asarray(state.weight), np.asarray(goal), account, engine, facts)


def _on(weights: Panel, names: Assets) -> Panel:
    """Put weights on other assets; those that it does not name have none."""
    values = np.zeros((len(weights.dates), len(names)))
    at = weights.assets.positions(names.values)
    values[:, at >= 0] = weights.values[:, at[at >= 0]]
    return Panel(values=values, dates=weights.dates, assets=names, name="weights", unit="weight")


def _equity(held: Held, market: Market) -> float:
    return held.cash + float(np.nansum(_by_asset(market.assets, held.shares) * marks(market)[-1]))


def _by_asset(names: Assets, found: Mapping[str, float]) -> Floats:
    return np.array([float(found.get(n, 0.0)) for n in names.values])


def _lots(market: Market, engine: NativeEngine) -> tuple[Floats, Floats]:
    """Give the smallest order and the step of each asset."""
    rules = RULES.get(engine.rules)()
    fill: Any = engine.fill if isinstance(engine.fill, str) else "close"
    table = rules.table(market.between(market.dates.values[-1], None), fill)
    return table.minimum, table.step


def _goals(target: Floats, equity: float, market: Market, engine: NativeEngine) -> Floats:
    """Size targets in whole lots with the equity and marks of the last close."""
    minimum, step = _lots(market, engine)
    mark = marks(market)[-1]
    wanted = np.abs(np.nan_to_num(target))
    shares = np.divide(wanted * equity, mark, out=np.zeros(wanted.size), where=mark > 0.0)
    whole = np.floor(shares / step + 1e-9) * step
    return np.asarray(np.sign(np.nan_to_num(target)) * np.where(whole >= minimum, whole, 0.0))


def _order(held: float, goal: float, step: float) -> float:
    """Give the order of one asset, as the ledger writes it: what closes goes whole, all else in lots."""
    if goal == 0.0:
        return -held
    if held * goal < 0.0:
        return goal - held
    size = float(np.floor(abs(abs(goal) - abs(held)) / step + 1e-9) * step)
    return size if goal > held else -size


def _table(
    market: Market,
    target: Floats,
    goals: Floats,
    held: Held,
    engine: NativeEngine,
    facts: dict[str, Any],
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Write the orders as rows, sales first, each side in asset order."""
    import polars as pl

    minimum, step = _lots(market, engine)
    shares = _by_asset(market.assets, held.shares)
    mark = marks(market)[-1]
    up, down = next_limits(market, mark, engine.rules)
    costs = engine.costs.over(RULES.get(engine.rules)().costs)
    next_day = Dates([next_weekday(market.dates.days[-1])])
    rates = dict(zip(RATES, costs.rates(next_day)[0].tolist(), strict=True))
    sizes = np.array([_order(h, g, s) for h, g, s in zip(shares, goals, step, strict=True)])
    chosen = np.flatnonzero(sizes)
    chosen = chosen[np.argsort(sizes[chosen] > 0.0, kind="stable")]
    sellable = np.abs(shares) if held.sellable is None else _by_asset(market.assets, held.sellable)
    free = held.cash - float(np.nansum(np.where(shares < 0.0, -shares * mark, 0.0)))
    checks = _Checks(market, engine, minimum, sellable, up, down, free)
    rows = []
    for k in chosen:
        size, cost = float(sizes[k]), _cost(shares[k], float(sizes[k]), mark[k], rates)
        said = checks.of(int(k), shares[k], size, goals[k], mark[k], cost)
        against = [f"{n}: {v}" for n, v in said.items() if v != "ok"]
        rows.append(
            {
                "asset": market.assets.values[k],
                "side": "buy" if size > 0.0 else "sell",
                "shares": abs(size),
                "reference_price": mark[k],
                "limit_price": up[k] if size > 0.0 else down[k],
                "value": abs(size) * mark[k],
                "estimated_cost": cost,
                "held": shares[k],
                "goal": goals[k],
                "target_weight": target[k],
                "reason": _reason(shares[k], goals[k]),
                "status": "ready" if not against else "; ".join(against),
                **{f"check_{n}": v for n, v in said.items()},
            }
        )
    frame = pl.DataFrame(rows, schema=_SCHEMA)
    return frame, {**facts, **_facts(frame, held, shares, mark)}


_SCHEMA: Any = {
    "asset": str, "side": str, "shares": float, "reference_price": float, "limit_price": float,
    "value": float, "estimated_cost": float, "held": float, "goal": float, "target_weight": float,
    "reason": str, "status": str, **{f"check_{n}": str for n in CHECKS},
}  # fmt: skip


def _cost(held: float, size: float, price: float, rates: Mapping[str, float]) -> float:
    """Estimate the cost of an order, leg by leg: commission, stamp duty, transfer fee, slippage."""
    closing = min(abs(size), abs(held)) if held * size < 0.0 else 0.0
    duty = "stamp_duty" if size < 0.0 else "stamp_duty_buyers"
    total = 0.0
    for leg in (closing, abs(size) - closing):
        if leg > 0.0 and price > 0.0:
            value = leg * price
            per_share = leg * rates["commission_per_share"]
            total += max(value * rates["commission"] + per_share, rates["commission_minimum"])
            total += value * (rates["transfer_fee"] + rates["slippage"] + rates[duty])
    return float(total)


def _reason(held: float, goal: float) -> str:
    if held == 0.0:
        return "open"
    if goal == 0.0:
        return "close"
    if held * goal < 0.0:
        return "turn"
    return "increase" if abs(goal) > abs(held) else "reduce"


class _Checks:
    """What a close knows against each order; cash is spent order by order, sales first."""

    def __init__(
        self,
        market: Market,
        engine: NativeEngine,
        minimum: Floats,
        sellable: Floats,
        up: Floats,
        down: Floats,
        free: float,
    ) -> None:
        self.market, self.engine, self.minimum = market, engine, minimum
        self.sellable, self.up, self.down, self.free = sellable, up, down, free
        self.close = np.asarray(market["close"].values[-1], dtype=np.float64)
        self.limits = tuple(
            np.asarray(market[n].values[-1]) if n in market else np.full(len(minimum), np.nan)
            for n in ("limit_up", "limit_down")
        )

    def of(
        self, k: int, held: float, size: float, goal: float, price: float, cost: float
    ) -> dict[str, str]:
        """Check one order."""
        return {
            "trading": self._trading(k),
            "limit": self._limit(k, size),
            "lot": "ok" if abs(size) >= self.minimum[k] or goal == 0.0 else "below_lot",
            "sellable": self._sellable(k, held, size),
            "borrow": "to_borrow" if size < 0.0 and held + size < min(held, 0.0) else "ok",
            "cash": self._cash(held, size, price, cost),
        }

    def _trading(self, k: int) -> str:
        market = self.market
        if "listing_age" in market and market["listing_age"].values[-1, k] < 0:
            return "not_listed"
        halted = "suspended" in market and bool(market["suspended"].values[-1, k])
        return "suspended" if halted or not self.close[k] > 0.0 else "ok"

    def _limit(self, k: int, size: float) -> str:
        """Say where this close was at the limit that may lock the next session too."""
        if size > 0.0 and self.close[k] > self.limits[0][k] - _TICK:
            return "closed_at_limit_up"
        if size < 0.0 and self.close[k] < self.limits[1][k] + _TICK:
            return "closed_at_limit_down"
        return "ok"

    def _sellable(self, k: int, held: float, size: float) -> str:
        sold = min(-size, held) if size < 0.0 < held else 0.0
        return "ok" if sold <= self.sellable[k] + 1e-9 else f"only_{self.sellable[k]:.0f}"

    def _cash(self, held: float, size: float, price: float, cost: float) -> str:
        covering = min(size, -held) if held < 0.0 < size else 0.0
        opening = max(size - covering, 0.0) if size > 0.0 else 0.0
        if size < 0.0:
            # a sale pays in; what is sold short stays as collateral
            self.free += min(-size, max(held, 0.0)) * price - cost
            return "ok"
        needed = opening * price + cost
        if opening > 0.0 and needed > self.free + 1e-6:
            short = needed - self.free
            return f"short_of_{short:.2f}"
        self.free -= needed
        return "ok"


def _facts(frame: pl.DataFrame, held: Held, shares: Floats, mark: Floats) -> dict[str, Any]:
    import polars as pl

    priced = frame.with_columns(pl.col("value").fill_nan(0.0))
    buys, sells = (priced.filter(pl.col("side") == s) for s in ("buy", "sell"))
    cost = float(frame["estimated_cost"].sum())
    counts: Counter[str] = Counter()
    for status in frame["status"].to_list():
        counts.update(
            w.split(": ")[-1].split("_of_")[0].rstrip("0123456789") for w in status.split("; ")
        )
    return {
        "orders": frame.height,
        "buys": buys.height,
        "sells": sells.height,
        "buy_value": float(buys["value"].sum()),
        "sell_value": float(sells["value"].sum()),
        "cost": cost,
        "cash": held.cash,
        "cash_after": held.cash + float(sells["value"].sum()) - float(buys["value"].sum()) - cost,
        "equity": held.cash + float(np.nansum(shares * mark)),
        "status": dict(sorted(counts.items())),
    }


def write_orders(frame: pl.DataFrame, path: Path) -> None:
    """Write orders as CSV or Parquet, as the name of the file says.

    Raises
    ------
    InputError
        for another name
    """
    writers: dict[str, Callable[[Path], object]] = {
        ".csv": frame.write_csv,
        ".parquet": lambda aside: frame.write_parquet(aside, compression="zstd"),
    }
    if path.suffix not in writers:
        raise InputError(f"--out: {path}: name a .csv or .parquet file.")
    write_atomic(path, writers[path.suffix])
