"""Open the store that a command names; of a remote one, parts and panels are cached on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from superhet.data.store import Store

_ABOVE = 3  # STUDY/runs/RUN/backtest lies three folders below the study


def open_store(location: str | Path, snapshot: str | None = None) -> Store:
    """Open a store by path or URL, as it is or as it was."""
    from superhet.data.store import Store

    return Store.open(location, snapshot=snapshot, cache=cache_folder())


def open_store_of(folder: Path, location: str) -> Store:
    """Open the store from which a folder of results was made.

    A relative location is looked for from the working folder, then from the folders above the results: what
    was made elsewhere is found where it was made.
    """
    from superhet.data.store import Store

    if not Store.exists(location):
        for above in folder.resolve().parents[:_ABOVE]:
            if Store.exists(above / location):
                return open_store(above / location)
    return open_store(location)


def cache_folder() -> Path:
    """Give the user's folder for what can be fetched again."""
    if os.name == "nt":
        root = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "superhet"
