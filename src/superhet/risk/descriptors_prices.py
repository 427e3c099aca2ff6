"""Descriptors of prices and trades: size, beta, momentum, volatility, turnover.

A day on which an asset did not trade is missing in all of them: it has no weight, and the weights of the
other days stay those of their age. The return of the first day after a suspension is that over the whole
gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from superhet.kernels.risk_windows import (
    cumulative_range,
    log_monthly_sums,
    market_line,
    weighted_deviation,
    weighted_mean,
)
from superhet.risk.estimates import ANNUAL
from superhet.risk.ingredients import DESCRIPTORS, Floats, Ingredients

Gives = Literal["slope", "residual", "intercept"]


class _Daily:
    """What descriptors of daily fields share: they read no statements."""

    def items(self) -> tuple[str, ...]:
        """Name no item of the statements."""
        return ()

    def _lacking(self, of: Ingredients, *fields: str) -> tuple[str, ...]:
        return tuple(f"the daily field {name}" for name in fields if name not in of.market)


@DESCRIPTORS.add("log_cap")
@dataclass(kw_only=True, frozen=True)
class LogCap(_Daily):
    """Logarithm of the market capitalisation.

    Parameters
    ----------
    field : a daily field; "" = the market's size field (`market_cap`, unless another was asked for)
    """

    field: str = ""

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Ask for the field."""
        return self._lacking(of, self.field or of.market.size)

    def compute(self, of: Ingredients) -> Floats:
        """Give ln(cap), [dates, assets]; NaN without a cap above 0."""
        cap = of.field(self.field or of.market.size)
        return np.log(np.where(cap > 0, cap, np.nan))


@DESCRIPTORS.add("market_line")
@dataclass(kw_only=True, frozen=True)
class MarketLine(_Daily):
    """The weighted regression of an asset's excess return on the market's, with intercept.

    Parameters
    ----------
    gives : "slope" (BETA), "residual" (HSIGMA, daily deviation of the residuals) or "intercept" (HALPHA,
        daily)
    window, half_life : in sessions
    minimum : sessions of the window that must be known
    """

    gives: Gives = "slope"
    window: int = 252
    half_life: float = 63
    minimum: int = 63

    def __post_init__(self) -> None:
        if self.gives not in get_args(Gives):
            raise ValueError(f"gives must be one of {', '.join(get_args(Gives))}")

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Ask for returns and caps."""
        return self._lacking(of, "returns", of.market.size)

    def compute(self, of: Ingredients) -> Floats:
        """Give one of the three; the regression is done once for all, [dates, assets]."""
        key = ("market_line", self.window, self.half_life, self.minimum)
        lines = of.once(
            key,
            lambda: market_line(
                of.excess, of.market_excess, self.window, float(self.half_life), self.minimum
            ),
        )
        found: Floats = lines[("intercept", "slope", "residual").index(self.gives)]
        return found


@DESCRIPTORS.add("log_return")
@dataclass(kw_only=True, frozen=True)
class LogReturn(_Daily):
    """Weighted mean of the daily log excess returns of a stretch that ended some sessions ago.

    Parameters
    ----------
    window, half_life, lag : in sessions
    minimum : sessions of the window that must be known
    sign : 1, or -1 for a reversal

    Notes
    -----
    RSTR is published as a sum. Divided by the sum of the known weights it is a mean: the same after
    standardising for assets with a whole history, and not drawn to 0 for those with a short one.
    """

    window: int = 504
    half_life: float = 126
    lag: int = 21
    minimum: int = 252
    sign: int = 1

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Ask for returns."""
        return self._lacking(of, "returns")

    def compute(self, of: Ingredients) -> Floats:
        """Give the mean, a log return a day, [dates, assets]."""
        mean: Floats = weighted_mean(
            of.log_excess, self.window, float(self.half_life), self.lag, self.minimum
        )
        return self.sign * mean


@DESCRIPTORS.add("deviation")
@dataclass(kw_only=True, frozen=True)
class Deviation(_Daily):
    """Weighted deviation of daily excess returns (DASTD), a fraction a day.

    Parameters
    ----------
    window, half_life : in sessions
    minimum : sessions of the window that must be known
    """

    window: int = 252
    half_life: float = 42
    minimum: int = 63

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Ask for returns."""
        return self._lacking(of, "returns")

    def compute(self, of: Ingredients) -> Floats:
        """Give the deviation, [dates, assets]."""
        found: Floats = weighted_deviation(
            of.excess, self.window, float(self.half_life), self.minimum
        )
        return found


@DESCRIPTORS.add("cumulative_range")
@dataclass(kw_only=True, frozen=True)
class CumulativeRange(_Daily):
    """Range of the cumulative return over the last 1 to 12 months (CMRA).

    Parameters
    ----------
    days : sessions of a month
    months : how many
    minimum : sessions of the whole stretch that must be known

    Notes
    -----
    CMRA = ln(1 + Zmax) - ln(1 + Zmin) is published with Z a cumulative *log* return, which has no
    logarithm after a loss of 63 %. Here Z is the cumulative simple return, 1 + Z = exp(log return): then
    CMRA is the largest minus the smallest cumulative log return, finite for every loss but that of
    everything, and both ways in which others mend the formula are one.
    """

    days: int = 21
    months: int = 12
    minimum: int = 126

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Ask for returns."""
        return self._lacking(of, "returns")

    def compute(self, of: Ingredients) -> Floats:
        """Give the range, [dates, assets], at least 0."""
        found: Floats = cumulative_range(of.log_excess, self.days, self.months, self.minimum)
        return found


@DESCRIPTORS.add("turnover")
@dataclass(kw_only=True, frozen=True)
class Turnover(_Daily):
    """Logarithm of the monthly share turnover, averaged over months (STOM, STOQ, STOA).

    Parameters
    ----------
    days : sessions of a month
    months : how many; months end at the date and every `days` sessions before
    traded : sessions with trade that make a month valid
    least : valid months needed
    history : sessions with trade that the asset must have had by then

    Notes
    -----
    Turnover is volume over float shares. A month without trade would give ln(0): it is not valid instead.
    """

    days: int = 21
    months: int = 1
    traded: int = 10
    least: int = 1
    history: int = 42

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Ask for turnover."""
        missing = self._lacking(of, "turnover")
        return tuple(f"{m} (bars_1d needs volume and float_shares)" for m in missing)

    def compute(self, of: Ingredients) -> Floats:
        """Give ln(mean monthly turnover), [dates, assets]."""
        found: Floats = log_monthly_sums(
            of.field("turnover"), self.days, self.months, self.traded, self.least, self.history
        )
        return found


@DESCRIPTORS.add("weighted_turnover")
@dataclass(kw_only=True, frozen=True)
class WeightedTurnover(_Daily):
    """Annualised turnover, recent days weighing more (ATVR of CNE6).

    Parameters
    ----------
    window, half_life : in sessions
    minimum : sessions with trade needed
    """

    window: int = 252
    half_life: float = 63
    minimum: int = 63

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Ask for turnover."""
        missing = self._lacking(of, "turnover")
        return tuple(f"{m} (bars_1d needs volume and float_shares)" for m in missing)

    def compute(self, of: Ingredients) -> Floats:
        """Give the weighted mean of daily turnover times 252, [dates, assets]."""
        mean: Floats = weighted_mean(
            of.field("turnover"), self.window, float(self.half_life), 0, self.minimum
        )
        return ANNUAL * mean
