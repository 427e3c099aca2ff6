"""The daily backtest: superhet's compiled ledger, and the slow one that the tests hold it against.

Long the highest tenth and short the lowest of a persistent score, decided at every close or at every fifth,
filled at the next open under the A-share rules (lots, price limits, suspensions, a cap on volume, costs).
Timed from target weights and market to a `BacktestResult`; making the market is not timed. The slow ledger
(`tests/backtest/oracle.py`, plain Python, one order after the other) gets a slice and must end with the
same equity and cash at every close.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np

from benchmarks._harness import ROOT, Arrays, Part, Works, bare_market, compare

FULL, SMALL = (3000, 2500), (200, 1000)
SLICE = (120, 500)
EVERY = {"decisions daily": 1, "decisions weekly": 5}
CAPITAL = 1e8


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give one row for each rhythm and system, with sessions × assets a CPU second."""
    size = SMALL if small else FULL
    found = compare(sys.modules[__name__], size)
    for row in found:
        row["cells_per_second"] = size[0] * size[1] / row["cpu_seconds"]
        row["work"] += f", {row['cells_per_second'] / 1e6:.2f} M cells/s"
    return found


def inputs(size: Part) -> Arrays:
    """Make a market of raw prices with limits, suspensions and adjustments, and the scores."""
    rng = np.random.default_rng(0)
    moves = np.clip(0.02 * rng.standard_normal(size), -0.1, 0.1)
    close = np.round(10.0 * np.exp(np.cumsum(moves, axis=0) * 0.5) + 5.0, 2)
    previous = np.vstack([close[:1], close[:-1]])
    opened = np.round(previous * np.exp(0.01 * rng.standard_normal(size)), 2)
    up, down = np.round(1.1 * previous, 2), np.round(0.9 * previous, 2)
    opened = np.where(rng.random(size) < 0.01, up, np.clip(opened, down, up))
    suspended = rng.random(size) < 0.02
    score = rng.standard_normal(size)
    for t in range(1, size[0]):
        score[t] = 0.95 * score[t - 1] + np.sqrt(1.0 - 0.95**2) * score[t]
    high, low = np.quantile(score, [0.9, 0.1], axis=1)
    side = (score > high[:, None]) * 1.0 - (score < low[:, None]) * 1.0
    return {
        "open": np.where(suspended, np.nan, opened),
        "close": np.where(suspended, np.nan, close),
        "volume": np.where(suspended, np.nan, 1e6 * np.exp(0.5 * rng.standard_normal(size))),
        "adjust_factor": np.cumprod(np.where(rng.random(size) < 0.002, 1.02, 1.0), axis=0),
        "limit_up": up,
        "limit_down": down,
        "suspended": suspended,
        "listing_age": np.arange(500.0, 500.0 + size[0])[:, None] + np.zeros(size),
        "weights": side / np.maximum(np.abs(side).sum(axis=1, keepdims=True), 1.0),
    }


def parts(size: Part) -> dict[str, Part]:
    """Give the slow ledger a slice."""
    return {"slow ledger": (min(SLICE[0], size[0]), min(SLICE[1], size[1]))}


def tolerance(work: str, system: str) -> float:
    """Give the largest difference that is allowed."""
    return 1e-10


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.backtest import NativeEngine

    market, weights = _market(arrays)

    def call(every: int) -> Any:
        def run() -> Arrays:
            result = NativeEngine(capital=CAPITAL).run(weights[every], market)
            return {"equity": result.equity, "cash": result.cash}

        return run

    return {name: call(every) for name, every in EVERY.items()}


def slow_ledger(arrays: Arrays) -> Works:
    """Say how the tests' ledger does it, on the tape that ours reads."""
    from superhet.backtest import NativeEngine

    market, weights = _market(arrays)
    spec = importlib.util.spec_from_file_location("ledger", ROOT / "tests/backtest/oracle.py")
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    engine = NativeEngine(capital=CAPITAL)

    def call(every: int) -> Any:
        def run() -> Arrays:
            books = oracle.slow_books(engine.tape(weights[every], market))
            return {"equity": books.equity[1:], "cash": books.cash[1:]}

        return run

    return {name: call(every) for name, every in EVERY.items()}


def _market(arrays: Arrays) -> tuple[Any, dict[int, Any]]:
    fields = {name: values for name, values in arrays.items() if name != "weights"}
    market = bare_market(fields)
    like, decided = market["close"], np.arange(len(arrays["weights"]))[:, None]
    return market, {
        every: like.with_values(
            np.where(decided % every == 0, arrays["weights"], np.nan), name="weights", unit="weight"
        )
        for every in EVERY.values()
    }


SYSTEMS = {"superhet": superhet, "slow ledger": slow_ledger}
