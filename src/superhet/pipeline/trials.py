"""Trials: how many factors a folder has seen, counted, because the best of many looks better than it is.

The counter is a file beside the reports, one entry a judged factor; judging it again adds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from superhet.errors import InputError
from superhet.pipeline.artifacts import write_json

FILE = "trials.json"


class Trials:
    """The counter of one folder.

    Parameters
    ----------
    folder : where the reports are
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._keys = _read(self._path)

    def add(self, keys: Iterable[str]) -> None:
        """Count what was judged; the file is written whole or not at all."""
        found = self._keys | set(keys)
        if found != self._keys or not self._path.exists():
            write_json(self._path, sorted(found))
        self._keys = found

    def count(self, told: int | None, judged: int) -> int:
        """Give the number of trials: as told, or as counted; never fewer than are judged now."""
        return max(told if told is not None else len(self._keys), judged)

    def __len__(self) -> int:
        return len(self._keys)


def _read(path: Path) -> set[str]:
    if not path.exists():
        return set()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        found = None
    if not isinstance(found, list):
        raise InputError(f"{path}: the counter of trials cannot be read. Delete it to count anew.")
    return {str(k) for k in found}
