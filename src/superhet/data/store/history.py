"""The states a store has been in: listed, found by name, kept for a while, and then let go in order.

Every write leaves a manifest and the parts it names. The present state, the 20 before it, and the last
state of each of the last 20 days with a write stay whole; so a bad import of many small writes does not
push out what was there the day before. Writes of one series (a pull writes batch by batch) count as one: of
them only the last stays, and the state before the series is what a rollback goes back to. Of older ones the
line in `history.jsonl` stays: what was written, when, from where.

Letting go has an order, so that a kill in the middle of it harms nothing: first the line, then the
manifest, then the parts that no manifest names any more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from superhet.data.store.changes import Changes
from superhet.data.store.manifest import MANIFESTS, Manifest, manifest_name
from superhet.data.store.parts import PARTS
from superhet.data.store.places import Place, is_temporary
from superhet.errors import StoreError, UnknownName

HISTORY_FILE = "history.jsonl"
KEPT_STATES = 20
KEPT_DAYS = 20


@dataclass(frozen=True, kw_only=True)
class State:
    """One state of a store, as `superhet data log` tells it.

    Parameters
    ----------
    number : counts the writes
    snapshot : name of the contents
    parent : snapshot before this one
    source : where the data came from
    written : when; "" if not known
    kept : whether it can be opened and gone back to
    tables : table -> rows added, changed and removed; only tables that were changed
    """

    number: int
    snapshot: str
    parent: str
    source: str
    written: str
    kept: bool
    tables: Mapping[str, Changes]

    def to_dict(self) -> dict[str, Any]:
        """Turn into what JSON can hold."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What was let go.

    Parameters
    ----------
    states : numbers of states that cannot be gone back to any more
    files, size : parts removed, and their bytes as far as manifests know them
    """

    states: list[int]
    files: int
    size: int


def now() -> str:
    """Give the time of writing; it goes into the log and into no name."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class History:
    """The former states of a store.

    Parameters
    ----------
    place : the store
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._read: dict[int, Manifest] = {}

    def kept(self, current: Manifest) -> list[Manifest]:
        """Give the states that can be opened, the present one first; damaged manifests are passed over."""
        found = [self._manifest(n, current) for n in self._numbers() if n <= current.number]
        return sorted((m for m in found if m is not None), key=lambda m: -m.number)

    def damaged(self, current: Manifest) -> list[str]:
        """Name the manifests of former states that cannot be read."""
        numbers = [n for n in self._numbers() if n <= current.number]
        return [manifest_name(n) for n in numbers if self._manifest(n, current) is None]

    def states(self, current: Manifest) -> list[State]:
        """List all states, the present one first."""
        gone = {s["number"]: _state(s, s["changes"], kept=False) for s in self._lines()}
        here = {m.number: _state(_line(m), m.changes, kept=True) for m in self.kept(current)}
        return [s for _, s in sorted({**gone, **here}.items(), reverse=True)]

    def find(self, snapshot: str, current: Manifest) -> Manifest:
        """Give the latest state of a name, or of the only name that begins so.

        Raises
        ------
        UnknownName
            if no state has ever had it, or several begin so
        StoreError
            if it is no longer kept
        """
        kept = self.kept(current)
        fits = [m for m in kept if snapshot and m.snapshot.startswith(snapshot)]
        if len({m.snapshot for m in fits}) == 1:
            return fits[0]
        for state in self.states(current):
            if not state.kept and state.snapshot == snapshot:
                raise StoreError(
                    self._place.location,
                    f"the state {snapshot} of {state.written} is no longer kept; "
                    f"{len(kept)} are (superhet data log --store {self._place.location})",
                )
        raise UnknownName("snapshot", snapshot, {m.snapshot for m in kept}, self._place.location)

    def before(self, current: Manifest) -> Manifest:
        """Give the state before the last write, or before the series of writes that it belongs to.

        Raises
        ------
        StoreError
            if there is none, or it is no longer kept
        """
        for manifest in self.kept(current):
            if manifest.number == current.since:
                return manifest
        for state in self.states(current):
            if state.number == current.since:
                return self.find(state.snapshot, current)
        raise StoreError(self._place.location, "there is no state before this one")

    def sweep(self, current: Manifest, states: int = KEPT_STATES, days: int = KEPT_DAYS) -> Swept:
        """Let go of old states, and of what killed writers have left; the caller holds the lock.

        Parameters
        ----------
        states : how many to keep, the present one included
        days : of how many days to keep the last state besides
        """
        numbers = self._numbers()
        whole = self.kept(current)
        stay = _staying(whole, states, days)
        gone = [m for m in whole if m.number not in stay]
        if gone:
            self._add_lines(gone)
        removed = {m.number for m in gone} | {n for n in numbers if n > current.number}
        self._place.remove([manifest_name(n) for n in sorted(removed)])
        half = [
            f for folder in ("", MANIFESTS) for f in self._place.files(folder) if is_temporary(f)
        ]
        self._place.remove(half)
        files: list[str] = []
        if len(whole) == len([n for n in numbers if n <= current.number]):  # else: who needs what?
            wanted = {f for m in whole if m.number in stay for f in m.files}
            files = [f for f in self._place.files(PARTS, deep=True) if f not in wanted]
            self._place.remove(files)
        for number in removed:
            self._read.pop(number, None)
        sizes = {p.file: p.size for m in gone for e in m.tables.values() for p in e.parts}
        return Swept(
            states=sorted(m.number for m in gone),
            files=len(files),
            size=sum(sizes.get(f, 0) for f in files),
        )

    def _numbers(self) -> list[int]:
        names = (f.rpartition("/")[2] for f in self._place.files(MANIFESTS))
        return sorted(int(n[:-5]) for n in names if n.endswith(".json") and n[:-5].isdigit())

    def _manifest(self, number: int, current: Manifest) -> Manifest | None:
        if number == current.number:
            return current
        if number not in self._read:
            try:
                self._read[number] = Manifest.from_json(self._place.read(manifest_name(number)))
            except (OSError, ValueError):
                return None
        return self._read[number]

    def _lines(self) -> list[dict[str, Any]]:
        try:
            text = self._place.read(HISTORY_FILE).decode(errors="replace")
        except FileNotFoundError:
            return []
        lines = []
        for line in text.splitlines():
            try:
                found = json.loads(line)
                lines.append(
                    {**found, "changes": {t: Changes(**c) for t, c in found["changes"].items()}}
                )
            except (ValueError, TypeError, KeyError):  # a damaged line tells nothing
                continue
        return lines

    def _add_lines(self, gone: list[Manifest]) -> None:
        there = self._lines()
        known = {s["number"] for s in there}
        there += [_line(m) for m in reversed(gone) if m.number not in known]
        plain = [{**s, "changes": {t: asdict(c) for t, c in s["changes"].items()}} for s in there]
        text = "".join(json.dumps(s, ensure_ascii=False) + "\n" for s in plain)
        self._place.put(HISTORY_FILE, text.encode())
        self._place.settle()


def _staying(whole: list[Manifest], states: int, days: int) -> set[int]:
    one_each = [m for m in whole if not _is_continued(m, whole)]
    stay = {m.number for m in one_each[: max(1, states)]}
    latest: dict[str, int] = {}
    for manifest in one_each:
        latest.setdefault(manifest.written[:10], manifest.number)
    return stay | set(list(latest.values())[:days])


def _is_continued(manifest: Manifest, whole: list[Manifest]) -> bool:
    """Tell whether a later write of the same series stands for this one, too."""
    return any(m.series and m.since < manifest.number < m.number for m in whole)


def _line(manifest: Manifest) -> dict[str, Any]:
    return {
        "number": manifest.number,
        "snapshot": manifest.snapshot,
        "parent": manifest.parent,
        "source": manifest.source,
        "written": manifest.written,
        "changes": manifest.changes,
    }


def _state(line: Mapping[str, Any], changes: Mapping[str, Changes], *, kept: bool) -> State:
    return State(
        number=line["number"],
        snapshot=line["snapshot"],
        parent=line["parent"],
        source=line["source"],
        written=line["written"],
        kept=kept,
        tables={name: c for name, c in sorted(changes.items()) if c},
    )
