"""Schema: the JSON Schema of a study, made from the same dataclasses that check it."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from superhet.panel import WalkForward
from superhet.pipeline.config import ATTRIBUTIONS, REGISTRIES, SECTIONS, Config
from superhet.pipeline.sections import RiskSection, TargetSection
from superhet.registry import Registry


def config_schema() -> dict[str, Any]:
    """Give the JSON Schema of the YAML; components are offered by name."""
    hints = typing.get_type_hints(Config, include_extras=True)
    words = {
        "preprocess": {"type": "array", "items": _choice(REGISTRIES["preprocess"])},
        "synthesis": _synthesis(),
        "risk": {"anyOf": [{"type": "string"}, _of(RiskSection)]},
        "portfolio": _choice(REGISTRIES["portfolio"]),
        "backtest": _engine(REGISTRIES["backtest"]),
        "attribution": {"type": "array", "items": {"enum": list(ATTRIBUTIONS)}},
    }
    properties = {name: words[name] if name in words else _of(hints[name]) for name in SECTIONS}
    rule = properties["market"]["properties"]["universe"]
    properties["market"]["properties"]["universe"] = {"anyOf": [{"type": "string"}, rule]}
    definitions: dict[str, Any] = {}
    for part in _objects(properties):
        definitions.update(part.pop("$defs", {}))
    for part in (*_objects(properties), *_objects(definitions)):
        if "properties" in part:
            part["additionalProperties"] = False
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "superhet study",
        "type": "object",
        "properties": properties,
        "required": ["market", "signals", "synthesis", "portfolio", "backtest"],
        "additionalProperties": False,
        "$defs": definitions,
    }


class _Words(GenerateJsonSchema):
    """Offers null for what only Python can give, such as a Cube of exposures."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> dict[str, Any]:
        return {"type": "null"}


def _of(hint: Any) -> dict[str, Any]:
    return TypeAdapter(hint).json_schema(schema_generator=_Words)


def _objects(tree: Any) -> Iterator[dict[str, Any]]:
    """Give every mapping of a schema, outer ones first."""
    if isinstance(tree, dict):
        yield tree
    for inner in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(inner, dict | list):
            yield from _objects(inner)


def _choice(registry: Registry[Any]) -> dict[str, Any]:
    """Offer a name, or a name with its parameters."""
    with_parameters = [
        {"type": "object", "properties": {name: _of(registry.get(name))}, "required": [name]}
        for name in registry.names()
    ]
    return {"anyOf": [{"enum": registry.names()}, *with_parameters]}


def _engine(registry: Registry[Any]) -> dict[str, Any]:
    """Offer the engines; the name stands beside the parameters, and so do those of other engines."""
    offered = []
    for name in registry.names():
        schema = _of(registry.get(name))
        others = [other for other in registry.names() if other != name]
        schema["properties"]["engine"] = {"const": name}
        schema["properties"]["also"] = {"type": "array", "items": {"enum": others}}
        schema["required"] = [*schema.get("required", []), "engine"]
        offered.append(schema)
    return {"anyOf": [{"enum": registry.names()}, *offered]}


def _synthesis() -> dict[str, Any]:
    choice = _choice(REGISTRIES["synthesis"])
    return {
        "type": "object",
        "properties": {
            "model": choice,
            "target": _of(TargetSection),
            "folds": _of(WalkForward),
            "compare": {"type": "array", "items": choice},
            "subsets": {"type": "boolean"},
        },
        "required": ["model"],
    }
