"""Statements as they were known: what each announcement leaves behind as the newest view of the past.

A *state* is what is known of one asset after one day's announcements: for each of the last `depth`
quarters the newest known value, restatements included. States are rows, `[states, depth]`, newest quarter
first; column `j` is the quarter `j` before the newest one reported so far. Two reports on one day (annual
and first quarter, every April) make one state.

1. sort rows by asset, day, period, revision and group them into states  -> StateIndex.build
2. replay the rows of one column                                         -> StateIndex.history
3. quarter arithmetic on histories              -> single_quarters, trailing_year, over_quarters, …
4. compare a quarter with what earlier states said of it   -> StateIndex.first_stated, before_revision, …
5. which states announce anything of a column                            -> StateIndex.announced
6. put the newest number of each state on the sessions                   -> announcements.Placement

NaN rule: a row that lacks a value does not erase an older one of the same quarter; arithmetic with a
quarter that is not known gives NaN; a summary over quarters skips what is not a finite number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numba import njit

Values = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Statistic = Literal["mean", "deviation", "slope"]
_STATISTICS = ("mean", "deviation", "slope")


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

    def announced(self, values: Any) -> npt.NDArray[np.bool_]:
        """Say which states announce a number of a column, of whatever quarter, [states]."""
        said = self.state[np.isfinite(np.asarray(values, dtype=np.float64)[self.order])]
        return np.bincount(said, minlength=self.day.size) > 0

    def first_stated(self, history: Values) -> Values:
        """Give, of each quarter, the number that was known first, [states, depth].

        `history` may be a column or anything computed from columns. Several rows of one day are one
        statement: its newest revision counts.
        """
        return self._vintages(history)[0]

    def before_revision(self, history: Values) -> Values:
        """Give, of each quarter, what was known before its number last changed, [states, depth].

        A number that never changed gives itself.
        """
        return self._vintages(history)[1]

    def first_known(self, history: Values) -> Values:
        """Give, of each quarter, the day on which it was first known, days since 1970, [states, depth]."""
        return self._vintages(history)[2]

    def quarter_ends(self, depth: int) -> Values:
        """Give the last day of each quarter, days since 1970, [states, depth]."""
        months = 3 * (self.newest[:, None] - np.arange(depth)[None, :] + 1)
        firsts = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        return np.asarray(firsts - 1, dtype=np.float64)

    def _vintages(self, history: Values) -> tuple[Values, Values, Values]:
        history = np.ascontiguousarray(history, dtype=np.float64)
        if not history.size:
            return history, history, history
        base = int(self.newest.min()) - history.shape[1] + 1
        span = int(self.newest.max()) - base + 1
        first, before, since = _compare(
            self.asset, self.newest - base, self.day.astype(np.float64), history, span
        )
        return first, before, since


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
    minimum : how many of them must be known; at least two that differ
    """
    earlier = over_quarters(shift(seasonal, 1), previous, max(minimum, 2), "deviation")
    return seasonal / np.where(earlier > 0, earlier, np.nan)


def over_quarters(history: Values, quarters: int, least: int, what: Statistic) -> Values:
    """Summarise, from each quarter back, the numbers of some quarters, [states, depth].

    Quarters that are not known are skipped; fewer than `least` known ones give NaN.

    Parameters
    ----------
    history : [states, depth]
    quarters : how many quarters, each one itself included
    least : how many of them must be known; at least 2 for "deviation" (ddof 1; of equal numbers it is
        exactly 0) and "slope" (of the least-squares line, a quarter)

    Examples
    --------
    >>> over_quarters(np.array([[5.0, np.nan, 1.0]]), 3, 2, "slope")[0, 0]
    np.float64(2.0)
    """
    history = np.ascontiguousarray(history, dtype=np.float64)
    return np.asarray(
        _summarise(history, quarters, least, _STATISTICS.index(what)), dtype=np.float64
    )


def streaks(history: Values, quarters: int) -> Values:
    """Count the quarters in a row above zero, from each quarter back, at most `quarters`, [states, depth].

    A quarter that is not known ends the row; of itself it gives NaN.

    Examples
    --------
    >>> streaks(np.array([[1.0, 2.0, -1.0, 3.0]]), 8)
    array([[2., 1., 0., 1.]])
    """
    out = np.zeros(history.shape)
    above = history > 0
    run = np.zeros(len(history))
    for j in range(history.shape[1] - 1, -1, -1):
        run = np.where(above[:, j], run + 1.0, 0.0)
        out[:, j] = run
    return np.where(np.isnan(history), np.nan, np.minimum(out, quarters))


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
def _compare(
    asset: Integers, newest: Integers, day: Values, history: Values, span: int
) -> tuple[Values, Values, Values]:
    states, depth = history.shape
    first, before, since = np.empty_like(history), np.empty_like(history), np.empty_like(history)
    opening, earlier, last = np.empty(span), np.empty(span), np.empty(span)
    opened = np.empty(span)
    for s in range(states):
        if s == 0 or asset[s] != asset[s - 1]:
            opening[:], earlier[:], last[:], opened[:] = np.nan, np.nan, np.nan, np.nan
        for j in range(depth):
            q, value = newest[s] - j, history[s, j]
            if np.isfinite(value):
                if np.isnan(opening[q]):
                    opening[q], earlier[q], opened[q] = value, value, day[s]
                elif value != last[q]:
                    earlier[q] = last[q]
                last[q] = value
            first[s, j], before[s, j], since[s, j] = opening[q], earlier[q], opened[q]
    return first, before, since


@njit(cache=True, nogil=True, error_model="numpy")
def _summarise(x: Values, quarters: int, least: int, what: int) -> Values:
    states, depth = x.shape
    out = np.full((states, depth), np.nan)
    for s in range(states):
        for j in range(depth):
            stop = min(j + quarters, depth)
            count, total, ages = 0, 0.0, 0.0
            low, high = np.inf, -np.inf
            for k in range(j, stop):
                if np.isfinite(x[s, k]):
                    count += 1
                    total += x[s, k]
                    ages += k
                    low, high = min(low, x[s, k]), max(high, x[s, k])
            if count < least:
                continue
            mean, age = total / count, ages / count
            if what == 0:
                out[s, j] = mean
                continue
            if low == high:
                out[s, j] = 0.0  # the mean of equal numbers may miss them by a rounding error
                continue
            squares, products, times = 0.0, 0.0, 0.0
            for k in range(j, stop):
                if np.isfinite(x[s, k]):
                    squares += (x[s, k] - mean) ** 2
                    products += (age - k) * (x[s, k] - mean)
                    times += (age - k) ** 2
            out[s, j] = np.sqrt(squares / (count - 1)) if what == 1 else products / times
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _carry(x: Values) -> Values:
    out = x.copy()
    for t in range(1, x.shape[0]):
        for c in range(x.shape[1]):
            if np.isnan(out[t, c]):
                out[t, c] = out[t - 1, c]
    return out
