"""The journal of pulls: which questions to a vendor were answered, so that none is asked twice.

One JSON line a unit, added after its rows are in the store. A killed pull loses the lines of its last batch
at most, and then asks those again; a line that was cut off by the kill is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from superhet.data.sources.vendor import Unit
from superhet.data.store.extra import ExtraFile

SETTLING = timedelta(days=30)
"""How long after a day a vendor may still add rows that belong to it."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of the answers to one question.

    Parameters
    ----------
    start, end : days that were asked for
    last : last day that came with a row; None without rows
    today : the day of asking
    rows : how many rows came
    """

    start: date
    end: date
    today: date
    rows: int
    last: date | None = None

    @property
    def sure_until(self) -> date:
        """The last day of which nothing more can be expected, seen from a later day."""
        settled = self.today - SETTLING
        return min(self.end, max(self.last or settled, settled), self.today - timedelta(days=1))

    def joined(self, older: Entry | None) -> Entry:
        """Add the days of an older answer that this one goes on from."""
        if older is None or not older.start <= self.start <= older.end + timedelta(days=1):
            return self
        last = max((d for d in (self.last, older.last) if d), default=None)
        return replace(self, start=older.start, last=last, rows=self.rows + older.rows)


class Journal:
    """The answered questions of one vendor.

    Parameters
    ----------
    file : its lines
    tables : tables that the store has; answers with rows for others count as never given
    holds : tells whether what a state of the store wrote is still in it; a rollback went behind it if not
    """

    def __init__(
        self,
        file: ExtraFile,
        tables: Iterable[str],
        holds: Callable[[int], bool] = lambda state: True,
    ) -> None:
        self._file = file
        self._known: dict[str, Entry] = {}
        here = set(tables)
        for line in _lines(file):
            key = str(line.get("key", ""))
            entry = _entry(line)
            if entry is None:
                continue
            lost = not set(_tables(key)) & here or not holds(int(line.get("state", 0)))
            if entry.rows and lost:
                continue
            self._known[key] = entry.joined(self._known.get(key))

    def remaining(self, unit: Unit, today: date) -> Unit | None:
        """Give what is left to ask of a unit, or None if it was answered."""
        entry = self._known.get(unit.key)
        if entry is None:
            return unit
        if unit.point:
            final = unit.settled is not None and entry.today >= unit.settled
            if final or entry.today >= today or (unit.filled_is_final and entry.rows > 0):
                return None
            return unit
        if unit.start < entry.start:
            return unit
        until = entry.end if entry.today >= today else entry.sure_until
        if unit.end <= until:
            return None
        return replace(unit, start=max(unit.start, until + timedelta(days=1)))

    def add(
        self, answered: Iterable[tuple[Unit, int, date | None]], today: date, state: int = 0
    ) -> None:
        """Remember units with their rows and last day, which that state of the store holds.

        On the disk when this returns.
        """
        lines = []
        for unit, rows, last in answered:
            entry = Entry(start=unit.start, end=unit.end, today=today, rows=rows, last=last)
            self._known[unit.key] = entry.joined(self._known.get(unit.key))
            facts = {n: str(v) for n, v in vars(entry).items() if isinstance(v, date)}
            lines.append({"key": unit.key, "rows": rows, "state": state, **facts})
        self._append(lines)

    def note_failures(self, failed: Iterable[tuple[Unit, str]], today: date) -> None:
        """Write down what went wrong, for the user's eyes; such units are asked again."""
        self._append([{"failed": u.key, "today": str(today), "error": m} for u, m in failed])

    def _append(self, lines: list[dict[str, Any]]) -> None:
        self._file.append("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _tables(key: str) -> list[str]:
    return key.split("|")[1].split("+") if key.count("|") >= 2 else []


def _lines(file: ExtraFile) -> Iterator[dict[str, Any]]:
    for line in file.lines():
        try:
            found = json.loads(line)
        except ValueError:  # cut off by a kill
            continue
        if isinstance(found, dict) and "key" in found:
            yield found


def _entry(line: dict[str, Any]) -> Entry | None:
    try:
        start, end, today = (date.fromisoformat(str(line[n])) for n in ("start", "end", "today"))
        last = date.fromisoformat(str(line["last"])) if line.get("last") else None
        return Entry(start=start, end=end, today=today, rows=int(line["rows"]), last=last)
    except (KeyError, ValueError):
        return None
