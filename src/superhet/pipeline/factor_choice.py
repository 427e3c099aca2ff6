"""Choice: which formulas a table of factors holds: those typed, or those of a library.

1. typed ones are named, read and checked                                     -> _typed
2. of a library, those picked, or all that have a formula                     -> _of_library
3. once the fields of the store are known, what a library asks beyond them is
   left out and said; what the user asked for by name is an error             -> with_fields
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from superhet.errors import ConfigError, FormulaError, InputError, UnknownName
from superhet.factors import CONVENTIONS, Formula, library, missing_fields, pick
from superhet.factors.formula import read
from superhet.factors.sources import BENCHMARK, require_fields
from superhet.factors.spelling import DIALECTS
from superhet.panel import Market

KEYS = ("date", "asset")


@dataclass(frozen=True, kw_only=True)
class FactorChoice:
    """What was asked for; either `formulas` or a `library`.

    Parameters
    ----------
    formulas : texts
    names : of their columns; none = the texts themselves
    library, pick : a library and names from it; no name = all that can be computed
    syntax : spelling of the texts; None = superhet's
    convention : None = that of the library, or of the spelling
    """

    formulas: Sequence[str] = ()
    names: Sequence[str] = ()
    library: str | None = None
    pick: Sequence[str] = ()
    syntax: str | None = None
    convention: str | None = None


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Formulas by column, read.

    Parameters
    ----------
    columns : column -> formula
    left_out : formula of a library -> why it is not among them, in each language
    optional : whether a formula may be left out where fields are missing
    """

    columns: Mapping[str, Formula]
    left_out: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    optional: bool = False


def choose(choice: FactorChoice) -> Chosen:
    """Read what was asked for.

    Raises
    ------
    ConfigError, UnknownName
        naming the option that is wrong
    FormulaError
        pointing at the column of a formula that cannot be read
    """
    if choice.convention is not None and choice.convention not in CONVENTIONS:
        raise UnknownName("convention", choice.convention, CONVENTIONS, "--convention")
    if (choice.library is None) == (not choice.formulas):
        raise ConfigError("", "give either formulas or --library, and not both")
    return _of_library(choice) if choice.library is not None else _typed(choice)


def _typed(choice: FactorChoice) -> Chosen:
    if choice.pick:
        raise ConfigError("--pick", "picks from a library; name it with --library")
    syntax = choice.syntax or "superhet"
    if syntax not in DIALECTS:
        raise UnknownName("syntax", syntax, DIALECTS, "--syntax")
    texts, names = list(choice.formulas), list(choice.names)
    if names and len(names) != len(texts):
        raise ConfigError(
            "--name", f"{len(names)} names for {len(texts)} formulas; give one for each, or none"
        )
    columns: dict[str, Formula] = {}
    for i, text in enumerate(texts):
        column = names[i] if names else text
        if column in columns or column in KEYS:
            twice = "is used twice" if column in columns else "is that of a key"
            raise ConfigError("--name", f"the column name {column!r} {twice}; choose another")
        label = names[i] if names else f"formula {i + 1}" if len(texts) > 1 else "formula"
        known = read({label: text}, syntax=syntax, convention=choice.convention)
        columns[column] = known[label]
    return Chosen(columns=columns)


def _of_library(choice: FactorChoice) -> Chosen:
    name = str(choice.library)
    if choice.names:
        raise ConfigError("--name", "names typed formulas; those of a library have names")
    if choice.syntax is not None:
        raise ConfigError("--syntax", "is for typed formulas; a library has a spelling of its own")
    every = library(name, "--library")
    empty = {f.name: f.missing for f in every if not f.text}
    picked = pick(name, choice.pick or None, "--pick")
    for formula in picked:
        if formula.name in empty:
            why = empty[formula.name].get("en", "there is no formula")
            raise ConfigError("--pick", f"{formula.name} cannot be computed: {why}")
    columns = {f.name: replace(f, convention=choice.convention or f.convention) for f in picked}
    for formula in columns.values():
        _ = formula.expression  # an error is due here
    wanted_all = not choice.pick
    return Chosen(columns=columns, left_out=empty if wanted_all else {}, optional=wanted_all)


def with_fields(chosen: Chosen, market: Market, frequency: str) -> Chosen:
    """Keep the formulas whose fields a market has.

    Raises
    ------
    FormulaError
        if one that was asked for by name lacks a field; says which formula and where
    InputError
        if nothing is left of a library
    """
    if not chosen.optional:
        require_fields({f.name: f for f in chosen.columns.values()}, market, frequency)
        return chosen
    kept, left_out = {}, dict(chosen.left_out)
    for column, formula in chosen.columns.items():
        why = _lacking(formula, market, frequency)
        if why:
            left_out[column] = why
        else:
            kept[column] = formula
    if not kept:
        fields = sorted(
            {w for f in chosen.columns.values() for w in _missing(f, market, frequency)}
        )
        raise InputError(
            f"--library: no formula of it can be computed from this store; missing are {', '.join(fields)}. "
            "Import them (superhet data import), or choose another library."
        )
    return replace(chosen, columns=kept, left_out=left_out)


def _missing(formula: Formula, market: Market, frequency: str) -> list[str]:
    return missing_fields(formula.expression, market, frequency)


def _lacking(formula: Formula, market: Market, frequency: str) -> dict[str, str]:
    """Say in each language why a market cannot answer a formula; {} if it can."""
    missing = _missing(formula, market, frequency)
    if missing:
        en = [
            f"{w} (column {BENCHMARK[w]} of index_bars)" if w in BENCHMARK else w for w in missing
        ]
        zh = [
            f"{w}（表 index_bars 的 {BENCHMARK[w]} 列）" if w in BENCHMARK else w for w in missing
        ]
        return {"en": f"needs {', '.join(en)}", "zh": f"缺少 {'、'.join(zh)}"}
    try:
        require_fields({formula.name: formula}, market, frequency)
    except FormulaError as error:  # a flow that is stated as a level
        why = error.message.split("\n", 1)[0]
        return {"en": why, "zh": why}
    return {}
