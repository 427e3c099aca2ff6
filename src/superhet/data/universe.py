"""Universe rules: who takes part on each date, and for which named reason somebody does not.

1. member: listed, and in the index on that date            -> given by the loader
2. each rule that is switched on gives one flag panel        -> UniverseRule.reasons
3. tradable = member that no reason excludes                 -> build_universe
4. estimable = member, seasoned, not ST, traded that day     -> build_universe

All flags are known at the close of their date; nothing about a coming suspension or delisting is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Lt

from superhet.data.derived import trailing_mean
from superhet.errors import EmptyUniverse
from superhet.panel import Panel, Universe

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_LIQUIDITY_WINDOW = 20
_SEASONED_WHEN_OFF = 60
_HALF_A_TICK = 0.005


@dataclass(frozen=True, kw_only=True)
class UniverseRule:
    """The pool, and the reasons that exclude a member from trading.

    Parameters
    ----------
    index : "all" for every listed asset, or the code of an index in `index_members`
    suspended : exclude what did not trade on the date
    st : exclude special treatment
    new_listing : exclude assets listed for fewer sessions than this; 0 = off
    limit_locked : exclude what closed at its limit price: the next open cannot be expected to trade
    illiquid : share of members with the lowest mean amount of 20 sessions (a suspended session counts
        as nothing) that is excluded; 0 = off
    delisting : exclude what is publicly in its delisting period, that is from the day the exchange
        puts 退 into its name (column `name` of the `status` table); the date of delisting itself is
        never looked at before it comes
    """

    index: str = "all"
    suspended: bool = True
    st: bool = True
    new_listing: Annotated[int, Ge(0)] = 60
    limit_locked: bool = True
    illiquid: Annotated[float, Ge(0), Lt(1)] = 0.0
    delisting: bool = True

    def reasons(
        self, fields: Mapping[str, Panel], member: Panel, delisting: Flags
    ) -> dict[str, Flags]:
        """Flag what each rule that is on excludes, name -> [dates, assets]."""
        flags: dict[str, Flags] = {}
        if self.suspended:
            flags["suspended"] = fields["suspended"].values
        if self.st:
            flags["st"] = fields["is_st"].values
        if self.new_listing:
            age = fields["listing_age"].values
            flags["new_listing"] = (age >= 0) & (age < self.new_listing)
        if self.limit_locked:
            flags["limit_locked"] = limit_locked(
                fields["close"].values, fields["limit_up"].values, fields["limit_down"].values
            )
        if self.illiquid:
            flags["illiquid"] = illiquid(fields["amount"].values, member.values, self.illiquid)
        if self.delisting:
            flags["delisting"] = delisting
        return flags


def limit_locked(close: Floats, limit_up: Floats, limit_down: Floats) -> Flags:
    """Flag closes at a limit price, [dates, assets]; False where there is no limit or no trade."""
    locked: Flags = (close > limit_up - _HALF_A_TICK) | (close < limit_down + _HALF_A_TICK)
    return locked


def illiquid(amount: Floats, member: Flags, share: float) -> Flags:
    """Flag the members with the lowest mean amount of 20 sessions, [dates, assets].

    Parameters
    ----------
    amount : currency, NaN = no trade, counted as 0
    member : [dates, assets]
    share : share of the members to flag, rounded down to whole names; ties at the edge stay in
    """
    mean = trailing_mean(np.nan_to_num(amount), _LIQUIDITY_WINDOW)
    mean = np.where(member, mean, np.inf)
    out = np.zeros(member.shape, dtype=bool)
    for row, count in enumerate((member.sum(axis=1) * share).astype(np.int64)):
        if count:
            edge = np.partition(mean[row], count)[count]
            out[row] = mean[row] < edge
    return out


def build_universe(
    rule: UniverseRule, fields: Mapping[str, Panel], member: Panel, delisting: Flags
) -> Universe:
    """Apply the rules to the members.

    Parameters
    ----------
    rule : what excludes
    fields : suspended, is_st, listing_age, close, limit_up, limit_down and (for `illiquid`) amount
    member : listed and in the pool
    delisting : [dates, assets], publicly in its delisting period

    Raises
    ------
    EmptyUniverse
        if nobody is tradable on any date; names the rule that took the last one, and the date
    """
    flags = rule.reasons(fields, member, delisting)
    excluded = np.zeros(member.values.shape, dtype=bool)
    for values in flags.values():
        excluded |= values
    tradable = member.values & ~excluded
    if not tradable.any():
        _report_empty(rule, member, flags)
    seasoned = fields["listing_age"].values >= (rule.new_listing or _SEASONED_WHEN_OFF)
    away = fields["is_st"].values | fields["suspended"].values
    estimable = member.values & seasoned & ~away

    def flag(values: Flags, name: str) -> Panel:
        return member.with_values(values, name=name, unit="flag")

    return Universe(
        member=member,
        tradable=flag(tradable, "tradable"),
        estimable=flag(estimable, "estimable"),
        reasons={name: flag(values, name) for name, values in flags.items()},
    )


def _report_empty(rule: UniverseRule, member: Panel, flags: Mapping[str, Flags]) -> None:
    """Tell on the date with most members which rule took the last of them."""
    counts = member.values.sum(axis=1)
    row = int(np.argmax(counts))
    if not counts[row]:
        raise EmptyUniverse(
            f"universe.index: {rule.index!r} has no listed member from {member.dates.values[0]} to "
            f"{member.dates.values[-1]}. Choose another period or index.",
            rule="index",
            date=str(member.dates.values[0]),
        )
    left, steps = member.values[row].copy(), [f"{counts[row]} members"]
    for name, values in flags.items():
        left &= ~values[row]
        steps.append(f"{int(left.sum())} after {name}")
        if not left.any():
            raise EmptyUniverse(
                f"universe: nobody can be traded on any date; on {member.dates.values[row]} the rule "
                f"{name!r} excludes the last one ({', '.join(steps)}). Relax universe.{name}, widen "
                "the index, or load a longer period.",
                rule=name,
                date=str(member.dates.values[row]),
            )
