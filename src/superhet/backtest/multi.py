"""Books of several strategies that share one account: what trading their sum saves.

1. each strategy keeps its last target on every decision date of any of them; targets are added, each
   times its fraction of the capital                                                   -> `netted`
2. the sum is one book; each strategy alone, with its fraction of the capital, is another -> `run_book`
3. what orders that cancel would have cost is the saving                               -> `BookOfStrategies`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.backtest.taping import TapedEngine
from superhet.errors import AxisMismatch, ConfigError
from superhet.panel import BacktestResult, Dates, Market, Panel

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class BookOfStrategies:
    """One account for several strategies, and each strategy alone.

    The sum is brought back to the strategies' fractions of its whole equity on every decision. The books
    alone are not: each keeps what it gained. `saving` and `crossed` compare the two, so they mean what
    cancels only while the books alone stay near their fractions of the sum; over years in which one
    strategy outgrows the other they drift, and either may turn negative.

    Parameters
    ----------
    net : the book of the sum
    alone : name -> the book of one strategy with its fraction of the capital
    fractions : name -> fraction of the capital
    """

    net: BacktestResult
    alone: Mapping[str, BacktestResult]
    fractions: Mapping[str, float]

    @property
    def saving(self) -> Floats:
        """Give the costs of the strategies alone less those of the sum, [dates], currency.

        Positive where one sells what another buys. It drifts with the books; see the class.
        """
        apart = sum(_costs(result, self.net.dates) for result in self.alone.values())
        return np.asarray(apart - _costs(self.net, self.net.dates))

    @property
    def crossed(self) -> Floats:
        """Give the traded value of the strategies alone less that of the sum, [dates], currency.

        Positive where orders cancel. It drifts with the books; see the class.
        """
        apart = sum(_traded(result, self.net.dates) for result in self.alone.values())
        return np.asarray(apart - _traded(self.net, self.net.dates))


def run_book(
    weights: Mapping[str, Panel],
    fractions: Mapping[str, float],
    engine: TapedEngine,
    market: Market,
) -> BookOfStrategies:
    """Trade several strategies as one book, and each of them alone.

    Parameters
    ----------
    weights : name -> target weights, as `engine.run` takes them
    fractions : name -> fraction of the capital; may sum to less than 1, the rest is cash
    engine : `capital` is that of the whole book
    market : of all strategies

    Raises
    ------
    ConfigError
        if names differ, a fraction is not above 0, or they sum to more than 1
    AxisMismatch
        if the strategies have different assets
    """
    _check(weights, fractions)
    alone = {
        name: replace(engine, capital=engine.capital * fractions[name]).run(panel, market)
        for name, panel in weights.items()
    }
    net = engine.run(netted(weights, fractions), market)
    return BookOfStrategies(net=net, alone=alone, fractions=dict(fractions))


def netted(weights: Mapping[str, Panel], fractions: Mapping[str, float]) -> Panel:
    """Add target weights times fractions of the capital; a strategy keeps its target until its next decision.

    NaN on a decision date is 0, as for an engine.

    Returns
    -------
    [decision dates of any strategy, assets], fractions of the whole equity; 0 before a strategy's first
    decision
    """
    first = next(iter(weights.values()))
    decided = {name: panel.known().any(axis=1) for name, panel in weights.items()}
    days = np.unique(np.concatenate([p.dates.values[decided[n]] for n, p in weights.items()]))
    total = np.zeros((len(days), len(first.assets)))
    for name, panel in weights.items():
        own = panel.dates.values[decided[name]]
        values = np.nan_to_num(np.asarray(panel.values[decided[name]], dtype=np.float64))
        row = np.searchsorted(own, days, side="right")  # 0: nothing decided yet
        total += fractions[name] * np.vstack([np.zeros(total.shape[1]), values])[row]
    return Panel(values=total, dates=Dates(days), assets=first.assets, name="net", unit="weight")


def _check(weights: Mapping[str, Panel], fractions: Mapping[str, float]) -> None:
    if set(weights) != set(fractions) or not weights:
        raise ConfigError(
            "fractions",
            f"must name every strategy once (got {', '.join(sorted(fractions)) or 'none'}; the weights are "
            f"of {', '.join(sorted(weights)) or 'none'})",
        )
    total = sum(fractions.values())
    if min(fractions.values()) <= 0.0 or total > 1.0 + 1e-9:
        raise ConfigError(
            "fractions",
            f"must be above 0 and sum to at most 1 (got {dict(fractions)}, sum {total:g})",
        )
    first = next(iter(weights.values()))
    for name, panel in weights.items():
        if panel.assets != first.assets:
            raise AxisMismatch(
                f"{name!r} has other assets than the first strategy: {panel.assets.describe()} and "
                f"{first.assets.describe()}. Bring them together with align.reindex(...)."
            )


def _costs(result: BacktestResult, dates: Dates) -> Floats:
    return _placed(np.sum(list(result.costs.values()), axis=0), result, dates)


def _traded(result: BacktestResult, dates: Dates) -> Floats:
    before = result.equity / (1.0 + result.returns)
    return _placed(2.0 * result.turnover * before, result, dates)


def _placed(series: Floats, result: BacktestResult, dates: Dates) -> Floats:
    """Put a series on later dates than its own; before its first it is 0."""
    out = np.zeros(len(dates))
    out[np.searchsorted(dates.values, result.dates.values)] = series
    return out
