"""Decisions: target weights on the sessions of a market, checked before any trade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.backtest.frozen import frozen
from superhet.errors import AxisMismatch, ConfigError, DataError, NoSignal
from superhet.kernels.ledger_market import gross_weights
from superhet.panel import Market, Panel

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Decisions:
    """Decided weights and where they fall.

    Parameters
    ----------
    weights : [decisions, assets], finite
    row_of : [sessions from `start` on], the row decided at that close, -1 for none; row_of[0] is 0,
        unless a book goes on
    start : position among the sessions of the market, of the first decision or of the close to go on from
    """

    weights: Floats
    row_of: npt.NDArray[np.int64]
    start: int


def read_decisions(
    weights: Panel, market: Market, max_gross: float, after: np.datetime64 | None = None
) -> Decisions:
    """Put decided weights on the sessions of a market.

    Parameters
    ----------
    weights, market, max_gross : see `NativeEngine.run`
    after : go on from the close of this session; decisions until then are taken already, and there may be
        none after it

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
    values = frozen(weights.values, np.float64)
    known, gross = gross_weights(values)
    decided = np.flatnonzero(known)
    if after is not None:
        decided = decided[weights.dates.days[decided] > after.astype("datetime64[D]")]
    at = _sessions(weights, market, decided)
    if after is None and not at.size:
        raise NoSignal(
            f"{weights.name or 'weights'!r}: every weight of all {len(weights.dates)} dates is NaN, so "
            "nothing is decided. A weight of 0 is a decision; a date on which all are NaN is none."
        )
    start = int(at[0]) if after is None else market.dates.index(after)
    if start + 1 >= len(market.dates):
        raise NoSignal(
            f"{weights.name or 'weights'!r}: no session of the market "
            f"({market.dates.describe()}) follows {'the first decision' if after is None else after}, so "
            "nothing can be traded."
        )
    chosen = (
        values
        if known.sum() == values.size and decided.size == len(values)
        else _filled(values[decided])
    )
    _check(chosen, gross[decided], weights, decided, max_gross)
    row_of = np.full(len(market.dates) - start, -1, dtype=np.int64)
    row_of[at - start] = np.arange(at.size)
    return Decisions(chosen, row_of, start)


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
    values: Floats,
    gross: Floats,
    weights: Panel,
    decided: npt.NDArray[np.int64],
    max_gross: float,
) -> None:
    if not gross.size or gross.max() <= max_gross * (1.0 + 1e-9):
        return
    row = int(gross.argmax())
    day = weights.dates.values[decided[row]]
    if not np.isfinite(gross[row]):
        column = int(np.flatnonzero(~np.isfinite(values[row]))[0])
        raise DataError(f"the weight of {weights.assets.values[column]} on {day} is infinite")
    raise ConfigError(
        "backtest.max_gross",
        f"the weights of {day} have gross {gross[row]:.3f}, more than {max_gross:g}. Scale the weights, or "
        "raise max_gross if the leverage is meant.",
    )
