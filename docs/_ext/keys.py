"""Keys of a section of the YAML: name, type, default and meaning, read from its dataclass."""

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
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
    if isinstance(get_origin(hint), type) and issubclass(get_origin(hint), Sequence):
        return f"list of {kind(inner[0])}"
    if inner:
        return " or ".join(kind(a) for a in inner)
    nested = dataclasses.is_dataclass(hint) or hasattr(hint, "model_fields")
    return _WORDS.get(hint, "keys" if nested else "a component")


def default(made: Any) -> str:
    """Write a default as YAML does."""
    if made is dataclasses.MISSING:
        return "required"
    if made is None or made in ((), [], {}) or dataclasses.is_dataclass(made):
        return ""
    if isinstance(made, tuple | list):
        return f"`[{', '.join(repr(m) if m == '' else m for m in made)}]`"
    if isinstance(made, bool):
        return f"`{str(made).lower()}`"
    return f"`{made:g}`" if isinstance(made, float) else f"`{made}`"


def fields(cls: Any) -> list[tuple[str, Any]]:
    """Give name and default of each key of a dataclass, or of a pydantic model."""
    if not dataclasses.is_dataclass(cls):
        every = cls.model_fields.items()
        return [
            (
                n,
                dataclasses.MISSING
                if f.is_required()
                else f.get_default(call_default_factory=True),
            )
            for n, f in every
        ]
    made = [(f, f.default_factory) for f in dataclasses.fields(cls) if f.init]
    return [(f.name, f.default if make is dataclasses.MISSING else make()) for f, make in made]


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
    return [[f"`{n}`", kind(hints[n]), default(d), said.get(n, "")] for n, d in fields(cls)]


class Keys(Table):
    """The keys of one section or component."""

    header: ClassVar = ["key", "value", "default", "meaning"]
    rows = staticmethod(keys)


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("keys", Keys)
    return {"parallel_read_safe": True}
