"""Equal weights after aligning signs: no estimation error, and the baseline to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from superhet.synthesis.base import SYNTHESIZERS
from superhet.synthesis.linear import Floats, LinearSynthesizer
from superhet.synthesis.statistics import SynthesisStatistics


@SYNTHESIZERS.add("equal")
@dataclass(kw_only=True, frozen=True)
class Equal(LinearSynthesizer):
    """Give every signal the same weight.

    Parameters
    ----------
    signs : "learned" turns a signal whose mean rank IC in training is negative; "given" trusts that
        high values are good
    """

    signs: Literal["learned", "given"] = "learned"

    word: ClassVar[str] = "equal"

    def _weights(self, found: SynthesisStatistics, mean: Floats, std: Floats, reach: int) -> Floats:
        return np.ones(len(mean)) if self.signs == "given" else np.sign(mean)
