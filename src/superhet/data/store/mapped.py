"""Mapped panels: a store's daily fields on its own axes, kept beside the tables they come from.

    derived/bars_1d-<key>/days.npy      the days that have bars, [days]
    derived/bars_1d-<key>/<name>.npy    a column of the bars, [sessions, assets]
    derived/fields-<key>/<name>.npy     what is computed from all sessions, [sessions, assets]
    derived/market-<key>/<name>.npy     the rest of a market: ages, groups, reasons, weights

They follow from the Parquet parts and are never needed: `key` names the parts and the code they were made of,
a store that cannot be written to is read without them, and the folder may be removed at any time. Another
state of the tables has another key, and the first that builds it removes the others; who has mapped those
keeps them. One process builds at a time; the rest read the parts meanwhile.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from superhet.data.durable import TEMPORARY
from superhet.data.pivot import Grid
from superhet.data.store import Store
from superhet.data.store.arrays import Array, map_array, save_array
from superhet.data.store.lock import writer_lock
from superhet.errors import StoreLocked
from superhet.panel.code import code_digest

if TYPE_CHECKING:
    from superhet.data.base import Tables

log = logging.getLogger(__name__)

Make: TypeAlias = Callable[[], Array]


class Mapped:
    """Panels of one kind and one state of the tables.

    Parameters
    ----------
    folder : the store's folder of derived files
    kind : the first part of the panels' folder
    state : name of the contents they follow from

    Attributes
    ----------
    writable : False from the first time on that something could not be written
    """

    def __init__(self, folder: Path, kind: str, state: str) -> None:
        parts = f"{code_digest('data')}\0{state}".encode()
        key = hashlib.blake2b(parts, digest_size=8).hexdigest()
        self.kind, self.folder = kind, folder / f"{kind}-{key}"
        self.writable = True

    def keep(self, name: str, make: Make) -> Array:
        """Map an array; make it first if it is not there, or give what was made if it cannot be kept.

        Parameters
        ----------
        name : of the array
        make : gives it on the store's own axes, mostly [sessions, assets]

        Returns
        -------
        what `make` gives, read-only if it is mapped
        """
        path = self.folder / f"{name}.npy"
        found = map_array(path)
        if found is not None:
            return found
        values = make()
        self._write(lambda: save_array(path, values))
        found = map_array(path)
        return values if found is None else found

    def _write(self, write: Callable[[], None]) -> None:
        """Write something while nobody else does; say once if that cannot be, and go on."""
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with writer_lock(self.folder.parent):
                self._sweep()
                self.folder.mkdir(exist_ok=True)
                write()
        except (OSError, StoreLocked) as error:
            if self.writable:
                log.info("no panels are kept in %s: %s", self.folder.parent, error)
            self.writable = False

    def _sweep(self) -> None:
        """Remove panels of other states, and what a builder that died has left."""
        for path in self.folder.parent.glob(f"{self.kind}-*"):
            if path != self.folder:
                shutil.rmtree(path, ignore_errors=True)
        for path in self.folder.glob(f"{TEMPORARY}*"):
            path.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class KeptPanels:
    """The mapped panels of a store.

    Parameters
    ----------
    bars : columns of the daily bars; any row depends on that row of the table alone
    fields : daily fields that are computed from the first session on
    market : what else a market of all sessions has
    grid : the store's own axes
    rows : those of them that are asked for
    """

    bars: Mapped
    fields: Mapped
    market: Mapped
    grid: Grid
    rows: slice

    @property
    def is_whole(self) -> bool:
        """Whether all sessions are asked for."""
        return self.rows == slice(0, len(self.grid.dates))


def mapped_bars(tables: Tables) -> Mapped | None:
    """Give the place of what follows from the daily bars and the axes alone.

    Returns
    -------
    None where nothing can be kept: only a store in its present state has such a place, and a remote one if it
    was opened with a cache. The panels of a former state would take the place of those of the present one
    """
    if not isinstance(tables, Store) or tables.derived is None or tables.is_former:
        return None
    if "bars_1d" not in tables.names():
        return None
    state = tables.checksum("bars_1d", "securities", "calendar")
    return Mapped(tables.derived, "bars_1d", state)


def kept_panels(tables: Tables, bars: Mapped | None, grid: Grid, whole: Grid) -> KeptPanels | None:
    """Find the mapped panels of a source of tables.

    Parameters
    ----------
    tables : what the panels follow from
    bars : what `mapped_bars` gives of them
    grid : the axes asked for
    whole : the axes of all that the tables cover

    Returns
    -------
    None where nothing can be kept, or where `grid` is no part of the store's own axes
    """
    if bars is None or not isinstance(tables, Store) or tables.derived is None:
        return None
    rows = whole.dates.between(grid.dates.values[0], grid.dates.values[-1])
    if not bars.writable or whole.assets != grid.assets or whole.dates[rows] != grid.dates:
        return None  # making the whole for a part of it, only to throw it away, would be slow
    fields, market = (Mapped(tables.derived, n, tables.snapshot) for n in ("fields", "market"))
    return KeptPanels(bars=bars, fields=fields, market=market, grid=whole, rows=rows)
