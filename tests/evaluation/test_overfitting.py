import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from superhet.errors import ConfigError, DataError
from superhet.evaluation import (
    deflated_sharpe,
    expected_maximum_sharpe,
    probability_of_backtest_overfitting,
)

# Bailey & López de Prado (2014), the numerical example: an annual Sharpe ratio of 2.5 over five years of 250
# days, the best of 100 trials whose annual Sharpe ratios have the variance 1/2; skewness -3, kurtosis 10
DAILY, DAYS, VARIANCE = 2.5 / np.sqrt(250), 1250, 0.5 / 250


def test_the_published_example_of_the_deflated_sharpe_ratio():
    assert expected_maximum_sharpe(100, VARIANCE) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(DAILY, DAYS, -3, 10, 100, VARIANCE) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(DAILY, DAYS, -3, 10, 46, VARIANCE) == pytest.approx(0.9505, abs=5e-5)
    assert deflated_sharpe(DAILY, DAYS, 0, 3, 88, VARIANCE) == pytest.approx(0.9505, abs=5e-5)


def test_the_expected_maximum_is_that_of_simulated_trials():
    rng = np.random.default_rng(0)
    best = rng.normal(0.0, 0.1, (5000, 50)).max(axis=1)
    assert expected_maximum_sharpe(50, 0.01) == pytest.approx(best.mean(), rel=0.02)


@given(st.floats(0.01, 0.3), st.integers(100, 3000), st.integers(2, 1000))
def test_more_trials_deflate_more_and_one_trial_is_the_probabilistic_sharpe(sharpe, count, trials):
    found = [deflated_sharpe(sharpe, count, -0.5, 5.0, n, 0.001) for n in (1, trials, trials + 1)]
    assert found[0] >= found[1] >= found[2]
    assert found[2] >= 0.0
    assert found[0] <= 1.0
    assert deflated_sharpe(0.0, count, -0.5, 5.0, 1, 0.001) == 0.5


def test_what_fits_no_law_is_not_known():
    assert np.isnan(deflated_sharpe(np.nan, 100, 0, 3, 10, 0.01))
    assert np.isnan(deflated_sharpe(2.0, 100, 5.0, 3, 10, 0.01))  # 1 - 10 + 2 < 0
    with pytest.raises(ConfigError, match="trials: must be at least 1"):
        deflated_sharpe(0.1, 100, 0, 3, 0, 0.01)


def test_two_blocks_worked_by_hand():
    # block 1: the first trial is best (mean 2 to 1, same deviation); block 2: it is the worse (0 to 1)
    returns = np.array([[1.0, 0.0], [3.0, 2.0], [-1.0, 0.0], [1.0, 2.0]])
    found = probability_of_backtest_overfitting(returns, splits=2)
    s = np.sqrt(2.0)
    assert_allclose(
        found.in_sample, [2 / s, 1 / s]
    )  # chosen: the first on block 1, the second on block 2
    assert_allclose(found.out_of_sample, [0.0, 1 / s])
    assert_allclose(found.logits, np.log([(1 / 3) / (2 / 3)] * 2))  # both land second of two
    assert found.probability == 1.0
    assert found.loss == 0.0


def test_the_best_of_trials_without_skill_lands_above_the_middle_half_of_the_time():
    found = [
        probability_of_backtest_overfitting(
            np.random.default_rng(seed).standard_normal((320, 20)), splits=8
        ).probability
        for seed in range(40)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)


def test_one_trial_that_is_truly_better_is_rarely_overfitted():
    returns = 0.01 * np.random.default_rng(1).standard_normal((640, 50))
    returns[:, 7] += 0.003
    found = probability_of_backtest_overfitting(returns)
    assert found.probability < 0.01
    assert found.loss < 0.01
    assert len(found.logits) == 12_870  # 16 over 8
    assert np.median(found.logits) == pytest.approx(np.log(50))  # first of fifty: w = 50 / 51


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(6)), st.floats(0.1, 10.0))
def test_neither_the_order_nor_the_unit_of_the_trials_matters(order, scale):
    returns = np.random.default_rng(2).standard_normal((80, 6))
    plain = probability_of_backtest_overfitting(returns, splits=6)
    other = probability_of_backtest_overfitting(returns[:, order] * scale, splits=6)
    assert other.probability == plain.probability
    assert_allclose(other.logits, plain.logits)


def test_a_trial_that_never_moves_or_is_not_known_is_never_chosen():
    returns = np.random.default_rng(3).standard_normal((64, 3)) + 0.5
    returns[:, 1] = 0.0
    returns[:, 2] = np.nan
    found = probability_of_backtest_overfitting(returns, splits=4)
    assert_allclose(found.logits, np.log(3.0))  # first of three every time
    assert found.probability == 0.0


def test_too_few_dates_or_trials_are_refused():
    with pytest.raises(DataError, match="at least 2 trials and 32 dates"):
        probability_of_backtest_overfitting(np.zeros((31, 5)))
    with pytest.raises(ConfigError, match="splits: must be even"):
        probability_of_backtest_overfitting(np.zeros((100, 5)), splits=5)
