"""Many signals -> one super-factor: linear mixes and the walk-forward that fits them honestly."""

from superhet.synthesis.ablation import Contributions, compare, contributions
from superhet.synthesis.base import SYNTHESIZERS, FittedSynthesizer, Synthesizer
from superhet.synthesis.equal import Equal
from superhet.synthesis.ic_weighted import ICWeighted
from superhet.synthesis.icir_weighted import ICIRWeighted
from superhet.synthesis.linear import LinearSynthesizer
from superhet.synthesis.max_icir import MaxICIR
from superhet.synthesis.mix import LinearMix
from superhet.synthesis.ridge import Ridge
from superhet.synthesis.statistics import Moments, SynthesisStatistics, statistics
from superhet.synthesis.walk_forward import WalkForwardResult, walk_forward

__all__ = [
    "SYNTHESIZERS",
    "Contributions",
    "Equal",
    "FittedSynthesizer",
    "ICIRWeighted",
    "ICWeighted",
    "LinearMix",
    "LinearSynthesizer",
    "MaxICIR",
    "Moments",
    "Ridge",
    "SynthesisStatistics",
    "Synthesizer",
    "WalkForwardResult",
    "compare",
    "contributions",
    "statistics",
    "walk_forward",
]
