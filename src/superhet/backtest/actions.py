"""Corporate actions: what the holder of a share has after an ex-date, as cash and as shares.

1. the table `corporate_actions`, on the first session at or after each ex-date     -> `_from_table`
2. what the adjust factor says, session by session, as ratios                       -> `_from_factors`
3. the two are matched by the session on which the asset next trades; where both know an action the table
   is booked and their ex-right prices are compared, a jump of the factor alone is booked as shares
                                                                                    -> `_joined`, `_warn`

A dividend is cash. Bonus shares and splits are shares. Rights are taken up and sold at once at their
theoretical price, so that the holder keeps their value as cash. With c the close before, b the bonus, r the
rights and p their price, d the cash and s the split, the ex-right price is
x = (c + r p − d) / ((1 + b + r) s), and the cash of the rights is r (s x − p) a share, never below 0.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.backtest.frozen import frozen
from superhet.backtest.tape import ActionRows
from superhet.kernels.ledger_market import factor_jumps
from superhet.panel import Events, Market

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

TABLE = "corporate_actions"
TOLERANCE = 0.015
"""Currency a share by which two ex-right prices may differ: each is rounded to 0.01 somewhere."""
RELATIVE = 1e-4
"""Fraction of the price by which they may differ: factors are published with six digits or fewer."""

NOISE = 1e-6
"""Relative change of a factor that is no action."""


class ActionsDisagree(UserWarning):
    """The table of corporate actions and the adjust factor tell different stories."""


@dataclass(frozen=True, eq=False, kw_only=True)
class BookedActions:
    """Corporate actions for a tape, and how they are booked.

    Parameters
    ----------
    rows : sorted by session and asset; sessions count from the first decision and are at least 1
    words : convention -> what was done, in words
    """

    rows: ActionRows
    words: dict[str, str] = field(default_factory=dict)


def corporate_actions(market: Market, start: int = 0, dividend_tax: float = 0.0) -> BookedActions:
    """List the corporate actions after the session of the first decision.

    Parameters
    ----------
    market : all sessions; `events["corporate_actions"]` and the field `adjust_factor` are used where they are
    start : position of the first decision; sessions of the result count from it
    dividend_tax : flat rate on cash dividends

    Warns
    -----
    ActionsDisagree
        once, with the asset and date of the largest difference, if the table and the factors disagree
    """
    adjusted = "adjust_factor" in market
    factors = _from_factors(market, start) if adjusted else ActionRows.none()
    if TABLE not in market.events:
        said = (
            "reinvested without tax: shares grow with the adjust factor"
            if adjusted
            else "none: the market has neither corporate actions nor adjust factors"
        )
        return BookedActions(rows=factors, words={"dividends": said})
    table = _from_table(market, market.table(TABLE), start, dividend_tax)
    tax = f"after a flat tax of {dividend_tax:.0%}" if dividend_tax else "without tax"
    return BookedActions(
        rows=_joined(market, start, table, factors) if adjusted else table,
        words={
            "dividends": f"cash on the ex-date, {tax}; a short pays them before tax",
            "splits": "bonus shares and splits are whole shares; the fraction of a share is settled in cash "
            "at the ex-right price",
            "rights": "taken up and sold at once at their theoretical price: the value is kept as cash",
        },
    )


def _from_factors(market: Market, start: int) -> ActionRows:
    """Read jumps of the adjust factor as splits, on the session on which the factor changes."""
    factor = frozen(market["adjust_factor"].values, np.float64)
    (session, asset), split = factor_jumps(factor, start, NOISE)
    nothing = np.zeros(split.size)
    return ActionRows(
        session=session - start,
        asset=asset,
        split=split,
        dividend=nothing,
        dividend_gross=nothing,
    )


def _from_table(market: Market, table: Events, start: int, dividend_tax: float) -> ActionRows:
    ex_date = np.asarray(table["ex_date"]).astype("datetime64[D]")
    session = np.searchsorted(market.dates.days, ex_date).astype(np.int64)
    asset = np.asarray(table["asset"], dtype=np.int64)
    kept = np.flatnonzero((session > start) & (session < len(market.dates)) & (asset >= 0))
    kept = kept[np.lexsort((ex_date[kept], asset[kept], session[kept]))]
    session, asset = session[kept], asset[kept]

    def column(name: str, default: float) -> Floats:
        if name not in table:
            return np.full(kept.size, default)
        values = np.asarray(table[name], dtype=np.float64)[kept]
        return np.where(np.isnan(values), default, values)

    bonus, cash, split = column("bonus", 0.0), column("cash", 0.0), column("split", 1.0)
    rights, price = column("rights", 0.0), column("rights_price", 0.0)
    worth = _rights_value(_close_before(market, session, asset), bonus, rights, price, cash, split)
    return _merged(
        ActionRows(
            session=session - start,
            asset=asset,
            split=(1.0 + bonus) * split,
            dividend=cash * (1.0 - dividend_tax) + worth,
            dividend_gross=cash + worth,
        )
    )


def _rights_value(
    close: Floats, bonus: Floats, rights: Floats, price: Floats, cash: Floats, split: Floats
) -> Floats:
    """Give the cash that the rights of one share are worth on the ex-date; 0 without a close before."""
    ex_right = (close + rights * price - cash) / ((1.0 + bonus + rights) * split)
    worth = rights * np.maximum(split * ex_right - price, 0.0)
    return np.where(np.isnan(worth), 0.0, worth)


def _merged(rows: ActionRows) -> ActionRows:
    """Join rows of one asset on one session, the later after the earlier."""
    key = np.stack([rows.session, rows.asset])
    twice = np.flatnonzero((key[:, 1:] == key[:, :-1]).all(axis=0)) + 1
    if not twice.size:
        return rows
    split, net, gross = rows.split.copy(), rows.dividend.copy(), rows.dividend_gross.copy()
    for row in twice:  # written into the later row; the earlier one is dropped
        net[row] = net[row - 1] + split[row - 1] * net[row]
        gross[row] = gross[row - 1] + split[row - 1] * gross[row]
        split[row] *= split[row - 1]
    out = replace(rows, split=split, dividend=net, dividend_gross=gross)
    return _take(out, np.setdiff1d(np.arange(len(rows)), twice - 1))


def _take(rows: ActionRows, key: npt.NDArray[Any]) -> ActionRows:
    return ActionRows(
        session=rows.session[key],
        asset=rows.asset[key],
        split=rows.split[key],
        dividend=rows.dividend[key],
        dividend_gross=rows.dividend_gross[key],
    )


def _close_before(market: Market, session: Integers, asset: Integers) -> Floats:
    """Give the last close before each session, NaN where there is none."""
    close = market["close"].values
    out = np.full(session.size, np.nan)
    for k, (row, column) in enumerate(zip(session, asset, strict=True)):
        at = row - 1
        while at >= 0 and not close[at, column] > 0.0:
            at -= 1
        if at >= 0:
            out[k] = close[at, column]
    return out


def _trades_next(market: Market, session: Integers, asset: Integers) -> Integers:
    """Give the first session at or after each on which the asset trades."""
    close = market["close"].values
    out = session.copy()
    for k, (row, column) in enumerate(zip(session, asset, strict=True)):
        at = row
        while at < len(close) and not close[at, column] > 0.0:
            at += 1
        out[k] = at
    return out


def _joined(market: Market, start: int, table: ActionRows, factors: ActionRows) -> ActionRows:
    """Book the table, and what only the factor knows as shares; warn where they disagree."""
    before = _close_before(market, table.session + start, table.asset)
    expected = (
        (before - table.dividend_gross) / table.split / before
    )  # ex-right price / close before
    width = len(market.assets)
    of_table = _trades_next(market, table.session + start, table.asset) * width + table.asset
    of_factor = _trades_next(market, factors.session + start, factors.asset) * width + factors.asset
    known, at = np.unique(of_table, return_inverse=True)
    ratio = np.ones(known.size)
    np.multiply.at(ratio, at, np.where(np.isnan(expected), 1.0, expected))
    told = np.ones(known.size)
    place = np.searchsorted(known, of_factor)
    place[place == known.size] = 0
    both = known[place] == of_factor if known.size else np.zeros(of_factor.size, dtype=bool)
    np.divide.at(told, place[both], factors.split[both])
    gap = np.abs(ratio - told)[at]
    alone = _take(factors, ~both)
    price = _close_before(market, alone.session + start, alone.asset)
    _warn(market, start, (table, before, gap), (alone, price, np.abs(1.0 - 1.0 / alone.split)))
    joined = ActionRows(
        session=np.concatenate([table.session, alone.session]),
        asset=np.concatenate([table.asset, alone.asset]),
        split=np.concatenate([table.split, alone.split]),
        dividend=np.concatenate([table.dividend, alone.dividend]),
        dividend_gross=np.concatenate([table.dividend_gross, alone.dividend_gross]),
    )
    return _merged(_take(joined, np.lexsort((joined.asset, joined.session))))


Compared: TypeAlias = tuple[ActionRows, Floats, Floats]


def _warn(market: Market, start: int, table: Compared, alone: Compared) -> None:
    """Name the largest difference between table and factor, in money a share, if one counts."""
    rows = [part[0] for part in (table, alone)]
    close = np.concatenate([table[1], alone[1]])
    gap = np.concatenate([table[2], alone[2]])
    money = np.nan_to_num(gap * close)
    wrong = (money > TOLERANCE) & (gap > RELATIVE)
    if not wrong.any():
        return
    worst = int(np.argmax(np.where(wrong, gap, 0.0)))
    session = np.concatenate([part.session for part in rows])[worst] + start
    asset = np.concatenate([part.asset for part in rows])[worst]
    what = (
        "the factor jumps and the table has no action, so the jump is booked as shares"
        if worst >= len(rows[0])
        else "the table is booked"
    )
    warnings.warn(
        f"corporate actions and adjust factors disagree on {int(wrong.sum())} of {wrong.size} ex-dates. The "
        f"largest: {market.assets.values[asset]} on {market.dates.values[session]}, where their ex-right "
        f"prices differ by {money[worst]:.2f} ({gap[worst]:.1%} of the close before); {what}. Compare both "
        "with the announcement.",
        ActionsDisagree,
        stacklevel=4,
    )


__all__ = ["ActionsDisagree", "BookedActions", "corporate_actions"]
