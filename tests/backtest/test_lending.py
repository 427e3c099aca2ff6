"""Lending: fees and shares by asset, as known at the close before."""

from __future__ import annotations

import numpy as np
import pytest
from fact_sheets import A, B, with_column
from numpy.testing import assert_allclose
from sheet_market import sheet

from superhet.backtest import Lending, lending_terms
from superhet.errors import ConfigError, DataError

DAYS = ["2024-01-08", "2024-01-09", "2024-01-10"]


def plain():
    return sheet(DAYS, {A: [10] * 3, B: [10] * 3})


def test_unless_told_every_share_is_lent_at_the_flat_fee():
    terms = lending_terms(Lending(), plain(), 0, 0.08)
    assert terms.borrow_rate is None
    assert terms.borrowable is None
    assert terms.words["borrow fee"].startswith("8.00% a year")


def test_the_fee_of_a_session_is_that_of_the_close_before_and_the_flat_one_where_none_is_known():
    market = with_column(plain(), "borrow_rate", {A: [0.1, 0.2, 0.3]})
    terms = lending_terms(Lending(fee="borrow_rate"), market, 0, 0.08)
    assert_allclose(terms.borrow_rate, [[0.08, 0.08], [0.1, 0.08], [0.2, 0.08]])
    later = lending_terms(Lending(fee="borrow_rate"), market, 1, 0.08)
    assert_allclose(later.borrow_rate, [[0.1, 0.08], [0.2, 0.08]])


def test_one_is_without_limit_and_any_other_number_counts_shares():
    flag = with_column(plain(), "lendable", {A: [1, 0, 1], B: [np.nan, 1, 1]})
    terms = lending_terms(Lending(available="lendable"), flag, 0, 0.08)
    assert_allclose(terms.borrowable, [[0, 0], [np.inf, 0], [0, np.inf]])
    shares = with_column(plain(), "lendable", {A: [1, 500, 700]})
    terms = lending_terms(Lending(available="lendable", recall=False), shares, 1, 0.08)
    assert_allclose(terms.borrowable, [[np.inf, 0], [500, 0]])
    assert "no short is called back" in terms.words["shares to borrow"]


def test_an_unknown_column_is_named_with_near_misses():
    market = with_column(plain(), "lendable", {A: [1, 1, 1]})
    with pytest.raises(
        ConfigError, match=r"backtest.lending.available: .*'lendabel'; did you mean 'lendable'"
    ):
        lending_terms(Lending(available="lendabel"), market, 0, 0.08)


@pytest.mark.parametrize("fee", [-0.01, 35.0])
def test_a_fee_in_percent_or_below_zero_is_refused(fee):
    market = with_column(plain(), "fee", {B: [0.1, fee, 0.1]})
    with pytest.raises(DataError, match=r"fee of 600001.SH on 2024-01-09 .*not percent"):
        lending_terms(Lending(fee="fee"), market, 0, 0.08)
