"""Records: rows with named columns, for what has no dense grid (trades, statements, macro releases).

`Events` are records that became known one at a time; they are kept sorted by `known_at`, so that what
was known at *t* is a prefix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch, UnknownName
from superhet.panel.axes import DateArray, DateLike

Column = npt.NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Records(Mapping[str, Column]):
    """Named columns of equal length, read-only.

    Parameters
    ----------
    columns : name -> [rows]
    name : what one row is

    Raises
    ------
    AxisMismatch
        if two columns differ in length
    """

    columns: Mapping[str, Column]
    name: str = ""

    def __post_init__(self) -> None:
        lengths = {n: len(c) for n, c in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise AxisMismatch(f"records {self.name!r}: columns differ in length: {lengths}")
        frozen = {}
        for key, column in self.columns.items():
            view = np.asarray(column).view()
            view.setflags(write=False)
            frozen[key] = view
        object.__setattr__(self, "columns", frozen)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> Column:
        try:
            return self.columns[name]
        except KeyError:
            raise UnknownName(f"column of {self.name}", name, self.columns) from None

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def take(self, key: slice | Column) -> Records:
        """Keep some rows, by position or mask."""
        return replace(self, columns={n: c[key] for n, c in self.columns.items()})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.rows} rows: {', '.join(self.columns)})"

    def fingerprint(self) -> str:
        """Hash names and content."""
        digest = hashlib.blake2b(digest_size=16)
        for name, column in self.columns.items():
            digest.update(f"{name}\0{column.dtype}\0".encode())
            plain = column.astype("U") if column.dtype == object else column
            digest.update(np.ascontiguousarray(plain).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Events(Records):
    """Records that became known one at a time, sorted by `known_at`.

    Parameters
    ----------
    known_at : [rows] datetime64[D], first session at whose close a row may be used; not decreasing
    basis : name -> how a flow column is stated: "ytd" (cumulative from January, as A-share reports
        are), "quarter", "ttm" or "level"; a column left out is a level
    """

    known_at: DateArray
    basis: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        known = np.asarray(self.known_at).astype("datetime64[D]")
        if np.any(known[1:] < known[:-1]):
            raise AxisMismatch(f"events {self.name!r} must be sorted by known_at")
        known.setflags(write=False)
        object.__setattr__(self, "known_at", known)

    def until(self, date: DateLike) -> Events:
        """Cut what became known after `date`; the columns are views."""
        day = np.datetime64(date).astype("datetime64[D]")
        count = int(np.searchsorted(self.known_at, day, side="right"))
        return self.take(slice(0, count))

    def take(self, key: slice | Column) -> Events:
        """Keep some rows, by position or mask."""
        kept = {n: c[key] for n, c in self.columns.items()}
        return replace(self, columns=kept, known_at=self.known_at[key])
