"""Descriptors of statements, as they were known: ratios, growth, variability.

A flow is taken over the trailing year (last annual + current interim - the same interim a year before), a
level as last reported; both are those of the newest of the last four quarters that says so, as announced
by then, and hold until a later announcement. `kernels.point_in_time` keeps what each announcement left
behind.

1. which column an item comes from                          -> Statements.columns
2. an item on the sessions                                  -> Statements.item
3. its whole fiscal years, as known at each announcement    -> Statements.years
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from superhet.kernels.announcements import NO_ANSWER, Placement
from superhet.kernels.point_in_time import StateIndex, trailing_year
from superhet.risk.ingredients import DESCRIPTORS, Floats, Ingredients, Item

TABLE = "statements"
CAP = "market_cap"
"""The one item that is no column of the statements: the capitalisation of the day."""
_RECENT = 4  # quarters in which an item is looked for
_YEAR = 4  # quarters


class Statements:
    """The statements of a market, on its sessions.

    Parameters
    ----------
    of : the ingredients
    """

    def __init__(self, of: Ingredients) -> None:
        table = of.market.table(TABLE)
        revision = table["revision"] if "revision" in table else None  # noqa: SIM401 - no KeyError
        self.table, self.source = table, of
        self.states = StateIndex.build(
            table["asset"], table.known_at, table["report_date"], revision
        )
        self.placement = Placement.of(self.states, of.market.dates.days, of.shape[1])

    @classmethod
    def read(cls, of: Ingredients) -> Statements:
        """Give the statements of a market, read once."""
        made: Statements = of.once((TABLE,), lambda: cls(of))
        return made

    def item(self, item: Item) -> Floats:
        """Give an item that has columns on the sessions, [dates, assets]."""

        def make() -> Floats:
            columns = columns_of(item, self.source)
            depth = _RECENT + 2 * _YEAR
            measure = self._trailing if item.flow else self._level
            return self.placed(_newest(_added([measure(c, depth) for c in columns]), _RECENT))

        made: Floats = self.source.once((TABLE, item.name), make)
        return made

    def years(self, item: Item, years: int) -> Floats:
        """Give the last whole fiscal years as known, [states, years], newest first.

        The fiscal year ends with the fourth quarter of the calendar, as it must for A-shares.
        """
        depth = _YEAR * (years + 2)
        measure = self._trailing if item.flow else self._level
        history = _added([measure(c, depth) for c in columns_of(item, self.source)])
        newest = (self.states.season + 1) % _YEAR  # quarters back to the last fourth one
        place = newest[:, None] + _YEAR * np.arange(years + 1)[None, :]
        annual: Floats = np.take_along_axis(history, place, axis=1)
        # the newest year may not be out yet, though a later interim report is
        late = np.isnan(annual[:, :1])
        return np.where(late, annual[:, 1:], annual[:, :-1])

    def last_year(self, item: Item) -> Floats:
        """Give the calendar year of the newest whole fiscal year that is known, [states]; NaN for none."""
        history = _added([self._trailing(c, _YEAR * 3) for c in columns_of(item, self.source)])
        newest = (self.states.season + 1) % _YEAR
        place = newest[:, None] + _YEAR * np.arange(2)[None, :]
        known = np.isfinite(np.take_along_axis(history, place, axis=1))
        year = 1970 + (self.states.newest - newest) // _YEAR
        return np.where(known[:, 0], year, np.where(known[:, 1], year - 1, np.nan))

    def placed(self, values: Floats) -> Floats:
        """Put one number a state on the sessions; what is not known ends what stood before."""
        said = np.where(np.isfinite(values), values, NO_ANSWER)
        sessions, assets = self.source.shape
        carried = self.placement.carried(said, slice(0, sessions), slice(0, assets))
        return self.source.listed_only(carried)

    def _level(self, column: str, depth: int) -> Floats:
        return self.states.history(self.table[column], depth)

    def _trailing(self, column: str, depth: int) -> Floats:
        history = self._level(column, depth)
        return trailing_year(history, self.states.season, self.table.basis.get(column, "level"))


def columns_of(item: Item, of: Ingredients) -> tuple[str, ...]:
    """Give the first alternative of an item of which the statements have every column; () for none.

    A flow whose basis (cumulated, quarterly, trailing) nobody stated cannot be used.
    """
    if TABLE not in of.market.events:
        return ()
    table = of.market.table(TABLE)
    for alternative in item.columns:
        stated = not item.flow or all(table.basis.get(c, "level") != "level" for c in alternative)
        if stated and all(c in table for c in alternative):
            return alternative
    return ()


def lacking(item: Item, of: Ingredients) -> tuple[str, ...]:
    """Say what must be imported for an item; () if nothing."""
    if item.optional or columns_of(item, of):
        return ()
    ways = " or ".join("+".join(alternative) for alternative in item.columns)
    basis = " (a flow: state its basis, ytd, quarter or ttm)" if item.flow else ""
    return (f"statements: {ways}{basis}",)


def _newest(history: Floats, quarters: int) -> Floats:
    """Give the newest known number of the last quarters, [states]."""
    out = np.full(len(history), np.nan)
    for j in range(min(quarters, history.shape[1]) - 1, -1, -1):
        out = np.where(np.isfinite(history[:, j]), history[:, j], out)
    return out


def _added(parts: list[Floats]) -> Floats:
    """Add the columns of an item; one that is not known counts 0 where another is."""
    if len(parts) == 1:
        return parts[0]
    stack = np.stack(parts)
    total: Floats = np.where(np.isfinite(stack), stack, 0.0).sum(axis=0)
    return np.where(np.isfinite(stack).any(axis=0), total, np.nan)


@DESCRIPTORS.add("ratio")
@dataclass(kw_only=True, frozen=True)
class Ratio:
    """A sum of items over a sum of items (BTOP, ETOP, CETOP, MLEV, DTOA, BLEV).

    Parameters
    ----------
    above, below : items; "market_cap" is the capitalisation of the day; one that begins with "-" is taken off
    """

    above: tuple[str, ...] = ()
    below: tuple[str, ...] = (CAP,)

    def items(self) -> tuple[str, ...]:
        """Name the items, but for the capitalisation."""
        names = (n.removeprefix("-") for n in (*self.above, *self.below))
        return tuple(n for n in names if n != CAP)

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Ask for the columns of its items, and for the capitalisation if it reads it."""
        wanted = dict.fromkeys(self.items())
        missing = [m for n in wanted for m in lacking(of.table_items[n], of)]
        if CAP in (*self.above, *self.below) and CAP not in of.market:
            missing.append("the daily field market_cap (bars_1d needs total_shares)")
        return tuple(missing)

    def compute(self, of: Ingredients) -> Floats:
        """Give the ratio, [dates, assets]; NaN where what is below is not above 0."""
        above, below = self._sum(of, self.above), self._sum(of, self.below)
        out: Floats = np.full(of.shape, np.nan)
        np.divide(above, below, out=out, where=below > 0)
        return out

    def _sum(self, of: Ingredients, items: tuple[str, ...]) -> Any:
        total: Any = 0.0
        for signed in items:
            name, sign = signed.removeprefix("-"), -1.0 if signed.startswith("-") else 1.0
            if name == CAP:
                total = total + sign * of.field(CAP)
                continue
            item = of.table_items[name]
            if not columns_of(item, of):
                continue  # optional: none
            values = Statements.read(of).item(item)
            total = total + sign * (np.nan_to_num(values) if item.optional else values)
        return total


class _OfYears:
    """What descriptors of whole fiscal years share."""

    item: str
    years: int
    minimum: int

    def items(self) -> tuple[str, ...]:
        """Name the item."""
        return (self.item,)

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Ask for the columns of the item."""
        return lacking(of.table_items[self.item], of)

    def _of_years(self, of: Ingredients, measure: Callable[[Floats], Floats]) -> Floats:
        statements = Statements.read(of)
        annual = statements.years(of.table_items[self.item], self.years)
        enough = np.isfinite(annual).sum(axis=1) >= max(self.minimum, 2)
        values = np.full(len(annual), np.nan)
        values[enough] = measure(annual[enough])
        return statements.placed(values)


@DESCRIPTORS.add("growth")
@dataclass(kw_only=True, frozen=True)
class Growth(_OfYears):
    """Slope of an item on the fiscal year over its mean (EGRO, SGRO).

    Parameters
    ----------
    item : a flow (or a level, at the year's end)
    years : fiscal years looked at
    minimum : years that must be known
    absolute : divide by the mean without its sign, so that shrinking losses are growth; False as published
    sign : 1, or -1

    Notes
    -----
    The item is the company's, not a share's: reported earnings per share fall by half when shares are
    given away one for one, which A-share companies often do, and new issues count as growth instead.
    """

    item: str = "earnings"
    years: int = 5
    minimum: int = 3
    absolute: bool = True
    sign: int = 1

    def compute(self, of: Ingredients) -> Floats:
        """Give growth a year as a share of the mean, [dates, assets]."""
        return self.sign * self._of_years(of, self._slope)

    def _slope(self, annual: Floats) -> Floats:
        known = np.isfinite(annual)
        count = known.sum(axis=1)
        year = -np.arange(annual.shape[1], dtype=np.float64)
        value = np.where(known, annual, 0.0)
        mean = value.sum(axis=1) / count
        middle = (known * year).sum(axis=1) / count
        away = np.where(known, year[None, :] - middle[:, None], 0.0)
        slope = (away * value).sum(axis=1) / (away * away).sum(axis=1)
        base = np.abs(mean) if self.absolute else mean
        out: Floats = np.full(len(annual), np.nan)
        np.divide(slope, base, out=out, where=base != 0)
        return out


@DESCRIPTORS.add("variability")
@dataclass(kw_only=True, frozen=True)
class Variability(_OfYears):
    """Deviation of an item over fiscal years (ddof 1), over its mean without sign (VERN, VSAL, VFLO of CNE6).

    Parameters
    ----------
    item : a flow
    years : fiscal years looked at
    minimum : years that must be known
    """

    item: str = "earnings"
    years: int = 5
    minimum: int = 3

    def compute(self, of: Ingredients) -> Floats:
        """Give the variability, [dates, assets]."""
        return self._of_years(of, self._spread)

    def _spread(self, annual: Floats) -> Floats:
        known = np.isfinite(annual)
        count = known.sum(axis=1)
        mean = np.where(known, annual, 0.0).sum(axis=1) / count
        away = np.where(known, annual - mean[:, None], 0.0)
        spread = np.sqrt((away * away).sum(axis=1) / (count - 1))
        out: Floats = np.full(len(annual), np.nan)
        np.divide(spread, np.abs(mean), out=out, where=mean != 0)
        return out
