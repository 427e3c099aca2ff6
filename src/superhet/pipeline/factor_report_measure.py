"""What is measured of one factor: the parts of its study, one room's numbers after another."""

from __future__ import annotations

from typing import Any

from superhet.panel import Panel
from superhet.pipeline.factor_report_ground import Ground
from superhet.pipeline.factor_report_inference import significance_facts
from superhet.pipeline.factor_report_information import (
    autocorrelation_facts,
    decay_facts,
    information_facts,
    judged,
    merged,
)
from superhet.pipeline.factor_report_library import Mine, beside_facts
from superhet.pipeline.factor_report_money import money_facts, quantile_facts
from superhet.pipeline.factor_report_splits import split_facts
from superhet.pipeline.factor_report_values import value_facts

TOO_GOOD = 0.3


def measured(signal: Panel, ground: Ground, beside: Mine) -> dict[str, Any]:
    """Measure one signal; gives the fields of its `FactorStudy`."""
    horizon = ground.options.horizon
    found = judged(signal, ground)
    clean = ground.neutral(signal)
    residual = None if clean is None else judged(clean, ground, whole=False)
    information = information_facts(signal, found, residual, ground)
    direction = information["direction"]
    money = money_facts(signal, ground, direction)
    made = merged(
        information,
        decay_facts(signal, ground),
        autocorrelation_facts(found),
        split_facts(signal, found, ground, direction),
        quantile_facts(found.quantiles[horizon]),
        money,
        value_facts(signal, ground),
        beside_facts(signal, ground, beside),
        {"significance": significance_facts(found.information[horizon], money, ground, direction)},
    )
    made["forward"] = ground.forward_counts
    made["series"] = {"date": [str(d) for d in signal.dates.values], **made["series"]}
    mean = made["rank_ic"]["mean"]
    if mean is not None and abs(mean) > TOO_GOOD:
        made["notes"] = [{"code": "too_good", "values": {"mean": f"{mean:.2f}"}}]
    return made
