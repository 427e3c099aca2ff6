"""Facts about formulas, for whoever lists or looks at them: everything that is known before any data.

`superhet factor list` and `show`, and any page that shows a library, read them from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from superhet.data.fields import UNITS
from superhet.errors import ConfigError, UnknownName
from superhet.factors import LIBRARIES, Expression, Formula
from superhet.factors import library as formulas_of
from superhet.factors.expression import PRICES
from superhet.factors.formula import read
from superhet.factors.library.own import is_file
from superhet.factors.lower import Lowering, in_machine
from superhet.factors.sources import BENCHMARK

_NAME = re.compile(r"(?:(\w+)\.)?([A-Za-z_]\w*)")
_FIELDS = {*UNITS, "size", *PRICES, *BENCHMARK}


@dataclass(frozen=True, kw_only=True)
class LibraryFacts:
    """A library in one line.

    Parameters
    ----------
    name, title : short name; one line in each language
    formulas, missing : how many it lists, and how many of them cannot be computed
    sources : where its formulas come from, each once
    """

    name: str
    title: Mapping[str, str]
    formulas: int
    missing: int
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class OperatorFacts:
    """A call of a formula.

    Parameters
    ----------
    name, family, meaning, missing : as the operator declares
    window : rows of its window, None for no window
    minimum_rows : how many of them must be known under the formula's convention, None for no window
    """

    name: str
    family: str
    meaning: str
    missing: str
    window: int | None = None
    minimum_rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class FormulaFacts:
    """A formula, and what it needs.

    Parameters
    ----------
    name, library : None for a formula that was typed
    text, syntax, convention : as it was written, in which spelling; how it is computed
    formula : in superhet's spelling
    meaning, note, missing : in each language
    sign, source : the direction expected of it, and by whom
    frequency, clock : fastest data in it ("minute", "daily", "quarterly"); when its values come
    lookback, quarters : sessions and quarters before the newest that a value needs
    unit : of the values, None where units do not fit
    fields, bar_fields, statement_columns, groups, assets : what it reads
    operators : its calls, each once
    """

    name: str | None
    library: str | None
    text: str
    syntax: str
    convention: str
    formula: str | None = None
    meaning: Mapping[str, str]
    note: Mapping[str, str]
    missing: Mapping[str, str]
    sign: int | None
    source: str
    frequency: str | None = None
    clock: str | None = None
    lookback: int | None = None
    quarters: int | None = None
    unit: str | None = None
    fields: tuple[str, ...] = ()
    bar_fields: tuple[str, ...] = ()
    statement_columns: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    operators: tuple[OperatorFacts, ...] = ()


def libraries() -> list[LibraryFacts]:
    """List the libraries."""
    found = []
    for name in sorted(LIBRARIES):
        known = LIBRARIES[name]
        found.append(
            LibraryFacts(
                name=name,
                title=known.title,
                formulas=len(known.formulas),
                missing=sum(not f.text for f in known.formulas),
                sources=tuple(dict.fromkeys(f.source for f in known.formulas if f.source)),
            )
        )
    return found


def find(
    text: str,
    syntax: str | None = None,
    convention: str | None = None,
    library: str | None = None,
) -> FormulaFacts:
    """Describe a formula of a library, found by its name, or one that was typed.

    Parameters
    ----------
    text : "alpha158.MA5", "MA5", or a formula
    syntax : spelling of a typed formula; given, the text is a formula, whatever it looks like
    convention : under which it is computed; None = that of the library or the spelling
    library : where a name is looked up, a library or a file; None = in all libraries

    Raises
    ------
    ConfigError
        if a spelling is given for a formula of a library
    UnknownName
        for a name that no library has; or that several have, which are listed
    FormulaError
        for a formula that cannot be read
    """
    if library is not None:
        if syntax is not None:
            raise ConfigError("--syntax", "is for typed formulas; a library has its own")
        return describe(_in_library(library, text, "--library"), shown(library), convention)
    found = None if syntax is not None else named(text)
    if found is not None:
        return describe(found[1], found[0], convention)
    known = read({"formula": text}, syntax=syntax or "superhet", convention=convention)
    return describe(known["formula"], None, None)


def describe(
    formula: Formula, library_name: str | None, convention: str | None = None
) -> FormulaFacts:
    """Describe a formula; one without a text has facts of its source only."""
    used = convention or formula.convention
    facts = FormulaFacts(
        name=None if library_name is None else formula.name,
        library=library_name,
        text=formula.text,
        syntax=formula.syntax,
        convention=used,
        meaning=formula.meaning,
        note=formula.note,
        missing=formula.missing,
        sign=formula.sign,
        source=formula.source,
    )
    if not formula.text:
        return facts
    expression = formula.expression
    return replace(
        facts,
        formula=repr(expression),
        frequency=expression.block,
        clock=expression.clock,
        lookback=expression.lookback,
        quarters=expression.quarters,
        unit=expression.unit,
        fields=tuple(sorted(expression.fields)),
        bar_fields=tuple(sorted(expression.bar_fields)),
        statement_columns=tuple(sorted(expression.statement_columns)),
        groups=tuple(sorted(expression.groups)),
        assets=tuple(sorted(expression.assets)),
        operators=_operators(expression, used),
    )


def named(text: str) -> tuple[str, Formula] | None:
    """Find a formula by its name, with its library; None for what can only be a formula.

    Raises
    ------
    UnknownName
        for a name that no library has; or that several have, which are listed
    """
    match = _NAME.fullmatch(text.strip())
    if match is None:
        return None
    within, word = match.groups()
    if within is not None:
        return within, _in_library(within, word)
    every = {f"{n}.{f.name}": (n, f) for n in LIBRARIES for f in formulas_of(n)}
    fits = {full: found for full, found in every.items() if found[1].name == word}
    if len(fits) == 1:
        return next(iter(fits.values()))
    if fits:
        raise UnknownName("formula", text, fits)
    if word in _FIELDS or word.removeprefix("raw_") in _FIELDS:
        return None
    raise UnknownName("formula", text, {f.name for _, f in every.values()})


def shown(library: str) -> str:
    """Give the name of a library as it is shown: of a file, without folder and ending."""
    return PurePath(library).stem if is_file(library) else library


def _in_library(library: str, word: str, key: str = "") -> Formula:
    known = {f.name: f for f in formulas_of(library, key)}
    if word not in known:
        raise UnknownName(f"formula of library {library!r}", word, known)
    return known[word]


def _operators(expression: Expression, convention: str) -> tuple[OperatorFacts, ...]:
    found: dict[OperatorFacts, None] = {}
    for node in expression.walk():
        if node.kind != "call":
            continue
        known = node.operator
        window, minimum = _window(node, convention)
        fact = OperatorFacts(
            name=known.name,
            family=known.family,
            meaning=known.summary,
            missing=known.missing,
            window=window,
            minimum_rows=minimum,
        )
        found[fact] = None
    return tuple(found)


def _window(node: Expression, convention: str) -> tuple[int | None, int | None]:
    """Give the rows of a call's window, and how many of them must be known, as the machine is told."""
    if not in_machine(node) or node.operator.family != "time_series":
        return None, None
    lowering = Lowering(node.arguments)
    lowering.step(node, convention)
    windows = [n.params[:2] for n in lowering.graph.nodes if n.kind == "window"]
    if not windows:
        return None, None
    return max(w for w, _ in windows), max(m for _, m in windows)
