"""The native engine against Backtrader, vn.py, vectorbt, bt and zipline: target weights in, books out.

Every session decides new long-only weights (0.9 of equity, spread over all names), and nearly every name
trades on every session: the hard case, bound by orders. Making the market and the feeds is not timed.
Backtrader and vn.py follow the same contract of fills (whole lots, decision at the close, fill at the
next open, minimum commission, stamp duty on sales) and must end every session with our equity to the
cent; they do so without the adapters of `superhet backtest`, which add rules that this market does not
need. vectorbt (Rust engine, proportional fees), bt (fills at the close that it decides on) and zipline
(single shares, proportional fees) cannot keep these books; their times stand beside, and their numbers
are not compared. The second work adds suspensions, price limits and a cap on volume, which only our
engine has as a table.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from benchmarks._harness import Arrays, Part, Works, bare_market, compare

FULL, SMALL = ((1000, 200), (2500, 3000)), ((250, 50),)
PLAIN, RULED = "daily rebalance", "daily rebalance, all A-share rules"
FEES = {"commission": 2.5e-4, "commission_minimum": 5.0, "stamp_duty": 5e-4, "transfer_fee": 1e-5}
OUTSIDE = {
    "backtrader": "backtrader_orders.py",
    "vnpy": "vnpy_portfolio.py",
    "vectorbt": "vectorbt_orders.py",
    "bt": "bt_weights.py",
    "zipline": "zipline_weights.py",
}
CALLS = 200
UNCOMPARED = {"vectorbt", "bt", "zipline"}
# what a peer gets of the sessions and assets: what it does in a few minutes
LARGEST = {
    "backtrader": (1000, 200),
    "vnpy": (1000, 200),
    "vectorbt": (2500, 3000),
    "bt": (1000, 200),
    "zipline": (500, 200),
}


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each size and system, with asset-days a CPU second."""
    found = []
    for size in SMALL if small else FULL:
        made = compare(sys.modules[__name__], size)
        for row in made:
            row["cells_per_second"] = size[0] * size[1] / row["cpu_seconds"]
            row["work"] += f", {row['cells_per_second'] / 1e3:,.0f} k asset-days/s"
        found += made
    return found


def inputs(size: Part) -> Arrays:
    """Make raw prices in cents, volumes, limits, suspensions and smoothly moving weights."""
    rng = np.random.default_rng(7)
    sessions, assets = size
    moves = 0.008 * rng.standard_normal((sessions, 1)) + 0.018 * rng.standard_normal(size)
    gaps = 0.01 * rng.standard_normal(size)
    close, opened = np.empty(size), np.empty(size)
    before = np.round(rng.uniform(5.0, 80.0, assets), 2)
    up, down = np.empty(size), np.empty(size)
    for t in range(sessions):
        up[t], down[t] = np.round(1.1 * before, 2), np.round(0.9 * before, 2)
        opened[t] = np.clip(np.round(before * np.exp(gaps[t]), 2), down[t], up[t])
        close[t] = np.clip(np.round(before * np.exp(moves[t]), 2), down[t], up[t])
        np.maximum(opened[t], 1.0, out=opened[t])
        before = np.maximum(close[t], 1.0, out=close[t])
    score = rng.standard_normal(assets)
    weights = np.empty(size)
    for t in range(sessions):
        score = 0.9 * score + np.sqrt(1.0 - 0.9**2) * rng.standard_normal(assets)
        weights[t] = 0.9 * np.exp(score) / np.exp(score).sum()
    return {
        "open": opened,
        "close": close,
        "volume": np.round(rng.lognormal(14.0, 0.6, size), -2),
        "limit_up": up,
        "limit_down": down,
        "suspended": rng.random(size) < 0.02,
        "weights": weights,
    }


def parts(size: Part) -> dict[str, Part]:
    """Give each peer what it can do."""
    return {name: (min(size[0], most[0]), min(size[1], most[1])) for name, most in LARGEST.items()}


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed: a cent on an equity of millions."""
    return 1e-9


def capital(assets: int) -> float:
    """Give 50,000 of capital a name, so that a lot is a small part of a position."""
    return 5e4 * assets


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.backtest import NativeEngine
    from superhet.backtest.costs import Costs
    from superhet.panel import Panel

    plain = bare_market({name: arrays[name] for name in ("open", "close", "volume")})
    stopped = arrays["suspended"]
    ruled = bare_market(
        {name: np.where(stopped, np.nan, arrays[name]) for name in ("open", "close", "volume")}
        | {name: arrays[name] for name in ("limit_up", "limit_down", "suspended")}
    )
    weights = Panel(
        values=0.9 * arrays["weights"] / arrays["weights"].sum(axis=1, keepdims=True),
        dates=plain.dates,
        assets=plain.assets,
        name="weights",
        unit="weight",
    )
    base = {"capital": capital(len(plain.assets)), "costs": Costs(slippage=0.0, **FEES)}
    free = NativeEngine(participation=None, retry=False, **base)
    full = NativeEngine(participation=0.1, **base)
    return {PLAIN: lambda: free.run(weights, plain), RULED: lambda: full.run(weights, ruled)}


def kept(found: Any) -> Arrays:
    """Give what is compared: the equity of every session."""
    return {"equity": found.equity}


SYSTEMS = {"superhet": superhet}
