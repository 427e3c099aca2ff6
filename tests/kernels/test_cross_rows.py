"""The row kernels of the factor engine against plain loops, and what must not change their bytes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from superhet.kernels import cross_rows as rows
from superhet.kernels import cross_section, regression

QUICK = settings(deadline=None, max_examples=25)
MAD_TO_STD = 1.482602218505602

# name -> kernel(x, inside, codes, out); those of a group come after those of a row
ROW = {
    "rank": lambda x, i, c, o: rows.rank_pct(x, i, o),
    "bucket": lambda x, i, c, o: rows.bucket(x, i, 4, o),
    "zscore": lambda x, i, c, o: rows.zscore(x, i, o),
    "demean": lambda x, i, c, o: rows.demean(x, i, o),
    "scale": lambda x, i, c, o: rows.scale(x, i, o),
    "winsorize": lambda x, i, c, o: rows.winsorize(x, i, 0.1, o),
    "median_clip": lambda x, i, c, o: rows.median_clip(x, i, 1.5, o),
    "median_clip_zscore": lambda x, i, c, o: rows.median_clip_zscore(x, i, 1.5, o),
    "mean": lambda x, i, c, o: rows.statistic(x, i, "mean", o),
    "median": lambda x, i, c, o: rows.statistic(x, i, "median", o),
    "std": lambda x, i, c, o: rows.statistic(x, i, "std", o),
    "sum": lambda x, i, c, o: rows.statistic(x, i, "sum", o),
}
GROUP = {
    "group_rank": rows.group_rank_pct,
    "group_bucket": lambda x, i, c, o: rows.group_bucket(x, i, c, 3, o),
    "group_zscore": rows.group_zscore,
    "group_demean": rows.group_demean,
    "group_mean": rows.group_mean,
    "group_scale": rows.group_scale,
    "group_winsorize": lambda x, i, c, o: rows.group_winsorize(x, i, c, 0.1, o),
    "group_median_clip": lambda x, i, c, o: rows.group_median_clip(x, i, c, 1.5, o),
}
ALL = ROW | GROUP


def run(name, x, inside=None, codes=None):
    inside = np.ones(x.shape, dtype=bool) if inside is None else inside
    codes = np.zeros(x.shape, dtype=np.int32) if codes is None else codes
    out = np.full(x.shape, 77.0, dtype=x.dtype)
    ALL[name](x, inside, codes, out)
    return out


def ranks(v, own):
    """Where each value stands among `own`, by counting."""
    r = np.array([(own < a).sum() + 0.5 * ((own == a).sum() + 1) for a in v])
    return np.clip(r, 1, own.size)


def clip_mad(v, own):
    middle = np.median(own)
    reach = 1.5 * MAD_TO_STD * np.median(np.abs(own - middle))
    return np.clip(v, middle - reach, middle + reach) if reach > 0 else v


def zscore(v, own):
    return (v - own.mean()) / own.std() if own.max() > own.min() else np.zeros(v.size)


# name -> values to transform, estimable values -> result; what a single estimable value gives is apart
PLAIN = {
    "rank": lambda v, own: ranks(v, own) / own.size,
    "bucket": lambda v, own: (
        np.floor((ranks(v, own) - 0.5) * 4 / own.size) + 1 if own.size >= 4 else v * np.nan
    ),
    "zscore": lambda v, own: zscore(v, own) if own.size > 1 else v * np.nan,
    "demean": lambda v, own: v - own.mean(),
    "scale": lambda v, own: v / np.abs(own).sum() if own.any() else v * np.nan,
    "winsorize": lambda v, own: (
        np.clip(v, *np.quantile(own, [0.1, 0.9])) if own.size > 1 else v * np.nan
    ),
    "median_clip": lambda v, own: clip_mad(v, own) if own.size > 1 else v * np.nan,
    "median_clip_zscore": lambda v, own: (
        zscore(clip_mad(v, own), clip_mad(own, own)) if own.size > 1 else v * np.nan
    ),
    "mean": lambda v, own: np.full(v.size, own.mean()),
    "median": lambda v, own: np.full(v.size, np.median(own)),
    "std": lambda v, own: np.full(v.size, own.std() if own.size > 1 else np.nan),
    "sum": lambda v, own: np.full(v.size, own.sum()),
    "group_rank": lambda v, own: ranks(v, own) / own.size,
    "group_bucket": lambda v, own: (
        np.floor((ranks(v, own) - 0.5) * 3 / own.size) + 1 if own.size >= 3 else v * np.nan
    ),
    "group_zscore": zscore,
    "group_demean": lambda v, own: v - own.mean(),
    "group_mean": lambda v, own: np.full(v.size, own.mean()),
    "group_scale": lambda v, own: v / np.abs(own).sum() if own.any() else v * np.nan,
    "group_winsorize": lambda v, own: (
        np.clip(v, *np.quantile(own, [0.1, 0.9])) if own.size > 1 else v
    ),
    "group_median_clip": lambda v, own: clip_mad(v, own) if own.size > 1 else v,
}
TO_ALL = {"mean", "median", "std", "sum", "group_mean"}  # missing cells get these, too


def by_loop(name, x, inside, codes):
    x = x.astype(float)
    out = np.full(x.shape, np.nan)
    for t in range(len(x)):
        part = codes[t] if name.startswith("group") else np.zeros(x.shape[1], dtype=int)
        for g in np.unique(part):
            finite = np.isfinite(x[t])
            own = x[t, (part == g) & finite & inside[t]]
            to = (part == g) & (finite | (name in TO_ALL))
            if own.size:
                out[t, to] = PLAIN[name](x[t, to], own)
    return out


@pytest.fixture
def rng():
    return np.random.default_rng(17)


def market(rng, shape=(9, 70)):
    """Signals with ties, holes, infinities and zeros of both signs; members; groups with an unknown one."""
    x = rng.standard_t(3, shape)
    x = np.where(rng.random(shape) < 0.3, x.round(), x)
    x[rng.random(shape) < 0.05] = -0.0
    x[rng.random(shape) < 0.1] = np.nan
    x[rng.random(shape) < 0.02] = np.inf
    x[rng.random(shape) < 0.02] = -np.inf
    x[1] = 0.1  # all equal
    x[2] = np.nan  # nothing known
    x[3, 1:] = np.nan  # one member
    x[4] = 0.0
    inside = rng.random(shape) < 0.7
    inside[3, 0] = True
    inside[5] = False
    codes = rng.integers(-1, 6, shape)
    codes[6] = np.arange(shape[1]) - 1  # everybody alone
    return x, inside, codes


# ---------------------------------------------------------------------------------------- plain loops


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ALL)
def test_each_kernel_is_the_plain_loop(name, dtype, rng):
    x, inside, codes = market(rng)
    x = x.astype(dtype)
    tolerance = (
        {"rtol": 1e-12, "atol": 1e-13} if dtype is np.float64 else {"rtol": 1e-5, "atol": 2e-6}
    )
    found, wanted = run(name, x, inside, codes), by_loop(name, x, inside, codes)
    assert found.dtype == dtype
    assert_allclose(found, wanted, **tolerance)


@pytest.mark.parametrize("name", ["median_clip", "winsorize", "median", "group_median_clip"])
@pytest.mark.parametrize("kind", ["noise", "sorted", "few values", "one outlier", "two levels"])
def test_order_statistics_of_long_rows_are_those_of_numpy(name, kind, rng):
    x = rng.standard_normal((3, 4000))
    if kind == "sorted":
        x.sort(axis=1)
    elif kind == "few values":
        x = x.round()
    elif kind == "one outlier":
        x[:, ::1000] = 1e12
    elif kind == "two levels":
        x = np.where(np.arange(4000) % 31 == 0, 1.0, 2.0) * np.ones((3, 1))
    everybody, codes = np.ones(x.shape, dtype=bool), rng.integers(0, 2, x.shape)
    assert_allclose(run(name, x, everybody, codes), by_loop(name, x, everybody, codes), rtol=1e-12)


@pytest.mark.parametrize("spread", [2.0**-50, 2.0**-24])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_ranks_tell_neighbouring_floats_apart_in_a_long_row(spread, sign, rng):
    x = sign * (1.0 + rng.integers(0, 3000, (2, 3000)) * spread)
    for dtype in (np.float32, np.float64):
        found, row = run("rank", x.astype(dtype)), x.astype(dtype)
        assert_allclose(found, scipy.stats.rankdata(row, axis=1) / 3000, rtol=1e-6)


def test_the_share_of_the_pandas_rank_is_met_to_the_bit(rng):
    x = market(rng)[0]
    x[np.isinf(x)] = np.nan
    assert_array_equal(run("rank", x), pd.DataFrame(x).rank(axis=1, pct=True).to_numpy())


def test_group_ranks_by_hand():
    x = np.array([[3.0, -0.0, 0.0, np.nan, 5.0, 1.0, 9.0]])
    codes = np.array([[0, 0, 0, 0, -1, 2, -1]])
    wanted = [[1.0, 0.5, 0.5, np.nan, 0.5, 1.0, 1.0]]
    assert_array_equal(run("group_rank", x, codes=codes), wanted)


def test_buckets_are_of_equal_size_and_numbered_from_the_lowest(rng):
    x = rng.permutation(100.0 * np.arange(40))[None]
    assert_array_equal(run("bucket", x)[0, np.argsort(x[0])], np.repeat([1.0, 2, 3, 4], 10))


def test_an_outsider_is_measured_by_the_insiders():
    x = np.array([[1.0, 3.0, 11.0]])
    inside = np.array([[True, True, False]])
    assert_array_equal(run("zscore", x, inside), [[-1.0, 1.0, 9.0]])
    assert_array_equal(run("rank", x, inside), [[0.5, 1.0, 1.0]])
    assert_array_equal(run("scale", x, inside), [[0.25, 0.75, 2.75]])
    assert_array_equal(run("winsorize", x, inside), [[1.2, 2.8, 2.8]])


def test_no_zero_comes_out_negative():
    """A name below the mean of a group without deviation scores 0, not -0."""
    x = np.array([[1.0, 2.0, 5.0, 5.0]])
    inside = np.array([[False, True, True, True]])
    found = run("group_zscore", x, inside, np.array([[0, 0, 1, 1]]))
    assert_array_equal(found, 0.0)
    assert not np.signbit(found).any()


# ------------------------------------------------------------------------- the doors for whole panels


def test_the_row_kernels_in_double_precision_are_those_of_the_panels(rng):
    x, inside, codes = market(rng)
    x[np.isinf(x)] = np.nan
    assert_array_equal(run("zscore", x, inside), cross_section.zscore(x, inside))
    assert_array_equal(
        run("winsorize", x, inside), cross_section.winsorize_quantile(x, 0.1, 0.9, inside)
    )
    assert_array_equal(run("median_clip", x, inside), cross_section.clip_mad(x, 1.5, inside))
    assert_array_equal(
        run("group_demean", x, inside, codes), cross_section.demean_groups(x, codes, None, inside)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_and_score_in_one_pass_are_the_two_one_after_the_other(dtype, rng):
    x, inside, _ = market(rng)
    x = x.astype(dtype)
    both = run("zscore", run("median_clip", x, inside), inside)
    assert_array_equal(run("median_clip_zscore", x, inside), both)


# ------------------------------------------------------------------------------------ the same bytes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ALL)
def test_bytes_do_not_depend_on_how_rows_are_split_or_laid_out(name, dtype, rng):
    x, inside, codes = market(rng, (12, 600))
    x, codes = x.astype(dtype), codes.astype(np.int32)
    whole = run(name, x, inside, codes).tobytes()

    split = np.empty_like(x)
    parts = [slice(0, 1), slice(1, 6), slice(6, 12)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda p: ALL[name](x[p], inside[p], codes[p], split[p]), parts))
    assert split.tobytes() == whole

    wide = [np.full((12, 640), 5, a.dtype) for a in (x, inside, codes, x)]
    for padded, values in zip(wide, (x, inside, codes, x), strict=True):
        padded[:, 16:616] = values
        padded.flags.writeable = padded is wide[-1]
    ALL[name](*(a[:, 16:616] for a in wide))
    assert np.ascontiguousarray(wide[-1][:, 16:616]).tobytes() == whole
    assert (wide[-1][:, :16] == 5).all()
    assert (wide[-1][:, 616:] == 5).all()


def test_one_row_of_codes_may_stand_for_all_dates_and_be_of_any_integers(rng):
    x, inside, codes = market(rng)
    one = np.broadcast_to(codes[0].astype(np.int8), x.shape)
    assert_array_equal(
        run("group_demean", x, inside, one),
        run("group_demean", x, inside, np.tile(codes[0], (9, 1))),
    )


def test_what_does_not_fit_is_refused():
    x, inside = np.zeros((2, 3)), np.ones((2, 3), dtype=bool)
    with pytest.raises(ValueError, match=r"shape \(2, 2\), the others have \(2, 3\)"):
        rows.demean(x[:, :2], inside, np.empty((2, 3)))
    with pytest.raises(TypeError, match="must be float32 or float64"):
        rows.demean(x, inside, np.empty((2, 3), dtype=int))
    with pytest.raises(ValueError, match="side by side"):
        rows.demean(x, inside, np.empty((3, 2)).T)


# ------------------------------------------------------------------------------------------ properties


@QUICK
@given(st.integers(0, 2**31))
def test_an_increasing_map_changes_no_rank_and_no_bucket(seed):
    x, inside, codes = market(np.random.default_rng(seed))
    x = x.clip(-1e3, 1e3).round(3)
    for name in ("rank", "bucket", "group_rank", "group_bucket"):
        assert_array_equal(
            run(name, np.arctan(x / 10.0) * 7.0 - 3.0, inside, codes), run(name, x, inside, codes)
        )


@QUICK
@given(st.integers(0, 2**31), st.sampled_from(sorted(ALL)))
def test_results_move_with_a_permutation_of_the_names(seed, name):
    rng = np.random.default_rng(seed)
    x, inside, codes = market(rng)
    order = rng.permutation(x.shape[1])
    moved = run(name, x[:, order], inside[:, order], codes[:, order])
    assert_allclose(moved, run(name, x, inside, codes)[:, order], rtol=1e-12, atol=1e-13)


@QUICK
@given(st.integers(0, 2**31), st.floats(1e-3, 1e3), st.floats(-10, 10))
def test_scores_know_no_unit_and_no_level(seed, unit, level):
    x, inside, codes = market(np.random.default_rng(seed))
    for name in ("zscore", "median_clip_zscore", "group_zscore"):
        assert_allclose(
            run(name, x * unit + level, inside, codes),
            run(name, x, inside, codes),
            rtol=1e-6,
            atol=1e-8,
        )
    for name in ("scale", "group_scale"):
        assert_allclose(run(name, x * unit, inside, codes), run(name, x, inside, codes), rtol=1e-12)


@QUICK
@given(st.integers(0, 2**31), st.sampled_from(sorted(ALL)))
def test_an_outsider_moves_nobody_else(seed, name):
    rng = np.random.default_rng(seed)
    x, inside, codes = market(rng)
    moved = np.where(inside, x, rng.standard_normal(x.shape))
    assert_array_equal(run(name, moved, inside, codes)[inside], run(name, x, inside, codes)[inside])


# ------------------------------------------------------------------------------------------ regression


def exposed(rng, k=3, shape=(6, 300)):
    """One signal, members, industries and exposures, each with holes."""
    y = rng.standard_normal(shape)
    y[rng.random(shape) < 0.08] = np.nan
    z = rng.standard_normal((k, *shape)) + np.linspace(-4.0, 20.0, k)[:, None, None]
    if k:
        z[0][rng.random(shape) < 0.05] = np.nan
    return y, rng.random(shape) < 0.8, rng.integers(-1, 9, shape), z


def residual(y, inside, codes, z):
    out = np.empty(y.shape, dtype=y.dtype)
    rows.residual(y, inside, codes, z, out)
    return out


@pytest.mark.parametrize("k", [0, 1, 3, 6])
@pytest.mark.parametrize(("dtype", "error"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_the_residual_is_that_of_dense_least_squares(k, dtype, error, rng):
    y, inside, codes, z = exposed(rng, k)
    y, z = y.astype(dtype), z.astype(dtype)
    found = residual(y, inside, codes, z)
    for t in range(len(y)):
        known = np.isfinite(y[t]) & np.isfinite(z[:, t]).all(axis=0)
        fit = known & inside[t]
        columns = np.hstack([codes[t][:, None] == np.arange(-1, 9), z[:, t].T]).astype(float)
        slopes = np.linalg.lstsq(columns[fit], y[t, fit].astype(float), rcond=None)[0]
        assert_allclose(found[t, known], y[t, known] - columns[known] @ slopes, atol=error)
        assert np.isnan(found[t, ~known]).all()


@QUICK
@given(st.integers(0, 2**31), st.integers(0, 6))
def test_a_residual_is_orthogonal_to_every_industry_and_exposure(seed, k):
    y, inside, codes, z = exposed(np.random.default_rng(seed), k)
    held = np.nan_to_num(residual(y, inside, codes, z)) * inside
    for code in range(-1, 9):
        assert_allclose((held * (codes == code)).sum(axis=1), 0.0, atol=1e-10)
    for exposure in np.nan_to_num(z):
        assert_allclose((held * exposure).sum(axis=1), 0.0, atol=1e-10)


@QUICK
@given(st.integers(0, 2**31), st.floats(1e-3, 1e3), st.floats(-10, 10))
def test_a_residual_scales_with_its_signal_and_forgets_what_is_explained(seed, unit, slope):
    rng = np.random.default_rng(seed)
    y, inside, codes, z = exposed(rng)
    found, order = residual(y, inside, codes, z), rng.permutation(y.shape[1])
    assert_allclose(
        residual(unit * y + slope * z[1] + codes, inside, codes, z),
        unit * found,
        atol=1e-9 * (1 + unit),
    )
    assert_allclose(residual(y, inside, codes, 5.0 * z - 2.0), found, atol=1e-10)
    moved = residual(y[:, order], inside[:, order], codes[:, order], z[:, :, order])
    assert_allclose(moved, found[:, order], atol=1e-12)


@pytest.mark.parametrize("shift", [0.0, -3.0, 1e-7])
def test_a_copied_exposure_changes_nothing(shift, rng):
    """Nearly a copy (1e-7 of noise) adds a column that is fitted, and fitted well."""
    y, inside, codes, z = exposed(rng)
    if shift == 1e-7:
        z = np.concatenate([z, z[1:2] + shift * rng.standard_normal(y.shape)])
        held = np.nan_to_num(residual(y, inside, codes, z)) * inside
        assert_allclose((held * np.nan_to_num(z)).sum(axis=-1), 0.0, atol=1e-9)
        return
    doubled = np.concatenate([z, 2.0 * z[:1] + shift, np.ones((1, *y.shape))])
    assert_allclose(residual(y, inside, codes, doubled), residual(y, inside, codes, z), atol=1e-12)


def signals(rng, y, z):
    """Signals that lack few cells, none, many, all, and all but the cells of one industry."""
    few, none, many = y.copy(), rng.standard_normal(y.shape), rng.standard_normal(y.shape)
    many[rng.random(y.shape) < 0.7] = np.nan
    heavy = rng.standard_normal(y.shape)
    heavy[:, 7] = np.nan
    z[1][:, 7] = 1e9  # the cell that this signal lacks is all there is of the exposure
    return np.stack([few, none, many, np.full(y.shape, np.nan), heavy])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_signal_gets_the_bytes_that_it_gets_alone(dtype, rng):
    y, inside, codes, z = exposed(rng, shape=(20, 300))
    xs = signals(rng, y, z).astype(dtype)
    z = z.astype(dtype)
    out = np.empty_like(xs)
    rows.residual_many(xs, inside, codes, z, out)
    for x, found in zip(xs, out, strict=True):
        assert found.tobytes() == residual(x, inside, codes, z).tobytes()

    outs = [np.empty_like(x) for x in xs]
    rows.residual_many(list(xs), inside, codes, list(z), outs)
    assert np.stack(outs).tobytes() == out.tobytes()

    tiles = np.empty_like(out)
    for part in (slice(0, 1), slice(1, 8), slice(8, 20)):
        rows.residual_many(xs[:, part, :], inside[part], codes[part], z[:, part], tiles[:, part])
    assert tiles.tobytes() == out.tobytes()


def test_what_a_signal_lacks_is_taken_out_as_if_it_had_never_been(rng):
    y, inside, codes, z = exposed(rng)
    xs = signals(rng, y, z)
    out = np.empty_like(xs)
    rows.residual_many(xs, inside, codes, z, out)
    for x, found in zip(xs, out, strict=True):
        assert_allclose(found, regression.residual(x, codes, z, None, inside), atol=1e-11)


def test_a_residual_from_padded_planes_stays_inside_them(rng):
    y, inside, codes, z = exposed(rng)
    wide_y, wide_z = np.full((8, 320), np.inf), np.full((3, 8, 320), np.nan)
    wide_y[1:7, 10:310], wide_z[:, 1:7, 10:310] = y, z
    out = np.full((8, 320), 5.0)
    rows.residual(wide_y[1:7, 10:310], inside, codes, wide_z[:, 1:7, 10:310], out[1:7, 10:310])
    assert_array_equal(out[1:7, 10:310], residual(y, inside, codes, z))
    assert (out == 5.0).sum() == out.size - y.size


def test_a_group_with_nobody_to_fit_has_no_residual():
    y = np.array([[1.0, 3.0, 4.0]])
    inside = np.array([[True, True, False]])
    found = residual(y, inside, np.array([[0, 0, 1]]), np.empty((0, 1, 3)))
    assert_array_equal(found, [[-1.0, 1.0, np.nan]])
