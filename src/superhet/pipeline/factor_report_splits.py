"""Where a factor works: by group, calendar month, state of the market, and part of the universe.

The Sharpe that is due of a part is the whole's times the root of the part's share of names: the noise of
fewer names takes as much, and no more. A factor that lives on the small and untradable falls short of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.evaluation import (
    DateGroups,
    Evaluation,
    calendar_months,
    information_by_dates,
    information_by_sub_universe,
    quantile_portfolios,
)
from superhet.panel import Market, Panel
from superhet.pipeline.factor_report_ground import Ground, plain
from superhet.pipeline.factor_report_information import group_facts, row_of

Series = npt.NDArray[np.float64]


def split_facts(signal: Panel, found: Evaluation, ground: Ground, direction: int) -> dict[str, Any]:
    """Give RankIC by industry, size, board, month and regime, and the sub-universes."""
    series = found.information[ground.options.horizon].rank_ic
    splits = group_facts(found, ground)
    splits["month"] = _by_dates(series, calendar_months(signal.dates), ground)
    for name, groups in ground.regimes.items():
        rows = _by_dates(series, groups, ground)
        if rows:
            splits[name] = rows
    parts = sub_universe_facts(signal, ground, direction)
    worst = [r["ratio"] for r in parts if r["ratio"] is not None]
    return {
        "splits": splits,
        "sub_universes": parts,
        "sub_universe": {"worst": min(worst) if worst else None},
    }


def _by_dates(series: Series, groups: DateGroups, ground: Ground) -> list[dict[str, Any]]:
    found = information_by_dates(series, groups, ground.options.horizon)
    rows = [row_of(n, s, ground) for n, s in zip(found.labels, found.summaries, strict=True)]
    return [r for r in rows if r["count"]]


def sub_universe_facts(signal: Panel, ground: Ground, direction: int) -> list[dict[str, Any]]:
    """Judge a signal within each part of the universe, beside what is due of it."""
    options = ground.options
    turned = signal.with_values(signal.values * (direction or 1))
    whole, count = _sharpe(turned, ground), float(ground.member.sum(axis=1).mean())
    found = information_by_sub_universe(
        signal, ground.forward[options.horizon], ground.parts, options.horizon
    )
    rows = []
    for part in found:
        inside = ground.parts[part.name].values.astype(bool)
        own = _sharpe(turned.with_values(np.where(inside, turned.values, np.nan)), ground)
        due = whole * math.sqrt(min(part.names / count, 1.0)) if count else math.nan
        row = row_of(part.name, part.information.rank, ground)
        rows.append(
            {
                **row,
                "names": plain(part.names),
                "sharpe": plain(own),
                "needed": plain(due),
                "ratio": plain(own / due) if due > 0.0 else None,
            }
        )
    return rows


def _sharpe(turned: Panel, ground: Ground) -> float:
    options = ground.options
    held = quantile_portfolios(
        turned,
        ground.prices,
        quantiles=options.quantiles,
        holding=options.horizon,
        delay=options.delay,
        cost=options.cost,
        periods_per_year=options.periods_per_year,
    )
    return held.performance(held.long_short).sharpe


def regimes_of(market: Market, first: int) -> Mapping[str, DateGroups]:
    """Give the states of the market on the sessions from `first` on, made of all the past before them."""
    from superhet.evaluation import market_regimes

    both = market_regimes(market).both
    cut = DateGroups(
        name="regime",
        dates=market.dates[first:],
        codes=both.codes[first:],
        labels=both.labels,
    )
    return {"regime": cut}
