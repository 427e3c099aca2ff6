"""Diagnosis: what a set of weights is, date by date, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.kernels.cross_section import group_sums
from superhet.panel import Dates, Market, Panel
from superhet.portfolio.pool import Pool, build_pool, market_rows
from superhet.portfolio.turnover import drifted, growth, one_way

Series: TypeAlias = npt.NDArray[np.float64]
Counts: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class PortfolioDiagnosis:
    """Facts about weights on their decision dates.

    Parameters
    ----------
    dates : [decisions]
    long, short : sums of the two sides, short as a positive number
    gross, net : sums of absolute and of signed weights
    names_long, names_short : number of names
    max_abs_industry_net : largest absolute sum of weights of one industry
    size_exposure : sum of weight x size, size = log market cap with mean 0 and deviation 1 on the pool
    turnover : one-way against the weights of the decision before, drifted; NaN on the first
    forced_turnover : the part of it that sells what left the pool
    effective_names : (sum |w|)² / sum w²
    pool : number of names in the pool
    lonely : names of the pool that are alone in their industry, which neutrality leaves without weight
    invalid : reason -> members it excludes (a member may count under several)
    relative_to : what industry and size are measured against: "zero", or "benchmark" for a book
        without shorts
    """

    dates: Dates
    long: Series
    short: Series
    gross: Series
    net: Series
    names_long: Counts
    names_short: Counts
    max_abs_industry_net: Series
    size_exposure: Series
    turnover: Series
    forced_turnover: Series
    effective_names: Series
    pool: Counts
    lonely: Counts
    invalid: Mapping[str, Counts]
    relative_to: str = "zero"

    def to_dict(self) -> dict[str, object]:
        """Give the summary: means over decisions, and worst cases of what should be zero."""
        later = self.turnover[1:]
        return {
            "decisions": len(self.dates),
            "first": str(self.dates.values[0]),
            "last": str(self.dates.values[-1]),
            "relative_to": self.relative_to,
            "mean_long": float(self.long.mean()),
            "mean_short": float(self.short.mean()),
            "mean_gross": float(self.gross.mean()),
            "max_abs_net": float(np.abs(self.net).max()),
            "max_abs_industry_net": float(self.max_abs_industry_net.max()),
            "max_abs_size_exposure": float(np.abs(self.size_exposure).max()),
            "mean_names_long": float(self.names_long.mean()),
            "mean_names_short": float(self.names_short.mean()),
            "mean_effective_names": float(self.effective_names.mean()),
            "mean_turnover": float(later.mean()) if later.size else 0.0,
            "mean_forced_turnover": float(self.forced_turnover[1:].mean()) if later.size else 0.0,
            "mean_pool": float(self.pool.mean()),
            "mean_lonely": float(self.lonely.mean()),
            "mean_invalid": {name: float(n.mean()) for name, n in self.invalid.items()},
        }

    def __str__(self) -> str:
        facts = self.to_dict()
        lines = [f"Portfolio {facts['first']} … {facts['last']}, {facts['decisions']} decisions"]
        for label, name, form in (
            ("long / short", ("mean_long", "mean_short"), "{:.4f} / {:.4f}"),
            ("names long / short", ("mean_names_long", "mean_names_short"), "{:.0f} / {:.0f}"),
            ("effective names", ("mean_effective_names",), "{:.0f}"),
            ("pool, lonely", ("mean_pool", "mean_lonely"), "{:.0f}, {:.1f}"),
            ("worst industry net", ("max_abs_industry_net",), "{:.2e}"),
            ("worst size exposure", ("max_abs_size_exposure",), "{:.2e}"),
            ("turnover, forced", ("mean_turnover", "mean_forced_turnover"), "{:.1%}, {:.1%}"),
        ):
            lines.append(f"  {label:<20}{form.format(*(facts[n] for n in name))}")
        lines[5] += f" (relative to {self.relative_to})"
        excluded = ", ".join(f"{name} {n.mean():.1f}" for name, n in self.invalid.items())
        lines.append(f"  excluded a date     {excluded or 'none'}")
        return "\n".join(lines)


def diagnose(weights: Panel, alpha: Panel, market: Market) -> PortfolioDiagnosis:
    """Measure weights on their decision dates.

    Parameters
    ----------
    weights, alpha : [dates, assets] on the same axes; rows of NaN weights are no decisions
    market : where both come from; industry and size are used if it has them
    """
    against = tuple(
        name
        for name, there in (
            ("industry", "industry" in market.group_panels),
            ("size", market.size in market),
        )
        if there
    )
    pool = build_pool(alpha, market, against, drop_unknown=False, min_names=0)
    decided = np.flatnonzero(weights.known().any(axis=1))
    held = np.nan_to_num(np.asarray(weights.values, dtype=np.float64))[decided]
    sessions = np.arange(len(market.dates))[market_rows(weights, market)][decided]
    active, relative_to = _active(held, market, sessions)
    turnover, forced = _turnover(held, pool.inside[decided], market, sessions)
    gross, square = np.abs(held).sum(axis=1), (held**2).sum(axis=1)
    return PortfolioDiagnosis(
        dates=weights.dates[decided],
        long=np.maximum(held, 0.0).sum(axis=1),
        short=np.maximum(-held, 0.0).sum(axis=1),
        gross=gross,
        net=held.sum(axis=1),
        names_long=(held > 0.0).sum(axis=1),
        names_short=(held < 0.0).sum(axis=1),
        max_abs_industry_net=_industry_net(active, pool, decided),
        size_exposure=_size_exposure(active, pool, decided),
        turnover=turnover,
        forced_turnover=forced,
        effective_names=np.divide(gross**2, square, where=square > 0.0, out=np.zeros(len(held))),
        pool=pool.inside[decided].sum(axis=1),
        lonely=_lonely(pool, decided),
        invalid={name: counts[decided] for name, counts in pool.invalid.items()},
        relative_to=relative_to,
    )


def _active(held: Series, market: Market, sessions: Counts) -> tuple[Series, str]:
    benchmark = market.benchmark
    if benchmark is None or benchmark.weights is None or (held < 0.0).any():
        return held, "zero"
    own = np.nan_to_num(np.asarray(benchmark.weights.values, dtype=np.float64)[sessions])
    total = own.sum(axis=1, keepdims=True)
    own = np.divide(own, total, where=total > 0.0, out=np.zeros_like(own))
    return np.asarray(held - own * held.sum(axis=1, keepdims=True)), "benchmark"


def _industry_net(active: Series, pool: Pool, decided: Counts) -> Series:
    if pool.groups is None:
        return np.asarray(np.abs(active.sum(axis=1)))
    sums, _ = group_sums(active, pool.groups[decided], len(pool.labels))
    return np.asarray(np.abs(sums).max(axis=1))


def _size_exposure(active: Series, pool: Pool, decided: Counts) -> Series:
    if "size" not in pool.exposure_names:
        return np.zeros(len(active))
    size = np.nan_to_num(pool.exposures[pool.exposure_names.index("size")][decided])
    return np.asarray((active * size).sum(axis=1))


def _lonely(pool: Pool, decided: Counts) -> Counts:
    if pool.groups is None:
        return np.zeros(len(decided), dtype=np.int64)
    ones = np.where(pool.inside, 1.0, np.nan)[decided]
    counts, _ = group_sums(ones, pool.groups[decided], len(pool.labels))
    return np.asarray((counts == 1.0).sum(axis=1))


def _turnover(
    held: Series, inside: npt.NDArray[np.bool_], market: Market, sessions: Counts
) -> tuple[Series, Series]:
    turnover, forced = np.full(len(held), np.nan), np.full(len(held), np.nan)
    for k in range(1, len(held)):
        moved = drifted(held[k - 1], growth(market, sessions[k - 1], sessions[k]))
        turnover[k] = one_way(moved, held[k])
        forced[k] = float(np.abs(moved[~inside[k]]).sum() / 2.0)
    return turnover, forced
