"""Statements as known then: worked by hand."""

from __future__ import annotations

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
    shift,
    single_quarters,
    standardized_surprise,
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


def test_what_was_known_before_the_first_session_stands_on_it() -> None:
    index = one_company()
    sessions = days("2021-04-28", "2021-04-29", "2021-04-30", "2021-06-10")
    values, since = index.place(np.array([1.0, 2.0, 3.0]), sessions, 2)
    assert_array_equal(values[:, 0], [1.0, 2.0, NAN, 3.0])
    assert np.isnan(values[:, 1]).all()
    assert since[0] == days("2020-10-30").astype(int)[0]
    assert np.isnan(since[1])


def test_news_of_the_first_session_beats_what_was_known_before() -> None:
    values, since = one_company().place(np.array([1.0, 2.0, 3.0]), days("2021-04-29"), 1)
    assert values[0, 0] == 2.0
    assert since[0] == days("2021-04-29").astype(int)[0]


def test_rows_of_no_asset_are_left_out() -> None:
    index = StateIndex.build([-1], days("2021-04-29"), days("2020-12-31"), None)
    assert index.history([1.0], 3).shape == (0, 3)
    values, _ = index.place(np.empty(0), days("2021-04-29"), 2)
    assert np.isnan(values).all()


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
