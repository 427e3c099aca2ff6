"""The money view of one factor for its report: quantiles, long-short, legs, holding, capacity.

High values are bought whatever the factor's direction; what is turned by it is named so (`directed`).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.evaluation import (
    QuantilePortfolios,
    Quantiles,
    capacity,
    holding_sweep,
    quantile_portfolios,
)
from superhet.kernels.performance import PerformanceSummary, drawdown, nav
from superhet.panel import Panel
from superhet.pipeline.factor_report_ground import Ground, plain, rounded

Series = npt.NDArray[np.float64]
NAMES = 10
_EVERY = 3  # of the curve of capacity


def quantile_facts(found: Quantiles) -> dict[str, Any]:
    """Give what the names of each quantile earned over the horizon."""
    spread = found.spread_summary
    return {
        "quantiles": {
            "returns": rounded(found.mean),
            "relative": rounded(found.relative_mean),
            "turnover": rounded(found.mean_turnover),
            "turnover_step": found.step,
            "spread": plain(spread.mean),
            "spread_t": plain(spread.t),
            "spread_ci95": [plain(spread.low), plain(spread.high)],
            "monotonicity": plain(found.monotonicity),
        },
        "series": {"spread": rounded(found.spread)},
    }


def money_facts(signal: Panel, ground: Ground, direction: int) -> dict[str, Any]:
    """Give what portfolios of the quantiles earned, session by session."""
    held = _portfolios(signal, ground)
    turned = held
    if direction < 0:
        turned = _portfolios(signal.with_values(-signal.values), ground)
    return {
        "books": _books(held),
        "long_short": _long_short(held, turned, ground),
        "legs": _legs(held),
        "weighted": _weighted(held),
        "concentration": _largest(held, direction),
        "capacity": _capacity(turned),
        "holding": _holding(signal, ground),
        "series": _series(held),
    }


def _portfolios(signal: Panel, ground: Ground) -> QuantilePortfolios:
    options = ground.options
    return quantile_portfolios(
        signal,
        ground.prices,
        quantiles=options.quantiles,
        holding=options.horizon,
        delay=options.delay,
        cost=options.cost,
        periods_per_year=options.periods_per_year,
    )


def performance_facts(found: PerformanceSummary) -> dict[str, Any]:
    """Name the numbers of a return series."""
    return {name: plain(value) for name, value in asdict(found).items()}


def _books(held: QuantilePortfolios) -> list[dict[str, Any]]:
    rows = []
    for q in range(held.returns.shape[1]):
        gross, net = held.performance(held.returns[:, q]), held.performance(held.net[:, q])
        rows.append(
            {
                "gross": plain(gross.annual_return),
                "net": plain(net.annual_return),
                "gross_sharpe": plain(gross.sharpe),
                "net_sharpe": plain(net.sharpe),
                "turnover": plain(held.annual_turnover[q]),
            }
        )
    return rows


def _long_short(
    held: QuantilePortfolios, turned: QuantilePortfolios, ground: Ground
) -> dict[str, Any]:
    gross, net = held.performance(held.long_short), held.performance(held.long_short_net)
    directed = turned.performance(turned.long_short_net)
    trades = held.turnover[:, [0, -1]].sum(axis=1)[~np.isnan(held.long_short)]
    a_session = float(trades.mean()) if trades.size else float("nan")
    return {
        "gross": performance_facts(gross),
        "net": performance_facts(net),
        "directed": {
            "gross_sharpe": plain(turned.performance(turned.long_short).sharpe),
            "net_sharpe": plain(directed.sharpe),
            "net_annual_return": plain(directed.annual_return),
            "break_even": plain(turned.break_even_cost),
            "net_summary": performance_facts(directed),
        },
        "holding": held.holding,
        "turnover": plain(a_session),
        "annual_turnover": plain(a_session * ground.options.periods_per_year),
        "break_even": plain(held.break_even_cost),
        "daily_spread_t": plain(held.spread.t),
    }


def _legs(held: QuantilePortfolios) -> dict[str, Any]:
    total = float(np.nansum(held.long_short))
    made = {}
    for name, returns in (("long", held.long_leg), ("short", held.short_leg)):
        share = float(np.nansum(returns)) / total if abs(total) > 1e-12 else None
        made[name] = performance_facts(held.performance(returns)) | {"share": plain(share)}
    return made


def _weighted(held: QuantilePortfolios) -> dict[str, Any]:
    gross, net = held.performance(held.weighted), held.performance(held.weighted_net)
    fit = held.regression
    return {
        "annual_alpha": plain((1.0 + fit.alpha) ** held.periods_per_year - 1.0),
        "beta": plain(fit.beta),
        "annual_return_gross": plain(gross.annual_return),
        "annual_return_net": plain(net.annual_return),
        "sharpe_gross": plain(gross.sharpe),
        "sharpe_net": plain(net.sharpe),
    }


def _largest(held: QuantilePortfolios, direction: int) -> dict[str, Any]:
    """Name who gave most to the book in the factor's direction."""
    gains = held.books.contributions
    order = np.argsort(-gains * (direction or 1), kind="stable")[:NAMES]
    total = float(gains.sum())
    known = abs(total) > 1e-12
    rows = [
        {
            "asset": held.assets[i],
            "contribution": plain(gains[i]),
            "share": plain(gains[i] / total) if known else None,
        }
        for i in order
    ]
    return {"rows": rows, "share": plain(gains[order].sum() / total) if known else None}


def _capacity(turned: QuantilePortfolios) -> dict[str, Any]:
    try:
        found = capacity(turned)
    except ConfigError:  # the store has no amounts
        return {}
    facts = found.to_dict()
    curve = facts.pop("curve")
    rows = [
        {"capital": money, "net": net}
        for money, net in zip(curve["money"], curve["net_alpha"], strict=True)
    ]
    least = -abs(found.alpha)  # beyond, there is nothing left to lose sight of
    return {
        **facts,
        "rows": [r for r in rows[::_EVERY] if r["net"] is not None and r["net"] > least],
    }


def _holding(signal: Panel, ground: Ground) -> list[dict[str, Any]]:
    options = ground.options
    rows = holding_sweep(
        signal,
        ground.prices,
        quantiles=options.quantiles,
        delay=options.delay,
        cost=options.cost,
        periods_per_year=options.periods_per_year,
    )
    return [
        {
            "holding": r.holding,
            "gross": plain(r.annual_return),
            "net": plain(r.annual_return_net),
            "gross_sharpe": plain(r.sharpe),
            "net_sharpe": plain(r.sharpe_net),
            "turnover": plain(r.annual_turnover / options.periods_per_year),
            "break_even": plain(r.break_even_cost),
        }
        for r in rows
    ]


def _series(held: QuantilePortfolios) -> dict[str, Any]:
    gross, net = np.nan_to_num(held.long_short), np.nan_to_num(held.long_short_net)
    return {
        "long_short": rounded(held.long_short),
        "long_short_net": rounded(held.long_short_net),
        "long_short_nav_gross": rounded(nav(gross)),
        "long_short_nav_net": rounded(nav(net)),
        "long_short_drawdown_gross": rounded(drawdown(gross)),
        "long_short_drawdown_net": rounded(drawdown(net)),
        "quantile_nav_gross": rounded(held.nav.T),
        "quantile_nav_net": rounded(held.nav_net.T),
        "long_leg_nav": rounded(nav(np.nan_to_num(held.long_leg))),
        "short_leg_nav": rounded(nav(np.nan_to_num(held.short_leg))),
        "turnover_top": rounded(held.turnover[:, -1]),
        "turnover_bottom": rounded(held.turnover[:, 0]),
    }
