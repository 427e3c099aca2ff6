"""Ranks sorted once, and ranks among pairs made from them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from superhet.kernels.group_judging import spearman_in_groups
from superhet.kernels.information import quantile_buckets
from superhet.kernels.pair_ranks import SHORT, ranked, spearman_ranked


def doubled(row):
    """Twice the average ranks by scipy, 0 where not known."""
    return np.nan_to_num(2.0 * stats.rankdata(row, nan_policy="omit"))


def a_row(kind, size, rng):
    x = rng.standard_normal(size)
    if kind == "tied":
        x = np.round(x, 1)
    if kind == "close together":  # equal but for the last bits of a double
        x = 1.0 + rng.integers(0, 40, size) * 2.0**-50
    if kind == "infinite":
        x[:3], x[3:6] = np.inf, -np.inf
    if kind == "zeros":
        x = np.where(rng.random(size) < 0.5, 0.0, -0.0)
    return np.where(rng.random(size) < 0.2, np.nan, x)


@pytest.mark.parametrize("kind", ["plain", "tied", "close together", "infinite", "zeros"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranks_are_those_of_scipy(kind, dtype):
    rng = np.random.default_rng(0)
    x = np.stack([a_row(kind, 200, rng) for _ in range(40)]).astype(dtype)
    found = ranked(x)
    for t, row in enumerate(x):
        assert_array_equal(found.ranks[t], doubled(row))
        known = row[found.order[t, : found.known[t]]]
        assert_array_equal(known, np.sort(row[~np.isnan(row)]))
        assert found.tied[t] == (np.unique(known).size < known.size)


@pytest.mark.slow  # compiles all kernels again, for wider ranks
def test_a_market_too_wide_for_sixteen_bits_is_ranked_in_thirty_two():
    x = np.random.default_rng(0).standard_normal((2, SHORT + 1))
    found = ranked(x)
    assert found.ranks.dtype == np.uint32
    assert_array_equal(found.ranks[1], doubled(x[1]))
    oracle = stats.spearmanr(x[0], x[1])[0]
    assert_allclose(spearman_ranked(ranked(x[:1]), ranked(x[1:])), oracle, rtol=1e-10)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 0.9), st.sampled_from([0, 1, 6]))
def test_ranks_among_pairs_need_no_second_sort(seed, holes, digits):
    """Whoever is missing on either side, ranks equal those of the pairs sorted afresh."""
    rng = np.random.default_rng(seed)
    x, y = (np.round(rng.standard_normal((3, 30)), digits) for _ in range(2))
    x[rng.random(x.shape) < holes] = np.nan
    y[rng.random(y.shape) < holes] = np.nan
    both = np.isnan(x) | np.isnan(y)
    alone = [ranked(np.where(both, np.nan, side)) for side in (x, y)]
    assert_array_equal(spearman_ranked(ranked(x), ranked(y)), spearman_ranked(*alone))
    for t in np.flatnonzero((~both).sum(axis=1) >= 3):
        left, right = x[t, ~both[t]], y[t, ~both[t]]
        if np.ptp(left) > 0 and np.ptp(right) > 0:
            oracle = stats.spearmanr(left, right)[0]
            assert_allclose(spearman_ranked(ranked(x), ranked(y))[t], oracle, atol=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_ranks_within_groups_do_not_depend_on_the_order_of_names(seed):
    rng = np.random.default_rng(seed)
    x, y = np.round(rng.standard_normal((2, 4, 60)), 1)
    x[rng.random(x.shape) < 0.2] = np.nan
    codes, order = rng.integers(-1, 3, x.shape), rng.permutation(60)
    found = spearman_in_groups(ranked(x), ranked(y), codes, 3)
    moved = spearman_in_groups(ranked(x[:, order]), ranked(y[:, order]), codes[:, order], 3)
    assert_array_equal(found, moved)


@pytest.mark.parametrize("quantiles", [2, 5, 10, 7])
def test_quantiles_by_average_rank_are_those_of_the_formula(quantiles):
    rng = np.random.default_rng(quantiles)
    x = np.round(rng.standard_normal((20, 53)), 1)
    x[rng.random(x.shape) < 0.1] = np.nan
    for row, found in zip(x, quantile_buckets(x, quantiles), strict=True):
        known = ~np.isnan(row)
        share = (stats.rankdata(row[known]) - 0.5) * quantiles / known.sum()
        assert_array_equal(found[known], np.floor(share) + 1)
        assert not found[~known].any()
