"""Decisions: target weights on the sessions of a market, checked before any trade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch, ConfigError, DataError, NoSignal
from superhet.panel import Market, Panel

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decisions:
    """Decided weights and where they fall.

    Parameters
    ----------
    weights : [decisions, assets], finite
    row_of : [sessions from `start` on], the row decided at that close, -1 for none; row_of[0] is 0
    start : position of the first decision among the sessions of the market
    """

    weights: Floats
    row_of: npt.NDArray[np.int64]
    start: int

    def in_force(self) -> Floats:
        """Give the target in force at the close of each session, [sessions, assets]."""
        return np.asarray(self.weights[np.maximum.accumulate(self.row_of)])


def read_decisions(weights: Panel, market: Market, max_gross: float) -> Decisions:
    """Put decided weights on the sessions of a market.

    Raises
    ------
    AxisMismatch, NoSignal, DataError, ConfigError
        see `NativeEngine.run`
    """
    if weights.assets != market.assets:
        raise AxisMismatch(
            f"{weights.name or 'weights'!r} and the market have different assets: "
            f"{weights.assets.describe()} and {market.assets.describe()}. "
            "Bring them together with align.reindex(...)."
        )
    values = np.asarray(weights.values, dtype=np.float64)
    known = ~np.isnan(values)
    decided = np.flatnonzero(known.any(axis=1))
    at = _sessions(weights, market, decided)
    if not at.size or at[0] + 1 >= len(market.dates):
        raise NoSignal(
            f"{weights.name or 'weights'!r}: no session of the market "
            f"({market.dates.describe()}) follows the first decision, so nothing can be traded."
        )
    chosen = values if decided.size == len(values) and known.all() else _filled(values[decided])
    _check(chosen, weights, decided, max_gross)
    row_of = np.full(len(market.dates) - at[0], -1, dtype=np.int64)
    row_of[at - at[0]] = np.arange(at.size)
    return Decisions(chosen, row_of, int(at[0]))


def _filled(values: Floats) -> Floats:
    return np.where(np.isnan(values), 0.0, values)


def _sessions(
    weights: Panel, market: Market, decided: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    days = weights.dates.days[decided]
    at = np.searchsorted(market.dates.days, days)
    inside = at < len(market.dates)
    inside[inside] = market.dates.days[at[inside]] == days[inside]
    if not inside.all():
        raise AxisMismatch(
            f"{weights.name or 'weights'!r} decide on {days[~inside][0]}, which is no session of the "
            f"market ({market.dates.describe()}). Cut the weights with between(...)."
        )
    return at


def _check(
    values: Floats, weights: Panel, decided: npt.NDArray[np.int64], max_gross: float
) -> None:
    if not np.isfinite(values).all():
        row, column = (int(x[0]) for x in np.nonzero(~np.isfinite(values)))
        raise DataError(
            f"the weight of {weights.assets.values[column]} on "
            f"{weights.dates.values[decided[row]]} is infinite"
        )
    gross = np.abs(values).sum(axis=1)
    if gross.max() > max_gross * (1.0 + 1e-9):
        row = int(gross.argmax())
        raise ConfigError(
            "backtest.max_gross",
            f"the weights of {weights.dates.values[decided[row]]} have gross {gross[row]:.3f}, more "
            f"than {max_gross:g}. Scale the weights, or raise max_gross if the leverage is meant.",
        )
