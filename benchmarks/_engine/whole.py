"""(c) Alpha158 on a whole market, written to disk piece by piece, and (g) the same for one more session.

The result of ten years and 5,000 assets has 7.9 GB; the peak shows that it is never in memory. No peer here:
KunQuant needs the result in memory, and pyqlib would take minutes.
"""

from __future__ import annotations

import sys
import tempfile
from typing import Any

from benchmarks._engine.panels import price_market, prices
from benchmarks._harness import Arrays, Part, Works, compare

FULL, SMALL = (2500, 5000), (300, 500)
STREAMED, APPENDED = "(c) Alpha158 to disk", "(g) one more session"
FIELDS, OUTPUTS, LOOKBACK, BUDGET = 6, 158, 60, 1 << 30


def rows(*, small: bool) -> list[dict[str, Any]]:
    """Give both rows; that of the session says which share of the whole it took."""
    found = compare(sys.modules[__name__], SMALL if small else FULL)
    whole = found[0]["cpu_seconds"]
    for row in found[1:]:
        row["share"] = row["cpu_seconds"] / whole
        row["work"] += f", {row['share']:.2%} of all"
    return found


def inputs(size: Part) -> Arrays:
    """Make daily bars."""
    return prices(size)


def parts(size: Part) -> dict[str, Part]:
    """Give superhet all of the data."""
    return {}


def tolerance(work: str, system: str) -> float:
    """Say that nothing is compared."""
    return 0.0


def moved(work: str, size: Part) -> float:
    """Give the bytes: each field read once, each output written once."""
    if work == APPENDED:
        return 4.0 * (FIELDS * (LOOKBACK + 1) + OUTPUTS) * size[1]
    return 4.0 * (FIELDS + OUTPUTS) * size[0] * size[1]


def superhet(arrays: Arrays) -> Works:
    """Say how superhet does it."""
    from superhet.factors import library
    from superhet.factors.evaluate import evaluate_chunks

    market, formulas = price_market(arrays), {f.name: f for f in library("alpha158")}
    settings: dict[str, Any] = {"dtype": "float32", "threads": 1, "budget": BUDGET}

    def streamed() -> Arrays:
        with tempfile.TemporaryFile() as file:
            for chunk in evaluate_chunks(formulas, market, **settings):
                for values in chunk.values.values():
                    values.tofile(file)
        return {}

    def appended() -> Arrays:
        last = len(market.dates) - 1
        (chunk,) = evaluate_chunks(formulas, market, first=last, **settings)
        return dict(chunk.values)

    return {STREAMED: streamed, APPENDED: appended}


def kept(found: Any) -> Arrays:
    """Keep nothing: there is no peer."""
    return {}


SYSTEMS = {"superhet": superhet}
