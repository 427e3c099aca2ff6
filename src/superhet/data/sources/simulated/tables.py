"""Prices and bars as the tables `bars_1d` and `bars_15min`: long, sorted by time and asset, in yuan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from superhet.data.sources.simulated.bars import Bars
from superhet.data.sources.simulated.prices import LOT, Paths
from superhet.data.sources.simulated.recipe import Days, Flags, Floats, SimulatedMarket
from superhet.data.sources.simulated.structure import Structure

if TYPE_CHECKING:
    import polars as pl

PRICES = ("open", "high", "low", "close")


def daily_bars_table(
    structure: Structure, paths: Paths, traded: Flags, amount: Floats, dates: Days
) -> pl.DataFrame:
    """Build `bars_1d`; days without trade have no row, sessions without limit a null there.

    Parameters
    ----------
    traded : [dates, assets]
    amount : [dates, assets], yuan
    """
    import polars as pl

    day, asset = np.nonzero(traded)
    cell = (day, asset)
    columns: dict[str, object] = {
        "date": dates[day].astype("datetime64[D]"),
        "asset": pl.Series(structure.assets.tolist()).gather(asset),
    }
    columns |= {name: getattr(paths, name)[cell] / 100.0 for name in PRICES}
    columns |= {"volume": paths.lots[cell] * float(LOT), "amount": amount[cell]}
    columns["adjust_factor"] = paths.adjust[cell]
    columns |= {name: getattr(paths, name)[cell] for name in ("float_shares", "total_shares")}
    for name in ("limit_up", "limit_down"):
        fen = getattr(paths, name)[cell]
        columns[name] = np.where(fen > 0, fen / 100.0, np.nan)
    return pl.DataFrame(columns).with_columns(pl.col("limit_up", "limit_down").fill_nan(None))


def minute_bars_table(structure: Structure, bars: Bars) -> pl.DataFrame:
    """Build `bars_15min`."""
    import polars as pl

    return pl.DataFrame(
        {
            "time": pl.Series(bars.time).cast(pl.Datetime("ms")),
            "asset": pl.Series(structure.assets.tolist()).gather(bars.asset),
            **{name: getattr(bars, name) / 100.0 for name in PRICES},
            "volume": bars.lots * float(LOT),
            "amount": bars.amount,
        }
    )


def daily_amount(recipe: SimulatedMarket, paths: Paths) -> Floats:
    """Draw the amount of each session within its price range, where no bars give it, whole yuan."""
    rng = recipe.stream("amounts")
    out = np.empty_like(paths.adjust)
    for t in range(out.shape[0]):
        low, high = paths.low[t].astype(np.float64), paths.high[t].astype(np.float64)
        middle = (paths.open[t] + high + low + paths.close[t]) / 4.0
        mean = middle + 0.1 * (high - low) * rng.standard_normal(out.shape[1])
        out[t] = np.round(paths.lots[t] * np.clip(mean, low, high))
    return out
