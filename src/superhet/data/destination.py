"""Where an import goes: a store that may be there already, and the sessions it knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from superhet.data.store import Store

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables


def present(store: Store | str | Path) -> Store | None:
    """Give the store that is there; None where there is none yet."""
    if isinstance(store, Store):
        return store
    return Store.open(store) if Store.exists(store) else None


def present_or_new(store: Store | str | Path) -> Store:
    """Give the store that is there, or an empty new one."""
    return store if isinstance(store, Store) else Store.open_or_create(store)


def sessions_of(tables: Tables | None) -> pl.Series | None:
    """Give the days of the table `calendar`; None where there is none."""
    if tables is None or "calendar" not in tables.names():
        return None
    return tables.read("calendar")["date"]
