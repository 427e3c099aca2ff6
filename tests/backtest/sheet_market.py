"""A market typed in as a sheet: one list of closes an asset, everything else by default."""

from __future__ import annotations

import numpy as np

from superhet.panel import Assets, Cube, Dates, Market, Panel, Universe

HUGE = 1e9


def sheet(dates, closes, *, opens=None, factors=None, limit_up=None, limit_down=None, volume=None):
    """Make a market of `closes` = {asset: [price a session]}; None = suspended, "x" = not listed."""
    days, names = Dates(list(dates)), Assets(list(closes))
    table = np.array(
        [[np.nan if c in (None, "x") else float(c) for c in column] for column in closes.values()]
    ).T
    gone = np.array([[c == "x" for c in column] for column in closes.values()]).T
    traded = ~np.isnan(table)

    def grid(given, default):
        out = np.where(traded, default, np.nan)
        for name, column in (given or {}).items():
            out[:, names.index(name)] = [np.nan if c is None else float(c) for c in column]
        return out

    adjust = np.ones(table.shape)
    for name, column in (factors or {}).items():
        adjust[:, names.index(name)] = column
    opened = grid(opens, table)
    raw = {
        "open": opened,
        "high": np.fmax(opened, table),
        "low": np.fmin(opened, table),
        "close": table,
        "vwap": (opened + table) / 2,
        "volume": grid(volume, HUGE),
        "adjust_factor": np.where(gone, np.nan, adjust),
        "limit_up": grid(limit_up, np.nan),
        "limit_down": grid(limit_down, np.nan),
        "suspended": ~traded & ~gone,
        "listing_age": np.where(gone, -1.0, 1000.0),
        "market_cap": np.where(traded, 1e10, np.nan),
    }
    fields = {
        name: Panel(values=values, dates=days, assets=names, name=name)
        for name, values in raw.items()
    }
    listed = Panel(values=~gone, dates=days, assets=names, name="member", unit="flag")
    return Market(
        fields=Cube(fields),
        universe=Universe(member=listed, tradable=listed, estimable=listed, reasons={}),
    )


def decide(market, rows):
    """Make weights of {date: {asset: weight}}."""
    values = np.full((len(market.dates), len(market.assets)), np.nan)
    for date, weights in rows.items():
        values[market.dates.index(date)] = 0.0
        for name, weight in weights.items():
            values[market.dates.index(date), market.assets.index(name)] = weight
    return Panel(
        values=values, dates=market.dates, assets=market.assets, name="weights", unit="weight"
    )


def fills(result):
    """List (date, asset, shares, price) of all trades."""
    t = result.trades
    return [
        (str(d), result.holdings.assets.values[a], float(s), float(p))
        for d, a, s, p in zip(t["date"], t["asset"], t["shares"], t["price"], strict=True)
    ]


def refusals(result):
    """List (date, asset, shares, rule) of all refusals."""
    r = result.orders_refused
    return [
        (str(d), result.holdings.assets.values[a], float(s), str(rule))
        for d, a, s, rule in zip(r["date"], r["asset"], r["shares"], r["rule"], strict=True)
    ]
