"""Frictions: half the spread and square-root impact, asset by asset, as known at the decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le

from superhet.backtest.known_before import known_before
from superhet.errors import ConfigError, did_you_mean
from superhet.kernels.frictions import trailing_impact, trailing_spread
from superhet.panel import Market

Floats: TypeAlias = npt.NDArray[np.float64]

_STAND_IN = "the median of the session where an asset has too few sessions"


@dataclass(frozen=True, kw_only=True)
class Frictions:
    """Costs of trading that depend on the asset, on top of the flat `slippage` of the costs.

    Parameters
    ----------
    spread : the quoted spread as a fraction of price, of which a trade pays half: a number, "high_low"
        (estimated from daily highs, lows and closes), or the name of a daily column
    impact : k of the cost k × deviation of daily returns × √(shares / average daily volume), a fraction of
        the traded value; 0 = none, 1 is common in the literature
    window : sessions of the averages
    """

    spread: Annotated[float, Ge(0.0), Le(0.2)] | str = 0.0
    impact: Annotated[float, Ge(0.0), Le(10.0)] = 0.0
    window: Annotated[int, Ge(5), Le(250)] = 20

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed


@dataclass(frozen=True, eq=False, kw_only=True)
class FrictionTerms:
    """Frictions on the sessions of a backtest.

    Parameters
    ----------
    half_spread : [sessions, assets], fraction of value, never NaN; [1, 1] where it is one number; None = 0
    impact : [sessions, assets], never NaN; a leg of n shares costs value × impact × √n; None = 0
    words : convention -> what was done, in words
    """

    half_spread: Floats | None
    impact: Floats | None
    words: dict[str, str]


def friction_terms(frictions: Frictions, market: Market, start: int = 0) -> FrictionTerms:
    """Tabulate the frictions from the session of the first decision on.

    Row *t* uses what was known at the close of *t* − 1.

    Parameters
    ----------
    frictions : what was asked for
    market : all sessions; those before `start` fill the windows
    start : position of the first decision; rows of the result count from it

    Raises
    ------
    ConfigError
        if the market has no such column, or impact is asked for and it has no volume
    """
    words: dict[str, str] = {}
    half, impact = _half_spread(frictions, market, start, words), None
    if frictions.impact > 0.0:
        impact = frictions.impact * _unit_impact(frictions, market, start)
        words["impact"] = (
            f"{frictions.impact:g} x deviation of daily returns x sqrt(shares / average volume), both of the "
            f"{frictions.window} sessions before; {_STAND_IN}"
        )
    else:
        words["impact"] = "none"
    return FrictionTerms(half_spread=half, impact=impact, words=words)


def _half_spread(
    frictions: Frictions, market: Market, start: int, words: dict[str, str]
) -> Floats | None:
    spread = frictions.spread
    if not isinstance(spread, str):
        words["spread"] = f"half of {spread:.3%} of value" if spread else "none"
        return np.full((1, 1), spread / 2.0) if spread else None
    if spread == "high_low":
        words["spread"] = (
            f"half of the spread estimated from highs, lows and closes of the {frictions.window} sessions "
            f"before (Abdi and Ranaldo 2017); {_STAND_IN}"
        )
        return _stand_in(_estimated_spread(market, start, frictions.window)) / 2.0
    if spread not in market:
        raise ConfigError(
            "backtest.frictions.spread",
            f"the market has no daily field {spread!r}{did_you_mean(spread, {*market, 'high_low'})}. Import "
            "it as a column of the table daily, or write high_low, or a number.",
        )
    words["spread"] = f"half of {spread} as known at the close before; {_STAND_IN}"
    return _stand_in(np.maximum(known_before(market[spread].values, start), 0.0)) / 2.0


def _estimated_spread(market: Market, start: int, window: int) -> Floats:
    factor = _factor(market)
    with np.errstate(divide="ignore", invalid="ignore"):
        high, low, close = (np.log(market[n].values * factor) for n in ("high", "low", "close"))
    return trailing_spread((high + low) / 2.0, close, start, window, _least(window))


def _unit_impact(frictions: Frictions, market: Market, start: int) -> Floats:
    if "volume" not in market:
        raise ConfigError(
            "backtest.frictions.impact",
            "is measured against volume, and the market has no daily field volume. Import it as a column of "
            "the table bars_1d, or set impact to 0.",
        )
    factor = _factor(market)
    close = market["close"].values * factor
    returns = np.full(close.shape, np.nan)
    np.divide(close[1:], close[:-1], out=returns[1:])
    returns -= 1.0
    volume = np.where(market["volume"].values > 0.0, market["volume"].values / factor, np.nan)
    # shares of the session itself: a split known on its ex-date; before listing the factor does not matter
    own = np.nan_to_num(factor, nan=1.0)
    return _stand_in(
        trailing_impact(returns, volume, own, start, frictions.window, _least(frictions.window))
    )


def _factor(market: Market) -> Floats:
    if "adjust_factor" in market:
        return np.asarray(market["adjust_factor"].values, dtype=np.float64)
    return np.ones((len(market.dates), len(market.assets)))


def _least(window: int) -> int:
    return max(window // 2, 3)


def _stand_in(values: Floats) -> Floats:
    """Put the median of the session's known values where none is known, 0 where nobody has one."""
    for row in values:
        unknown = np.isnan(row)
        if unknown.any():
            row[unknown] = 0.0 if unknown.all() else np.median(row[~unknown])
    return values


__all__ = ["FrictionTerms", "Frictions", "friction_terms"]
