"""Bars to days against pandas, with days of different lengths."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.kernels.intraday import day_lag, day_moment, day_reduce

Values = npt.NDArray[np.float64]
STARTS = np.array([0, 16, 16, 24])
STOPS = np.array([16, 16, 24, 40])  # the second day has no bars, the third is a half day


@pytest.fixture(scope="module")
def bars() -> Values:
    rng = np.random.default_rng(0)
    out = rng.standard_normal((40, 6))
    out[rng.random(out.shape) < 0.1] = np.nan
    out[24:35, 2] = np.nan
    return out


def by_day(bars: Values) -> list[pd.DataFrame]:
    return [pd.DataFrame(bars[a:z]) for a, z in zip(STARTS, STOPS, strict=True)]


@pytest.mark.parametrize("how", ["sum", "mean", "min", "max"])
def test_reductions_are_those_of_pandas(bars: Values, how: str) -> None:
    found = day_reduce(bars, STARTS, STOPS, 1, -1, how)  # type: ignore[arg-type]  # a literal
    for d, day in enumerate(by_day(bars)):
        wanted = getattr(day, how)().where(2 * day.count() >= max(len(day), 1))
        assert_allclose(found[d], wanted, rtol=1e-12)


def test_first_and_last_are_the_known_ends_of_the_day(bars: Values) -> None:
    first = day_reduce(bars, STARTS, STOPS, 1, -1, "first")
    last = day_reduce(bars, STARTS, STOPS, 1, -1, "last")
    for d, day in enumerate(by_day(bars)):
        if len(day):
            assert_array_equal(first[d], day.bfill().iloc[0])
            assert_array_equal(last[d], day.ffill().iloc[-1])
        else:
            assert np.isnan(first[d]).all()


@pytest.mark.parametrize("how", ["std", "skew"])
def test_moments_are_those_of_pandas(bars: Values, how: str) -> None:
    found = day_moment(bars, bars, STARTS, STOPS, 1, -1, how)  # type: ignore[arg-type]  # a literal
    for d, day in enumerate(by_day(bars)):
        wanted = getattr(day, how)().where(2 * day.count() >= max(len(day), 1))
        assert_allclose(found[d], wanted, rtol=1e-10)


def test_correlation_is_that_of_pandas(bars: Values) -> None:
    other = np.roll(bars, 1, axis=1) + bars
    found = day_moment(bars, other, STARTS, STOPS, 1, -1, "corr")
    for d, (x, y) in enumerate(zip(by_day(bars), by_day(other), strict=True)):
        for c in x.columns:
            n = (x[c].notna() & y[c].notna()).sum()
            wanted = x[c].corr(y[c]) if n >= 3 and 2 * n >= len(x) else np.nan
            assert found[d, c] == pytest.approx(wanted, nan_ok=True)


def test_places_count_from_the_open_and_from_the_close() -> None:
    bars = np.arange(1.0, 41.0)[:, None]

    def total(first: int, last: int) -> list[float]:
        return day_reduce(bars, STARTS, STOPS, first, last, "sum").ravel().tolist()

    nan = float("nan")
    assert_array_equal(total(1, 2), [1 + 2, nan, 17 + 18, 25 + 26])
    assert_array_equal(total(-2, -1), [15 + 16, nan, 23 + 24, 39 + 40])
    assert_array_equal(total(15, 16), [15 + 16, nan, nan, 39 + 40])


def test_half_of_the_slice_must_be_known() -> None:
    bars = np.array([[1.0], [np.nan], [np.nan], [2.0], [np.nan]])
    day = (np.array([0]), np.array([5]))
    assert np.isnan(day_reduce(bars, *day, 1, -1, "sum")).all()
    assert day_reduce(bars, *day, 1, 4, "sum")[0, 0] == 3.0


def test_a_constant_day_has_deviation_exactly_zero_and_no_correlation() -> None:
    bars, moving = np.full((16, 1), 0.1), np.arange(16.0)[:, None]
    day = (np.array([0]), np.array([16]))
    assert day_moment(bars, bars, *day, 1, -1, "std")[0, 0] == 0.0
    assert np.isnan(day_moment(bars, moving, *day, 1, -1, "corr")[0, 0])
    assert np.isnan(day_moment(bars, bars, *day, 1, -1, "skew")[0, 0])


def test_a_lag_does_not_reach_into_the_day_before() -> None:
    bars = np.arange(1.0, 41.0)[:, None]
    found = day_lag(bars, STARTS, STOPS, 2).ravel()
    assert np.isnan(found[[0, 1, 16, 17, 24, 25]]).all()
    assert_array_equal(found[26:40], bars[24:38].ravel())
    assert np.isnan(day_lag(bars, STARTS, STOPS, 100)).all()
