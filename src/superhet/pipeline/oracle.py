"""Oracle: how much of what could be known was found. The only reader of a simulated market's truth.

The truth never reaches a stage: it is read after the super-factor exists, to measure it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from superhet.data.base import Tables
from superhet.data.sources.simulated import load_truth
from superhet.data.store import Store
from superhet.kernels.information import spearman
from superhet.panel import Assets, Dates, Panel, reindex
from superhet.pipeline.sections import TargetSection


def oracle_share(
    tables: Tables, section: TargetSection, super_factor: Panel, target: Panel
) -> Mapping[str, float] | None:
    """Compare the super-factor's RankIC with that of the best reachable forecast.

    Both are measured on the same dates and names: those where the super-factor has a value.

    Returns
    -------
    None where the data have no truth (real data) or nothing was planted; otherwise
        `oracle_share` = RankIC of the super-factor / RankIC of the best forecast,
        `best_rank_ic`, `absolute_rank_ic` (the true expected return), `rank_ic`
    """
    if not isinstance(tables, Store) or not tables.extra_folder("truth").exists():
        return None
    truth = load_truth(tables.extra_folder("truth"))
    forecasts = {
        "best": truth.best_forecast(section.horizon, skip=section.delay - 1),
        "absolute": truth.true_forecast(section.horizon, skip=section.delay - 1),
    }
    if not any(np.nanstd(values) > 0.0 for values in forecasts.values()):
        return None  # no alpha was planted, so there is nothing to reach
    found = {"rank_ic": _mean_rank_ic(super_factor, super_factor, target)}
    for name, values in forecasts.items():
        panel = Panel(values=values, dates=Dates(truth.dates), assets=Assets(truth.assets))
        on_axes = reindex(panel, dates=super_factor.dates, assets=super_factor.assets)
        found[f"{name}_rank_ic"] = _mean_rank_ic(on_axes, super_factor, target)
    found["oracle_share"] = found["rank_ic"] / found["best_rank_ic"]
    return found


def _mean_rank_ic(signal: Panel, where: Panel, target: Panel) -> float:
    shown: Any = np.where(where.known(), signal.values, np.nan)
    return float(np.nanmean(spearman(shown, target.values)))
