"""Going on: the native engine takes up its book at the last close, and new sessions are added to its tables.

The decisions until then must be those that were traded. The numbers are those of one run, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superhet.backtest import NativeEngine
from superhet.errors import InputError
from superhet.panel import BacktestResult, BookState, Market, Panel, Records
from superhet.pipeline.backtest_books import TABLES, Books, frames_of, marks, write_books
from superhet.pipeline.backtest_weights import asset_columns

if TYPE_CHECKING:
    import polars as pl


def widened(state: BookState, market: Market) -> BookState:
    """Put a book on the assets of a market: what is new is not held.

    Raises
    ------
    InputError
        if the book knows an asset that the market has not
    """
    if state.assets == market.assets:
        return state
    gone = [a for a in state.assets.values if a not in market.assets]
    if gone:
        raise InputError(
            f"--resume: the book knows {gone[0]} ({len(gone)} assets in all), and the weights do not. Keep "
            "their rows in the file, or run from the beginning with --fresh."
        )
    at = market.assets.positions(state.assets.values)
    count = len(market.assets)
    mark = np.array(marks(market.until(state.date))[-1])
    mark[~(mark > 0.0)] = np.nan
    mark[at] = state.mark
    parts: dict[str, Any] = {}
    for name in ("shares", "goal", "weight"):
        parts[name] = np.zeros(count)
        parts[name][at] = getattr(state, name)
    return replace(state, assets=market.assets, mark=mark, **parts)


def same_decisions(before: pl.DataFrame, weights: Panel, until: np.datetime64) -> bool:
    """Say whether the decisions of an earlier run, date, asset, weight, are those of a panel."""
    old = before.filter(before["date"] <= until.astype("datetime64[D]").item())
    values = np.nan_to_num(np.asarray(weights.values, dtype=np.float64))
    rows = weights.dates.days <= until
    there = np.zeros((int(rows.sum()), len(weights.assets)))
    days = weights.dates.days[rows]
    row = np.searchsorted(days, old["date"].to_numpy().astype("datetime64[D]"))
    column = asset_columns(old["asset"], weights.assets)
    inside = row < days.size
    if not inside.all() or (column < 0).any():
        return False
    if (days[row] != old["date"].to_numpy().astype("datetime64[D]")).any():
        return False
    there[row, column] = old["weight"].to_numpy()
    return bool(np.array_equal(there, values[rows])) and set(days) == set(
        old["date"].to_numpy().astype("datetime64[D]")
    )


def go_on(
    books: Books,
    before: pl.DataFrame,
    engine: NativeEngine,
    weights: Panel,
    market: Market,
    actions: Records | None,
    facts: Callable[[], Mapping[str, Any]],
) -> tuple[Books, BacktestResult] | None:
    """Add the sessions after the last close of a book; None if there are none.

    Parameters
    ----------
    books : finished, of the native engine with the same settings
    before : its decisions, date, asset, weight
    engine, weights, market : of now
    actions : splits and dividends from the first decision on
    facts : gives what to remember, asked for at the end

    Raises
    ------
    InputError
        if the book has no state, or its decisions are not those of the weights
    """
    import polars as pl

    state = books.state()
    if state is None:
        raise InputError(f"--resume: {books.folder} has no state to go on from. Run with --fresh.")
    if not same_decisions(before, weights, state.date):
        raise InputError(
            f"--resume: the decisions until {state.date} are not those that {books.folder} has traded. "
            "Run from the beginning with --fresh."
        )
    if market.dates.days[-1] <= state.date:
        return None
    state = widened(state, market)
    result = engine.resume(state, weights, market)
    new = frames_of(result, actions, state)
    frames = {
        n: pl.concat([books.table(n), new[n]], how="diagonal_relaxed", rechunk=True) for n in TABLES
    }
    return write_books(books.folder, books.engine, frames, result, actions, facts()), result


def decisions_of(out: Path) -> pl.DataFrame | None:
    """Read the decisions that an earlier run has written beside its books."""
    import polars as pl

    from superhet.pipeline.orders_source import WEIGHTS

    path = out / WEIGHTS
    return pl.read_parquet(path) if path.is_file() else None
