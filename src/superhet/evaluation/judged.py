"""One signal beside one forward return: the arrays from which tables are made.

`Judgement` holds room for the numbers of all dates; blocks of dates are filled in by compiled code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.evaluation.blocks import by_rows
from superhet.kernels.group_judging import group_quantile_rows, group_rows
from superhet.kernels.judging import (
    COLUMNS,
    IC,
    MEAN,
    PAIRS,
    RANK_IC,
    WEIGHTED,
    judge_rows,
    newcomers,
)
from superhet.kernels.pair_ranks import Ranked, empty_ranked, rank_block, reals
from superhet.kernels.ranking import still

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Judgement:
    """What one signal is worth for one horizon, date by date.

    Parameters
    ----------
    facts : [dates, columns], see `kernels.judging`
    means, errors : [dates, quantiles], mean forward return and its standard error
    sizes : [dates, quantiles], names
    buckets : [dates, assets], quantile of each name in a pair; 0 = none
    turnover : [dates, quantiles]
    known : [dates], names with a forward return
    """

    facts: Floats
    means: Floats
    errors: Floats
    sizes: Integers
    buckets: npt.NDArray[np.int16]
    turnover: Floats
    known: Integers

    @classmethod
    def empty(cls, buckets: npt.NDArray[np.int16], quantiles: int, known: Integers) -> Judgement:
        """Make room around what holds the buckets, which may be used again for the next signal."""
        wide = (len(buckets), quantiles)
        return cls(
            facts=np.empty((len(buckets), COLUMNS)),
            means=np.empty(wide),
            errors=np.empty(wide),
            sizes=np.empty(wide, dtype=np.int64),
            buckets=buckets,
            turnover=np.full(wide, np.nan),
            known=known,
        )

    @property
    def ic(self) -> Floats:
        """Correlation of the values, [dates]."""
        return self.facts[:, IC]

    @property
    def rank_ic(self) -> Floats:
        """Correlation of the ranks, [dates]."""
        return self.facts[:, RANK_IC]

    @property
    def pairs(self) -> Integers:
        """Names with both a signal and a forward return, [dates]."""
        return self.facts[:, PAIRS].astype(np.int64)

    @property
    def coverage(self) -> Floats:
        """Pairs / names with a forward return, [dates]; NaN where nobody has one."""
        known = self.known
        out = np.full(len(known), np.nan)
        np.divide(self.facts[:, PAIRS], known, out=out, where=known > 0)
        return out

    @property
    def universe(self) -> Floats:
        """Mean forward return of the pairs, [dates]."""
        return self.facts[:, MEAN]

    @property
    def weighted(self) -> Floats:
        """Return of the book weighted by the signal over its mean, gross 1, [dates]."""
        return self.facts[:, WEIGHTED]

    def judge(
        self, rows: slice, x: Numbers, ranks_x: Ranked, y: Numbers, ranks_y: Ranked, rule: Rule
    ) -> None:
        """Fill in a block of dates, all but the turnover."""
        judge_rows(
            x[rows],
            ranks_x.rows(rows),
            y[rows],
            ranks_y.rows(rows),
            rule.minimum,
            rule.interpolated,
            self.facts[rows],
            self.means[rows],
            self.errors[rows],
            self.sizes[rows],
            self.buckets[rows],
        )

    def turn(self, rows: slice, step: int) -> None:
        """Fill in the turnover of a block of dates, none among the first `step`."""
        before = slice(rows.start - step, rows.stop - step)
        newcomers(
            still(self.buckets[rows]),
            still(self.buckets[before]),
            self.sizes[rows],
            self.sizes[before],
            self.turnover[rows],
        )


@dataclass(frozen=True)
class Rule:
    """How pairs are judged.

    Parameters
    ----------
    minimum : a date with fewer pairs has no correlation
    interpolated : whether quantile edges are percentiles between values; else average ranks are cut
    """

    minimum: int = 3
    interpolated: bool = False


def judge(
    signal: Numbers, forward: Numbers, quantiles: int, step: int = 1, rule: Rule | None = None
) -> Judgement:
    """Judge one signal by one forward return, both [dates, assets], sorting both."""
    x, y = reals(signal), reals(forward)
    left, right = empty_ranked(x.shape), empty_ranked(y.shape)
    made = Judgement.empty(np.empty(x.shape, dtype=np.int16), quantiles, right.known)

    def work(rows: slice) -> None:
        rank_block(x, left, rows)
        rank_block(y, right, rows)
        made.judge(rows, x, left, y, right, rule or Rule())

    by_rows(len(x), work, threads=1)
    by_rows(len(x), lambda rows: made.turn(rows, step), threads=1, first=step)
    return made


@dataclass(frozen=True, eq=False)
class GroupJudgement:
    """What one signal is worth within groups, for one horizon.

    Parameters
    ----------
    codes : [dates, assets], int32; -1 = in no group
    rank_ic : [dates, groups]
    sums, sizes : [dates, groups, quantiles], sum of forward returns and number of names
    """

    codes: npt.NDArray[np.int32]
    rank_ic: Floats
    sums: Floats
    sizes: Integers

    @classmethod
    def empty(cls, codes: Numbers, groups: int, quantiles: int) -> GroupJudgement:
        """Make room."""
        rows = len(codes)
        return cls(
            codes=still(np.ascontiguousarray(codes, dtype=np.int32)),
            rank_ic=np.empty((rows, groups)),
            sums=np.empty((rows, groups, quantiles)),
            sizes=np.empty((rows, groups, quantiles), dtype=np.int64),
        )

    def judge(self, rows: slice, ranks_x: Ranked, ranks_y: Ranked, minimum: int) -> None:
        """Fill in the correlations of a block of dates."""
        group_rows(
            ranks_x.rows(rows), ranks_y.rows(rows), self.codes[rows], minimum, self.rank_ic[rows]
        )

    def earn(self, rows: slice, buckets: npt.NDArray[np.int16], y: Numbers) -> None:
        """Fill in what quantiles earned in a block of dates."""
        group_quantile_rows(
            still(buckets[rows]), self.codes[rows], y[rows], self.sums[rows], self.sizes[rows]
        )

    @property
    def quantile_returns(self) -> Floats:
        """Mean forward return, [dates, groups, quantiles]; NaN where nobody is."""
        out = np.full(self.sums.shape, np.nan)
        np.divide(self.sums, self.sizes, out=out, where=self.sizes > 0)
        return out
