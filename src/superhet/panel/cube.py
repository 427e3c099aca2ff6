"""Cube: named panels on the same axes, loaded when asked for.

Signals and exposures are both Cubes. A loader (a function without arguments) may stand in place of a
panel, so that a thousand signals need not fit in memory. `blocks` groups the names ("minute", "daily",
"quarterly"; "style", "industry").
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from superhet.errors import UnknownName
from superhet.panel.axes import Assets, DateLike, Dates, require_same_axes
from superhet.panel.panel import Panel

PanelSource: TypeAlias = "Panel | Callable[[], Panel]"


class Cube(Mapping[str, Panel]):
    """Named panels on the same dates and assets.

    Parameters
    ----------
    panels : name -> Panel, or a function that loads it (called once)
    blocks : name -> the group it belongs to; names left out have the block ""
    dates, assets : the axes; needed only when every panel is a loader

    Raises
    ------
    AxisMismatch
        if two panels do not share their axes
    """

    def __init__(
        self,
        panels: Mapping[str, PanelSource],
        *,
        blocks: Mapping[str, str] | None = None,
        dates: Dates | None = None,
        assets: Assets | None = None,
    ) -> None:
        self._panels: dict[str, PanelSource] = dict(panels)
        self.blocks: dict[str, str] = {n: (blocks or {}).get(n, "") for n in self._panels}
        loaded = [p for p in self._panels.values() if isinstance(p, Panel)]
        for panel in loaded[1:]:
            require_same_axes(loaded[0], panel)
        if dates is None or assets is None:
            if not self._panels:
                raise ValueError("an empty Cube needs its axes")
            first = loaded[0] if loaded else self[next(iter(self._panels))]
            dates, assets = first.dates, first.assets
        self.dates, self.assets = dates, assets

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(self._panels)

    def __getitem__(self, name: str) -> Panel:
        try:
            source = self._panels[name]
        except KeyError:
            raise UnknownName("panel", name, self._panels) from None
        if not isinstance(source, Panel):
            source = source()
            self._panels[name] = source
        return source

    def __contains__(self, name: object) -> bool:
        return name in self._panels  # Mapping would load the panel to find out

    def __iter__(self) -> Iterator[str]:
        return iter(self._panels)

    def __len__(self) -> int:
        return len(self._panels)

    def select(self, names: Sequence[str]) -> Cube:
        """Keep some panels, in the order given."""
        missing = [n for n in names if n not in self._panels]
        if missing:
            raise UnknownName("panel", missing[0], self._panels)
        return Cube(
            {n: self._panels[n] for n in names},
            blocks=self.blocks,
            dates=self.dates,
            assets=self.assets,
        )

    def block(self, block: str) -> Cube:
        """Keep the panels of one block."""
        return self.select([n for n in self._panels if self.blocks[n] == block])

    def map(self, change: Callable[[Panel], Panel]) -> Cube:
        """Apply a function that keeps or cuts the axes to each panel."""
        panels = {n: change(self[n]) for n in self._panels}
        dates, assets = (None, None) if panels else (self.dates, self.assets)
        return Cube(panels, blocks=self.blocks, dates=dates, assets=assets)

    def until(self, date: DateLike) -> Cube:
        """Cut after `date`; the values are views."""
        return self.map(lambda panel: panel.until(date))

    def between(self, start: DateLike | None, end: DateLike | None) -> Cube:
        """Keep the dates from `start` to `end`, both included."""
        return self.map(lambda panel: panel.between(start, end))

    def stack(self) -> npt.NDArray[np.float64]:
        """Copy all panels into one array, [names, dates, assets]."""
        out = np.empty((len(self), len(self.dates), len(self.assets)))
        for k, name in enumerate(self._panels):
            out[k] = self[name].values
        return out

    def fingerprint(self) -> str:
        """Hash names, blocks and content."""
        digest = hashlib.blake2b(digest_size=16)
        for name in self._panels:
            digest.update(f"{name}\0{self.blocks[name]}\0{self[name].fingerprint()}".encode())
        return digest.hexdigest()

    def __repr__(self) -> str:
        shown = ", ".join(self.names[:6]) + (" …" if len(self) > 6 else "")
        return (
            f"Cube({len(self)} panels: {shown}; dates {self.dates.describe()}, "
            f"assets {self.assets.describe()})"
        )
