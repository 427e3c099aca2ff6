"""Formula: a text with all that is needed to know what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Literal, TypeAlias

from superhet.errors import FormulaError, UnknownName
from superhet.factors.conventions import CONVENTIONS
from superhet.factors.expression import Expression
from superhet.factors.parse import parse

OF_SYNTAX = MappingProxyType({"superhet": "superhet", "qlib": "qlib", "worldquant": "pandas"})
"""Convention that the users of a spelling expect."""


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A named formula, read under one spelling and computed under one convention.

    Parameters
    ----------
    name : short and unique within its library
    text : the formula; "" where `missing` says why there is none
    syntax : the spelling: superhet, qlib, worldquant
    convention : see `conventions`
    sign : +1 if a high value has meant a high later return, -1 if a low one, None if nobody says
    meaning : one line in each language ("en", "zh")
    source : where it comes from
    note : what the reader of the source should know, in each language
    missing : why it cannot be computed, in each language
    label : whether it is a target of learning, which may read later sessions
    """

    name: str
    text: str
    syntax: str = "superhet"
    convention: str = "superhet"
    sign: Literal[-1, 1] | None = None
    meaning: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    note: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    label: bool = False

    @cached_property
    def expression(self) -> Expression:
        """The formula, read."""
        return parse(self.text, self.syntax, label=self.label)


Formulas: TypeAlias = Mapping[str, "Expression | str | Formula"]


def read(
    formulas: Formulas,
    *,
    syntax: str = "superhet",
    convention: str | None = None,
    label: bool = False,
) -> dict[str, Formula]:
    """Read all formulas; an error opens with the formula's name.

    Parameters
    ----------
    formulas : name -> text, expression, or a formula of a library (which keeps its own spelling)
    syntax : spelling of the texts
    convention : of all formulas; None takes that of the library's formula, or of the spelling
    label : whether a formula may read later sessions, as a label does

    Raises
    ------
    FormulaError, LookAheadFormula
        with the name and the column
    UnknownName
        if there is no such convention
    """
    if convention is not None and convention not in CONVENTIONS:
        raise UnknownName("convention", convention, CONVENTIONS, "")
    found = {}
    for name, formula in formulas.items():
        try:
            found[name] = _one(name, formula, syntax, convention, label)
        except FormulaError as error:
            message = error.message.split(" (column", 1)[0]
            raise type(error)(f"{name}: {message}", error.formula, error.column) from None
    return found


def _one(
    name: str, formula: Expression | str | Formula, syntax: str, convention: str | None, label: bool
) -> Formula:
    if isinstance(formula, Formula):
        same = convention in (None, formula.convention)
        found = formula if same else replace(formula, convention=str(convention))
    elif isinstance(formula, str):
        chosen = convention or OF_SYNTAX.get(syntax, "superhet")
        found = Formula(name=name, text=formula, syntax=syntax, convention=chosen, label=label)
    else:
        chosen = convention or "superhet"
        found = Formula(name=name, text=repr(formula), convention=chosen, label=label)
    _ = found.expression  # an error is due here, where the name is known
    return found
