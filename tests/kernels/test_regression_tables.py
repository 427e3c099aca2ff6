"""The fast way through a date, by tables of group sums: least squares, and what must not change its bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from superhet.kernels import cross_rows, regression_tables
from superhet.kernels.regression import residual as careful
from superhet.kernels.regression_planes import planes_of
from superhet.kernels.regression_products import LANES, add_by_group, gram

QUICK = settings(deadline=None, max_examples=25)
GROUPS, NAMES = 7, 301


def market(seed=3, signals=3, k=11, rows=4, dtype=np.float64):
    """Make signals, members, industries with an unknown one, and exposures with levels of their own."""
    rng = np.random.default_rng(seed)
    shape = (rows, NAMES)
    x = rng.standard_normal((signals, *shape)) + 3.0
    x[rng.random(x.shape) < 0.05] = np.nan
    z = rng.standard_normal((k, *shape)) + np.arange(k)[:, None, None]
    z[:1][rng.random(z[:1].shape) < 0.04] = np.nan
    z[1:2, :, 5] = np.inf
    return (
        x.astype(dtype),
        rng.random(shape) < 0.85,
        rng.integers(-1, GROUPS, shape).astype(np.int32),
        z.astype(dtype),
    )


def residuals(x, inside, codes, z):
    out = np.full(x.shape, 77.0, dtype=x.dtype)
    cross_rows.residual_many(x, inside, codes, z, out)
    return out


def least_squares(y, inside, codes, z):
    """The same with every column built and solved by singular values."""
    found = np.full(y.shape, np.nan)
    for t in range(len(y)):
        known = np.isfinite(y[t]) & np.isfinite(z[:, t]).all(axis=0)
        columns = np.hstack([codes[t][:, None] == np.arange(-1, GROUPS), z[:, t].T]).astype(float)
        fit = known & inside[t]
        slopes = np.linalg.lstsq(columns[fit], y[t, fit].astype(float), rcond=None)[0]
        found[t, known] = y[t, known] - columns[known] @ slopes
    return found


@pytest.mark.parametrize("k", [1, 2, 3, 5, 6, 7, 11, 13])
@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-11), (np.float32, 1e-5)])
def test_residuals_of_many_signals_are_those_of_dense_least_squares(k, dtype, error):
    x, inside, codes, z = market(k=k, dtype=dtype)
    for y, found in zip(x, residuals(x, inside, codes, z), strict=True):
        wanted = least_squares(y, inside, codes, z.astype(float))
        assert_array_equal(np.isnan(found), np.isnan(wanted))
        assert_allclose(found, wanted, atol=error)


def test_the_tables_give_what_ordering_the_date_gives():
    x, inside, codes, z = market()
    for y, found in zip(x, residuals(x, inside, codes, z), strict=True):
        assert_allclose(found, careful(y, codes, z, inside=inside), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_signal_gets_the_bytes_that_it_gets_alone(dtype):
    x, inside, codes, z = market(signals=2 * regression_tables.BATCH + 1, dtype=dtype)
    x[1, :, ::2] = np.nan  # lacks so much that it is done on its own
    x[2] = np.nan
    together = residuals(x, inside, codes, z)
    for y, found in zip(x, together, strict=True):
        assert residuals(y[None], inside, codes, z)[0].tobytes() == found.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bytes_do_not_depend_on_other_dates_or_on_where_rows_lie(dtype):
    x, inside, codes, z = market(dtype=dtype)
    codes[2] = np.minimum(codes[2], 3)  # alone it has fewer groups than beside the others
    whole = residuals(x, inside, codes, z)
    for t in range(len(codes)):
        one = slice(t, t + 1)
        alone = residuals(x[:, one], inside[one], codes[one], z[:, one])
        assert alone.tobytes() == whole[:, one].tobytes()
    wide = [np.full((len(a), 4, NAMES + 20), 5.0, dtype=dtype) for a in (x, z, x)]
    for padded, values in zip(wide, (x, z, x), strict=True):
        padded[:, :, 9 : 9 + NAMES] = values
    signals, exposures, out = ([*a[:, :, 9 : 9 + NAMES]] for a in wide)
    cross_rows.residual_many(signals, inside, codes, exposures, out)
    assert np.stack(out).tobytes() == whole.tobytes()
    assert (wide[2][:, :, :9] == 5.0).all()
    assert (wide[2][:, :, 9 + NAMES :] == 5.0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_name_alone_in_its_industry_gets_exactly_zero(dtype):
    x, inside, codes, z = market(dtype=dtype)
    x[:, :, 40], z[:, :, 40] = 0.1, 0.3
    codes[:, 40], inside[:, 40] = GROUPS, True
    assert_array_equal(residuals(x, inside, codes, z)[:, :, 40], 0.0)


def test_names_outside_a_group_of_one_are_measured_by_it():
    x = np.array([[[1.0, 4.0, 1.0, 2.0, 6.0]]])
    inside = np.array([[True, False, True, True, True]])
    z = np.array([[[0.0, 1.0, 0.0, 1.0, 2.0]]])
    found = residuals(x, inside, np.array([[0, 0, 1, 1, 1]]), z)
    assert_allclose(found, [[[0.0, 0.5, 0.5, -1.0, 0.5]]], atol=1e-14)  # slope 2.5


@pytest.mark.parametrize(
    "column",
    [
        lambda z, codes: np.full(codes.shape, 23.7),
        lambda z, codes: 2.0 * z[3] - 3.0,
        lambda z, codes: z[3] - z[4],
        lambda z, codes: codes * 1.5,
        lambda z, codes: (codes == 2) * 1.0,
        lambda z, codes: np.zeros(codes.shape),
    ],
    ids=["constant", "copy", "difference", "by industry", "dummy", "zeros"],
)
@pytest.mark.parametrize("place", [0, 4, 11])
def test_a_collinear_exposure_changes_nothing_wherever_it_stands(column, place):
    x, inside, codes, z = market()
    more = np.insert(z, place, column(z, codes), axis=0)
    assert_allclose(residuals(x, inside, codes, more), residuals(x, inside, codes, z), atol=1e-10)


@pytest.mark.parametrize("level", [1e3, 1e6])
def test_an_exposure_far_from_zero_is_the_same_exposure(level):
    x, inside, codes, z = market()
    far = z + level
    assert_allclose(
        residuals(x, inside, codes, far), residuals(x, inside, codes, z), atol=1e-13 * level
    )


def test_a_planted_portfolio_of_exposures_leaves_nothing():
    _, inside, codes, z = market()
    planted = np.tensordot(np.linspace(-2.0, 2.0, 11), z, axes=1) + 0.5 * codes
    found = residuals(planted[None], inside, codes, z)[0]
    known = np.isfinite(z).all(axis=0)
    assert_allclose(found[known], 0.0, atol=1e-12)
    assert np.isnan(found[~known]).all()


@QUICK
@given(st.integers(0, 2**31), st.integers(1, 8))
def test_residuals_move_with_a_permutation_of_the_names(seed, k):
    x, inside, codes, z = market(seed, k=k, rows=2)
    order = np.random.default_rng(seed).permutation(NAMES)
    moved = residuals(x[..., order], inside[:, order], codes[:, order], z[..., order])
    assert_allclose(moved, residuals(x, inside, codes, z)[..., order], atol=1e-11)


@QUICK
@given(st.integers(0, 2**31), st.integers(1, 14), st.integers(0, 40))
def test_products_and_group_sums_are_those_of_numpy(seed, k, cells):
    rng = np.random.default_rng(seed)
    for dtype in (np.float32, np.float64):
        rows = -(-k // LANES) * LANES
        q, places = rng.standard_normal((rows, cells)).astype(dtype), rng.integers(0, 5, cells)
        found, sums = np.zeros((k, k)), np.zeros((LANES, 5, rows))
        gram(q, cells, found)
        add_by_group(q, places.astype(np.uint32), sums)
        double = q.astype(float)
        assert_allclose(np.tril(found), np.tril(double[:k] @ double[:k].T), atol=1e-12)
        wanted = [np.bincount(places, row, minlength=5) for row in double]
        assert_allclose(sums.sum(axis=0).T, wanted, atol=1e-12)


def test_planes_that_do_not_fit_are_refused():
    like = np.empty(5, dtype=np.float32)
    for array in (np.empty((3, 5)), np.empty((3, 4), np.float32), np.empty((5, 3), np.float32).T):
        with pytest.raises(ValueError, match="expected 3 rows of 5 float32 that lie side by side"):
            planes_of([array], 3, like)
