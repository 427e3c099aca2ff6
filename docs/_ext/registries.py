"""Tables of operators, libraries and components, read from the registries when the docs are built."""

from importlib import import_module
from typing import Any, ClassVar

from markdown_table import Table

from superhet.factors import OPERATORS, Operator, library


def operators(family: str) -> list[list[str]]:
    """Give operator, spelling, meaning, look-back and what a NaN does, for one family."""
    chosen = [known for known in map(OPERATORS.get, OPERATORS) if known.family == family]
    return [
        [f"`{o.signature}`", f"`x {o.symbol} y`" if o.symbol else "", o.summary, back(o), o.missing]
        for o in chosen
    ]


def back(known: Operator) -> str:
    """Write the look-back in words: a look-back is a multiple of a parameter and a constant."""
    whole = [p.name for p in known.arguments if p.role.name == "whole"][:1]
    if known.family not in ("time_series", "statements") or not whole:
        return str(known.rows())
    slope = known.rows(20) - known.rows(19)
    least = known.rows(19) - 19 * slope
    return f"{slope if slope > 1 else ''} {whole[0]} {f'− {-least}' if least else ''}".strip()


def formulas(name: str) -> list[list[str]]:
    """Give name, expected sign, formula, meaning and source of a library."""
    return [
        [f.name, "+" if f.sign > 0 else "−", f"`{f.text}`", f.meaning, f.source]
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

    header: ClassVar = ["operator", "also written", "what it gives", "look-back", "NaN"]
    rows = staticmethod(operators)


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
        ("library", Library),
        ("components", Components),
    ):
        app.add_directive(name, directive)
    return {"parallel_read_safe": True}
