import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.evaluation import SeriesSummary, bootstrap_mean, summarize_many, summarize_series

NUMBERS = st.lists(st.integers(-1000, 1000).map(lambda n: n / 1000), min_size=8, max_size=60)


def test_the_naive_t_is_the_mean_in_deviations_of_the_mean():
    found = summarize_series(np.array([1.0, 2.0, 3.0, 4.0]), 1)
    assert found.mean == 2.5
    assert found.std == pytest.approx(np.sqrt(5 / 3))
    assert found.icir == pytest.approx(2.5 / np.sqrt(5 / 3))
    assert found.naive_t == pytest.approx(2.5 / np.sqrt(5 / 3 / 4))


def test_a_win_is_a_date_with_the_expected_sign():
    series = np.array([0.1, -0.2, 0.0, 0.3, np.nan])
    assert summarize_series(series, 1).win_rate == 0.5
    assert summarize_series(series, 1, expected_sign=-1).win_rate == 0.25


@settings(max_examples=100, deadline=None)
@given(NUMBERS, st.integers(1, 5))
def test_the_interval_leaves_out_zero_where_p_is_below_five_percent(numbers, horizon):
    found = summarize_series(np.array(numbers), horizon)
    if np.isfinite(found.t) and abs(found.p - 0.05) > 1e-6:
        assert (found.p < 0.05) == (not found.low <= 0.0 <= found.high)
        assert found.low <= found.mean <= found.high


@settings(max_examples=50, deadline=None)
@given(NUMBERS, st.floats(0.01, 100.0))
def test_the_unit_of_a_series_does_not_change_its_significance(numbers, scale):
    series = np.array(numbers)
    plain, scaled = summarize_series(series, 3), summarize_series(series * scale, 3)
    if plain.std > 1e-6:
        assert scaled.t == pytest.approx(plain.t, rel=1e-6)
        assert scaled.icir == pytest.approx(plain.icir, rel=1e-6)
        assert scaled.win_rate == plain.win_rate
        flipped = summarize_series(-series, 3, expected_sign=-1)
        assert flipped.t == pytest.approx(-plain.t, rel=1e-9)
        assert flipped.win_rate == plain.win_rate


def test_overlap_makes_the_error_larger_than_the_naive_one():
    steps = np.random.default_rng(0).standard_normal(1000 + 19).cumsum()
    overlapping = 1.0 + (steps[19:] - np.concatenate([[0.0], steps[:-20]]))
    found = summarize_series(overlapping, 20)
    assert abs(found.naive_t) > 3 * abs(found.t)  # the truth is the root of 20


def test_a_constant_series_has_no_t_and_says_so():
    found = summarize_series(np.full(500, 0.3), 5)
    assert found.mean == pytest.approx(0.3)
    assert found.low == found.high == found.mean
    assert np.isnan([found.t, found.p, found.icir, found.naive_t]).all()


@pytest.mark.parametrize("series", [[], [np.nan, np.nan]])
def test_nothing_known_gives_nothing(series):
    found = summarize_series(np.array(series, dtype=float), 5)
    assert found.count == 0
    assert np.isnan([found.mean, found.win_rate, found.t, found.low, found.p]).all()


def test_the_bootstrap_interval_is_there_where_it_was_asked_for():
    series = np.random.default_rng(1).standard_normal(300) + 0.2
    assert np.isnan(summarize_series(series, 1).boot_low)
    found = summarize_series(series, 1, draws=200, seed=3)
    interval = bootstrap_mean(series, horizon=1, draws=200, seed=3)
    assert (found.boot_low, found.boot_high) == (interval.low, interval.high)


def test_many_series_give_what_each_gives_alone():
    series = np.random.default_rng(2).standard_normal((120, 6))
    series[:10, 0] = np.nan
    series[40:60, 1] = np.nan
    for column, found in zip(series.T, summarize_many(series, 5), strict=True):
        assert found.to_dict() == summarize_series(column, 5).to_dict()


def test_numbers_are_ready_for_json():
    text = json.dumps(summarize_series(np.array([1.0]), 1).to_dict(), allow_nan=False)
    read = json.loads(text)
    assert read["mean"] == 1.0
    assert read["t"] is None
    assert set(read) == set(SeriesSummary.__dataclass_fields__)
