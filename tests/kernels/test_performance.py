"""Performance numbers against hand-worked examples."""

from __future__ import annotations

import numpy as np
import pytest

from superhet.kernels.performance import drawdown, summarize


def test_two_years_of_one_percent_a_month():
    found = summarize(np.full(24, 0.01), periods_per_year=12)
    assert found.annual_return == pytest.approx(1.01**12 - 1)
    assert found.max_drawdown == 0.0
    assert np.isnan(found.sharpe)


def test_sharpe_is_mean_over_sample_deviation_times_root_of_periods():
    returns = np.array([0.01, -0.02, 0.03, 0.0])
    expected = returns.mean() / returns.std(ddof=1) * np.sqrt(244)
    assert summarize(returns).sharpe == pytest.approx(expected)


def test_drawdown_counts_a_loss_on_the_first_day():
    assert drawdown(np.array([-0.1, 0.05])).min() == pytest.approx(-0.1)


def test_missing_periods_are_left_out():
    assert summarize(np.array([0.01, np.nan, 0.02])).periods == 2
