"""Build: a nested mapping from YAML -> a checked dataclass, with the path of every mistake.

A component's own dataclass is its schema: its fields are the keys, its annotations the bounds. Unknown
keys are errors with a suggestion; a value out of range names its path, the rule and what came:
``preprocess[0].winsorize.lower: must be at least 0 (got -1)``.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from superhet.errors import ConfigError, UnknownName
from superhet.registry import Registry

T = TypeVar("T")


def build(cls: type[T], raw: object, path: str) -> T:
    """Make a dataclass from a mapping.

    Raises
    ------
    ConfigError
        naming the path of the first wrong value
    UnknownName
        for a key that the dataclass does not have, with a suggestion
    """
    if raw is None:
        raw = {}
    if isinstance(raw, cls):
        return raw
    if not isinstance(raw, Mapping):
        raise ConfigError(path, f"expected keys and values, got {raw!r}")
    _refuse_unknown_keys(cls, raw, path)
    hints = typing.get_type_hints(cls)
    given: dict[str, object] = {}
    for key, value in raw.items():
        nested = _dataclass_in(hints[key])
        where = f"{path}.{key}" if path else str(key)
        empty = value is None and nested is hints[key]  # a key with nothing behind it
        below = nested if isinstance(value, Mapping) or empty else None
        given[key] = build(below, value, where) if below else value
    try:
        return TypeAdapter(cls).validate_python(given)
    except ValidationError as error:
        raise _explain(error, path) from None
    except ConfigError as error:
        if path and not error.key.startswith(path):
            joined = f"{path}.{error.key}" if error.key else path
            raise ConfigError(joined, error.message.removeprefix(f"{error.key}: ")) from None
        raise


@contextmanager
def located(path: str) -> Iterator[None]:
    """Open the message of a configuration error raised inside with where the user wrote it."""
    try:
        yield
    except ConfigError as error:
        if error.key.startswith(path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]):
            raise
        inner = error.message.removeprefix(f"{error.key}: ")
        raise ConfigError(f"{path}.{error.key}" if error.key else path, inner) from None


def component(registry: Registry[Any], raw: object, path: str) -> Any:
    """Make a registered component from ``name`` or ``{name: {parameter: value}}``."""
    parameters: object = {}
    if isinstance(raw, str):
        name = raw
    elif isinstance(raw, Mapping) and len(raw) == 1:
        name, parameters = next(iter(raw.items()))
    else:
        raise ConfigError(
            path, f"expected one name of a {registry.kind}, or name: {{…}}, got {raw!r}"
        )
    cls = registry.get(str(name), path)
    return build(cls, parameters, f"{path}.{name}")


def describe(item: object, registries: Mapping[str, Registry[Any]]) -> object:
    """Turn a built configuration back into plain mappings, components under their names."""
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        values = {
            f.name: describe(getattr(item, f.name), registries)
            for f in dataclasses.fields(item)
            if f.init
        }
        for registry in registries.values():
            if any(registry.get(n) is type(item) for n in registry.names()):
                return {registry.name_of(type(item)): values}
        return values
    if isinstance(item, Mapping):
        return {str(k): describe(v, registries) for k, v in item.items()}
    if isinstance(item, list | tuple):
        return [describe(v, registries) for v in item]
    return item


def _refuse_unknown_keys(cls: type, raw: Mapping[str, object], path: str) -> None:
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    for key in raw:
        if key not in fields:
            raise UnknownName("key", str(key), fields, path)


def _dataclass_in(hint: object) -> type | None:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return hint
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        found = [c for c in typing.get_args(hint) if dataclasses.is_dataclass(c)]
        return found[0] if len(found) == 1 and isinstance(found[0], type) else None
    return None


_RULES = {
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be above {gt:g}",
    "less_than_equal": "must be at most {le:g}",
    "less_than": "must be below {lt:g}",
    "missing": "is required",
}
_KINDS = {
    "literal_error": "must be {expected}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be text",
    "dataclass_type": "must be keys and values",
}


def _explain(error: ValidationError, path: str) -> ConfigError:
    """Say the first mistake; where a key takes several kinds of values and has none of them, name all."""
    found = error.errors(include_url=False)
    first = found[0]
    where, said = _where(first, path), _said(first)
    if first["type"] in _KINDS:
        place = first["loc"][:1]
        others = [e for e in found[1:] if e["loc"][:1] == place and e["type"] in _KINDS]
        kinds = dict.fromkeys(_said(e).removeprefix("must be ") for e in (first, *others))
        said = f"must be {', or '.join(kinds)}"
    got = "" if first["type"] == "missing" else f" (got {first['input']!r})"
    return ConfigError(where, f"{said}{got}")


def _where(found: Any, path: str) -> str:
    for part in found["loc"]:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isidentifier():
            path += f".{part}" if path else part
    return path


def _said(found: Any) -> str:
    rule = _RULES.get(found["type"]) or _KINDS.get(found["type"])
    if rule is None:
        return str(found["msg"][:1].lower() + found["msg"][1:])
    return rule.format(**found.get("ctx", {}))
