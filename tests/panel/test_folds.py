"""Walk-forward folds: no training date has seen the test, and later data move nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superhet.errors import ConfigError
from superhet.panel import Dates, WalkForward, sessions


def days(count):
    start = np.datetime64("2015-01-01")
    return Dates(np.arange(start, start + count))


@given(
    st.integers(60, 900),
    st.integers(20, 300),
    st.integers(5, 80),
    st.integers(0, 30),
    st.integers(0, 10),
    st.integers(1, 40),
    st.booleans(),
)
@settings(deadline=None, max_examples=100)
def test_targets_of_training_dates_end_before_the_test(n, train, test, purge, embargo, reach, grow):
    walk = WalkForward(train=train, test=test, purge=purge, embargo=embargo, expanding=grow)
    if train + max(purge, reach) + embargo >= n:
        with pytest.raises(ConfigError, match="too few for one fold"):
            walk.split(days(n), reach)
        return
    folds = walk.split(days(n), reach)
    for fold in folds:
        assert fold.train.stop - 1 + reach < fold.test.start
        assert fold.train.stop - fold.train.start >= train
    tested = [i for fold in folds for i in range(fold.test.start, fold.test.stop)]
    assert tested == list(range(folds[0].test.start, n))
    longer = walk.split(days(n + 200), reach)
    assert longer[: len(folds) - 1] == folds[:-1]


def test_durations_are_sessions():
    assert sessions("1y") == 244
    with pytest.raises(ConfigError, match="synthesis.folds.train: '2 years' is not a duration"):
        sessions("2 years", "synthesis.folds.train")


def test_a_weekly_clock_counts_weeks():
    walk = WalkForward(train="1y", test="1m", purge="5d", embargo="0d", step=5)
    fold = walk.split(days(200), reach=6)[0]
    assert fold.train.stop - fold.train.start == 48
    assert fold.test.start - fold.train.stop == 2
