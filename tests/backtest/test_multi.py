"""Several strategies in one account."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sheet_market import decide, fills, sheet

from superhet.backtest import NO_COSTS, Costs, NativeEngine, run_book
from superhet.errors import ConfigError

WEEK = ["2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12"]
A, B = "600000.SH", "600001.SH"
FLAT = Costs(
    commission=1e-3, commission_minimum=0, stamp_duty=0, transfer_fee=0, slippage=0, borrow=0
)


def engine(**changes):
    return NativeEngine(**{"capital": 1e6, "costs": NO_COSTS, "participation": None, **changes})


def test_what_one_strategy_sells_and_the_other_buys_is_not_traded():
    """Momentum sells its 25,000 A on the day on which value buys 25,000 A: the sum does nothing."""
    market = sheet(WEEK, {A: [10] * 5, B: [10] * 5})
    weights = {
        "momentum": decide(market, {WEEK[0]: {A: 0.5}, WEEK[1]: {A: 0.0}}),
        "value": decide(market, {WEEK[1]: {A: 0.5}}),
    }
    book = run_book(weights, {"momentum": 0.5, "value": 0.5}, engine(costs=FLAT), market)
    assert fills(book.net)[0] == (WEEK[1], A, 25000.0, 10.0)
    # apart: 25,000 bought, then 25,000 sold and 24,900 or so bought; together: a lot of rounding at most
    assert_allclose(book.crossed[1], 500_000, atol=5_000)
    assert_allclose(book.saving[1], 500, atol=5)
    assert_allclose(book.saving[0], 0.0, atol=1e-9)


def test_without_costs_the_sum_of_the_parts_is_the_whole():
    market = sheet(WEEK, {A: [10, 11, 12, 11, 12], B: [20, 20, 19, 18, 18]})
    weights = {
        "one": decide(market, {WEEK[0]: {A: 0.5}}),
        "two": decide(market, {WEEK[0]: {B: -0.4, A: 0.2}}),
    }
    book = run_book(weights, {"one": 0.4, "two": 0.6}, engine(), market)
    apart = np.sum([result.equity for result in book.alone.values()], axis=0)
    assert_allclose(apart, book.net.equity, rtol=1e-9)
    assert_allclose(book.net.target.values[0], [0.4 * 0.5 + 0.6 * 0.2, -0.6 * 0.4])


@pytest.mark.parametrize(
    ("fractions", "match"),
    [({"one": 1.0}, "every strategy once"), ({"one": 0.7, "two": 0.7}, "sum to at most 1")],
)
def test_fractions_that_make_no_account_are_refused(fractions, match):
    market = sheet(WEEK, {A: [10] * 5})
    weights = {n: decide(market, {WEEK[0]: {A: 0.5}}) for n in ("one", "two")}
    with pytest.raises(ConfigError, match=match):
        run_book(weights, fractions, engine(), market)
