"""Fingerprints: hashes of what a formula reads from a market, some sessions at a time.

A *source* is one array that the market holds: a field, a classification, a field of the bars, a column of
the statements. Hashes go by blocks of `BLOCK` sessions, so that what two markets have in common shows, and a
market that has grown by a day is told from one whose past was restated. A source is hashed as the market
holds it, before anything is computed from it: what a formula gives on session *t* follows from rows up to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.factors.conventions import CONVENTIONS
from superhet.factors.expression import market_field
from superhet.factors.formula import Formula
from superhet.factors.sources import BENCHMARK, Sources
from superhet.panel import Market

BLOCK = 64
_KEYS = ("asset", "report_date", "announce_date", "revision")
_LISTED = "listing_age"
_OF_REQUEST = frozenset({"dates", "group", "estimable", "benchmark"})

Source: TypeAlias = tuple[str, str]
Array: TypeAlias = npt.NDArray[Any]
Known: TypeAlias = dict[tuple[Source, int, int], bytes]


@dataclass(frozen=True)
class Prints:
    """Hashes of all sources of a formula, block by block.

    Parameters
    ----------
    stored : of what a store's snapshot determines: fields, bars, statements
    asked : of what also depends on how the market was asked for: sessions, universe, groups, benchmark
    """

    stored: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    def first(self, blocks: int) -> Prints:
        """Keep some blocks."""
        return Prints(self.stored[:blocks], self.asked[:blocks])

    def shared(self, other: Prints) -> int:
        """Count the blocks from the first on in which both agree."""
        ours = list(zip(self.stored, self.asked, strict=True))
        theirs = list(zip(other.stored, other.asked, strict=True))
        return next(
            (k for k, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b), len(ours)
        )

    def then(self, later: Prints) -> Prints:
        """Add the blocks that follow."""
        return Prints(self.stored + later.stored, self.asked + later.asked)


@dataclass(frozen=True)
class Fingerprints:
    """The hashes of one market, each taken once.

    Parameters
    ----------
    market, frequency : as in `evaluate`
    known : hashes taken so far
    """

    market: Market
    frequency: str
    known: Known = field(default_factory=dict)

    def sources(self, formula: Formula) -> tuple[Source, ...]:
        """List what a formula reads, sorted; rather one array too many than one too few."""
        expression = formula.expression
        found: set[Source] = {("dates", "")}
        kinds = {"daily": "field", "group": "group", "bar": "bar", "quarter": "statement"}
        for level, word in expression.names:
            if level in kinds:
                found.add((kinds[level], word))
        if expression.statement_columns:
            table = self.market.table("statements")
            found |= {("statement", key) for key in _KEYS if key in table}
            found.add(("field", _LISTED))
        if CONVENTIONS[formula.convention].unknown_is_false:
            found.add(("alive", ""))
        calls = (node.operator for node in expression.walk() if node.kind == "call")
        if any(operator.family == "cross_section" for operator in calls):
            found.add(("estimable", ""))
        found |= {
            ("benchmark", BENCHMARK[word])
            for kind, word in found
            if kind == "field" and word in BENCHMARK
        }
        return tuple(sorted(found))

    def blocks(self, sources: tuple[Source, ...], first: int, last: int) -> Prints:
        """Hash the sessions from `first`, which begins a block, to before `last`, block by block."""
        spans = [(t, min(t + BLOCK, last)) for t in range(first, last, BLOCK)]
        return Prints(
            stored=self._joined([s for s in sources if s[0] not in _OF_REQUEST], spans),
            asked=self.asked(sources, first, last),
        )

    def asked(self, sources: tuple[Source, ...], first: int, last: int) -> tuple[str, ...]:
        """Hash only what depends on how the market was asked for."""
        spans = [(t, min(t + BLOCK, last)) for t in range(first, last, BLOCK)]
        return self._joined([s for s in sources if s[0] in _OF_REQUEST], spans)

    def _joined(self, sources: list[Source], spans: list[tuple[int, int]]) -> tuple[str, ...]:
        found = []
        for first, last in spans:
            digest = hashlib.blake2b(digest_size=16)
            for source in sources:
                digest.update(self._digest(source, first, last))
            found.append(digest.hexdigest())
        return tuple(found)

    def _digest(self, source: Source, first: int, last: int) -> bytes:
        key = (source, first, last)
        if key not in self.known:
            digest = hashlib.blake2b("\0".join(source).encode(), digest_size=16)
            for part in _READERS[source[0]](self, source[1], first, last):
                plain = part.astype("U") if part.dtype.kind == "O" else part
                digest.update(f"{plain.dtype.str}{plain.shape}".encode())
                digest.update(np.ascontiguousarray(plain).reshape(-1).view(np.uint8).data)
            self.known[key] = digest.digest()
        return self.known[key]

    def _dates(self, _: str, first: int, last: int) -> Iterator[Array]:
        yield self.market.dates.values[first:last]

    def _field(self, word: str, first: int, last: int) -> Iterator[Array]:
        """Give a daily field; of one that is computed, what it is computed from."""
        name = market_field(word)
        if name == "size" and name not in self.market:
            name = self.market.size
        if name in self.market:
            yield self.market[name].values[first:last]

    def _group(self, word: str, first: int, last: int) -> Iterator[Array]:
        yield self.market.groups(word).values[first:last]

    def _estimable(self, _: str, first: int, last: int) -> Iterator[Array]:
        yield self.market.universe.estimable.values[first:last]

    def _alive(self, _: str, first: int, last: int) -> Iterator[Array]:
        if _LISTED in self.market:
            yield self.market[_LISTED].values[first:last]
        else:
            yield Sources(self.market, self.frequency).alive()[first:last]

    def _benchmark(self, field: str, first: int, last: int) -> Iterator[Array]:
        if self.market.benchmark is not None:
            yield self.market.benchmark.returns[first:last]
            for name in () if field == "close" else (field, "close"):
                if name in self.market.benchmark.bars:
                    yield self.market.benchmark.bars[name][first:last]

    def _bar(self, word: str, first: int, last: int) -> Iterator[Array]:
        from superhet.factors.bars import session_rows

        cube = self.market.intraday(self.frequency)
        begins, ends = session_rows(cube.dates, self.market.dates)
        yield cube.dates.values[begins[first] : ends[last - 1]]
        yield cube[word].values[begins[first] : ends[last - 1]]

    def _statement(self, word: str, first: int, last: int) -> Iterator[Array]:
        """Give what became known after the session before `first`, up to the last session."""
        table = self.market.table("statements")
        days = self.market.dates.days
        begin = 0 if first == 0 else np.searchsorted(table.known_at, days[first - 1], side="right")
        end = np.searchsorted(table.known_at, days[last - 1], side="right")
        basis = table.basis.get(word, "level")
        yield np.array([basis])
        yield table.known_at[begin:end]
        yield table[word][begin:end]


_READERS: dict[str, Callable[[Fingerprints, str, int, int], Iterator[Array]]] = {
    "dates": Fingerprints._dates,
    "field": Fingerprints._field,
    "group": Fingerprints._group,
    "alive": Fingerprints._alive,
    "estimable": Fingerprints._estimable,
    "benchmark": Fingerprints._benchmark,
    "bar": Fingerprints._bar,
    "statement": Fingerprints._statement,
}
