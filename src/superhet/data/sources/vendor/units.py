"""Cuts of time that several vendors ask by: years of a stretch, quarters that have ended."""

from __future__ import annotations

from datetime import date, timedelta

_QUARTER_ENDS = ((3, 31), (6, 30), (9, 30), (12, 31))


def years(start: date, end: date) -> list[tuple[date, date]]:
    """Cut a stretch at the turns of the years.

    Examples
    --------
    >>> [(str(a), str(b)) for a, b in years(date(2019, 6, 3), date(2020, 2, 1))]
    [('2019-06-03', '2019-12-31'), ('2020-01-01', '2020-02-01')]
    """
    return [
        (max(start, date(year, 1, 1)), min(end, date(year, 12, 31)))
        for year in range(start.year, end.year + 1)
    ]


def quarter_ends(start: date, end: date) -> list[date]:
    """List the ends of quarters from `start` to `end`.

    Examples
    --------
    >>> [str(d) for d in quarter_ends(date(2019, 12, 31), date(2020, 6, 29))]
    ['2019-12-31', '2020-03-31']
    """
    ends = [date(y, m, d) for y in range(start.year, end.year + 1) for m, d in _QUARTER_ENDS]
    return [q for q in ends if start <= q <= end]


def reported_quarters(start: date, end: date) -> list[date]:
    """List the quarters whose reports may have come out from `start` to `end`.

    A report may come late; and five quarters before `start` are wanted anyway, so that trailing sums are
    known on its first day.
    """
    return quarter_ends(start - timedelta(days=460), end - timedelta(days=1))


def days(start: date, end: date) -> list[date]:
    """List all days from `start` to `end`."""
    return [start + timedelta(days=k) for k in range((end - start).days + 1)]
