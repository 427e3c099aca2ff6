"""The protocol of the room: a synthesizer learns how to mix signals, a fitted one mixes them."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from superhet.panel import Cube, Panel
from superhet.registry import Registry


@runtime_checkable
class FittedSynthesizer(Protocol):
    """What `Synthesizer.fit` gives: it mixes signals, and knows until when it has seen the answers."""

    @property
    def fitted_until_(self) -> np.datetime64:
        """The last date whose prices the training targets have seen."""

    def predict(self, signals: Cube, *, in_sample: bool = False) -> Panel:
        """Mix the signals into one score.

        Raises
        ------
        LookAhead
            if a date is not after `fitted_until_`, unless `in_sample=True`
        """


@runtime_checkable
class Synthesizer(Protocol):
    """Learns from signals and the target they are to forecast."""

    def fit(self, signals: Cube, target: Panel, *, reach: int) -> FittedSynthesizer:
        """Learn on all dates of `signals` whose target is known.

        Parameters
        ----------
        signals : standardized scores
        target : forward return stamped at the signal date, on the axes of the signals
        reach : dates from a signal to the end of its target (delay + horizon)
        """


SYNTHESIZERS: Registry[type[Synthesizer]] = Registry("synthesizer")
