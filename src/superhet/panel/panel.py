"""Panel: one number for each date and asset, the value that travels between all rooms.

`values` is `[dates, assets]`, C-order, read-only. NaN means *not known*. A value stamped *t* is known
at *t*. Arithmetic needs identical axes: there is no silent outer join; `align` is the one place that
changes axes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import AxisMismatch
from superhet.panel.axes import Assets, DateLike, Dates, require_same_axes

Unit: TypeAlias = Literal[
    "price",
    "return",
    "score",
    "weight",
    "exposure",
    "currency",
    "shares",
    "ratio",
    "flag",
    "group",
    "count",
]
Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """Values of one quantity on `[dates, assets]`.

    Parameters
    ----------
    values : [dates, assets], float64 or float32 (NaN = not known), bool for flags, integers for groups
    dates, assets : the axes
    name : what the panel holds, in words a report can print
    unit : one of `Unit`; `group` panels carry integer codes, -1 = not known
    frequency : the native clock of the values: "1d", "15min", "event" (statement announcements), "1w"
    labels : the name of each code of a `group` panel

    Raises
    ------
    AxisMismatch
        if the shape of `values` is not (dates, assets)
    """

    values: Array
    dates: Dates
    assets: Assets
    name: str = ""
    unit: Unit = "score"
    frequency: str = "1d"
    labels: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        shape = (len(self.dates), len(self.assets))
        if self.values.shape != shape:
            raise AxisMismatch(
                f"{self.name!r} has values of shape {self.values.shape}, but its axes are "
                f"{shape[0]} dates and {shape[1]} assets"
            )
        view = np.ascontiguousarray(self.values).view()
        view.setflags(write=False)
        object.__setattr__(self, "values", view)

    def with_values(
        self, values: Array, *, name: str | None = None, unit: Unit | None = None
    ) -> Panel:
        """Put other values on the same axes."""
        labels = self.labels if (unit or self.unit) == "group" else ()
        return replace(
            self,
            values=values,
            name=self.name if name is None else name,
            unit=unit or self.unit,
            labels=labels,
        )

    def renamed(self, name: str) -> Panel:
        """Give the panel another name."""
        return replace(self, name=name)

    def until(self, date: DateLike) -> Panel:
        """Cut after `date`; the values are a view."""
        count = self.dates.count_until(date)
        return self if count == len(self.dates) else self.rows(slice(0, count))

    def between(self, start: DateLike | None, end: DateLike | None) -> Panel:
        """Keep the dates from `start` to `end`, both included; the values are a view."""
        return self.rows(self.dates.between(start, end))

    def rows(self, key: slice | Array) -> Panel:
        """Keep some dates, by position."""
        return replace(self, values=self.values[key], dates=self.dates[key])

    def at(self, date: DateLike) -> Array:
        """Give the cross-section of one date, [assets]."""
        return np.asarray(self.values[self.dates.index(date)])

    def of(self, asset: str) -> Array:
        """Give the history of one asset, [dates]."""
        return np.asarray(self.values[:, self.assets.index(asset)])

    def known(self) -> npt.NDArray[np.bool_]:
        """Say where a value is known, [dates, assets]."""
        if self.unit == "group":
            return np.asarray(self.values >= 0)
        if self.values.dtype.kind == "f":
            return ~np.isnan(self.values)
        return np.ones(self.values.shape, dtype=bool)

    def fingerprint(self) -> str:
        """Hash the content (values, axes, unit); equal panels have equal fingerprints."""
        digest = hashlib.blake2b(digest_size=16)
        for part in (self.dates.digest, self.assets.digest, self.unit.encode()):
            digest.update(part)
        digest.update(str(self.values.dtype).encode())
        digest.update(self.values.data if self.values.size else b"")
        return digest.hexdigest()

    def _combine(
        self, other: Panel | float, operation: Callable[[Array, Any], Array], reverse: bool = False
    ) -> Panel:
        if isinstance(other, Panel):
            require_same_axes(self, other)
            right: Any = other.values
        else:
            right = other
        values = operation(right, self.values) if reverse else operation(self.values, right)
        return self.with_values(values, unit="flag" if values.dtype == bool else None)

    def __add__(self, other: Panel | float) -> Panel:
        return self._combine(other, np.add)

    def __radd__(self, other: float) -> Panel:
        return self._combine(other, np.add, reverse=True)

    def __sub__(self, other: Panel | float) -> Panel:
        return self._combine(other, np.subtract)

    def __rsub__(self, other: float) -> Panel:
        return self._combine(other, np.subtract, reverse=True)

    def __mul__(self, other: Panel | float) -> Panel:
        return self._combine(other, np.multiply)

    def __rmul__(self, other: float) -> Panel:
        return self._combine(other, np.multiply, reverse=True)

    def __truediv__(self, other: Panel | float) -> Panel:
        return self._combine(other, np.divide)

    def __rtruediv__(self, other: float) -> Panel:
        return self._combine(other, np.divide, reverse=True)

    def __neg__(self) -> Panel:
        return self.with_values(-self.values)

    def __and__(self, other: Panel) -> Panel:
        return self._combine(other, np.logical_and)

    def __or__(self, other: Panel) -> Panel:
        return self._combine(other, np.logical_or)

    def __invert__(self) -> Panel:
        return self.with_values(~self.values)

    def __repr__(self) -> str:
        known = float(self.known().mean()) if self.values.size else 0.0
        return (
            f"Panel({self.name!r}, {self.unit}, {self.frequency}, dates {self.dates.describe()}, "
            f"assets {self.assets.describe()}, {known:.1%} known)"
        )
