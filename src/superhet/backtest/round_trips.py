"""Round trips and exposure: what a book held, for how long, and what each stay in a name brought.

1. fills and corporate actions are put in the order of events, asset by asset   -> _events
2. each exit meets the oldest shares first                                      -> kernels.round_trips
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.kernels.ledger_books import LEG_COSTS
from superhet.kernels.round_trips import match_fills
from superhet.panel import BacktestResult, Dates, Records

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
_DUST = 1e-6  # of a share: 100 x 1.15 is 114.99999999999999 in floats, and 115 shares


def fill_costs(trades: Records) -> Floats:
    """Add the costs of each fill that its engine books, [rows], currency."""
    total = np.zeros(trades.rows)
    for name in LEG_COSTS:
        if name in trades:
            total += np.asarray(trades[name], dtype=np.float64)
    return total


def round_trips(trades: Records, sessions: Dates, actions: Records | None = None) -> Records:
    """Match entries and exits of a book, first in, first out.

    Parameters
    ----------
    trades : fills of any engine
    sessions : of the book
    actions : date, asset (position), split, dividend (net of tax), dividend_gross (what a short
        pays); None = none

    Returns
    -------
    one row a trip, by entry: asset (position), side (1 long, -1 short), entry_date, exit_date (NaT = still
    open, valued as nothing), sessions (held; up to the last one if open), shares, entry_price, exit_price
    (NaN if open), costs, dividends, profit (after costs, NaN if open), return (profit / entry value)

    Notes
    -----
    Prices and shares are those of the exit: a split in between divides the entry price. Dividends of a short
    are negative. Borrow fees belong to the book, not to a trip.
    """
    dates = sessions.days
    table = _events(trades, dates, actions)
    found = match_fills(*table)
    entry, exit_ = found[1].astype(np.int64), found[2].astype(np.int64)
    asset, session = table[0], table[1]
    is_open = exit_ < 0
    first = session[entry]
    last = np.where(is_open, len(dates) - 1, session[np.maximum(exit_, 0)])
    shares, paid, got, costs, dividends = found[3], found[4], found[5], found[6], found[7]
    profit = shares * (got - paid) - costs + dividends
    value = np.abs(shares) * paid
    order = np.lexsort((asset[entry], first))
    columns = {
        "asset": asset[entry],
        "side": np.sign(shares).astype(np.int8),
        "entry_date": dates[first],
        "exit_date": np.where(is_open, np.datetime64("NaT"), dates[last]),
        "sessions": last - first,
        "shares": np.abs(shares),
        "entry_price": paid,
        "exit_price": got,
        "costs": costs,
        "dividends": dividends,
        "profit": profit,
        "return": np.divide(profit, value, out=np.full(value.size, np.nan), where=value > 0.0),
    }
    return Records(name="round_trips", columns={n: c[order] for n, c in columns.items()})


def _events(
    trades: Records, dates: npt.NDArray[np.datetime64], actions: Records | None
) -> tuple[Integers, Integers, Floats, Floats, Floats, Floats, Floats]:
    """Sort fills, and the actions before them on the same day, by asset and time."""
    days = trades["date"].astype("datetime64[D]")
    n, m = trades.rows, 0 if actions is None else actions.rows
    asset = np.empty(n + m, dtype=np.int64)
    session = np.empty(n + m, dtype=np.int64)
    shares, price, costs = (np.zeros(n + m) for _ in range(3))
    dividend = np.zeros((n + m, 2))
    split = np.ones(n + m)
    asset[m:], session[m:] = trades["asset"], np.searchsorted(dates, days)
    shares[m:], price[m:], costs[m:] = trades["shares"], trades["price"], fill_costs(trades)
    if actions is not None:
        asset[:m] = actions["asset"]
        session[:m] = np.searchsorted(dates, actions["date"].astype("datetime64[D]"))
        split[:m] = actions["split"]
        dividend[:m, 0], dividend[:m, 1] = actions["dividend"], actions["dividend_gross"]
    order = np.lexsort((np.arange(n + m), session, asset))
    parts = (asset, session, shares, price, costs, split, dividend)
    return tuple(np.ascontiguousarray(p[order]) for p in parts)  # type: ignore[return-value]  # as many as `parts`


def held_shares(
    trades: Records,
    sessions: Dates,
    count: int,
    actions: Records | None = None,
    opening: Floats | None = None,
) -> Floats:
    """Give the shares held at each close, [sessions, assets], signed: fills and splits added up.

    After a split a whole number of shares is whole again; the fraction is paid in cash.

    Parameters
    ----------
    trades, sessions, actions : as for `round_trips`
    count : of assets
    opening : [assets], held before the first session; None = nothing
    """
    days = sessions.days
    moved = np.zeros((len(days), count))
    row = np.searchsorted(days, trades["date"].astype("datetime64[D]"))
    np.add.at(moved, (row, trades["asset"]), trades["shares"])
    held = np.zeros(count) if opening is None else np.array(opening, dtype=np.float64)
    splits: dict[int, list[tuple[int, float]]] = {}
    if actions is not None:
        when = np.searchsorted(days, actions["date"].astype("datetime64[D]"))
        there = when < len(days)
        there[there] = days[when[there]] == actions["date"].astype("datetime64[D]")[there]
        for k in np.flatnonzero(there):
            pair = (int(actions["asset"][k]), float(actions["split"][k]))
            splits.setdefault(int(when[k]), []).append(pair)
    for t in range(len(days)):
        for asset, split in splits.get(t, ()):
            after = held[asset] * split
            if abs(held[asset] - np.round(held[asset])) < _DUST:
                after = np.trunc(after + np.sign(after) * _DUST)
            held[asset] = after
        held = held + moved[t]
        held[np.abs(held) < _DUST] = 0.0
        moved[t] = held
    return moved


def exposure_through_time(result: BacktestResult) -> Records:
    """Give long, short, gross, net and cash as fractions of equity, and names held, at each close."""
    held = np.asarray(result.holdings.values, dtype=np.float64)
    long = np.where(held > 0.0, held, 0.0).sum(axis=1)
    short = np.where(held < 0.0, held, 0.0).sum(axis=1)
    return Records(
        name="exposure",
        columns={
            "date": result.dates.values,
            "gross": long - short,
            "net": long + short,
            "long": long,
            "short": short,
            "cash": result.cash / result.equity,
            "names": (held != 0.0).sum(axis=1),
            "names_long": (held > 0.0).sum(axis=1),
            "names_short": (held < 0.0).sum(axis=1),
        },
    )
