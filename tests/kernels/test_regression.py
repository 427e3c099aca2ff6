"""The Frisch-Waugh-Lovell residual against explicit one-hot least squares, and its edge cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from superhet.kernels.cross_section import demean_groups, zscore
from superhet.kernels.regression import residual, residual_with_report, slopes


def one_hot_residual(y, groups, exposures, weights, inside):
    """The same by building every column: minimum-norm weighted least squares on the inside cells."""
    found = np.full(y.shape, np.nan)
    for t in range(len(y)):
        known = np.isfinite(y[t]) & np.isfinite(exposures[:, t]).all(axis=0)
        code = groups[t] if groups is not None else np.zeros(y.shape[1], dtype=int)
        hot = (code[:, None] == np.arange(-1, code.max() + 1)).astype(float)
        columns = np.hstack([hot, exposures[:, t].T])
        fit = known & inside[t] & (weights[t] > 0)
        root = np.sqrt(weights[t, fit])[:, None]
        beta = np.linalg.lstsq(columns[fit] * root, y[t, fit] * root[:, 0], rcond=1e-11)[0]
        found[t, known] = y[t, known] - columns[known] @ beta
    return found


@pytest.fixture
def case():
    rng = np.random.default_rng(5)
    shape = (6, 240)
    y = 3.0 * rng.standard_normal(shape) + 2.0
    exposures = rng.standard_normal((3, *shape)) + np.array([0.0, 5.0, -1.0])[:, None, None]
    y[rng.random(shape) < 0.08] = np.nan
    exposures[1][rng.random(shape) < 0.05] = np.nan
    groups = rng.integers(-1, 8, shape)
    return y, groups, exposures, rng.random(shape) + 0.1, rng.random(shape) < 0.8


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_residual_equals_explicit_one_hot_least_squares(case, grouped, weighted):
    y, groups, exposures, weights, inside = case
    groups = groups if grouped else None
    w = weights if weighted else np.ones_like(weights)
    found = residual(y, groups, exposures, weights if weighted else None, inside)
    wanted = one_hot_residual(y, groups, exposures, w, inside)
    assert_array_equal(np.isnan(found), np.isnan(wanted))
    assert_allclose(found, wanted, atol=1e-12)


def test_residual_is_orthogonal_to_every_group_and_exposure_in_its_weights(case):
    y, groups, exposures, weights, inside = case
    found = residual(y, groups, exposures, weights, inside)
    held = np.nan_to_num(found * weights * inside)
    for code in range(-1, 8):
        assert_allclose((held * (groups == code)).sum(axis=1), 0.0, atol=1e-12)
    for exposure in np.nan_to_num(exposures):
        assert_allclose((held * exposure).sum(axis=1), 0.0, atol=1e-12)


def test_slopes_are_those_of_the_dummy_regression(case):
    y, groups, exposures, _, _ = case
    found = slopes(y, exposures, groups)
    for t in range(len(y)):
        known = np.isfinite(y[t]) & np.isfinite(exposures[:, t]).all(axis=0)
        hot = (groups[t, known, None] == np.arange(-1, 8)).astype(float)
        columns = np.hstack([hot, exposures[:, t, known].T])
        beta = np.linalg.lstsq(columns, y[t, known], rcond=None)[0]
        assert_allclose(found[t], beta[-3:], atol=1e-12)


def test_one_exposure_is_two_demeanings_and_one_slope(case):
    y, groups, exposures, _, _ = case
    size = exposures[0]
    y = np.where(np.isnan(size), np.nan, y)
    a = demean_groups(y, groups)
    b = demean_groups(np.where(np.isnan(y), np.nan, size), groups)
    slope = np.nansum(a * b, axis=1) / np.nansum(b * b, axis=1)
    assert_allclose(residual(y, groups, size[None]), a - slope[:, None] * b, atol=1e-12)


def test_without_exposures_the_residual_is_the_group_demeaned_value(case):
    y, groups, _, weights, inside = case
    nothing = np.empty((0, *y.shape))
    assert_allclose(
        residual(y, groups, nothing, weights, inside),
        demean_groups(y, groups, weights, inside),
        atol=1e-12,
    )


def test_a_copy_of_a_column_is_dropped_and_reported_and_changes_nothing(case):
    y, groups, exposures, weights, inside = case
    doubled = np.concatenate([exposures, 2.0 * exposures[:1] - 3.0])
    found, report = residual_with_report(y, groups, doubled, weights, inside)
    assert report.kept[:, :3].all()
    assert not report.kept[:, 3].any()
    assert_array_equal(report.slopes[:, 3], 0.0)
    assert_allclose(found, residual(y, groups, exposures, weights, inside), atol=1e-13)


def test_a_sum_of_two_columns_is_dropped_as_well(case):
    y, groups, exposures, _, _ = case
    extended = np.concatenate([exposures, (exposures[0] - exposures[2])[None]])
    report = residual_with_report(y, groups, extended)[1]
    assert_array_equal(report.kept, np.tile([True, True, True, False], (6, 1)))


def test_an_exposure_that_groups_explain_is_dropped(case):
    y, groups, _, _, _ = case
    beside = groups.astype(float)[None]  # constant within each group
    found, report = residual_with_report(y, groups, beside)
    assert not report.kept.any()
    assert_allclose(found, demean_groups(y, groups), atol=1e-12)


@pytest.mark.parametrize("level", [0.0, 1.0, 23.7])
def test_a_constant_size_is_dropped_whatever_its_level(case, level):
    y, groups, _, _, _ = case
    found, report = residual_with_report(y, groups, np.full((1, *y.shape), level))
    assert not report.kept.any()
    assert_allclose(found, demean_groups(y, groups), atol=1e-12)


def test_an_intercept_column_beside_one_hot_groups_is_dropped(case):
    y, groups, exposures, _, _ = case
    with_intercept = np.concatenate([np.ones((1, *y.shape)), exposures])
    found, report = residual_with_report(y, groups, with_intercept)
    assert_array_equal(report.kept, np.tile([False, True, True, True], (6, 1)))
    assert_array_equal(found, residual(y, groups, exposures))


def test_two_names_of_equal_size_in_one_industry_do_not_break_the_others():
    y = np.array([[1.0, 3.0, 1.0, 2.0, 4.0]])
    groups = np.array([[0, 0, 1, 1, 1]])
    size = np.array([[[5.0, 5.0, 0.0, 1.0, 2.0]]])
    found, report = residual_with_report(y, groups, size)
    assert report.kept.all()
    assert report.slopes[0, 0] == pytest.approx(1.5)  # from industry 1 alone
    assert_allclose(found, [[-1.0, 1.0, 1 / 6, -1 / 3, 1 / 6]], atol=1e-14)


def test_a_name_alone_in_its_industry_gets_exactly_zero_and_is_counted():
    y = np.array([[0.1, 1.0, 2.0, 4.0]])
    found, report = residual_with_report(
        y, np.array([[3, 0, 0, 0]]), np.array([[[0.3, 1.0, 2.0, 3.0]]]), np.array([[0.7] * 4])
    )
    assert found[0, 0] == 0.0
    assert report.alone[0] == 1


def test_the_unknown_industry_is_fitted_as_a_group():
    y = np.array([[1.0, 2.0, 5.0, 9.0]])
    found = residual(y, np.array([[0, 0, -1, -1]]), np.empty((0, 1, 4)))
    assert_array_equal(found, [[-0.5, 0.5, -2.0, 2.0]])


def test_infinite_values_and_exposures_are_not_known(case):
    y, groups, exposures, _, _ = case
    y, exposures = y.copy(), exposures.copy()
    y[:, 0], exposures[2, :, 1] = np.inf, -np.inf
    found = residual(y, groups, exposures)
    assert np.isnan(found[:, :2]).all()
    without = residual(y[:, 2:], groups[:, 2:], exposures[:, :, 2:])
    assert_allclose(found[:, 2:], without, atol=1e-12)


def test_single_precision_input_is_accumulated_in_double(case):
    y, groups, exposures, weights, inside = case
    single = [a.astype(np.float32) for a in (y, exposures, weights)]
    double = [a.astype(np.float64) for a in single]
    assert_array_equal(
        residual(single[0], groups, single[1], single[2], inside),
        residual(double[0], groups, double[1], double[2], inside),
    )


def test_rows_without_a_fitted_cell_are_not_known(case):
    y, groups, exposures, _, inside = case
    y, inside = y.copy(), inside.copy()
    y[0], inside[1] = np.nan, False
    found, report = residual_with_report(y, groups, exposures, inside=inside)
    assert np.isnan(found[:2]).all()
    assert np.isnan(report.slopes[:2]).all()
    assert_array_equal(report.fitted[:2], 0)
    assert np.isfinite(found[2:]).any(axis=1).all()


def test_names_without_weight_are_transformed_but_not_fitted(case):
    y, groups, exposures, weights, _ = case
    weights = weights.copy()
    weights[:, :40] = 0.0
    weights[:, 40:50] = np.nan
    inside = np.ones(y.shape, dtype=bool)
    inside[:, :50] = False
    assert_array_equal(
        residual(y, groups, exposures, weights),
        residual(y, groups, exposures, np.nan_to_num(weights, nan=1.0), inside),
    )


def test_a_planted_slope_is_found_again(case):
    _, groups, exposures, _, _ = case
    planted = np.array([0.5, -2.0, 1.25])
    y = np.tensordot(planted, exposures, axes=1) + groups
    found, report = residual_with_report(y, groups, exposures)
    assert_allclose(report.slopes, np.tile(planted, (6, 1)), atol=1e-12)
    assert_allclose(found[~np.isnan(found)], 0.0, atol=1e-12)


def test_shapes_that_do_not_fit_are_refused(case):
    y, groups, exposures, _, _ = case
    with pytest.raises(ValueError, match=r"must be \[T, N\] and \[K, T, N\]"):
        residual(y, groups, exposures[0])
    with pytest.raises(ValueError, match="groups has shape"):
        residual(y, groups[:1], exposures)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.floats(1e-3, 1e3))
def test_residual_scales_with_the_signal_and_moves_with_the_names(seed, scale):
    rng = np.random.default_rng(seed)
    y, groups = rng.standard_normal((2, 40)), rng.integers(-1, 4, (2, 40))
    size = zscore(rng.standard_normal((2, 40)))[None]
    found, order = residual(y, groups, size), rng.permutation(40)
    assert_allclose(residual(scale * y, groups, size), scale * found, atol=1e-11 * scale)
    assert_allclose(
        residual(y[:, order], groups[:, order], size[:, :, order]), found[:, order], atol=1e-12
    )
    assert_allclose(residual(y, groups, 7.0 * size + 3.0), found, atol=1e-11)
