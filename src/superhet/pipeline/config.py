"""Config: one YAML file -> one checked, frozen value that every stage reads.

Sections are dataclasses in the order of the research process. A component (a transformer, a
synthesizer, a portfolio rule, an engine) is named by its word and carries its own parameters; see
`superhet schema` for all words. Overrides from the command line are written ``section.key=value``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args

import yaml
from annotated_types import Ge

from superhet.backtest import ENGINES, Engine
from superhet.errors import ConfigError, InputError, UnknownName
from superhet.panel import WalkForward, sessions
from superhet.pipeline.build import build, component, describe
from superhet.pipeline.engine_section import backtest_section
from superhet.pipeline.risk_section import risk_section
from superhet.pipeline.sections import (
    AuditSection,
    MarketSection,
    MixSection,
    ReportSection,
    RiskSection,
    SignalSection,
    SynthesisSection,
    TargetSection,
)
from superhet.pipeline.signals import signal_sections
from superhet.portfolio import PORTFOLIO_RULES, PortfolioRule
from superhet.preprocess import TRANSFORMERS, Transformer
from superhet.registry import Registry
from superhet.synthesis import SYNTHESIZERS

DType: TypeAlias = Literal["float32", "float64"]
ATTRIBUTIONS = ("industry", "side", "size", "cost")
REGISTRIES: Mapping[str, Registry[Any]] = {
    "preprocess": TRANSFORMERS,
    "synthesis": SYNTHESIZERS,
    "portfolio": PORTFOLIO_RULES,
    "backtest": ENGINES,
}


@dataclass(frozen=True, kw_only=True)
class Config:
    """A whole study; see the section classes for their keys.

    `also` stands in the section `backtest`, beside the keys of the engine.
    """

    name: str
    market: MarketSection
    signals: tuple[SignalSection, ...]
    mix: MixSection
    preprocess: tuple[Transformer, ...] = ()
    synthesis: SynthesisSection
    risk: RiskSection | None = None
    portfolio: PortfolioRule
    backtest: Engine
    also: tuple[str, ...] = ()
    attribution: tuple[str, ...] = ("industry", "side")
    report: ReportSection
    audit: AuditSection | None = None
    seed: Annotated[int, Ge(0)] = 7
    dtype: DType = "float32"

    @property
    def resolved(self) -> dict[str, object]:
        """Give every key with its value, defaults included, components under their words.

        A study without a risk model, or without other engines, does not name them: its runs are those of
        before there were such keys.
        """
        engine = describe(self.backtest, {})
        assert isinstance(engine, dict)
        also = {"also": list(self.also)} if self.also else {}
        keys = [n for n in SECTIONS if n != "risk" or self.risk is not None]
        return {
            **{n: describe(getattr(self, n), REGISTRIES) for n in keys},
            "backtest": {"engine": ENGINES.name_of(type(self.backtest)), **engine, **also},
        }

    @property
    def fingerprint(self) -> str:
        """Hash the resolved configuration."""
        text = json.dumps(self.resolved, sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


SECTIONS = tuple(n for n in Config.__dataclass_fields__ if n != "also")
"""Keys at the top of a study."""


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a YAML file, apply ``section.key=value`` overrides, and check everything.

    Raises
    ------
    InputError
        if the file is missing or is not YAML
    ConfigError
        naming the path of the first wrong key or value
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            f"{file}: no such configuration file. Check the path, or start from one of examples/*.yaml."
        ) from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read as a configuration: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file}: not UTF-8 ({error.reason} at byte {error.start}). Save it as UTF-8."
        ) from None
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{file}: not valid YAML: {error}") from None
    if not isinstance(raw, dict):
        raise InputError(f"{file}: expected keys and values at the top, got {type(raw).__name__}")
    raw.setdefault("name", file.stem)
    for override in overrides:
        _override(raw, override)
    return parse_config(raw, file.parent)


def parse_config(raw: Mapping[str, object], folder: Path = Path()) -> Config:
    """Check a nested mapping and make the configuration of it; files of it are named from `folder`."""
    for key in raw:
        if key not in SECTIONS:
            raise UnknownName("key", str(key), SECTIONS)
    for key in ("market", "signals", "synthesis", "portfolio", "backtest"):
        if raw.get(key) is None:
            raise ConfigError(key, "is required")
    audit = raw.get("audit")
    engine, also = backtest_section(raw["backtest"])
    return Config(
        name=_name(raw.get("name", "study")),
        market=build(MarketSection, _market(raw["market"]), "market"),
        signals=signal_sections(raw["signals"], folder),
        mix=build(MixSection, raw.get("mix"), "mix"),
        preprocess=_components(TRANSFORMERS, raw.get("preprocess"), "preprocess"),
        synthesis=_synthesis(raw["synthesis"]),
        risk=risk_section(raw.get("risk"), folder),
        portfolio=component(PORTFOLIO_RULES, raw["portfolio"], "portfolio"),
        backtest=engine,
        also=also,
        attribution=_attribution(raw.get("attribution", ["industry", "side"])),
        report=build(ReportSection, raw.get("report"), "report"),
        audit=None if audit is None else build(AuditSection, audit, "audit"),
        seed=_seed(raw.get("seed", 7)),
        dtype=_dtype(raw.get("dtype", "float32")),
    )


def _name(raw: object) -> str:
    name = str(raw)
    if not re.fullmatch(r"[\w.-]{1,80}", name):
        raise ConfigError("name", f"use letters, digits, - _ and . only (got {raw!r})")
    return name


def _seed(raw: object) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or raw < 0:
        raise ConfigError("seed", f"must be a whole number of at least 0 (got {raw!r})")
    return raw


def _dtype(raw: object) -> DType:
    for word in get_args(DType):
        if raw == word:
            found: DType = word
            return found
    raise ConfigError("dtype", f"must be one of {', '.join(get_args(DType))} (got {raw!r})")


def _components(registry: Registry[Any], raw: object, path: str) -> tuple[Any, ...]:
    items = _listed(raw or [], path)
    return tuple(component(registry, item, f"{path}[{i}]") for i, item in enumerate(items))


def _attribution(raw: object) -> tuple[str, ...]:
    chosen = [str(item) for item in _listed(raw or [], "attribution")]
    for i, item in enumerate(chosen):
        if item not in ATTRIBUTIONS:
            allowed = ", ".join(ATTRIBUTIONS)
            raise ConfigError(f"attribution[{i}]", f"must be one of {allowed} (got {item!r})")
    return tuple(chosen)


def _market(raw: object) -> object:
    if not isinstance(raw, Mapping):
        return raw
    plain = dict(raw)
    for key in ("start", "end"):
        if plain.get(key) is not None:
            plain[key] = _day(plain[key], f"market.{key}")
    start, end = plain.get("start"), plain.get("end")
    if start and end and start > end:
        raise ConfigError("market.start", f"lies after market.end ({start} > {end})")
    if isinstance(plain.get("universe"), str):
        plain["universe"] = {"index": plain["universe"]}
    return plain


def _day(raw: object, path: str) -> str:
    try:
        return date.fromisoformat(str(raw)).isoformat()
    except ValueError:
        raise ConfigError(path, f"must be a date like 2018-01-31 (got {raw!r})") from None


def _synthesis(raw: object) -> SynthesisSection:
    if not isinstance(raw, Mapping):
        raise ConfigError("synthesis", f"expected keys and values, got {raw!r}")
    known = set(SynthesisSection.__dataclass_fields__)
    unknown = {k: v for k, v in raw.items() if k not in known}
    if unknown:
        build(SynthesisSection, unknown, "synthesis")
    if raw.get("model") is None:
        raise ConfigError("synthesis.model", "is required")
    target = build(TargetSection, raw.get("target"), "synthesis.target")
    folds = build(WalkForward, raw.get("folds"), "synthesis.folds")
    for key in ("train", "test", "purge", "embargo"):
        sessions(getattr(folds, key), f"synthesis.folds.{key}")
    return SynthesisSection(
        model=component(SYNTHESIZERS, raw["model"], "synthesis.model"),
        target=target,
        folds=folds,
        compare=_compared(raw.get("compare")),
        subsets=bool(raw.get("subsets", True)),
    )


def _compared(raw: object) -> tuple[Any, ...]:
    models = _components(SYNTHESIZERS, raw, "synthesis.compare")
    words = [SYNTHESIZERS.name_of(type(model)) for model in models]
    for i, word in enumerate(words):
        if word in words[:i]:
            raise ConfigError(
                f"synthesis.compare[{i}]",
                f"{word!r} is there already; the report shows one column a word. Compare two settings "
                "of one model by two runs (superhet runs compare).",
            )
    return models


def _listed(raw: object, path: str) -> list[object]:
    if not isinstance(raw, list | tuple):
        raise ConfigError(path, f"expected a list, got {raw!r}")
    return list(raw)


def _override(raw: dict[str, Any], override: str) -> None:
    path, separator, text = override.partition("=")
    if not separator:
        raise InputError(f"override {override!r}: write section.key=value")
    *parents, last = path.split(".")
    level: Any = raw
    for parent in parents:
        if not isinstance(level.get(parent), dict):
            level[parent] = {}
        level = level[parent]
    try:
        level[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"override {override!r}: {text!r} is not a YAML value") from None
