"""A study read from YAML is one checked value; written out, it reads back as the same value."""

from __future__ import annotations

import json
import math
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from superhet.errors import ConfigError, InputError, UnknownName
from superhet.pipeline.build import build, component
from superhet.pipeline.config import ATTRIBUTIONS, REGISTRIES, load_config, parse_config
from superhet.pipeline.schema import config_schema
from superhet.pipeline.stages import members
from superhet.portfolio import RankLongShort
from superhet.testing.studies import tiny_study, write_study

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
COMPONENTS = [(room, name) for room, registry in REGISTRIES.items() for name in registry.names()]
KINDS = {
    "string": str,
    "integer": int,
    "array": list,
    "object": dict,
    "boolean": bool,
    "null": type(None),
}


def study(**changes: Any) -> dict[str, Any]:
    return tiny_study("stores/tiny", **changes)


def written_out(config) -> Any:
    """What a run folder's config.yaml says, read back."""
    return yaml.safe_load(yaml.safe_dump(config.resolved, allow_unicode=True, sort_keys=False))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_every_example_is_read_and_its_resolved_form_means_the_same(path):
    config = load_config(path)
    again = parse_config(written_out(config))
    assert again == config
    assert again.fingerprint == config.fingerprint
    assert members(config), "every formula and every pick of a library is known"


def test_the_tiny_study_means_the_same_when_written_out(tmp_path):
    config = parse_config(study())
    assert load_config(write_study(tmp_path / "tiny.yaml", study())) == config
    assert parse_config(written_out(config)) == config


@pytest.mark.parametrize(("room", "name"), COMPONENTS)
def test_every_component_is_built_from_its_name_and_written_out_again(room, name):
    registry = REGISTRIES[room]
    needed = [f.name for f in fields(registry.get(name)) if _is_required(f)]
    if needed:
        with pytest.raises(ConfigError, match=rf"{room}.{name}.{needed[0]}: is required"):
            component(registry, name, room)
        return
    built = component(registry, name, room)
    assert type(built) is registry.get(name)
    assert component(registry, {name: {}}, room) == built
    assert component(registry, {name: None}, room) == built
    if room in {"preprocess", "synthesis"}:
        section = {"preprocess": [name]} if room == "preprocess" else {"synthesis": {"model": name}}
    else:
        section = {room: name}
    config = parse_config({**study(), **section})
    assert parse_config(written_out(config)) == config


def _is_required(field) -> bool:
    return field.init and field.default is MISSING and field.default_factory is MISSING


def test_defaults_are_written_out_too():
    resolved = parse_config(study()).resolved
    assert resolved["mix"] == {"clock": "1d"}
    assert resolved["seed"] == 7
    assert resolved["portfolio"]["rank_long_short"]["power"] == 1.5
    assert set(resolved["synthesis"]["model"]) == {"ridge"}


def test_the_fingerprint_depends_on_meaning_and_not_on_spelling():
    config = parse_config(study())
    shuffled = dict(reversed(study().items()))
    assert parse_config(shuffled).fingerprint == config.fingerprint
    assert parse_config(study(seed=7)).fingerprint == config.fingerprint, "a default said aloud"
    assert parse_config(study(seed=8)).fingerprint != config.fingerprint
    words = study(market={"universe": "all"}), study(market={"universe": {"index": "all"}})
    assert parse_config(words[0]) == parse_config(words[1])
    dates = (
        study(market={"start": "2018-01-31"}),
        study(market={"start": yaml.safe_load("2018-01-31")}),
    )
    assert parse_config(dates[0]) == parse_config(dates[1])


def test_a_study_without_a_name_has_that_of_its_file(tmp_path):
    file = write_study(tmp_path / "momentum.yaml", study(name=None))
    assert load_config(file).name == "momentum"


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ("seed=8", lambda c: c.seed == 8),
        ("market.start=2018-02-01", lambda c: c.market.start == "2018-02-01"),
        ("market.universe.new_listing=5", lambda c: c.market.universe.new_listing == 5),
        ("synthesis.model=equal", lambda c: type(c.synthesis.model).__name__ == "Equal"),
        ("synthesis.model={ridge: {penalty: 2.0}}", lambda c: c.synthesis.model.penalty == 2.0),
        ("synthesis.target.horizon=10", lambda c: c.synthesis.target.reach == 11),
        ("portfolio.rank_long_short.power=2", lambda c: c.portfolio.power == 2.0),
        ("report.language=zh", lambda c: c.report.language == "zh"),
        ("audit=null", lambda c: c.audit is None),
        ("mix.clock=1w", lambda c: c.mix.clock == "1w"),
        ("attribution=[cost]", lambda c: c.attribution == ("cost",)),
        ("name=other", lambda c: c.name == "other"),
    ],
)
def test_an_override_changes_one_key(override, found, tmp_path):
    file = write_study(tmp_path / "tiny.yaml", study())
    changed, plain = load_config(file, [override]), load_config(file)
    assert found(changed)
    assert not found(plain)


def test_later_overrides_win(tmp_path):
    file = write_study(tmp_path / "tiny.yaml", study())
    assert load_config(file, ["seed=1", "seed=2"]).seed == 2


def test_an_override_that_is_no_override_is_refused(tmp_path):
    file = write_study(tmp_path / "tiny.yaml", study())
    with pytest.raises(InputError, match="override 'seed': write section.key=value"):
        load_config(file, ["seed"])
    with pytest.raises(UnknownName, match="unknown key 'sed'; did you mean 'seed'"):
        load_config(file, ["sed=3"])


@pytest.mark.parametrize(
    ("path", "raw", "message"),
    [
        ("", {"powr": 2}, r"^x: unknown key 'powr'; did you mean 'power'\?"),
        ("", {"power": "two"}, r"^x.power: .* \(got 'two'\)"),
        ("", {"long": 0}, r"^x.long: must be above 0"),
        ("", [1], r"^x: expected keys and values, got \[1\]"),
    ],
)
def test_a_mistake_is_named_by_its_path(path, raw, message):
    with pytest.raises(ConfigError, match=message):
        build(RankLongShort, raw, "x")


@pytest.mark.parametrize("raw", [["winsorize"], {"winsorize": {}, "standardize": {}}, 5, None])
def test_a_component_is_one_name(raw):
    with pytest.raises(ConfigError, match="expected one name of a transformer, or name: "):
        component(REGISTRIES["preprocess"], raw, "preprocess[0]")


# --- the JSON Schema -----------------------------------------------------------------------------


def problems(
    value: Any, schema: dict[str, Any], whole: dict[str, Any], path: str = ""
) -> list[str]:
    """Hold a value against the keywords that the schema uses; an independent reading of the standard."""
    if "$ref" in schema:
        return problems(value, _pointed(schema["$ref"], whole), whole, path)
    found = _own_problems(value, schema, path)
    if "anyOf" in schema and all(problems(value, s, whole, path) for s in schema["anyOf"]):
        found.append(f"{path}: {value!r} fits none of the alternatives")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{path}: {k} is missing" for k in schema.get("required", []) if k not in value]
        for key, inner in value.items():
            if key in known:
                found += problems(inner, known[key], whole, f"{path}.{key}")
            elif schema.get("additionalProperties") is False:
                found.append(f"{path}: unknown key {key}")
    if isinstance(value, list):
        for i, inner in enumerate(value):
            first = schema.get("prefixItems", [])
            rule = first[i] if i < len(first) else schema.get("items", {})
            found += problems(inner, rule, whole, f"{path}[{i}]") if rule else []
    return found


def _pointed(pointer: str, whole: Any) -> Any:
    assert pointer.startswith("#/")
    for key in pointer[2:].split("/"):
        whole = whole[key]
    return whole


def _own_problems(value: Any, schema: dict[str, Any], path: str) -> list[str]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    kind = schema.get("type")
    fits = number if kind == "number" else isinstance(value, KINDS.get(kind, object))
    rules = {
        "type": fits and not (kind == "integer" and isinstance(value, bool)),
        "enum": value in schema.get("enum", [value]),
        "const": value == schema.get("const", value),
        "minimum": not number or value >= schema.get("minimum", value),
        "maximum": not number or value <= schema.get("maximum", value),
        "exclusiveMinimum": not number or value > schema.get("exclusiveMinimum", -math.inf),
        "exclusiveMaximum": not number or value < schema.get("exclusiveMaximum", math.inf),
        "minItems": not isinstance(value, list) or len(value) >= schema.get("minItems", 0),
        "maxItems": not isinstance(value, list) or len(value) <= schema.get("maxItems", len(value)),
    }  # fmt: skip
    return [f"{path}: {value!r} breaks {rule}" for rule, kept in rules.items() if not kept]


KEYWORDS = {
    "$schema", "$defs", "$ref", "title", "description", "default", "type", "enum", "const", "anyOf",
    "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
}  # fmt: skip


def schemas_in(schema: Any):
    """Give a schema and all schemas inside it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += [*schema.get("anyOf", []), *schema.get("prefixItems", [])]
    inner += [schema["items"]] if isinstance(schema.get("items"), dict) else []
    for part in inner:
        yield from schemas_in(part)


def plain(path: Path) -> Any:
    """An example as an editor sees it: dates are text."""
    return json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))


def test_the_schema_uses_known_words_and_every_reference_leads_somewhere():
    schema = json.loads(json.dumps(config_schema()))
    for part in schemas_in(schema):
        assert set(part) <= KEYWORDS, part
        if "$ref" in part:
            assert _pointed(part["$ref"], schema)
        if "properties" in part:
            assert part["additionalProperties"] is False
            assert set(part.get("required", [])) <= set(part["properties"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_the_schema_accepts_every_example(path):
    schema = config_schema()
    assert problems(plain(path), schema, schema) == []


def test_the_schema_accepts_what_is_written_out():
    schema, config = config_schema(), parse_config(study())
    resolved = json.loads(json.dumps(written_out(config)))
    assert problems(study(), schema, schema) == []
    assert problems(resolved, schema, schema) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"preprocess": ["winsorise"]},
        {"preprocess": [{"winsorize": {"mad": -1}}]},
        {"preprocess": [{"winsorize": {"madd": 5}}]},
        {"market": {"univers": "all"}},
        {"market": {"simulate": {"assets": 5}}},
        {"synthesis": {"target": {"horizon": 0}}},
        {"synthesis": {"model": "rigde"}},
        {"portfolio": None},
        {"backtest": {"fill": "noon"}},
        {"backtest": {"engine": "other"}},
        {"backtest": {"fill": {"strat": "09:30"}}},
        {"backtest": {"lending": {"avail": "x"}}},
        {"backtest": {"frictions": {"impact": 99}}},
        {"backtest": {"cash_rule": "scael"}},
        {"backtest": {"also": ["native"]}},
        {"backtest": {"also": ["other"]}},
        {"risk": {"keep_outlier": True}},
        {"attribution": ["sector"]},
        {"report": {"language": "fr"}},
        {"audit": {"dates": 0}},
        {"seed": -1},
        {"dtype": "float16"},
        {"unknown": 1},
    ],
    ids=str,
)
def test_the_schema_refuses_what_the_reader_refuses(changes):
    schema, bad = config_schema(), study(**changes)
    assert problems(json.loads(json.dumps(bad)), schema, schema)
    with pytest.raises(InputError):
        parse_config(bad)


def test_the_schema_accepts_all_that_an_engine_can_be_told():
    told = {
        "fill": {"bars": "15min", "start": "09:30", "end": "10:30", "style": "vwap"},
        "cash_rule": "scale",
        "costs": {"cash_interest": "risk_free", "margin": 0.07},
        "frictions": {"spread": "high_low", "impact": 1.0},
        "lending": {"fee": "borrow_fee", "available": "lendable", "recall": False},
        "also": ["backtrader", "vnpy", "qlib"],
    }
    schema, asked = config_schema(), study(backtest=told)
    assert problems(asked, schema, schema) == []
    assert problems(json.loads(json.dumps(written_out(parse_config(asked)))), schema, schema) == []


def test_the_schema_offers_every_component_and_every_word():
    text = json.dumps(config_schema())
    for _, name in COMPONENTS:
        assert re.search(rf'"{name}"', text), name
    assert json.dumps(list(ATTRIBUTIONS)) in text


def test_a_model_is_compared_once(tiny_store):
    study = tiny_study(
        tiny_store.path, synthesis={"compare": ["ridge", {"ridge": {"penalty": 1.0}}]}
    )
    with pytest.raises(ConfigError, match=r"synthesis.compare\[1\]: 'ridge' is there already"):
        parse_config(study)
