"""What a linear mix learns from, date by date: computed once for all folds, because no date needs another.

1. rank IC of each signal with the target                              -> _rank_ics
2. within-date moments of the signals and of the target's normal scores,
   each divided by the number of names, so that every date counts alike -> _moments

A walk-forward fold takes a slice of these; fitting on the slice's own dates gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch, NoSignal
from superhet.kernels.information import normal_scores, sort_order, spearman
from superhet.kernels.pair_ranks import Ranked
from superhet.panel import Cube, Dates, Panel, require_same_axes

Floats: TypeAlias = npt.NDArray[np.float64]
Map: TypeAlias = Callable[..., Iterable[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Moments:
    """Second moments of one date each, over the names with a target and at least one signal.

    Parameters
    ----------
    gram : [dates, signals, signals], covariance of the signals (a missing one counts as 0)
    cross : [dates, signals], covariance of each signal with the target's normal scores
    """

    gram: Floats
    cross: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class SynthesisStatistics:
    """Statistics of signals and target by date.

    Parameters
    ----------
    dates : [dates]
    names : of the signals
    target_known : [dates], whether anybody has a target
    rank_ic : [dates, signals]; NaN where fewer than three names have both
    moments : for the models that need them, else None; NaN on dates without a target
    """

    dates: Dates
    names: tuple[str, ...]
    target_known: npt.NDArray[np.bool_]
    rank_ic: Floats
    moments: Moments | None = None

    def rows(self, key: slice) -> SynthesisStatistics:
        """Keep some dates; the arrays are views."""
        moments = self.moments
        if moments is not None:
            moments = Moments(gram=moments.gram[key], cross=moments.cross[key])
        return replace(
            self,
            dates=self.dates[key],
            target_known=self.target_known[key],
            rank_ic=self.rank_ic[key],
            moments=moments,
        )

    def select(self, names: Iterable[str]) -> SynthesisStatistics:
        """Keep some signals, in the order given.

        The names behind the moments stay those of all signals: a name that only a dropped signal knows
        still counts, with zeros.
        """
        wanted = tuple(names)
        at = np.array([self.names.index(n) for n in wanted], dtype=np.int64)
        moments = self.moments
        if moments is not None:
            moments = Moments(
                gram=np.ascontiguousarray(moments.gram[:, at[:, None], at[None, :]]),
                cross=np.ascontiguousarray(moments.cross[:, at]),
            )
        # in one block: sums over dates must run in the same order as on statistics of these alone
        rank_ic = np.ascontiguousarray(self.rank_ic[:, at])
        return replace(self, names=wanted, rank_ic=rank_ic, moments=moments)

    def learnable(self) -> SynthesisStatistics:
        """Cut the dates after the last known target.

        Raises
        ------
        NoSignal
            if no target is known at all
        """
        known = np.flatnonzero(self.target_known)
        if not known.size:
            raise NoSignal(
                f"no date between {self.dates.describe()} has a known target to learn from. "
                "Start earlier, or shorten the horizon."
            )
        last = int(known[-1]) + 1
        return self if last == len(self.dates) else self.rows(slice(0, last))


def statistics(
    signals: Cube, target: Panel, *, moments: bool = False, map: Map = map
) -> SynthesisStatistics:
    """Compute what linear mixes learn from.

    Parameters
    ----------
    signals : standardized scores
    target : forward return stamped at the signal date
    moments : also compute the second moments (ridge needs them): memory [dates, signals, signals]
    map : spreads the signals over workers; the result does not depend on it

    Raises
    ------
    AxisMismatch
        if the target stands on other axes, or there is no signal
    """
    if not len(signals):
        raise AxisMismatch("there is no signal to mix")
    require_same_axes(signals[signals.names[0]], target)
    values = np.asarray(target.values)
    order = sort_order(values)
    found = list(map(partial(_rank_ic, signals, values, order), signals.names))
    return SynthesisStatistics(
        dates=target.dates,
        names=signals.names,
        target_known=~np.isnan(values).all(axis=1),
        rank_ic=np.stack(found, axis=1),
        moments=_moments(signals, values) if moments else None,
    )


def _rank_ic(signals: Cube, target: npt.NDArray[Any], order: Ranked, name: str) -> Floats:
    return spearman(signals[name].values, target, order_y=order)


def _moments(signals: Cube, target: npt.NDArray[Any]) -> Moments:
    panels = [signals[name].values for name in signals]
    scores = normal_scores(target)
    dates, count = len(target), len(panels)
    gram = np.full((dates, count, count), np.nan)
    cross = np.full((dates, count), np.nan)
    stacked = np.empty((count, target.shape[1]))
    for t in range(dates):
        wanted = ~np.isnan(scores[t])
        if not wanted.any():
            continue
        for k, panel in enumerate(panels):
            stacked[k] = panel[t]
        missing = np.isnan(stacked)
        wanted &= ~missing.all(axis=0)
        size = int(wanted.sum())
        if size < 2:
            continue
        z = np.where(missing, 0.0, stacked)[:, wanted]
        z -= z.mean(axis=1, keepdims=True)
        y = scores[t, wanted]
        gram[t] = z @ z.T / size
        cross[t] = z @ (y - y.mean()) / size
    return Moments(gram=gram, cross=cross)
