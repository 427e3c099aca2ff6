"""Where orders come from: the weights and the book of a study's run, or of a backtest's folder, as of a date.

Nothing dated after it is read: the market is cut there, and so are weights and books.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from superhet.data.base import Tables
from superhet.errors import ConfigError, DataError, InputError
from superhet.panel import Assets, Market, Panel
from superhet.pipeline.artifacts import Artifacts
from superhet.pipeline.backtest_market import whole_market
from superhet.pipeline.backtest_weights import read_weights, weights_panel
from superhet.pipeline.parquet_rows import read_rows

REQUEST, WEIGHTS = "request.json", "weights.parquet"


@dataclass(frozen=True, kw_only=True)
class Held:
    """An account at one close.

    Parameters
    ----------
    shares : asset -> shares held, signed
    cash : currency
    sellable : asset -> shares that may be sold on the next session; None = all that is held
    """

    shares: Mapping[str, float]
    cash: float
    sellable: Mapping[str, float] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class OrderSource:
    """Weights, and how they are traded.

    Parameters
    ----------
    folder : of the run or the backtest
    store : of the data, as it was named
    settings : key -> value of the native engine
    weights : gives the target weights up to the last session of a market
    """

    folder: Path
    store: str
    settings: Mapping[str, Any]
    weights: Callable[[Market], Panel]


def read_source(folder: Path) -> OrderSource:
    """Read what a run of a study, or a backtest, left in its folder.

    Raises
    ------
    InputError
        if the folder is neither
    """
    request = folder / REQUEST
    if request.is_file():
        asked = json.loads(request.read_text(encoding="utf-8"))
        return OrderSource(
            folder=folder,
            store=asked["store"],
            settings=asked["settings"],
            weights=lambda market: _of_file(folder / WEIGHTS, market),
        )
    from superhet.pipeline.backtest import run_config, settings_of

    config = run_config(folder)
    weights: Panel = Artifacts(folder).load("portfolio")["weights"]
    return OrderSource(
        folder=folder,
        store=config.market.store,
        settings=settings_of(config.backtest),
        weights=lambda market: _of_study(weights, market),
    )


def _of_study(weights: Panel, market: Market) -> Panel:
    """Give the weights of a study from the first decision that holds something on, as its backtest does."""
    known = weights.until(market.dates.values[-1])
    decided = np.flatnonzero(np.nan_to_num(known.values).any(axis=1))
    if not decided.size:
        raise _too_early(str(market.dates.days[-1]), str(weights.dates.values[0]))
    return known.between(known.dates.values[decided[0]], None)


def _of_file(path: Path, market: Market) -> Panel:
    import polars as pl

    read = read_weights(path, "weights of the backtest")
    last = market.dates.days[-1].item()
    known = read.frame.filter(pl.col("date") <= last)
    if not known.height:
        raise _too_early(str(last), str(read.frame["date"].min()))
    names = Assets(known["asset"].unique().sort().to_list())
    cut = type(read)(frame=known, path=path)
    return weights_panel(cut, market.dates, names, market.assets)


def _too_early(date: str, first: str) -> ConfigError:
    return ConfigError("--date", f"{date} is before the first decision of this book ({first})")


def market_until(tables: Tables, date: str) -> Market:
    """Load the market up to a session, which must be one.

    Raises
    ------
    ConfigError
        naming the nearest session before
    """
    market = whole_market(tables, end=date)
    if str(market.dates.days[-1]) != date:
        raise ConfigError(
            "--date",
            f"{date} is no session of the store (the one before it is {market.dates.days[-1]})",
        )
    return market


def decided_row(weights: Panel) -> int:
    """Find the row of the last decision: the last date with a known weight."""
    return int(np.flatnonzero((~np.isnan(weights.values)).any(axis=1))[-1])


def read_holdings(path: Path, cash: float | None, known: Assets) -> Held:
    """Read what is held: a Parquet file of asset, shares, and sellable where some may not be sold yet.

    Raises
    ------
    InputError, DataError
        if it cannot be read or does not fit
    """
    import polars as pl

    if cash is None:
        raise InputError("--cash: is required with --holdings: what is in the account beside them.")
    frame = read_rows(path, "--holdings", "columns asset, shares")
    for name in ("asset", "shares"):
        if name not in frame.columns:
            there = ", ".join(frame.columns)
            raise DataError(
                f"there is no column {name!r}; the file has {there}. Write asset, shares.",
                file=str(path),
                column=name,
            )
    names = frame["asset"].cast(pl.String).to_list()
    unknown = [n for n in names if n not in known]
    if unknown or len(set(names)) < len(names):
        twice = next((n for n in names if names.count(n) > 1), None)
        what = f"{unknown[0]} is unknown to the store" if unknown else f"{twice} stands twice"
        raise DataError(f"{what}.", file=str(path), column="asset")
    shares = frame["shares"].cast(pl.Float64).to_list()
    if any(s is None or not np.isfinite(s) for s in shares):
        raise DataError("a number of shares is missing.", file=str(path), column="shares")
    sellable = None
    if "sellable" in frame.columns:
        sellable = dict(zip(names, frame["sellable"].cast(pl.Float64).to_list(), strict=True))
    return Held(shares=dict(zip(names, shares, strict=True)), cash=cash, sellable=sellable)
