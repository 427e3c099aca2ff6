"""Look through all tables of a store; nothing is changed.

1. every table: repeated keys, missing values, what was set aside or dropped on import   -> _every_table
2. daily bars: moves, units, holes; as a sample; against the calendar                   -> bars, sample
3. minute bars against daily ones                                                        -> minutes
4. statements, forecasts, estimates; macro                                        -> announced, macro
5. securities, members, weights, labels                                                  -> references
6. another vendor's store beside it, if given                                            -> vendors
7. counts through time, for the page                                                     -> activity
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from superhet.data.base import Tables
from superhet.data.checking import sort_columns
from superhet.data.quality import coverage
from superhet.data.quality.activity import activity, restatements
from superhet.data.quality.announced import check_announced
from superhet.data.quality.bars import check_bars
from superhet.data.quality.base import Finding, Limits, QualityReport, examples
from superhet.data.quality.daily import read_daily, rising
from superhet.data.quality.macro import check_macro
from superhet.data.quality.minutes import check_minutes
from superhet.data.quality.references import (
    check_labels,
    check_members,
    check_securities,
    check_spells,
    check_weights,
)
from superhet.data.quality.sample import check_calendar, check_sample, universe
from superhet.data.quality.vendors import compare
from superhet.data.quarantine import QUARANTINE
from superhet.data.schema import MINUTES, table_spec
from superhet.progress import Progress, silent

if TYPE_CHECKING:
    import polars as pl

_COVER_ALL = ("statements", "industry", "daily", "securities")
"""Tables in which every asset with bars should be named."""
_SPELLS = ("status", "industry", "index_members")
_ANNOUNCED = ("statements", "forecasts", "express_reports", "estimates")


def check(
    tables: Tables,
    limits: Limits | None = None,
    *,
    against: Tables | None = None,
    progress: Progress | None = None,
) -> QualityReport:
    """Look through all tables that are there.

    Parameters
    ----------
    tables : a store, or tables in memory
    limits : from where on something counts
    against : another vendor's store, to be held beside it
    progress : called as (tables done, tables in all, table)
    """
    work = _Work(tables, limits or Limits())
    names = [n for n in tables.names() if n != QUARANTINE]
    report = progress or silent
    for done, name in enumerate(names):
        report(done, len(names), name)
        work.look(name)
    if against is not None:
        report(len(names), len(names), "the other store")
        work.findings += compare(tables, against, work.limits)
    report(len(names), len(names), "done")
    return work.report()


class _Work:
    """The tables that several checks need, and what has been found so far."""

    def __init__(self, tables: Tables, limits: Limits) -> None:
        self.tables, self.limits = tables, limits
        self.findings: list[Finding] = []
        self.coverage: dict[str, dict[str, float]] = {}
        self.rows, self.dates = 0, list[str]()
        self.assets: set[str] = set()
        self.restatements: dict[str, int] = {}
        self.daily = read_daily(tables)

    def look(self, name: str) -> None:
        """Look through one table."""
        daily = self.daily if name == "bars_1d" else None
        frame = self.tables.read(name) if daily is None else daily.bars
        self.rows += frame.height
        spec = table_spec(name)
        if spec.date is not None and not frame.is_empty() and name != "calendar":
            days = frame[spec.date]
            self.dates += [str(days.min())[:10], str(days.max())[:10]]
        if "asset" in frame.columns and self.daily is None:
            self.assets |= set(frame["asset"].unique())
        if name == "statements" and not frame.is_empty():
            self.restatements = restatements(frame)
        self.findings += self._every_table(name, frame)
        self.findings += self._of_its_own(name, frame)

    def report(self) -> QualityReport:
        """Put the report together."""
        daily = self.daily
        return QualityReport(
            snapshot=self.tables.snapshot,
            findings=tuple(self.findings),
            rows=self.rows,
            assets=len(self.assets) if daily is None else daily.lives.height,
            start=min(self.dates, default=""),
            end=max(self.dates, default=""),
            coverage=self.coverage,
            universe={} if daily is None else universe(daily),
            activity={} if daily is None else activity(daily, self._optional("status")),
            restatements=self.restatements,
        )

    def _every_table(self, name: str, frame: pl.DataFrame) -> Iterator[Finding]:
        yield _repeated(name, frame)
        yield self._quarantined(name, frame)
        dropped = self.tables.meta(name).get("dropped", {})
        if dropped:
            yield Finding(
                table=name,
                rule="dropped_on_import",
                count=sum(dropped.values()),
                total=frame.height + sum(dropped.values()),
                examples=tuple(f"{reason} {count:,}" for reason, count in dropped.items() if count),
            )
        yield from coverage.missing_values(frame, name)
        self.coverage |= coverage.by_month(frame, name)
        if name in _COVER_ALL and self.daily is not None:
            yield coverage.assets_without(self.daily.lives, frame, name)
        if name in _SPELLS:
            yield from check_spells(frame, name)

    def _quarantined(self, name: str, frame: pl.DataFrame) -> Finding:
        import polars as pl

        count, first = 0, tuple[str, ...]()
        if QUARANTINE in self.tables.names():
            rows = self.tables.read(QUARANTINE).filter(pl.col("table") == name)
            count = rows.height
            first = examples(rows.sort("file", "row").select("file", "row", "message"))
        return Finding(
            table=name,
            rule="quarantined",
            count=count,
            total=frame.height + count,
            examples=first,
        )

    def _of_its_own(self, name: str, frame: pl.DataFrame) -> Iterator[Finding]:
        if frame.is_empty():
            return
        daily = self.daily
        if name in {f"bars_{m}min" for m in MINUTES}:
            yield from check_minutes(frame, name, daily, self.limits)
        elif name in _ANNOUNCED:
            yield from check_announced(frame, name, self.limits)
        elif name == "macro":
            yield from check_macro(frame)
        elif name == "index_members":
            yield from check_members(frame, self._optional("index_weights"), daily)
        elif name == "index_weights":
            yield from check_weights(frame)
        elif name == "industry":
            yield from check_labels(frame, daily)
        elif name == "bars_1d" and daily is not None:
            yield from check_bars(daily, self.limits)
            yield from check_sample(daily)
        elif name == "calendar" and daily is not None:
            yield from check_calendar(daily)
        elif name == "securities" and daily is not None:
            yield from check_securities(frame, daily)

    def _optional(self, name: str) -> pl.DataFrame | None:
        return self.tables.read(name) if name in self.tables.names() else None


def _repeated(name: str, frame: pl.DataFrame) -> Finding:
    import polars as pl

    key = [k for k in table_spec(name).key if k in frame.columns]
    order = ["asset", "date"] if name == "bars_1d" else sort_columns(table_spec(name))
    twice = frame.clear().select(*key)
    if not frame.select(rising([k for k in order if k in key]).all()).item():
        counts = frame.group_by(key).len().filter(pl.col("len") > 1).sort(key)
        twice = counts.select(pl.col(key).repeat_by(pl.col("len") - 1)).explode(key)
    return Finding(
        table=name,
        rule="duplicate_keys",
        count=twice.height,
        total=frame.height,
        examples=examples(twice.unique(maintain_order=True)),
    )
