"""Snapshots of who belongs where -> spells from a start to an end date, none known before it was published.

A vendor that answers "who was in the index on that day" does not say when a name came in. The first
snapshot that shows it is the first date on which we may claim to know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from superhet.data.base import Tables

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Who is what, as published on a day.

    Parameters
    ----------
    known : the day of publication
    labels : asset -> label ("" where only membership counts)
    """

    known: date
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Spell:
    """A label that holds from `start` to before `end`; None: still."""

    asset: str
    label: str
    start: date
    end: date | None = None


def month_ends(start: date, end: date) -> list[date]:
    """List `start`, the last day of each month in between, and `end`.

    Examples
    --------
    >>> [str(d) for d in month_ends(date(2020, 1, 15), date(2020, 3, 10))]
    ['2020-01-15', '2020-01-31', '2020-02-29', '2020-03-10']
    """
    days, month = {start, end}, start.replace(day=1)
    while month <= end:
        following = (month + timedelta(days=32)).replace(day=1)
        last = following - timedelta(days=1)
        if start < last < end:
            days.add(last)
        month = following
    return sorted(days)


def snapshots(ask: Callable[[date], Snapshot], start: date, end: date) -> list[Snapshot]:
    """Ask at month ends, and closer and closer around each change, until its day is found.

    Parameters
    ----------
    ask : the state of a day, with the day on which it was published, which is not later

    Returns
    -------
    Different states in order; each is dated by the publication of the first answer that shows it.
    """
    days = month_ends(start, end)
    found = [ask(days[0])]
    for left, right in pairwise(days):
        found += _between(ask, found[-1], left, ask(right), right)
    return found


def spells(
    states: list[Snapshot], open_spells: Mapping[str, tuple[str, date]] | None = None
) -> list[Spell]:
    """Turn states into spells.

    Parameters
    ----------
    states : in order of time
    open_spells : asset -> label and start of a spell that has not ended so far; it goes on where its label
        does, without being given again

    Returns
    -------
    Spells that began, and open ones that ended, in the states.
    """
    running = dict(open_spells or {})
    done = []
    for state in states:
        for asset, (label, start) in list(running.items()):
            if state.labels.get(asset) != label:
                done.append(Spell(asset=asset, label=label, start=start, end=state.known))
                del running[asset]
        for asset, label in state.labels.items():
            running.setdefault(asset, (label, state.known))
    before = dict(open_spells or {})
    done += [
        Spell(asset=asset, label=label, start=start)
        for asset, (label, start) in running.items()
        if before.get(asset) != (label, start)
    ]
    return [s for s in done if s.end is None or s.end > s.start]


def open_members(known: Tables | None, index: str, before: date) -> dict[str, tuple[str, date]]:
    """Give the memberships of the store that began before a day and have not ended."""
    import polars as pl

    return _open(known, "index_members", pl.col("index") == index, before)


def open_labels(known: Tables | None, scheme: str, before: date) -> dict[str, tuple[str, date]]:
    """Give the industry labels of the store that began before a day and have not ended."""
    import polars as pl

    return _open(known, "industry", pl.col("scheme") == scheme, before)


def spell_rows(found: list[Spell], *, index: str = "", scheme: str = "") -> pl.DataFrame:
    """Make rows of index_members (name `index`) or of industry (name `scheme`)."""
    import polars as pl

    frame = pl.DataFrame(
        [(s.asset, s.label, s.start, s.end) for s in found],
        schema={
            "asset": pl.String,
            "industry": pl.String,
            "start_date": pl.Date,
            "end_date": pl.Date,
        },
        orient="row",
    )
    if scheme:
        return frame.with_columns(pl.lit(scheme).alias("scheme"))
    return frame.drop("industry").with_columns(pl.lit(index).alias("index"))


def _open(
    known: Tables | None, table: str, of: pl.Expr, before: date
) -> dict[str, tuple[str, date]]:
    import polars as pl

    if known is None or table not in known.names():
        return {}
    still = of & (pl.col("start_date") < before) & pl.col("end_date").is_null()
    rows = known.read(table).filter(still)
    labels = rows["industry"].to_list() if table == "industry" else [""] * len(rows)
    return {
        asset: (label, start)
        for asset, label, start in zip(rows["asset"], labels, rows["start_date"], strict=True)
    }


def _between(
    ask: Callable[[date], Snapshot], first: Snapshot, left: date, last: Snapshot, right: date
) -> list[Snapshot]:
    """List the states after `first` up to `last`, each dated as early as its publication was seen."""
    if first.labels == last.labels:
        return []
    if left < last.known < right:
        right = last.known
    if right - left <= timedelta(days=1):
        return [Snapshot(known=right, labels=last.labels)]
    middle = left + (right - left) // 2
    state = ask(middle)
    return _between(ask, first, left, state, middle) + _between(ask, state, middle, last, right)
