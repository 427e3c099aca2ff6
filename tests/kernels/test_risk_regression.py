"""Cross-section regression of the risk model: identities, other roads to the same numbers, bad dates."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from superhet.kernels.risk_regression import pure_portfolios, regress_dates
from superhet.kernels.risk_regression_date import CLEAR

PEERS = Path(__file__).parents[2] / ".peers"
J, K, N = 6, 3, 150


def day(seed=0, dates=3, assets=N, industries=J, styles=K):
    """Returns, styles, codes and capitalisations."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((styles, dates, assets))
    codes = np.tile(rng.integers(0, industries, assets).astype(np.int32), (dates, 1))
    caps = np.exp(rng.normal(22.0, 1.4, (dates, assets)))
    r = 0.002 * x.sum(axis=0) + 0.01 * rng.standard_normal(industries)[codes]
    return r + 0.02 * rng.standard_normal((dates, assets)), x, codes, caps


def design(x, codes, industries=J):
    """Columns of ones, industries and styles, [assets, 1 + J + K]."""
    return np.column_stack([np.ones(codes.size), np.eye(industries)[codes], x.T])


def textbook(r, x, codes, caps, dropped, industries=J):
    """Omega = R (R'X'VXR)^-1 R'X'V with the restriction matrix R that replaces one industry."""
    X, v = design(x, codes, industries), np.sqrt(caps)
    s = np.bincount(codes, caps, industries) / caps.sum()
    kept = [i for i in range(X.shape[1]) if i != 1 + dropped]
    R = np.eye(X.shape[1])[:, kept]
    for column, i in enumerate(kept):
        if 1 <= i <= industries:
            R[1 + dropped, column] = -s[i - 1] / s[dropped]
    inner = R.T @ (X.T * v) @ X @ R
    omega = R @ np.linalg.solve(inner, R.T @ X.T * v)
    f = omega @ r
    u = r - X @ f
    variance = (v * u * u).sum() / (r.size - len(kept))
    deviation = np.sqrt(np.diag(R @ np.linalg.inv(inner) @ R.T) * variance)
    return f, u, f / deviation, omega


@pytest.mark.parametrize("dropped", range(J))
def test_whatever_industry_the_textbook_drops_the_factor_returns_are_ours(dropped):
    r, x, codes, caps = day()
    found = regress_dates(r, x, codes, caps, None, J, thin=1)
    for t in range(len(r)):
        f, u, t_values, omega = textbook(r[t], x[:, t], codes[t], caps[t], dropped)
        assert_allclose(found.f[t], f, atol=1e-13)
        assert_allclose(found.residual[t], u, atol=1e-13)
        assert_allclose(found.t[t], t_values, rtol=1e-9)
        ours = pure_portfolios(x[:, t], codes[t], caps[t], np.ones(N, bool), J, thin=1)
        assert_allclose(ours, omega, atol=1e-13)


def test_identities_hold_to_ten_digits_on_every_date():
    r, x, codes, caps = day(1, dates=20)
    found = regress_dates(r, x, codes, caps, None, J)
    assert found.identity_error.max() < 1e-12
    for t in range(len(r)):
        X, v = design(x[:, t], codes[t]), np.sqrt(caps[t])
        assert_allclose(X @ found.f[t] + found.residual[t], r[t], atol=1e-14)
        scale = np.sqrt((X.T**2 @ v) * (v @ r[t] ** 2))
        assert (np.abs(X.T @ (v * found.residual[t])) < 1e-12 * scale).all()
        assert abs(found.shares[t] @ found.f[t, 1 : 1 + J]) < 1e-14


def test_pure_portfolios_have_one_exposure_and_add_up():
    r, x, codes, caps = day(2)
    found = regress_dates(r, x, codes, caps, None, J)
    omega = pure_portfolios(x[:, 0], codes[0], caps[0], np.ones(N, bool), J)
    assert_allclose(omega @ r[0], found.f[0], atol=1e-13)
    exposure = omega @ design(x[:, 0], codes[0])
    assert_allclose(omega[0].sum(), 1.0)  # the country
    assert_allclose(exposure[0, 1 : 1 + J], found.shares[0])
    assert_allclose(exposure[1 + J :, 1 + J :], np.eye(K), atol=1e-12)  # styles: one to itself
    assert_allclose(exposure[: 1 + J, 1 + J :], 0.0, atol=1e-12)
    assert_allclose(exposure[1 + J :, : 1 + J], 0.0, atol=1e-12)  # no net weight in any industry
    own = np.eye(J) - found.shares[0]  # an industry: long it, short the country
    assert_allclose(exposure[1 : 1 + J, 1 : 1 + J], own, atol=1e-12)


def test_country_return_is_the_market_where_weights_are_capitalisation():
    r, x, codes, caps = day(3)
    caps = caps**2  # the regression weight is the root: here the first capitalisation
    share = np.sqrt(caps) / np.sqrt(caps).sum(axis=1, keepdims=True)
    x = x - (x * share).sum(axis=2, keepdims=True)
    found = regress_dates(r, x, codes, caps, None, J, thin=1)
    a = found.f[:, :1] + found.f[:, 1 : 1 + J]  # of industries before the constraint
    by_weight = np.array([np.bincount(c, s, J) for c, s in zip(codes, share, strict=True)])
    assert_allclose((by_weight * a).sum(axis=1), (share * r).sum(axis=1), atol=1e-14)


def test_statsmodels_weighted_least_squares_gives_the_same():
    sm = pytest.importorskip("statsmodels.api")
    r, x, codes, caps = day(4, dates=1)
    s = np.bincount(codes[0], caps[0], J) / caps[0].sum()
    X = design(x[:, 0], codes[0])
    free = X[:, 1:J] - X[:, J : J + 1] * (s[: J - 1] / s[J - 1])  # the last industry substituted
    columns = np.column_stack([X[:, :1], free, X[:, 1 + J :]])
    theirs = sm.WLS(r[0], columns, weights=np.sqrt(caps[0])).fit()
    found = regress_dates(r, x, codes, caps, None, J, thin=1)
    ours = np.delete(found.f[0], J)
    assert_allclose(ours, theirs.params, atol=1e-13)
    assert_allclose(np.delete(found.t[0], J), theirs.tvalues, rtol=1e-9)
    assert_allclose(found.r2_centred[0], theirs.rsquared, rtol=1e-10)
    uncentred = 1.0 - theirs.ssr / theirs.uncentered_tss
    assert_allclose(found.r2[0], uncentred, rtol=1e-10)


def test_variance_inflation_is_that_of_a_regression_of_the_style_on_the_rest():
    r, x, codes, caps = day(5, dates=1)
    x[1] = 0.8 * x[0] + 0.6 * x[1]
    found = regress_dates(r, x, codes, caps, None, J, thin=1)
    X, root = design(x[:, 0], codes[0])[:, 1:], caps[0] ** 0.25
    for k in range(K):
        rest = np.delete(X, J + k, axis=1)
        slopes = np.linalg.lstsq(rest * root[:, None], x[k, 0] * root, rcond=None)[0]
        left = np.sum((root * (x[k, 0] - rest @ slopes)) ** 2)
        mean = np.average(x[k, 0], weights=root**2)
        assert_allclose(found.vif[0, k], np.sum((root * (x[k, 0] - mean)) ** 2) / left)


def test_single_precision_planes_of_any_place_and_a_lag_give_the_same():
    r, x, codes, caps = day(6, dates=5)
    single = x.astype(np.float32)
    whole = regress_dates(r, single.astype(np.float64), codes, caps, None, J)
    planes = [np.array(style) for style in single]
    assert_array_equal(regress_dates(r, planes, codes, caps, None, J).f, whole.f)
    lagged = regress_dates(r, x, codes, caps, None, J, lag=1)
    moved = regress_dates(r[1:], x[:, :-1], codes[:-1], caps[:-1], None, J)
    assert_array_equal(lagged.f[1:], moved.f)
    assert np.isnan(lagged.f[0]).all()
    assert np.isnan(lagged.residual[0]).all()


def test_each_date_stands_alone():
    r, x, codes, caps = day(7, dates=6)
    whole = regress_dates(r, x, codes, caps, None, J)
    for t in range(6):
        one = slice(t, t + 1)
        alone = regress_dates(r[one], x[:, one], codes[one], caps[one], None, J)
        assert_array_equal(alone.f[0], whole.f[t])
        assert_array_equal(alone.residual[0], whole.residual[t])


def test_names_left_out_are_as_if_not_there():
    r, x, codes, caps = day(8)
    codes, caps, inside = codes.copy(), caps.copy(), np.ones(r.shape, bool)
    r[0, 3], codes[0, 5], inside[0, 7], x[1, 0, 9] = np.nan, -1, False, np.nan
    caps[0, 11], caps[0, 13] = 0.0, np.nan
    found = regress_dates(r, x, codes, caps, inside, J, thin=1)
    kept = np.delete(np.arange(N), [3, 5, 7, 9, 11, 13])
    f, u, _, _ = textbook(r[0, kept], x[:, 0, kept], codes[0, kept], caps[0, kept], 0)
    assert_allclose(found.f[0], f, atol=1e-13)
    assert_allclose(found.residual[0, kept], u, atol=1e-13)
    assert found.names[0] == N - 6
    assert found.without_cap[0] == 2
    # outside the estimation universe, or without capitalisation, a name still has a specific return
    expected = (
        r[0, 7] - found.f[0, 0] - found.f[0, 1 + codes[0, 7]] - x[:, 0, 7] @ found.f[0, 1 + J :]
    )
    assert_allclose(found.residual[0, 7], expected, atol=1e-14)
    assert np.isnan(found.residual[0, [3, 5, 9]]).all()
    assert not np.isnan(found.residual[0, [11, 13]]).any()


def test_a_date_with_too_few_names_has_no_factor_returns():
    r, x, codes, caps = day(9, dates=2, assets=60, industries=2, styles=2)
    r[0, 19:] = np.nan
    found = regress_dates(r, x, codes, caps, None, 2)
    assert np.isnan(found.f[0]).all()
    assert np.isnan(found.residual[0]).all()
    assert found.names.tolist() == [19, 60]
    assert not np.isnan(found.f[1]).any()


def test_a_collinear_style_is_marked_by_its_place_and_left_out():
    r, x, codes, caps = day(10)
    x = np.concatenate([x, 2.0 * x[:1] - 0.3 * x[1:2] + 1.0])  # the user's factor says nothing new
    found = regress_dates(r, x, codes, caps, None, J)
    assert found.collinear.tolist() == [[False] * K + [True]] * 3
    assert np.isnan(found.f[:, -1]).all()
    assert np.isinf(found.vif[:, -1]).all()
    without = regress_dates(r, x[:K], codes, caps, None, J)
    assert_allclose(found.f[:, :-1], without.f, atol=1e-13)
    assert_allclose(found.residual, without.residual, atol=1e-12)


def test_a_style_that_only_tells_industries_apart_is_collinear():
    r, x, codes, caps = day(11)
    x[1] = np.arange(J)[codes] * 0.5
    found = regress_dates(r, x, codes, caps, None, J)
    assert found.collinear.tolist() == [[False, True, False]] * 3
    assert CLEAR < 1e-6


def test_a_style_far_from_zero_loses_no_digits():
    r, x, codes, caps = day(12)
    moved = x.copy()
    moved[2] = np.round(moved[2] * 2**20) / 2**20  # so that adding a million is exact
    plain = regress_dates(r, moved, codes, caps, None, J)
    moved[2] += 2.0**20
    found = regress_dates(r, moved, codes, caps, None, J)
    assert_allclose(found.f[:, 1:], plain.f[:, 1:], atol=1e-12)
    assert_allclose(found.t[:, 1:], plain.t[:, 1:], rtol=1e-8)
    assert_allclose(found.vif, plain.vif, rtol=1e-9)


def test_a_style_not_known_at_all_costs_nothing_but_itself():
    r, x, codes, caps = day(13)
    x[1, 0] = np.nan
    found = regress_dates(r, x, codes, caps, None, J)
    without = regress_dates(r, x[[0, 2]], codes, caps, None, J)
    assert_allclose(np.delete(found.f[0], 2 + J), without.f[0], atol=1e-14)
    assert np.isnan(found.f[0, 2 + J])
    assert np.isnan(found.vif[0, 1])
    assert not found.collinear[0].any()
    assert not np.isnan(found.f[1:]).any()


def test_an_industry_without_names_has_no_return_and_no_say():
    r, x, codes, caps = day(14)
    codes = np.where(codes == 2, 3, codes)
    found = regress_dates(r, x, codes, caps, None, J)
    assert np.isnan(found.f[:, 3]).all()
    assert_array_equal(found.shares[:, 2], 0.0)
    packed = np.where(codes > 2, codes - 1, codes)
    assert_allclose(
        np.delete(found.f, 3, axis=1), regress_dates(r, x, packed, caps, None, J - 1).f, atol=1e-14
    )


@pytest.mark.parametrize("names", [1, 2, 4])
def test_a_thin_industry_leans_on_the_market_as_the_rule_says(names):
    r, x, codes, caps = day(15, dates=1)
    codes[0, codes[0] == 4] = 0
    codes[0, :names] = 4
    found = regress_dates(r, x, codes, caps, None, J, thin=5)
    # the rule by hand: 5 - n more names with the mean weight, the market's return and styles, no cap
    share, v = caps[0] / caps[0].sum(), np.sqrt(caps[0])
    more = 5 - names
    every = np.vstack([design(x[:, 0], codes[0]), np.zeros((more, 1 + J + K))])
    every[N:, [0, 5]] = 1.0
    every[N:, 1 + J :] = x[:, 0] @ share
    y = np.concatenate([r[0], np.full(more, r[0] @ share)])
    w = np.concatenate([v, np.full(more, v[:names].mean())])
    root = np.sqrt(w)[:, None]
    slopes = np.linalg.lstsq(every * root, y * root[:, 0], rcond=None)[0]
    a = slopes[0] + slopes[1 : 1 + J]
    s = np.bincount(codes[0], caps[0], J) / caps[0].sum()
    assert_allclose(found.f[0, 0], s @ a, atol=1e-13)
    assert_allclose(found.f[0, 1 : 1 + J], a - s @ a, atol=1e-13)
    assert_allclose(found.f[0, 1 + J :], slopes[1 + J :], atol=1e-13)
    assert found.identity_error[0] < 1e-12
    omega = pure_portfolios(x[:, 0], codes[0], caps[0], np.ones(N, bool), J, thin=5)
    assert_allclose(omega @ r[0], found.f[0], atol=1e-13)
    alone = regress_dates(r, x, codes, caps, None, J, thin=1)
    assert abs(found.f[0, 5]) < abs(alone.f[0, 5]) or names == 4


def test_huber_weights_shrug_off_outliers_and_keep_good_data():
    r, x, codes, caps = day(16, dates=1, assets=400)
    truth = regress_dates(r, x, codes, caps, None, J).f[0]
    bad = r.copy()
    bad[0, ::40] += 0.5
    plain = regress_dates(bad, x, codes, caps, None, J).f[0]
    robust = regress_dates(bad, x, codes, caps, None, J, robust=1.345)
    assert np.abs(robust.f[0] - truth).max() < 0.3 * np.abs(plain - truth).max()
    weights = robust.robust_weights[0]
    assert (weights[::40] < 0.25).all()
    # the fixed point: least squares with these weights, which are those of its residuals
    e = np.abs(robust.residual[0]) * caps[0] ** 0.25
    bound = 1.345 * 1.482602218505602 * np.median(e)
    assert_allclose(weights, np.minimum(1.0, bound / e), atol=1e-5)
    wide = regress_dates(r, x, codes, caps, None, J, robust=1e6)
    assert_allclose(wide.f[0], truth, atol=1e-14)


def test_returns_that_are_all_zero_give_zero():
    r, x, codes, caps = day(17, dates=1)
    found = regress_dates(0.0 * r, x, codes, caps, None, J)
    assert_array_equal(found.f, 0.0)
    assert found.identity_error[0] == 0.0


def test_toraniko_is_matched_on_its_own_definition(tmp_path):
    """toraniko: sectors by plain weights that add up to zero, then styles on what sectors leave."""
    import json
    import subprocess

    if not (PEERS / "toraniko" / ".done").exists():
        pytest.skip("toraniko is not installed; run `make peers`")
    r, x, codes, caps = day(18, dates=4)
    np.savez(tmp_path / "given.npz", returns=r, styles=x, codes=codes[0], caps=caps)
    script = Path(__file__).parents[2] / "benchmarks" / "peers" / "toraniko_returns.py"
    python = PEERS / "toraniko" / "bin" / "python"
    done = subprocess.run(
        [str(python), str(script), "--check", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = np.array(json.loads(done.stdout))
    ours = np.array([toraniko(r[t], x[:, t], codes[t], caps[t]) for t in range(4)])
    assert_allclose(ours, theirs, atol=1e-12)
    assert sys.version_info >= (3, 11)


def toraniko(r, x, codes, caps):
    """Its definition: market, sectors, styles."""
    w = np.sqrt(caps)
    beta = np.eye(J)[codes]
    change = np.vstack([np.eye(J), np.r_[0.0, -np.ones(J - 1)][None]])
    B = np.column_stack([np.ones(r.size), beta]) @ change
    g = np.linalg.solve((B.T * w) @ B, (B.T * w) @ r)
    rest = r - B @ g
    styles = np.linalg.solve((x * w) @ x.T, (x * w) @ rest)
    return np.concatenate([change @ g, styles])
