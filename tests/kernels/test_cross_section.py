"""Ranks, scales, clips and group means, each against another road to the same number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from superhet.kernels import cross_section as cs

ROWS = arrays(
    np.float64,
    st.tuples(st.integers(1, 3), st.integers(1, 30)),
    elements=st.one_of(
        st.just(np.nan), st.integers(-5, 5).map(float), st.floats(-1e6, 1e6, allow_subnormal=False)
    ),
)
QUICK = settings(deadline=None, max_examples=25)


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def noise(rng):
    values = rng.standard_t(3, (7, 60))
    values = np.where(rng.random(values.shape) < 0.3, values.round(), values)
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


@pytest.fixture
def inside(rng):
    return rng.random((7, 60)) < 0.7


# ---------------------------------------------------------------------------------------------- ranks


@QUICK
@given(ROWS)
def test_ranks_are_those_of_pandas(values):
    assert_array_equal(cs.rank(values), pd.DataFrame(values).rank(axis=1).to_numpy())


def test_infinities_rank_at_the_ends_and_minus_zero_ties_with_zero():
    row = np.array([[np.inf, 0.0, -0.0, -np.inf, np.nan, 5.0]])
    assert_array_equal(cs.rank(row), [[5.0, 2.5, 2.5, 1.0, np.nan, 4.0]])


def test_neighbouring_floats_are_told_apart():
    row = np.array([[1.0, np.nextafter(1.0, 2.0), np.nextafter(1.0, 0.0), 1.0]])
    assert_array_equal(cs.rank(row), [[2.5, 4.0, 1.0, 2.5]])


def test_single_precision_and_integers_rank_as_their_double_values(noise):
    single = noise.astype(np.float32)
    assert_array_equal(cs.rank(single), cs.rank(single.astype(np.float64)))
    assert_array_equal(cs.rank(np.array([[3, 1, 2]])), [[3.0, 1.0, 2.0]])


def test_an_outsider_takes_the_place_it_would_have_among_the_insiders():
    row = np.array([[10.0, 20.0, 30.0, 15.0, 5.0, 99.0, 20.0]])
    inside = np.array([[True, True, True, False, False, False, False]])
    assert_array_equal(cs.rank(row, inside), [[1.0, 2.0, 3.0, 1.5, 1.0, 3.0, 2.0]])


def test_with_everybody_inside_the_ranks_are_the_plain_ones(noise):
    everyone = np.ones(noise.shape, dtype=bool)
    assert_array_equal(cs.rank(noise, everyone), cs.rank(noise))


def test_outsiders_never_move_the_rank_of_an_insider(noise, inside, rng):
    moved = np.where(inside, noise, rng.standard_normal(noise.shape))
    assert_array_equal(cs.rank(noise, inside)[inside], cs.rank(moved, inside)[inside])


# ----------------------------------------------------------------------------------------- power rank


def test_power_rank_by_hand():
    row = np.array([[10.0, 20.0, np.nan, 30.0, 40.0]])  # c = -3/4, -1/4, 1/4, 3/4
    assert_allclose(cs.power_rank(row, 2.0), [[-0.5625, -0.0625, np.nan, 0.0625, 0.5625]])


def test_all_equal_names_get_zero_weight_not_nan():
    assert_array_equal(cs.power_rank(np.full((1, 9), 0.1), 3.0), np.zeros((1, 9)))


def test_the_median_name_of_an_odd_number_gets_exactly_zero():
    assert cs.power_rank(np.array([[3.0, 1.0, 2.0]]), 1.5)[0, 2] == 0.0


@QUICK
@given(ROWS, st.floats(0.2, 6.0))
def test_long_and_short_of_a_power_rank_are_equal_without_ties(values, power):
    values = values + np.arange(values.shape[1]) * 1e7
    found = np.nan_to_num(cs.power_rank(values, power))
    assert_allclose(found.sum(axis=1), 0.0, atol=1e-12)
    assert (np.abs(found) < 1.0).all()


@QUICK
@given(ROWS)
def test_an_increasing_map_changes_no_power_rank(values):
    values = np.round(values, 3)
    mapped = np.arctan(values / 1e3) * 7.0 - 3.0
    assert_array_equal(cs.power_rank(mapped, 2.0), cs.power_rank(values, 2.0))


@pytest.mark.parametrize(
    ("power", "top", "effective"),
    [(1.0, 0.36, 0.75), (2.0, 0.488, 5 / 9), (3.0, 0.5904, 0.4375), (5.0, 0.737856, 11 / 36)],
)
def test_gross_share_and_effective_names_are_the_closed_forms(power, top, effective, rng):
    n = 20_000
    weight = np.abs(cs.power_rank(rng.standard_normal((1, n)), power))[0]
    outer = np.sort(weight)[-n // 5 :].sum() / weight.sum()  # top 10 % and bottom 10 % of names
    assert outer == pytest.approx(top, abs=1e-6)
    assert weight.sum() ** 2 / (weight**2).sum() / n == pytest.approx(effective, abs=1e-6)


def test_power_three_puts_half_of_the_gross_into_the_outer_sixteen_percent_of_each_half(rng):
    n = 20_000
    weight = np.sort(np.abs(cs.power_rank(rng.standard_normal((1, n)), 3.0))[0])
    assert weight[-int(0.159 * n) :].sum() / weight.sum() == pytest.approx(0.5, abs=1e-3)


def test_normal_scores_are_those_of_scipy(noise):
    found = cs.rank_normalize(noise)
    for row, scores in zip(noise, found, strict=True):
        known = ~np.isnan(row)
        share = (scipy.stats.rankdata(row[known]) - 0.5) / known.sum()
        assert_allclose(scores[known], scipy.stats.norm.ppf(share), atol=1e-14)
        assert np.isnan(scores[~known]).all()


# ---------------------------------------------------------------------------------------------- scale


def test_zscore_is_scipys_population_zscore(noise):
    assert_allclose(cs.zscore(noise), scipy.stats.zscore(noise, axis=1, nan_policy="omit"))


def test_statistics_come_from_inside_and_everybody_is_transformed(noise, inside):
    found = cs.zscore(noise, inside)
    own = np.where(inside, noise, np.nan)
    mean, std = np.nanmean(own, axis=1), np.nanstd(own, axis=1)
    assert_allclose(found, (noise - mean[:, None]) / std[:, None], rtol=1e-12, atol=1e-14)


def test_cap_weighting_makes_the_market_portfolio_neutral_and_leaves_the_deviation(noise, rng):
    cap = np.exp(rng.standard_normal(noise.shape))
    cap[:, 0] = np.nan  # a name without a cap does not move the mean, but is transformed
    found = cs.zscore(noise, weights=cap)
    assert_allclose(np.nansum(found * np.nan_to_num(cap), axis=1), 0.0, atol=1e-10)
    assert_allclose(np.nanstd(found, axis=1), 1.0)
    assert np.isfinite(found[:, 0]).any()


def test_a_constant_row_scales_to_zero_and_a_lonely_name_to_nan():
    values = np.array([[0.1, 0.1, 0.1, np.nan], [np.nan, 2.0, np.nan, np.nan]])
    assert_array_equal(cs.zscore(values), [[0.0, 0.0, 0.0, np.nan], [np.nan] * 4])


def test_infinity_is_not_known_to_a_mean():
    found = cs.zscore(np.array([[1.0, 3.0, np.inf]]))
    assert_array_equal(found, [[-1.0, 1.0, np.nan]])


@QUICK
@given(st.integers(0, 2**31), st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_scores_do_not_depend_on_unit_or_level(seed, scale, shift):
    values = np.random.default_rng(seed).standard_normal((2, 40))
    assert_allclose(cs.zscore(values * scale + shift), cs.zscore(values), atol=1e-9)


# -------------------------------------------------------------------------------------------- outliers


@pytest.mark.parametrize(("lower", "upper"), [(0.01, 0.99), (0.1, 0.75), (0.0, 1.0)])
def test_quantile_clip_is_numpys(noise, inside, lower, upper):
    own = np.where(inside, noise, np.nan)
    low, high = np.nanquantile(own, [lower, upper], axis=1)[..., None]
    assert_allclose(
        cs.winsorize_quantile(noise, lower, upper, inside), np.clip(noise, low, high), rtol=1e-12
    )


def test_mad_clip_is_scipys(noise, inside):
    own = np.where(inside, noise, np.nan)
    middle = np.nanmedian(own, axis=1)
    mad = scipy.stats.median_abs_deviation(own, axis=1, nan_policy="omit", scale="normal")
    low, high = (middle - 2 * mad)[:, None], (middle + 2 * mad)[:, None]
    assert_allclose(cs.clip_mad(noise, 2.0, inside), np.clip(noise, low, high), rtol=1e-12)


def test_std_clip_uses_the_population_deviation(noise):
    mean, std = np.nanmean(noise, axis=1)[:, None], np.nanstd(noise, axis=1)[:, None]
    wanted = np.clip(noise, mean - 1.5 * std, mean + 1.5 * std)
    assert_allclose(cs.clip_std(noise, 1.5), wanted, rtol=1e-12)


def test_a_row_that_is_mostly_one_value_has_no_mad_and_is_left_alone():
    row = np.array([[0.0, 0.0, 0.0, 0.0, 7.0]])
    assert_array_equal(cs.clip_mad(row, 3.0), row)


def test_infinities_are_clipped_to_the_bound():
    row = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, np.inf, -np.inf]])
    found = cs.clip_mad(row, 1.0)[0]
    assert found[-2] == pytest.approx(3.0 + cs.MAD_TO_STD)
    assert found[-1] == pytest.approx(3.0 - cs.MAD_TO_STD)


@QUICK
@given(ROWS)
def test_clipping_keeps_the_order_and_the_unknown(values):
    for clipped in (cs.clip_mad(values, 2.0), cs.winsorize_quantile(values, 0.2, 0.8)):
        for before, after in zip(values, clipped, strict=True):
            known = ~np.isnan(before)
            if known.sum() < 2:
                assert np.isnan(after).all()
                continue
            assert np.isnan(after[~known]).all()
            order = np.argsort(before[known], kind="stable")
            assert (np.diff(after[known][order]) >= 0).all()


# ---------------------------------------------------------------------------------------------- groups


@pytest.fixture
def codes(rng):
    return rng.integers(-1, 4, (7, 60))


def test_group_demeaning_is_pandas_groupby_transform(noise, codes):
    found = cs.demean_groups(noise, codes)
    for row, group, result in zip(noise, codes, found, strict=True):
        series = pd.Series(row)
        assert_allclose(result, series - series.groupby(group).transform("mean"), atol=1e-12)


def test_weighted_group_means_from_inside_are_the_loop(noise, codes, inside, rng):
    weights = rng.random(noise.shape)
    found = cs.demean_groups(noise, codes, weights, inside)
    for t in range(len(noise)):
        for g in range(-1, 4):
            own = codes[t] == g
            used = own & inside[t] & ~np.isnan(noise[t])
            mean = np.average(noise[t, used], weights=weights[t, used])
            assert_allclose(found[t, own], noise[t, own] - mean, atol=1e-12)


def test_an_unknown_industry_is_a_group_of_its_own():
    values, codes = np.array([[1.0, 3.0, 10.0, 20.0]]), np.array([[0, 0, -1, -1]])
    assert_array_equal(cs.demean_groups(values, codes), [[-1.0, 1.0, -5.0, 5.0]])


def test_an_industry_of_one_name_demeans_to_exactly_zero():
    values, codes = np.array([[0.1, 0.7, 0.3]]), np.array([[0, 1, 1]])
    assert cs.demean_groups(values, codes)[0, 0] == 0.0


def test_a_group_with_nobody_inside_has_no_mean():
    values, codes = np.array([[1.0, 2.0, 3.0]]), np.array([[0, 0, 1]])
    found = cs.demean_groups(values, codes, inside=np.array([[True, True, False]]))
    assert_array_equal(found, [[-0.5, 0.5, np.nan]])


def test_group_sums_count_and_add_up(noise, codes):
    sums, totals = cs.group_sums(noise, codes)
    assert sums.shape == (7, 5)
    assert_allclose(sums.sum(axis=1), np.nansum(noise, axis=1))
    assert_array_equal(totals.sum(axis=1), (~np.isnan(noise)).sum(axis=1))
    assert_allclose(sums[:, -1], np.nansum(np.where(codes == -1, noise, 0.0), axis=1))


def test_group_medians_are_pandas(noise, codes, inside):
    found = cs.group_medians(noise, codes, 6, inside)
    for t in range(len(noise)):
        for g in range(-1, 6):
            own = noise[t, (codes[t] == g) & inside[t] & ~np.isnan(noise[t])]
            wanted = np.median(own) if own.size else np.nan
            assert_allclose(found[t, g], wanted, rtol=1e-13)


def test_shapes_and_codes_that_do_not_fit_are_refused(noise, codes):
    with pytest.raises(ValueError, match="expected"):
        cs.rank(noise[0])
    with pytest.raises(ValueError, match="inside has shape"):
        cs.zscore(noise, np.ones((2, 2), dtype=bool))
    with pytest.raises(ValueError, match="weights has shape"):
        cs.zscore(noise, weights=np.ones((2, 2)))
    with pytest.raises(ValueError, match="group code 3 is beyond the 2 groups"):
        cs.group_sums(noise, codes, 2)
    with pytest.raises(ValueError, match="codes below 3"):
        cs.group_medians(noise, codes, 3)


@QUICK
@given(st.integers(0, 2**31))
def test_every_kernel_moves_with_a_permutation_of_the_names(seed):
    rng = np.random.default_rng(seed)
    values, codes = rng.standard_normal((2, 25)), rng.integers(-1, 3, (2, 25))
    order = rng.permutation(25)
    assert_array_equal(cs.rank(values[:, order]), cs.rank(values)[:, order])
    for kernel in (cs.zscore, cs.clip_mad, cs.clip_std):
        assert_allclose(kernel(values[:, order]), kernel(values)[:, order], atol=1e-13)
    assert_allclose(
        cs.demean_groups(values[:, order], codes[:, order]),
        cs.demean_groups(values, codes)[:, order],
        atol=1e-13,
    )
