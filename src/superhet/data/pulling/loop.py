"""Pull: ask a vendor unit by unit, put the rows into the store, and remember what was answered.

1. the vendor plans its questions; those answered before fall away         -> journal.remaining
2. each is asked at a polite pace, and again after a moment's fault         -> _Pull._patiently
3. its frames are held against the schema, and wait for their batch          -> _Pull._take
   (a few rows that break it are set aside, many fail the question)          -> _Pull._checked
4. a batch goes into the store, then into the journal                        -> _Pull._flush
5. at the end the states between the batches are let go of                   -> _Pull._end

A question that fails is written down and the pull goes on. It ends early when the vendor lets nobody in, or
when nothing but faults came for several questions in a row. Either way what was fetched is in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from superhet.data.checking import check_frame
from superhet.data.faults import Faults
from superhet.data.pulling.journal import Journal
from superhet.data.pulling.patience import Patience
from superhet.data.pulling.report import PullReport
from superhet.data.quarantine import QUARANTINE, with_faults
from superhet.data.schema import table_spec
from superhet.data.sources.vendor import (
    Access,
    Answer,
    PullRequest,
    Session,
    Unit,
    Vendor,
    chosen_tables,
    needed,
)
from superhet.data.store import Mode, Store
from superhet.errors import DataError, StoreLocked, VendorError, VendorRefused
from superhet.progress import Progress, silent

if TYPE_CHECKING:
    import polars as pl

_FOLDER = "pulls"
T = TypeVar("T")
_LONGEST_WAIT = 120.0
_FEW = 0.01
"""The share of an answer's rows that may break the schema and be set aside; one row always may."""


def pull(
    vendor: type[Vendor],
    request: PullRequest,
    store: Store,
    access: Access,
    *,
    again: bool = False,
    progress: Progress = silent,
    patience: Patience | None = None,
) -> PullReport:
    """Fill a store from a vendor, going on where an earlier pull stopped.

    Parameters
    ----------
    request : what is wished for; no tables means the vendor's usual ones
    again : whether to ask everything anew, whatever the journal says

    Raises
    ------
    ConfigError, MissingExtra
        if something is missing before anything is asked
    VendorRefused, VendorError
        if the vendor cannot be reached at all; nothing has changed
    """
    needed(vendor, access)
    request = replace(request, tables=chosen_tables(vendor, request.tables))
    access = replace(access, known=store)
    session = vendor().open(access)
    try:
        run = _Pull(vendor, request, store, patience or Patience(), access)
        return run.through(session, progress, again=again)
    finally:
        session.close()


class _Pull:
    def __init__(
        self,
        vendor: type[Vendor],
        request: PullRequest,
        store: Store,
        patience: Patience,
        access: Access,
    ) -> None:
        self._request, self._store, self._patience = request, store, patience
        self._access = access
        journal = store.extra_file(_FOLDER, f"{vendor.name}.jsonl")
        self._journal = Journal(journal, store.names(), store.holds)
        self._report = PullReport(vendor=vendor.name, start=request.start, end=request.end)
        self._frames: dict[str, list[pl.DataFrame]] = {}
        self._meta: dict[str, Mapping[str, Any]] = {}
        self._set_aside: dict[str, Faults] = {}
        self._answered: list[tuple[Unit, int, date | None]] = []
        self._failed: list[tuple[Unit, str]] = []
        self._since = patience.clock()
        self._closed: dict[str, str] = {}
        self._faults = self._batches = 0
        self._series = f"{vendor.name} {uuid4().hex[:12]}"
        """What the batches have in common: in the history of the store they count as one write."""

    def through(self, session: Session, progress: Progress, *, again: bool) -> PullReport:
        today, report = self._request.today, self._report
        planned = self._patiently(lambda: session.plan(self._request))
        left = [u if again else self._journal.remaining(u, today) for u in planned]
        units = [u for u in left if u is not None]
        report.planned, report.known = len(planned), len(planned) - len(units)
        try:
            for k, unit in enumerate(units):
                progress(k, len(units), f"{report.vendor}: {unit.query}")
                if unit.query in self._closed:
                    self._fail(unit, self._closed[unit.query])
                elif not self._one(session, unit):
                    break
        finally:
            self._end()
        progress(len(units), len(units), f"{report.vendor}: done")
        report.snapshot = self._store.snapshot
        return report

    def _one(self, session: Session, unit: Unit) -> bool:
        """Ask one unit; tell whether the pull goes on."""
        report = self._report
        try:
            self._take(unit, self._patiently(lambda: self._ask(session, unit)))
        except VendorRefused as error:
            report.stopped = self._access.without_token(error.message)
            return False
        except (VendorError, DataError) as error:
            message = self._access.without_token(error.message)
            self._fail(unit, message)
            reach = error.reach if isinstance(error, VendorError) else "unit"
            if reach == "query":
                self._closed[unit.query] = message
            self._faults = self._faults + 1 if reach == "moment" else 0
            if self._faults >= self._patience.give_up_after:
                report.stopped = f"{self._faults} questions in a row failed, the last: {message}"
                return False
            return True
        self._faults = 0
        return True

    def _ask(self, session: Session, unit: Unit) -> Answer:
        answer = session.fetch(unit)
        if unit.may_be_empty or any(len(f) for f in answer.frames.values()):
            return answer
        message = f"an empty answer for {unit.scope or 'all'}, which cannot be"
        raise VendorError(self._report.vendor, unit.query, message, reach="moment")

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask, and again after longer and longer pauses while only the moment is to blame."""
        wait = self._patience.first_wait
        for _ in range(self._patience.tries - 1):
            try:
                return ask()
            except VendorError as error:
                if error.reach != "moment":
                    raise
                self._patience.sleep(max(error.wait, min(wait, _LONGEST_WAIT)))
                wait *= 2
        return ask()

    def _take(self, unit: Unit, answer: Answer) -> None:
        report = self._report
        filled = {t: f for t, f in answer.frames.items() if len(f)}
        checked = {t: self._checked(t, f, f"{report.vendor} {unit}") for t, f in filled.items()}
        days = [_last_day(table, frame) for table, (frame, _) in checked.items()]
        for table, (frame, found) in checked.items():
            self._frames.setdefault(table, []).append(frame)
            report.rows[table] += len(frame)
            if len(found):
                report.quarantined[table] += len(found)
                self._set_aside.setdefault(table, Faults(converted=True)).rows.extend(found.rows)
        self._meta.update(answer.meta)
        report.notes.update(answer.notes)
        rows = sum(len(f) for f in filled.values())
        report.done += 1
        report.empty += rows == 0
        self._answered.append((unit, rows, max((d for d in days if d), default=None)))
        waiting = sum(len(f) for frames in self._frames.values() for f in frames)
        late = self._patience.clock() - self._since >= self._patience.batch_seconds
        full = len(self._answered) >= self._patience.batch_units
        if waiting >= self._patience.batch_rows or full or late:
            self._flush()

    def _checked(self, table: str, frame: pl.DataFrame, source: str) -> tuple[pl.DataFrame, Faults]:
        """Give the rows that keep the schema, and those that do not if they are few."""
        found = Faults(converted=True)
        checked = check_frame(table, frame, source, sort=True, faults=found)
        if found.first is not None and len(found) > max(1, _FEW * len(frame)):
            raise found.first
        return checked, found

    def _flush(self) -> None:
        import polars as pl

        tables = {}
        for name, frames in self._frames.items():
            both = pl.concat(frames, how="diagonal")
            tables[name] = both.unique(list(table_spec(name).key), keep="last", maintain_order=True)
        if tables:
            self._write(tables)
            self._batches += 1
        self._journal.add(self._answered, self._request.today, self._store.number)
        self._journal.note_failures(self._failed, self._request.today)
        self._frames, self._answered, self._failed, self._set_aside = {}, [], [], {}
        self._since = self._patience.clock()

    def _end(self) -> None:
        self._flush()
        if self._batches > 1:
            with suppress(StoreLocked):  # then the next write does it
                self._store.sweep()

    def _write(self, tables: dict[str, pl.DataFrame]) -> None:
        """Write a batch; another writer is waited for, since what was fetched must not be lost."""
        source = f"pull {self._report.vendor}"
        meta = {t: m for t, m in self._meta.items() if t in tables}
        modes: dict[str, Mode] = dict.fromkeys(tables, "upsert")
        if self._set_aside:
            quarantine = with_faults(self._store, [], self._set_aside)
            if quarantine is not None:
                tables, modes = {**tables, QUARANTINE: quarantine}, {**modes, QUARANTINE: "replace"}
        for attempt in range(self._patience.tries):
            try:
                self._store.write(tables, modes, source, meta=meta, series=self._series)
                return
            except StoreLocked:
                if attempt + 1 == self._patience.tries:
                    raise
                self._patience.sleep(self._patience.first_wait * 2**attempt)

    def _fail(self, unit: Unit, message: str) -> None:
        self._report.failed[str(unit)] = message
        self._failed.append((unit, message))


def _last_day(table: str, frame: pl.DataFrame) -> date | None:
    import polars as pl

    spec = table_spec(table)
    if spec.date is None:
        return None
    last = frame[spec.date].cast(pl.Date).max()
    return last if isinstance(last, date) else None


__all__ = ["pull"]
