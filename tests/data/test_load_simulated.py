"""The loader on the simulated market: identities of money that hold whatever the draw."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from prefix_stability import by_noise, by_nothing, require_same_past

from superhet.data.base import MemoryTables
from superhet.data.load import MarketRequest, load_market
from superhet.data.sources.simulated.recipe import SimulatedMarket
from superhet.data.sources.simulated.simulate import simulate
from superhet.panel import Market

# the exchange calendar behind the simulation uses spellings that pandas 3.1 deprecates
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

REQUEST = MarketRequest(intraday=("15min",), benchmark="SIM")


@pytest.fixture(scope="module")
def frames():
    return simulate(SimulatedMarket(assets=40, years=0.75, seed=5)).tables


@pytest.fixture(scope="module")
def loaded(frames) -> Market:
    return load_market(MemoryTables(frames), REQUEST)


def test_returns_compound_to_the_ratio_of_adjusted_closes(loaded):
    adjusted, returns = loaded["adjusted_close"].values, loaded["returns"].values
    for column in range(len(loaded.assets)):
        rows = np.flatnonzero(~np.isnan(adjusted[:, column]))
        if rows.size > 1:
            first, last = rows[0], rows[-1]
            growth = np.prod(1.0 + returns[first + 1 : last + 1, column])
            assert_allclose(growth, adjusted[last, column] / adjusted[first, column], rtol=1e-9)


def test_no_trade_is_beyond_the_limit_prices(loaded):
    assert not np.any(loaded["high"].values > loaded["limit_up"].values + 1e-9)
    assert not np.any(loaded["low"].values < loaded["limit_down"].values - 1e-9)


def test_main_board_limits_equal_those_the_exchange_published(frames, loaded):
    bare = frames["bars_1d"].drop("limit_up", "limit_down")
    computed = load_market(MemoryTables({**frames, "bars_1d": bare}), MarketRequest())
    main = loaded.groups("board").values == loaded.groups("board").labels.index("main")
    for name in ("limit_up", "limit_down"):
        left, right = loaded[name].values, computed[name].values
        both = main & ~np.isnan(left) & ~np.isnan(right)
        assert both.sum() > 1000
        assert_allclose(left[both], right[both], rtol=1e-12)


def test_a_listed_asset_either_trades_or_is_suspended(loaded):
    listed = loaded["listing_age"].values >= 0
    traded = loaded["close"].known()
    assert_array_equal(listed, traded | loaded["suspended"].values)


def test_day_volume_is_the_sum_of_its_bars(loaded):
    bars = loaded.intraday("15min")
    days, start = np.unique(bars.dates.days, return_index=True)
    total = np.add.reduceat(np.nan_to_num(bars["volume"].values), start, axis=0)
    daily = loaded["volume"].values[np.isin(loaded.dates.values, days)]
    assert_allclose(total, np.nan_to_num(daily), rtol=1e-3)


@pytest.mark.parametrize("change", [by_nothing, partial(by_noise, seed=3)])
def test_the_future_of_the_simulated_market_does_not_touch_its_past(frames, loaded, change):
    t = loaded.dates.values[100].item()
    require_same_past(loaded, load_market(change(frames, t), REQUEST), t)
