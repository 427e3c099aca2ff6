"""Results on disk: what was computed before is mapped, what is new is computed and added.

1. name each formula with its convention, type, assets and first session        -> _key
2. how many sessions of its entry rest on data that are still the same          -> _kept
3. all of them: map the values, compute nothing                                 -> _found
4. compute the sessions after those, look-back read from the market, in chunks
   that go to disk as they come                                                 -> _added
5. put them in place in one step; drop what was of no use for longest           -> entries

A value depends on its own and earlier sessions only, and is the same bit for bit however the sessions are
cut, so that kept and new sessions together are what one computation would give.
"""

from __future__ import annotations

import hashlib
import logging
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.factors.entries import Entries, Entry, Fresh
from superhet.factors.fingerprints import BLOCK, Fingerprints, Known, Prints, Source
from superhet.factors.formula import Formula
from superhet.panel import Market
from superhet.panel.code import code_digest

if TYPE_CHECKING:
    from superhet.factors.evaluate import Chunk

log = logging.getLogger(__name__)

Array: TypeAlias = npt.NDArray[Any]
Compute: TypeAlias = "Callable[[Mapping[str, Formula], int], Iterator[Chunk]]"

LIMIT = 16 << 30


@dataclass(frozen=True, kw_only=True)
class _Task:
    """One formula: its entry, how many sessions of it still hold, their hashes, and their values."""

    key: str
    formula: Formula
    sources: tuple[Source, ...]
    entry: Entry | None = None
    kept: int = 0
    prints: Prints = Prints()  # noqa: RUF009 - immutable
    values: Array | None = None


class ValueCache:
    """Values of formulas in a folder, found again by formula, convention, type and data.

    A cache is never needed: the folder may be removed at any time, and where it cannot be used, a warning is
    logged and the values are computed as without it. Formulas that read later sessions are not kept.

    Parameters
    ----------
    folder : where the entries are; made when something is written
    limit : bytes that all entries may take; those of no use for longest go first
    trust : whether markets of one snapshot have the same fields, bars and statements, so that those need not
        be read to be compared. True only for markets as `load_market` gives them: `with_fields` changes the
        fields and keeps the snapshot, and tables in memory share one name. Sessions, universe, groups and
        benchmark depend on the request, and are compared in either case
    """

    def __init__(self, folder: str | Path, *, limit: int = LIMIT, trust: bool = False) -> None:
        self.limit, self.trust = limit, trust
        self._entries = Entries(Path(folder))
        self._recent: tuple[weakref.ref[Market], str, Known] | None = None

    def values(
        self,
        formulas: Mapping[str, Formula],
        market: Market,
        frequency: str,
        dtype: str,
        compute: Compute,
    ) -> dict[str, Array]:
        """Give the values of formulas, computing only what is not known.

        Parameters
        ----------
        formulas, market, frequency, dtype : as in `evaluate`
        compute : gives chunks of some formulas from a session on, as `evaluate_chunks` does

        Returns
        -------
        name -> [sessions, assets], read-only; formulas that cannot be kept are left out
        """
        if not len(market.dates) or not len(market.assets):
            return {}
        try:
            prints = self._fingerprints(market, frequency)
            keys = {
                n: _key(f, market, frequency, dtype)
                for n, f in formulas.items()
                if not f.expression.lookahead
            }
            once = {key: formulas[n] for n, key in keys.items()}
            found = self._found(
                [self._task(key, f, prints) for key, f in once.items()], prints, dtype, compute
            )
        except OSError as error:
            where = self._entries.path
            log.warning("the cache %s cannot be used (%s); computing without it", where, error)
            return {}
        return {n: found[key] for n, key in keys.items()}

    def _fingerprints(self, market: Market, frequency: str) -> Fingerprints:
        """Give the fingerprints of a market; those of the last one are remembered while it lives."""
        if self._recent is not None:
            last, clock, known = self._recent
            if last() is market and clock == frequency:
                return Fingerprints(market, frequency, known)
        made = Fingerprints(market, frequency)
        self._recent = (weakref.ref(market), frequency, made.known)
        return made

    def _task(self, key: str, formula: Formula, prints: Fingerprints) -> _Task:
        sources = prints.sources(formula)
        entry = self._entries.read(key)
        kept, held = (0, Prints()) if entry is None else self._kept(entry, sources, prints)
        if entry is None or not kept:
            return _Task(key=key, formula=formula, sources=sources, entry=entry)
        try:
            values = self._entries.values(key, entry, kept)
        except FileNotFoundError:  # removed since it was read
            return _Task(key=key, formula=formula, sources=sources)
        return _Task(
            key=key,
            formula=formula,
            sources=sources,
            entry=entry,
            kept=kept,
            prints=held,
            values=values,
        )

    def _kept(
        self, entry: Entry, sources: tuple[Source, ...], prints: Fingerprints
    ) -> tuple[int, Prints]:
        """Count the sessions of an entry that rest on the market's own data; give their blocks' hashes.

        In a market that ends earlier than the entry, those up to the last whole block.
        """
        rows = len(prints.market.dates)
        rows = entry.rows if rows >= entry.rows else rows - rows % BLOCK
        theirs = entry.prints.first(-(-rows // BLOCK))
        if self.trust and entry.snapshot and entry.snapshot == prints.market.snapshot:
            ours = Prints(theirs.stored, prints.asked(sources, 0, rows))
        else:
            ours = prints.blocks(sources, 0, rows)
        same = ours.shared(theirs)
        return (rows, ours) if ours == theirs else (same * BLOCK, ours.first(same))

    def _found(
        self, tasks: Sequence[_Task], prints: Fingerprints, dtype: str, compute: Compute
    ) -> dict[str, Array]:
        """Give the values of all tasks, key -> [sessions, assets]."""
        rows, snapshot = len(prints.market.dates), prints.market.snapshot
        found: dict[str, Array] = {}
        lacking: list[_Task] = []
        short: list[_Task] = []
        for task in tasks:
            whole = task.values is not None and task.kept == rows
            if task.values is not None and whole:
                found[task.key] = task.values
                self._entries.touch(task.key)
            if task.entry and task.entry.rows > rows and task.kept == rows - rows % BLOCK:
                # as far as it can be compared it holds, and markets that end later need it
                short += [] if whole else [task]
            elif not whole or (self.trust and task.entry and task.entry.snapshot != snapshot):
                lacking.append(task)
        for kept, group in _by_kept(short).items():
            found |= _joined(group, compute({t.key: t.formula for t in group}, kept))
        return found | (self._added(lacking, prints, dtype, compute) if lacking else {})

    def _added(
        self, lacking: Sequence[_Task], prints: Fingerprints, dtype: str, compute: Compute
    ) -> dict[str, Array]:
        """Compute what entries lack, add it to them, and map them."""
        rows = len(prints.market.dates)
        with self._entries.writing() as aside:
            for kept, group in _by_kept(lacking).items():
                chunks = compute({t.key: t.formula for t in group}, kept) if kept < rows else ()
                for chunk in chunks:
                    for key, values in chunk.values.items():
                        with (aside / key).open("ab") as part:
                            part.write(np.ascontiguousarray(values).data)
            placed = self._entries.put([_fresh(t, prints, dtype) for t in lacking], aside)
        found = {key: self._entries.values(key, entry, rows) for key, entry in placed.items()}
        self._entries.trim(self.limit)
        return found


def _key(formula: Formula, market: Market, frequency: str, dtype: str) -> str:
    """Name the entry of a formula; other code, other assets and another first session have others."""
    expression = formula.expression
    parts = (
        code_digest("kernels", "factors"),
        repr(expression),
        repr(sorted(expression.names)),
        formula.convention,
        dtype,
        frequency if expression.bar_fields else "",
        str(market.dates.values[0]),
        market.assets.digest.hex(),
    )
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _by_kept(tasks: Sequence[_Task]) -> dict[int, list[_Task]]:
    found: dict[int, list[_Task]] = {}
    for task in tasks:
        found.setdefault(task.kept, []).append(task)
    return found


def _joined(tasks: Sequence[_Task], chunks: Iterator[Chunk]) -> dict[str, Array]:
    """Put the sessions kept and those computed together, in memory."""
    parts = {t.key: [t.values] if t.values is not None else [] for t in tasks}
    for chunk in chunks:
        for key, values in chunk.values.items():
            parts[key].append(values)
    return {key: np.concatenate(p) for key, p in parts.items()}


def _fresh(task: _Task, prints: Fingerprints, dtype: str) -> Fresh:
    dates, whole = prints.market.dates, task.kept // BLOCK
    hashes = task.prints
    if task.kept < len(dates):
        later = prints.blocks(task.sources, whole * BLOCK, len(dates))
        hashes = hashes.first(whole).then(later)
    entry = Entry(
        formula=task.formula.text,
        convention=task.formula.convention,
        dtype=dtype,
        snapshot=prints.market.snapshot,
        first=str(dates.values[0]),
        last=str(dates.values[-1]),
        rows=len(dates),
        assets=len(prints.market.assets),
        prints=hashes,
    )
    return Fresh(key=task.key, entry=entry, kept=task.kept, former=task.entry)
