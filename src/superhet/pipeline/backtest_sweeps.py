"""Sweeps: the same weights with more money, and at other costs; our engine, once a point.

Capacity asks at which money impact eats the return: capital is multiplied, the volume cap stays, and impact
follows the square root of an order's share of the average volume. Slippage asks how much of the result is
left where trading costs more than was thought.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from superhet.backtest import NativeEngine
from superhet.errors import SuperhetError, UnknownName
from superhet.evaluation.summary import plain
from superhet.panel import BacktestResult, Market, Panel
from superhet.pipeline.artifacts import write_atomic, write_json
from superhet.pipeline.backtest_engines import NATIVE, make_engine
from superhet.progress import Progress, silent

TIMES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Multiples of the capital that are tried."""
SLIPPAGES = (0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0)
"""Slippage that is tried, basis points of traded value each side."""
IMPACT = 1.0
"""Coefficient of square-root impact where none was set: one daily deviation for a day's volume."""
SWEEPS = ("capacity", "slippage")


def sweep_names(text: str | None) -> list[str]:
    """Read a list of sweeps.

    Raises
    ------
    UnknownName
        with near misses
    """
    words = [w.strip() for w in (text or "").split(",") if w.strip()]
    for word in words:
        if word not in SWEEPS:
            raise UnknownName("sweep", word, SWEEPS, "--sweep")
    return words


def sweep(
    weights: Panel,
    market: Market,
    settings: Mapping[str, Any],
    names: Sequence[str],
    out: Path,
    progress: Progress = silent,
) -> dict[str, list[dict[str, Any]]]:
    """Try several capitals or slippages, and write `capacity` and `slippage` as JSON and Parquet.

    Parameters
    ----------
    weights, market : of the book
    settings : of the native engine
    names : "capacity", "slippage"
    out : folder

    Returns
    -------
    sweep -> one row a point
    """
    import polars as pl

    engine = make_engine(NATIVE, settings)
    assert isinstance(engine, NativeEngine)
    work = {"capacity": capacity, "slippage": slippage}
    found = {}
    for name in names:
        rows = work[name](weights, market, engine, progress)
        found[name] = plain(rows)
        write_json(out / f"{name}.json", found[name])
        frame = pl.DataFrame(found[name])
        write_atomic(out / f"{name}.parquet", partial(_write, frame))
    return found


def _write(frame: Any, path: Path) -> None:
    frame.write_parquet(path, compression="zstd")


def capacity(
    weights: Panel, market: Market, engine: NativeEngine, progress: Progress = silent
) -> list[dict[str, Any]]:
    """Trade with 1 to 100 times the capital.

    Returns
    -------
    one row a capital: times, capital, annual_return, sharpe, gross_sharpe, undone (refusals as a share of
    refusals and fills), missed (mean distance of holdings from targets as a share of the targets), impact_bps
    (of traded value), cost (a year, as a share of equity), problem (why it could not be traded)
    """
    with_impact = _impacted(engine)
    rows = []
    for done, times in enumerate(TIMES):
        progress(done, len(TIMES), f"capacity: {times:g} x capital")
        one = dataclasses.replace(with_impact, capital=engine.capital * times)
        row = {"times": times, "capital": one.capital, **_measured(one, weights, market)}
        rows.append(row)
    return rows


def slippage(
    weights: Panel, market: Market, engine: NativeEngine, progress: Progress = silent
) -> list[dict[str, Any]]:
    """Trade at other slippages; one row each, as `capacity`, by `slippage_bps`."""
    rows = []
    for done, bps in enumerate(SLIPPAGES):
        progress(done, len(SLIPPAGES), f"slippage: {bps:g} bp")
        costs = dataclasses.replace(engine.costs, slippage=bps / 1e4)
        one = dataclasses.replace(engine, costs=costs)
        rows.append({"slippage_bps": bps, **_measured(one, weights, market)})
    return rows


def _impacted(engine: NativeEngine) -> NativeEngine:
    """Give the engine square-root impact, unless it has some."""
    frictions = getattr(engine, "frictions", None)
    if frictions is None or frictions.impact > 0.0:
        return engine
    changes: dict[str, Any] = {"frictions": dataclasses.replace(frictions, impact=IMPACT)}
    return dataclasses.replace(engine, **changes)


def _measured(engine: NativeEngine, weights: Panel, market: Market) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(
        ("annual_return", "sharpe", "gross_sharpe", "undone", "missed", "impact_bps", "cost")
    )
    try:
        result = engine.run(weights, market)
    except SuperhetError as error:  # with so much money, or at such costs, the book is ruined
        return {**nothing, "problem": error.message}
    return {
        "annual_return": result.net.annual_return,
        "sharpe": result.net.sharpe,
        "gross_sharpe": result.gross.sharpe,
        "undone": _undone(result),
        "missed": _missed(result),
        "impact_bps": _impact(result),
        "cost": _cost(result),
        "problem": None,
    }


def _undone(result: BacktestResult) -> float:
    refused, done = result.orders_refused.rows, result.trades.rows
    return refused / (refused + done) if refused + done else 0.0


def _missed(result: BacktestResult) -> float:
    target = np.asarray(result.target.values)
    wanted = np.abs(target).sum()
    return float(np.abs(target - result.holdings.values).sum() / wanted) if wanted else 0.0


def _impact(result: BacktestResult) -> float:
    value = float(np.asarray(result.trades["value"]).sum())
    paid = result.costs.get("impact")
    return 1e4 * float(paid.sum()) / value if paid is not None and value else 0.0


def _cost(result: BacktestResult) -> float:
    total = sum(float(series.sum()) for series in result.costs.values())
    years = len(result.dates) / result.periods_per_year
    return float(total / np.mean(result.equity) / years)
