"""Warm-up of the ledger: its kernels are compiled once, so that a first backtest does not wait for them.

1. a market of some weeks with bars, price limits and a column of shares to borrow    -> _market
2. books with everything that has a kernel: fills once a session and bar by bar, adjust factors, spread and
   impact, shares called back; round trips and marks, as the command line writes them -> warm_ledger
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from superhet.backtest import FillWindow, Frictions, Lending, NativeEngine
from superhet.backtest.round_trips import round_trips
from superhet.panel import Assets, Cube, Dates, Market, Panel, Universe
from superhet.pipeline.backtest_books import marks

_DATES, _ASSETS, _BARS, _EVERY = 24, 6, 4, 5
_FREQUENCY = "15min"


def warm_ledger() -> None:
    """Call every kernel that a backtest of the native engine calls, and those of its tables."""
    market = _market()
    engine = NativeEngine(
        capital=1e6,
        frictions=Frictions(spread="high_low", impact=1.0, window=5),
        lending=Lending(available="lendable"),
    )
    weights = _weights(market)
    window = FillWindow(bars=_FREQUENCY, start="09:30", end="10:30", style="twap")
    for each in (engine, replace(engine, fill=window)):
        result = each.run(weights, market)
    round_trips(result.trades, result.dates)
    marks(market)
    marks(replace(market, fields=Cube({n: market[n] for n in market if n != "adjust_factor"})))


def _weights(market: Market) -> Panel:
    rng = np.random.default_rng(1)
    values = rng.standard_normal((_DATES, _ASSETS)) / _ASSETS
    values[np.arange(_DATES) % _EVERY != 0] = np.nan
    return Panel(values=values, dates=market.dates, assets=market.assets, name="weights")


def _market() -> Market:
    """Make a market whose arrays are of the types that those of a loaded market are."""
    rng = np.random.default_rng(0)
    begin = np.datetime64("2024-01-01")
    dates = Dates(np.arange(begin, begin + _DATES))
    assets, shape = Assets(f"{600000 + i}.SH" for i in range(_ASSETS)), (_DATES, _ASSETS)
    close = np.round(10.0 * np.exp(0.02 * rng.standard_normal(shape).cumsum(axis=0)), 2)
    fields = {
        "open": close,
        "high": 1.01 * close,
        "low": 0.99 * close,
        "close": close,
        "volume": rng.uniform(1e5, 1e6, shape),
        "adjust_factor": np.where(np.arange(_DATES)[:, None] < _DATES // 2, 1.0, 1.1) + 0.0 * close,
        "limit_up": 1.1 * close,
        "limit_down": 0.9 * close,
        "suspended": rng.random(shape) < 0.02,
        "listing_age": np.full(shape, 500.0),
        "lendable": rng.uniform(0.0, 1e4, shape),
    }
    everyone = Panel(values=np.ones(shape, dtype=bool), dates=dates, assets=assets)
    return Market(
        fields=Cube({n: Panel(values=v, dates=dates, assets=assets) for n, v in fields.items()}),
        universe=Universe(member=everyone, tradable=everyone, estimable=everyone, reasons={}),
        intraday_cubes={_FREQUENCY: _bars(dates, assets, close)},
    )


def _bars(dates: Dates, assets: Assets, close: np.ndarray) -> Cube:
    opening = np.timedelta64(9 * 60 + 30, "m")
    ends = opening + np.timedelta64(15, "m") * np.arange(1, _BARS + 1)
    stamps = Dates((dates.values.astype("datetime64[s]")[:, None] + ends).ravel())
    price = np.repeat(close, _BARS, axis=0)
    volume = np.full(price.shape, 1e4)
    bars = {"low": price, "high": price, "volume": volume, "amount": price * volume}
    return Cube(
        {
            n: Panel(values=v, dates=stamps, assets=assets, frequency=_FREQUENCY)
            for n, v in bars.items()
        }
    )
