"""The factor engine: seven workloads, each beside the peers that can do it, all in float32 on one thread.

(a) Alpha158 on 800 assets; (b) 14 features without cache; (c) Alpha158 on a whole market, written to disk;
(d) steps over the assets of a date; (e) minute bars to daily numbers; (f) a thousand random formulas and
their IC; (g) one more session of (c). Column "limit" is the CPU time over the time in which a plain copy
moves the bytes that must move: what is read once and what is written once.
"""

from __future__ import annotations

from typing import Any

from benchmarks._engine import alpha158, cross, fourteen, mining, minutes, whole

PARTS = (alpha158, fourteen, whole, cross, minutes, mining)


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give the rows of all workloads."""
    return [row for part in PARTS for row in part.rows(small=small)]
