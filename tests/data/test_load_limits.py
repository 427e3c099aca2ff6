"""Price limits by board, special treatment, listing age and date, against published rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.data.limits import BOARDS, limit_percent, limit_prices
from superhet.panel import Dates


def percent_on(day: str, board: str, *, st: bool = False, age: int = 500, listed="2010-01-04"):
    found = limit_percent(
        Dates([day]),
        np.array([BOARDS.index(board)]),
        np.array([[st]]),
        np.array([[age]]),
        np.array([listed], dtype="datetime64[D]"),
    )
    return float(found[0, 0])


@pytest.mark.parametrize(
    ("day", "board", "st", "expected"),
    [
        ("2015-06-01", "main", False, 10),
        ("2015-06-01", "main", True, 5),
        ("2024-06-03", "main", True, 5),
        ("2019-07-22", "star", False, 20),
        ("2023-07-03", "star", True, 20),
        ("2020-08-21", "chinext", False, 10),
        ("2020-08-24", "chinext", False, 20),
        ("2020-08-24", "chinext", True, 20),
        ("2021-11-15", "bse", False, 30),
    ],
)
def test_limits_follow_the_dated_rules_of_each_board(day, board, st, expected):
    assert percent_on(day, board, st=st) == expected


def test_there_was_no_limit_before_december_1996_and_there_is_none_in_new_york():
    assert np.isnan(percent_on("1996-12-13", "main", listed="1993-01-04"))
    assert percent_on("1996-12-16", "main", listed="1993-01-04") == 10
    assert np.isnan(percent_on("2020-08-24", "us"))


@pytest.mark.parametrize(
    ("board", "listed", "free"),
    [
        ("main", "2019-03-01", 1),
        ("main", "2023-04-10", 5),
        ("star", "2019-07-22", 5),
        ("chinext", "2020-08-21", 1),
        ("chinext", "2020-08-24", 5),
        ("bse", "2021-11-15", 1),
    ],
)
def test_the_first_sessions_after_listing_have_no_limit(board, listed, free):
    ages = [
        age
        for age in range(10)
        if np.isnan(percent_on("2023-05-04", board, age=age, listed=listed))
    ]
    assert ages == list(range(free))


@pytest.mark.parametrize(
    ("reference", "percent", "up", "down"),
    [
        (10.03, 10, 11.03, 9.03),  # 11.033, 9.027
        (10.05, 10, 11.06, 9.05),  # both are halves: 11.055, 9.045 go up
        (5.55, 5, 5.83, 5.27),  # 5.8275, 5.2725
        (31.66, 20, 37.99, 25.33),  # 37.992, 25.328
        (10.049999999999999, 10, 11.06, 9.05),  # 10.05 with the dust of an adjust factor
        (0.04, 10, 0.05, 0.03),  # at least a fen away from the reference
    ],
)
def test_limit_prices_are_rounded_half_up_to_a_fen(reference, percent, up, down):
    found = limit_prices(np.array([[reference]]), np.array([[float(percent)]]))
    assert [float(p[0, 0]) for p in found] == [up, down]


@given(fen=st.integers(5, 2_000_000), percent=st.sampled_from([5, 10, 20, 30]))
@settings(deadline=None, max_examples=25)
def test_limit_prices_equal_integer_arithmetic(fen, percent):
    up, down = limit_prices(np.array([[fen / 100]]), np.array([[float(percent)]]))
    by_hand = [max((fen * (100 + percent) + 50) // 100, fen + 1)]
    by_hand.append(max(min((fen * (100 - percent) + 50) // 100, fen - 1), 1))
    assert [float(up[0, 0]), float(down[0, 0])] == [x / 100 for x in by_hand]


def test_no_reference_price_means_no_limit():
    up, down = limit_prices(np.array([[np.nan]]), np.array([[10.0]]))
    assert np.isnan(up[0, 0])
    assert np.isnan(down[0, 0])
