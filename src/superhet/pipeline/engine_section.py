"""Section `backtest` of a study: the engine with its keys, and the other engines that keep the same books."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from superhet.backtest import ENGINES, RULES, Engine, FillWindow
from superhet.backtest.engines.outside import OutsideEngine, find_interpreter
from superhet.errors import ConfigError, UnknownName
from superhet.panel import Market
from superhet.pipeline.build import build, component

_ALSO = "backtest.also"
_NATIVE = "native"


def backtest_section(raw: object) -> tuple[Engine, tuple[str, ...]]:
    """Read the section: the word of an engine, or keys and values.

    Returns
    -------
    the engine, and the words of those that are to keep its books too

    Raises
    ------
    ConfigError, UnknownName
        naming the key
    """
    if not isinstance(raw, Mapping):
        made: Engine = component(ENGINES, raw, "backtest")
        return made, ()
    if raw.get("engine") is None:
        raise ConfigError("backtest.engine", f"is required ({', '.join(ENGINES.names())})")
    word = str(raw["engine"])
    keys = {k: v for k, v in raw.items() if k not in {"engine", "also"}}
    engine: Engine = build(ENGINES.get(word, "backtest.engine"), keys, "backtest")
    also = _also(raw.get("also"), word)
    _check(engine, (word, *also))
    return engine, also


def _also(raw: object, engine: str) -> tuple[str, ...]:
    """Read the words of other engines."""
    if raw is None:
        return ()
    if not isinstance(raw, list | tuple):
        raise ConfigError(_ALSO, f"expected a list of engines, got {raw!r}")
    words = [str(word) for word in raw]
    for i, word in enumerate(words):
        ENGINES.get(word, f"{_ALSO}[{i}]")
        if word in {engine, *words[:i]}:
            raise ConfigError(f"{_ALSO}[{i}]", f"{word} keeps the books already. Name it once.")
    if words and _NATIVE not in {engine, *words}:
        raise ConfigError(
            _ALSO, f"books are compared with those of {_NATIVE}. Name it here, or as the engine."
        )
    return tuple(words)


def _check(engine: Any, words: tuple[str, ...]) -> None:
    """Refuse now what would be refused when the money is at stake."""
    RULES.get(getattr(engine, "rules", "none"), "backtest.rules")
    fill = getattr(engine, "fill", None)
    if not isinstance(fill, FillWindow):
        return
    if not re.fullmatch(r"[1-9]\d*min", fill.bars):
        raise ConfigError(
            "backtest.fill.bars", f"must be minute bars such as '5min' (got {fill.bars!r})"
        )
    others = [word for word in words if issubclass(ENGINES.get(word), OutsideEngine)]
    if fill.style != "vwap" and others:
        key = "backtest.engine" if others[0] == words[0] else _ALSO
        raise ConfigError(
            key,
            f"{others[0]} fills an order once a session, and fill.style is {fill.style}. Write style: vwap, "
            "or leave the engine out.",
        )


def bars_of(engine: object) -> str | None:
    """Name the bars that the fills of an engine read; None where they are those of the session."""
    fill = getattr(engine, "fill", None)
    return fill.bars if isinstance(fill, FillWindow) else None


def require_columns(engine: Any, market: Market) -> None:
    """Insist on the daily fields that an engine reads by name, before the long work starts.

    Raises
    ------
    UnknownName
        naming the key
    """
    frictions, lending = getattr(engine, "frictions", None), getattr(engine, "lending", None)
    spread, fee = getattr(frictions, "spread", 0.0), getattr(lending, "fee", None)
    available = getattr(lending, "available", "all")
    named = {
        "frictions.spread": None if spread == "high_low" else spread,
        "lending.fee": fee,
        "lending.available": None if available == "all" else available,
    }
    for key, name in named.items():
        if isinstance(name, str) and name not in market:
            raise UnknownName("daily field", name, market, f"backtest.{key}")


def require_engines(engine: Engine, also: tuple[str, ...]) -> None:
    """Insist that every engine of a study can run, before the long work starts.

    Raises
    ------
    MissingExtra, ConfigError
        naming what to install
    """
    python = getattr(engine, "python", "")
    for name in (ENGINES.name_of(type(engine)), *also):
        cls = ENGINES.get(name)
        if issubclass(cls, OutsideEngine):
            find_interpreter(name, cls.module, python if isinstance(engine, cls) else "")
