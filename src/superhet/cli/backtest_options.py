"""What the options of `superhet backtest` mean: words and numbers -> keys of an engine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_OPTIONS = {
    name: "--" + name.replace("_", "-")
    for name in ("rules", "capital", "fill", "participation", "max_gross")
} | {"cash_rule": "--cash"}
_WINDOW = re.compile(r"^(vwap|twap|participate)\s+(\d\d:\d\d)-(\d\d:\d\d)\s+(\d+min)$")


def engine_settings(
    given: Mapping[str, Any], costs: Sequence[str], others: Sequence[str]
) -> dict[str, Any]:
    """Put options together as a study's `backtest:` would hold them; what was not given is left out.

    Parameters
    ----------
    given : key -> value or None; `fill` and `participation` are words
    costs : NAME=NUMBER
    others : KEY=VALUE, VALUE as in YAML; a dot goes into a part

    Raises
    ------
    ConfigError
        naming the option
    """
    from superhet.errors import ConfigError

    found: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    if "participation" in found:
        found["participation"] = _participation(found["participation"])
    if "fill" in found:
        found["fill"] = _fill(found["fill"])
    for text in costs:
        name, value = _pair(text, "--cost")
        found.setdefault("costs", {})[name] = _number(value, "--cost")
    for text in others:
        path, value = _pair(text, "--set")
        level = found
        *parents, last = path.split(".")
        for parent in parents:
            level = level.setdefault(parent, {})
            if not isinstance(level, dict):
                raise ConfigError("--set", f"{text}: {parent} is one value here, without keys")
        level[last] = _value(value)
    _require_sound(found)
    return found


def _require_sound(settings: Mapping[str, Any]) -> None:
    """Refuse what no engine takes before any data are read, in the words of the options."""
    from superhet.backtest import RULES
    from superhet.errors import ConfigError
    from superhet.pipeline.backtest_engines import NATIVE, make_engine

    if "rules" in settings:
        RULES.get(settings["rules"], "--rules")
    try:
        make_engine(NATIVE, settings)
    except ConfigError as error:
        path = error.key.removeprefix("backtest").removeprefix(".")
        said = error.message.removeprefix(f"{error.key}: ")
        raise ConfigError(_option(path), said) from None


def _option(path: str) -> str:
    """Name the option that sets a key of the engine."""
    if path == "costs" or path.startswith("costs."):
        return f"--cost {path[len('costs.') :]}".rstrip()
    return _OPTIONS.get(path, f"--set {path}".rstrip())


def out_folder(run: Path | None, weights: Path | None, out: Path | None) -> Path:
    """Give the folder to write.

    Raises
    ------
    InputError
        if it is not named and there is no run whose folder it could stand in
    """
    from superhet.errors import InputError

    if out is not None:
        return out
    if run is None or weights is not None:
        raise InputError("--out: is required: the folder to write the books to.")
    return run / "backtest"


def _participation(text: str) -> float | None:
    return None if text == "none" else _number(text, "--participation")


def _fill(text: str) -> Any:
    from superhet.errors import ConfigError

    if text in {"open", "close", "vwap"}:
        return text
    found = _WINDOW.match(text.strip())
    if found is None:
        raise ConfigError(
            "--fill",
            f"expected open, close, vwap, or a window such as 'vwap 09:35-10:30 5min' (got {text!r})",
        )
    style, start, end, bars = found.groups()
    return {"style": style, "start": start, "end": end, "bars": bars}


def _pair(text: str, option: str) -> tuple[str, str]:
    from superhet.errors import ConfigError

    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ConfigError(option, f"write NAME=VALUE (got {text!r})")
    return name.strip(), value.strip()


def _number(text: str, option: str) -> float:
    from superhet.errors import ConfigError

    try:
        return float(text)
    except ValueError:
        raise ConfigError(option, f"expected a number (got {text!r})") from None


def _value(text: str) -> Any:
    import yaml

    from superhet.errors import ConfigError

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError("--set", f"{text!r} is not a YAML value") from None
