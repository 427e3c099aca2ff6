"""Costs: dated schedules as data, and the overrides of a configuration.

`CostSchedule` is complete: one for each market, with its history of rates. `Costs` is what a
configuration may say: whatever it leaves out is the market's own.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le

from superhet.errors import ConfigError
from superhet.panel import Dates, Market

Floats: TypeAlias = npt.NDArray[np.float64]
Schedule: TypeAlias = tuple[tuple[str, float], ...]
Fraction: TypeAlias = Annotated[float, Ge(0.0), Le(0.1)]
Rate: TypeAlias = Annotated[float, Ge(0.0), Le(1.0)]


@dataclass(frozen=True, kw_only=True)
class CostSchedule:
    """The costs of a market; fractions of traded value unless said otherwise.

    Parameters
    ----------
    commission : each side
    commission_minimum : currency per fill; a trade through zero is two fills, a window of bars one a bar
    commission_per_share : currency per share, each side, on top of `commission`
    stamp_duty : (first day, rate) rows, on sales
    transfer_fee : (first day, rate) rows, each side
    slippage : each side; booked as a cost, the fill price is not moved
    borrow : per year of 365 days, on the value of shorts at the close before, for every calendar day
    stamp_duty_buyers : (first day, rate) rows, on purchases
    margin : per year of 365 days, on free cash below 0
    cash_interest : per year of 365 days, on free cash above 0; "risk_free" = the market's table of that name
    """

    commission: float
    commission_minimum: float
    commission_per_share: float
    stamp_duty: Schedule
    transfer_fee: Schedule
    slippage: float
    borrow: float
    stamp_duty_buyers: Schedule = ()
    margin: float = 0.0
    cash_interest: float | Literal["risk_free"] = 0.0

    def rates(self, dates: Dates) -> Floats:
        """Give the rates of each session, [dates, 7], columns as `tape.RATES`."""
        constant = (self.commission, self.commission_minimum, self.commission_per_share)
        return np.column_stack(
            [
                *(np.full(len(dates), value) for value in constant),
                rate_on(self.stamp_duty, dates),
                rate_on(self.stamp_duty_buyers, dates),
                rate_on(self.transfer_fee, dates),
                np.full(len(dates), self.slippage),
            ]
        )

    def cash_rates(self, market: Market) -> Floats:
        """Give the interest on free cash, [dates], a fraction a year.

        With "risk_free", a session earns the rate known at the close before; 0 before the first.

        Raises
        ------
        ConfigError
            if the market has no table `risk_free`
        """
        if self.cash_interest != "risk_free":
            return np.full(len(market.dates), float(self.cash_interest))
        if "risk_free" not in market.events:
            raise ConfigError(
                "backtest.costs.cash_interest",
                "the market has no table risk_free (date, rate). Import it, or give a number such as 0.015.",
            )
        table = market.table("risk_free")
        rates = np.append(0.0, np.asarray(table["rate"], dtype=np.float64))
        before = np.searchsorted(table.known_at, market.dates.days, side="left")
        return np.asarray(rates[before])

    def margin_rates(self, dates: Dates) -> Floats:
        """Give the interest on money borrowed from the broker, [dates], a fraction a year."""
        return np.full(len(dates), self.margin)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The costs that a configuration sets; None means the market's own.

    Parameters
    ----------
    commission, slippage, borrow, commission_minimum, commission_per_share : see `CostSchedule`
    stamp_duty : one rate on sales for all dates, in place of the dated schedules of sales and purchases
    transfer_fee : one rate for all dates, in place of the dated schedule
    margin, cash_interest : see `CostSchedule`
    """

    commission: Fraction | None = None
    commission_minimum: Annotated[float, Ge(0.0)] | None = None
    commission_per_share: Annotated[float, Ge(0.0)] | None = None
    stamp_duty: Fraction | None = None
    transfer_fee: Fraction | None = None
    slippage: Fraction | None = None
    borrow: Rate | None = None
    margin: Rate | None = None
    cash_interest: Rate | Literal["risk_free"] | None = None

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never changed

    def over(self, market: CostSchedule) -> CostSchedule:
        """Lay these over the costs of a market."""
        chosen = {f.name: getattr(market, f.name) for f in fields(market)}
        for f in fields(self):
            value = getattr(self, f.name)
            if value is not None:
                dated = f.name in {"stamp_duty", "transfer_fee"}
                chosen[f.name] = (("1900-01-01", value),) if dated else value
        if self.stamp_duty is not None:
            chosen["stamp_duty_buyers"] = ()
        return CostSchedule(**chosen)


NO_COSTS = Costs(
    commission=0.0,
    commission_minimum=0.0,
    commission_per_share=0.0,
    stamp_duty=0.0,
    transfer_fee=0.0,
    slippage=0.0,
    borrow=0.0,
    margin=0.0,
    cash_interest=0.0,
)


def rate_on(schedule: Schedule, dates: Dates) -> Floats:
    """Read a dated schedule: the rate in force on each date, 0 before its first row.

    Examples
    --------
    >>> rate_on((("2000-01-01", 0.001), ("2023-08-28", 0.0005)), Dates(["2023-08-25", "2023-08-28"]))
    array([0.001 , 0.0005])
    """
    starts = np.array([day for day, _ in schedule], dtype="datetime64[D]")
    rates = np.array([0.0, *(rate for _, rate in schedule)])
    return np.asarray(rates[np.searchsorted(starts, dates.days, side="right")])
