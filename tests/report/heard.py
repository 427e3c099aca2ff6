"""A catalogue that remembers, for tests that every text of a page is used."""

from __future__ import annotations

from superhet.report.catalogue import Text


class Heard(Text):
    """A catalogue that remembers what it was asked for."""

    def __init__(self, language):
        super().__init__(language)
        self.asked = set()

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)

    def name(self, kind, word):
        self.asked.add(f"{kind}.{word}")
        return super().name(kind, word)
