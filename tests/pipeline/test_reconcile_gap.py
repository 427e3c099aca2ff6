"""The gap between two books is split by reason, to the cent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tapes import SCENARIOS, random_tape

from superhet.backtest.bookkeeping import keep_books
from superhet.backtest.books import result_of
from superhet.backtest.tape_marks import tape_marks
from superhet.kernels.ledger_books import LIMIT_DOWN, SUSPENDED
from superhet.pipeline.backtest_books import frames_of
from superhet.pipeline.reconcile_gap import gap_by_reason


def gap_of(tape, other):
    """Keep both tapes, and lay the second book beside the first; give the reasons and the difference."""
    results = [result_of(t, keep_books(t), None) for t in (tape, other)]
    ours, theirs = (frames_of(result, None).__getitem__ for result in results)
    difference = float(results[1].equity[-1] - results[0].equity[-1])
    return dict(gap_by_reason(tape, ours, theirs)), difference


def one_short(**changes):
    """Make a tape of one stock that falls from 10 to 9; half of 10,000 is short, free of cost."""
    flat = random_tape(1, 4, **SCENARIOS["plain"])
    price = np.array([[10.0, 10.0, 9.5, 9.0]]).T
    plain = {
        "weights": np.array([[-0.5]]),
        "row_of": np.array([0, -1, -1, -1]),
        **{name: price for name in ("open", "high", "low", "close", "price")},
        "mark": np.array([10.0]),
        "rates": np.zeros((4, 7)),
        "terms": replace(flat.terms, capital=10_000.0),
    }
    return replace(flat, **{**plain, **changes})


CHANGES = {
    "fees twice as high": lambda t: replace(t, rates=2.0 * t.rates),
    "lots of 100 for all": lambda t: replace(
        t, step=np.full(len(t.assets), 100.0), minimum=np.full(len(t.assets), 100.0)
    ),
    "no shorts": lambda t: replace(t, borrowable=np.zeros((1, 1))),
    "prices in single precision": lambda t: replace(
        t, price=t.price.astype("f4").astype(float), close=t.close.astype("f4").astype(float)
    ),
    "buys that do not fit are refused": lambda t: replace(
        t, terms=replace(t.terms, cash_rule="refuse")
    ),
    "delisted at nothing": lambda t: replace(t, terms=replace(t.terms, recovery=0.0)),
    "no cap on volume": lambda t: replace(t, traded_volume=None),
    "cash earns nothing": lambda t: replace(t, cash_rate=0.0 * t.cash_rate),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("scenario", ["plain", "actions", "financing"])
def test_the_reasons_add_up_to_the_gap_and_leave_no_cent(scenario, change):
    tape = random_tape(12, 80, seed=3, **SCENARIOS[scenario])
    gap, difference = gap_of(tape, CHANGES[change](tape))
    assert sum(gap.values()) == pytest.approx(difference, abs=0.01)
    assert abs(gap["residual"]) < 0.01


def test_equal_books_have_no_gap():
    tape = random_tape(12, 80, **SCENARIOS["financing"])
    assert gap_of(tape, tape) == ({"residual": 0.0}, 0.0)


def test_a_short_that_could_not_be_borrowed_misses_its_profit():
    # 500 short from 10 to 9: 500 of profit that the other book has not
    gap, _ = gap_of(one_short(), one_short(borrowable=np.zeros((1, 1))))
    assert gap["no_borrow"] == pytest.approx(-500.0)
    assert gap["residual"] == pytest.approx(0.0, abs=1e-9)


def test_fees_on_the_same_fills_are_fees():
    # one sale of 500 at 10; 1 % instead of nothing
    charged = np.zeros((4, 7))
    charged[:, 0] = 0.01
    gap, _ = gap_of(one_short(), one_short(rates=charged))
    assert gap == {"fees": pytest.approx(-50.0), "residual": pytest.approx(0.0, abs=1e-9)}


def test_a_worse_fill_is_a_fill_price():
    # the same 500 sold at 9.9 instead of 10
    worse = np.array([[10.0, 9.9, 9.5, 9.0]]).T
    gap, _ = gap_of(one_short(), one_short(price=worse))
    assert gap == {"fill_prices": pytest.approx(-50.0), "residual": pytest.approx(0.0, abs=1e-9)}


def test_dearer_borrowing_is_financing():
    # 36.5 % a year on 500 x 10, then 500 x 9.5: 5 and 4.75 a day
    tape = one_short(days=np.array([0.0, 1.0, 1.0, 1.0]))
    gap, _ = gap_of(tape, replace(tape, borrow_rate=np.full((1, 1), 0.365)))
    assert gap["financing"] == pytest.approx(-9.75)


def test_what_both_refuse_is_no_reason():
    # the sale waits a session in both books: at the limit in ours, suspended in theirs
    shut = np.zeros((4, 1), dtype=np.int8)
    shut[1] = LIMIT_DOWN
    ours = one_short(sell_block=shut)
    theirs = one_short(sell_block=np.where(shut == LIMIT_DOWN, SUSPENDED, shut).astype(np.int8))
    assert gap_of(ours, theirs) == ({"residual": 0.0}, 0.0)


def test_marks_fall_by_each_dividend_of_a_suspended_stock():
    tape = random_tape(1, 4, **SCENARIOS["plain"])
    rows = replace(
        tape.actions,
        session=np.array([1, 2]),
        asset=np.array([0, 0]),
        split=np.array([1.0, 2.0]),
        dividend=np.array([0.4, 0.0]),
        dividend_gross=np.array([0.5, 0.0]),
    )
    close = np.array([[10.0, np.nan, np.nan, 4.8]]).T
    opened, closed = tape_marks(replace(tape, close=close, mark=np.array([10.0]), actions=rows))
    np.testing.assert_allclose(opened[:, 0], [10.0, 9.5, 4.75, 4.75])
    np.testing.assert_allclose(closed[:, 0], [10.0, 9.5, 4.75, 4.8])
