"""Facts that a person should know before believing a book: targets below one lot, held names without a price.

A position without a price keeps its last mark until there is a price again; how often is counted. A target
below the smallest order is not bought; where nothing at all could be bought, the smallest capital is said.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from superhet.backtest import RULES
from superhet.errors import InputError
from superhet.panel import BacktestResult, Market, Panel
from superhet.pipeline.backtest_books import Books, marks
from superhet.pipeline.backtest_weights import asset_columns

_SHOWN = 3
_LONG = 63


def require_trades(result: BacktestResult, weights: Panel, market: Market, engine: Any) -> None:
    """Refuse a book in which nothing could be done, and say what would mend it.

    Raises
    ------
    InputError
        naming the assets and the smallest capital, where the capital is too small
    """
    if result.trades.rows:
        return
    small = below_a_lot(weights, market, engine)
    if small is not None and small["reached"] == 0:
        raise InputError(
            f"--capital: {engine.capital:,.0f} is too small for one lot of any asset: {_names(small)}. At "
            f"the first decision the cheapest lot needs a capital of {small['least']:,.0f}, one lot of "
            f"each of them {small['capital']:,.0f}."
        )
    raise InputError(f"not one order was done; refused by rule: {result.refused_by_rule}.")


def below_a_lot(weights: Panel, market: Market, engine: Any) -> dict[str, Any] | None:
    """Say which targets of the first decision do not reach the smallest order of their asset.

    Returns
    -------
    assets, reached (how many do), least (capital at which the first one would) and capital (at which all
    would); None where all do, or prices are not known
    """
    row = int(np.argmax(np.nan_to_num(weights.values).any(axis=1)))
    day = weights.dates.values[row]
    known = market.until(day)
    rules = RULES.get(engine.rules)()
    fill: Any = engine.fill if isinstance(engine.fill, str) else "close"
    last = known.between(known.dates.values[-1], None)
    minimum = rules.table(last, fill).minimum
    mark = marks(known)[-1]
    wanted = np.abs(np.nan_to_num(weights.values[row]))
    asked = (wanted > 0.0) & (mark > 0.0)
    if not asked.any():
        return None
    needed = np.divide(minimum * mark, wanted, out=np.full(wanted.size, np.nan), where=asked)
    short = asked & (needed > engine.capital * (1.0 + 1e-9))
    if not short.any():
        return None
    return {
        "assets": [market.assets.values[k] for k in np.flatnonzero(short)],
        "reached": int((asked & ~short).sum()),
        "least": float(np.nanmin(needed)),
        "capital": float(np.ceil(np.nanmax(needed))),
    }


def _names(small: dict[str, Any]) -> str:
    names = small["assets"]
    more = f" and {len(names) - _SHOWN} others" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def notes_of(books: Books, weights: Panel, market: Market, engine: Any) -> list[str]:
    """Gather the facts of one book."""
    import polars as pl

    notes = []
    small = below_a_lot(weights, market, engine)
    if small is not None and small["reached"]:
        notes.append(
            f"capital {engine.capital:,.0f} is too small for one lot of {len(small['assets']):,} assets at "
            f"the first decision ({_names(small)}); {small['capital']:,.0f} would reach them all"
        )
    held = books.table("holdings")
    closed = _without_price(held, market)
    if closed.height:
        first = closed.row(0, named=True)
        notes.append(
            f"{closed.height:,} holdings have no price at the close ({closed['asset'].n_unique():,} assets, "
            f"first {first['asset']} on {first['date']}): the last mark is kept until there is one"
        )
    cash = books.table("equity").filter(pl.col("cash") < -1e-6)
    if cash.height:
        notes.append(
            f"cash is below 0 at {cash.height:,} closes (lowest "
            f"{float(cash['cash'].to_numpy().min()):,.2f}, first {cash['date'][0]}); what is short is "
            f"dealt with by the rule --cash {getattr(engine, 'cash_rule', 'cut')}"
        )
    after = len(market.dates) - 1 - market.dates.index(weights.dates.values[-1])
    if after > _LONG:
        notes.append(
            f"{after:,} sessions follow the last decision ({weights.dates.values[-1]}): what is held then "
            f"is kept to {market.dates.values[-1]}; --end ends the book earlier"
        )
    return notes


def _without_price(held: Any, market: Market) -> Any:
    """Keep the holdings of names that have no close on that day."""
    import polars as pl

    if not held.height:
        return held
    rows = np.searchsorted(market.dates.days, held["date"].to_numpy().astype("datetime64[D]"))
    columns = asset_columns(held["asset"], market.assets)
    close = np.asarray(market["close"].values)[rows, columns]
    return held.filter(pl.Series(~(close > 0.0)))
