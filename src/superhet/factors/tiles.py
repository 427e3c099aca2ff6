"""Where the tiles of a run lie, and who takes what they give; see `factors.machine`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

from superhet.kernels.streaming import write_through

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Tile:
    """Rows [first, last) and assets [left, right) of the market.

    A tile of few assets lies in the lanes of a slot as strips, one beside the other: the first strip holds
    the first rows, and so on; each looks back on rows of its own.
    """

    first: int = 0
    last: int = 0
    left: int = 0
    right: int = 0
    strips: int = 1

    @property
    def rows(self) -> int:
        """Rows of a strip."""
        return -(-(self.last - self.first) // self.strips)

    def cut(self) -> list[tuple[Tile, slice]]:
        """Give the strips as tiles of their own, and their lanes."""
        width = self.right - self.left
        found = []
        for strip in range(self.strips):
            first = self.first + strip * self.rows
            part = Tile(first, min(first + self.rows, self.last), self.left, self.right)
            found.append((part, slice(strip * width, (strip + 1) * width)))
        return [(part, lanes) for part, lanes in found if part.first < part.last]


class Results(Protocol):
    """What takes the results of a run, piece by piece, from several threads at a time."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Outputs, rows, assets."""

    def put(self, output: int, row: int, asset: int, values: Array) -> None:
        """Take contiguous values, [rows, assets], that begin at a row and an asset.

        Rows count from the first one asked for. The values may stand in a slot that is written to again.
        """


@dataclass(frozen=True)
class Whole:
    """Results as one array, [outputs, rows, assets]."""

    values: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """Outputs, rows, assets."""
        return self.values.shape

    def put(self, output: int, row: int, asset: int, values: Array) -> None:
        """Write values past the cache."""
        rows, assets = values.shape
        write_through(values, self.values[output, row : row + rows, asset : asset + assets])
