"""Statements as known then: worked by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from superhet.kernels.point_in_time import (
    StateIndex,
    carry_forward,
    over_quarters,
    shift,
    single_quarters,
    standardized_surprise,
    streaks,
    trailing_year,
)

NAN = float("nan")


def days(*texts: str) -> npt.NDArray[np.datetime64]:
    return np.array(texts, dtype="datetime64[D]")


def one_company() -> StateIndex:
    """Annual and first quarter on one day, then a restated annual report."""
    return StateIndex.build(
        asset=[0, 0, 0, 0],
        day=days("2020-10-30", "2021-04-29", "2021-04-29", "2021-06-10"),
        period=days("2020-09-30", "2020-12-31", "2021-03-31", "2020-12-31"),
        revision=[0, 0, 0, 1],
    )


def test_two_reports_on_one_day_make_one_state() -> None:
    index = one_company()
    assert index.day.size == 3
    assert_array_equal(index.season, [2, 0, 0])
    assert_array_equal(
        index.history([60.0, 100.0, 30.0, 90.0], 4),
        [[60.0, NAN, NAN, NAN], [30.0, 100.0, 60.0, NAN], [30.0, 90.0, 60.0, NAN]],
    )


def test_a_restatement_changes_the_past_from_its_own_day_on() -> None:
    index = one_company()
    single = single_quarters(index.history([60.0, 100.0, 30.0, 90.0], 4), index.season, "ytd")
    assert_array_equal(single[1, :2], [30.0, 40.0])  # fourth quarter: 100 - 60
    assert_array_equal(single[2, :2], [30.0, 30.0])  # restated: 90 - 60


def test_a_row_without_a_value_does_not_erase_the_older_one() -> None:
    history = one_company().history([60.0, 100.0, 30.0, NAN], 2)
    assert_array_equal(history[2], [30.0, 100.0])


def test_the_higher_revision_of_one_day_wins_whatever_the_order_of_rows() -> None:
    for order in ([0, 1], [1, 0]):
        index = StateIndex.build(
            asset=[0, 0],
            day=days("2021-04-29", "2021-04-29"),
            period=days("2020-12-31", "2020-12-31"),
            revision=order,
        )
        values = np.array([1.0, 2.0])[order]
        assert_array_equal(index.history(values, 1), [[2.0]])


def test_a_late_report_on_an_old_quarter_does_not_turn_the_clock_back() -> None:
    index = StateIndex.build(
        asset=[0, 0],
        day=days("2021-04-29", "2021-05-20"),
        period=days("2021-03-31", "2020-12-31"),
        revision=None,
    )
    assert_array_equal(index.history([30.0, 100.0], 2), [[30.0, NAN], [30.0, 100.0]])


def test_the_trailing_year_across_the_year_end() -> None:
    """First quarter 30 this year, 20 last year, 100 in the full year between: 30 + 100 - 20."""
    history = np.array([[30.0, 100.0, 70.0, 45.0, 20.0]])
    assert trailing_year(history, np.array([0]), "ytd")[0, 0] == 110.0
    assert trailing_year(history, np.array([0]), "ytd")[0, 1] == 100.0  # the full year itself


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), season=st.integers(0, 3))
def test_cumulative_and_single_quarters_tell_the_same(seed: int, season: int) -> None:
    quarters = np.random.default_rng(seed).normal(10.0, 5.0, 12)  # newest first
    place = (season - np.arange(12)) % 4
    ytd = np.array([quarters[j : j + place[j] + 1].sum() for j in range(12)])
    complete = 8  # the oldest year may be cut
    found = single_quarters(ytd[None, :], np.array([season]), "ytd")[0]
    assert_allclose(found[:complete], quarters[:complete], atol=1e-9)
    trailing = trailing_year(ytd[None, :], np.array([season]), "ytd")[0]
    plain = trailing_year(quarters[None, :], np.array([season]), "quarter")[0]
    wanted = [quarters[j : j + 4].sum() for j in range(4)]
    assert_allclose(trailing[:4], wanted, atol=1e-9)
    assert_allclose(plain[:4], wanted, atol=1e-9)


def test_a_missing_quarter_makes_the_trailing_year_unknown() -> None:
    history = np.array([[30.0, NAN, 70.0, 45.0, 20.0]])
    assert np.isnan(trailing_year(history, np.array([0]), "ytd")[0, 0])


def test_the_surprise_divides_by_the_deviation_of_earlier_differences() -> None:
    seasonal = np.array([[3.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 99.0]])
    deviation = np.std(seasonal[0, 1:9], ddof=1)
    found = standardized_surprise(seasonal, previous=8, minimum=4)
    assert found[0, 0] == pytest.approx(3.0 / deviation)


def test_a_surprise_needs_four_earlier_differences_that_vary() -> None:
    three = np.array([[3.0, 2.0, 1.0, 2.0, NAN, NAN, NAN, NAN, NAN]])
    assert np.isnan(standardized_surprise(three, 8, 4)[0, 0])
    same = np.full((1, 9), 0.1)
    assert np.isnan(standardized_surprise(same, 8, 4)[0, 0])


def test_a_surprise_over_equal_differences_is_not_known_however_they_round() -> None:
    seasonal = np.array([[5.0, *[0.1] * 8]])
    assert np.isnan(standardized_surprise(seasonal, 8, 4)[0, 0])
    assert over_quarters(np.full((1, 7), 0.1), 7, 2, "deviation")[0, 0] == 0.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), quarters=st.integers(2, 9))
def test_summaries_over_quarters_skip_what_is_not_known(seed: int, quarters: int) -> None:
    rng = np.random.default_rng(seed)
    history = rng.normal(0.0, 3.0, (4, 12))
    history[rng.random(history.shape) < 0.3] = NAN
    history[0, 2] = np.inf
    frame = pd.DataFrame(history[:, ::-1].T).replace(np.inf, NAN)  # oldest first
    window = frame.rolling(quarters, min_periods=2)
    complete = 12 - quarters + 1
    for what, wanted in (("mean", window.mean()), ("deviation", window.std())):
        found = over_quarters(history, quarters, 2, what)
        assert_allclose(found[:, :complete], wanted.to_numpy().T[:, ::-1][:, :complete], atol=1e-9)
    slopes = over_quarters(history, quarters, 2, "slope")
    for s in range(4):
        for j in range(complete):
            window_of = np.where(np.isinf(history[s]), NAN, history[s])[j : j + quarters]
            known = np.flatnonzero(~np.isnan(window_of))
            if known.size < 2:
                assert np.isnan(slopes[s, j])
            else:
                line = np.polyfit(-known, window_of[known], 1)
                assert slopes[s, j] == pytest.approx(line[0], abs=1e-9)


def test_a_streak_ends_at_a_quarter_that_is_not_above_zero_or_not_known() -> None:
    history = np.array([[1.0, 2.0, 0.0, 3.0], [1.0, NAN, 1.0, 1.0], [NAN, 1.0, 1.0, 1.0]])
    assert_array_equal(streaks(history, 8)[:, 0], [2.0, 1.0, NAN])
    assert_array_equal(streaks(np.ones((1, 9)), 4)[0, :3], [4.0, 4.0, 4.0])


def test_each_state_remembers_what_was_first_said_of_a_quarter_and_when() -> None:
    index = one_company()
    history = index.history([60.0, 100.0, 30.0, 90.0], 3)
    assert_array_equal(
        index.first_stated(history), [[60.0, NAN, NAN], [30.0, 100.0, 60.0], [30.0, 100.0, 60.0]]
    )
    october, april = days("2020-10-30", "2021-04-29").astype(int)
    assert_array_equal(
        index.first_known(history),
        [[october, NAN, NAN], [april, april, october], [april, april, october]],
    )
    ends = days("2021-03-31", "2020-12-31", "2020-09-30").astype(int)
    assert_array_equal(index.quarter_ends(3)[1:], [ends, ends])


def test_the_newest_revision_is_told_from_the_sum_of_all() -> None:
    index = StateIndex.build(
        asset=[0, 0, 0, 0],
        day=days("2021-04-29", "2021-06-10", "2021-08-30", "2021-08-30"),
        period=days("2020-12-31", "2020-12-31", "2020-12-31", "2021-06-30"),
        revision=[0, 1, 2, 0],
    )
    history = index.history([100.0, 90.0, 97.0, 50.0], 3)
    assert_array_equal(index.before_revision(history)[:, 0], [100.0, 100.0, 50.0])
    assert index.before_revision(history)[2, 2] == 90.0
    assert index.first_stated(history)[2, 2] == 100.0


def test_what_one_asset_said_first_is_nothing_to_another() -> None:
    index = StateIndex.build(
        asset=[0, 0, 1],
        day=days("2021-04-29", "2021-06-10", "2021-05-20"),
        period=days("2021-03-31", "2021-03-31", "2021-03-31"),
        revision=None,
    )
    history = index.history([1.0, 2.0, 7.0], 1)
    assert_array_equal(index.first_stated(history).ravel(), [1.0, 1.0, 7.0])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_first_statements_are_those_of_a_plain_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = 60
    asset = rng.integers(0, 3, rows)
    day = days("2020-01-01") + rng.integers(0, 120, rows)
    period = np.datetime64("2018-03", "M") + 3 * rng.integers(0, 6, rows)
    values = np.where(rng.random(rows) < 0.2, NAN, rng.integers(0, 4, rows).astype(float))
    index = StateIndex.build(asset, day, period, None)
    history = index.history(values, 3)
    first, before = index.first_stated(history), index.before_revision(history)
    for s in range(len(history)):
        for j in range(3):
            quarter = index.newest[s] - j
            said = [  # everything that this and earlier states say of the quarter
                history[r, index.newest[r] - quarter]
                for r in range(s + 1)
                if index.asset[r] == index.asset[s] and index.newest[r] >= quarter
            ]
            said = [v for v in said if not np.isnan(v)]
            assert_array_equal(first[s, j], said[0] if said else NAN)
            changed = [a for a, b in pairwise(said) if a != b]
            assert_array_equal(before[s, j], changed[-1] if changed else first[s, j])


def test_rows_of_no_asset_are_left_out() -> None:
    index = StateIndex.build([-1], days("2021-04-29"), days("2020-12-31"), None)
    assert index.history([1.0], 3).shape == (0, 3)
    assert index.first_stated(index.history([1.0], 3)).shape == (0, 3)
    assert index.announced([1.0]).shape == (0,)


def test_a_state_announces_a_column_of_which_it_has_a_number() -> None:
    known = days("2021-04-29", "2021-04-29", "2021-06-10")
    periods = days("2020-12-31", "2021-03-31", "2020-12-31")
    index = StateIndex.build([0, 0, 0], known, periods, None)
    assert index.announced([NAN, 30.0, NAN]).tolist() == [True, False]
    assert index.announced([NAN, NAN, 90.0]).tolist() == [False, True]


def test_many_assets_are_replayed_apart() -> None:
    rng = np.random.default_rng(0)
    rows = 400
    asset = rng.integers(0, 7, rows)
    day = days("2020-01-01") + rng.integers(0, 200, rows)
    period = days("2018-03-31")[0].astype("datetime64[M]") + 3 * rng.integers(0, 9, rows)
    values = rng.standard_normal(rows)
    index = StateIndex.build(asset, day, period, None)
    history = index.history(values, 3)
    frame = pd.DataFrame({"a": asset, "d": day, "p": period.astype("datetime64[s]"), "v": values})
    for s in range(0, len(history), 5):
        known = frame[
            (frame.a == index.asset[s]) & (frame.d.astype("datetime64[s]") <= day_of(index, s))
        ]
        newest = known.sort_values(["d", "p"], kind="stable").groupby("p").v.last()
        last = newest.index.max().to_period("Q")
        for j in range(3):
            found = newest[newest.index.to_period("Q") == last - j]
            assert_array_equal(history[s, j], found.iloc[0] if len(found) else NAN)


def day_of(index: StateIndex, state: int) -> np.datetime64:
    return np.datetime64(int(index.day[state]), "D")


def test_shift_and_carry() -> None:
    assert_array_equal(shift(np.array([[1.0, 2.0, 3.0]]), 2), [[3.0, NAN, NAN]])
    assert_array_equal(shift(np.array([[1.0]]), 5), [[NAN]])
    carried = carry_forward(np.array([[NAN, 1.0], [2.0, NAN], [NAN, NAN]]))
    assert_array_equal(carried, [[NAN, 1.0], [2.0, 1.0], [2.0, 1.0]])
