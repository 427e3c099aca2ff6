"""Entries in a part of the day, and entries that wait: worked by hand on small markets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.errors import ConfigError
from superhet.evaluation import forward_return_report, forward_returns
from superhet.evaluation.entry_prices import entry_prices, first_open_door, window_vwap
from superhet.panel import Assets, Cube, Dates, Market, Panel, Universe
from superhet.testing.markets import random_market

NAN = float("nan")
MORNING = ("09:30", "10:00")


def daily(opens, *, up=None, down=None):
    """Make a market of one name; what does not trade is NaN."""
    values = np.array(opens, float)[:, None]
    dates = Dates(np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-01-01") + len(values)))

    def panel(x, unit="price"):
        return Panel(values=x, dates=dates, assets=Assets(["A"]), unit=unit)

    limits = {
        n: panel(np.full(values.shape, NAN) if x is None else np.array(x, float)[:, None])
        for n, x in (("limit_up", up), ("limit_down", down))
    }
    names = ("open", "close", "adjusted_open", "adjusted_close")
    everyone = panel(np.ones(values.shape, bool), "flag")
    return Market(
        fields=Cube({**{n: panel(values) for n in names}, **limits}),
        universe=Universe(member=everyone, tradable=everyone, estimable=everyone, reasons={}),
    )


def test_who_is_locked_waits_for_the_first_session_that_trades_and_the_exit_stays():
    up = [NAN, 11, 12.1, NAN, NAN, NAN]
    market = daily([10, 11, 12.1, 13, 14, 15], up=up)
    plain = forward_returns(market, horizon=3)
    waited = forward_returns(market, horizon=3, locked="shift")
    assert np.isnan(plain.values[:2, 0]).all()
    # signal of day 0: days 1 and 2 are locked, entered at 13 on day 3, left on day 4 as planned
    assert_allclose(waited.values[:2, 0], [14 / 13 - 1, 15 / 13 - 1])


def test_an_entry_never_waits_until_the_exit_or_beyond():
    market = daily([10, 11, 12.1, 13, 14], up=[NAN, 11, 12.1, NAN, NAN])
    assert np.isnan(forward_returns(market, horizon=2, locked="shift").values[0, 0])
    assert np.isnan(forward_returns(market, horizon=1, locked="shift").values[:2, 0]).all()


def test_a_suspended_name_waits_five_sessions_at_most():
    market = daily([10, *[NAN] * 5, 11, 12, 13, 14, 15])
    found = forward_returns(market, horizon=8, locked="shift").values[:, 0]
    assert found[0] == pytest.approx(14 / 11 - 1)
    later = daily([10, *[NAN] * 6, 11, 12, 13, 14, 15])
    found = forward_returns(later, horizon=8, locked="shift").values[:, 0]
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(14 / 11 - 1)


def test_who_waited_is_counted_among_the_known():
    market = daily([10, 11, 12.1, 13, 14, 15], up=[NAN, 11, 12.1, NAN, NAN, NAN])
    plain = forward_return_report(market, horizon=3).to_dict()
    waited = forward_return_report(market, horizon=3, locked="shift").to_dict()
    assert (plain["known"], plain["locked_at_entry"], plain["shifted"]) == (0, 2, 0)
    assert (waited["known"], waited["locked_at_entry"], waited["shifted"]) == (2, 0, 2)
    assert plain["total"] == waited["total"] == 6


def test_waiting_looks_no_further_than_it_may():
    doors = np.array([[NAN], [NAN], [3.0], [4.0]])
    assert_array_equal(first_open_door(doors, horizon=9, wait=1)[:, 0], [NAN, 3, 3, 4])
    assert_array_equal(first_open_door(doors, horizon=9, wait=5)[:, 0], [3, 3, 3, 4])
    assert_array_equal(first_open_door(doors, horizon=1, wait=5), doors)


def morning(volumes, amounts, low=None, high=None, *, minutes=15, fields=None):
    """Give a market of one name and two days whose first two bars trade as said."""
    market = random_market(dates=20, assets=1)
    market = market.until(market.dates.values[1])
    stamps = np.concatenate(
        [
            day.astype("datetime64[s]")
            + np.timedelta64(570 * 60, "s")
            + np.arange(1, len(volumes) // 2 + 1) * np.timedelta64(60 * minutes, "s")
            for day in market.dates.values
        ]
    )

    def panel(x):
        return Panel(
            values=np.array(x, float)[:, None],
            dates=Dates(stamps),
            assets=market.assets,
            frequency=f"{minutes}min",
        )

    prices = [a / v if v else 5.0 for a, v in zip(amounts, volumes, strict=True)]
    bars = Cube(
        {
            "volume": panel(volumes),
            "amount": panel(amounts),
            "low": panel(low or prices),
            "high": panel(high or prices),
        }
    )
    one = {
        n: market["close"].with_values(np.array(v, float)[:, None])
        for n, v in (fields or {}).items()
    }
    return replace(market, intraday_cubes={f"{minutes}min": bars}).with_fields(one)


def test_the_vwap_of_a_window_is_amount_over_volume_of_its_bars():
    market = morning([100, 300, 50, 200, 0, 9], [1000, 3300, 700, 2200, 0, 99])
    raw, low, high = window_vwap(market, MORNING)
    assert_allclose(raw[:, 0], [4300 / 400, 2200 / 200])
    assert_allclose([low[0, 0], high[0, 0]], [10, 11])
    late, _, _ = window_vwap(market, ("10:00", "10:15"))
    assert_allclose(late[:, 0], [700 / 50, 99 / 9])


def test_the_price_of_a_window_is_adjusted_and_earns_from_window_to_window():
    market = morning(
        [10, 10, 20, 20],
        [100, 100, 120, 120],
        fields={"adjust_factor": [1, 2], "limit_up": [NAN] * 2},
    )
    found = entry_prices(market, "vwap", MORNING)
    assert_allclose(found.prices[:, 0], [10, 12])
    market = random_market(dates=30, assets=20)
    returns = forward_returns(market, horizon=3, entry="vwap", window=MORNING).values
    prices = entry_prices(market, "vwap", MORNING).open_door
    known = ~np.isnan(prices[1:-3]) & ~np.isnan(prices[4:])
    assert_allclose(returns[: len(known)][known], (prices[4:] / prices[1:-3] - 1)[known])


def test_who_does_not_trade_in_the_window_has_no_entry():
    market = morning([0, 0, 10, 10], [0, 0, 100, 100], fields={"adjust_factor": [1, 1]})
    assert_array_equal(np.isnan(entry_prices(market, "vwap", MORNING).prices[:, 0]), [True, False])


def test_a_window_is_locked_only_if_no_bar_traded_away_from_the_limit():
    volumes, amounts = [10, 10, 10, 10], [110, 110, 110, 100]
    market = morning(
        volumes,
        amounts,
        fields={"adjust_factor": [1, 1], "limit_up": [11, 11], "limit_down": [9, 9]},
    )
    assert_array_equal(entry_prices(market, "vwap", MORNING).locked[:, 0], [True, False])


def test_a_window_between_the_edges_of_the_bars_is_refused():
    market = random_market(dates=5, assets=3)
    for window in (("09:35", "10:00"), ("09:30", "09:50"), ("12:00", "12:30")):
        with pytest.raises(
            ConfigError, match="needs bars that begin and end at its edges; .* 15min"
        ):
            window_vwap(market, window)
    with pytest.raises(ConfigError, match="no intraday bars"):
        window_vwap(replace(market, intraday_cubes={}), MORNING)
    with pytest.raises(ConfigError, match="must be two moments such as 09:30 .*'half past nine'"):
        window_vwap(market, ("half past nine", "10:00"))
    with pytest.raises(ConfigError, match="window: .* needs entry: vwap"):
        forward_returns(market, horizon=1, window=MORNING)
    with pytest.raises(ConfigError, match="locked: must be exclude or shift"):
        forward_returns(market, horizon=1, locked="never")
