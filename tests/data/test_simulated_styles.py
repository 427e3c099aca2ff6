"""The styles that move the simulated market are CNE5's: by hand, and against the risk model's own code."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from superhet.data.sources.simulated.cross_section import mixed, scores, without
from superhet.data.sources.simulated.memory import PriceMemory
from superhet.data.sources.simulated.told import growth, trailing
from superhet.kernels.risk_styles import (
    DEVIATIONS,
    THREE_GROUPS,
    Clip,
    orthogonalize_style,
    standardize_row,
    winsorize_row,
)


@pytest.fixture
def cap() -> np.ndarray:
    return np.exp(np.random.default_rng(1).normal(22.0, 1.0, 400))


# --- cross-section ----------------------------------------------------------------------------------


def test_a_data_error_goes_and_what_is_far_comes_near() -> None:
    row = np.concatenate([np.tile([-1.0, 1.0], 150), [5.0, 1e6]])
    found = scores(row[None, :], np.ones(302), np.ones(302, dtype=bool))[0]
    assert np.isnan(found[-1])  # beyond ten deviations once, whatever the deviation it made itself
    within = row[:-1]
    reach = within.mean() + 3.0 * within.std()
    expected = np.minimum(within, reach)
    assert_allclose(found[:-1], (expected - expected.mean()) / expected.std(), atol=1e-12)


def test_scores_are_those_of_the_risk_model(cap: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    row, inside = rng.standard_t(2, cap.size), rng.random(cap.size) < 0.9
    held, expected = np.empty(cap.size), np.empty(cap.size)
    row[5], row[7] = np.nan, 1e4
    removed, clipped = winsorize_row(row, inside, cap, Clip(THREE_GROUPS, 3.0, 10.0), held)
    standardize_row(held, inside, cap, 5, expected)
    found = scores(row[None, :], cap, inside)[0]
    assert removed > 0
    assert clipped > 0
    assert_allclose(found[inside], expected[inside], atol=1e-10)
    assert np.isnan(found[~inside]).all()


def test_a_style_with_others_taken_out_is_that_of_the_risk_model(cap: np.ndarray) -> None:
    rng, inside = np.random.default_rng(3), np.ones(cap.size, dtype=bool)
    rows = scores(rng.standard_normal((3, cap.size)) + np.log(cap), cap, inside)
    style = rows[0] ** 3 - np.average(rows[0] ** 3, weights=cap)
    found = without(style[None, :], rows[1:], cap)[0]
    product = rows[1:] @ (np.sqrt(cap) * found) / np.sqrt(cap).sum()
    assert_allclose(product, 0.0, atol=1e-12)
    assert np.average(found, weights=cap) == pytest.approx(0.0, abs=1e-12)
    assert found.std() == pytest.approx(1.0)
    expected = style[None, :].copy()
    orthogonalize_style(
        expected, rows[1:, None, :].copy(), inside[None, :], cap[None, :],
        Clip(DEVIATIONS, 3.0, 10.0), 5, (np.empty(cap.size, bool), np.zeros(1, np.int64)),
    )  # fmt: skip
    assert_allclose(found, expected[0], atol=1e-9)


def test_a_style_is_mixed_of_what_is_known() -> None:
    parts = np.array([[1.0, -1.0, 2.0], [3.0, np.nan, np.nan]])
    raw = np.array([0.25 * 1.0 + 0.75 * 3.0, -1.0, 2.0])
    expected = (raw - raw.mean()) / raw.std()
    assert_allclose(mixed(parts, np.array([0.25, 0.75]), np.ones(3)), expected)


# --- statements ---------------------------------------------------------------------------------------


def test_growth_is_the_slope_of_fiscal_years_over_their_mean() -> None:
    quarter = np.tile([1, 2, 3, 4], 6)
    sales = np.repeat([100.0, 110.0, 120.0, 130.0, 140.0, 200.0], 4)[:, None] / 4.0
    found = growth(trailing(sales), quarter)[:, 0]
    assert np.isnan(found[:11]).all()  # two whole years are too few
    assert found[11] == pytest.approx(10.0 / 110.0)
    assert found[19] == pytest.approx(10.0 / 120.0)
    assert (found[19:23] == found[19]).all()  # until the next annual report
    assert found[23] == pytest.approx(20.0 / 140.0)  # the first year is forgotten: 110 … 200


def test_a_shrinking_loss_is_growth() -> None:
    quarter = np.tile([1, 2, 3, 4], 3)
    profit = np.repeat([-30.0, -20.0, -10.0], 4)[:, None] / 4.0
    assert growth(trailing(profit), quarter)[-1, 0] == pytest.approx(0.5)


# --- prices -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def returns() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns [2000 sessions, 4 assets], the market's, and who traded."""
    rng = np.random.default_rng(4)
    market = 0.012 * rng.standard_normal(2000)
    own = np.array([0.5, 1.0, 1.5, 1.0]) * market[:, None] + 0.02 * rng.standard_normal((2000, 4))
    traded = np.ones(own.shape, dtype=bool)
    traded[-30:-10, 3] = False
    return own, market, traded


@pytest.fixture(scope="module")
def described(returns: tuple[np.ndarray, np.ndarray, np.ndarray]) -> dict[str, np.ndarray]:
    memory = PriceMemory(np.full(4, 0.02), np.ones(4))
    for row, market, traded in zip(*returns, strict=True):
        memory.learn(row, float(market), traded)
    return memory.described()


def weights(sessions: int, half_life: float) -> np.ndarray:
    return 0.5 ** (np.arange(sessions)[::-1] / half_life)


def test_beta_and_residual_are_those_of_the_weighted_line(returns, described) -> None:
    own, market, traded = returns
    for asset in range(4):
        w = weights(2000, 63.0) * traded[:, asset]
        slope, level = np.polyfit(market, own[:, asset], 1, w=np.sqrt(w))
        rest = own[:, asset] - level - slope * market
        assert described["beta"][asset] == pytest.approx(slope, rel=1e-6)
        deviation = np.sqrt(np.average(rest**2, weights=w))
        assert described["residual"][asset] == pytest.approx(deviation, rel=1e-6)


def test_deviation_momentum_and_range_are_those_by_hand(returns, described) -> None:
    own, _, traded = returns
    for asset in range(4):
        day = traded[:, asset]
        w, x = weights(2000, 42.0) * day, own[:, asset]
        mean = np.average(x, weights=w)
        deviation = np.sqrt(np.average((x - mean) ** 2, weights=w))
        assert described["deviation"][asset] == pytest.approx(deviation, rel=1e-6)
        log = np.log1p(np.where(day, x, 0.0))
        w = weights(2000 - 21, 126.0) * day[:-21]
        momentum = np.average(log[:-21], weights=w)
        assert described["momentum"][asset] == pytest.approx(momentum, rel=1e-4, abs=1e-9)
        months = [log[-21 * k :].sum() for k in range(1, 13)]
        assert described["range"][asset] == pytest.approx(max(months) - min(months))


def test_what_has_never_traded_keeps_the_past_it_was_given() -> None:
    memory, beta = PriceMemory(np.full(2, 0.02), np.array([0.7, 0.7])), np.array([0.7, 0.7])
    rng, traded = np.random.default_rng(5), np.array([True, False])
    for _ in range(300):
        market = float(0.012 * rng.standard_normal())
        memory.learn(np.array([1.4 * market, 9.9]), market, traded)
    found = memory.described()["beta"]
    assert found[1] == pytest.approx(beta[1])
    assert found[0] == pytest.approx(1.4, abs=0.05)
    assert np.isnan(memory.described()["momentum"][1])
