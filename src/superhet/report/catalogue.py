"""Text: every visible label, from one catalogue a language (`text/en.toml`, `text/zh.toml`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from superhet.errors import UnknownName
from superhet.report.base import Language

LANGUAGES: tuple[Language, ...] = ("en", "zh")
_NAMED = ("rule", "engine", "cost", "entry")
_SAID = "said."


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

    def said(self, words: str) -> str:
        """Put sentences into the language that were written in English as a run went on.

        The English section `said` holds their patterns; what stands in its braces is filled in, names of
        rules, engines and costs in words. A sentence without a pattern stays as it is.

        Examples
        --------
        >>> Text("zh").said("on sales: 0.1000%, 0.0500% from 2023-08-28")
        '仅卖出：0.1000%、2023-08-28 起 0.0500%'
        """
        sentences = [self._sentence(one, {}) for one in words.split("; ")]
        return self["said.between"].join(sentences)

    def noted(self, notes: Iterable[str], names: Mapping[str, str] | None = None) -> list[str]:
        """Put notes into the language as `said` does, one sentence each.

        Parameters
        ----------
        notes : in English; a semicolon does not end a sentence
        names : word of the data -> its name in this language, for words that the catalogue does not know
        """
        return [self._sentence(note, names or {}) for note in notes]

    def _sentence(self, words: str, names: Mapping[str, str]) -> str:
        for key, pattern in _patterns():
            found = pattern.fullmatch(words)
            if found:
                filled = {n: self._filled(v, names) for n, v in found.groupdict().items()}
                return self(key, **filled)
        return words

    def _filled(self, words: str, names: Mapping[str, str]) -> str:
        """Translate what a pattern has in its braces: names, a list of them, or a sentence of its own."""
        if words in names:
            return names[words]
        for kind in _NAMED:
            if f"{kind}.{words}" in self:
                return self[f"{kind}.{words}"]
        if words in _literals():  # whole, whatever commas it has
            return self[_literals()[words]]
        parts = words.split(", ")
        if len(parts) > 1:
            return self["said.and"].join(self._filled(part, names) for part in parts)
        return self._sentence(words, names)

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


@cache
def _literals() -> dict[str, str]:
    """Give the English sentences without braces, each with its key."""
    return {v: k for k, v in _labels("en").items() if k.startswith(_SAID) and "{" not in v}


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compile the English sentences, those with most words of their own first."""
    sentences = {k: v for k, v in _labels("en").items() if k.startswith(_SAID)}
    bare = {k: re.split(r"\{(\w+)\}", v) for k, v in sentences.items()}
    order = sorted(bare, key=lambda key: -sum(map(len, bare[key][::2])))
    return tuple((key, re.compile(_expression(bare[key]))) for key in order)


def _expression(parts: Sequence[str]) -> str:
    """Write words and names, in turn, as a regular expression; names that begin with n stand for numbers."""
    out = re.escape(parts[0])
    for name, words in zip(parts[1::2], parts[2::2], strict=True):
        kind = r"[-+\d.,%]+" if re.fullmatch(r"n\d?", name) else ".+?"
        out += f"(?P<{name}>{kind}){re.escape(words)}"
    return out


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
