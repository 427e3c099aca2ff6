"""Statements as they were known: what each announcement leaves behind as the newest view of the past.

A *state* is what is known of one asset after one day's announcements: for each of the last `depth`
quarters the newest known value, restatements included. States are rows, `[states, depth]`, newest quarter
first; column `j` is the quarter `j` before the newest one reported so far. Two reports on one day (annual
and first quarter, every April) make one state.

1. sort rows by asset, day, period, revision and group them into states  -> StateIndex.build
2. replay the rows of one column                                         -> StateIndex.history
3. quarter arithmetic on histories                                       -> single_quarters, trailing_year, …
4. put the newest number of each state on the daily grid                 -> StateIndex.place

NaN rule: a row that lacks a value does not erase an older one of the same quarter; arithmetic with a
quarter that is not known gives NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Values = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class StateIndex:
    """The states of a statements table; build with `StateIndex.build`.

    Parameters
    ----------
    order : [kept rows], rows of the table sorted by asset, day, period and revision
    state : [kept rows], the state that each sorted row belongs to
    quarter : [kept rows], quarters since 1970
    asset, day : [states], position of the asset; days since 1970 on which the state became known
    newest : [states], the newest quarter reported so far, quarters since 1970
    """

    order: Integers
    state: Integers
    quarter: Integers
    asset: Integers
    day: Integers
    newest: Integers

    @classmethod
    def build(cls, asset: Any, day: Any, period: Any, revision: Any | None) -> StateIndex:
        """Group rows into states; rows of no asset (position < 0) are left out.

        Parameters
        ----------
        asset : [rows], position of the asset
        day : [rows] datetime64, first session at whose close the row may be used
        period : [rows] datetime64, end of the quarter reported on
        revision : [rows], number of the restatement, or None: the order of the rows
        """
        month = np.asarray(period).astype("datetime64[M]").astype(np.int64)
        asset, quarter = np.asarray(asset, dtype=np.int64), month // 3
        day = np.asarray(day).astype("datetime64[D]").astype(np.int64)
        keys = (
            (month, day, asset) if revision is None else (np.asarray(revision), month, day, asset)
        )
        order = np.lexsort(keys).astype(np.int64)
        order = order[asset[order] >= 0]
        a, d, q = asset[order], day[order], quarter[order]
        fresh = np.ones(order.size, dtype=bool)
        fresh[1:] = (a[1:] != a[:-1]) | (d[1:] != d[:-1])
        first = np.flatnonzero(fresh)
        state = np.cumsum(fresh) - 1
        newest = np.maximum.reduceat(q, first) if first.size else q
        newest = _running_maximum(newest, a[first])
        return cls(order=order, state=state, quarter=q, asset=a[first], day=d[first], newest=newest)

    @property
    def season(self) -> Integers:
        """[states], place of the newest quarter in its year, 0 to 3."""
        return self.newest % 4

    def history(self, values: Any, depth: int) -> Values:
        """Replay one column, [states, depth]; see the module."""
        column = np.ascontiguousarray(np.asarray(values)[self.order], dtype=np.float64)
        if not column.size:
            return np.empty((0, depth))
        base = int(self.quarter.min())
        span = int(self.quarter.max()) - base + 1
        out = _replay(
            self.asset, self.newest - base, self.state, self.quarter - base, column, span, depth
        )
        return np.asarray(out, dtype=np.float64)

    def place(self, newest: Values, sessions: Any, assets: int) -> tuple[Values, Values]:
        """Put a number of each state on the session on which it became known.

        What was known before the first session stands on the first session, unless something newer does.

        Parameters
        ----------
        newest : [states]
        sessions : [sessions] datetime64[D]
        assets : number of assets

        Returns
        -------
        [sessions, assets], NaN where nothing became known
        [assets], days since 1970 on which the number of the first session became known, NaN for none
        """
        days = np.asarray(sessions).astype("datetime64[D]").astype(np.int64)
        row = np.searchsorted(days, self.day, side="left")
        kept = np.isfinite(newest) & (row < days.size)
        out, since = np.full((days.size, assets), np.nan), np.full(assets, np.nan)
        out[row[kept], self.asset[kept]] = newest[
            kept
        ]  # states are in order of time: the last wins
        early = kept & (row == 0)
        since[self.asset[early]] = self.day[early]
        return out, since


def single_quarters(history: Values, season: Integers, basis: str) -> Values:
    """Give the flow of each single quarter, [states, depth].

    Cumulative ("ytd") flows are differenced within their year; the first quarter stands as it is.

    Examples
    --------
    >>> single_quarters(np.array([[30.0, 10.0, 100.0]]), np.array([1]), "ytd")
    array([[20., 10., nan]])
    """
    if basis != "ytd":
        return history
    opening = _season_of(history, season) == 0
    return np.where(opening, history, history - shift(history, 1))


def trailing_year(history: Values, season: Integers, basis: str) -> Values:
    """Give the flow of the last four quarters, [states, depth].

    From cumulative flows: this year so far + last full year - last year's same stretch.

    Examples
    --------
    >>> trailing_year(np.array([[30.0, 100.0, 70.0, 45.0, 20.0]]), np.array([0]), "ytd")[0, 0]
    np.float64(110.0)
    """
    if basis == "ttm":
        return history
    if basis == "quarter":
        return history + shift(history, 1) + shift(history, 2) + shift(history, 3)
    place = _season_of(history, season)
    annual = np.choose(place, [shift(history, k) for k in (1, 2, 3, 0)])
    return np.where(place == 3, history, history + annual - shift(history, 4))


def standardized_surprise(seasonal: Values, previous: int, minimum: int) -> Values:
    """Divide each seasonal difference by the deviation (ddof 1) of those before it, [states, depth].

    Parameters
    ----------
    seasonal : [states, depth], value less the value four quarters before
    previous : how many earlier differences make the deviation
    minimum : how many of them must be known
    """
    earlier = np.stack([shift(seasonal, k) for k in range(1, previous + 1)])
    known = np.isfinite(earlier)
    count = known.sum(axis=0)
    filled = np.where(known, earlier, 0.0)
    mean = filled.sum(axis=0) / np.maximum(count, 1)
    spread = np.where(known, earlier - mean, 0.0)
    deviation = np.sqrt((spread**2).sum(axis=0) / np.maximum(count - 1, 1))
    least = np.where(known, earlier, np.inf).min(axis=0)
    most = np.where(known, earlier, -np.inf).max(axis=0)
    valid = (count >= minimum) & (most > least)
    return np.where(valid, seasonal / np.where(valid, deviation, 1.0), np.nan)


def shift(history: Values, quarters: int) -> Values:
    """Give the value `quarters` before, [states, depth]; NaN beyond the depth."""
    out = np.full(history.shape, np.nan)
    if quarters < history.shape[1]:
        out[:, : history.shape[1] - quarters] = history[:, quarters:]
    return out


def carry_forward(values: Values) -> Values:
    """Give, at each row, the last known value at or before it, [dates, assets].

    Examples
    --------
    >>> carry_forward(np.array([[np.nan], [2.0], [np.nan]])).ravel()
    array([nan,  2.,  2.])
    """
    return np.asarray(_carry(np.ascontiguousarray(values, dtype=np.float64)), dtype=np.float64)


def _season_of(history: Values, season: Integers) -> Integers:
    return np.asarray((season[:, None] - np.arange(history.shape[1])[None, :]) % 4, dtype=np.int64)


def _running_maximum(newest: Integers, asset: Integers) -> Integers:
    """Accumulate the maximum within each asset, [states]."""
    span = int(newest.max() - newest.min()) + 1 if newest.size else 1
    lifted = newest + asset * span  # assets are sorted: a step of one span keeps them apart
    return np.asarray(np.maximum.accumulate(lifted) - asset * span, dtype=np.int64)


@njit(cache=True, nogil=True, error_model="numpy")
def _replay(
    asset: Integers,
    newest: Integers,
    state: Integers,
    quarter: Integers,
    values: Values,
    span: int,
    depth: int,
) -> Values:
    states = asset.size
    out = np.full((states, depth), np.nan)
    known = np.full(span, np.nan)
    row = 0
    for s in range(states):
        if s == 0 or asset[s] != asset[s - 1]:
            known[:] = np.nan
        while row < state.size and state[row] == s:
            if np.isfinite(values[row]):
                known[quarter[row]] = values[row]
            row += 1
        for j in range(min(depth, newest[s] + 1)):
            out[s, j] = known[newest[s] - j]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _carry(x: Values) -> Values:
    out = x.copy()
    for t in range(1, x.shape[0]):
        for c in range(x.shape[1]):
            if np.isnan(out[t, c]):
                out[t, c] = out[t - 1, c]
    return out
