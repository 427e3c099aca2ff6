"""Checks: rows that pass or fail, the threshold beside the value.

The rules are data (`factor_checks.toml`); a user's YAML changes thresholds or switches rules off.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from superhet.errors import ConfigError, InputError, UnknownName


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One check.

    Parameters
    ----------
    name : of the rule
    value : path of the number in the factor's JSON
    least, most : bounds, both included; None = no bound
    absolute : whether the sign does not matter
    directed : whether the number is turned by the factor's direction first
    kind : how the number is written
    """

    name: str
    value: str
    least: float | None
    most: float | None
    absolute: bool = False
    directed: bool = False
    kind: str = "n3"

    @property
    def threshold(self) -> float | list[float]:
        """The bound, or both."""
        if self.least is not None and self.most is not None:
            return [self.least, self.most]
        return self.most if self.least is None else self.least  # type: ignore[return-value]  # one is set

    def row(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Check a factor; a number that is not known neither passes nor fails."""
        number = _at(facts, self.value)
        if number is not None and self.absolute:
            number = abs(number)
        if number is not None and self.directed:
            number *= facts.get("direction") or 1
        passed = None
        if number is not None:
            passed = (self.least is None or number >= self.least) and (
                self.most is None or number <= self.most
            )
        bound = {(True, True): "between", (True, False): "at_least", (False, True): "at_most"}
        return {
            "rule": self.name,
            "value": number,
            "threshold": self.threshold,
            "pass": passed,
            "bound": bound[self.least is not None, self.most is not None],
            "kind": self.kind,
        }


def _at(facts: Mapping[str, Any], path: str) -> float | None:
    found: Any = facts
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return None if found is None else float(found)


@cache
def default_rules() -> tuple[Rule, ...]:
    """Give the rules that come with superhet."""
    text = files("superhet.pipeline").joinpath("factor_checks.toml").read_text(encoding="utf-8")
    return tuple(_default(name, facts) for name, facts in tomllib.loads(text).items())


def _default(name: str, facts: Mapping[str, Any]) -> Rule:
    least, most = facts.get("between", [facts.get("at_least"), facts.get("at_most")])
    given = {k: facts[k] for k in ("absolute", "directed", "kind") if k in facts}
    return Rule(name=name, value=facts["value"], least=least, most=most, **given)


def rules_of(path: Path | None) -> Sequence[Rule]:
    """Give the rules, with the thresholds of a user's file.

    Parameters
    ----------
    path : YAML, rule -> threshold, [low, high] or off; None = the rules as they come

    Raises
    ------
    InputError, ConfigError, UnknownName
        naming the file, the rule, and what was meant
    """
    rules = {r.name: r for r in default_rules()}
    if path is None:
        return tuple(rules.values())
    for name, bound in _read(path).items():
        if name not in rules:
            raise UnknownName("rule", str(name), rules, f"{path}")
        rules[name] = _changed(rules[name], bound, f"{path}: {name}")
    return tuple(r for r in rules.values() if r.least is not None or r.most is not None)


def _read(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise InputError(f"--checks: {path}: no such file. Check the path.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"--checks: {path}: not valid YAML: {error}") from None
    found = found.get("rules", found) if isinstance(found, Mapping) else found
    if not isinstance(found, Mapping):
        raise ConfigError(f"{path}", "must be a list of `rule: threshold`, such as `rank_ic: 0.03`")
    return found


def _changed(rule: Rule, bound: Any, key: str) -> Rule:
    if bound is False or bound is None or bound == "off":
        return replace(rule, least=None, most=None)
    if isinstance(bound, list):
        if len(bound) != 2 or not all(_is_number(b) for b in bound) or bound[0] > bound[1]:
            raise ConfigError(key, f"must be two numbers, low and high (got {bound})")
        return replace(rule, least=float(bound[0]), most=float(bound[1]))
    if not _is_number(bound):
        raise ConfigError(key, f"must be a number, [low, high] or off (got {bound!r})")
    if rule.least is not None and rule.most is not None:
        raise ConfigError(key, f"needs [low, high] (got {bound})")
    if rule.least is None:
        return replace(rule, most=float(bound))
    return replace(rule, least=float(bound))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
