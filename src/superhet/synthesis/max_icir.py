"""Maximum ICIR: the mix whose rank IC is largest against its own deviation.

1. mean μ and covariance Σ of the rank ICs in training; a missing IC counts as its signal's mean -> _samples
2. Σ is shrunk: some dozens of signals and a year of overlapping ICs leave it far too noisy    -> _covariance
3. max w'μ / √(w'Σw) has the solution w ∝ Σ⁻¹μ; with `non_negative`, weights on the signals turned to
   a positive IC may not be negative: a signal is never used against its own evidence          -> _solve

Overlapping horizons: ICs of dates closer than the reach share returns, the more so the slower the
signals. The shrinkage is told how many dates hold as much as one independent one       -> overlap

References: Qian, Hua & Sorensen (2007), *Quantitative Equity Portfolio Management*, ch. 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from superhet.kernels.covariance import ledoit_wolf, ledoit_wolf_constant_correlation
from superhet.synthesis.base import SYNTHESIZERS
from superhet.synthesis.linear import Floats, HalfLife, LinearSynthesizer
from superhet.synthesis.statistics import SynthesisStatistics


@SYNTHESIZERS.add("max_icir")
@dataclass(kw_only=True, frozen=True)
class MaxICIR(LinearSynthesizer):
    """Maximise mean / deviation of the mix's rank IC over the training dates.

    Parameters
    ----------
    shrinkage : "ledoit_wolf" towards a multiple of the identity; "constant_correlation"; "none"
    non_negative : forbid weights against the sign of a signal's own mean IC
    half_life : training dates after which a date counts half in the mean; None counts all alike. The
        covariance counts all dates alike: it moves more slowly and needs the data
    """

    shrinkage: Literal["none", "ledoit_wolf", "constant_correlation"] = "ledoit_wolf"
    non_negative: bool = False
    half_life: HalfLife = None

    word: ClassVar[str] = "max_icir"

    def _weights(self, found: SynthesisStatistics, mean: Floats, std: Floats, reach: int) -> Floats:
        moving = std > 1e-15
        weights = np.zeros(len(mean))
        if not moving.any():
            return weights
        covariance = self._covariance(_samples(found.rank_ic[:, moving]), reach)
        sign = np.where(mean[moving] < 0.0, -1.0, 1.0)
        weights[moving] = sign * _solve(
            covariance * np.outer(sign, sign), sign * mean[moving], self.non_negative
        )
        return weights

    def _covariance(self, samples: Floats, reach: int) -> Floats:
        if self.shrinkage == "none":
            return samples.T @ samples / len(samples)
        shrink = (
            ledoit_wolf if self.shrinkage == "ledoit_wolf" else ledoit_wolf_constant_correlation
        )
        return shrink(samples, overlap=overlap(samples, reach))[0]


def overlap(samples: Floats, reach: int) -> float:
    """Count the dates that hold as much about second moments as one independent date.

    Parameters
    ----------
    samples : [dates, signals], centred ICs
    reach : dates over which neighbouring targets overlap

    Notes
    -----
    For Gaussian series the variance of a sample (co)variance grows by 1 + 2 Σ_d ρ_d² (Bartlett 1946).
    ρ_d is measured, as the mean over the signals, for the lags d < reach at which targets overlap.
    """
    scale = np.sum(samples**2, axis=0)
    total = 1.0
    for d in range(1, min(reach, len(samples))):
        autocorrelation = np.sum(samples[d:] * samples[:-d], axis=0) / scale
        total += 2.0 * max(float(autocorrelation.mean()), 0.0) ** 2
    return total


def _samples(rank_ic: Floats) -> Floats:
    """Centre the ICs; a missing one is 0, and the rest is scaled up so that variances stay right."""
    known = ~np.isnan(rank_ic)
    count = known.sum(axis=0)
    filled = np.where(known, rank_ic, 0.0)
    deviation = np.where(known, filled - filled.sum(axis=0) / count, 0.0)
    return np.asarray(deviation * np.sqrt(len(rank_ic) / count))


def _solve(covariance: Floats, mean: Floats, non_negative: bool) -> Floats:
    # in units of each signal's own deviation, so that tiny and large ICs are solved alike well
    deviation = np.sqrt(np.diag(covariance))
    scaled = covariance / np.outer(deviation, deviation)
    values, vectors = np.linalg.eigh(scaled)
    kept = (
        values > 1e-10 * values[-1]
    )  # fewer dates than signals: the rest has no variance to weigh
    root, vectors = np.sqrt(values[kept]), vectors[:, kept]
    projected = vectors.T @ (mean / deviation) / root
    if not non_negative:
        return np.asarray(vectors @ (projected / root) / deviation)
    from scipy.optimize import nnls

    return np.asarray(nnls(root[:, None] * vectors.T, projected)[0] / deviation)
