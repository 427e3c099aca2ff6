"""Rolling windows against pandas, and the promises that pandas does not make."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import rankdata

from superhet.kernels import rolling

Values = npt.NDArray[np.float64]
WINDOWS = [2, 3, 5, 20, 61]


@pytest.fixture(scope="module")
def values() -> Values:
    """Four tiles of rows and two of columns, with holes and one column that is never known."""
    rng = np.random.default_rng(0)
    out = rng.standard_normal((600, 19)) + 3.0
    out[rng.random(out.shape) < 0.1] = np.nan
    out[100:180, 3] = np.nan
    out[:, 7] = np.nan
    return out


def window_of(values: Values, window: int, needed: int) -> pd.api.typing.Rolling:
    return pd.DataFrame(values).rolling(window, min_periods=needed)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("how", ["sum", "mean", "min", "max"])
def test_reductions_are_those_of_pandas(values: Values, window: int, how: str) -> None:
    found = rolling.reduce(values, window, 2, how)  # type: ignore[arg-type]  # a literal
    wanted = getattr(window_of(values, window, 2), how)().to_numpy()
    assert_allclose(found, wanted, rtol=1e-10)


def test_a_product_is_the_exponential_of_the_sum_of_logarithms(values: Values) -> None:
    positive = np.abs(values)
    found = rolling.reduce(positive, 20, 10, "product")
    assert_allclose(np.log(found), rolling.reduce(np.log(positive), 20, 10, "sum"), atol=1e-10)


@pytest.mark.parametrize("window", [4, 5, 20, 61])
@pytest.mark.parametrize("how", ["var", "std", "skew", "kurt"])
def test_moments_are_those_of_pandas(values: Values, window: int, how: str) -> None:
    found = rolling.moment(values, window, 4, how)  # type: ignore[arg-type]  # a literal
    wanted = getattr(window_of(values, window, 4), how)().to_numpy()
    assert_allclose(found, wanted, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("how", ["cov", "corr"])
def test_pairs_are_those_of_pandas(values: Values, window: int, how: str) -> None:
    other = np.roll(values, 1, axis=1) ** 2 + values
    found = rolling.pair(values, other, window, 2, how)  # type: ignore[arg-type]  # a literal
    both = np.isfinite(values) & np.isfinite(other)
    left, right = (pd.DataFrame(np.where(both, v, np.nan)) for v in (values, other))
    wanted = getattr(left.rolling(window, min_periods=2), how)(right).to_numpy()
    assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("level", [0.0, 0.25, 0.5, 1.0])
def test_quantiles_are_those_of_pandas(values: Values, level: float) -> None:
    found = rolling.quantile(values, 7, level, 3)
    assert_allclose(found, window_of(values, 7, 3).quantile(level).to_numpy(), rtol=1e-12)


def test_trend_lines_are_those_of_polyfit(values: Values) -> None:
    window, column = 15, 0
    slope, fit, residual = (
        rolling.pair(values, None, window, 8, how)[:, column]
        for how in ("slope", "rsquare", "residual")
    )
    for t in range(0, 200, 7):
        rows = np.arange(max(0, t - window + 1), t + 1)
        y = values[rows, column]
        known = np.isfinite(y)
        if known.sum() < 8:
            assert np.isnan([slope[t], fit[t], residual[t]]).all()
            continue
        line = np.polynomial.Polynomial.fit(rows[known], y[known], 1).convert()
        left = y - line(rows)
        assert slope[t] == pytest.approx(line.coef[1], abs=1e-10)
        spread = y[known] - y[known].mean()
        explained = 1 - (left[known] ** 2).sum() / (spread**2).sum()
        assert fit[t] == pytest.approx(explained, abs=1e-10)
        assert residual[t] == pytest.approx(left[-1], abs=1e-10, nan_ok=True)


def test_the_slope_on_another_series_is_covariance_over_variance(values: Values) -> None:
    other = np.roll(values, 2, axis=1)
    both = np.where(np.isfinite(values), other, np.nan)
    slope = rolling.pair(values, other, 20, 5, "slope")
    variance = rolling.moment(both, 20, 5, "var")
    assert_allclose(slope, rolling.pair(values, other, 20, 5, "cov") / variance, rtol=1e-10)


@pytest.mark.parametrize("window", [2, 5, 33])
def test_a_rank_is_that_of_scipy(values: Values, window: int) -> None:
    rounded = np.round(values, 1)
    found = rolling.position(rounded, window, 2, "rank")
    for t in range(0, 150, 11):
        for c in range(values.shape[1]):
            rows = rounded[max(0, t - window + 1) : t + 1, c]
            known = rows[np.isfinite(rows)]
            if known.size < 2 or np.isnan(rows[-1]):
                assert np.isnan(found[t, c])
            else:
                assert found[t, c] == pytest.approx(rankdata(known)[-1] / known.size)


@pytest.mark.parametrize("how", ["argmax", "argmin"])
def test_places_of_extremes_ignore_missing_rows(values: Values, how: str) -> None:
    window = 9
    found = rolling.position(values, window, 1, how)  # type: ignore[arg-type]  # a literal
    pick = np.nanargmax if how == "argmax" else np.nanargmin
    for t in range(0, 200, 5):
        for c in range(values.shape[1]):
            rows = values[max(0, t - window + 1) : t + 1, c][::-1]
            wanted = np.nan if np.isnan(rows).all() else pick(rows)
            assert_array_equal(found[t, c], wanted)


def test_a_weighted_mean_takes_the_weight_of_missing_rows_away() -> None:
    values = np.array([[1.0], [np.nan], [4.0]])
    found = rolling.weighted_mean(values, np.array([3.0, 2.0, 1.0]), 1).ravel()
    assert_allclose(found, [1.0, 1.0, (3 * 4 + 1 * 1) / 4])


def test_a_constant_window_has_deviation_exactly_zero() -> None:
    values = np.full((200, 3), 0.1)
    values[::3] = np.nan
    assert (rolling.moment(values, 40, 2, "std")[5:] == 0.0).all()
    for how in ("skew", "kurt", "zscore"):
        assert np.isnan(rolling.moment(values, 40, 2, how)).all()  # type: ignore[arg-type]
    moving = np.random.default_rng(0).standard_normal(values.shape)
    assert np.isnan(rolling.pair(values, moving, 40, 2, "corr")).all()


def test_a_spike_that_has_left_the_window_leaves_no_trace() -> None:
    values = np.random.default_rng(1).standard_normal((120, 2))
    spiked = values.copy()
    spiked[10] = 1e15
    for window in (5, 20):
        for how in ("std", "skew"):
            a, b = (rolling.moment(v, window, 3, how) for v in (values, spiked))  # type: ignore[arg-type]
            assert_array_equal(a[10 + window :], b[10 + window :])
        a, b = (rolling.reduce(v, window, 1, "sum") for v in (values, spiked))
        assert_array_equal(a[10 + window :], b[10 + window :])


def test_infinite_cells_are_missing() -> None:
    values = np.array([[1.0], [np.inf], [3.0], [-np.inf]])
    assert_array_equal(rolling.reduce(values, 3, 1, "mean").ravel(), [1.0, 1.0, 2.0, 3.0])
    assert_array_equal(rolling.reduce(values, 2, 1, "max").ravel(), [1.0, 1.0, 3.0, 3.0])
    assert_array_equal(rolling.quantile(values, 3, 1.0, 1).ravel(), [1.0, 1.0, 3.0, 3.0])


def everything(values: Values, window: int) -> dict[str, Values]:
    other = np.roll(values, 1, axis=1)
    weights = np.arange(window, 0, -1.0)
    found = {
        h: rolling.reduce(values, window, 1, h) for h in ("sum", "mean", "product", "min", "max")
    }  # type: ignore[arg-type]
    found |= {h: rolling.moment(values, window, 2, h) for h in ("std", "skew", "kurt", "zscore")}  # type: ignore[arg-type]
    found |= {h: rolling.pair(values, other, window, 2, h) for h in ("cov", "corr", "residual")}  # type: ignore[arg-type]
    found |= {h: rolling.position(values, window, 1, h) for h in ("rank", "argmax", "argmin")}  # type: ignore[arg-type]
    found["weighted"] = rolling.weighted_mean(values, weights, 1)
    found["quantile"] = rolling.quantile(values, window, 0.3, 1)
    return found


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000),
    window=st.integers(1, 70),
    rows=st.integers(1, 400),
    cut=st.integers(0, 400),
)
def test_a_window_depends_on_its_own_rows_bit_for_bit(
    seed: int, window: int, rows: int, cut: int
) -> None:
    """Cutting what follows, or what lies before the window, changes not a bit."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((rows, 17))
    values[rng.random(values.shape) < 0.2] = np.nan
    cut = cut % rows
    whole = everything(values, window)
    early = everything(values[: cut + 1], window)
    late = everything(values[cut:], window)
    for name, found in whole.items():
        assert early[name].tobytes() == found[: cut + 1].tobytes(), name
        assert late[name][window - 1 :].tobytes() == found[cut + window - 1 :].tobytes(), name
