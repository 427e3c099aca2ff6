"""Announcements on the sessions: worked by hand, and against a plain loop."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from superhet.kernels.announcements import NO_ANSWER, Placement
from superhet.kernels.point_in_time import StateIndex

NAN = float("nan")
SESSIONS = np.array(["2021-04-28", "2021-04-29", "2021-04-30", "2021-06-10"], dtype="datetime64[D]")


def days(*texts: str) -> npt.NDArray[np.datetime64]:
    return np.array(texts, dtype="datetime64[D]")


def one_company(sessions: npt.NDArray[np.datetime64] = SESSIONS) -> Placement:
    """Three announcements of the first of two assets, one of them before the sessions."""
    known = days("2020-10-30", "2021-04-29", "2021-06-10")
    periods = days("2020-09-30", "2021-03-31", "2021-03-31")
    return Placement.of(StateIndex.build([0, 0, 0], known, periods, None), sessions, 2)


def everything(placement: Placement, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return placement.carried(values, slice(None), slice(None))


def test_what_was_known_before_the_first_session_stands_on_it() -> None:
    placement, values = one_company(), np.array([1.0, 2.0, 3.0])
    placed = placement.spoken(values, 0, 4)
    assert_array_equal(placed[:, 0], [1.0, 2.0, NAN, 3.0])
    assert np.isnan(placed[:, 1]).all()
    since = placement.early(values)
    assert since[0] == days("2020-10-30").astype(int)[0]
    assert np.isnan(since[1])


def test_news_of_the_first_session_beats_what_was_known_before() -> None:
    placement, values = one_company(days("2021-04-29")), np.array([1.0, 2.0, 3.0])
    assert placement.spoken(values, 0, 1)[0, 0] == 2.0
    assert placement.early(values)[0] == days("2021-04-29").astype(int)[0]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 2.0, 3.0]),
        ([1.0, NAN, 3.0], [1.0, 1.0, 1.0, 3.0]),  # nothing was announced: the older one stands
        ([1.0, NO_ANSWER, 3.0], [1.0, NAN, NAN, 3.0]),  # announced, without an answer
        ([NO_ANSWER, NAN, NAN], [NAN, NAN, NAN, NAN]),
    ],
)
def test_a_number_is_carried_until_the_next_announcement(
    values: list[float], wanted: list[float]
) -> None:
    found = everything(one_company(), np.array(values))
    assert_array_equal(found[:, 0], wanted)
    assert np.isnan(found[:, 1]).all()


def test_the_other_side_of_a_quotient_is_what_was_last_announced() -> None:
    placement = one_company()
    assert_array_equal(placement.latest(np.array([1.0, NAN, 3.0])), [1.0, 1.0, 3.0])
    assert_array_equal(placement.latest(np.array([1.0, NO_ANSWER, NAN])), [1.0, NAN, NAN])


def test_rows_of_no_asset_stand_nowhere() -> None:
    index = StateIndex.build([-1], days("2021-04-29"), days("2020-12-31"), None)
    placement = Placement.of(index, SESSIONS, 2)
    assert np.isnan(placement.spoken(np.empty(0), 0, 4)).all()
    assert np.isnan(everything(placement, np.empty(0))).all()
    assert placement.latest(np.empty(0)).shape == (0,)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**31))
def test_every_cut_is_that_of_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, assets, sessions = 60, 5, 30
    start = np.datetime64("2021-01-01")
    known = start + rng.integers(-20, 50, rows).astype("timedelta64[D]")
    period = np.datetime64("2018-03-31") + 91 * rng.integers(0, 9, rows).astype("timedelta64[D]")
    index = StateIndex.build(rng.integers(-1, assets, rows), known, period, None)
    open_days = np.sort(rng.choice(np.arange(40), sessions, replace=False)).astype("timedelta64[D]")
    placement = Placement.of(index, start + open_days, assets)
    values = rng.choice([NAN, NO_ANSWER, 1.0, 2.0, 3.0], index.day.size)

    spoken, carried = np.full((sessions, assets), NAN), np.full((sessions, assets), NAN)
    for t, day in enumerate((start + open_days).astype(int)):
        for s in range(index.day.size):
            earlier = -np.inf if t == 0 else (start + open_days).astype(int)[t - 1]
            if not np.isnan(values[s]) and earlier < index.day[s] <= day:
                spoken[t, index.asset[s]] = values[s]
        for a in range(assets):
            heard = [v for v in spoken[: t + 1, a] if not np.isnan(v)]
            carried[t, a] = heard[-1] if heard and np.isfinite(heard[-1]) else NAN

    first, last = sorted(rng.integers(0, sessions + 1, 2))
    left, right = sorted(rng.integers(0, assets + 1, 2))
    cut = placement.carried(values, slice(first, last), slice(left, right))
    assert_array_equal(cut, carried[first:last, left:right])
    assert_array_equal(placement.spoken(values, first, last), spoken[first:last])
