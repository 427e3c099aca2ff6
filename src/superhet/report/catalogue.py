"""Text: every visible label, from one catalogue a language (`text/en.toml`, `text/zh.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from superhet.errors import UnknownName
from superhet.report.base import Language

LANGUAGES: tuple[Language, ...] = ("en", "zh")


class Text(Mapping[str, str]):
    """The labels of one language by dotted key.

    Examples
    --------
    >>> Text("en")("page.overview")
    'Overview'
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        self._labels = _labels(language)

    def __call__(self, key: str, **values: object) -> str:
        """Give the label of `key`, with `{names}` filled in.

        Raises
        ------
        UnknownName
            if the catalogue lacks the key
        """
        return self[key].format(**values) if values else self[key]

    def name(self, kind: str, word: str) -> str:
        """Translate a word that comes from data (a reason, a cost); unknown words stay as they are."""
        return self._labels.get(f"{kind}.{word}", word)

    def __getitem__(self, key: str) -> str:
        try:
            return self._labels[key]
        except KeyError:
            raise UnknownName("label", key, self._labels) from None

    def __contains__(self, key: object) -> bool:
        return key in self._labels

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)


@cache
def _labels(language: Language) -> dict[str, str]:
    source = files("superhet.report").joinpath("text", f"{language}.toml")
    return dict(_flat(tomllib.loads(source.read_text(encoding="utf-8"))))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
