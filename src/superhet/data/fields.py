"""Every daily field of a market, by name, each made when first asked for.

Raw columns are read, and what follows from them is computed, on demand and once. A field whose ingredients
the store does not have is absent, not empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from superhet.data.derived import (
    Ages,
    Flags,
    Floats,
    carry,
    estimated_amount,
    last_price,
    previous_close,
    total_returns,
    trailing_mean,
    vwap,
)
from superhet.data.limits import limit_percent, limit_prices
from superhet.data.listing import Listing
from superhet.data.pivot import Grid, Pivot
from superhet.errors import DataError
from superhet.panel import Cube, Panel
from superhet.panel.panel import Unit

if TYPE_CHECKING:
    from superhet.data.base import Tables

PRICES = ("open", "high", "low", "close")
TRADE_COLUMNS = (*PRICES, "volume", "amount")
SHARE_COLUMNS = ("float_shares", "total_shares")
BAR_COLUMNS = (*TRADE_COLUMNS, "adjust_factor", *SHARE_COLUMNS, "limit_up", "limit_down")

UNITS: Mapping[str, Unit] = {
    **{n: "price" for n in (*PRICES, "vwap", "previous_close", "limit_up", "limit_down")},
    **{f"adjusted_{n}": "price" for n in (*PRICES, "vwap")},
    **{n: "shares" for n in ("volume", *SHARE_COLUMNS)},
    **{n: "currency" for n in ("amount", "market_cap", "float_cap", "average_amount_60")},
    **{n: "ratio" for n in ("adjust_factor", "turnover")},
    **{n: "flag" for n in ("suspended", "is_st")},
    "returns": "return",
    "listing_age": "count",
}
_FROM_DAILY = {"total_shares", "float_shares", "market_cap", "float_cap", "turnover"}
_LASTING = ("adjust_factor", *SHARE_COLUMNS)
_WARNS = {"vwap", "adjusted_vwap"}
_SIZE_WINDOW, _SIZE_LEAST = 60, 20

Maker: TypeAlias = "Callable[[], Any]"
Keep: TypeAlias = "Callable[[str, Maker], Any]"


def as_made(name: str, make: Maker) -> Any:
    """Keep nothing: make what is asked for."""
    return make()


class Bars(Mapping[str, Floats]):
    """The columns of `bars_1d` on a grid, cleared of what is no trade; each read when asked for.

    Prices, volume and amount are NaN without trade; the adjust factor (1 where the table has none) and
    the share counts are carried over suspensions.

    Parameters
    ----------
    pivot : the table `bars_1d`
    keep : called as (name, make) for what follows from a row alone: gives what `make` would, from where it is
        kept; None = make it
    factors : gives the adjust factor on the grid where another table says it, else None; called where this
        table has none
    """

    def __init__(
        self, pivot: Pivot, keep: Keep | None = None, factors: Maker | None = None
    ) -> None:
        self._pivot, self._factors = pivot, cache(factors or (lambda: None))
        self._keep = keep or as_made
        self.grid = pivot.grid
        self._names = [n for n in BAR_COLUMNS if n in {*pivot.columns, "adjust_factor"}]
        self._columns: dict[str, Floats] = {}
        self._read_already: dict[str, Floats] = {}

    @cached_property
    def traded(self) -> Flags:
        """Where there was trade: a close, and a volume that is not 0, [dates, assets]."""
        traded: Flags = self.row_by_row("traded")
        return traded

    def row_by_row(self, name: str) -> Any:
        """Give a column before anything is carried, or "traded"; [dates, assets]."""
        make = self._find_traded if name == "traded" else partial(self._cleared, name)
        return self._keep(name, make)

    def __getitem__(self, name: str) -> Floats:
        if name not in self._names:
            raise KeyError(name)
        if (
            name not in self._columns
            and name == "adjust_factor"
            and name not in self._pivot.columns
        ):
            told: Floats | None = self._factors()
            if told is not None:
                self._columns[name] = told
        if name not in self._columns:
            values = self.row_by_row(name)
            self._columns[name] = carry(values) if name in _LASTING else values
        return self._columns[name]

    def said(self, flag: str) -> Floats | None:
        """Give a flag column, carried over days without a row: 1, 0, NaN = not known; None if not there."""
        return carry(self._pivot.column(flag)) if flag in self._pivot.columns else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names  # Mapping would read the column to find out

    def _find_traded(self) -> Flags:
        wanted: list[str] = [n for n in ("close", "volume") if n in self._names]
        read = {n: self._read(n) for n in wanted}
        traded: Flags = ~np.isnan(read["close"])
        if "volume" in read:
            traded &= ~(read["volume"] <= 0)
        if "suspended" in self._pivot.columns:
            traded &= ~(self._read("suspended") == 1)
        self._read_already = read  # the caller wants them next
        return traded

    def _cleared(self, name: str) -> Floats:
        traded = self.traded
        values = self._read_already.pop(name, None)
        values = self._read(name) if values is None else values
        if name in TRADE_COLUMNS:
            values[~traded] = np.nan
        return values

    def _read(self, name: str) -> Floats:
        if name in self._pivot.columns:
            return self._pivot.column(name)
        return np.where(self._pivot.present, 1.0, np.nan)  # no adjust factor: nothing to adjust


@dataclass(frozen=True, eq=False, kw_only=True)
class Ingredients:
    """What the daily fields are made of, each found out when first asked for.

    Parameters
    ----------
    grid : the daily axes
    bars : the columns of `bars_1d`
    find_age : gives `age`
    find_special : gives `is_st`
    find_listing : gives `listing`
    """

    grid: Grid
    bars: Bars
    find_age: Callable[[], Ages]
    find_special: Callable[[], Flags]
    find_listing: Callable[[], Listing]

    @cached_property
    def age(self) -> Ages:
        """Sessions since listing, [dates, assets]; −1 = not listed."""
        return self.find_age()

    @cached_property
    def is_st(self) -> Flags:
        """Where an asset is under special treatment, [dates, assets]."""
        return self.find_special()

    @cached_property
    def listing(self) -> Listing:
        """Who is listed since when, and on which board."""
        return self.find_listing()

    @property
    def listed(self) -> Flags:
        """Where an asset is listed, [dates, assets]."""
        listed: Flags = self.age >= 0
        return listed


def field_makers(of: Ingredients) -> dict[str, Maker]:
    """Give the fields that can be made from bars, name -> function that makes [dates, assets]."""
    bars = of.bars
    made: dict[str, Maker] = {n: partial(bars.__getitem__, n) for n in bars}
    made.setdefault("amount", lambda: estimated_amount(bars))
    reference = cache(lambda: _reference_price(of))
    made |= {
        "vwap": lambda: vwap(bars),
        "returns": lambda: total_returns(bars["close"], bars["adjust_factor"], of.listed),
        "previous_close": reference,
        "suspended": lambda: of.listed & ~bars.traded,
        "is_st": lambda: of.is_st,
        "listing_age": lambda: of.age.astype(np.float64),
    }
    for name in (*PRICES, "vwap"):
        made[f"adjusted_{name}"] = partial(_adjusted, made[name], bars)
    for name in _LASTING:
        if name in bars:
            made[name] = partial(_while_listed, of, name)
    if "float_shares" in bars:
        made["float_cap"] = lambda: _cap(of, "float_shares")
        made["turnover"] = lambda: _turnover(bars)
    if "total_shares" in bars or "float_shares" in bars:
        shares = "total_shares" if "total_shares" in bars else "float_shares"
        made["market_cap"] = lambda: _cap(of, shares)
    if "limit_up" not in bars or "limit_down" not in bars:
        limits = cache(lambda: _limits(of, reference()))
        made |= {"limit_up": lambda: limits()[0], "limit_down": lambda: limits()[1]}
    amount = made["amount"]
    made["average_amount_60"] = lambda: trailing_mean(amount(), _SIZE_WINDOW, least=_SIZE_LEAST)
    return made


def _reference_price(of: Ingredients) -> Floats:
    price = previous_close(of.bars["close"], of.bars["adjust_factor"], of.bars.traded)
    price[~of.listed] = np.nan
    return price


def _adjusted(raw: Maker, bars: Bars) -> Floats:
    adjusted: Floats = raw() * bars["adjust_factor"]
    return adjusted


def _while_listed(of: Ingredients, name: str) -> Floats:
    return np.where(of.listed, of.bars[name], np.nan)


def _turnover(bars: Bars) -> Floats:
    shares = bars["float_shares"]
    out = np.full(shares.shape, np.nan)
    np.divide(bars["volume"], shares, out=out, where=shares > 0)
    return out


def _cap(of: Ingredients, shares: str) -> Floats:
    """Last close, ex-right since, × shares; carried over suspensions."""
    price = last_price(of.bars["close"], of.bars["adjust_factor"], of.bars.traded)
    price[~of.listed] = np.nan
    price *= of.bars[shares]
    return price


def _limits(of: Ingredients, reference: Floats) -> tuple[Floats, Floats]:
    listing = of.listing
    percent = limit_percent(of.grid.dates, listing.board, of.is_st, of.age, listing.listed_on)
    return limit_prices(reference, percent)


def daily_cube(tables: Tables, ingredients: Ingredients, keep: Keep | None = None) -> Cube:
    """Put the made fields and the columns of the `daily` table into one lazy Cube.

    Parameters
    ----------
    tables, ingredients : what they are made of
    keep : as in `Bars`, for what also follows from earlier rows; None = make it

    Raises
    ------
    DataError
        if a column of `daily` has the name of a field that is computed
    """
    grid = ingredients.grid
    makers = field_makers(ingredients)
    units = dict(UNITS)
    estimated = {"amount"} - set(ingredients.bars)
    if "daily" in tables.names():
        for name, make in _daily_makers(tables, ingredients).items():
            if name in makers or (name in UNITS and name not in _FROM_DAILY):
                raise DataError(
                    f"the name {name!r} belongs to a field that is computed from bars_1d. "
                    "Give the column another name in the import map.",
                    file="daily",
                    column=name,
                )
            makers[name] = make
    columns = {n for n in ingredients.bars if n not in _LASTING}  # `Bars` sees to these
    if keep is not None:
        for name in makers.keys() - columns - _WARNS:
            makers[name] = partial(keep, name, makers[name])

    def loader(name: str) -> Callable[[], Panel]:
        return cache(
            lambda: Panel(
                values=makers[name](),
                dates=grid.dates,
                assets=grid.assets,
                name=f"{name} (volume × typical price)" if name in estimated else name,
                unit=units.get(name, "ratio"),
            )
        )

    return Cube({n: loader(n) for n in makers}, dates=grid.dates, assets=grid.assets)


def _daily_makers(tables: Tables, of: Ingredients) -> dict[str, Maker]:
    """Give the columns of the `daily` table, each read when asked for."""
    pivot = Pivot(tables, "daily", of.grid)

    def carried(name: str) -> Floats:
        return np.where(of.listed, carry(pivot.column(name)), np.nan)

    lasting = {"market_cap", "float_cap", *SHARE_COLUMNS}
    return {n: partial(carried if n in lasting else pivot.column, n) for n in pivot.columns}
