"""Decision clock: the sessions on which the super-factor is given out.

Every date is chosen from the calendar alone and from no later session, so that more data never moves a
date that was already there.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from superhet.errors import ConfigError
from superhet.panel import Dates

_UNITS = {"d": "D", "w": "W", "m": "M"}
_MONDAY = 3  # 1970-01-01 was a Thursday


def decision_clock(dates: Dates, clock: str | int = "1d", offset: int = 0) -> Dates:
    """Choose the decision dates among the sessions.

    Parameters
    ----------
    dates : the sessions
    clock : "1d" is every session; "1w", "2w" the first session of each week (or second week), counted
        from the Monday of 1969-12-29; "1m", "3m" the first session of each month (or quarter), counted
        from 1970-01-01; a whole number n, or "5d", every n-th session counted from the first of `dates`
    offset : for weeks and months, calendar days that the boundary is moved (4 makes the week begin on
        Friday); for sessions, how many to leave out at the start

    Returns
    -------
    Dates
        where a boundary is no session, the next one decides; the first session of `dates` always does
        (weeks and months)

    Raises
    ------
    ConfigError
        for a clock that cannot be read, or an offset that is negative or as long as the period
    """
    count, unit = _read(clock)
    days = dates.days.astype(np.int64)
    if unit == "D":
        _check(offset, count)
        return dates[slice(offset, None, count)]
    _check(offset, count * (7 if unit == "W" else 28))
    period = _periods(days - offset, count, unit)
    return dates[np.flatnonzero(np.diff(period, prepend=period[:1] - 1))]


def _read(clock: str | int) -> tuple[int, str]:
    if isinstance(clock, int):
        count, unit = clock, "d"
    else:
        match = re.fullmatch(r"(\d+)([dwm])", clock.strip())
        if match is None:
            raise ConfigError(
                "clock", f'must be like "1d", "1w", "1m" or a whole number (got {clock!r})'
            )
        count, unit = int(match[1]), match[2]
    if count < 1:
        raise ConfigError("clock", f"must be at least 1 (got {clock!r})")
    return count, _UNITS[unit]


def _check(offset: int, length: int) -> None:
    if not 0 <= offset < length:
        raise ConfigError("offset", f"must be at least 0 and below {length} (got {offset})")


def _periods(days: npt.NDArray[np.int64], count: int, unit: str) -> npt.NDArray[np.int64]:
    """Give the number of the period that each day falls into."""
    if unit == "W":
        return (days + _MONDAY) // (7 * count)
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months // count
