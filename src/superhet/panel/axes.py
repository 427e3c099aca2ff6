"""The two axes that every value stands on: dates and assets.

Axes are immutable and compared by content. Daily axes hold `datetime64[D]`, and a value on day *t* is
known at the close of session *t*; finer axes hold `datetime64[s]`, and a bar is stamped at its end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch, DataError, UnknownName

DateLike: TypeAlias = "str | np.datetime64 | Any"  # also datetime.date and pandas.Timestamp
DateArray: TypeAlias = npt.NDArray[np.datetime64]


class Dates:
    """Strictly increasing sessions (`datetime64[D]`) or bar ends (`datetime64[s]`).

    Parameters
    ----------
    values : anything numpy reads as datetimes; midnight stamps become days

    Raises
    ------
    DataError
        if the dates are not strictly increasing (names the first offender)
    """

    __slots__ = ("__dict__", "values")

    values: DateArray

    def __init__(self, values: Iterable[DateLike] | DateArray) -> None:
        stamps = np.asarray(values if isinstance(values, np.ndarray) else list(values))
        stamps = stamps.astype("datetime64[s]") if stamps.dtype.kind != "M" else stamps
        if stamps.dtype != np.dtype("datetime64[D]"):
            seconds = stamps.astype("datetime64[s]")
            days = seconds.astype("datetime64[D]")
            whole = seconds.size > 0 and bool(np.all(days == seconds))
            stamps = days if whole else seconds
        late = np.flatnonzero(stamps[1:] <= stamps[:-1])
        if late.size:
            row = int(late[0]) + 1
            raise DataError(
                f"dates must increase, but {stamps[row]} follows {stamps[row - 1]}. "
                "Sort the rows by date and drop the duplicates.",
                row=row,
            )
        stamps = stamps.copy()
        stamps.setflags(write=False)
        self.values = stamps

    @property
    def is_daily(self) -> bool:
        """Say whether the axis holds whole days."""
        return self.values.dtype == np.dtype("datetime64[D]")

    @cached_property
    def days(self) -> DateArray:
        """The day of each stamp."""
        return self.values.astype("datetime64[D]")

    @cached_property
    def digest(self) -> bytes:
        """Hash of the content, for comparison and run hashes."""
        return hashlib.blake2b(
            self.values.astype("datetime64[s]").tobytes(), digest_size=16
        ).digest()

    def count_until(self, date: DateLike) -> int:
        """Count stamps at or before `date`; a day counts to its end."""
        moment = np.datetime64(date)
        if np.datetime_data(moment.dtype)[0] in {"Y", "M", "W", "D"}:
            return int(np.searchsorted(self.days, moment.astype("datetime64[D]"), side="right"))
        return int(np.searchsorted(self.values, moment, side="right"))

    def index(self, date: DateLike) -> int:
        """Find the position of an exact stamp.

        Raises
        ------
        AxisMismatch
            if the stamp is not on the axis; names its neighbours
        """
        moment = np.datetime64(date).astype(self.values.dtype)
        at = int(np.searchsorted(self.values, moment))
        if at == len(self) or self.values[at] != moment:
            near = ", ".join(str(d) for d in self.values[max(at - 1, 0) : at + 1])
            raise AxisMismatch(f"{moment} is not on the axis {self.describe()} (nearest: {near})")
        return at

    def between(self, start: DateLike | None, end: DateLike | None) -> slice:
        """Give the slice of stamps from the day `start` to the day `end`, both included."""
        first = (
            0
            if start is None
            else int(np.searchsorted(self.days, np.datetime64(start).astype("datetime64[D]")))
        )
        last = len(self) if end is None else self.count_until(end)
        return slice(first, max(first, last))

    def describe(self) -> str:
        """Say in a few words what the axis holds."""
        if not len(self):
            return "no dates"
        return f"{self.values[0]} … {self.values[-1]} ({len(self)})"

    def __len__(self) -> int:
        return int(self.values.size)

    def __iter__(self) -> Iterator[np.datetime64]:
        return iter(self.values)

    def __getitem__(self, key: slice | npt.NDArray[Any]) -> Dates:
        return Dates(self.values[key])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dates) and (
            self is other or (len(self) == len(other) and self.digest == other.digest)
        )

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Dates({self.describe()})"


class Assets:
    """Unique names of assets, in a fixed order.

    Raises
    ------
    DataError
        if a name occurs twice
    """

    __slots__ = ("__dict__", "values")

    values: tuple[str, ...]

    def __init__(self, values: Iterable[str]) -> None:
        self.values = tuple(str(v) for v in values)
        if len(set(self.values)) != len(self.values):
            seen: set[str] = set()
            twice = next(v for v in self.values if v in seen or seen.add(v))  # type: ignore[func-returns-value]
            raise DataError(f"asset {twice!r} occurs twice on the axis")

    @cached_property
    def _position(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.values)}

    @cached_property
    def digest(self) -> bytes:
        """Hash of the content."""
        return hashlib.blake2b("\n".join(self.values).encode(), digest_size=16).digest()

    def index(self, name: str) -> int:
        """Find the position of one asset."""
        try:
            return self._position[name]
        except KeyError:
            raise UnknownName("asset", name, self.values) from None

    def positions(self, names: Sequence[str]) -> npt.NDArray[np.int64]:
        """Find the positions of many assets; -1 where a name is not on the axis."""
        return np.array([self._position.get(n, -1) for n in names], dtype=np.int64)

    def describe(self) -> str:
        """Say in a few words what the axis holds."""
        if not self.values:
            return "no assets"
        return f"{self.values[0]} … {self.values[-1]} ({len(self)})"

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __contains__(self, name: object) -> bool:
        return name in self._position

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Assets) and (self is other or self.values == other.values)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Assets({self.describe()})"


def require_same_axes(left: Any, right: Any) -> None:
    """Insist that two values stand on the same dates and assets.

    Raises
    ------
    AxisMismatch
        naming both values, which axis differs, and how to mend it
    """
    for axis in ("dates", "assets"):
        a, b = getattr(left, axis), getattr(right, axis)
        if a != b:
            raise AxisMismatch(
                f"{left.name!r} and {right.name!r} have different {axis}: {a.describe()} and "
                f"{b.describe()}. Bring them together with align.reindex(...) or load both from "
                "one Market."
            )
