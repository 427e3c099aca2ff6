"""A file of lines beside the tables, wherever the store is: kept with it, and no part of a snapshot."""

from __future__ import annotations

import os

from superhet.data.store.places import Place


class ExtraFile:
    """A file that only grows, line by line.

    Parameters
    ----------
    place : the store
    name : relative to it
    """

    def __init__(self, place: Place, name: str) -> None:
        self._place, self._name = place, name

    def lines(self) -> list[bytes]:
        """Give the lines; none if there is no such file. The last one may have been cut off by a kill."""
        try:
            return self._place.read(self._name).splitlines()
        except FileNotFoundError:
            return []

    def append(self, text: str) -> None:
        """Add whole lines; they are on the disk, or with the service, when this returns.

        A line that a kill has cut off is ended first, so that the new ones begin on their own.
        """
        if not text:
            return
        if self._place.folder is None:  # an object cannot grow: it is put anew
            there = b"".join(line + b"\n" for line in self.lines())
            self._place.put(self._name, there + text.encode())
            return
        path = self._place.folder / self._name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                text = text if file.read(1) == b"\n" else "\n" + text
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
