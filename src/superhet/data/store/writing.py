"""Tables into parts: what is there already stays, what changes is merged, cut and written, and counted.

A table is written span by span (a year, or a month of minute bars), so that no more than one span is in
memory twice:

1. cut the new rows into spans; find the parts of each span                    -> write_table
2. replace: encode; parts with the same bytes are the same                      -> _replace_span
3. upsert: open the parts that new rows or the cut touch, put rows in place     -> _upsert_span
4. count the rows added, changed and removed by the key                         -> changes.count_changes

Where nothing changed, the parts stay as they are, also when another version of a library would write other
bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from superhet.data.checking import sort_columns
from superhet.data.store.changes import Changes, count_changes
from superhet.data.store.cuts import Cut, cut_frame, last_day
from superhet.data.store.manifest import Part, TableEntry
from superhet.data.store.parts import (
    PartReader,
    PartWriter,
    encode_part,
    ordered_columns,
    part_label,
    type_name,
)
from superhet.data.table import Table
from superhet.errors import CorruptedPart

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class _Target:
    """One table on its way into the store."""

    spec: Table
    old: TableEntry
    columns: dict[str, str]
    cut: Cut
    writer: PartWriter
    reader: PartReader

    def load(self, parts: list[Part]) -> pl.DataFrame:
        """Read parts, all columns."""
        return self.reader.scan(self.spec, self.old, parts).collect()

    def encode(self, rows: pl.DataFrame) -> list[tuple[Part, bytes, pl.DataFrame]]:
        """Cut rows and turn them into parts."""
        pieces = cut_frame(self.spec, rows, self.cut)
        return [(*encode_part(self.spec, name, piece), piece) for name, piece in pieces]


def write_table(
    spec: Table,
    frame: pl.DataFrame,
    meta: Mapping[str, Any],
    old: TableEntry | None,
    *,
    upsert: bool,
    writer: PartWriter,
    reader: PartReader,
) -> tuple[TableEntry, Changes]:
    """Write one table's parts; nothing refers to them yet.

    Parameters
    ----------
    spec : the table
    frame : rows as `check_frame` gives them
    meta : what belongs to the table as a whole
    old : the table as it is; None if it is new
    upsert : whether rows that `frame` does not name stay

    Returns
    -------
    The table as it shall be, and what that changes.
    """
    before = old or TableEntry(columns={}, parts=[])
    columns = {c: type_name(t) for c, t in frame.schema.items()}
    if upsert:
        columns, meta = {**before.columns, **columns}, {**before.meta, **meta}
    last = last_day(spec, frame)
    if upsert and spec.period:
        last = max(last, before.last)
    order = ordered_columns(spec, columns)
    target = _Target(
        spec=spec,
        old=before,
        columns={c: columns[c] for c in order},
        cut=Cut(spec.period, last),
        writer=writer,
        reader=reader,
    )
    parts, changes = _all_spans(target, frame, upsert=upsert)
    after = TableEntry(columns=target.columns, parts=parts, meta=dict(meta))
    if old and not changes and (after.columns, after.meta) == (old.columns, old.meta):
        return old, changes
    return after, changes


def _all_spans(target: _Target, frame: pl.DataFrame, *, upsert: bool) -> tuple[list[Part], Changes]:
    there: dict[str, list[Part]] = {}
    for part in target.old.parts:
        there.setdefault(target.cut.span_of(part_label(part)), []).append(part)
    come = _spans(target, frame)
    write = _upsert_span if upsert else _replace_span
    parts: list[Part] = []
    changes = Changes()
    for span in sorted({*there, *come}):
        rows = come.get(span, frame.clear())
        made, counted = write(target, there.get(span, []), rows)
        parts += made
        changes += counted
    return parts, changes


def _spans(target: _Target, frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Cut rows into spans, which are slices of the frame."""
    import polars as pl

    spans: dict[str, list[pl.DataFrame]] = {}
    for name, rows in cut_frame(target.spec, frame, target.cut):
        spans.setdefault(target.cut.span_of(name), []).append(rows)
    return {span: pl.concat(pieces) for span, pieces in spans.items()}


def _replace_span(
    target: _Target, olds: list[Part], rows: pl.DataFrame
) -> tuple[list[Part], Changes]:
    import polars as pl

    made = target.encode(rows)
    same = {p.checksum for p in olds} & {p.checksum for p, _, _ in made}
    left = [p for p in olds if p.checksum not in same]
    come = [piece for p, _, piece in made if p.checksum not in same]
    if not left:
        changes = Changes(added=sum(piece.height for piece in come))
    else:
        try:
            changes = count_changes(
                target.spec.key, target.load(left), pl.concat(come) if come else rows.clear()
            )
        except CorruptedPart:  # what was there cannot be told any more
            changes = Changes(
                added=sum(piece.height for piece in come), removed=sum(p.rows for p in left)
            )
        if not changes and [part_label(p) for p in olds] == [part_label(p) for p, _, _ in made]:
            return olds, changes
    for part, content, _ in made:
        target.writer.write(part, content)
    return [part for part, _, _ in made], changes


def _upsert_span(
    target: _Target, olds: list[Part], rows: pl.DataFrame
) -> tuple[list[Part], Changes]:
    touched = {name for name, _ in cut_frame(target.spec, rows, target.cut)}
    opened = [p for p in olds if part_label(p) in touched or not _is_cut(target, p)]
    if not opened:
        kept, merged, changes = olds, rows, Changes(added=rows.height)
    else:
        there, order = target.load(opened), list(target.spec.key)
        met = there.join(rows.select(order), on=order, how="semi", maintain_order="left")
        changes = count_changes(order, met, rows)
        if not changes and all(_is_cut(target, p) for p in opened):
            return olds, changes
        kept = [p for p in olds if p not in opened]
        merged = _merge(target.spec, there, rows)
    made = target.encode(merged)
    for part, content, _ in made:
        target.writer.write(part, content)
    parts = [*kept, *(part for part, _, _ in made)]
    return sorted(parts, key=part_label), changes


def _is_cut(target: _Target, part: Part) -> bool:
    return target.cut.holds(part_label(part), part.first, part.last)


def _merge(spec: Table, old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    stay = old.join(new.select(spec.key), on=list(spec.key), how="anti")
    return pl.concat([stay, new], how="diagonal").sort(sort_columns(spec))
