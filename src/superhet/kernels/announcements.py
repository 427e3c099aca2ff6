"""Announcements on the sessions: one number a state, laid out on the sessions that are asked for.

A formula of statements has for each state (see `point_in_time`) a number; NaN, where nothing was announced
for it; or `NO_ANSWER`, where something was announced and the formula has no answer to it. Such an
announcement ends what stood before: once equity is reported to be gone, a return on last year's equity holds
no longer.

An asset has some dozens of states and thousands of sessions, so a panel is made only of the rows in use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from superhet.kernels.point_in_time import StateIndex

Values = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

NO_ANSWER = np.inf
"""Announced, and without an answer; results are never infinite, so that no number means it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Placement:
    """Where states stand on the sessions; build with `Placement.of`.

    Parameters
    ----------
    begin : [assets + 1], the states of asset *a* are those from begin[a] to before begin[a + 1], oldest first
    row : [states], the first session at whose close the state is known; beyond the last for none
    asset, day : [states], as in `StateIndex`
    sessions : how many
    """

    begin: Integers
    row: Integers
    asset: Integers
    day: Integers
    sessions: int

    @classmethod
    def of(cls, states: StateIndex, sessions: Any, assets: int) -> Placement:
        """Place states on sessions, [sessions] datetime64[D]."""
        days = np.asarray(sessions).astype("datetime64[D]").astype(np.int64)
        return cls(
            begin=np.searchsorted(states.asset, np.arange(assets + 1)).astype(np.int64),
            row=np.searchsorted(days, states.day, side="left").astype(np.int64),
            asset=states.asset,
            day=states.day,
            sessions=days.size,
        )

    def latest(self, values: Values) -> Values:
        """Give, for each state, the last number announced up to it, [states]; NaN where that is no answer."""
        place = np.arange(values.size)
        last = np.maximum.accumulate(np.where(np.isnan(values), -1, place))
        own = last >= self.begin[self.asset]
        found = values[np.maximum(last, 0)] if values.size else values
        return np.where(own & np.isfinite(found), found, np.nan)

    def spoken(self, values: Values, first: int, last: int) -> Values:
        """Put numbers on the sessions on which they became known, [last - first, assets].

        What was known before the first session stands on the first session, unless something newer does. NaN
        where nothing became known; `NO_ANSWER` stays.
        """
        out = np.full((last - first, self.begin.size - 1), np.nan)
        kept = ~np.isnan(values) & (self.row >= first) & (self.row < last)
        out[self.row[kept] - first, self.asset[kept]] = values[
            kept
        ]  # in order of time: the last wins
        return out

    def carried(self, values: Values, rows: slice, assets: slice) -> Values:
        """Carry numbers forward, [sessions, assets] of the cut; NaN from `NO_ANSWER` on."""
        first, last, _ = rows.indices(self.sessions)
        left, right, _ = assets.indices(self.begin.size - 1)
        return np.asarray(_carried(self.begin[left : right + 1], self.row, values, first, last))

    def early(self, values: Values) -> Values:
        """Give the day on which what stands on the first session became known, [assets]; NaN for nothing."""
        since = np.full(self.begin.size - 1, np.nan)
        kept = ~np.isnan(values) & (self.row == 0) & (self.sessions > 0)
        since[self.asset[kept]] = self.day[kept]
        return since


@njit(cache=True, nogil=True)
def _carried(begin: Integers, row: Integers, values: Values, first: int, last: int) -> Values:
    assets = begin.size - 1
    out = np.empty((max(last - first, 0), assets))
    at, now = begin[:-1].copy(), np.full(assets, np.nan)
    for t in range(first, last):
        for a in range(assets):
            s = at[a]
            while s < begin[a + 1] and row[s] <= t:
                if not np.isnan(values[s]):
                    now[a] = values[s] if np.isfinite(values[s]) else np.nan
                s += 1
            at[a] = s
            out[t - first, a] = now[a]
    return out
