"""Frequency: the mixer of many clocks, and how fast signals fade."""

from superhet.frequency.clock import decision_clock
from superhet.frequency.decompose import Parts, decompose
from superhet.frequency.horizon import (
    DecayCurve,
    DecayFit,
    best_horizon,
    decay_curve,
    fit_decay,
    half_life_of,
    horizon_ic,
    phi_of,
)
from superhet.frequency.mix import Mixed, mix
from superhet.frequency.resample import resample

__all__ = [
    "DecayCurve",
    "DecayFit",
    "Mixed",
    "Parts",
    "best_horizon",
    "decay_curve",
    "decision_clock",
    "decompose",
    "fit_decay",
    "half_life_of",
    "horizon_ic",
    "mix",
    "phi_of",
    "resample",
]
