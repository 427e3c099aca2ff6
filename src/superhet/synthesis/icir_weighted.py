"""Weights in proportion to mean / deviation of the rank IC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from superhet.synthesis.base import SYNTHESIZERS
from superhet.synthesis.linear import Floats, HalfLife, LinearSynthesizer
from superhet.synthesis.statistics import SynthesisStatistics


@SYNTHESIZERS.add("icir_weighted")
@dataclass(kw_only=True, frozen=True)
class ICIRWeighted(LinearSynthesizer):
    """Weigh each signal by its ICIR in training: steady signals count for more.

    Overlapping horizons make neighbouring ICs alike, but the mean and the deviation of one date's IC
    are the same with or without overlap, so the weights need no correction.

    Parameters
    ----------
    half_life : training dates after which a date counts half; None counts all alike
    """

    half_life: HalfLife = None

    word: ClassVar[str] = "icir_weighted"

    def _weights(self, found: SynthesisStatistics, mean: Floats, std: Floats, reach: int) -> Floats:
        return np.divide(mean, std, out=np.zeros_like(mean), where=std > 1e-15)
