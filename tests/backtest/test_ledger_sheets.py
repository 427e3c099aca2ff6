"""Five sessions, three stocks, every number by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sheet_market import decide, fills, refusals, sheet

from superhet.backtest import NO_COSTS, Costs, NativeEngine

WEEK = ["2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12"]
A, B, C = "600000.SH", "600001.SH", "600002.SH"


def free(**changes):
    return NativeEngine(**{"capital": 1e6, "costs": NO_COSTS, "participation": None, **changes})


def test_five_days_three_stocks_worked_by_hand():
    """Decide 50 % A, -30 % B at Monday's close; flat C; sell all of A on Thursday's open."""
    market = sheet(
        WEEK,
        {A: [10, 11, 12, 12, 12], B: [20, 20, 19, 18, 18], C: [5, 5, 5, 5, 5]},
        opens={A: [10, 10.5, 11, 12.5, 12]},
    )
    weights = decide(market, {WEEK[0]: {A: 0.5, B: -0.3}, WEEK[2]: {A: 0.0, B: -0.3}})
    result = free().run(weights, market)
    # Tuesday: 50,000 A at 10.5 = 525,000; 15,000 B short at 20 = 300,000
    # equity Tue = 1,000,000 - 525,000 + 300,000 + 550,000 - 300,000 = 1,025,000
    # Wed: A 600,000, B -285,000 -> 775,000 + 600,000 - 285,000 = 1,090,000
    # decision Wed: B target 0.3 * 1,090,000 / 19 = 17,210 -> 17,200 shares short
    # Thu: sell 50,000 A at 12.5, short 2,200 B at 18 -> cash 775,000 + 625,000 + 39,600 = 1,439,600
    # equity Thu = 1,439,600 - 17,200 * 18 = 1,130,000
    assert_allclose(result.equity, [1_025_000, 1_090_000, 1_130_000, 1_130_000], rtol=0, atol=1e-6)
    assert fills(result) == [
        (WEEK[1], B, -15000.0, 20.0),
        (WEEK[1], A, 50000.0, 10.5),
        (WEEK[3], A, -50000.0, 12.5),
        (WEEK[3], B, -2200.0, 18.0),
    ]
    assert_allclose(result.turnover[0], (525_000 + 300_000) / 2 / 1_000_000)
    assert_allclose(result.returns[0], 0.025)
    assert_allclose(result.holdings.values[0], [550 / 1025, -300 / 1025, 0.0])
    assert refusals(result) == []


def test_a_stock_suspended_on_the_fill_day_waits_and_keeps_its_target():
    market = sheet(WEEK, {A: [10, None, None, 8, 8]})
    result = free().run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    assert refusals(result) == [
        (WEEK[1], A, 50000.0, "suspended"),
        (WEEK[2], A, 50000.0, "suspended"),
    ]
    assert fills(result) == [(WEEK[3], A, 50000.0, 8.0)]
    assert result.refused_by_rule == {"suspended": 2}


def test_without_retry_an_undone_order_lapses():
    market = sheet(WEEK, {A: [10, None, None, 8, 8]})
    result = free(retry=False).run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    assert fills(result) == []
    assert refusals(result) == [(WEEK[1], A, 50000.0, "suspended")]


def test_an_open_at_the_upper_limit_cannot_be_bought_but_can_be_sold():
    up = {A: [11, 11, 12.1, 13.31, 14.64]}
    market = sheet(
        WEEK, {A: [10, 10.8, 12, 13, 13]}, opens={A: [10, 11, 12, 13.31, 13]}, limit_up=up
    )
    result = free().run(decide(market, {WEEK[0]: {A: 0.5}, WEEK[2]: {A: 0.0}}), market)
    assert refusals(result) == [(WEEK[1], A, 50000.0, "limit_up")]
    assert fills(result) == [(WEEK[2], A, 50000.0, 12.0), (WEEK[3], A, -50000.0, 13.31)]


@pytest.mark.parametrize(("fill", "locked"), [("vwap", False), ("close", True)])
def test_fills_at_vwap_need_a_locked_day_and_fills_at_close_a_limit_close(fill, locked):
    """A stock that opens at 10.5 and closes at its limit 11 traded below it during the day."""
    market = sheet(WEEK[:2], {A: [10, 11]}, opens={A: [10, 10.5]}, limit_up={A: [11, 11]})
    result = free(fill=fill).run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    assert bool(refusals(result)) is locked


def test_ten_for_ten_bonus_doubles_the_shares_and_leaves_the_equity():
    """Bonus on Wednesday: price 10 -> 5, factor 1 -> 2; the undone half of the order doubles too."""
    market = sheet(
        WEEK,
        {A: [10, 10, 5, 5.5, 5.5]},
        factors={A: [1, 1, 2, 2, 2]},
        volume={A: [1e9, 40_000, 1e9, 1e9, 1e9]},
    )
    result = free(participation=0.5).run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    assert fills(result) == [(WEEK[1], A, 20000.0, 10.0), (WEEK[2], A, 60000.0, 5.0)]
    assert refusals(result) == [(WEEK[1], A, 30000.0, "volume_cap")]
    assert_allclose(result.equity, [1e6, 1e6, 1e6 + 100_000 * 0.5, 1_050_000])


def test_a_dividend_known_by_its_factor_is_reinvested_in_whole_shares():
    """10.00 closes ex 0.20 at 9.80: factor 10/9.8, so that the day's return is 0."""
    factor = 10 / 9.8
    market = sheet(WEEK, {A: [10, 10, 9.8, 9.8, 9.8]}, factors={A: [1, 1, factor, factor, factor]})
    result = free().run(decide(market, {WEEK[0]: {A: 0.5}, WEEK[3]: {A: 0.0}}), market)
    assert_allclose(result.equity, 1e6)
    # 51,020.41 shares: whole ones stay, and 0.41 of a share is paid out at 9.80
    assert fills(result)[-1][2] == -51020.0


def test_stamp_duty_is_halved_on_28_august_2023():
    days = ["2023-08-24", "2023-08-25", "2023-08-28", "2023-08-29"]
    market = sheet(days, {A: [10] * 4, B: [10] * 4})
    weights = decide(market, {days[0]: {A: -0.1}, days[1]: {A: -0.1, B: -0.1}})
    costs = Costs(commission=0, commission_minimum=0, transfer_fee=0, slippage=0, borrow=0)
    result = free(costs=costs).run(weights, market)
    # sell 10,000 A on the 25th at 0.1 %; on the 28th B at 0.05 %, 9,900 shares of the smaller equity
    assert_allclose(result.costs["stamp_duty"], [100.0, 9_900 * 10 * 0.0005, 0.0])


def test_transfer_fee_is_halved_on_29_april_2022():
    days = ["2022-04-27", "2022-04-28", "2022-04-29", "2022-05-05"]
    market = sheet(days, {A: [10] * 4})
    costs = Costs(commission=0, commission_minimum=0, stamp_duty=0, slippage=0, borrow=0)
    weights = decide(market, {days[0]: {A: 0.1}, days[1]: {A: 0.0}})
    result = free(costs=costs).run(weights, market)
    assert_allclose(result.costs["transfer_fee"], [100_000 * 2e-5, 100_000 * 1e-5, 0.0])


def test_commission_has_a_minimum_for_each_leg():
    """1,000 yuan of A pay 5 instead of 0.25; a trade through zero pays it twice."""
    market = sheet(WEEK[:3], {A: [10, 10, 10]})
    costs = Costs(stamp_duty=0, transfer_fee=0, slippage=0, borrow=0)
    weights = decide(market, {WEEK[0]: {A: 0.0101}, WEEK[1]: {A: -0.0101}})
    result = free(capital=1e5, costs=costs).run(weights, market)
    assert [f[2] for f in fills(result)] == [100.0, -100.0, -100.0]
    assert_allclose(result.costs["commission"], [5.0, 10.0])


def test_a_short_over_a_weekend_pays_three_days():
    days = ["2024-01-11", "2024-01-12", "2024-01-15", "2024-01-16"]
    market = sheet(days, {A: [10, 10, 12, 12]})
    costs = Costs(commission=0, commission_minimum=0, stamp_duty=0, transfer_fee=0, slippage=0)
    result = free(costs=costs).run(decide(market, {days[0]: {A: -0.365}}), market)
    # 36,500 shares short from Friday: 365,000 x 8 % / 365 = 80 a day; Monday's close is 12
    assert_allclose(result.costs["borrow"], [0.0, 240.0, 96.0])
    assert_allclose(result.gross_returns[1], -73_000 / 1e6)


def test_costs_are_what_gross_and_net_returns_differ_by():
    market = sheet(WEEK, {A: [10, 11, 12, 11, 12], B: [20, 20, 19, 18, 18]})
    result = NativeEngine(capital=1e6).run(decide(market, {WEEK[0]: {A: 0.5, B: -0.3}}), market)
    before = np.concatenate([[1e6], result.equity[:-1]])
    paid = np.sum(list(result.costs.values()), axis=0)
    assert_allclose((result.gross_returns - result.returns) * before, paid, atol=1e-9)


def test_buys_are_cut_to_the_cash_in_asset_order():
    """Prices gap up 10 % before the fill: A fits, B gets what is left."""
    market = sheet(WEEK[:2], {A: [10, 11], B: [10, 11]})
    result = free().run(decide(market, {WEEK[0]: {A: 0.5, B: 0.5}}), market)
    # 1,000,000 - 550,000 = 450,000 -> 40,909 -> 40,900 shares
    assert fills(result) == [(WEEK[1], A, 50000.0, 11.0), (WEEK[1], B, 40900.0, 11.0)]
    assert refusals(result) == [(WEEK[1], B, 9100.0, "cash")]


def test_proceeds_of_short_sales_do_not_pay_for_buys():
    market = sheet(WEEK[:2], {A: [10, 10], B: [10, 10]})
    result = free(max_gross=3.0).run(decide(market, {WEEK[0]: {A: 1.5, B: -1.0}}), market)
    assert fills(result) == [(WEEK[1], B, -100000.0, 10.0), (WEEK[1], A, 100000.0, 10.0)]
    assert refusals(result) == [(WEEK[1], A, 50000.0, "cash")]


def test_opening_orders_stop_at_the_gross_limit():
    """The price halves before the fill, so that the sized shares would need less, and B doubles."""
    market = sheet(WEEK[:2], {A: [10, 10], B: [10, 20]})
    result = free(max_gross=1.2).run(decide(market, {WEEK[0]: {A: 0.6, B: -0.6}}), market)
    # B: 60,000 x 20 = 1,200,000 uses the whole limit; nothing is left for A
    assert fills(result) == [(WEEK[1], B, -60000.0, 20.0)]
    assert refusals(result) == [(WEEK[1], A, 60000.0, "leverage")]


def test_star_orders_are_at_least_200_shares_and_then_any_number():
    star = "688001.SH"
    market = sheet(WEEK, {star: [10] * 5})
    weights = decide(
        market, {WEEK[0]: {star: 0.2345}, WEEK[1]: {star: 0.2445}, WEEK[2]: {star: 0.015}}
    )
    result = free(capital=1e4).run(weights, market)
    # 234 shares; 244 needs +10 < 200: refused; 0.015 is 15 shares < 200: the position closes whole
    assert [f[2] for f in fills(result)] == [234.0, -234.0]
    assert refusals(result) == [(WEEK[2], star, 10.0, "lot"), (WEEK[3], star, 15.0, "lot")]


def test_a_weight_too_small_for_a_lot_is_named():
    market = sheet(WEEK[:2], {A: [100, 100]})
    result = free(capital=1e5).run(decide(market, {WEEK[0]: {A: 0.05}}), market)
    assert refusals(result) == [(WEEK[1], A, 50.0, "lot")]


def test_a_weight_on_an_unlisted_stock_is_named():
    market = sheet(WEEK[:3], {A: ["x", "x", 10], B: [1, 1, 1]})
    result = free().run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    assert refusals(result) == [(WEEK[1], A, 0.0, "not_listed")]


def test_us_shares_trade_singly_without_limits_or_duty():
    market = sheet(WEEK[:3], {"AAPL": [190, 250, 250]}, limit_up={"AAPL": [200, 200, 200]})
    result = NativeEngine(capital=1e5, rules="us", costs=Costs(commission_per_share=0.005)).run(
        decide(market, {WEEK[0]: {"AAPL": 0.5}}), market
    )
    assert fills(result) == [(WEEK[1], "AAPL", 263.0, 250.0)]
    assert_allclose(result.costs["commission"][0], 263 * 0.005)
    assert result.costs["stamp_duty"].sum() == 0
    assert result.periods_per_year == 252
