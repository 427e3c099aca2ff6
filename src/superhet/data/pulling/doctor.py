"""Is a vendor well? A small live question for each table, on the user's own machine and line.

What no test of ours can know: whether the vendor can be reached from here, lets this user in, and still
has the columns that we read. Nothing is stored.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from superhet.data.checking import check_frame
from superhet.data.schema import table_spec
from superhet.data.sources.vendor import (
    Access,
    PullRequest,
    Session,
    Unit,
    Universe,
    Vendor,
    chosen_tables,
    needed,
)
from superhet.errors import SuperhetError
from superhet.progress import Progress, silent

if TYPE_CHECKING:
    import polars as pl

_DAILY, _RARE = timedelta(days=14), timedelta(days=460)
_EVER = date(1990, 12, 1)


@dataclass(kw_only=True)
class Probe:
    """How one question went.

    Parameters
    ----------
    table, query : what was asked for, and by which function of the vendor
    ok : whether rows of the known form came, or none where that can be right
    rows, columns : what came, under our names
    first, last : first and last day of it; "" if it has none
    seconds : how long it took
    message : what went wrong; "" if nothing did
    """

    table: str
    query: str = ""
    ok: bool = False
    rows: int = 0
    columns: list[str] = field(default_factory=list)
    first: str = ""
    last: str = ""
    seconds: float = 0.0
    message: str = ""


@dataclass(kw_only=True)
class Diagnosis:
    """What the doctor found.

    Parameters
    ----------
    vendor, version : who was asked, through which version of the library
    login : what went wrong with getting in; "" if nothing did
    login_seconds : how long that took
    probes : one for each table
    """

    vendor: str
    version: str
    login: str = ""
    login_seconds: float = 0.0
    probes: list[Probe] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything that was asked was answered."""
        return not self.login and all(p.ok for p in self.probes)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {**vars(self), "probes": [dict(vars(p)) for p in self.probes], "ok": self.ok}

    def __str__(self) -> str:
        """Say it as a table."""
        head = f"{self.vendor} {self.version}".strip()
        got_in = f"cannot get in: {self.login}" if self.login else "got in"
        lines = [f"{head}: {got_in} ({self.login_seconds:.1f} s)"]
        for p in self.probes:
            span = f"{p.first} … {p.last}" if p.first else ""
            verdict = "ok  " if p.ok else "FAIL"
            lines.append(
                f"  {verdict} {p.table:<16}{p.rows:>8,} rows {p.seconds:>6.1f} s  {span:<25} {p.query}"
            )
            if p.message:
                lines.append(f"       {p.message}")
        return "\n".join(lines)


def diagnose(
    vendor: type[Vendor],
    access: Access,
    today: date,
    *,
    tables: tuple[str, ...] = (),
    universe: Universe | None = None,
    progress: Progress = silent,
) -> Diagnosis:
    """Ask a vendor one small question for each table.

    Parameters
    ----------
    today : the questions are about days before it
    tables : which; all that it has if none is named
    universe : whom to ask about; a well-known share if not given

    Raises
    ------
    ConfigError, MissingExtra
        if something is missing before anything is asked
    """
    needed(vendor, access)
    found = Diagnosis(vendor=vendor.name, version=vendor.needs.version())
    began = time.perf_counter()
    try:
        session = vendor().open(access)
    except SuperhetError as error:
        found.login = access.without_token(error.message)
        return found
    finally:
        found.login_seconds = time.perf_counter() - began
    universe = universe or Universe.parse(vendor.sample)
    wished = chosen_tables(vendor, tables) if tables else vendor.tables
    try:
        for k, table in enumerate(wished):
            progress(k, len(wished), f"{vendor.name}: {table}")
            start = _EVER if vendor.needs.path else today - _span(table)
            request = PullRequest(
                universe=universe, start=start, end=today, today=today, tables=(table,)
            )
            found.probes.append(_probe(session, table, request, access))
    finally:
        session.close()
    return found


def _span(table: str) -> timedelta:
    frequency = table_spec(table).frequency
    daily = frequency == "1d" or frequency.endswith("min")
    return _DAILY if daily or table in ("index_members", "industry", "adjust_factors") else _RARE


def _probe(session: Session, table: str, request: PullRequest, access: Access) -> Probe:
    probe = Probe(table=table)
    began = time.perf_counter()
    try:
        units = session.plan(request)
        if not units:
            probe.ok, probe.message = True, "nothing to ask for"
            return probe
        began = time.perf_counter()  # lists that the plan needed are not part of the answer
        unit = units[0]
        probe.query = unit.query
        frame = _answer(session, unit, table)
        probe.rows, probe.columns = len(frame), list(frame.columns)
        probe.first, probe.last = _days(table, frame)
        probe.ok = len(frame) > 0 or unit.may_be_empty
        if not len(frame):
            probe.message = f"no rows for {unit}"
    except SuperhetError as error:
        probe.message = access.without_token(error.message)
    finally:
        probe.seconds = time.perf_counter() - began
    return probe


def _answer(session: Session, unit: Unit, table: str) -> pl.DataFrame:
    import polars as pl

    frame = session.fetch(unit).frames.get(table, pl.DataFrame())
    return check_frame(table, frame, str(unit), sort=True) if len(frame) else pl.DataFrame()


def _days(table: str, frame: pl.DataFrame) -> tuple[str, str]:
    column = table_spec(table).date
    if column is None or column not in frame.columns or frame.is_empty():
        return "", ""
    return str(frame[column].min())[:10], str(frame[column].max())[:10]
