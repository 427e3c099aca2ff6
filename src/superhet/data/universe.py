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
from typing import TYPE_CHECKING, Annotated

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Lt

from superhet.data.derived import Ages, trailing_mean
from superhet.errors import EmptyUniverse
from superhet.panel import Panel, Universe

if TYPE_CHECKING:
    from superhet.data.fields import Keep, Maker

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_LIQUIDITY_WINDOW = 20
_SEASONED_WHEN_OFF = 60
_HALF_A_TICK = 0.005


@dataclass(frozen=True, eq=False, kw_only=True)
class Facts:
    """What the rules look at.

    Parameters
    ----------
    fields : suspended, is_st, close, limit_up, limit_down and (for `illiquid`) amount
    age : [dates, assets], sessions since listing, −1 = not listed
    member : listed and in the pool
    find_delisting : gives [dates, assets], publicly in its delisting period
    keep : called as (name, make) for the reasons that depend on no number of a rule: gives what `make` would,
        from where it is kept
    """

    fields: Mapping[str, Panel]
    age: Ages
    member: Panel
    find_delisting: Maker
    keep: Keep


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

    def reasons(self, of: Facts) -> dict[str, Flags]:
        """Flag what each rule that is on excludes, name -> [dates, assets]."""
        fields, flags = of.fields, dict[str, Flags]()
        if self.suspended:
            flags["suspended"] = fields["suspended"].values
        if self.st:
            flags["st"] = fields["is_st"].values
        if self.new_listing:
            flags["new_listing"] = (of.age >= 0) & (of.age < self.new_listing)
        if self.limit_locked:
            flags["limit_locked"] = of.keep("limit_locked", lambda: _locked(fields))
        if self.illiquid:
            flags["illiquid"] = illiquid(fields["amount"].values, of.member.values, self.illiquid)
        if self.delisting:
            flags["delisting"] = of.keep("delisting", of.find_delisting)
        return flags


def _locked(fields: Mapping[str, Panel]) -> Flags:
    return limit_locked(*(fields[n].values for n in ("close", "limit_up", "limit_down")))


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


def build_universe(rule: UniverseRule, of: Facts) -> Universe:
    """Apply the rules to the members.

    Parameters
    ----------
    rule : what excludes
    of : what the rules look at

    Raises
    ------
    EmptyUniverse
        if nobody is tradable on any date; names the rule that took the last one, and the date
    """
    member, flags = of.member, rule.reasons(of)
    excluded = np.zeros(member.values.shape, dtype=bool)
    for values in flags.values():
        excluded |= values
    tradable = member.values & ~excluded
    if not tradable.any():
        _report_empty(rule, member, flags)
    seasoned = of.age >= (rule.new_listing or _SEASONED_WHEN_OFF)
    away = of.fields["is_st"].values | of.fields["suspended"].values
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
