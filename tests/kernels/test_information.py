import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from superhet.kernels.information import (
    bucket_means,
    bucket_turnover,
    normal_scores,
    pearson,
    quantile_buckets,
    sort_order,
    spearman,
    spearman_by_group,
)


def holes(rng, values, share=0.2):
    return np.where(rng.random(values.shape) < share, np.nan, values)


@pytest.fixture(scope="module")
def pair():
    """150 dates of 40 names: ties on the left, gaps on both sides, some dates with hardly a pair."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 12, (150, 40)).astype(float)
    y = 0.1 * x + rng.standard_normal(x.shape)
    x, y = holes(rng, x), holes(rng, y)
    y[7] = np.nan
    y[8, 3:] = np.nan
    x[9] = 4.0
    return x, y


def by_scipy(x, y, correlate, minimum=3):
    out = np.full(len(x), np.nan)
    for t in range(len(x)):
        both = ~np.isnan(x[t]) & ~np.isnan(y[t])
        if both.sum() >= minimum and np.ptp(x[t, both]) > 0 and np.ptp(y[t, both]) > 0:
            out[t] = correlate(x[t, both], y[t, both])[0]
    return out


def test_spearman_agrees_with_scipy_on_ties_and_gaps(pair):
    assert_allclose(spearman(*pair), by_scipy(*pair, stats.spearmanr), atol=1e-14)


def test_pearson_agrees_with_scipy_on_ties_and_gaps(pair):
    assert_allclose(pearson(*pair), by_scipy(*pair, stats.pearsonr), atol=1e-13)


def test_a_target_sorted_before_gives_the_same_bits(pair):
    x, y = pair
    assert_array_equal(spearman(x, y, order_y=sort_order(y)), spearman(x, y))


def test_group_correlation_is_the_correlation_of_the_group_alone(pair):
    x, y = pair
    codes = np.random.default_rng(3).integers(-1, 4, x.shape)
    found = spearman_by_group(x, y, codes, 4)
    for g in range(4):
        assert_array_equal(found[:, g], spearman(np.where(codes == g, x, np.nan), y))


def test_ranks_are_taken_among_the_pairs_only():
    # the outlier without a return must not shift the ranks of the others
    x = np.array([[1.0, 2.0, 3.0, 99.0]])
    y = np.array([[1.0, 3.0, 2.0, np.nan]])
    assert_allclose(spearman(x, y), 0.5)


def test_a_constant_cross_section_has_no_correlation():
    x = np.full((1, 7), 0.1)
    y = np.arange(7.0)[None, :]
    assert np.isnan(pearson(x, y)).all()
    assert np.isnan(spearman(x, y)).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.floats(-5, 5))
def test_correlations_ignore_scale_shift_and_the_order_of_names(seed, scale, shift):
    rng = np.random.default_rng(seed)
    x, y = holes(rng, rng.standard_normal((4, 25))), holes(rng, rng.standard_normal((4, 25)))
    order = rng.permutation(25)
    assert_array_equal(spearman(x[:, order], y[:, order]), spearman(x, y))
    assert_allclose(pearson(scale * x + shift, y), pearson(x, y), atol=1e-12)
    assert_allclose(spearman(-x, y), -spearman(x, y), atol=0)


def test_ten_names_make_five_quantiles_of_two():
    x = np.random.default_rng(0).permutation(10).astype(float)[None, :]
    buckets = quantile_buckets(x, 5)
    assert_array_equal(buckets, x.astype(int) // 2 + 1)


def test_equal_signals_share_the_middle_quantile():
    assert_array_equal(quantile_buckets(np.ones((1, 6)), 5), np.full((1, 6), 3))


def test_quantiles_differ_in_size_by_one_at_most_when_there_are_no_ties():
    x = np.random.default_rng(0).standard_normal((1, 47))
    sizes = np.bincount(quantile_buckets(x, 10)[0])[1:]
    assert sizes.max() - sizes.min() <= 1
    assert sizes.sum() == 47


def test_fewer_names_than_quantiles_have_no_quantiles():
    x = np.array([[1.0, 2.0, np.nan, np.nan]])
    assert not quantile_buckets(x, 3).any()


def test_bucket_means_are_the_means_of_a_plain_loop(pair):
    x, y = pair
    buckets = quantile_buckets(x, 4, among=y)
    means, counts = bucket_means(buckets, y, 4)
    for t in (0, 8, 50):
        for q in range(4):
            inside = y[t, buckets[t] == q + 1]
            assert counts[t, q] == inside.size
            assert_allclose(means[t, q], inside.mean() if inside.size else np.nan)


def test_turnover_of_a_quantile_is_the_share_of_newcomers():
    buckets = np.array([[1, 1, 2, 2], [1, 2, 1, 2], [1, 2, 1, 0]])
    turnover = bucket_turnover(buckets, 2)
    assert_allclose(turnover, [[np.nan, np.nan], [0.5, 0.5], [0.0, 0.0]])


def test_normal_scores_are_standardized_and_depend_on_the_order_only():
    y = holes(np.random.default_rng(5), np.random.default_rng(4).standard_normal((3, 50)))
    scores = normal_scores(y)
    assert_array_equal(np.isnan(scores), np.isnan(y))
    assert_allclose(np.nanmean(scores, axis=1), 0.0, atol=1e-15)
    assert_allclose(np.nanmean(scores**2, axis=1), 1.0)
    assert_array_equal(normal_scores(np.exp(y)), scores)


def test_a_constant_row_has_no_normal_scores():
    assert np.isnan(normal_scores(np.ones((1, 5)))).all()
