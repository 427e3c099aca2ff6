"""The values of one factor for its report: their shape, and what cleaning changes."""

from __future__ import annotations

from typing import Any

from superhet.panel import Panel
from superhet.pipeline.factor_cleaning import factor_cleaning
from superhet.pipeline.factor_report_ground import Ground, rounded
from superhet.preprocess import diagnose


def value_facts(signal: Panel, ground: Ground) -> dict[str, Any]:
    """Give the shape of the values, and what the usual ways to clean them change."""
    shape = diagnose(signal, ground.market).to_dict()
    shape["edges"], shape["histogram"] = (
        rounded([v if v is not None else float("nan") for v in shape[k]])
        for k in ("edges", "histogram")
    )
    horizon = ground.options.horizon
    rows = factor_cleaning(
        signal,
        ground.market,
        ground.forward[horizon],
        horizon,
        prices=ground.prices,
        delay=ground.options.delay,
    )
    return {"distribution": shape, "cleaning": [r.to_dict() for r in rows]}
