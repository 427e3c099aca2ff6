"""Folds: cut the date axis into training and test slices, with purge and embargo.

A training date *t* whose target ends after the first test date has seen the test; such dates are
purged. The embargo adds a further gap. Boundaries are counted from the first date only, so that later
data never move earlier folds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from superhet.errors import ConfigError
from superhet.panel.axes import Dates

SESSIONS_PER_YEAR = 244  # mean number of A-share sessions a year
_SESSIONS = {"d": 1, "w": 5, "m": 20, "q": 61, "y": SESSIONS_PER_YEAR}


@dataclass(frozen=True)
class Fold:
    """One split by position: train on [train.start, train.stop), test on [test.start, test.stop)."""

    train: slice
    test: slice


def sessions(duration: str | int, key: str = "") -> int:
    """Turn "2y", "3m", "5d", "1w" or a number into sessions (244 a year, 20 a month, 5 a week).

    Examples
    --------
    >>> sessions("2y"), sessions("3m"), sessions("5d")
    (488, 60, 5)
    """
    if isinstance(duration, int):
        return duration
    match = re.fullmatch(r"\s*(\d+)\s*([dwmqy])\s*", duration)
    if match is None:
        raise ConfigError(
            key, f"{duration!r} is not a duration; write a number and one of d, w, m, q, y (2y)"
        )
    return int(match[1]) * _SESSIONS[match[2]]


@dataclass(frozen=True, kw_only=True)
class WalkForward:
    """Cut a date axis into walk-forward folds.

    Parameters
    ----------
    train : length of the training window ("2y"), or its minimum when `expanding`
    test : length of each test slice ("3m")
    purge : training dates dropped before the test ("5d"); must be at least the target's reach,
        horizon + delay
    embargo : further gap between training and test
    expanding : keep all the past instead of a rolling window
    step : sessions between two rows of the axis that is cut (5 for a weekly decision clock)
    """

    train: str | int = "2y"
    test: str | int = "3m"
    purge: str | int = "5d"
    embargo: str | int = "1d"
    expanding: bool = False
    step: int = 1

    def split(self, dates: Dates, reach: int) -> list[Fold]:
        """Give the folds of a daily axis.

        Parameters
        ----------
        dates : the decision dates
        reach : sessions from a signal to the end of its target (delay + horizon); the purge is never
            shorter

        Raises
        ------
        ConfigError
            if there are too few dates for one fold
        """
        gap = max(sessions(self.purge, "purge"), reach) + sessions(self.embargo, "embargo")
        gap = -(-gap // self.step)
        train = max(1, sessions(self.train, "train") // self.step)
        test = max(1, sessions(self.test, "test") // self.step)
        first = train + gap
        if first >= len(dates):
            raise ConfigError(
                "synthesis.folds",
                f"{len(dates)} dates are too few for one fold: train {train} + gap {gap} + 1. "
                "Shorten train or load more history.",
            )
        folds = []
        for start in range(first, len(dates), test):
            stop = min(start + test, len(dates))
            begin = 0 if self.expanding else start - gap - train
            folds.append(Fold(train=slice(begin, start - gap), test=slice(start, stop)))
        return folds

    def test_mask(self, dates: Dates, reach: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Say which dates belong to some test slice, [dates]."""
        mask = np.zeros(len(dates), dtype=bool)
        for fold in self.split(dates, reach):
            mask[fold.test] = True
        return mask
