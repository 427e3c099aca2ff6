"""Benchmarks: an index from its closes, or the members of the universe weighted by capitalisation.

Weights published at a month's end drift with returns until the next ones are published; where none are
published, the members' float capitalisation stands in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from superhet.data.fields import Keep, as_made
from superhet.data.pivot import Grid, asset_positions, days, floats
from superhet.errors import UnknownName
from superhet.panel import Benchmark, Panel

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

CAP_WEIGHTED, EQUAL_WEIGHTED = "cap_weighted", "equal_weighted"
_INDEX_FIELDS = ("open", "high", "low", "close", "volume", "amount")


def cap_weights(cap: Floats, member: Flags) -> Floats:
    """Weight the members by capitalisation, [dates, assets]; rows sum to 1, NaN without any cap."""
    inside = np.where(member & (cap > 0), cap, 0.0)
    total = inside.sum(axis=1, keepdims=True)
    out = np.full(cap.shape, np.nan)
    np.divide(inside, total, out=out, where=total > 0)
    return out


def weighted_returns(weights: Floats, returns: Floats) -> Floats:
    """Give the return of weights held from the previous close, [dates]; NaN where they are unknown.

    An asset without a return that day counts as unchanged.
    """
    out = np.full(len(weights), np.nan)
    out[1:] = (weights[:-1] * np.nan_to_num(returns[1:])).sum(axis=1)
    return out


def drift(published: Mapping[int, Floats], returns: Floats) -> Floats:
    """Let published weights drift with returns until the next ones, [dates, assets].

    Parameters
    ----------
    published : row -> [assets], weights known at the close of that row (scaled to sum to 1)
    returns : [dates, assets], NaN counts as 0
    """
    out = np.full(returns.shape, np.nan)
    for row in range(len(returns)):
        if row in published:
            held = published[row]
        elif row:
            held = out[row - 1] * (1.0 + np.nan_to_num(returns[row]))
        else:
            continue
        out[row] = held / held.sum()
    return out


def build_benchmark(
    tables: Tables,
    code: str | None,
    grid: Grid,
    fields: Mapping[str, Panel],
    members: Mapping[str, Flags],
    keep: Keep = as_made,
) -> Benchmark:
    """Make the benchmark.

    Parameters
    ----------
    tables : may have `index_bars` and `index_weights`
    code : an index code, "cap_weighted", "equal_weighted", or None: cap-weighted universe members, or
        equal-weighted ones where the data have no share counts (the benchmark's name says which)
    grid : the daily axes
    fields : returns and, if known, float_cap or market_cap
    members : "" -> the universe's members; index code -> its listed members
    keep : called as ("weights", make) and ("returns", make): gives what `make` would, from where it is kept

    Raises
    ------
    UnknownName
        if nothing is known about `code`
    """
    cap = next((n for n in ("float_cap", "market_cap") if n in fields), None)
    if code is None:
        code = EQUAL_WEIGHTED if cap is None else CAP_WEIGHTED

    def by_cap(inside: Flags) -> Floats:
        equal = code == EQUAL_WEIGHTED or cap is None
        return cap_weights(np.ones(grid.shape) if equal else fields[str(cap)].values, inside)

    def of_weights(weights: Floats) -> Floats:
        return weighted_returns(weights, fields["returns"].values)

    if code == EQUAL_WEIGHTED or (code == CAP_WEIGHTED and cap is not None):
        weights = keep("weights", lambda: by_cap(members[""]))
        return _benchmark(code, grid, keep("returns", lambda: of_weights(weights)), weights)
    published_bars = _of_index(tables, "index_bars", code)
    published = _published(tables, code, grid)
    index_weights: Floats | None = None
    if published:
        index_weights = keep("weights", lambda: drift(published, fields["returns"].values))
    elif code in members and cap is not None:
        index_weights = keep("weights", lambda: by_cap(members[code]))
    if published_bars is not None:
        bars = _index_bars(published_bars, grid)
        found = _benchmark(code, grid, _close_to_close(bars["close"]), index_weights)
        return replace(found, bars=bars)
    if index_weights is None:
        raise UnknownName("benchmark", code, _known(tables, members), "market.benchmark")
    held = index_weights
    return _benchmark(code, grid, keep("returns", lambda: of_weights(held)), held)


def _benchmark(name: str, grid: Grid, returns: Floats, weights: Floats | None) -> Benchmark:
    panel = (
        None
        if weights is None
        else Panel(values=weights, dates=grid.dates, assets=grid.assets, name=name, unit="weight")
    )
    return Benchmark(name=name, returns=returns, weights=panel)


def _of_index(tables: Tables, table: str, code: str) -> pl.DataFrame | None:
    import polars as pl

    if table not in tables.names():
        return None
    frame = tables.read(table).filter(pl.col("index") == code)
    return frame if frame.height else None


def _index_bars(published: pl.DataFrame, grid: Grid) -> dict[str, Floats]:
    """Give the fields of an index that have some value, and its close, field -> [dates]."""
    rows = grid.rows_of(days(published["date"]))
    out = {}
    for name in (n for n in _INDEX_FIELDS if n in published.columns):
        values = np.full(grid.shape[0], np.nan)
        values[rows[rows >= 0]] = floats(published[name])[rows >= 0]
        if name == "close" or not np.isnan(values).all():
            out[name] = values
    return out


def _close_to_close(level: Floats) -> Floats:
    """Give the returns of an index, [dates]; NaN where either close is missing."""
    out = np.full(level.size, np.nan)
    out[1:] = level[1:] / level[:-1] - 1.0
    return out


def _published(tables: Tables, code: str, grid: Grid) -> dict[int, Floats]:
    """Read the weights of an index, row on which they are known -> [assets].

    Weights dated before the first session are taken there, the latest of them; a date without trading
    moves to the next session.
    """
    frame = _of_index(tables, "index_weights", code)
    if frame is None:
        return {}
    dated = days(frame["date"])
    place, weight = asset_positions(frame["asset"], grid.assets), floats(frame["weight"])
    out: dict[int, Floats] = {}
    for day in np.unique(dated):
        row = int(np.searchsorted(grid.dates.values, day))
        chosen = (dated == day) & (place >= 0) & (weight > 0)
        if row < grid.shape[0] and chosen.any():
            out[row] = np.zeros(grid.shape[1])
            out[row][place[chosen]] = weight[chosen]
    return out


def _known(tables: Tables, members: Mapping[str, Flags]) -> set[str]:
    known = {CAP_WEIGHTED, EQUAL_WEIGHTED, *(m for m in members if m)}
    for table in ("index_bars", "index_weights", "index_members"):
        if table in tables.names():
            known |= set(tables.read(table, columns=["index"])["index"].unique().to_list())
    return known
