"""Every daily field of a market, by name, each made when first asked for.

Raw columns are read once (the universe needs most of them anyhow); what follows from them is computed on
demand and kept. A field whose ingredients the store does not have is absent, not empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from superhet.data.derived import (
    Flags,
    Floats,
    Integers,
    adjustment_since_trade,
    carry,
    estimated_amount,
    previous_close,
    total_returns,
    trailing_mean,
    vwap,
)
from superhet.data.limits import limit_percent, limit_prices
from superhet.data.pivot import Grid, parts, pour
from superhet.errors import DataError
from superhet.panel import Cube, Panel
from superhet.panel.axes import DateArray
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
_SIZE_WINDOW, _SIZE_LEAST = 60, 20


@dataclass(frozen=True, eq=False, kw_only=True)
class Ingredients:
    """What the daily fields are made of.

    Parameters
    ----------
    grid : the daily axes
    bars : column of `bars_1d` -> [dates, assets]; NaN in prices, volume, amount without trade
    traded : [dates, assets], a bar with a close and volume
    age : [dates, assets], sessions since listing, −1 = not listed
    is_st : [dates, assets]
    board : [assets], codes into `limits.BOARDS`
    listed_on : [assets] datetime64[D]
    """

    grid: Grid
    bars: dict[str, Floats]
    traded: Flags
    age: Integers
    is_st: Flags
    board: Integers
    listed_on: DateArray

    @property
    def listed(self) -> Flags:
        """Where an asset is listed, [dates, assets]."""
        listed: Flags = self.age >= 0
        return listed


def read_bars(
    tables: Tables, grid: Grid, progress: Callable[[str, int, int], None] | None = None
) -> tuple[dict[str, Floats], Flags]:
    """Read `bars_1d` and clear what is no trade.

    Returns
    -------
    column -> [dates, assets] and where there was trade (a close, and volume that is not 0). Prices,
    volume and amount are NaN elsewhere; a missing adjust factor is 1; factor and shares are carried.
    """
    first = str(grid.dates.values[0])
    existing = tables.read("bars_1d", start=first, end=first).columns
    names = [n for n in BAR_COLUMNS if n in existing]
    years = int(grid.dates.days[-1].astype("datetime64[Y]").astype(int))
    years -= int(grid.dates.days[0].astype("datetime64[Y]").astype(int))

    def counted() -> Any:
        for done, part in enumerate(
            parts(tables, "bars_1d", ["date", "asset", *names], grid.dates)
        ):
            yield part
            if progress is not None:
                progress("bars_1d", done + 1, years + 1)

    bars, present = pour(counted(), grid, names, "bars_1d")
    idle = np.isnan(bars["close"])
    idle |= bars["volume"] <= 0
    for name in TRADE_COLUMNS:
        if name in bars:
            bars[name][idle] = np.nan
    if "adjust_factor" not in bars:
        bars["adjust_factor"] = np.where(present, 1.0, np.nan)
    for name in ("adjust_factor", *SHARE_COLUMNS):
        if name in bars:
            bars[name] = carry(bars[name])
    return bars, ~idle


class DailyFields:
    """Make daily fields from their ingredients.

    Parameters
    ----------
    ingredients : raw bars and what is known about the listings
    """

    def __init__(self, ingredients: Ingredients) -> None:
        self._of = ingredients

    def makers(self) -> dict[str, Callable[[], Any]]:
        """Give the fields that can be made, name -> function that makes [dates, assets]."""
        of, bars = self._of, self._of.bars
        reference = cache(self._previous_close)
        made: dict[str, Callable[[], Any]] = {n: _constant(bars[n]) for n in bars}
        made |= {
            "amount": made.get("amount", lambda: estimated_amount(bars)),
            "vwap": lambda: vwap(bars),
            "returns": self._returns,
            "previous_close": reference,
            "suspended": lambda: of.listed & ~of.traded,
            "is_st": _constant(of.is_st),
            "listing_age": lambda: of.age.astype(np.float64),
        }
        for name in (*PRICES, "vwap"):
            made[f"adjusted_{name}"] = self._adjusted(made[name])
        for name in (*SHARE_COLUMNS, "adjust_factor"):
            if name in bars:
                made[name] = self._while_listed(bars[name])
        if "float_shares" in bars:
            made["float_cap"] = lambda: self._cap("float_shares")
            made["turnover"] = lambda: bars["volume"] / _positive(bars["float_shares"])
        if "total_shares" in bars or "float_shares" in bars:
            shares = "total_shares" if "total_shares" in bars else "float_shares"
            made["market_cap"] = lambda: self._cap(shares)
        if "limit_up" not in bars or "limit_down" not in bars:
            limits = cache(lambda: self._limits(reference()))
            made |= {"limit_up": lambda: limits()[0], "limit_down": lambda: limits()[1]}
        amount = made["amount"]
        made["average_amount_60"] = lambda: trailing_mean(amount(), _SIZE_WINDOW, least=_SIZE_LEAST)
        return made

    def _returns(self) -> Floats:
        of = self._of
        return total_returns(of.bars["close"] * of.bars["adjust_factor"], of.listed)

    def _previous_close(self) -> Floats:
        of = self._of
        price = previous_close(of.bars["close"], of.bars["adjust_factor"], of.traded)
        price[~of.listed] = np.nan
        return price

    def _adjusted(self, raw: Callable[[], Floats]) -> Callable[[], Floats]:
        return lambda: raw() * self._of.bars["adjust_factor"]

    def _while_listed(self, values: Floats) -> Callable[[], Floats]:
        return lambda: np.where(self._of.listed, values, np.nan)

    def _cap(self, shares: str) -> Floats:
        """Last close, ex-right since, × shares; carried over suspensions."""
        of = self._of
        price = carry(of.bars["close"]) * adjustment_since_trade(
            of.bars["adjust_factor"], of.traded
        )
        price[~of.listed] = np.nan
        return price * of.bars[shares]

    def _limits(self, reference: Floats) -> tuple[Floats, Floats]:
        of = self._of
        percent = limit_percent(of.grid.dates, of.board, of.is_st, of.age, of.listed_on)
        return limit_prices(reference, percent)


def daily_cube(tables: Tables, ingredients: Ingredients) -> Cube:
    """Put the made fields and the columns of the `daily` table into one lazy Cube.

    Raises
    ------
    DataError
        if a column of `daily` has the name of a field that is computed
    """
    grid = ingredients.grid
    makers = DailyFields(ingredients).makers()
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


def _daily_makers(tables: Tables, of: Ingredients) -> dict[str, Callable[[], Floats]]:
    """Give the columns of the `daily` table, all read when the first is asked for."""
    grid = of.grid
    sample = tables.read("daily", start=str(grid.dates.values[0]), end=str(grid.dates.values[0]))
    names = [c for c in sample.columns if sample[c].dtype.is_numeric()]

    @cache
    def values() -> dict[str, Floats]:
        frames = parts(tables, "daily", ["date", "asset", *names], grid.dates)
        return pour(frames, grid, names, "daily")[0]

    def maker(name: str) -> Callable[[], Floats]:
        if name in {"market_cap", "float_cap", *SHARE_COLUMNS}:
            return lambda: np.where(of.listed, carry(values()[name]), np.nan)
        return lambda: values()[name]

    return {name: maker(name) for name in names}


def _constant(values: Any) -> Callable[[], Any]:
    return lambda: values


def _positive(values: Floats) -> Floats:
    return np.where(values > 0, values, np.nan)
