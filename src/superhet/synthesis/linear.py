"""What all linear synthesizers share: fit = statistics of each date, then weights from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le

from superhet.errors import NoSignal
from superhet.kernels.covariance import half_life_weights
from superhet.panel import Cube, Panel
from superhet.synthesis.mix import LinearMix, seen_until
from superhet.synthesis.statistics import SynthesisStatistics, statistics

Floats = npt.NDArray[np.float64]
HalfLife = Annotated[float, Gt(0)] | None


@dataclass(kw_only=True, frozen=True)
class LinearSynthesizer(ABC):
    """A synthesizer whose fitted value is a set of weights; a model gives `_weights`.

    Parameters
    ----------
    min_coverage : share of the absolute weight that known signals must carry for a score
    min_dates : dates with a known rank IC that a signal needs to take part
    """

    min_coverage: Annotated[float, Ge(0), Le(1)] = 0.5
    min_dates: Annotated[int, Ge(2)] = 20

    word: ClassVar[str] = ""
    needs_moments: ClassVar[bool] = False

    def fit(self, signals: Cube, target: Panel, *, reach: int) -> LinearMix:
        """Learn weights on all dates whose target is known.

        Parameters
        ----------
        signals : standardized scores
        target : forward return stamped at the signal date; NaN where it is not known yet
        reach : dates from a signal to the end of its target (delay + horizon)

        Raises
        ------
        NoSignal
            if no signal has `min_dates` dates with a known rank IC
        """
        return self.learn(statistics(signals, target, moments=self.needs_moments), reach=reach)

    def learn(
        self, found: SynthesisStatistics, *, reach: int, fitted_until: np.datetime64 | None = None
    ) -> LinearMix:
        """Learn weights from statistics that are computed already; the same bits as `fit`.

        Parameters
        ----------
        found : of the training dates
        reach : dates from a signal to the end of its target
        fitted_until : the date on which the last target is known, where the caller knows it
        """
        kept = found.learnable()
        usable = (~np.isnan(kept.rank_ic)).sum(axis=0) >= self.min_dates
        if not usable.any():
            raise NoSignal(
                f"{self.word}: no signal has {self.min_dates} dates with a known rank IC between "
                f"{kept.dates.describe()}. Lengthen train, lower min_dates, or start later."
            )
        mean, std = ic_moments(kept.rank_ic, self._half_life)
        weights = np.zeros(len(kept.names))
        chosen = kept if usable.all() else kept.select(np.array(kept.names)[usable].tolist())
        weights[usable] = self._weights(chosen, mean[usable], std[usable], reach)
        gross = float(np.abs(weights).sum())
        if not gross > 0.0:
            raise NoSignal(f"{self.word}: every weight is zero; no signal tells anything apart")
        if fitted_until is None:
            fitted_until = seen_until(found.dates, len(kept.dates) - 1, reach)
        return LinearMix(
            model=self.word,
            names=kept.names,
            weights_=weights / gross,
            ic_mean_=mean,
            ic_std_=std,
            fitted_until_=fitted_until,
            min_coverage=self.min_coverage,
        )

    @property
    def _half_life(self) -> float | None:
        return getattr(self, "half_life", None)

    @abstractmethod
    def _weights(self, found: SynthesisStatistics, mean: Floats, std: Floats, reach: int) -> Floats:
        """Give the weights of the signals, [signals], in any scale."""


def ic_moments(rank_ic: Floats, half_life: float | None) -> tuple[Floats, Floats]:
    """Give mean and deviation of each rank IC over its known dates.

    Parameters
    ----------
    rank_ic : [dates, signals]
    half_life : dates after which a date's weight has halved; None weighs all alike

    Returns
    -------
    mean, std : [signals]; std divides by the weight less its own loss (ddof 1 for equal weights); NaN
        where fewer than two dates are known
    """
    known = ~np.isnan(rank_ic)
    weights = half_life_weights(len(rank_ic), half_life)[:, None] * known
    total = weights.sum(axis=0)
    share = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    filled = np.where(known, rank_ic, 0.0)
    mean = (share * filled).sum(axis=0)
    variance = (share * np.where(known, filled - mean, 0.0) ** 2).sum(axis=0)
    freedom = 1.0 - (share**2).sum(axis=0)
    enough = known.sum(axis=0) >= 2
    variance = np.divide(variance, freedom, out=np.full(len(mean), np.nan), where=enough)
    return np.where(total > 0, mean, np.nan), np.sqrt(variance)
