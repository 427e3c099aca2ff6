"""Frames that a reader of a foreign format made, into a store in one step, with notes on what was understood.

1. each table against the schema and the calendar; few bad rows among many are set aside  -> _admitted
2. all of them into the store at once, and a report                                       -> enter
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superhet.data.checking import check_frame
from superhet.data.destination import present, present_or_new, sessions_of
from superhet.data.faults import Faults
from superhet.data.import_report import ImportReport, TableReport
from superhet.data.quarantine import QUARANTINE, admit, named, with_faults
from superhet.data.store import Mode, Store

if TYPE_CHECKING:
    import polars as pl


@dataclass(kw_only=True)
class Entry:
    """One table on its way.

    Parameters
    ----------
    frame : its rows, which may say where they come from (`ORIGIN_FILE`, `ORIGIN_ROW`)
    sources : the files that `ORIGIN_FILE` counts
    files : how many files were read
    meta : what belongs to the table as a whole
    ignored : what was there and is not taken
    """

    frame: pl.DataFrame
    sources: Sequence[str] = ()
    files: int = 1
    meta: Mapping[str, Any] = field(default_factory=dict)
    ignored: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class FormatReport(ImportReport):
    """What an import did.

    Parameters
    ----------
    notes : how the format was read, where it leaves a choice
    """

    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain values for JSON."""
        return {**super().to_dict(), "notes": self.notes}

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"note: {note}" for note in self.notes)])


def enter(
    store: Store | str | Path,
    entries: Mapping[str, Entry],
    *,
    source: str,
    notes: Sequence[str],
    mode: Mode,
    quarantine: float | None,
) -> FormatReport:
    """Write tables in one step.

    Raises
    ------
    DataError
        if more rows than `quarantine` allows break the schema; the store stays as it was
    """
    faults = {name: Faults(converted=True) for name in entries}
    frames = _admitted(entries, faults, _calendar(store, entries), quarantine)
    counts = {name: frame.height for name, frame in frames.items()}
    target = present_or_new(store)
    aside = with_faults(target, list(frames) if mode == "replace" else [], faults)
    modes: dict[str, Mode] = dict.fromkeys(frames, mode)
    if aside is not None:
        frames[QUARANTINE], modes[QUARANTINE] = aside, "replace"
    meta = {name: entry.meta for name, entry in entries.items()}
    snapshot = target.write(frames, modes, source=source, meta=meta, checked=True)
    described = target.info()["tables"]
    reports = [
        TableReport(
            table=name,
            files=entry.files,
            read=entry.frame.height,
            written=counts[name],
            first=described[name]["first"],
            last=described[name]["last"],
            quarantined=len(faults[name]),
            faults=named(faults[name]),
            ignored=list(entry.ignored),
        )
        for name, entry in entries.items()
    ]
    return FormatReport(
        store=str(target.path), snapshot=snapshot, tables=reports, notes=list(notes)
    )


def _admitted(
    entries: Mapping[str, Entry],
    faults: Mapping[str, Faults],
    calendar: pl.Series | None,
    quarantine: float | None,
) -> dict[str, pl.DataFrame]:
    frames = {}
    for name, entry in entries.items():
        frames[name] = check_frame(
            name,
            entry.frame,
            entry.sources or name,
            sort=True,
            calendar=calendar,
            faults=faults[name],
        )
        admit(faults[name], entry.frame.height, quarantine)
    return frames


def _calendar(store: Store | str | Path, entries: Mapping[str, Entry]) -> pl.Series | None:
    if "calendar" in entries:
        return entries["calendar"].frame["date"]
    return sessions_of(present(store))
