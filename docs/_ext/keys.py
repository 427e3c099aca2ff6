"""Keys of a section of the YAML: name, type, default and meaning, read from its dataclass."""

import dataclasses
import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from markdown_table import Table
from numpydoc.docscrape import NumpyDocString

_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text"}
_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def kind(hint: Any) -> str:
    """Write a type in words."""
    inner = [a for a in get_args(hint) if a not in (Ellipsis, type(None))]
    if hasattr(hint, "__metadata__"):
        marks = [
            f"{s} {getattr(m, n):g}" for m in inner[1:] for n, s in _SIGNS.items() if hasattr(m, n)
        ]
        return f"{kind(inner[0])} {', '.join(marks)}".strip()
    if get_origin(hint) is Literal:
        return " or ".join(f"`{word}`" for word in inner)
    if get_origin(hint) in (dict, Mapping):
        return "keys and values"
    if isinstance(get_origin(hint), type) and issubclass(get_origin(hint), tuple | list):
        return f"list of {kind(inner[0])}"
    if inner:
        return " or ".join(kind(a) for a in inner)
    return _WORDS.get(hint, "keys" if dataclasses.is_dataclass(hint) else "a component")


def default(field: dataclasses.Field[Any]) -> str:
    """Write a default as YAML does."""
    made = (
        field.default_factory()
        if field.default_factory is not dataclasses.MISSING
        else field.default
    )
    if made is dataclasses.MISSING:
        return "required"
    if made is None or made == () or dataclasses.is_dataclass(made):
        return ""
    listed = f"[{', '.join(made)}]" if isinstance(made, tuple) else str(made)
    return f"`{listed.lower() if isinstance(made, bool) else listed}`"


def meanings(cls: type) -> dict[str, str]:
    """Read what the docstrings of a class and its bases say of each parameter."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        for names, first, rest in NumpyDocString(inspect.cleandoc(one.__doc__ or ""))["Parameters"]:
            found |= dict.fromkeys(names.split(", "), " ".join([first, *rest]))
    return found


def keys(place: str) -> list[list[str]]:
    """Give the keys of a dataclass ("superhet.preprocess:Winsorize")."""
    module, name = place.split(":")
    cls = getattr(import_module(module), name)
    hints, said = get_type_hints(cls, include_extras=True), meanings(cls)
    return [
        [f"`{f.name}`", kind(hints[f.name]), default(f), said.get(f.name, "")]
        for f in dataclasses.fields(cls)
        if f.init
    ]


class Keys(Table):
    """The keys of one section or component."""

    header: ClassVar = ["key", "value", "default", "meaning"]
    rows = staticmethod(keys)


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("keys", Keys)
    return {"parallel_read_safe": True}
