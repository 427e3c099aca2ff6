"""Rules as tables: locks in each kind of fill, dated fees of both sides, boards, markets without rules."""

from __future__ import annotations

import numpy as np
import pytest
from fact_sheets import A, B, with_bars
from numpy.testing import assert_allclose
from sheet_market import sheet

from superhet.backtest import RULES, AShareRules, Costs, FillWindow, NoRules, USRules
from superhet.backtest.costs import rate_on
from superhet.backtest.rules import board_of as board_of_books
from superhet.data.limits import BOARDS, board_of, limit_percent, limit_prices
from superhet.errors import ConfigError
from superhet.kernels.ledger_books import LIMIT_DOWN, LIMIT_UP, NOT_LISTED, SUSPENDED
from superhet.panel import Dates, Events

DAYS = ["2024-01-08", "2024-01-09"]
ENDS = ["09:35", "09:40"]


def window(style):
    return FillWindow(bars="5min", start="09:30", end="09:40", style=style)


def limited(bars):
    plain = sheet(DAYS, {A: [10, 10.9]}, limit_up={A: [11, 11]}, limit_down={A: [9, 9]})
    return with_bars(plain, "5min", ENDS, {A: bars})


@pytest.mark.parametrize(
    ("bars", "once", "each"),
    [
        ([(11.0, 100), (11.0, 100)], LIMIT_UP, [LIMIT_UP, LIMIT_UP]),
        ([(11.0, 100), (10.9, 100)], 0, [LIMIT_UP, 0]),  # it could be had below the limit
        ([(11.0, 100), (10.9, 0)], LIMIT_UP, [LIMIT_UP, SUSPENDED]),  # a quote is no trade
        ([(10.5, 0), (10.5, 0)], SUSPENDED, [SUSPENDED, SUSPENDED]),
    ],
)
def test_a_window_is_locked_when_every_trade_in_it_was_at_the_limit(bars, once, each):
    market = limited(bars)
    rules = AShareRules()
    assert rules.table(market, window("vwap")).buy_block[1, 0] == once
    assert rules.table(market, window("twap")).buy_block[2:, 0].tolist() == each


def test_the_lower_limit_holds_back_sales_only():
    table = AShareRules().table(limited([(9.0, 100), (9.0, 100)]), window("vwap"))
    assert table.sell_block[1, 0] == LIMIT_DOWN
    assert table.buy_block[1, 0] == 0
    assert "every trade" in table.conventions["price limits"]


def test_a_market_without_limit_prices_says_that_they_are_not_applied():
    plain = sheet(DAYS, {A: [10, 11]})
    bare = type(plain)(
        fields=type(plain.fields)({n: plain[n] for n in plain if not n.startswith("limit_")}),
        universe=plain.universe,
    )
    assert AShareRules().table(bare, "open").conventions["price limits"].startswith("not applied")


@pytest.mark.parametrize("rules", [AShareRules(), USRules(), NoRules()])
def test_nobody_trades_what_is_suspended_or_not_listed(rules):
    table = rules.table(sheet(DAYS, {A: [10, None], B: ["x", 5]}), "open")
    assert table.buy_block.tolist() == [[0, NOT_LISTED], [SUSPENDED, 0]]
    assert table.sell_block.tolist() == [[0, NOT_LISTED], [SUSPENDED, 0]]


# (day, stamp duty of the seller, of the buyer), in per mille, as the notices say
STAMP_DUTY = [
    ("1996-05-10", 3, 3),
    ("1997-05-12", 5, 5),
    ("1998-06-12", 4, 4),
    ("2001-11-16", 2, 2),
    ("2005-01-21", 2, 2),
    ("2005-01-24", 1, 1),
    ("2007-05-29", 1, 1),
    ("2007-05-30", 3, 3),
    ("2008-04-23", 3, 3),
    ("2008-04-24", 1, 1),
    ("2008-09-18", 1, 1),
    ("2008-09-19", 1, 0),
    ("2023-08-25", 1, 0),
    ("2023-08-28", 0.5, 0),
]


@pytest.mark.parametrize(("day", "seller", "buyer"), STAMP_DUTY)
def test_stamp_duty_by_date_and_side(day, seller, buyer):
    costs = AShareRules.costs
    assert_allclose(costs.rates(Dates([day]))[0, 3:5], [seller / 1e3, buyer / 1e3])


def test_transfer_fee_by_date():
    dates = Dates(["2015-07-31", "2015-08-03", "2022-04-28", "2022-04-29"])
    assert_allclose(rate_on(AShareRules.costs.transfer_fee, dates) * 1e5, [2.55, 2, 2, 1])


def test_one_stamp_duty_in_the_costs_replaces_that_of_buyers_too():
    own = Costs(stamp_duty=0.001).over(AShareRules.costs)
    assert_allclose(own.rates(Dates(["2006-01-04"]))[0, 3:5], [0.001, 0.0])


def test_early_sessions_say_what_stands_in():
    early = sheet(["2008-01-08", "2008-01-09"], {A: [10, 10]})
    assert "early transfer fee" in AShareRules().table(early, "open").conventions


def test_the_fee_of_the_sec_by_date():
    # fee rate advisories, dollars a million of sales
    said = {"2019-04-15": 13.0, "2019-04-16": 20.7, "2020-02-18": 22.1, "2021-02-24": 22.1,
            "2021-02-25": 5.1, "2024-05-21": 8.0, "2024-05-22": 27.8, "2025-05-14": 0.0}  # fmt: skip
    assert_allclose(rate_on(USRules.costs.stamp_duty, Dates(list(said))) * 1e6, list(said.values()))


def test_no_rules_cost_nothing_and_trade_single_shares():
    table = RULES.get("none")().table(sheet(DAYS, {A: [10, 10]}), "open")
    assert table.step.tolist() == [1.0]
    assert not NoRules.costs.rates(Dates(DAYS)).any()


def test_cash_earns_the_risk_free_rate_known_before():
    plain = sheet(["2024-01-08", "2024-01-09", "2024-01-10"], {A: [1, 1, 1]})
    known = np.array(["2024-01-08", "2024-01-09"], dtype="datetime64[D]")
    table = Events(
        name="risk_free", columns={"date": known, "rate": np.array([0.02, 0.03])}, known_at=known
    )
    market = type(plain)(fields=plain.fields, universe=plain.universe, events={"risk_free": table})
    costs = Costs(cash_interest="risk_free").over(AShareRules.costs)
    assert_allclose(costs.cash_rates(market), [0.0, 0.02, 0.03])
    with pytest.raises(ConfigError, match=r"backtest.costs.cash_interest: .*risk_free"):
        costs.cash_rates(plain)


# (board, special treatment, listed, day, age) -> percent, as the trading rules of the exchanges say
LIMITS = [
    ("main", False, "2000-01-04", "2010-01-04", 2000, 10),
    ("main", True, "2000-01-04", "2010-01-04", 2000, 5),
    ("star", False, "2019-07-22", "2020-01-02", 100, 20),
    ("star", True, "2019-07-22", "2021-01-04", 300, 20),
    ("chinext", False, "2015-01-05", "2020-08-21", 1300, 10),
    ("chinext", True, "2015-01-05", "2020-08-24", 1301, 20),
    ("bse", False, "2021-11-15", "2022-01-04", 30, 30),
    ("main", False, "2023-04-10", "2023-04-14", 4, None),  # five sessions free
    ("main", False, "2023-04-10", "2023-04-17", 5, 10),
    ("main", False, "2023-04-07", "2023-04-07", 0, None),  # 44 % of an issue price nobody stored
    ("main", False, "2023-04-07", "2023-04-10", 1, 10),
    ("star", False, "2019-07-22", "2019-07-26", 4, None),
    ("star", False, "2019-07-22", "2019-07-29", 5, 20),
    ("chinext", False, "2020-08-24", "2020-08-28", 4, None),
    ("bse", False, "2021-11-15", "2021-11-15", 0, None),
    ("bse", False, "2021-11-15", "2021-11-16", 1, 30),
]


@pytest.mark.parametrize(("board", "special", "listed", "day", "age", "percent"), LIMITS)
def test_the_limit_prices_that_the_rules_read_follow_the_rule_book(
    board, special, listed, day, age, percent
):
    found = limit_percent(
        Dates([day]),
        np.array([BOARDS.index(board)]),
        np.array([[special]]),
        np.array([[age]], dtype=np.int32),
        np.array([listed], dtype="datetime64[D]"),
    )[0, 0]
    assert (None if np.isnan(found) else found) == percent


# previous close, percent -> limits, rounded half up to a fen
ROUNDED = [(10.05, 10, 11.06, 9.05), (7.35, 5, 7.72, 6.98), (3.33, 20, 4.0, 2.66)]


@pytest.mark.parametrize(("before", "percent", "up", "down"), ROUNDED)
def test_limit_prices_are_rounded_half_up_to_a_fen(before, percent, up, down):
    # 10.05 x 1.1 = 11.055 -> 11.06; 7.35 x 0.95 = 6.9825 -> 6.98; 3.33 x 1.2 = 3.996 -> 4.00
    assert_allclose(
        np.ravel(limit_prices(np.array([[before]]), np.array([[float(percent)]]))), [up, down]
    )


def test_the_rooms_of_data_and_of_books_read_the_same_board_off_a_code():
    """Rooms may not import each other; a limit of one board with the lots of another would be wrong."""
    codes = ["600000.SH", "605999.SH", "688001.SH", "689009.SH", "000001.SZ", "003816.SZ", "300750.SZ",
             "301236.SZ", "302132.SZ", "430047.BJ", "830799.BJ", "873122.BJ", "920002.BJ"]  # fmt: skip
    assert [board_of_books(code) for code in codes] == [board_of(code) for code in codes]
