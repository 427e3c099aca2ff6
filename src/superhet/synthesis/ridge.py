"""Ridge: one cross-sectional regression pooled over all training dates.

1. every date: signals centred, target turned into normal scores, moments divided by the number of
   names, so that a date with many names counts no more than one with few      -> statistics._moments
2. w = (G + λI)⁻¹ c with the means G, c over the training dates                -> coefficients
3. λ is given, or the one of a grid with the best mean IC in forward-chained inner folds, each purged by
   the reach                                                                   -> _best_penalty

λ is in units of a standardized signal's variance: 1 halves the weight of a signal that stands alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from superhet.errors import NoSignal
from superhet.synthesis.base import SYNTHESIZERS
from superhet.synthesis.linear import Floats, LinearSynthesizer
from superhet.synthesis.statistics import Moments, SynthesisStatistics

GRID = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


@SYNTHESIZERS.add("ridge")
@dataclass(kw_only=True, frozen=True)
class Ridge(LinearSynthesizer):
    """Regress the ranks of the target on all signals at once, with a penalty on large weights.

    Parameters
    ----------
    penalty : λ in units of a standardized signal's variance, or "auto" to choose it inside the training
        dates
    inner_folds : forward-chained folds that choose the penalty
    """

    penalty: Annotated[float, Ge(0)] | Literal["auto"] = "auto"
    inner_folds: Annotated[int, Ge(1)] = 3

    word: ClassVar[str] = "ridge"
    needs_moments: ClassVar[bool] = True

    def _weights(self, found: SynthesisStatistics, mean: Floats, std: Floats, reach: int) -> Floats:
        if found.moments is None:
            raise ValueError("ridge needs statistics(..., moments=True)")
        penalty = self.penalty
        if penalty == "auto":
            penalty = self._best_penalty(found.moments, reach)
        solved = coefficients(*_pooled(found.moments, slice(None)), (penalty,))
        return np.asarray(solved[0])

    def _best_penalty(self, moments: Moments, reach: int) -> float:
        scores: list[Floats] = []
        for train, test in _inner_folds(len(moments.cross), self.inner_folds, reach):
            if not np.isnan(moments.cross[train, 0]).all():
                weights = coefficients(*_pooled(moments, train), GRID)
                scores.append(_mean_ics(moments, test, weights))
        known = [s for s in scores if not np.isnan(s).any()]
        if not known:
            raise NoSignal(
                f"ridge: {len(moments.cross)} training dates are too few to choose the penalty with "
                f"{self.inner_folds} inner folds and a reach of {reach}. Give `penalty` a number, or "
                "lengthen train."
            )
        mean = np.mean(known, axis=0)
        # of penalties that do equally well the largest is the most careful
        return GRID[len(GRID) - 1 - int(np.argmax(mean[::-1]))]


def coefficients(gram: Floats, cross: Floats, penalties: tuple[float, ...]) -> Floats:
    """Solve (G + λI) w = c for several λ with one eigendecomposition.

    Directions in which the signals do not vary (relative 1e-12) get no weight when λ is 0.

    Parameters
    ----------
    gram : [signals, signals]
    cross : [signals]
    penalties : λ, each at least 0

    Returns
    -------
    [penalties, signals]
    """
    values, vectors = np.linalg.eigh(gram)
    values = np.where(values > 1e-12 * values[-1], values, 0.0)
    projected = vectors.T @ cross
    scale = values[None, :] + np.array(penalties)[:, None]
    solved = np.divide(projected, scale, out=np.zeros_like(scale), where=scale > 0.0)
    return np.asarray(solved @ vectors.T)


def _pooled(moments: Moments, rows: slice) -> tuple[Floats, Floats]:
    # summed afresh for every fold: differences of running sums would lose digits, and the cost of
    # the sums is a trifle beside the moments themselves
    cross = moments.cross[rows]
    known = ~np.isnan(cross[:, 0])
    count = max(int(known.sum()), 1)
    gram = moments.gram[rows].sum(axis=0, where=known[:, None, None])
    return gram / count, cross.sum(axis=0, where=known[:, None]) / count


def _mean_ics(moments: Moments, rows: slice, weights: Floats) -> Floats:
    """Give the mean Pearson IC of each row of weights with the target's scores, [penalties]."""
    gram, cross = moments.gram[rows], moments.cross[rows]
    known = ~np.isnan(cross[:, 0])
    if not known.any():
        return np.full(len(weights), np.nan)
    above = weights @ cross[known].T
    variance = np.einsum("pk,tkl,pl->pt", weights, gram[known], weights, optimize=True)
    ic = np.divide(above, np.sqrt(variance), out=np.zeros_like(above), where=variance > 1e-30)
    return np.asarray(ic.mean(axis=1))


def _inner_folds(dates: int, folds: int, reach: int) -> Iterator[tuple[slice, slice]]:
    edges = np.linspace(0, dates, folds + 2).astype(int)
    for start, stop in zip(edges[1:-1].tolist(), edges[2:].tolist(), strict=True):
        if start - reach > 0:
            yield slice(0, start - reach), slice(start, stop)
