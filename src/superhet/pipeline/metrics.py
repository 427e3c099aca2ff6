"""Metrics: the few numbers by which a run is judged and compared."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from superhet.data.base import Tables
from superhet.evaluation import information
from superhet.panel import BacktestResult, Market, Panel
from superhet.pipeline.config import Config
from superhet.pipeline.oracle import oracle_share
from superhet.pipeline.stages import Values
from superhet.portfolio import diagnose


def measure(
    config: Config, market: Market, values: Mapping[str, Values], tables: Tables
) -> dict[str, float | None]:
    """Compute the metrics of a finished road.

    Returns
    -------
    `oos_rank_ic`, `oos_icir` (not annualised), `oos_rank_ic_t` (Newey-West), `oracle_share` and the
    RankICs behind it (None where no truth exists), `gross_sharpe`, `net_sharpe`, `net_annual_return`,
    `max_drawdown`, `annual_turnover` (one-way), `max_abs_industry_net`, `max_abs_size_exposure` (of the
    target weights, worst date); with a risk model also those of `styles`
    """
    synthesis, result = values["synthesis"], values["backtest"]["result"]
    super_factor: Panel = synthesis["super_factor"]
    section = config.synthesis.target
    found = information(super_factor, synthesis["target"], section.horizon)
    oracle = oracle_share(tables, section, super_factor, synthesis["target"]) or {}
    weights: Panel = values["portfolio"]["weights"]
    held = diagnose(weights, super_factor, market)
    return {
        "oos_rank_ic": found.rank.mean,
        "oos_icir": found.rank.icir,
        "oos_rank_ic_t": found.rank.t,
        "oracle_share": oracle.get("oracle_share"),
        "best_rank_ic": oracle.get("best_rank_ic"),
        "absolute_rank_ic": oracle.get("absolute_rank_ic"),
        **performance(result),
        "max_abs_industry_net": _worst(held.max_abs_industry_net),
        "max_abs_size_exposure": _worst(held.size_exposure),
        **(styles(values["styles"]) if "styles" in values else {}),
    }


def styles(found: Values) -> dict[str, float | None]:
    """Give the numbers of a run with a risk model.

    Returns
    -------
    `max_abs_style_exposure` (of the target weights, worst date and style, in standard deviations) and
    `style_r2` (of the super-factor on all styles across assets, mean over dates); None where not known
    """
    r2 = [one["r2"] for one in found["overlaps"] if one["kind"] == "super_factor"]
    worst = _worst(np.asarray(found["exposure"]).ravel())
    return {
        "max_abs_style_exposure": None if np.isnan(worst) else worst,
        "style_r2": None if not r2 or np.isnan(r2[0]) else r2[0],
    }


def performance(result: BacktestResult) -> dict[str, float]:
    """Give the numbers of a backtest that a run is listed with."""
    return {
        "gross_sharpe": result.gross.sharpe,
        "net_sharpe": result.net.sharpe,
        "net_annual_return": result.net.annual_return,
        "max_drawdown": result.net.max_drawdown,
        "annual_turnover": result.annual_turnover,
    }


def _worst(series: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    known = np.abs(series[~np.isnan(series)])
    return float(known.max()) if known.size else float("nan")
