"""Going back to a former state, by writing it again.

The new state has the tables, and so the name, of the former one. What was written in between stays in the
log as *undone*, so that whoever keeps a book of what is in the store (a pull's journal) can tell.
"""

from __future__ import annotations

from superhet.data.schema import table_spec
from superhet.data.store.changes import Changes, count_changes
from superhet.data.store.manifest import Manifest, TableEntry
from superhet.data.store.parts import PartReader


def gone_back(before: Manifest, target: Manifest, reader: PartReader, written: str) -> Manifest:
    """Give the state that follows `before` and equals `target`.

    Raises
    ------
    CorruptedPart
        if a part that only `target` has is missing or damaged
    """
    changes = {}
    for name in sorted({*before.tables, *target.tables}):
        old, new = before.tables.get(name), target.tables.get(name)
        changes[name] = _between(name, old, new, reader)
    return Manifest(
        number=before.number + 1,
        parent=before.snapshot,
        source=f"rollback to {target.snapshot}, state {target.number}",
        written=written,
        changes={name: c for name, c in changes.items() if c},
        undone=[*target.undone, [target.number + 1, before.number]],
        since=before.number,
        tables=target.tables,
        given_name=target.snapshot,
    )


def is_held(manifest: Manifest, number: int) -> bool:
    """Tell whether what state `number` wrote is part of a state, because no rollback went back behind it."""
    undone = any(first <= number <= last for first, last in manifest.undone)
    return 0 <= number <= manifest.number and not undone


def _between(
    name: str, old: TableEntry | None, new: TableEntry | None, reader: PartReader
) -> Changes:
    if new is None:
        return Changes(removed=old.rows if old else 0)
    shared = {p.file for p in old.parts} if old else set()
    come = [p for p in new.parts if p.file not in shared]
    reader.fetch_all(come)
    if old is None:
        return Changes(added=new.rows)
    kept = {p.file for p in new.parts}
    gone = [p for p in old.parts if p.file not in kept]
    spec = table_spec(name)
    before, after = (reader.scan(spec, e, p).collect() for e, p in ((old, gone), (new, come)))
    return count_changes(spec.key, before, after)
