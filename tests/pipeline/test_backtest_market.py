"""Some assets of a market are the same market, without the others."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from numpy.testing import assert_array_equal

from superhet.panel import Assets, Events
from superhet.pipeline.backtest_books import marks
from superhet.pipeline.backtest_market import some_assets
from superhet.testing.markets import RandomMarket

MARKET = RandomMarket(dates=30, assets=10, bars=2).build()


def test_fields_groups_and_bars_are_columns_of_the_whole():
    names = Assets([MARKET.assets.values[k] for k in (2, 5, 7)])
    cut = some_assets(MARKET, names)
    for name in ("close", "volume", "suspended", "listing_age"):
        assert np.array_equal(
            cut[name].values, MARKET[name].values[:, [2, 5, 7]], equal_nan=True
        ), name
    assert np.array_equal(
        cut.groups("industry").values, MARKET.groups("industry").values[:, [2, 5, 7]]
    )
    bars = cut.intraday("15min")["close"]
    assert bars.assets == names
    assert cut.benchmark.weights is None
    assert np.array_equal(cut.benchmark.returns, MARKET.benchmark.returns)


def test_events_keep_their_assets_under_new_positions():
    days = MARKET.dates.days
    table = Events(
        name="corporate_actions",
        columns={"asset": np.array([2, 3, 7, 2]), "cash": np.array([0.1, 0.2, 0.3, 0.4])},
        known_at=days[[1, 2, 3, 4]],
    )
    market = replace(MARKET, events={"corporate_actions": table})
    names = Assets([MARKET.assets.values[k] for k in (2, 5, 7)])
    kept = some_assets(market, names).table("corporate_actions")
    assert kept["asset"].tolist() == [0, 2, 0]
    assert kept["cash"].tolist() == [0.1, 0.3, 0.4]
    assert kept.known_at.tolist() == days[[1, 3, 4]].tolist()


def test_all_assets_are_the_market_itself():
    assert some_assets(MARKET, MARKET.assets) is MARKET


def test_what_has_left_the_exchange_keeps_its_last_value():
    gone = ([10.0, 8.0, np.nan, np.nan], [1.0, 2.0, np.nan, np.nan])
    stays = ([10.0, np.nan, 6.0, np.nan], [1.0, 2.0, 2.0, 4.0])
    close, factor = (np.column_stack(columns) for columns in zip(gone, stays, strict=True))
    market = {
        "close": SimpleNamespace(values=close),
        "adjust_factor": SimpleNamespace(values=factor),
    }
    assert_array_equal(marks(market), [[10, 10], [8, 5], [8, 6], [8, 3]])
