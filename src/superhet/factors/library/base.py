"""Libraries: tables of formulas, and how to pick from them.

A library is a TOML file (one table a formula: `formula`, `en`, `zh`, and where known `sign`, `source`,
`note`, `missing`) or, where one text stands for many windows, a module that writes the texts. It is read when
it is first asked for. A name that ends with `.toml` is that of a user's own file, which is read each time.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from superhet.errors import UnknownName
from superhet.factors.formula import Formula
from superhet.factors.library.own import LANGUAGES, SHARED, is_file, read_file


@dataclass(frozen=True, kw_only=True)
class Library:
    """A table of formulas.

    Parameters
    ----------
    name, title : short name; one line in each language
    formulas : in the order of the source
    """

    name: str
    title: Mapping[str, str]
    formulas: tuple[Formula, ...]


def _from_toml(name: str) -> Library:
    table = tomllib.loads((files(__package__) / f"{name}.toml").read_text(encoding="utf-8"))
    shared = {key: table.pop(key) for key in SHARED}
    formulas = tuple(_formula(n, facts, shared) for n, facts in table.items())
    return Library(name=name, title=shared["title"], formulas=formulas)


def _formula(name: str, facts: Mapping[str, Any], shared: Mapping[str, Any]) -> Formula:
    return Formula(
        name=name,
        text=facts["formula"],
        syntax=shared["syntax"],
        convention=shared["convention"],
        sign=facts.get("sign"),
        meaning={language: facts[language] for language in LANGUAGES},
        source=facts.get("source", shared["source"]),
        note=facts.get("note", {}),
        missing=facts.get("missing", {}),
    )


def _from_qlib(name: str) -> Library:
    from superhet.factors.library import alpha158, alpha360

    made = {"alpha158": alpha158, "alpha360": alpha360}[name]
    titles = {
        "alpha158": {
            "en": "Qlib's Alpha158: bar, price and rolling features",
            "zh": "Qlib Alpha158",
        },
        "alpha360": {"en": "Qlib's Alpha360: raw bars of 60 days", "zh": "Qlib Alpha360"},
    }
    formulas = tuple(
        Formula(
            name=n,
            text=text,
            syntax="qlib",
            convention="qlib",
            meaning={"en": en, "zh": zh},
            source="Yang et al. 2020, Qlib, arXiv:2009.11189",
        )
        for n, (text, en, zh) in made.formulas().items()
    )
    return Library(name=name, title=titles[name], formulas=formulas)


_READERS: Mapping[str, Callable[[str], Library]] = {
    "alpha101": _from_toml,
    "alpha158": _from_qlib,
    "alpha360": _from_qlib,
    "daily": _from_toml,
    "fundamental": _from_toml,
    "fundamental_extended": _from_toml,
    "gtja191": _from_toml,
    "intraday": _from_toml,
}


@cache
def _read(name: str) -> Library:
    return _READERS[name](name)


class _Libraries(Mapping[str, Library]):
    """All libraries by name; each is read when it is first asked for."""

    def __getitem__(self, name: str) -> Library:
        if name not in _READERS:
            raise KeyError(name)
        return _read(name)

    def __contains__(self, name: object) -> bool:
        return name in _READERS

    def __iter__(self) -> Iterator[str]:
        return iter(_READERS)

    def __len__(self) -> int:
        return len(_READERS)


LIBRARIES = _Libraries()


def library(name: str, key: str = "") -> tuple[Formula, ...]:
    """Give all formulas of a library, such as "daily", "alpha158", "gtja191" or "mine.toml".

    Raises
    ------
    UnknownName
        with near misses; `key` is the configuration path that named it
    InputError
        for a file that cannot be read, or has a mistake; see `own.read_file`
    """
    if is_file(name):
        return read_file(name)[1]
    if name not in LIBRARIES:
        raise UnknownName("library", name, LIBRARIES, key)
    return LIBRARIES[name].formulas


def pick(name: str, names: Sequence[str] | None = None, key: str = "") -> tuple[Formula, ...]:
    """Give some formulas of a library, in the order asked for; None gives all that can be computed.

    Raises
    ------
    UnknownName
        if the library or a formula does not exist

    Examples
    --------
    >>> [f.text for f in pick("daily", ["reversal_5"])]
    ['ts_return(close, 5)']
    """
    known = {formula.name: formula for formula in library(name, key)}
    for wanted in names or ():
        if wanted not in known:
            raise UnknownName(f"formula of library {name!r}", wanted, known, key)
    if names is not None:
        return tuple(known[n] for n in names)
    return tuple(f for f in known.values() if f.text)
