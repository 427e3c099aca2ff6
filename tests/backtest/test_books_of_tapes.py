"""The compiled ledger on random tapes: against the slow one, and facts that hold on every day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from oracle import slow_books
from tapes import SCENARIOS, random_tape, sliced

from superhet.backtest.bookkeeping import keep_books
from superhet.backtest.books import result_of
from superhet.backtest.tape import ActionRows, read_tape, write_tape
from superhet.errors import DataError
from superhet.kernels.ledger_books import COSTS, INCOMES, KINDS, REFUSALS
from superhet.panel import Assets

CASH_RULES = ["cut", "scale", "refuse", "borrow"]


def small(name, seed, **changes):
    return random_tape(18, 40, seed, **{**SCENARIOS[name], "capital": 2e6, **changes})


def assert_same(tape):
    books, slow = keep_books(tape), slow_books(tape)
    assert_allclose(books.daily.equity, slow.equity, rtol=0, atol=1e-8 * tape.terms.capital)
    assert_allclose(books.daily.cash, slow.cash, rtol=0, atol=1e-8 * tape.terms.capital)
    assert_allclose(books.daily.costs, slow.costs, atol=1e-6)
    assert_allclose(books.daily.incomes, slow.income, atol=1e-6)
    assert_allclose(books.daily.traded, slow.traded, atol=1e-4)
    assert_allclose(books.closing.shares, slow.shares[-1], rtol=0, atol=0)
    ours = list(zip(*books.fills.tolist(), books.money[0], strict=True))
    theirs = [(s, i, KINDS.index(kind), q) for s, i, q, _, _, kind in slow.fills]
    assert ours == theirs
    refused = [(t, i, REFUSALS[code]) for t, i, code in books.refusals.T.tolist()]
    assert refused == [(t, i, rule) for t, i, _, rule in slow.refused]
    assert_allclose(books.undone, [q for _, _, q, _ in slow.refused], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_compiled_ledger_keeps_the_books_of_the_slow_one(name, seed):
    assert_same(small(name, seed))


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    account=st.fixed_dictionaries(
        {
            "cash_rule": st.sampled_from(CASH_RULES),
            "long_short": st.booleans(),
            "gross": st.floats(0.3, 2.0),
            "every": st.integers(1, 7),
            "retry": st.booleans(),
            "recall": st.booleans(),
            "spread": st.booleans(),
            "capital": st.sampled_from([1e5, 1e6, 3e7]),
            "suspended": st.sampled_from([0.0, 0.1]),
        }
    ),
)
def test_no_drawn_account_parts_the_two_ledgers(seed, account):
    rates = {"borrow": 0.1, "cash_rate": 0.02, "margin_rate": 0.07, "recovery": 0.5}
    tape = random_tape(12, 25, seed, borrowable=True, **rates, **account)
    assert_same(replace(tape, terms=replace(tape.terms, max_gross=2.0)))


@pytest.mark.parametrize("style", ["twap", "participate"])
@pytest.mark.parametrize("rule", CASH_RULES)
@pytest.mark.parametrize("seed", range(2))
def test_fills_inside_the_session_keep_the_same_books_too(style, rule, seed):
    tape = small("financing", seed, cash_rule=rule, gross=1.8, participation=0.3)
    assert_same(sliced(tape, 4, style, seed))


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from(sorted(SCENARIOS)),
    rule=st.sampled_from(CASH_RULES),
    every=st.integers(1, 5),
    cut=st.integers(1, 38),
)
def test_splitting_the_period_and_going_on_gives_the_same_bits(seed, name, rule, every, cut):
    tape = small(name, seed, cash_rule=rule, every=every)
    whole = keep_books(tape)
    first = keep_books(part(tape, 0, cut + 1))
    rest = keep_books(part(tape, cut, len(tape.dates)), first.closing)
    for field in ("equity", "cash", "traded", "holdings", "costs", "incomes"):
        joined = np.concatenate([getattr(first.daily, field), getattr(rest.daily, field)[1:]])
        assert np.array_equal(joined, getattr(whole.daily, field)), field
    assert np.array_equal(np.concatenate([first.money, rest.money], axis=1), whole.money)
    assert np.array_equal(np.concatenate([first.undone, rest.undone]), whole.undone)


def part(tape, start, stop):
    """Cut a daily tape to its sessions from `start` to before `stop`."""
    rows = tape.actions
    kept = (rows.session > start) & (rows.session < stop)
    panels = ("row_of", "open", "high", "low", "close", "volume", "price", "traded_volume", "rates",
              "buy_block", "sell_block", "days", "cash_rate", "margin_rate", "half_spread",
              "impact", "borrow_rate", "borrowable")  # fmt: skip
    cut = {n: getattr(tape, n) for n in panels}
    return replace(
        tape,
        dates=tape.dates[start:stop],
        **{n: None if v is None else v[start:stop] for n, v in cut.items()},
        actions=ActionRows(
            session=rows.session[kept] - start,
            asset=rows.asset[kept],
            split=rows.split[kept],
            dividend=rows.dividend[kept],
            dividend_gross=rows.dividend_gross[kept],
        ),
    )


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from(["actions", "financing"]),
    turn=st.permutations(range(18)),
)
def test_the_order_of_assets_does_not_matter_while_money_does_not_bind(seed, name, turn):
    """Buys share the free cash in asset order, so this holds where no order is held back for money."""
    tape = small(name, seed, gross=0.5, cash_rule="borrow", delistings=True)
    turn = np.array(turn)
    rows, back = tape.actions, np.argsort(turn)
    asset = back[rows.asset]
    order = np.lexsort((asset, rows.session))
    panels = ("open", "high", "low", "close", "volume", "price", "traded_volume", "buy_block",
              "sell_block", "half_spread", "impact", "borrow_rate", "borrowable", "weights")  # fmt: skip
    turned = replace(
        tape,
        assets=Assets([tape.assets.values[i] for i in turn]),
        **{n: None if getattr(tape, n) is None else getattr(tape, n)[:, turn] for n in panels},
        **{n: getattr(tape, n)[turn] for n in ("minimum", "step", "mark")},
        actions=ActionRows(
            session=rows.session[order],
            asset=asset[order],
            split=rows.split[order],
            dividend=rows.dividend[order],
            dividend_gross=rows.dividend_gross[order],
        ),
    )
    books, other = keep_books(tape), keep_books(turned)
    assert_allclose(other.daily.equity, books.daily.equity, rtol=1e-12)
    assert_allclose(other.daily.holdings, books.daily.holdings[:, turn], atol=1e-12)
    assert np.array_equal(other.closing.shares, books.closing.shares[turn])


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from(sorted(SCENARIOS)),
    rule=st.sampled_from(CASH_RULES),
    slices=st.sampled_from([1, 3]),
    style=st.sampled_from(["twap", "participate"]),
)
def test_facts_that_hold_on_every_day_of_any_book(seed, name, rule, slices, style):
    tape = small(name, seed, cash_rule=rule, every=2)
    tape = tape if slices == 1 else sliced(tape, slices, style, seed)
    books = keep_books(tape)
    daily, (step, asset, kind), (shares, price, *paid) = books.daily, books.fills, books.money
    session = step if slices == 1 else tape.steps.session[step]
    # cash + holdings = equity
    assert_allclose(daily.cash + daily.holdings.sum(axis=1) * daily.equity, daily.equity)
    # shares are whole, also after a split
    assert (shares == np.round(shares)).all()
    assert (books.closing.shares == np.round(books.closing.shares)).all()
    # no cost is negative, and the days' costs are those of the fills
    assert (daily.costs >= 0).all()
    assert_allclose(daily.costs[:, :5].sum(), np.sum(paid), rtol=1e-9)
    # nothing is bought and sold on one day: no share bought today is sold today
    sent = kind != KINDS.index("delisting")
    sides = set(zip(session[sent], asset[sent], np.sign(shares[sent]), strict=True))
    assert len({(t, i) for t, i, _ in sides}) == len(sides)
    # no fill on a block, without a price, or beyond the cap
    cell = (step[sent], asset[sent])
    block = np.where(shares[sent] > 0, tape.buy_block[cell], tape.sell_block[cell])
    assert (block == 0).all()
    assert (price[sent] == tape.price[cell]).all()
    done = np.zeros(tape.price.shape)
    np.add.at(done, cell, np.abs(shares[sent]))
    assert (done <= tape.most() + 1e-9).all()
    # a book that may not borrow never owes money that the shorts' collateral does not cover
    if rule != "borrow" and name not in ("long_short", "financing"):
        assert daily.cash.min() >= -1e-6


def test_a_result_of_a_tape_says_what_each_cost_and_income_was():
    tape = small("financing", 4)
    result = result_of(tape, keep_books(tape))
    assert list(result.costs) == list(COSTS)
    assert list(result.income) == list(INCOMES)
    before = np.concatenate([[tape.terms.capital], result.equity[:-1]])
    paid = np.sum(list(result.costs.values()), axis=0)
    assert_allclose((result.gross_returns - result.returns) * before, paid, atol=1e-6)
    assert {"order", "recall"} <= set(result.trades["kind"])
    assert result.final_state.equity == result.equity[-1]


def test_a_tape_comes_back_from_its_folder_as_it_was(tmp_path):
    tape = small("financing", 1)
    write_tape(tape, tmp_path)
    again = read_tape(tmp_path)
    ours, theirs = keep_books(tape), keep_books(again)
    assert np.array_equal(ours.daily.equity, theirs.daily.equity)
    assert again.terms == tape.terms
    assert again.conventions == tape.conventions
    assert again.boards == tape.boards


def test_a_tape_with_fills_inside_the_session_is_for_our_own_ledger_alone(tmp_path):
    with pytest.raises(DataError, match="one fill a session"):
        write_tape(sliced(small("plain", 0), 2, "twap"), tmp_path)
