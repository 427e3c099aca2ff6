"""Dates in blocks: what one thread works on at once, small enough for the cache.

Blocks write to rows of their own, so the bytes do not depend on the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_ROWS = 32


def by_rows(
    count: int, work: Callable[[slice], None], threads: int | None = None, first: int = 0
) -> None:
    """Call `work` for blocks of rows.

    Parameters
    ----------
    count : of all rows
    work : called with the rows of a block; runs compiled code that lets other threads run
    threads : None takes all cores
    first : rows before it are left out
    """
    blocks = [slice(k, min(k + _ROWS, count)) for k in range(first, count, _ROWS)]
    threads = min(threads or os.cpu_count() or 1, len(blocks))
    if threads <= 1:
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, blocks):
            pass
