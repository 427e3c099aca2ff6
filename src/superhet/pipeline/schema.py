"""Schema: the JSON Schema of a study, made from the same dataclasses that check it."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticOmit

from superhet.pipeline.config import REGISTRIES, Config
from superhet.registry import Registry


def config_schema() -> dict[str, Any]:
    """Give the JSON Schema of the YAML; components are offered by name."""
    hints = typing.get_type_hints(Config)
    words = {
        "preprocess": {"type": "array", "items": _choice(REGISTRIES["preprocess"])},
        "synthesis": _synthesis(),
        "portfolio": _choice(REGISTRIES["portfolio"]),
        "backtest": _choice(REGISTRIES["backtest"]),
    }
    properties = {
        f.name: words[f.name] if f.name in words else _of(hints[f.name])
        for f in dataclasses.fields(Config)
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "superhet study",
        "type": "object",
        "properties": properties,
        "required": ["market", "signals", "synthesis", "portfolio", "backtest"],
        "additionalProperties": False,
    }


class _Words(GenerateJsonSchema):
    """Leaves out the parameters that only Python can give, such as a Cube of exposures."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Any:
        raise PydanticOmit


def _of(hint: Any) -> dict[str, Any]:
    return TypeAdapter(hint).json_schema(schema_generator=_Words)


def _choice(registry: Registry[Any]) -> dict[str, Any]:
    named = {
        name: {
            "type": "object",
            "properties": {name: _of(registry.get(name))},
            "required": [name],
            "additionalProperties": False,
        }
        for name in registry.names()
    }
    return {"anyOf": [{"enum": registry.names()}, *named.values()]}


def _synthesis() -> dict[str, Any]:
    from superhet.panel import WalkForward
    from superhet.pipeline.config import TargetSection

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
        "additionalProperties": False,
    }
