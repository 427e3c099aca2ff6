"""Time-series specific risk: the definition without recursion, trust, and what the past may not know."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from superhet.kernels.risk_specific import SpecificMemory, specific_path

MEMORY = SpecificMemory(half_life=84.0, lags=5, window=252, low=60, high=180)


def returns(dates=300, assets=7, seed=0):
    rng = np.random.default_rng(seed)
    u = 0.02 * rng.standard_normal((dates, assets))
    u[rng.random(u.shape) < 0.05] = np.nan
    return u


def slow_deviation(u, half_life, lags):
    """Weighted deviation with lags of one asset, by its definition."""
    T = u.size
    w = 0.5 ** (np.arange(T)[::-1] / half_life)
    known = ~np.isnan(u)
    mean = (w[known] @ u[known]) / w[known].sum()
    total = 0.0
    for d in range(lags + 1):
        late, early, v = u[d:], u[: T - d], w[d:]
        both = ~np.isnan(late) & ~np.isnan(early)
        c = (v[both] @ (late[both] * early[both])) / v[both].sum() - mean**2
        total += c if d == 0 else 2.0 * (1.0 - d / (lags + 1.0)) * c
    return np.sqrt(total)


def slow_trust(u, memory):
    """gamma of one asset from its last window of returns."""
    h = u[-memory.window :]
    h = h[~np.isnan(h)]
    q1, middle, q3 = np.quantile(h, [0.25, 0.5, 0.75])
    robust = (q3 - q1) / 1.35
    equal = h[np.abs(h - middle) <= 10.0 * robust].std()
    age = np.clip((h.size - memory.low) / (memory.high - memory.low), 0.0, 1.0)
    return age * np.clip(np.exp(1.0 - abs(equal - robust) / robust), 0.0, 1.0)


def test_recursion_gives_the_definition():
    u = returns()
    found = specific_path(u, np.ones_like(u), np.array([299]), MEMORY)
    for j in range(u.shape[1]):
        assert_allclose(found.deviation[0, j], slow_deviation(u[:, j], 84.0, 5), rtol=1e-11)


def test_trust_counts_valid_dates_and_looks_at_quartiles():
    u = returns(400)
    u[:300, 1] = np.nan  # 95 valid dates or so
    u[:360, 2] = np.nan  # too few
    u[390, 3] = 0.9  # one outlier does not count
    u[:, 4] = np.where(np.arange(400) % 3 == 0, u[:, 4] * 12.0, u[:, 4])  # long tails do
    found = specific_path(u, np.ones_like(u), np.array([350, 399]), MEMORY)
    for i, row in enumerate((350, 399)):
        expected = [slow_trust(u[: row + 1, j], MEMORY) for j in (0, 3, 4, 5)]
        assert_allclose(found.trust[i, [0, 3, 4, 5]], expected, rtol=1e-9)
    assert found.trust[1, 0] == 1.0
    assert 0.0 < found.trust[1, 1] < 0.4
    assert found.trust[1, 2] == 0.0
    assert found.trust[1, 3] == 1.0
    assert found.trust[1, 4] < 0.9
    assert_array_equal(found.valid[1], (~np.isnan(u[-252:])).sum(axis=0))


def test_what_is_given_for_a_row_does_not_depend_on_later_ones_or_on_which_are_asked_for():
    u = returns(300, assets=200)
    caps = np.exp(np.random.default_rng(1).standard_normal(u.shape))
    rows = np.arange(60, 300)
    whole = specific_path(u, caps, rows, MEMORY)
    for row in (60, 199, 299):
        alone = specific_path(u[: row + 1], caps[: row + 1], np.array([row]), MEMORY)
        assert_array_equal(alone.deviation[0], whole.deviation[row - 60])
        assert_array_equal(alone.trust[0], whole.trust[row - 60])
        assert_array_equal(alone.surprise, whole.surprise[: row + 1])


def test_surprise_is_one_on_average_and_four_when_volatility_doubles():
    u = 0.02 * np.random.default_rng(2).standard_normal((600, 300))
    u[590:] *= 2.0
    found = specific_path(u, np.ones_like(u), np.array([599]), MEMORY)
    assert np.isnan(found.surprise[:60]).all()
    assert abs(np.nanmean(found.surprise[200:590]) - 1.0) < 0.03
    assert 3.4 < found.surprise[590:593].mean() < 4.4
