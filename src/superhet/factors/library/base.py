"""Libraries: tables of formulas, and how to pick from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from superhet.errors import UnknownName
from superhet.factors.expression import Expression
from superhet.factors.library.daily import DAILY
from superhet.factors.library.fundamental import FUNDAMENTAL
from superhet.factors.library.intraday import INTRADAY
from superhet.factors.parse import parse


@dataclass(frozen=True, kw_only=True)
class Formula:
    """One formula of a library.

    Parameters
    ----------
    name : short and unique within its library
    text : the formula
    sign : +1 if a high value has meant a high later return, -1 if a low one
    meaning : one line
    source : where it comes from
    """

    name: str
    text: str
    sign: Literal[-1, 1]
    meaning: str
    source: str

    @property
    def expression(self) -> Expression:
        """The formula, read."""
        return parse(self.text)


def _table(text: str) -> tuple[Formula, ...]:
    """Read a table: two lines a formula, as the library files are written."""
    lines = text.strip().splitlines()
    formulas = []
    for facts, formula in zip(lines[::2], lines[1::2], strict=True):
        name, sign, meaning, source = (cell.strip() for cell in facts.split("|"))
        formulas.append(
            Formula(
                name=name,
                text=formula.strip(),
                sign=1 if sign == "+" else -1,
                meaning=meaning,
                source=source,
            )
        )
    return tuple(formulas)


LIBRARIES = MappingProxyType(
    {"daily": _table(DAILY), "fundamental": _table(FUNDAMENTAL), "intraday": _table(INTRADAY)}
)


def library(name: str, key: str = "") -> tuple[Formula, ...]:
    """Give all formulas of a library: "daily", "intraday" or "fundamental".

    Raises
    ------
    UnknownName
        with near misses; `key` is the configuration path that named it
    """
    if name not in LIBRARIES:
        raise UnknownName("library", name, LIBRARIES, key)
    return LIBRARIES[name]


def pick(name: str, names: Sequence[str] | None = None, key: str = "") -> tuple[Formula, ...]:
    """Give some formulas of a library, in the order asked for; None gives all.

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
    return tuple(known[n] for n in names) if names is not None else tuple(known.values())
