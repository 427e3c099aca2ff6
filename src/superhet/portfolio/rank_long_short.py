"""Rank long-short: a dollar-neutral book from an alpha, neutral to the last digit.

1. the pool: tradable, alpha known, industry and size known                       -> pool.build_pool
2. INSN: residual of alpha on industry and standardized log size, on the pool     -> `neutral`
3. power rank of the residual                                                     -> kernels.power_rank
4. the top and bottom shares are kept                                             -> `_kept`
5. the ranks are neutralized once more, because ranking undoes neutrality         -> `neutral`
6. one scalar brings the book to gross long + short: neutrality is linear, so it survives; an
   industry-neutral book has net 0, so that its long sum is its short sum           -> `_scaled`
7. turnover cap: what is held is projected on today's pool and neutrality, then blended with the new
   target as far as the cap allows                                                  -> `_capped`
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, TypeAlias

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le

from superhet.errors import ConfigError
from superhet.kernels.cross_section import power_rank
from superhet.kernels.regression import residual
from superhet.panel import Market, Panel
from superhet.portfolio.base import PORTFOLIO_RULES, Risk
from superhet.portfolio.pool import Flags, Pool, WhenFew, build_pool, market_rows
from superhet.portfolio.turnover import drifted, growth, step_towards

Floats: TypeAlias = npt.NDArray[np.float64]
ROUNDING = 1e-13  # what is smaller than this share of the largest value is rounding, not signal


@PORTFOLIO_RULES.add("rank_long_short")
@dataclass(frozen=True, kw_only=True)
class RankLongShort:
    """Long the top and short the bottom of a neutralized rank.

    Parameters
    ----------
    power : of the power rank; 1 is linear, more puts weight into the tails
    long, short : sums of the two sides, fractions of capital
    top, bottom : shares of the pool on each side
    neutralize : "industry" (or another classification), "size", daily fields; () for dollar neutrality
        alone
    max_turnover : one-way, for each decision; None = no cap. The first decision is free, and what the
        pool and neutrality force may go beyond
    min_names : smallest pool
    when_few : what a date with a smaller pool is: an "error", or no decision ("hold": the book stays as
        it is, as on 2015-07-09, when nearly all A-shares were suspended or at their limit)
    drop_unknown_industry : leave out names of unknown industry; otherwise they are one more industry
    """

    power: Annotated[float, Gt(0.0), Le(20.0)] = 1.0
    long: Annotated[float, Gt(0.0), Le(10.0)] = 0.5
    short: Annotated[float, Gt(0.0), Le(10.0)] = 0.5
    top: Annotated[float, Gt(0.0), Le(0.5)] = 0.5
    bottom: Annotated[float, Gt(0.0), Le(0.5)] = 0.5
    neutralize: tuple[str, ...] = ("industry", "size")
    max_turnover: Annotated[float, Gt(0.0)] | None = None
    min_names: Annotated[int, Ge(2)] = 30
    when_few: WhenFew = "error"
    drop_unknown_industry: bool = True

    def __post_init__(self) -> None:
        if self.long != self.short and self.neutralize:
            raise ConfigError(
                "portfolio.rank_long_short",
                f"long {self.long:g} and short {self.short:g} differ, but a book that is neutral to "
                f"{list(self.neutralize)} has net 0, so both sides are equal, and scaling them apart "
                "would undo the neutrality. Set long = short, or neutralize: [].",
            )

    def weights(self, alpha: Panel, market: Market, risk: Risk | None = None) -> Panel:
        """Give target weights on the dates of `alpha`; see the steps at the head of the file.

        Raises
        ------
        EmptyUniverse, NoSignal, TooFewAssets, AxisMismatch, UnknownName, ConfigError
        """
        pool = self.pool(alpha, market)
        weights = self._targets(alpha, pool)
        if self.max_turnover is not None:
            weights = self._capped(weights, pool, market, market_rows(alpha, market))
        weights[~pool.decided] = np.nan
        return alpha.with_values(weights, name="weights", unit="weight")

    def pool(self, alpha: Panel, market: Market) -> Pool:
        """Give the pool that the weights are built on."""
        return build_pool(
            alpha,
            market,
            self.neutralize,
            drop_unknown=self.drop_unknown_industry,
            min_names=self.min_names,
            when_few=self.when_few,
        )

    def _targets(self, alpha: Panel, pool: Pool) -> Floats:
        score = neutral(np.asarray(alpha.values, dtype=np.float64), pool, pool.inside)
        ranked = power_rank(score, self.power)
        held = pool.inside & self._kept(score)
        return self._scaled(
            neutral(ranked, pool, held) if self.long == self.short else np.where(held, ranked, 0)
        )

    def _kept(self, score: Floats) -> Flags:
        place = power_rank(score)  # in (-1, 1)
        high = place > 1.0 - 2.0 * self.top + ROUNDING
        low = place < 2.0 * self.bottom - 1.0 - ROUNDING
        return np.asarray(high | low)

    def _scaled(self, weights: Floats) -> Floats:
        weights = np.where(np.isnan(weights), 0.0, weights)
        if self.long == self.short:
            return _to_gross(weights, self.long + self.short)
        long, short = np.maximum(weights, 0.0), np.minimum(weights, 0.0)
        return _to_gross(long, self.long) + _to_gross(short, self.short)

    def _capped(
        self, targets: Floats, pool: Pool, market: Market, rows: slice | npt.NDArray[np.int64]
    ) -> Floats:
        out = targets.copy()
        sessions = np.arange(len(market.dates))[rows]
        decisions = np.flatnonzero(pool.decided)
        for before, now in pairwise(decisions):
            held = drifted(out[before], growth(market, sessions[before], sessions[now]))
            start = project(held, pool, int(now))
            if start.any():  # a book of nothing is built freely, as the first one is
                out[now] = step_towards(
                    held,
                    self._sized(start),
                    targets[now],
                    float(self.max_turnover or 0.0),
                    self._sized,
                )
        return out

    def _sized(self, weights: Floats) -> Floats:
        return np.asarray(self._scaled(weights[None])[0])


def project(held: Floats, pool: Pool, row: int) -> Floats:
    """Bring held weights onto the pool and neutrality of one date by least squares, [assets]."""
    inside = pool.inside[row] & (held != 0.0)
    one = slice(row, row + 1)
    part = Pool(
        inside=inside[None],
        decided=pool.decided[one],
        groups=None if pool.groups is None else pool.groups[one],
        labels=pool.labels,
        exposures=pool.exposures[:, one],
        exposure_names=pool.exposure_names,
        invalid={},
    )
    left = neutral(np.where(inside, held, np.nan)[None], part, inside[None])[0]
    return np.where(np.isnan(left), 0.0, left)


def neutral(values: Floats, pool: Pool, inside: Flags) -> Floats:
    """Regress on groups (or an intercept) and exposures; what is only rounding becomes 0."""
    kept = np.where(inside, values, np.nan)
    left = residual(kept, pool.groups, pool.exposures, None, inside)
    size = np.where(inside, np.abs(values), 0.0).max(axis=1, keepdims=True)
    return np.where(np.abs(left) <= ROUNDING * size, 0.0, left)


def _to_gross(weights: Floats, gross: float) -> Floats:
    total = np.abs(weights).sum(axis=1, keepdims=True)
    return np.asarray(
        weights * np.divide(gross, total, where=total > 0.0, out=np.zeros_like(total))
    )
