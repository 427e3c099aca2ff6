"""What an import did: every row read is written, dropped under a named reason, or in quarantine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TableReport:
    """What became of the rows of one table: `read` = `written` + the sum of `dropped` + `quarantined`.

    Parameters
    ----------
    faults : file, row, column and message of the first rows in quarantine
    """

    table: str
    files: int
    read: int
    written: int
    first: str = ""
    last: str = ""
    dropped: dict[str, int] = field(default_factory=dict)
    quarantined: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did, table by table.

    Parameters
    ----------
    store : path of the store
    snapshot : its new snapshot
    tables : one report a table
    """

    store: str
    snapshot: str
    tables: list[TableReport]

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain values for JSON."""
        return {
            "store": self.store,
            "snapshot": self.snapshot,
            "tables": [dict(vars(table)) for table in self.tables],
        }

    def __str__(self) -> str:
        lines = [f"{'table':<15}{'files':>6}{'read':>12}{'written':>12}  {'dates':<26}dropped"]
        for t in self.tables:
            dropped = ", ".join(f"{n} {c:,}" for n, c in t.dropped.items() if c) or "-"
            dates = f"{t.first} .. {t.last}" if t.first else ""
            lines.append(
                f"{t.table:<15}{t.files:>6}{t.read:>12,}{t.written:>12,}  {dates:<26}{dropped}"
            )
            if t.ignored:
                lines.append(f"{'':<15}headers not used: {', '.join(t.ignored)}")
            if t.quarantined:
                lines.append(f"{'':<15}in quarantine: {t.quarantined:,} rows")
            lines += [
                f"{'':<17}{f['file']}, row {f['row']}, {f['column']}: {f['message']}"
                for f in t.faults
            ]
        return "\n".join([*lines, f"store {self.store}, snapshot {self.snapshot}"])
