"""Rank long-only: the benchmark's industries, filled with the best names of each.

1. the pool: tradable, alpha known, industry and size known                  -> pool.build_pool
2. INSN and power rank, as in the long-short rule                            -> rank_long_short
3. industry sums are the benchmark's; what it holds in industries without a pool name goes to the
   others in proportion                                                      -> `_industry_sums`
4. inside an industry the top share is held, by base x exp(tilt x rank); with `match_size` also
   x exp(slope x size), the slope found by bisection so that the size exposure is the benchmark's
                                                                             -> `_fill`, `_size_slope`
5. turnover cap: what is held is projected on today's pool and industry sums, then blended with the
   new target as far as the cap allows                                       -> `_capped`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le

from superhet.errors import ConfigError
from superhet.kernels.cross_section import power_rank
from superhet.panel import Market, Panel
from superhet.portfolio.base import PORTFOLIO_RULES, Risk
from superhet.portfolio.pool import Pool, WhenFew, build_pool, market_rows
from superhet.portfolio.rank_long_short import neutral
from superhet.portfolio.turnover import drifted, growth, step_towards

Floats: TypeAlias = npt.NDArray[np.float64]
_STEEPEST, _BISECTIONS = 8.0, 60  # largest slope of exp(slope x size), and halvings of the bracket


@PORTFOLIO_RULES.add("rank_long_only")
@dataclass(frozen=True, kw_only=True)
class RankLongOnly:
    """Hold the benchmark's industries, tilted to the best ranks of each.

    Parameters
    ----------
    power : of the power rank
    tilt : weight is base x exp(tilt x rank), rank in (-1, 1); 0 leaves the base
    top : share of each industry's pool names that is held, rounded up
    base : "benchmark" starts from benchmark weights (names outside it are not held, unless an industry
        has no other), "equal" from equal ones
    match_size : bring the size exposure to the benchmark's
    max_turnover : one-way, for each decision; None = no cap
    min_names : smallest pool
    when_few : what a date with a smaller pool is: an "error", or no decision ("hold": the book stays as
        it is, as on 2015-07-09, when nearly all A-shares were suspended or at their limit)
    drop_unknown_industry : leave out names of unknown industry; otherwise they are one more industry
    """

    power: Annotated[float, Gt(0.0), Le(20.0)] = 1.0
    tilt: Annotated[float, Ge(0.0), Le(20.0)] = 2.0
    top: Annotated[float, Gt(0.0), Le(1.0)] = 0.5
    base: Literal["benchmark", "equal"] = "benchmark"
    match_size: bool = False
    max_turnover: Annotated[float, Gt(0.0)] | None = None
    min_names: Annotated[int, Ge(2)] = 30
    when_few: WhenFew = "error"
    drop_unknown_industry: bool = True

    def weights(self, alpha: Panel, market: Market, risk: Risk | None = None) -> Panel:
        """Give target weights on the dates of `alpha`: not negative, sum 1.

        Raises
        ------
        ConfigError
            if the market has no benchmark weights
        EmptyUniverse, NoSignal, TooFewAssets, AxisMismatch, UnknownName
        """
        benchmark = market.benchmark
        if benchmark is None or benchmark.weights is None:
            raise ConfigError(
                "portfolio.rank_long_only",
                "needs the weights of a benchmark, and the market has none. Name an index with "
                "weights under market.benchmark, or use rank_long_short.",
            )
        pool = build_pool(
            alpha,
            market,
            ("industry", "size"),
            drop_unknown=self.drop_unknown_industry,
            min_names=self.min_names,
            when_few=self.when_few,
        )
        rows = market_rows(alpha, market)
        base = np.nan_to_num(np.asarray(benchmark.weights.values[rows], dtype=np.float64))
        score = power_rank(
            neutral(np.asarray(alpha.values, dtype=np.float64), pool, pool.inside), self.power
        )
        sessions = np.arange(len(market.dates))[rows]
        out = np.full(score.shape, np.nan)
        before = -1
        for now in np.flatnonzero(pool.decided):
            book = _Section(pool, int(now), base[now])
            target = book.fill(score[now], self)
            if before >= 0 and self.max_turnover is not None:
                held = drifted(out[before], growth(market, sessions[before], sessions[now]))
                start = book.project(held, target)
                target = step_towards(held, start, target, self.max_turnover, lambda blend: blend)
            out[now] = target
            before = int(now)
        return alpha.with_values(out, name="weights", unit="weight")


class _Section:
    """One date: pool, industries, benchmark."""

    def __init__(self, pool: Pool, row: int, benchmark: Floats) -> None:
        assert pool.groups is not None  # the long-only rule always names the industry
        self.names = np.flatnonzero(pool.inside[row])
        self.count = len(pool.labels)
        self.codes = pool.groups[row][self.names]
        self.size = pool.exposures[0, row]
        self.benchmark = benchmark
        self.sums = self._industry_sums(pool.groups[row])

    def _industry_sums(self, codes: npt.NDArray[np.int32]) -> Floats:
        wanted = np.bincount(codes, self.benchmark, self.count)
        present = np.bincount(self.codes, minlength=self.count) > 0
        sums = np.where(present, wanted, 0.0)
        if sums.sum() <= 0.0:  # the benchmark holds nothing of the pool's industries
            sums = np.bincount(self.codes, minlength=self.count).astype(np.float64)
        return np.asarray(sums / sums.sum())

    def fill(self, score: Floats, rule: RankLongOnly) -> Floats:
        """Give the target weights of the date, [assets]."""
        rank = score[self.names]
        kept = self._top(rank, rule.top)
        base = np.where(kept, 1.0, 0.0)
        if rule.base == "benchmark":
            own = base * self.benchmark[self.names]
            covered = np.bincount(self.codes, own, self.count)[self.codes] > 0.0
            base = np.where(covered, own, base)
        base = base * np.exp(rule.tilt * rank)
        size = self.size[self.names]
        slope = self._size_slope(base, size) if rule.match_size else 0.0
        out = np.zeros(score.shape)
        out[self.names] = self._spread(base * np.exp(slope * size))
        return out

    def _top(self, rank: Floats, share: float) -> npt.NDArray[np.bool_]:
        """Keep the best share of every industry; names tied with the last one kept stay."""
        order = np.lexsort((-rank, self.codes))
        codes = self.codes[order]
        first = np.searchsorted(codes, codes)
        place = np.arange(codes.size) - first
        counts = np.bincount(self.codes, minlength=self.count)
        wanted = np.ceil(share * counts - 1e-9).astype(np.int64)
        last = np.full(self.count, np.inf)
        at_last = place == wanted[codes] - 1
        last[codes[at_last]] = rank[order][at_last]
        return np.asarray(rank >= last[self.codes])

    def _spread(self, base: Floats) -> Floats:
        totals = np.bincount(self.codes, base, self.count)[self.codes]
        return np.asarray(base * self.sums[self.codes] / totals)

    def _size_slope(self, base: Floats, size: Floats) -> float:
        """Find the slope whose book has the benchmark's size exposure; it rises with the slope."""
        known = np.isfinite(self.size)
        held = self.benchmark[known]
        if held.sum() <= 0.0:
            return 0.0
        wanted = float(held @ self.size[known] / held.sum())
        low, high = -_STEEPEST, _STEEPEST
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2.0
            if float(self._spread(base * np.exp(middle * size)) @ size) < wanted:
                low = middle
            else:
                high = middle
        return (low + high) / 2.0

    def project(self, held: Floats, target: Floats) -> Floats:
        """Keep what may be held, at today's industry sums; an industry without any is filled anew."""
        base = np.maximum(held[self.names], 0.0)
        covered = np.bincount(self.codes, base, self.count)[self.codes] > 0.0
        out = np.zeros(held.shape)
        out[self.names] = self._spread(np.where(covered, base, target[self.names]))
        return out
