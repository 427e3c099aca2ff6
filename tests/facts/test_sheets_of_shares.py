"""Hand-worked books of one stock: dividend, bonus, split, rights, suspension, limits, delisting, a life."""

from __future__ import annotations

import pytest
from fact_sheets import STAR, A, B, cents, engine, with_actions
from sheet_market import decide, fills, refusals, sheet

from superhet.backtest import Costs

WEEK = ["2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12"]  # Monday to Friday
FEES = Costs(slippage=0.0)  # the market's own: 0.025 %, at least 5; stamp 0.05 %; transfer 0.001 %


def test_a_dividend_of_half_a_yuan_with_a_tenth_of_tax():
    market = with_actions(
        sheet(WEEK, {A: [10, 10, 9.6, 9.7, 9.7]}), [(A, "2024-01-10", {"cash": 0.5})]
    )
    weights = decide(market, {WEEK[0]: {A: 0.5}, WEEK[2]: {A: 0.0}})
    result = engine(costs=FEES, dividend_tax=0.1).run(weights, market)
    # Mon  decide 0.5 x 1,000,000 / 10                            = 50,000 shares
    # Tue  buy at 10: value 500,000, commission 125, transfer 5   -> cash 499,870
    #      equity 499,870 + 500,000                               = 999,870
    # Wed  dividend 50,000 x 0.50 x 0.9 = 22,500                  -> cash 522,370
    #      equity 522,370 + 50,000 x 9.60                         = 1,002,370
    # Thu  sell at 9.70: value 485,000, commission 121.25, stamp 242.50, transfer 4.85
    #      cash 522,370 + 485,000 - 368.60                        = 1,007,001.40
    assert cents(result.equity) == [999_870.00, 1_002_370.00, 1_007_001.40, 1_007_001.40]
    assert cents(result.cash) == [499_870.00, 522_370.00, 1_007_001.40, 1_007_001.40]
    assert cents(result.income["dividends"]) == [0.0, 22_500.00, 0.0, 0.0]
    assert cents(result.costs["stamp_duty"]) == [0.0, 0.0, 242.50, 0.0]
    assert fills(result) == [(WEEK[1], A, 50_000.0, 10.0), (WEEK[3], A, -50_000.0, 9.7)]


@pytest.mark.parametrize("tax", [0.0, 0.1])  # the lender is owed what the share paid, tax or not
def test_a_short_pays_the_dividend_before_tax(tax):
    market = with_actions(
        sheet(WEEK, {A: [10, 10, 9.6, 9.6, 9.6]}), [(A, "2024-01-10", {"cash": 0.5})]
    )
    result = engine(dividend_tax=tax).run(decide(market, {WEEK[0]: {A: -0.5}}), market)
    # Tue  sell 50,000 short at 10                 -> cash 1,500,000
    # Wed  pay 50,000 x 0.50                       -> cash 1,475,000
    #      equity 1,475,000 - 50,000 x 9.60        = 995,000
    assert cents(result.equity) == [1_000_000.00, 995_000.00, 995_000.00, 995_000.00]


def test_ten_bonus_shares_for_ten_leave_the_equity_and_the_order_is_carried_over_doubled():
    market = with_actions(
        sheet(WEEK, {A: [10, 10, 5, 5.5, 5.5]}, volume={A: [1e9, 40_000, 1e9, 1e9, 1e9]}),
        [(A, "2024-01-10", {"bonus": 1.0})],
    )
    result = engine(participation=0.5).run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    # Tue  50,000 wanted, half of 40,000 may be had: 20,000 at 10 -> cash 800,000
    # Wed  20,000 become 40,000 and the goal 100,000: 60,000 at 5 -> cash 500,000
    # Thu  equity 500,000 + 100,000 x 5.50                        = 1,050,000
    assert fills(result) == [(WEEK[1], A, 20_000.0, 10.0), (WEEK[2], A, 60_000.0, 5.0)]
    assert refusals(result) == [(WEEK[1], A, 30_000.0, "volume_cap")]
    assert cents(result.equity) == [1_000_000.00, 1_000_000.00, 1_050_000.00, 1_050_000.00]


def test_the_fraction_of_a_share_that_a_bonus_leaves_is_settled_in_cash():
    market = with_actions(
        sheet(WEEK[:4], {STAR: [30, 30, 24, 24]}), [(STAR, "2024-01-10", {"bonus": 0.3})]
    )
    result = engine(capital=10_000.0).run(decide(market, {WEEK[0]: {STAR: 0.7}}), market)
    # Mon  7,000 / 30 = 233.33                              -> 233 shares (STAR: 200, then single)
    # Tue  233 x 30 = 6,990                                 -> cash 3,010
    # Wed  233 x 1.3 = 302.9: 302 stay, 0.9 x 30 / 1.3      = 20.77 in cash
    #      equity 3,030.77 + 302 x 24                       = 10,278.77
    assert cents(result.equity) == [10_000.00, 10_278.77, 10_278.77]
    assert cents(result.cash) == [3_010.00, 3_030.77, 3_030.77]


def test_a_two_for_one_split_of_a_short_doubles_what_is_owed():
    market = with_actions(sheet(WEEK[:4], {A: [10, 10, 5, 4]}), [(A, "2024-01-10", {"split": 2.0})])
    result = engine().run(decide(market, {WEEK[0]: {A: -0.2}}), market)
    # Tue  20,000 short at 10 -> cash 1,200,000; Wed 40,000 short at 5; Thu 1,200,000 - 160,000
    assert cents(result.equity) == [1_000_000.00, 1_000_000.00, 1_040_000.00]


def test_rights_are_kept_as_their_theoretical_value():
    market = with_actions(
        sheet(WEEK[:4], {A: [10, 10, 9, 9]}),
        [(A, "2024-01-10", {"rights": 0.3, "rights_price": 6.0})],
    )
    result = engine().run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    # ex-right price (10 + 0.3 x 6) / 1.3                     = 9.076923
    # value of the rights of a share 0.3 x (9.076923 - 6)     = 0.923077
    # Wed  cash 500,000 + 50,000 x 0.923077                   = 546,153.85
    #      equity 546,153.85 + 50,000 x 9                     = 996,153.85
    assert cents(result.cash) == [500_000.00, 546_153.85, 546_153.85]
    assert cents(result.equity) == [1_000_000.00, 996_153.85, 996_153.85]


def test_a_stock_suspended_over_the_decision_is_sized_at_its_last_close():
    market = sheet(WEEK, {A: [10, None, 12, 12, 12], B: [1, 1, 1, 1, 1]})
    result = engine(costs=FEES).run(decide(market, {WEEK[1]: {A: 0.5}}), market)
    # Tue  500,000 / 10 (Monday's close) = 50,000 shares
    # Wed  at 12: value 600,000, commission 150, transfer 6 -> cash 399,844, equity 999,844
    assert fills(result) == [(WEEK[2], A, 50_000.0, 12.0)]
    assert cents(result.equity) == [999_844.00] * 3


def test_a_stock_suspended_over_the_fill_waits_and_keeps_its_target():
    market = sheet(WEEK, {A: [10, None, None, 8, 9]})
    result = engine(costs=FEES).run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    # Thu  50,000 at 8: value 400,000, commission 100, transfer 4 -> cash 599,896
    # Fri  599,896 + 450,000                                      = 1,049,896
    assert refusals(result) == [(d, A, 50_000.0, "suspended") for d in WEEK[1:3]]
    assert fills(result) == [(WEEK[3], A, 50_000.0, 8.0)]
    assert cents(result.equity) == [1_000_000.00, 1_000_000.00, 999_896.00, 1_049_896.00]


def test_an_open_at_the_upper_limit_is_bought_on_the_next_day():
    market = sheet(
        WEEK[:4],
        {A: [10, 10.8, 11.5, 11.5]},
        opens={A: [10, 11.0, 11.2, 11.5]},
        limit_up={A: [11.0, 11.0, 11.88, 12.65]},
    )
    result = engine(costs=FEES).run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    # Tue  opens at 11.00 = 10.00 x 1.1: refused, though it trades lower later
    # Wed  50,000 at 11.20: value 560,000, commission 140, transfer 5.60 -> cash 439,854.40
    #      equity 439,854.40 + 50,000 x 11.50                            = 1,014,854.40
    assert refusals(result) == [(WEEK[1], A, 50_000.0, "limit_up")]
    assert cents(result.equity) == [1_000_000.00, 1_014_854.40, 1_014_854.40]


def test_a_stock_locked_at_the_lower_limit_for_three_days_is_sold_on_the_fourth():
    days = [*WEEK, "2024-01-15"]
    market = sheet(
        days,
        {A: [10, 10, 9.0, 8.1, 7.29, 7.5]},
        opens={A: [10, 10, 9.0, 8.1, 7.29, 7.0]},
        limit_down={A: [9.0, 9.0, 9.0, 8.1, 7.29, 6.56]},
    )
    weights = decide(market, {days[0]: {A: 0.5}, days[1]: {A: 0.0}})
    result = engine(costs=FEES).run(weights, market)
    # Tue  buy 50,000 at 10: cash 499,870
    # Wed to Fri  opens at 9.00, 8.10, 7.29, each the lower limit: refused
    # Mon  sell at 7.00: value 350,000, commission 87.50, stamp 175, transfer 3.50
    #      cash 499,870 + 350,000 - 266                          = 849,604
    assert refusals(result) == [(d, A, -50_000.0, "limit_down") for d in days[2:5]]
    assert fills(result)[-1] == (days[5], A, -50_000.0, 7.0)
    assert cents(result.equity) == [999_870.00, 949_870.00, 904_870.00, 864_370.00, 849_604.00]


@pytest.mark.parametrize(("recovery", "left"), [(1.0, 600_000.00), (0.3, 530_000.00)])
def test_a_delisted_position_pays_its_last_close_or_a_part_of_it(recovery, left):
    market = sheet(WEEK, {A: [10, 10, 2, "x", "x"], B: [1, 1, 1, 1, 1]})
    result = engine(recovery=recovery).run(decide(market, {WEEK[0]: {A: 0.5}}), market)
    # Tue  50,000 at 10 -> cash 500,000; Wed 500,000 + 100,000; Thu gone: 50,000 x 2 x recovery
    assert cents(result.equity) == [1_000_000.00, 600_000.00, left, left]
    assert cents(result.cash)[-1] == left
    assert result.trades["kind"].tolist() == ["order", "delisting"]
    assert result.trades["commission"].tolist() == [0.0, 0.0]


def test_the_life_of_one_stock_to_the_cent():
    """A limit-up day, a suspension, the change of stamp duty, a dividend, a bonus issue, the delisting."""
    days = ["2023-08-21", "2023-08-22", "2023-08-23", "2023-08-24", "2023-08-25",
            "2023-08-28", "2023-08-29", "2023-08-30", "2023-08-31"]  # fmt: skip
    market = with_actions(
        sheet(
            days,
            {A: [10.0, 10.8, None, 10.5, 10.6, 10.6, 10.0, 7.6, "x"]},
            opens={A: [10.0, 11.0, None, 10.4, 10.5, 10.6, 10.0, 7.5, None]},
            limit_up={A: [11.0, 11.0, 11.88, 11.88, 11.55, 11.66, 11.0, 8.25, None]},
        ),
        [(A, days[6], {"cash": 0.6}), (A, days[7], {"bonus": 0.333})],
    )
    weights = decide(market, {days[0]: {A: 0.5}, days[3]: {A: 0.4}, days[4]: {A: 0.3}})
    result = engine(costs=FEES, dividend_tax=0.1, recovery=0.5).run(weights, market)
    # 21st  decide 0.5 x 1,000,000 / 10.00                                    = 50,000 shares
    # 22nd  opens at 11.00 = 10.00 x 1.1: refused. 23rd suspended: refused
    # 24th  buy 50,000 at 10.40: value 520,000, commission 130, transfer 5.20 -> cash 479,864.80
    #       equity 479,864.80 + 50,000 x 10.50                                = 1,004,864.80
    #       decide 0.4 x 1,004,864.80 / 10.50 = 38,280.56 -> 38,200 shares, 11,800 go
    # 25th  sell at 10.50: value 123,900, commission 30.975, stamp 0.1 % = 123.90, transfer 1.239
    #       cash 479,864.80 + 123,900 - 156.114                               = 603,608.686
    #       equity 603,608.686 + 38,200 x 10.60                               = 1,008,528.686
    #       decide 0.3 x 1,008,528.686 / 10.60 = 28,543.26 -> 28,500 shares, 9,700 go
    # 28th  sell at 10.60: value 102,820, commission 25.705, stamp 0.05 % = 51.41, transfer 1.0282
    #       cash 603,608.686 + 102,820 - 78.1432                              = 706,350.5428
    #       equity 706,350.5428 + 28,500 x 10.60                              = 1,008,450.5428
    # 29th  dividend 28,500 x 0.60 x 0.9 = 15,390                             -> cash 721,740.5428
    #       equity 721,740.5428 + 28,500 x 10.00                              = 1,006,740.5428
    # 30th  28,500 x 1.333 = 37,990.5: 37,990 stay, 0.5 x 10 / 1.333 = 3.7509 -> cash 721,744.2937
    #       equity 721,744.2937 + 37,990 x 7.60                               = 1,010,468.2937
    # 31st  gone: 37,990 x 7.60 x 0.5 = 144,362                               -> cash 866,106.2937
    assert cents(result.equity) == [1_000_000.00, 1_000_000.00, 1_004_864.80, 1_008_528.69,
                                    1_008_450.54, 1_006_740.54, 1_010_468.29, 866_106.29]  # fmt: skip
    assert cents(result.cash) == [1_000_000.00, 1_000_000.00, 479_864.80, 603_608.69,
                                  706_350.54, 721_740.54, 721_744.29, 866_106.29]  # fmt: skip
    assert cents(result.costs["stamp_duty"]) == [0.0, 0.0, 0.0, 123.90, 51.41, 0.0, 0.0, 0.0]
    assert cents(result.income["dividends"]) == [0.0, 0.0, 0.0, 0.0, 0.0, 15_390.00, 0.0, 0.0]
    assert refusals(result) == [
        (days[1], A, 50_000.0, "limit_up"),
        (days[2], A, 50_000.0, "suspended"),
    ]
    assert fills(result) == [
        (days[3], A, 50_000.0, 10.4),
        (days[4], A, -11_800.0, 10.5),
        (days[5], A, -9_700.0, 10.6),
        (days[8], A, -37_990.0, 3.8),
    ]
    assert result.trades["kind"].tolist() == ["order", "order", "order", "delisting"]
    assert result.trades["delisting"].tolist() == [False, False, False, True]
