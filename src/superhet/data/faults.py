"""Rows that break a rule: refused with file, row and column, or set aside one by one.

A rule is an expression that is true on the rows it forbids. Without a `Faults` to collect them the first such
row is an error that names its place; with one, the rows leave the frame and are kept, each with what is wrong
and the cells as they stood.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from superhet.data.table import Table
from superhet.errors import DataError

if TYPE_CHECKING:
    import polars as pl

ORIGIN_FILE = "_file"
ORIGIN_ROW = "_row"
AS_READ = "_as_read"
_ORIGIN = (ORIGIN_FILE, ORIGIN_ROW)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Rows for which `wrong` holds are refused.

    Parameters
    ----------
    name : what such a row is called ("bad_ohlc")
    wrong : expression that is true on a row that breaks the rule
    column : the column to blame; its value fills {value} in `message`
    message : what is wrong
    cure : how to mend it
    hint : gives more to say about the first wrong value
    whole : whether it speaks of the file as a whole, so that no single row can be set aside
    """

    name: str
    wrong: pl.Expr
    column: str
    message: str
    cure: str = "Mend the file, or drop such rows by name in the column map"
    hint: Callable[[str], str] | None = None
    whole: bool = False


class Faults:
    """Rows of one table that were set aside, in the order in which they were found.

    Parameters
    ----------
    converted : whether all rows come in our units and names, as those of a vendor's or a program's format
        do; else rows that do not name their file yet are as they were read

    Attributes
    ----------
    first : what would have been raised for the first of them
    rows : columns of the table `quarantine`, one dictionary a row
    """

    def __init__(self, *, converted: bool = False) -> None:
        self.converted = converted
        self.first: DataError | None = None
        self.rows: list[dict[str, Any]] = []

    def add(
        self, spec: Table, bad: pl.DataFrame, sources: Sequence[str], rule: Rule, error: DataError
    ) -> None:
        """Keep the rows that break a rule.

        A row that does not name its file yet is as it was read: the units, codes and formulas of the
        column map come later. Its cells say so (`AS_READ`).
        """
        import polars as pl

        self.first = self.first or error
        held = bad.select(own_columns(bad))
        if ORIGIN_FILE not in bad.columns and not self.converted:
            held = held.with_columns(pl.lit(True).alias(AS_READ))
        cells = held.select(pl.struct(pl.all()).struct.json_encode()).to_series()
        for row, text in zip(bad.iter_rows(named=True), cells, strict=True):
            file = source_of(row, sources)
            found = {
                "table": spec.name,
                "rule": rule.name,
                "file": file,
                "row": int(row[ORIGIN_ROW]),
                "column": rule.column,
                "message": say(rule, row.get(rule.column)),
                "cells": text,
            }
            content = "\0".join(str(found[k]) for k in ("table", "file", "row", "cells"))
            found["fault"] = hashlib.blake2b(content.encode(), digest_size=6).hexdigest()
            self.rows.append(found)

    def __len__(self) -> int:
        return len(self.rows)


def own_columns(frame: pl.DataFrame) -> list[str]:
    """List the columns without the two that tell the origin of a row."""
    return [c for c in frame.columns if c not in _ORIGIN]


def with_origin(frame: pl.DataFrame) -> pl.DataFrame:
    """Give rows a number, from 1, unless they know where they come from."""
    return frame if ORIGIN_ROW in frame.columns else frame.with_row_index(ORIGIN_ROW, offset=1)


def source_of(row: dict[str, Any], sources: Sequence[str]) -> str:
    """Name the file that a row comes from."""
    place = row.get(ORIGIN_FILE, 0)
    return sources[place] if place < len(sources) else ""


def say(rule: Rule, value: object) -> str:
    """Fill the value into a rule's message."""
    shown = repr(value) if isinstance(value, str) else str(value)
    hint = rule.hint(str(value)) if rule.hint else ""
    return rule.message.replace("{value}", shown) + hint


def enforce(
    spec: Table,
    frame: pl.DataFrame,
    sources: Sequence[str],
    rules: Sequence[Rule],
    faults: Faults | None = None,
) -> pl.DataFrame:
    """Give the rows that break no rule.

    Parameters
    ----------
    faults : collects the others; None = there may be none

    Raises
    ------
    DataError
        for the first rule that any row breaks, naming the first such row and its key, unless `faults`
        takes it
    """
    import polars as pl

    if not rules or frame.is_empty():
        return frame
    marks = [rule.wrong.fill_null(False).alias(str(i)) for i, rule in enumerate(rules)]
    counts = frame.select(mark.sum() for mark in marks).row(0)
    if not any(counts):
        return frame
    frame = with_origin(frame)
    wrong = frame.select(marks)
    taken = pl.repeat(False, frame.height, eager=True)
    for i, (rule, count) in enumerate(zip(rules, counts, strict=True)):
        bad = frame.filter(wrong[str(i)] & ~taken) if count else frame.clear()
        if bad.is_empty():
            continue
        error = _error(spec, bad, sources, rule)
        if faults is None or rule.whole:
            raise error
        faults.add(spec, bad, sources, rule, error)
        taken |= wrong[str(i)]
    return frame.filter(~taken)


def _error(spec: Table, rows: pl.DataFrame, sources: Sequence[str], rule: Rule) -> DataError:
    """Say what is wrong with the first of some rows."""
    bad = rows.row(0, named=True)
    key = ", ".join(f"{k} {bad[k]}" for k in spec.key if k in bad and k != rule.column)
    more = f"; {rows.height} rows in all" if rows.height > 1 else ""
    message = say(rule, bad.get(rule.column))
    return DataError(
        f"{message} ({key}{more}). {rule.cure}." if key else f"{message}{more}. {rule.cure}.",
        file=source_of(bad, sources),
        row=int(bad[ORIGIN_ROW]),
        column=rule.column,
    )
