import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.errors import ConfigError
from superhet.evaluation import bootstrap_mean, summarize_series
from superhet.evaluation.bootstrap import block_length


def moving_sum(count, horizon, seed=0):
    steps = np.random.default_rng(seed).standard_normal(count + horizon)
    return np.convolve(steps, np.ones(horizon), "valid")[:count]


def autoregressive(count, memory, seed=0):
    noise = np.random.default_rng(seed).standard_normal(count)
    x = np.empty(count)
    x[0] = noise[0]
    for t in range(1, count):
        x[t] = memory * x[t - 1] + noise[t]
    return x


@pytest.fixture(scope="module")
def arch():
    return pytest.importorskip("arch.bootstrap")


@pytest.mark.parametrize(
    "series",
    [
        moving_sum(500, 10),
        moving_sum(1000, 3, 4),
        autoregressive(800, 0.5),
        autoregressive(300, 0.9),
    ],
)
def test_the_block_length_is_that_of_arch(arch, series):
    oracle = arch.optimal_block_length(series)["stationary"].iloc[0]
    assert block_length(series) == pytest.approx(oracle, rel=1e-9)


def test_blocks_are_never_shorter_than_half_the_horizon():
    white = np.random.default_rng(0).standard_normal(400)
    assert block_length(white) < 5
    assert bootstrap_mean(white, horizon=20, draws=10).block == 10
    assert bootstrap_mean(moving_sum(400, 20), horizon=5, draws=10).block > 5


def test_on_independent_dates_it_is_the_interval_of_the_summary():
    series = np.random.default_rng(1).standard_normal(1000) + 0.1
    found, known = bootstrap_mean(series, horizon=1, draws=4000), summarize_series(series, 1)
    assert found.mean == pytest.approx(known.mean)
    assert found.low == pytest.approx(known.low, abs=0.005)
    assert found.high == pytest.approx(known.high, abs=0.005)
    assert found.p == pytest.approx(known.p, abs=0.01)


def test_a_strong_effect_has_the_smallest_p_that_the_draws_can_show():
    series = np.random.default_rng(2).standard_normal(500) + 1.0
    assert bootstrap_mean(series, horizon=1, draws=99).p == pytest.approx(1 / 100)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    series = moving_sum(300, 5)
    first, again = (bootstrap_mean(series, horizon=5, draws=50, seed=7) for _ in range(2))
    assert first == again
    assert bootstrap_mean(series, horizon=5, draws=50, seed=8).low != first.low


@settings(max_examples=30, deadline=None)
@given(st.floats(-10.0, 10.0), st.floats(0.01, 100.0))
def test_the_interval_moves_and_stretches_with_the_series(shift, scale):
    series = moving_sum(120, 3)
    plain = bootstrap_mean(series, horizon=3, draws=100)
    moved = bootstrap_mean(series * scale + shift, horizon=3, draws=100)
    assert moved.low == pytest.approx(plain.low * scale + shift, rel=1e-6, abs=1e-6)
    assert moved.high == pytest.approx(plain.high * scale + shift, rel=1e-6, abs=1e-6)


def test_missing_dates_are_drawn_like_any_other_and_those_at_the_ends_do_not_count():
    series = moving_sum(300, 5)
    series[100:140] = np.nan
    padded = np.concatenate([[np.nan] * 9, series, [np.nan] * 9])
    assert bootstrap_mean(padded, horizon=5, draws=50) == bootstrap_mean(
        series, horizon=5, draws=50
    )


@pytest.mark.parametrize("series", [np.full(50, 2.0), np.array([1.0]), np.full(9, np.nan)])
def test_a_series_that_does_not_move_has_no_interval(series):
    found = bootstrap_mean(series, horizon=1, draws=10)
    assert np.isnan([found.low, found.high, found.p]).all()


def test_at_least_one_draw_is_needed():
    with pytest.raises(ConfigError, match="draws: must be at least 1"):
        bootstrap_mean(np.arange(9.0), horizon=1, draws=0)
