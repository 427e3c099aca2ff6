"""Hand-worked books of an account: fees by date, borrow, lots, short cash, volume caps, minute fills."""

from __future__ import annotations

import numpy as np
import pytest
from fact_sheets import STAR, A, B, cents, engine, with_actions, with_bars, with_column
from numpy.testing import assert_allclose
from sheet_market import decide, fills, refusals, sheet

from superhet.backtest import Costs, FillWindow, Frictions, Lending

WEEK = ["2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12"]  # Monday to Friday
FEES = Costs(slippage=0.0)
ONLY = {
    "commission": 0.0,
    "commission_minimum": 0.0,
    "stamp_duty": 0.0,
    "transfer_fee": 0.0,
    "slippage": 0.0,
    "borrow": 0.0,
}


def test_stamp_duty_is_a_tenth_of_a_percent_until_friday_and_half_of_that_from_monday():
    days = ["2023-08-23", "2023-08-24", "2023-08-25", "2023-08-28"]  # Wednesday to Monday
    market = sheet(days, {A: [10] * 4})
    weights = decide(market, {days[0]: {A: 0.2}, days[1]: {A: 0.1}, days[2]: {A: 0.0}})
    result = engine(costs=FEES).run(weights, market)
    # 24th buy 20,000 at 10: commission 50, transfer 2                  -> equity 999,948.00
    # 25th 0.1 x 999,948 / 10 = 9,999.48 -> 9,900 stay, 10,100 go: value 101,000
    #      commission 25.25, stamp 101,000 x 0.001 = 101, transfer 1.01 -> equity 999,820.74
    # 28th sell 9,900: value 99,000, commission 24.75, stamp 99,000 x 0.0005 = 49.50, transfer 0.99
    assert cents(result.costs["stamp_duty"]) == [0.0, 101.00, 49.50]
    assert cents(result.equity) == [999_948.00, 999_820.74, 999_745.50]


def test_before_19_september_2008_the_buyer_pays_stamp_duty_too():
    days = ["2008-09-17", "2008-09-18", "2008-09-19", "2008-09-22"]
    market = sheet(days, {A: [10] * 4, B: [10] * 4})
    weights = decide(market, {days[0]: {A: 0.1}, days[1]: {A: 0.1, B: 0.1}, days[2]: {A: 0.0}})
    costs = Costs(**{**ONLY, "stamp_duty": None})
    result = engine(costs=costs).run(weights, market)
    # 18th buy 10,000 A: 0.1 % of 100,000                          = 100
    # 19th 0.1 x 999,900 / 10 -> 9,900 of each: buy 9,900 B free of duty, sell 100 A for 1,000 = 1
    # 22nd sell 9,900 A and 9,900 B: 0.1 % of 198,000              = 198
    assert cents(result.costs["stamp_duty"]) == [100.00, 1.00, 198.00]
    said = result.conventions["buyers' stamp duty"]
    assert said == "on purchases: 0.1000% from 2008-04-24, 0.0000% from 2008-09-19"


def test_a_short_pays_one_day_on_friday_and_three_on_monday():
    days = ["2024-01-10", "2024-01-11", "2024-01-12", "2024-01-15"]  # Wednesday to Monday
    market = sheet(days, {A: [20, 20, 22, 21]})
    costs = Costs(**{**ONLY, "borrow": 0.073})  # 0.02 % a day
    result = engine(costs=costs).run(decide(market, {days[0]: {A: -0.1}}), market)
    # Thu  sell 5,000 short at 20                    -> cash 1,100,000, owed 100,000
    # Fri  100,000 x 0.073 x 1 / 365 = 20            -> 1,099,980 - 5,000 x 22 = 989,980
    # Mon  110,000 x 0.073 x 3 / 365 = 66            -> 1,099,914 - 5,000 x 21 = 994,914
    assert cents(result.costs["borrow"]) == [0.0, 20.00, 66.00]
    assert cents(result.equity) == [1_000_000.00, 989_980.00, 994_914.00]


def test_a_fee_by_asset_is_the_one_known_at_the_close_before():
    days = ["2024-01-10", "2024-01-11", "2024-01-12", "2024-01-15"]
    market = with_column(
        sheet(days, {A: [20, 20, 20, 20]}), "borrow_rate", {A: [0.5, 0.365, 0.73, 0.9]}
    )
    lending = Lending(fee="borrow_rate")
    result = engine(lending=lending).run(decide(market, {days[0]: {A: -0.1}}), market)
    # Fri  100,000 x 0.365 (Thursday's) x 1 / 365 = 100; Mon 100,000 x 0.73 (Friday's) x 3 / 365 = 600
    assert cents(result.costs["borrow"]) == [0.0, 100.00, 600.00]


def test_a_short_stops_at_the_shares_that_are_lent_and_is_called_back_when_they_go():
    market = with_column(
        sheet(WEEK, {A: [20, 20, 20, 25, 25]}), "lendable", {A: [3_000, 3_000, 1_000, 1_000, 1_000]}
    )
    lending = Lending(available="lendable")
    result = engine(lending=lending).run(decide(market, {WEEK[0]: {A: -0.1}}), market)
    # Tue  5,000 wanted, 3,000 lent (Monday's figure) -> 3,000 sold at 20, 2,000 refused
    # Wed  still 3,000 lent (Tuesday's figure): the 2,000 are refused again
    # Thu  1,000 lent (Wednesday's figure): 2,000 bought back at 25
    assert fills(result) == [(WEEK[1], A, -3_000.0, 20.0), (WEEK[3], A, 2_000.0, 25.0)]
    assert result.trades["kind"].tolist() == ["order", "recall"]
    assert refusals(result)[0] == (WEEK[1], A, -2_000.0, "no_borrow")
    # cash 1,000,000 + 60,000 - 50,000, owed 1,000 x 25
    assert cents(result.equity)[2:] == [985_000.00, 985_000.00]


def test_a_split_that_doubles_a_short_doubles_what_was_lent_before_it():
    flat = with_column(
        sheet(WEEK, {A: [20, 20, 10, 10, 10]}),
        "lendable",
        {A: [5_000, 5_000, 10_000, 10_000, 9_000]},
    )
    market = with_actions(flat, [(A, WEEK[2], {"split": 2.0})])
    result = engine(lending=Lending(available="lendable")).run(
        decide(market, {WEEK[0]: {A: -0.1}}), market
    )
    # Tue  5,000 lent (Monday's figure), 5,000 sold at 20
    # Wed  10,000 are owed; Tuesday's 5,000 were old shares, so 10,000 are lent and none is called back
    assert fills(result) == [(WEEK[1], A, -5_000.0, 20.0)]
    assert refusals(result) == []


def test_star_takes_201_shares_and_refuses_199():
    market = sheet(WEEK[:2], {STAR: [50, 50]})
    bought = engine(capital=1e5).run(decide(market, {WEEK[0]: {STAR: 0.1009}}), market)
    refused = engine(capital=1e5).run(decide(market, {WEEK[0]: {STAR: 0.0999}}), market)
    # 10,090 / 50 = 201.8 -> 201 shares; 9,990 / 50 = 199.8 -> 199 < 200
    assert fills(bought) == [(WEEK[1], STAR, 201.0, 50.0)]
    assert refusals(refused)[0][3] == "lot"
    assert fills(refused) == []


def test_a_hundred_shares_of_five_yuan_pay_the_minimum_commission_on_both_ways():
    market = sheet(WEEK[:3], {A: [5, 5, 5]})
    weights = decide(market, {WEEK[0]: {A: 0.5}, WEEK[1]: {A: 0.0}})
    result = engine(capital=1_010.0, costs=FEES).run(weights, market)
    # Tue  505 / 5 = 101 -> 100 shares: value 500, commission max(0.125, 5) = 5, transfer 0.005
    # Wed  sell: commission 5, stamp 0.25, transfer 0.005
    assert_allclose(result.costs["commission"], [5.0, 5.0])
    assert cents(result.costs["stamp_duty"]) == [0.0, 0.25]
    assert_allclose(result.equity, [1_010 - 5.005, 1_010 - 5.005 - 5.255], rtol=0, atol=1e-9)


SHORT_OF_CASH = {
    # 5,000 of each decided at 10, both open at 12: 120,000 wanted, 100,000 there
    "cut": ([(A, 5_000.0), (B, 3_300.0)], [(B, 1_700.0)], 400.00),  # 40,000 / 12 = 3,333
    "scale": ([(A, 4_100.0), (B, 4_100.0)], [(A, 900.0), (B, 900.0)], 1_600.00),  # 5/6 of 5,000
    "refuse": ([(A, 5_000.0)], [(B, 5_000.0)], 40_000.00),
    "borrow": ([(A, 5_000.0), (B, 5_000.0)], [], -20_000.00),
}


@pytest.mark.parametrize("rule", SHORT_OF_CASH)
def test_when_the_cash_is_short(rule):
    bought, missing, cash = SHORT_OF_CASH[rule]
    market = sheet(WEEK[:2], {A: [10, 12], B: [10, 12]})
    weights = decide(market, {WEEK[0]: {A: 0.5, B: 0.5}})
    result = engine(capital=1e5, cash_rule=rule).run(weights, market)
    assert [(name, shares) for _, name, shares, _ in fills(result)] == bought
    assert refusals(result) == [(WEEK[1], name, shares, "cash") for name, shares in missing]
    assert cents(result.cash) == [cash]
    assert cents(result.equity) == [100_000.00]


def test_borrowed_money_costs_interest_for_the_days_of_a_weekend():
    days = ["2024-01-11", "2024-01-12", "2024-01-15"]  # Thursday, Friday, Monday
    market = sheet(days, {A: [10, 12, 12], B: [10, 12, 12]})
    costs = Costs(**ONLY, margin=0.073)
    weights = decide(market, {days[0]: {A: 0.5, B: 0.5}})
    result = engine(capital=1e5, cash_rule="borrow", costs=costs).run(weights, market)
    # Fri  cash 100,000 - 120,000 = -20,000; Mon 20,000 x 0.073 x 3 / 365 = 12
    assert cents(result.costs["margin"]) == [0.0, 12.00]
    assert cents(result.cash) == [-20_000.00, -20_012.00]


def test_free_cash_earns_interest():
    days = ["2024-01-11", "2024-01-12", "2024-01-15"]
    market = sheet(days, {A: [10, 10, 10]})
    costs = Costs(**ONLY, cash_interest=0.0365)
    result = engine(costs=costs).run(decide(market, {days[0]: {A: 0.5}}), market)
    # Fri  1,000,000 x 0.0365 / 365 = 100, then 500,000 are spent
    # Mon  500,100 x 0.0365 x 3 / 365 = 150.03
    assert cents(result.income["cash_interest"]) == [100.00, 150.03]
    assert cents(result.equity) == [1_000_100.00, 1_000_250.03]


def test_an_order_beyond_a_tenth_of_the_volume_is_carried_over():
    market = sheet(
        WEEK, {A: [10, 10, 11, 12, 12]}, volume={A: [10_000, 10_000, 10_000, 10_000, 10_000]}
    )
    weights = decide(market, {WEEK[0]: {A: 0.25}})
    result = engine(capital=1e5, participation=0.1).run(weights, market)
    # 2,500 wanted, 1,000 a day: Tue 1,000 at 10, Wed 1,000 at 11, Thu 500 at 12
    assert [(d, s, p) for d, _, s, p in fills(result)] == [
        (WEEK[1], 1_000.0, 10.0),
        (WEEK[2], 1_000.0, 11.0),
        (WEEK[3], 500.0, 12.0),
    ]
    assert refusals(result) == [
        (WEEK[1], A, 1_500.0, "volume_cap"),
        (WEEK[2], A, 500.0, "volume_cap"),
    ]
    # cash 100,000 - 10,000 - 11,000 - 6,000; equity 73,000 + 2,500 x 12
    assert cents(result.equity) == [100_000.00, 101_000.00, 103_000.00, 103_000.00]


ENDS = ["09:45", "10:00", "10:15", "10:30", "10:45"]
HOUR = {"bars": "15min", "start": "09:30", "end": "10:30"}  # the bars that end 09:45 … 10:30


def test_a_twap_of_four_bars_buys_a_quarter_in_each():
    bars = {A: [(10.0, 1e6), (10.2, 1e6), (10.4, 1e6), (10.6, 1e6), (99.0, 1e6)]}
    market = with_bars(sheet(WEEK[:2], {A: [10, 10.5]}), "15min", ENDS, bars)
    result = engine(fill=FillWindow(**HOUR, style="twap")).run(
        decide(market, {WEEK[0]: {A: 0.04}}), market
    )
    # 40,000 / 10 = 4,000 shares: 1,000 x (10 + 10.2 + 10.4 + 10.6) = 41,200
    assert [(s, p) for _, _, s, p in fills(result)] == [
        (1_000.0, 10.0),
        (1_000.0, 10.2),
        (1_000.0, 10.4),
        (1_000.0, 10.6),
    ]
    assert cents(result.cash) == [958_800.00]
    assert cents(result.equity) == [1_000_800.00]  # 958,800 + 4,000 x 10.50


def test_each_slice_of_a_window_is_an_order_to_the_broker_with_its_minimum():
    bars = {A: [(10.0, 1e6), (10.2, 1e6), (10.4, 1e6), (10.6, 1e6), (99.0, 1e6)]}
    market = with_bars(sheet(WEEK[:2], {A: [10, 10.5]}), "15min", ENDS, bars)
    costs = Costs(**{**ONLY, "commission": 2.5e-4, "commission_minimum": 5.0})
    weights = decide(market, {WEEK[0]: {A: 0.04}})
    result = engine(fill=FillWindow(**HOUR, style="twap"), costs=costs).run(weights, market)
    # 10,000 x 0.00025 = 2.50 and so on: four slices below the minimum pay 5 each
    assert result.trades["commission"].tolist() == [5.0, 5.0, 5.0, 5.0]
    assert result.conventions["commission"].endswith(
        "each bar of the window is an order of its own"
    )


def test_participation_takes_a_tenth_of_each_bar_until_done():
    bars = {A: [(10.0, 10_000), (10.2, 20_000), (10.4, 50_000), (10.6, 50_000), (99.0, 1e6)]}
    market = with_bars(sheet(WEEK[:2], {A: [10, 10.5]}), "15min", ENDS, bars)
    fill = FillWindow(**HOUR, style="participate")
    result = engine(fill=fill, participation=0.1).run(decide(market, {WEEK[0]: {A: 0.04}}), market)
    # 4,000 shares: 1,000 of 10,000, 2,000 of 20,000, the last 1,000 of 50,000
    assert [(s, p) for _, _, s, p in fills(result)] == [
        (1_000.0, 10.0),
        (2_000.0, 10.2),
        (1_000.0, 10.4),
    ]
    assert cents(result.cash) == [1_000_000 - 10_000.00 - 20_400.00 - 10_400.00]


def test_the_vwap_of_a_window_is_its_amount_over_its_volume():
    bars = {A: [(10.0, 1_000), (11.0, 3_000), (10.0, 0), (12.0, 1_000), (99.0, 1e6)]}
    market = with_bars(sheet(WEEK[:2], {A: [10, 10.5]}), "15min", ENDS, bars)
    result = engine(fill=FillWindow(**HOUR), participation=0.1).run(
        decide(market, {WEEK[0]: {A: 0.01}}), market
    )
    # (10,000 + 33,000 + 12,000) / 5,000 = 11.00; a tenth of 5,000 shares = 500 of the 1,000 wanted
    assert fills(result) == [(WEEK[1], A, 500.0, 11.0)]
    assert refusals(result) == [(WEEK[1], A, 500.0, "volume_cap")]


def test_half_the_spread_is_paid_both_ways_and_booked_as_slippage():
    market = sheet(WEEK[:3], {A: [10, 10, 10]})
    weights = decide(market, {WEEK[0]: {A: 0.5}, WEEK[1]: {A: 0.0}})
    result = engine(frictions=Frictions(spread=0.002)).run(weights, market)
    # 500,000 x 0.002 / 2 = 500 to buy, as much to sell; the fill price stays 10
    assert cents(result.costs["slippage"]) == [500.00, 500.00]
    assert [p for *_, p in fills(result)] == [10.0, 10.0]
    assert cents(result.equity) == [999_500.00, 999_000.00]


def test_a_hundredth_of_a_days_volume_moves_the_price_by_a_tenth_of_a_days_deviation():
    days = [str(d) for d in np.arange("2024-01-01", "2024-01-24", dtype="datetime64[D]")]
    close = [10.0]
    for k in range(20):  # one percent up and down by turns
        close.append(close[-1] * (1.01 if k % 2 == 0 else 0.99))
    close += [10.0, 10.0]
    market = sheet(days, {A: close}, volume={A: [1e6] * 23})
    weights = decide(market, {days[20]: {A: 0.1001 * close[20] / 10.0}})
    result = engine(frictions=Frictions(impact=1.0)).run(weights, market)
    # 10,010 -> 10,000 shares, a hundredth of the volume: root 0.1; deviation 1 % x root(20 / 19)
    # 100,000 x 0.1 x 0.01 x 1.025978 = 102.60
    assert fills(result) == [(days[21], A, 10_000.0, 10.0)]
    assert cents(result.costs["impact"]) == [102.60, 0.0]
