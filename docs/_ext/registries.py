"""Tables of operators, spellings, libraries and components, read from the code when the docs are built."""

from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from markdown_table import Table

from superhet.factors import CONVENTIONS, LIBRARIES, OPERATORS, Operator, compute, library
from superhet.factors.spelling import DIALECTS
from superhet.factors.spelling.table import Rule
from superhet.factors.spelling.table import Table as Words

_UNITS = {
    "first": "of the first",
    "same": "all alike",
    "compare": "ratio; all alike",
    "choice": "of the two sides, alike",
    "multiply": "product",
    "divide": "quotient",
    "power": "power",
    "root": "root",
    "square": "square",
    "product": "power of the window",
    "none": "ratio",
}
_DISAGREED = (
    "ts_mean(x, 3)",
    "ts_std(x, 3)",
    "ts_rank(x, 3)",
    "ts_idxmax(x, 3)",
    "ts_ema(x, 3)",
    "x > 2",
    "x != 2",
    "ts_count(x > 2, 3)",
    "1 / (x - 2)",
    "1 / (x - 2) > 1",
    "ts_mean(1 / (x - 2), 3)",
)


def operators(family: str) -> list[list[str]]:
    """Give how an operator is called, what it gives and what it needs, for one family."""
    chosen = [known for known in map(OPERATORS.get, OPERATORS) if known.family == family]
    return [
        [
            f"`{o.signature}`" + (f" · `x {o.symbol} y`" if o.symbol else ""),
            o.summary,
            _UNITS[o.unit],
            o.needs,
            back(o),
            least(o),
            o.missing,
        ]
        for o in chosen
    ]


def back(known: Operator) -> str:
    """Write the look-back in words: a look-back is a multiple of a parameter and a constant."""
    whole = [p.name for p in known.arguments if p.role.name == "whole"][:1]
    if known.name in ("ts_ema", "ts_ewm", "ts_sma"):
        return "to 1e-10 of weight"
    if known.family not in ("time_series", "statements") or not whole:
        return str(known.rows())
    slope = known.rows(20) - known.rows(19)
    constant = known.rows(19) - 19 * slope
    return f"{slope if slope > 1 else ''} {whole[0]} {f'− {-constant}' if constant else ''}".strip()


def least(known: Operator) -> str:
    """Write how many rows a window through time needs under any convention."""
    if known.family != "time_series" or known.missing == "propagates":
        return ""
    return str(known.least if known.missing == "skips" else 0)


def functions(syntax: str) -> list[list[str]]:
    """Give the functions of a spelling, their other names, and what they are in superhet's."""
    known = words(syntax).functions
    names: dict[int, list[str]] = {}
    for name, its_rules in known.items():
        names.setdefault(id(its_rules), []).append(name)
    rows = []
    for its_rules in {id(r): r for r in known.values()}.values():
        others = names[id(its_rules)][1:]
        also = ", ".join(f"`{n}`" for n in others)
        rows += [[f"`{r.written}`", also if r is its_rules[0] else "", meant(r)] for r in its_rules]
    return rows


def names(syntax: str) -> list[list[str]]:
    """Give the fields of a spelling that have other names in superhet's."""
    return [[f"`{r.written}`", meant(r)] for r in words(syntax).fields.values()]


def words(syntax: str) -> Words:
    """Give the table of a spelling."""
    reader: Any = DIALECTS[syntax].reader
    found: Words = reader.table
    return found


def meant(rule: Rule) -> str:
    """Write what a rule says."""
    return f"not read: {rule.refusal}" if rule.refusal else f"`{rule.meaning}`"


def conventions(series: str) -> list[list[str]]:
    """Compute some formulas of one asset ("1 nan 3") under each convention."""
    x = np.array([float(word) for word in series.split()])

    def shown(text: str, convention: str) -> str:
        values = compute(text, convention=convention, x=x)
        return "\u2002".join("·" if np.isnan(v) else f"{v:.3g}" for v in values)

    return [[f"`{text}`", *(shown(text, c) for c in CONVENTIONS)] for text in _DISAGREED]


def libraries(_: str) -> list[list[str]]:
    """Give name, title, number of formulas, spelling, convention and fields of each library."""
    rows = []
    for name in LIBRARIES:
        made = [f for f in library(name) if f.text]
        read = {(level, word) for f in made for level, word in f.expression.names}
        short = len(library(name)) - len(made)
        count = f"{len(made)}" + (f" of {len(library(name))}" if short else "")
        fields = ", ".join(f"`{w}`" for w in sorted({word for _, word in read}))
        back_ = max(f.expression.lookback for f in made)
        rows.append(
            [
                f"`{name}`",
                LIBRARIES[name].title["en"],
                count,
                made[0].syntax,
                made[0].convention,
                str(back_),
                fields,
            ]
        )
    return rows


def formulas(name: str) -> list[list[str]]:
    """Give name, expected sign, formula, meaning and source of a library."""
    return [
        [f.name, {1: "+", -1: "−", None: ""}[f.sign], f"`{f.text}`", f.meaning["en"], f.source]
        for f in library(name)
    ]


def components(place: str) -> list[list[str]]:
    """Give word, class and meaning of the components of a registry ("superhet.preprocess:TRANSFORMERS")."""
    module, registry = place.split(":")
    found = getattr(import_module(module), registry)
    docs = {name: (found.get(name).__name__, found.get(name).__doc__) for name in found}
    return [[f"`{n}`", f"`{c}`", str(d).strip().split("\n", 1)[0]] for n, (c, d) in docs.items()]


class Operators(Table):
    """The operators of one family."""

    header: ClassVar = [
        "operator",
        "what it gives",
        "unit",
        "needs",
        "look-back",
        "least known",
        "NaN",
    ]
    rows = staticmethod(operators)


class Functions(Table):
    """The functions of one spelling."""

    header: ClassVar = ["written", "also", "is"]
    rows = staticmethod(functions)


class Names(Table):
    """The fields of one spelling that superhet names otherwise."""

    header: ClassVar = ["written", "is"]
    rows = staticmethod(names)


class Conventions(Table):
    """The same formulas under each convention."""

    header: ClassVar = ["formula", *(f"`{c}`" for c in CONVENTIONS)]
    final_argument_whitespace = True
    rows = staticmethod(conventions)


class Libraries(Table):
    """All libraries."""

    header: ClassVar = [
        "library",
        "what it is",
        "formulas",
        "spelling",
        "convention",
        "look-back",
        "reads",
    ]
    rows = staticmethod(libraries)


class Library(Table):
    """The formulas of one library."""

    header: ClassVar = ["name", "sign", "formula", "meaning", "source"]
    rows = staticmethod(formulas)


class Components(Table):
    """The components of one registry."""

    header: ClassVar = ["word", "class", "meaning"]
    rows = staticmethod(components)


def setup(app: Any) -> dict[str, bool]:
    """Register the directives."""
    for name, directive in (
        ("operators", Operators),
        ("spelling-functions", Functions),
        ("spelling-fields", Names),
        ("conventions", Conventions),
        ("libraries", Libraries),
        ("library", Library),
        ("components", Components),
    ):
        app.add_directive(name, directive)
    return {"parallel_read_safe": True}
