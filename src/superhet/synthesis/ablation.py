"""Ablation: which signal carries the super-factor, and which model mixes best, out of sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from superhet.errors import InputError
from superhet.kernels.information import sort_order, spearman
from superhet.panel import Cube, Panel, WalkForward
from superhet.synthesis.base import Synthesizer
from superhet.synthesis.linear import LinearSynthesizer
from superhet.synthesis.statistics import Map, statistics
from superhet.synthesis.walk_forward import WalkForwardResult, walk_forward

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Contributions:
    """What each signal adds to the out-of-sample rank IC, the other weights held.

    Parameters
    ----------
    names : [signals]
    rank_ic : mean rank IC of the whole super-factor
    without : [signals], mean rank IC with the signal left out
    """

    names: tuple[str, ...]
    rank_ic: float
    without: Floats

    @property
    def drop(self) -> Floats:
        """Rank IC lost by leaving each signal out, [signals]; negative where it did harm."""
        return np.asarray(self.rank_ic - self.without)

    def to_dict(self) -> dict[str, float | None]:
        """Give name -> drop in rank IC."""
        drops = zip(self.names, self.drop.tolist(), strict=True)
        return {name: None if np.isnan(drop) else drop for name, drop in drops}

    def __str__(self) -> str:
        lines = [f"Out-of-sample rank IC {self.rank_ic:+.4f}; lost without"]
        order = np.argsort(-self.drop, kind="stable")
        lines += [f"  {self.names[k]:<28}{self.drop[k]:+.4f}" for k in order]
        return "\n".join(lines)


def contributions(result: WalkForwardResult, signals: Cube, target: Panel) -> Contributions:
    """Leave each signal out of a walk-forward result, the weights of the others held.

    The names that have a score stay the same, so that the ICs are over the same pairs.

    Parameters
    ----------
    result : of a linear model
    signals, target : those that the result came from

    Raises
    ------
    InputError
        if the models of the result have no weights
    """
    if np.isnan(result.weights).all():
        raise InputError("contributions need a linear model: these folds have no weights")
    by_date = _weights_by_date(result, len(signals.dates))
    scored = slice(result.folds[0].test.start, result.folds[-1].test.stop)
    known_target = np.asarray(target.values[scored])
    order = sort_order(known_target)
    score = result.super_factor.values[scored]
    whole = _mean(spearman(score, known_target, order_y=order))
    without = np.full(len(result.names), np.nan)
    for k, name in enumerate(result.names):
        weight = by_date[scored, k][:, None]
        if not np.nan_to_num(weight).any():
            without[k] = whole
            continue
        rest = score - weight * np.nan_to_num(signals[name].values[scored])
        # a name that only this signal told anything about is left with rounding, which is no rank
        rest[np.abs(rest) < 1e-12] = 0.0
        without[k] = _mean(spearman(rest, known_target, order_y=order))
    return Contributions(names=result.names, rank_ic=whole, without=without)


def compare(
    models: Mapping[str, Synthesizer],
    signals: Cube,
    target: Panel,
    folds: WalkForward,
    *,
    reach: int,
    map: Map = map,
) -> dict[str, WalkForwardResult]:
    """Run several models over the same folds; what linear models learn from is computed once.

    Parameters
    ----------
    models : name -> unfitted synthesizer
    signals, target, folds, reach, map : as in `walk_forward`
    """
    linear = [m for m in models.values() if isinstance(m, LinearSynthesizer)]
    found = None
    if linear:
        moments = any(m.needs_moments for m in linear)
        found = statistics(signals, target, moments=moments, map=map)
    return {
        name: walk_forward(model, signals, target, folds, reach=reach, map=map, found=found)
        for name, model in models.items()
    }


def _weights_by_date(result: WalkForwardResult, dates: int) -> Floats:
    by_date = np.full((dates, len(result.names)), np.nan)
    for fold, weights in zip(result.folds, result.weights, strict=True):
        by_date[fold.test] = weights
    return by_date


def _mean(series: Floats) -> float:
    known = series[~np.isnan(series)]
    return float(known.mean()) if known.size else float("nan")
