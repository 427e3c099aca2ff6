"""Windows against pandas, numpy and scipy, and the promises that those do not make."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import rankdata

from superhet.factors import compute

Values = npt.NDArray[np.float64]
WINDOWS = [2, 3, 5, 20, 61]
LEAST = {"ts_var": 2, "ts_std": 2, "ts_skew": 3, "ts_kurt": 4, "ts_cov": 2, "ts_corr": 2}


@pytest.fixture(scope="module")
def values() -> Values:
    """Several tiles of rows and two of columns, with holes and one column that is never known."""
    rng = np.random.default_rng(0)
    out = rng.standard_normal((600, 139)) + 3.0
    out[rng.random(out.shape) < 0.1] = np.nan
    out[100:180, 3] = np.nan
    out[:, 7] = np.nan
    return out


def rows_needed(convention: str, window: int, least: int = 1) -> int:
    return max(least, {"superhet": (window + 1) // 2, "qlib": 1, "pandas": window}[convention])


def of_pandas(values: Values, window: int, convention: str, how: str, *more: float) -> Values:
    needed = rows_needed(convention, window, LEAST.get(f"ts_{how}", 1))
    rolling = pd.DataFrame(values).rolling(window, min_periods=needed)
    return np.asarray(getattr(rolling, how)(*more).to_numpy())


@pytest.mark.parametrize("convention", ["superhet", "qlib", "pandas"])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("how", ["sum", "mean", "min", "max", "median"])
def test_reductions_are_those_of_pandas(
    values: Values, convention: str, window: int, how: str
) -> None:
    found = compute(f"ts_{how}(x, {window})", x=values, convention=convention)
    assert_allclose(found, of_pandas(values, window, convention, how), rtol=1e-12)


@pytest.mark.parametrize("convention", ["superhet", "qlib", "pandas"])
@pytest.mark.parametrize("window", [4, 5, 20, 61])
@pytest.mark.parametrize("how", ["var", "std", "skew", "kurt"])
def test_moments_are_those_of_pandas(
    values: Values, convention: str, window: int, how: str
) -> None:
    found = compute(f"ts_{how}(x, {window})", x=values, convention=convention)
    assert_allclose(found, of_pandas(values, window, convention, how), rtol=1e-7, atol=1e-9)


def test_moments_keep_their_digits_far_from_zero(values: Values) -> None:
    for how in ("var", "std"):
        near = compute(f"ts_{how}(x, 20)", x=values)
        far = compute(f"ts_{how}(x + 1000, 20)", x=values)
        assert_allclose(far, near, rtol=1e-8)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("how", ["cov", "corr"])
def test_pairs_are_those_of_pandas(values: Values, window: int, how: str) -> None:
    other = np.roll(values, 1, axis=1) ** 2 + values
    found = compute(f"ts_{how}(x, y, {window})", x=values, y=other, convention="qlib")
    both = np.isfinite(values) & np.isfinite(other)
    left, right = (pd.DataFrame(np.where(both, v, np.nan)) for v in (values, other))
    wanted = getattr(left.rolling(window, min_periods=2), how)(right).to_numpy()
    assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("level", [0.0, 0.25, 0.5, 1.0])
def test_quantiles_are_those_of_pandas(values: Values, level: float) -> None:
    found = compute(f"ts_quantile(x, 7, {level})", x=values, convention="qlib")
    assert_allclose(found, of_pandas(values, 7, "qlib", "quantile", level), rtol=1e-12)


@pytest.mark.parametrize("window", [2, 5, 33])
def test_a_rank_is_that_of_pandas_ties_included(values: Values, window: int) -> None:
    rounded = np.round(values, 1)
    found = compute(f"ts_rank(x, {window})", x=rounded, convention="qlib")
    rolling = pd.DataFrame(rounded).rolling(window, min_periods=1)
    assert_allclose(found, rolling.rank(pct=True).to_numpy(), rtol=1e-12)
    rows = rounded[40 - window + 1 : 41, 0]
    known = rows[np.isfinite(rows)]
    assert np.isnan(rows[-1]) or found[40, 0] == rankdata(known)[-1] / known.size


def test_trend_lines_are_those_of_polyfit(values: Values) -> None:
    window, column = 15, 0
    slope, fit, residual = (
        compute(f"ts_{how}(x, {window})", x=values[:, column])
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
    slope = compute("ts_beta(y, x, 20)", y=values, x=other)
    wanted = compute("ts_cov(y, x, 20)", y=values, x=other) / compute("ts_var(x, 20)", x=both)
    assert_allclose(slope, wanted, rtol=1e-9)


def test_a_regression_leaves_what_numpy_leaves() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal(30), rng.standard_normal(30)
    found = compute("ts_regression_residual(y, x, 10)", y=y, x=x)
    slope, level = np.polyfit(x[-10:], y[-10:], 1)
    assert found[-1] == pytest.approx(y[-1] - slope * x[-1] - level, abs=1e-12)


@pytest.mark.parametrize("how", ["argmax", "argmin"])
def test_sessions_since_an_extreme_ignore_missing_rows(values: Values, how: str) -> None:
    window = 9
    found = compute(f"ts_{how}(x, {window})", x=np.round(values, 1), convention="qlib")
    pick = np.nanargmax if how == "argmax" else np.nanargmin
    for t in range(0, 200, 5):
        for c in range(0, values.shape[1], 9):
            rows = np.round(values, 1)[max(0, t - window + 1) : t + 1, c][::-1]
            assert_array_equal(found[t, c], np.nan if np.isnan(rows).all() else pick(rows))


@pytest.mark.parametrize("window", [1, 4, 9, 30])
@pytest.mark.parametrize("how", ["max", "min"])
def test_places_from_the_oldest_row_are_those_of_qlib(
    values: Values, window: int, how: str
) -> None:
    """Qlib: `x.rolling(N, min_periods=1).apply(lambda rows: rows.argmax() + 1, raw=True)`."""
    rounded = np.round(values[:120, :20], 1)
    found = compute(f"ts_idx{how}(x, {window})", x=rounded, convention="qlib")
    rolling = pd.DataFrame(rounded).rolling(window, min_periods=1)
    pick = np.argmax if how == "max" else np.argmin
    assert_array_equal(found, rolling.apply(lambda rows: pick(rows) + 1, raw=True).to_numpy())


@pytest.mark.parametrize("span", [3, 20, 60])
def test_exponential_means_are_those_of_pandas(values: Values, span: int) -> None:
    wanted = pd.DataFrame(values).ewm(span=span, min_periods=1).mean().to_numpy()
    found = compute(f"ts_ema(x, {span})", x=values)
    short = [c for c in range(values.shape[1]) if c not in (3, 7)]  # without gaps beyond its memory
    assert_allclose(found[:, short], wanted[:, short], rtol=1e-8)
    alpha = 2 / (span + 1)
    assert_allclose(compute(f"ts_ewm(x, {alpha!r})", x=values), found, rtol=1e-12)


def test_an_exponential_mean_forgets_what_lies_behind_a_long_gap() -> None:
    x = np.r_[1.0, np.full(60, np.nan)]
    found = compute("ts_ema(x, 3)", x=x)  # pandas would give 1 for ever
    assert (found[:34] == 1.0).all()
    assert np.isnan(found[34:]).all()


def test_a_chinese_average_follows_its_recursion(values: Values) -> None:
    """SMA(x, 12, 2): y = (2 x + 10 y_before) / 12, once the first value is forgotten."""
    x = np.random.default_rng(5).standard_normal(600)
    y = x[0]
    for value in x[1:]:
        y = (2 * value + 10 * y) / 12
    assert compute("ts_sma(x, 12, 2)", x=x)[-1] == pytest.approx(y, rel=1e-8)


def test_linear_weights_are_those_of_qlib_and_of_a_plain_sum() -> None:
    x = np.random.default_rng(6).standard_normal(40)
    weights = np.arange(1.0, 11.0) / 55
    assert compute("ts_decay_linear(x, 10)", x=x)[-1] == pytest.approx((weights * x[-10:]).sum())
    assert compute("ts_qlib_wma(x, 10)", x=x)[-1] == pytest.approx((weights * x[-10:]).mean())


def test_mean_absolute_deviations_are_about_the_mean_of_the_window(values: Values) -> None:
    found = compute("ts_mad(x, 12)", x=values[:80, :20], convention="qlib")
    rolling = pd.DataFrame(values[:80, :20]).rolling(12, min_periods=1)
    wanted = rolling.apply(lambda r: np.nanmean(np.abs(r - np.nanmean(r))), raw=True)
    assert_allclose(found, wanted.to_numpy(), rtol=1e-12)


def test_a_constant_window_has_deviation_exactly_zero() -> None:
    x = np.full((200, 3), 0.1)
    x[::3] = np.nan
    for dtype in ("float32", "float64"):
        assert (compute("ts_std(x, 40)", x=x, dtype=dtype)[40:] == 0.0).all()
        assert (compute("ts_slope(x, 40)", x=x, dtype=dtype)[40:] == 0.0).all()
        for how in ("skew", "kurt", "zscore", "rsquare"):
            assert np.isnan(compute(f"ts_{how}(x, 40)", x=x, dtype=dtype)).all(), how
        moving = np.random.default_rng(0).standard_normal(x.shape)
        assert np.isnan(compute("ts_corr(x, y, 40)", x=x, y=moving, dtype=dtype)).all()


def test_a_spike_that_has_left_the_window_leaves_no_trace() -> None:
    x = np.random.default_rng(1).standard_normal((120, 2))
    spiked = x.copy()
    spiked[10] = 1e15
    for window in (5, 20):
        for how in ("std", "skew", "sum", "slope"):
            a, b = (compute(f"ts_{how}(x, {window})", x=v) for v in (x, spiked))
            assert_array_equal(a[10 + window :], b[10 + window :])


def test_infinite_cells_are_missing() -> None:
    x = [1.0, np.inf, 3.0, -np.inf]
    for how, wanted in (("mean", [1.0, 1.0, 2.0, 3.0]), ("max", [1.0, 1.0, 3.0, 3.0])):
        found = compute(f"ts_{how}(x, {3 if how == 'mean' else 2})", x=x, convention="qlib")
        assert_array_equal(found, wanted)


EVERY_WINDOW = (
    *(f"ts_{h}(x, W)" for h in ("sum", "mean", "product", "min", "max", "std", "zscore")),
    *(f"ts_{h}(x, W)" for h in ("skew", "kurt", "slope", "rsquare", "residual", "mad")),
    *(f"ts_{h}(x, y, W)" for h in ("cov", "corr", "beta", "regression_residual")),
    *(f"ts_{h}(x, W)" for h in ("rank", "argmax", "idxmin", "known", "median", "decay_linear")),
    *("ts_decay_exp(x, W, 0.8)", "ts_quantile(x, W, 0.3)", "ts_qlib_wma(x, W)"),
)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1000),
    window=st.integers(4, 70),
    rows=st.integers(1, 420),
    cut=st.integers(0, 420),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_a_window_depends_on_its_own_rows_bit_for_bit(
    seed: int, window: int, rows: int, cut: int, dtype: str
) -> None:
    """Cutting what follows, or what lies before the window, changes not a bit."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 5))
    x[rng.random(x.shape) < 0.2] = np.nan
    y = np.roll(x, 1, axis=1)
    cut = cut % rows
    for template in EVERY_WINDOW:
        text = template.replace("W", str(window))
        whole = compute(text, x=x, y=y, dtype=dtype)
        early = compute(text, x=x[: cut + 1], y=y[: cut + 1], dtype=dtype)
        late = compute(text, x=x[cut:], y=y[cut:], dtype=dtype)
        assert early.tobytes() == whole[: cut + 1].tobytes(), text
        assert late[window - 1 :].tobytes() == whole[cut + window - 1 :].tobytes(), text
