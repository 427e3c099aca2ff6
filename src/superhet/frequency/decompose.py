"""Decompose: split a daily signal into a slow and a fast part, with the past alone.

The slow part is a one-sided exponential mean, the fast part what is left; they add up to the signal.
Each has its own half-life and deserves its own weight in the mix.
"""

from __future__ import annotations

from dataclasses import dataclass

from superhet.errors import ConfigError
from superhet.kernels.smoothing import exponential_mean
from superhet.panel import Panel


@dataclass(frozen=True, eq=False, kw_only=True)
class Parts:
    """A signal in two parts.

    Parameters
    ----------
    slow : [dates, assets], exponential mean of the past
    fast : [dates, assets], signal - slow
    """

    slow: Panel
    fast: Panel


def decompose(signal: Panel, half_life: float) -> Parts:
    """Split a signal by speed.

    Parameters
    ----------
    signal : [dates, assets]; NaN stays NaN in both parts and leaves the mean of the past alone
    half_life : dates after which a past value weighs half in the slow part

    Notes
    -----
    At the first known value of an asset the slow part is the value itself and the fast part is 0.
    """
    if not half_life > 0:
        raise ConfigError("half_life", f"must be above 0 (got {half_life})")
    slow = signal.with_values(
        exponential_mean(signal.values, half_life), name=f"{signal.name} slow"
    )
    return Parts(slow=slow, fast=(signal - slow).renamed(f"{signal.name} fast"))
