"""Look through all tables of a store; nothing is changed.

1. every table: repeated keys, missing values, what was set aside or dropped on import   -> _every_table
2. daily bars and the calendar                                                           -> bars
3. minute bars against daily ones                                                        -> minutes
4. statements, forecasts, estimates, macro                                               -> announced
5. securities, members, weights, labels                                                  -> references
6. another vendor's store beside it, if given                                            -> vendors
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from superhet.data.base import Tables
from superhet.data.quality import coverage
from superhet.data.quality.announced import check_announced, check_macro
from superhet.data.quality.bars import check_bars, check_calendar, universe
from superhet.data.quality.base import Finding, Limits, QualityReport, examples
from superhet.data.quality.minutes import check_minutes
from superhet.data.quality.references import (
    check_labels,
    check_members,
    check_securities,
    check_weights,
)
from superhet.data.quality.vendors import compare
from superhet.data.quarantine import QUARANTINE
from superhet.data.schema import MINUTES, table_spec
from superhet.progress import Progress, silent

if TYPE_CHECKING:
    import polars as pl

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
        self.bars = self._daily_bars()
        self.sessions = self._sessions()

    def look(self, name: str) -> None:
        """Look through one table."""
        frame = self.bars if name == "bars_1d" and self.bars is not None else None
        frame = self.tables.read(name) if frame is None else frame
        self.rows += frame.height
        spec = table_spec(name)
        if spec.date is not None and not frame.is_empty() and name != "calendar":
            days = frame[spec.date]
            self.dates += [str(days.min())[:10], str(days.max())[:10]]
        self.findings += self._every_table(name, frame)
        self.findings += self._of_its_own(name, frame)

    def report(self) -> QualityReport:
        """Put the report together."""
        bars = self.bars
        assets = bars["asset"].n_unique() if bars is not None else self._named_assets()
        return QualityReport(
            snapshot=self.tables.snapshot,
            findings=tuple(self.findings),
            rows=self.rows,
            assets=assets,
            start=min(self.dates, default=""),
            end=max(self.dates, default=""),
            coverage=self.coverage,
            universe=universe(bars) if bars is not None else {},
        )

    def _daily_bars(self) -> pl.DataFrame | None:
        import polars as pl

        if "bars_1d" not in self.tables.names():
            return None
        bars = self.tables.read("bars_1d").sort("asset", "date")
        if bars.is_empty():
            return None
        if "adjust_factor" in bars.columns:
            return bars
        if "adjust_factors" in self.tables.names():
            factors = self.tables.read("adjust_factors").sort("date")
            bars = bars.sort("date").join_asof(
                factors, on="date", by="asset", check_sortedness=False
            )
            return bars.with_columns(pl.col("adjust_factor").fill_null(1.0)).sort("asset", "date")
        return bars.with_columns(adjust_factor=pl.lit(1.0))

    def _sessions(self) -> pl.Series | None:
        if "calendar" in self.tables.names():
            return self.tables.read("calendar", columns=["date"])["date"].unique().sort()
        return None if self.bars is None else self.bars["date"].unique().sort()

    def _named_assets(self) -> int:
        found: set[Any] = set()
        for name in self.tables.names():
            if name != QUARANTINE and "asset" in table_spec(name).columns:
                found |= set(self.tables.read(name, columns=["asset"])["asset"].unique())
        return len(found)

    def _every_table(self, name: str, frame: pl.DataFrame) -> Iterator[Finding]:
        yield self._repeated(name, frame)
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
        if self.bars is not None and "asset" in frame.columns and name != "bars_1d":
            yield coverage.assets_without(self.bars["asset"], frame, name)

    def _repeated(self, name: str, frame: pl.DataFrame) -> Finding:
        import polars as pl

        key = [k for k in table_spec(name).key if k in frame.columns]
        twice = frame.group_by(key).len().filter(pl.col("len") > 1).sort(key)
        return Finding(
            table=name,
            rule="duplicate_keys",
            count=int((twice["len"] - 1).sum()),
            total=frame.height,
            examples=examples(twice.select(key)),
        )

    def _quarantined(self, name: str, frame: pl.DataFrame) -> Finding:
        import polars as pl

        count, first = 0, tuple[str, ...]()
        if QUARANTINE in self.tables.names():
            rows = self.tables.read(QUARANTINE).filter(pl.col("table") == name)
            count = rows.height
            first = examples(rows.select("file", "row", "message"))
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
        if name == "bars_1d" and self.sessions is not None:
            yield from check_bars(frame, self.sessions, self.limits)
        elif name == "calendar" and self.bars is not None and self.sessions is not None:
            yield from check_calendar(self.bars, self.sessions)
        elif name in {f"bars_{m}min" for m in MINUTES}:
            yield from check_minutes(frame, name, self.bars, self.limits)
        elif name in _ANNOUNCED:
            yield from check_announced(frame, name, self.limits)
        elif name == "macro":
            yield from check_macro(frame)
        elif name == "securities" and self.bars is not None:
            yield from check_securities(frame, self.bars)
        elif name == "index_members":
            yield from check_members(frame, self._optional("index_weights"), self.bars)
        elif name == "index_weights":
            yield from check_weights(frame)
        elif name == "industry":
            yield from check_labels(frame, self.bars)

    def _optional(self, name: str) -> pl.DataFrame | None:
        return self.tables.read(name) if name in self.tables.names() else None
