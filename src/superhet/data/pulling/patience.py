"""Manners of a pull: how often it asks, how long it waits, and when it gives up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a pull bears with a vendor.

    Parameters
    ----------
    tries : how often a question is asked when a moment's fault comes back
    first_wait : seconds before the second try; doubled for each further one
    give_up_after : questions in a row that may fail by a moment's fault before the pull ends
    batch_rows, batch_units, batch_seconds : a batch is written when one of these is reached
    clock, sleep : seconds that only differ, and how to wait
    """

    tries: int = 4
    first_wait: float = 2.0
    give_up_after: int = 5
    batch_rows: int = 500_000
    batch_units: int = 1000
    batch_seconds: float = 120.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def paced(rate: float, patience: Patience) -> Callable[[], None]:
    """Give what to call before each question, so that no more than `rate` a minute are asked."""
    last = [-float("inf")]

    def wait() -> None:
        due = last[0] + (60.0 / rate if rate > 0 else 0.0)
        now = patience.clock()
        if now < due:
            patience.sleep(due - now)
        last[0] = max(now, due)

    return wait
