"""Weights for the tests of `superhet backtest` and `orders`: a weekly long-short book on the tiny market."""

from __future__ import annotations

import numpy as np
import polars as pl

from superhet.panel import Panel

ASSETS, FIRST, LAST, EVERY = 12, 60, 140, 5


def book_of(market, *, seed=0, first=FIRST, last=LAST, long_only=False):
    """Rows date, asset, weight of a book of twelve names that trade on every session of its period."""
    closes = market["close"].values[first : last + 20]
    whole = np.flatnonzero((closes > 0.0).all(axis=0))[:ASSETS]
    rng = np.random.default_rng(seed)
    rows = []
    for t in range(first, last, EVERY):
        weights = rng.standard_normal(whole.size)
        weights = np.abs(weights) if long_only else weights
        weights *= 0.9 / np.abs(weights).sum()
        rows += [
            (market.dates.days[t].item(), market.assets.values[k], float(w))
            for k, w in zip(whole, weights, strict=True)
        ]
    return pl.DataFrame(rows, schema=["date", "asset", "weight"], orient="row")


def panel_of(frame, market):
    """The same rows as a panel on all assets of a market."""
    dates = np.unique(frame["date"].to_numpy()).astype("datetime64[D]")
    at = np.searchsorted(market.dates.days, dates)
    values = np.zeros((dates.size, len(market.assets)))
    row = np.searchsorted(dates, frame["date"].to_numpy().astype("datetime64[D]"))
    values[row, market.assets.positions(frame["asset"].to_list())] = frame["weight"].to_numpy()
    return Panel(
        values=values, dates=market.dates[at], assets=market.assets, name="weights", unit="weight"
    )
