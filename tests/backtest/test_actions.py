"""Corporate actions of a market: cash, shares, rights; what only a factor knows; two stories compared."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from fact_sheets import A, B, engine, with_actions
from numpy.testing import assert_allclose
from sheet_market import decide, fills, sheet

from superhet.backtest import ActionsDisagree, corporate_actions

DAYS = ["2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-15"]


def rows(found):
    """List (session, asset, split, dividend, gross dividend)."""
    r = found.rows
    return [
        (int(s), int(a), float(k), float(d), float(g))
        for s, a, k, d, g in zip(
            r.session, r.asset, r.split, r.dividend, r.dividend_gross, strict=True
        )
    ]


def both(closes, actions, factors):
    """Make a market with a table of actions and factors of its own."""
    plain = sheet(DAYS, closes, factors=factors)
    return with_actions(plain, actions).with_fields({"adjust_factor": plain["adjust_factor"]})


def test_without_a_table_a_jump_of_the_factor_is_shares():
    market = sheet(DAYS, {A: [10, 10, 5, 5, 5]}, factors={A: [1, 1, 2, 2, 2.2]})
    assert_allclose(rows(corporate_actions(market)), [(2, 0, 2, 0, 0), (4, 0, 1.1, 0, 0)])


def test_sessions_count_from_the_first_decision_and_its_own_action_is_over():
    market = sheet(DAYS, {A: [10, 10, 5, 5, 5]}, factors={A: [1, 1, 2, 2, 2.2]})
    assert_allclose(rows(corporate_actions(market, start=2)), [(2, 0, 1.1, 0, 0)])


def test_rounding_of_a_factor_is_no_action():
    noisy = [1, 1 + 1e-9, 1 - 1e-9, 1, 1 + 5e-7]
    assert rows(corporate_actions(sheet(DAYS, {A: [10] * 5}, factors={A: noisy}))) == []


def test_a_factor_that_creeps_below_the_noise_is_booked_once_it_adds_up():
    creeping = [1, 1 + 6e-7, 1 + 12e-7, 1 + 18e-7, 1 + 24e-7]
    found = rows(corporate_actions(sheet(DAYS, {A: [10] * 5}, factors={A: creeping})))
    assert [row[0] for row in found] == [2, 4]


def test_dividend_bonus_and_split_of_one_day():
    market = with_actions(
        sheet(DAYS, {A: [10] * 5}), [(A, DAYS[2], {"cash": 0.6, "bonus": 0.5, "split": 2.0})]
    )
    taxed = corporate_actions(market, dividend_tax=0.2)
    assert_allclose(rows(taxed), [(2, 0, 3.0, 0.48, 0.6)])
    assert "flat tax of 20%" in taxed.words["dividends"]


def test_an_ex_date_on_a_day_without_session_counts_on_the_next():
    market = with_actions(sheet(DAYS, {A: [10] * 5}), [(A, "2024-01-13", {"cash": 0.1})])
    assert_allclose(rows(corporate_actions(market)), [(4, 0, 1, 0.1, 0.1)])


def test_two_actions_that_fall_on_one_session_are_taken_in_turn():
    market = with_actions(
        sheet(DAYS, {A: [10] * 5}),
        [(A, "2024-01-12", {"cash": 1.0, "bonus": 1.0}), (A, "2024-01-13", {"cash": 0.5})],
    )
    # one yuan on the old share, then half a yuan on each of two
    assert_allclose(rows(corporate_actions(market)), [(4, 0, 2, 2.0, 2.0)])


def test_rights_are_worth_what_the_ex_right_price_leaves_above_their_own():
    terms = {"rights": 0.2, "rights_price": 5.0, "cash": 0.4, "bonus": 0.1}
    market = with_actions(sheet(DAYS, {A: [10, 10, 8, 8, 8]}), [(A, DAYS[2], terms)])
    ex_right = (10 + 0.2 * 5 - 0.4) / 1.3
    worth = 0.2 * (ex_right - 5.0)
    (row,) = rows(corporate_actions(market))
    assert_allclose(row, (2, 0, 1.1, 0.4 + worth, 0.4 + worth))
    # nothing is lost or won: shares at the ex-right price and the cash are the close before
    assert row[2] * ex_right + row[4] == pytest.approx(10.0)


def test_rights_dearer_than_the_share_lapse():
    terms = {"rights": 0.2, "rights_price": 50.0}
    market = with_actions(sheet(DAYS, {A: [10] * 5}), [(A, DAYS[2], terms)])
    assert_allclose(rows(corporate_actions(market)), [(2, 0, 1, 0, 0)])


def test_what_both_know_is_booked_as_the_table_says_and_once():
    market = both(
        {A: [10, 10, 9.5, 9.5, 9.5]}, [(A, DAYS[2], {"cash": 0.5})], {A: [1, 1, *[10 / 9.5] * 3]}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_allclose(rows(corporate_actions(market)), [(2, 0, 1, 0.5, 0.5)])


def test_an_ex_date_within_a_suspension_meets_the_factor_of_the_day_it_trades_again():
    market = both({A: [10, None, None, 5, 5]}, [(A, DAYS[1], {"bonus": 1.0})], {A: [1, 1, 1, 2, 2]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_allclose(rows(corporate_actions(market)), [(1, 0, 2, 0, 0)])


def test_a_fen_of_rounding_is_no_disagreement():
    market = both(
        {A: [10, 10, 9.5, 9.5, 9.5]},
        [(A, DAYS[2], {"cash": 0.505})],  # ex-right 9.495, published as 9.50
        {A: [1, 1, *[10 / 9.5] * 3]},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        corporate_actions(market)


def test_the_largest_disagreement_is_named_with_asset_and_date():
    market = both(
        {A: [10, 10, 9.5, 9.5, 9.5], B: [20, 20, 20, 10, 10]},
        [(A, DAYS[2], {"cash": 0.7}), (B, DAYS[3], {"bonus": 0.5})],
        {A: [1, 1, *[10 / 9.5] * 3], B: [1, 1, 1, 2, 2]},
    )
    # A: 9.30 against 9.50, 2 % of the close; B: 13.33 against 10, 16.7 %
    with pytest.warns(
        ActionsDisagree, match=r"on 2 of 2 ex-dates.*600001.SH on 2024-01-11.*3.33 \(16.7%"
    ):
        found = corporate_actions(market)
    assert_allclose(rows(found), [(2, 0, 1, 0.7, 0.7), (3, 1, 1.5, 0, 0)])


def test_a_jump_that_the_table_does_not_know_is_booked_as_shares_and_told():
    market = both(
        {A: [10, 10, 9.5, 9.5, 5]},
        [(A, DAYS[2], {"cash": 0.5})],
        {A: [1, 1, 10 / 9.5, 10 / 9.5, 20 / 9.5]},
    )
    with pytest.warns(ActionsDisagree, match=r"600000.SH on 2024-01-15.*booked as shares"):
        found = corporate_actions(market)
    assert_allclose(rows(found), [(2, 0, 1, 0.5, 0.5), (4, 0, 2, 0, 0)])


def test_without_factors_the_table_stands_alone_and_without_both_there_is_nothing():
    plain = sheet(DAYS, {A: [10] * 5})
    bare = type(plain)(
        fields=type(plain.fields)({n: plain[n] for n in plain if n != "adjust_factor"}),
        universe=plain.universe,
    )
    assert rows(corporate_actions(bare)) == []
    assert corporate_actions(bare).words["dividends"].startswith("none")


def test_a_split_while_suspended_before_the_first_decision_is_in_its_size():
    """10 before, 2 for 1 and 0.2 of cash while suspended: a share is worth 4.9 when half is decided."""
    closed = sheet(DAYS, {A: [10, None, None, 5, 5], B: [10] * 5})
    market = with_actions(closed, [(A, DAYS[1], {"split": 2.0, "cash": 0.2})])
    assert "adjust_factor" not in market
    result = engine().run(decide(market, {DAYS[2]: {A: 0.5}}), market)
    assert fills(result) == [(DAYS[3], A, 102_000.0, 5.0)]  # 500,000 / 4.9, in lots


def test_actions_after_the_end_or_of_the_past_are_left_out():
    market = with_actions(
        sheet(DAYS, {A: [10] * 5}),
        [(A, "2023-12-01", {"cash": 1.0}), (A, "2024-02-01", {"cash": 1.0})],
    )
    assert rows(corporate_actions(market)) == []
    assert np.size(corporate_actions(market).rows.split) == 0
