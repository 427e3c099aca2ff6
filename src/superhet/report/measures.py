"""Measures: the numbers of a Study that its pages share, each computed once and only when asked for.

Information coefficients, decay, quantiles and autocorrelation come from `superhet.evaluation`. "Out of
sample" means from the first to the last date on which the super-factor and its target are both known for
some asset; members, subsets and models are judged on the same dates.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import numpy.typing as npt

from superhet.evaluation import (
    Decay,
    GroupInformation,
    Information,
    Quantiles,
    SeriesSummary,
    forward_returns,
    ic_decay,
    information,
    information_by_group,
    quantile_returns,
    rank_autocorrelation,
    size_groups,
    summarize_series,
)
from superhet.evaluation.forward_returns import Entry
from superhet.kernels.information import sort_order, spearman
from superhet.kernels.pair_ranks import Ranked
from superhet.panel import Dates, Market, Panel
from superhet.report.base import Study
from superhet.report.cross_section import (
    clustered_order,
    mean_by_row,
    mean_correlation,
    spread_rows,
)

Series = npt.NDArray[np.float64]
QUANTILES = 10
LAGS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60)
FEWEST_IN_GROUP = 5
SIZE_BUCKETS = 5


class Measures:
    """What a Study's pages share."""

    def __init__(self, study: Study) -> None:
        self.study = study

    @cached_property
    def rows(self) -> slice:
        """From the first to the last out-of-sample date, by position on the decision clock."""
        study = self.study
        scored = study.super_factor.known() & study.forward.known()
        at = np.flatnonzero(scored.any(axis=1))
        return slice(int(at[0]), int(at[-1]) + 1) if at.size else slice(0, 0)

    @cached_property
    def dates(self) -> Dates:
        """The out-of-sample dates."""
        return self.study.super_factor.dates[self.rows]

    @cached_property
    def step(self) -> int:
        """Sessions between two decisions."""
        rows = self._session_rows
        return max(1, int(np.median(np.diff(rows)))) if rows.size > 1 else 1

    @cached_property
    def overlap(self) -> int:
        """Decisions over which neighbouring forward returns overlap."""
        return max(1, math.ceil(self.study.horizon / self.step))

    @cached_property
    def _session_rows(self) -> npt.NDArray[np.int64]:
        sessions = self.study.market.dates
        return np.array([sessions.index(d) for d in self.study.super_factor.dates], dtype=np.int64)

    @property
    def forward(self) -> Panel:
        """The target on the out-of-sample dates."""
        return self.study.forward.rows(self.rows)

    @property
    def super_factor(self) -> Panel:
        """The super-factor on the out-of-sample dates."""
        return self.study.super_factor.rows(self.rows)

    @property
    def entry(self) -> Entry:
        """The price traded at, as evaluation names it."""
        known: dict[str, Entry] = {"open": "open", "vwap": "vwap", "close": "close"}
        return known.get(self.study.entry, "open")

    @cached_property
    def _forward_order(self) -> Ranked:
        return sort_order(self.forward.values)

    def of(self, signal: Panel) -> SeriesSummary:
        """Judge a signal by its RankIC on the out-of-sample dates."""
        values, target = signal.values[self.rows], self.forward.values
        return summarize_series(spearman(values, target, order_y=self._forward_order), self.overlap)

    @cached_property
    def information(self) -> Information:
        """The super-factor's information coefficients."""
        return information(self.super_factor, self.forward, self.overlap)

    @property
    def strength(self) -> SeriesSummary:
        """The super-factor's RankIC, summarized."""
        return self.information.rank

    @cached_property
    def member_strength(self) -> dict[str, SeriesSummary]:
        """Each member's RankIC on the same dates."""
        return {name: self.of(panel) for name, panel in self.study.signals.items()}

    @cached_property
    def subsets(self) -> dict[str, Information]:
        """Information coefficients of the super-factors of one frequency alone."""
        return {
            block: information(panel.rows(self.rows), self.forward, self.overlap)
            for block, panel in self.study.subsets.items()
        }

    @cached_property
    def leave_one_out(self) -> dict[str, float]:
        """RankIC that is lost when a member is left out, where the run made such super-factors."""
        made = self.study.leave_one_out
        return {name: self.strength.mean - self.of(panel).mean for name, panel in made.items()}

    @cached_property
    def mean_age(self) -> dict[str, float]:
        """Mean age of each member's values, sessions."""
        return {name: _mean(panel.values) for name, panel in self.study.ages.items()}

    @cached_property
    def half_life(self) -> dict[str, float]:
        """Sessions until a member's rank autocorrelation has halved, read off one target horizon."""
        return {name: self._half_life(panel) for name, panel in self.study.signals.items()}

    def _half_life(self, signal: Panel) -> float:
        values = signal.values[self.rows]
        rows = self.overlap + spread_rows(max(len(values) - self.overlap, 0))
        found = _mean(spearman(values[rows], values[rows - self.overlap]))
        if not 0.0 < found < 1.0 - 1e-9:
            return float("nan")
        return self.overlap * self.step * math.log(0.5) / math.log(found)

    @cached_property
    def block_coverage(self) -> dict[str, Series]:
        """Share of the universe's members with a value on each date, averaged over a frequency."""
        study, out = self.study, {}
        for block in dict.fromkeys(study.signals.blocks.values()):
            panels = study.signals.block(block).values()
            out[block] = np.mean([self._coverage(p) for p in panels], axis=0)
        return out

    @cached_property
    def super_coverage(self) -> Series:
        """Share of the universe's members with a super-factor; NaN on dates that are in no test slice."""
        found = self._coverage(self.study.super_factor)
        return np.where(found > 0.0, found, np.nan)

    def _coverage(self, panel: Panel) -> Series:
        member = self.study.market.universe.member.values[self._session_rows]
        return mean_by_row(panel.known().astype(np.float64), member)

    @cached_property
    def correlation(self) -> tuple[Series, list[int]]:
        """Mean cross-section correlation of the members, and the order that puts like beside like."""
        matrix = mean_correlation(self.study.signals)
        return matrix, clustered_order(matrix)

    @cached_property
    def market(self) -> Market:
        """The market on the sessions of the out-of-sample period and the lags after it."""
        days = self.dates.days
        return self.study.market.between(days[0], None)

    @cached_property
    def decay(self) -> Decay:
        """RankIC of the super-factor against one-session returns that begin later and later."""
        lags = [lag for lag in LAGS if lag >= self.study.delay and lag < len(self.market.dates) - 2]
        return ic_decay(self.super_factor, self.market, lags, horizon=1, entry=self.entry)

    @cached_property
    def quantiles(self) -> Quantiles:
        """Forward returns over the target horizon by quantile of the super-factor."""
        return quantile_returns(
            self.super_factor, self.forward, self.overlap, quantiles=QUANTILES, step=1
        )

    @cached_property
    def quantile_nav(self) -> Series:
        """Value of each quantile over the mean of all, rebalanced at each decision, [dates, quantiles]."""
        one = forward_returns(
            self.market, horizon=self.step, delay=self.study.delay, entry=self.entry
        )
        rows = np.array([one.dates.index(d) for d in self.dates], dtype=np.int64)
        found = quantile_returns(self.super_factor, one.rows(rows), 1, quantiles=QUANTILES).returns
        above = found - found.mean(axis=1, keepdims=True)
        return np.asarray(np.cumprod(1.0 + np.nan_to_num(above), axis=0))

    @cached_property
    def autocorrelation(self) -> Series:
        """Rank autocorrelation of the super-factor from one decision to the next, [dates]."""
        return rank_autocorrelation(self.super_factor, 1)

    @cached_property
    def by_industry(self) -> GroupInformation | None:
        """RankIC within each industry; None without a classification."""
        if "industry" not in self.study.market.group_panels:
            return None
        return self._within(self.study.market.groups("industry"))

    @cached_property
    def by_size(self) -> GroupInformation | None:
        """RankIC within fifths by size; None where the market does not know sizes."""
        if self.study.market.size not in self.study.market:
            return None
        return self._within(size_groups(self.study.market, SIZE_BUCKETS))

    def _within(self, groups: Panel) -> GroupInformation:
        rows = self._session_rows[self.rows]
        on_clock = groups.rows(rows)
        return information_by_group(
            self.super_factor, self.forward, on_clock, self.overlap, minimum=FEWEST_IN_GROUP
        )


def _mean(values: npt.NDArray[np.floating]) -> float:
    there = np.isfinite(values)
    return float(values[there].mean()) if there.any() else float("nan")
