"""Adjust factors, where the daily bars carry none: from a table of factors, or from dividends and splits.

1. the ex-right price of each action: (close before + rights × price − cash) / ((1 + bonus + rights) × split)
2. close before / ex-right price, multiplied up over an asset's actions     -> action_factors
3. each factor holds from its date until the next one                       -> adjust_factors
4. the actions themselves, for who books dividends as cash                  -> action_events

The close before an ex-date is public on it, so a factor depends on nothing later than its own date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from superhet.data.calendar import TradingCalendar
from superhet.data.derived import Floats
from superhet.data.known_at import known_sessions
from superhet.data.pivot import Grid, asset_positions, days, floats, paint
from superhet.errors import DataError
from superhet.panel.axes import Assets
from superhet.panel.records import Events

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables

_PARTS = ("cash", "bonus", "rights", "rights_price")


def adjust_factors(tables: Tables, grid: Grid) -> Floats | None:
    """Give the cumulative backward factor, [dates, assets]; None if no table says anything of it.

    1 before an asset's first factor. `adjust_factors` comes before `corporate_actions`.

    Raises
    ------
    DataError
        if an action leaves no positive price
    """
    import polars as pl

    names = tables.names()
    if "adjust_factors" in names:
        frame = tables.read("adjust_factors", end=grid.dates.values[-1])
    elif "corporate_actions" in names:
        frame = action_factors(tables, grid.dates.values[-1])
    else:
        return None
    frame = frame.sort("asset", "date")
    frame = frame.with_columns(_next=pl.col("date").shift(-1).over("asset"))
    start, end = days(frame["date"]), days(frame["_next"])
    painted = paint(
        grid,
        asset_positions(frame["asset"], grid.assets),
        start,
        end,
        floats(frame["adjust_factor"]),
    )
    return np.where(painted > 0, painted, 1.0)


def action_factors(tables: Tables, last: np.datetime64) -> pl.DataFrame:
    """Turn corporate actions into cumulative factors: asset, date, adjust_factor.

    An action of an asset without a close before it changes nothing that is known, and counts as 1.

    Parameters
    ----------
    tables : has `corporate_actions` and `bars_1d`
    last : actions after this day are not read
    """
    import polars as pl

    actions = tables.read("corporate_actions", end=last).rename({"ex_date": "date"})
    missing = [n for n in (*_PARTS, "split") if n not in actions.columns]
    actions = actions.with_columns(pl.lit(None, pl.Float64).alias(n) for n in missing)
    actions = actions.with_columns(
        *(pl.col(n).fill_null(0.0) for n in _PARTS), pl.col("split").fill_null(1.0)
    )
    closes = tables.read("bars_1d", columns=["asset", "date", "close"], end=last)
    closes = closes.drop_nulls("close").join(
        actions.select("asset").unique(), on="asset", how="semi"
    )
    joined = actions.sort("date").join_asof(
        closes.sort("date"),
        on="date",
        by="asset",
        allow_exact_matches=False,
        check_sortedness=False,
    )
    right = pl.col("close") + pl.col("rights") * pl.col("rights_price") - pl.col("cash")
    ex_right = right / ((1.0 + pl.col("bonus") + pl.col("rights")) * pl.col("split"))
    joined = joined.with_columns(_ex_right=ex_right)
    wrong = joined.filter(pl.col("_ex_right") <= 0)
    if not wrong.is_empty():
        row = wrong.row(0, named=True)
        raise DataError(
            f"{row['asset']}, ex-date {row['date']}: a cash dividend of {row['cash']} a share is no less "
            f"than the close before it ({row['close']}). If it is stated for ten shares, say units: "
            "{cash: 0.1} in the column map.",
            file="corporate_actions",
            column="cash",
        )
    ratio = (pl.col("close") / pl.col("_ex_right")).fill_null(1.0)
    return (
        joined.sort("asset", "date")
        .with_columns(adjust_factor=ratio.cum_prod().over("asset"))
        .select("asset", "date", "adjust_factor")
    )


def action_events(
    tables: Tables, assets: Assets, calendar: TradingCalendar, last: np.datetime64
) -> Events:
    """Read the `corporate_actions` table as Events: `asset` (position), `ex_date`, then its numbers.

    An action counts as known from its ex-date on, or from the next session where that is none; earlier
    announcements are not used. A number that the table leaves out is 0, a split 1. Rows of assets that are
    not on the axis, and rows known only after `last`, are left out.
    """
    frame = tables.read("corporate_actions")
    known = known_sessions("corporate_actions", frame, calendar, tables.meta("corporate_actions"))
    place, ex_date = asset_positions(frame["asset"], assets), days(frame["ex_date"])
    kept = np.flatnonzero((place >= 0) & (known <= last))
    order = kept[np.lexsort((place[kept], ex_date[kept], known[kept]))]
    columns = {"asset": place[order], "ex_date": ex_date[order]}
    for name in (*_PARTS, "split"):
        default = 1.0 if name == "split" else 0.0
        values = floats(frame[name]) if name in frame.columns else np.full(frame.height, default)
        columns[name] = np.where(np.isnan(values), default, values)[order]
    return Events(name="corporate_actions", columns=columns, known_at=known[order])


__all__ = ["action_events", "action_factors", "adjust_factors"]
