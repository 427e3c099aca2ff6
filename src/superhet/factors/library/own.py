"""A library of the user's own: a TOML file of the same format as those that come with superhet.

A mistake is named by file, entry and, in a formula, column; a key that nobody reads is a mistake.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from superhet.errors import ConfigError, FormulaError, InputError, UnknownName
from superhet.factors.conventions import CONVENTIONS
from superhet.factors.formula import OF_SYNTAX, Formula
from superhet.factors.spelling import DIALECTS

LANGUAGES = ("en", "zh")
SHARED = ("title", "syntax", "convention", "source")
_KEYS = ("formula", *LANGUAGES, "sign", "source", "note", "missing")
_NAME = re.compile(r"[A-Za-z_]\w*")
_TAKEN = ("date", "asset")


def is_file(name: str) -> bool:
    """Say whether a library is named by a file.

    Examples
    --------
    >>> is_file("alpha158"), is_file("factors/mine.toml")
    (False, True)
    """
    return name.endswith(".toml")


def read_file(path: str | Path) -> tuple[Mapping[str, str], tuple[Formula, ...]]:
    """Read a library from a file: its title in each language, and its formulas in their order.

    Raises
    ------
    InputError
        if the file is not there, or is not TOML
    ConfigError, UnknownName
        naming the file, the entry and the key
    FormulaError
        naming the file and the entry, and pointing at the column
    """
    table = _toml(Path(path))
    shared = {key: table.pop(key) for key in SHARED if key in table}
    for key, value in table.items():
        if not isinstance(value, Mapping):
            raise UnknownName("key", key, SHARED, str(path))
    title = _texts(shared.get("title", Path(path).stem), f"{path}: title")
    syntax = _word(shared.get("syntax", "superhet"), "syntax", DIALECTS, path)
    convention = _word(shared.get("convention", OF_SYNTAX[syntax]), "convention", CONVENTIONS, path)
    if not table:
        raise InputError(
            f"{path}: has no formula. Write an entry such as [mine] with a key formula."
        )
    source = _text(shared.get("source", ""), f"{path}: source")
    given = {"syntax": syntax, "convention": convention, "source": source}
    return title, tuple(_formula(n, facts, given, f"{path}: [{n}]") for n, facts in table.items())


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such library of formulas. Check the path.") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 ({error.reason} at byte {error.start}). Save it as UTF-8."
        ) from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read as a library of formulas: {error.strerror}"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None


def _formula(name: str, facts: Mapping[str, Any], given: Mapping[str, str], where: str) -> Formula:
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise ConfigError(
            where,
            "a name is made of letters, digits and _, begins with no digit, and is not date or asset",
        )
    for key in facts:
        if key not in _KEYS:
            raise UnknownName("key", key, _KEYS, where)
    missing = _texts(facts.get("missing", {}), f"{where}.missing")
    text = _text(facts.get("formula", ""), f"{where}.formula")
    if not text and not missing:
        raise ConfigError(f"{where}.formula", "is required (or missing, saying why there is none)")
    if facts.get("sign") not in (None, 1, -1) or isinstance(facts.get("sign"), bool | float):
        raise ConfigError(f"{where}.sign", f"must be 1 or -1 (got {facts['sign']!r})")
    found = Formula(
        name=name,
        text=text,
        syntax=given["syntax"],
        convention=given["convention"],
        sign=facts.get("sign"),
        meaning=_texts({k: facts[k] for k in LANGUAGES if k in facts}, where),
        source=_text(facts.get("source", given["source"]), f"{where}.source"),
        note=_texts(facts.get("note", {}), f"{where}.note"),
        missing=missing,
    )
    try:
        _ = found.expression if text else None
    except FormulaError as error:
        message = error.message.split(" (column", 1)[0]
        raise type(error)(f"{where}: {message}", error.formula, error.column) from None
    return found


def _word(value: object, key: str, known: Iterable[str], path: str | Path) -> str:
    if value not in (words := list(known)):
        raise UnknownName(key, str(value), words, str(path))
    return str(value)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(where, f"must be a text (got {value!r})")
    return value


def _texts(value: object, where: str) -> dict[str, str]:
    """Give a text in each language; one that is given once stands for both."""
    if isinstance(value, str):
        return dict.fromkeys(LANGUAGES, value)
    if not isinstance(value, Mapping) or not set(value) <= set(LANGUAGES):
        raise ConfigError(where, f"must be a text, or en and zh (got {value!r})")
    known = {language: _text(value[language], where) for language in LANGUAGES if language in value}
    return {n: known.get(n, next(iter(known.values()))) for n in LANGUAGES} if known else {}
