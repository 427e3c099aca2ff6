"""Sheets for hand-worked books: what a typed-in market lacks, and a run told to the cent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from superhet.backtest import NO_COSTS, NativeEngine
from superhet.panel import Cube, Dates, Events, Panel

A, B = "600000.SH", "600001.SH"
STAR = "688001.SH"


def with_actions(market, rows):
    """Add corporate actions: (asset, ex-date, {cash, bonus, rights, rights_price, split})."""
    rows = sorted(rows, key=lambda row: row[1])
    names = ("cash", "bonus", "rights", "rights_price", "split")
    ex_date = np.array([day for _, day, _ in rows], dtype="datetime64[D]")
    columns = {
        "asset": np.array([market.assets.index(name) for name, _, _ in rows]),
        "ex_date": ex_date,
        **{n: np.array([terms.get(n, float(n == "split")) for _, _, terms in rows]) for n in names},
    }
    table = Events(name="corporate_actions", columns=columns, known_at=ex_date)
    without = {n: market[n] for n in market if n != "adjust_factor"}
    return replace(
        market, fields=Cube(without), events={**market.events, "corporate_actions": table}
    )


def with_column(market, name, columns):
    """Add a daily column: {asset: [value a session]}; NaN elsewhere."""
    values = np.full((len(market.dates), len(market.assets)), np.nan)
    for asset, column in columns.items():
        values[:, market.assets.index(asset)] = column
    panel = Panel(values=values, dates=market.dates, assets=market.assets, name=name, unit="ratio")
    return market.with_fields({name: panel})


def with_bars(market, frequency, ends, bars):
    """Add minute bars on every session: {asset: [(price, shares) a bar]}; a bar has one price."""
    stamps = Dates(
        np.array([f"{day}T{end}" for day in market.dates for end in ends], dtype="datetime64[s]")
    )
    shape = (len(market.dates), len(ends), len(market.assets))
    price, shares = np.full(shape, np.nan), np.full(shape, np.nan)
    for asset, column in bars.items():
        for k, (each, traded) in enumerate(column):
            price[:, k, market.assets.index(asset)] = each
            shares[:, k, market.assets.index(asset)] = traded
    flat = (len(stamps), len(market.assets))
    prices, volume = price.reshape(flat), shares.reshape(flat)
    fields = {n: prices for n in ("open", "high", "low", "close")}
    fields |= {"volume": volume, "amount": prices * volume}
    cube = Cube(
        {
            n: Panel(values=v, dates=stamps, assets=market.assets, name=n, frequency=frequency)
            for n, v in fields.items()
        }
    )
    return replace(market, intraday_cubes={**market.intraday_cubes, frequency: cube})


def engine(**terms):
    """Make an engine that charges nothing and caps nothing, unless told."""
    return NativeEngine(**{"capital": 1e6, "costs": NO_COSTS, "participation": None, **terms})


def cents(values):
    """Round to whole cents."""
    return [round(float(v), 2) for v in np.atleast_1d(values)]
