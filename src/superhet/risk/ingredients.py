"""What descriptors are made of: returns over the risk-free rate, caps, statements as known; each found once.

A descriptor is a keyword-only frozen dataclass whose fields are its parameters, added to `DESCRIPTORS`
under its kind. It says which items of the statements it reads, what of them the market lacks, and gives
`[dates, assets]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from superhet.kernels.ranking import still
from superhet.kernels.risk_windows import excess, portfolio_returns
from superhet.panel import Market, Panel
from superhet.registry import Registry
from superhet.risk.estimates import ANNUAL

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Item:
    """An item of the statements, and the columns it may come from.

    Parameters
    ----------
    name : in the table
    columns : alternatives, best first; the columns of one are added
    flow : over a stretch of time: taken over the trailing year; else a level: as last reported
    optional : 0 where no alternative is there
    """

    name: str
    columns: tuple[tuple[str, ...], ...]
    flow: bool = False
    optional: bool = False


class Descriptor(Protocol):
    """Computes one descriptor of a market."""

    def items(self) -> tuple[str, ...]:
        """Name the items of the statements it reads."""
        ...

    def lacks(self, of: Ingredients) -> tuple[str, ...]:
        """Say what must be imported before it can be computed; empty if it can."""
        ...

    def compute(self, of: Ingredients) -> Floats:
        """Give the descriptor, [dates, assets]; NaN = not known."""
        ...


DESCRIPTORS: Registry[Callable[..., Descriptor]] = Registry("kind of descriptor")


class Ingredients:
    """What is read of a market for the descriptors of one table.

    Parameters
    ----------
    market : the market
    items : the table's items of the statements
    estimable : the estimation universe, [dates, assets]; None = that of the market
    caps : what weights the market, [dates, assets]; None = the market's size field
    """

    def __init__(
        self,
        market: Market,
        items: Mapping[str, Item],
        estimable: Panel | None = None,
        caps: Panel | None = None,
    ) -> None:
        self.market, self.table_items = market, items
        self.estimable = market.universe.estimable if estimable is None else estimable
        self._caps = caps
        self._made: dict[tuple[Any, ...], Any] = {}

    @property
    def shape(self) -> tuple[int, int]:
        """Sessions and assets."""
        return len(self.market.dates), len(self.market.assets)

    def once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """Make something that several descriptors share, once."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def field(self, name: str) -> Floats:
        """Give a daily field, [dates, assets], that cannot be written."""
        values = np.ascontiguousarray(self.market[name].values, dtype=np.float64)
        kept: Floats = still(values)
        return kept

    @cached_property
    def caps(self) -> Floats:
        """What weights the market: the size field, unless others were given, [dates, assets]."""
        if self._caps is None:
            return self.field(self.market.size)
        kept: Floats = still(np.ascontiguousarray(self._caps.values, dtype=np.float64))
        return kept

    @cached_property
    def risk_free(self) -> Floats:
        """The daily risk-free rate, [dates]: the annual rate over 252; 0 where none is known.

        It is read from the events `risk_free` (a column `rate`, fraction a year), each rate from the
        session on which it was known until the next.
        """
        daily = np.zeros(self.shape[0])
        if "risk_free" not in self.market.events:
            return daily
        rates = self.market.table("risk_free")
        last = np.searchsorted(rates.known_at, self.market.dates.days, side="right") - 1
        rate = np.asarray(rates["rate"], dtype=np.float64) / ANNUAL
        there = last >= 0
        daily[there] = np.nan_to_num(rate[last[there]])
        return daily

    @cached_property
    def _excess(self) -> tuple[Floats, Floats]:
        suspended = self.market["suspended"].values if "suspended" in self.market else None
        traded = None if suspended is None else still(~suspended.astype(bool))
        simple, logs = excess(self.field("returns"), self.risk_free, traded)
        return still(simple), still(logs)

    @property
    def excess(self) -> Floats:
        """Returns over the risk-free rate, [dates, assets]; NaN without trade."""
        return self._excess[0]

    @property
    def log_excess(self) -> Floats:
        """Log returns over the log risk-free rate, [dates, assets]; NaN without trade."""
        return self._excess[1]

    @cached_property
    def market_excess(self) -> Floats:
        """The cap-weighted return of the estimation universe over the risk-free rate, [dates].

        Members and caps are those of the session before. What did not trade is held at its last price:
        return 0.
        """
        inside = np.ascontiguousarray(self.estimable.values, dtype=bool)
        total = portfolio_returns(self.field("returns"), self.caps, still(inside))
        return np.asarray(total - self.risk_free, dtype=np.float64)

    def listed_only(self, values: Floats) -> Floats:
        """Drop what is carried beyond an asset's life on the exchange, [dates, assets]."""
        if "listing_age" not in self.market:
            return values
        return np.where(self.market["listing_age"].values >= 0, values, np.nan)
