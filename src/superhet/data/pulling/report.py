"""What a pull did: how much was asked, answered and failed, said for a person and for a machine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(kw_only=True)
class PullReport:
    """What a pull did.

    Parameters
    ----------
    vendor, start, end : who was asked, for which days
    planned, known : questions in all; those of them that had been answered by earlier pulls
    done, empty : answered now; those of them without rows
    failed : question -> what went wrong
    rows : table -> rows that were fetched
    quarantined : table -> rows that break the schema and were set aside
    notes : what the user should know -> how often
    stopped : why the pull ended early; "" if it did not
    snapshot : name of the store's contents afterwards
    """

    vendor: str
    start: date
    end: date
    planned: int = 0
    known: int = 0
    done: int = 0
    empty: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    stopped: str = ""
    snapshot: str = ""

    @property
    def ok(self) -> bool:
        """Whether every question was answered."""
        return not self.failed and not self.stopped

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain values."""
        plain = {n: dict(v) if isinstance(v, Counter) else v for n, v in vars(self).items()}
        return {**plain, "start": str(self.start), "end": str(self.end), "ok": self.ok}

    def __str__(self) -> str:
        """Say it in a few lines, with the first failures."""
        lines = [
            f"{self.vendor} {self.start} … {self.end}: {self.planned} questions, "
            f"{self.known} answered before, {self.done} now ({self.empty} of them empty), "
            f"{len(self.failed)} failed"
        ]
        lines += [f"  {table:<16}{rows:>12,} rows" for table, rows in sorted(self.rows.items())]
        lines += [
            f"  {table}: {count} rows set aside; superhet data quarantine list names them"
            for table, count in sorted(self.quarantined.items())
        ]
        lines += [
            f"  note: {n}" + (f" ({k} times)" if k > 1 else "") for n, k in self.notes.items()
        ]
        by_message = Counter(self.failed.values())
        for message, count in by_message.most_common(10):
            first = next(unit for unit, m in self.failed.items() if m == message)
            more = f" and {count - 1} more" if count > 1 else ""
            lines.append(f"  failed: {first}{more}: {message}")
        if self.stopped:
            lines.append(f"  stopped: {self.stopped}. The same command goes on from here")
        return "\n".join(lines)
