"""What a write changes in a table: rows added, changed and removed, told apart by the table's key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Changes:
    """Numbers of rows.

    Parameters
    ----------
    added : with a key that was not there
    changed : with a key that was there, and at least one other value
    removed : with a key that is there no more
    """

    added: int = 0
    changed: int = 0
    removed: int = 0

    def __add__(self, other: Changes) -> Changes:
        """Add up what was done to two parts of a table."""
        return Changes(
            self.added + other.added, self.changed + other.changed, self.removed + other.removed
        )

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.added or self.changed or self.removed)


def count_changes(key: Sequence[str], old: pl.DataFrame, new: pl.DataFrame) -> Changes:
    """Compare two states of the same rows.

    Parameters
    ----------
    key : columns that name a row
    old, new : rows, each sorted by the key in the same order of columns; a column that one of them lacks
        counts as not known there
    """
    if old.height == new.height and old.select(key).equals(new.select(key)):
        return Changes(changed=_different(key, old, new))
    order = list(key)
    there = old.join(new.select(order), on=order, how="semi", maintain_order="left")
    here = new.join(old.select(order), on=order, how="semi", maintain_order="left")
    return Changes(
        added=new.height - here.height,
        changed=_different(key, there, here),
        removed=old.height - there.height,
    )


def _different(key: Sequence[str], old: pl.DataFrame, new: pl.DataFrame) -> int:
    """Count rows with any other value; the keys are the same, row by row."""
    tests = [old[c].is_not_null() for c in old.columns if c not in new.columns]
    tests += [new[c].is_not_null() for c in new.columns if c not in old.columns]
    shared = [c for c in new.columns if c in old.columns and c not in key]
    tests += [old[c].ne_missing(new[c]) for c in shared]
    return int(reduce(or_, tests).sum()) if tests else 0
