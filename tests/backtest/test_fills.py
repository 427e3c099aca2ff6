"""Fills: the prices, volumes and extremes of daily fills and of windows over minute bars."""

from __future__ import annotations

import numpy as np
import pytest
from fact_sheets import A, B, with_bars
from numpy.testing import assert_allclose, assert_array_equal
from sheet_market import sheet

from superhet.backtest import FillWindow, fill_prices
from superhet.errors import ConfigError, DataError
from superhet.panel import Cube

DAYS = ["2024-01-08", "2024-01-09", "2024-01-10"]
ENDS = ["09:35", "09:40", "09:45", "09:50"]
BARS = {
    A: [(10.0, 100.0), (11.0, 300.0), (12.0, 100.0), (20.0, 900.0)],
    B: [(5.0, 100.0), (5.0, 0.0), (5.5, 0.0), (6.0, 100.0)],
}


def market():
    return with_bars(sheet(DAYS, {A: [10, 10, 10], B: [5, 5, 5]}), "5min", ENDS, BARS)


def window(style="vwap", start="09:30", end="09:45"):
    return FillWindow(bars="5min", start=start, end=end, style=style)


@pytest.mark.parametrize("name", ["open", "close", "vwap"])
def test_a_daily_fill_is_the_field_of_the_market(name):
    prices = fill_prices(market(), name)
    assert prices.price is market()[name].values or (prices.price == market()[name].values).all()
    assert_array_equal(prices.session, [0, 1, 2])
    assert prices.style == "single"


def test_a_vwap_window_is_amount_over_volume_with_the_extremes_of_what_traded():
    prices = fill_prices(market(), window())
    # A: (1,000 + 3,300 + 1,200) / 500 = 11; B traded in the first bar only
    assert_allclose(prices.price[1], [11.0, 5.0])
    assert_allclose(prices.volume[1], [500.0, 100.0])
    assert_allclose([prices.low[1], prices.high[1]], [[10.0, 5.0], [12.0, 5.0]])
    assert str(prices.time[1]) == "2024-01-09T09:45:00"


def test_a_bar_belongs_to_a_window_only_whole():
    late = fill_prices(market(), window("twap", "09:35", "09:49"))
    assert [str(t)[-8:-3] for t in late.time[:2]] == ["09:40", "09:45"]
    assert_array_equal(late.session, [0, 0, 1, 1, 2, 2])


def test_a_bar_without_trade_has_no_price_whatever_prices_it_carries():
    steps = fill_prices(market(), window("participate"))
    assert_allclose(steps.price[:3], [[10.0, 5.0], [11.0, np.nan], [12.0, np.nan]])
    assert steps.style == "participate"


def test_amounts_off_the_range_of_their_bar_are_brought_back_into_it():
    plain = market()
    cube = plain.intraday("5min")
    wrong = Cube(
        {n: cube[n].with_values(cube[n].values * 100.0) if n == "amount" else cube[n] for n in cube}
    )
    odd = type(plain)(fields=plain.fields, universe=plain.universe, intraday_cubes={"5min": wrong})
    assert_allclose(fill_prices(odd, window()).price[1], [12.0, 5.0])


def test_missing_bars_are_named_with_what_to_import():
    with pytest.raises(DataError, match=r"needs 1min bars, and the market has 5min.*bars_1min"):
        fill_prices(market(), FillWindow(bars="1min"))
    with pytest.raises(DataError, match=r"the market has none"):
        fill_prices(sheet(DAYS, {A: [1, 1, 1]}), FillWindow(bars="1min"))


def test_sessions_without_bars_are_counted_and_the_first_needs_none():
    whole = market()
    cube = whole.intraday("5min")

    def with_rows(keep):
        bars = Cube({n: cube[n].rows(np.flatnonzero(keep)) for n in cube})
        return type(whole)(
            fields=whole.fields, universe=whole.universe, intraday_cubes={"5min": bars}
        )

    days = cube.dates.days.astype(str)
    fill_prices(with_rows(days != DAYS[0]), window())
    with pytest.raises(DataError, match=r"1 of 2 sessions have no 5min bar.*2024-01-10.*Import"):
        fill_prices(with_rows(days != DAYS[2]), window())


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"start": "9:35"}, r"backtest.fill.start: must be a clock time"),
        ({"start": "10:30", "end": "10:30"}, r"backtest.fill.end: must be later than start 10:30"),
    ],
)
def test_a_window_that_is_none_is_refused(terms, message):
    with pytest.raises(ConfigError, match=message):
        FillWindow(**terms)
