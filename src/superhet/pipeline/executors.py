"""Executors: spread independent work over the cores of one machine; the bytes do not depend on how many.

Kernels release the interpreter's lock, so threads share the panels without copying them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

Map: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


def cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_map(workers: int | None = None) -> Map:
    """Give a `map` that runs on threads and yields results in order.

    Parameters
    ----------
    workers : number of threads; None = one a core
    """
    count = workers or cores()

    def spread(work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        from joblib import Parallel, delayed

        pool = Parallel(n_jobs=count, prefer="threads", return_as="generator")
        found: Iterator[Any] = pool(delayed(work)(item) for item in items)
        return found

    return spread
