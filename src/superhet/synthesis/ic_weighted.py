"""Weights in proportion to the mean rank IC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from superhet.synthesis.base import SYNTHESIZERS
from superhet.synthesis.linear import Floats, HalfLife, LinearSynthesizer
from superhet.synthesis.statistics import SynthesisStatistics


@SYNTHESIZERS.add("ic_weighted")
@dataclass(kw_only=True, frozen=True)
class ICWeighted(LinearSynthesizer):
    """Weigh each signal by its mean rank IC in training; a negative one is turned.

    Parameters
    ----------
    half_life : training dates after which a date counts half; None counts all alike
    """

    half_life: HalfLife = None

    word: ClassVar[str] = "ic_weighted"

    def _weights(self, found: SynthesisStatistics, mean: Floats, std: Floats, reach: int) -> Floats:
        return mean
