"""A book for another tool: the tape of weights and market, as a folder which that tool runs alone."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superhet.backtest.taping import TapedEngine
from superhet.errors import UnknownName
from superhet.panel import Panel
from superhet.pipeline.artifacts import Artifacts
from superhet.pipeline.backtest_engines import NATIVE, make_engine, merged

if TYPE_CHECKING:
    from superhet.backtest.tape import Tape
    from superhet.pipeline.backtest import Book

TARGETS = ("backtrader", "vnpy", "qlib")
_ROOM = "superhet.backtest"


def export_book(target: str, book: Book, settings: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write a folder which another tool runs alone.

    Parameters
    ----------
    target : "backtrader", "vnpy" or "qlib"
    book : weights and market
    settings : of the engine, over those of the book
    out : folder, made here

    Returns
    -------
    target, assets, sessions, decisions, files (at the top of the folder), out

    Raises
    ------
    UnknownName
        for another tool
    ConfigError, DataError
        if the folder is not empty, or the fills are within the session
    """
    write = writer_of(target)
    engine = make_engine(NATIVE, merged(book.settings, settings))
    assert isinstance(engine, TapedEngine)
    tape = engine.tape(book.weights, book.market)
    more: dict[str, Any] = {}
    if book.run and "super_factor" in inspect.signature(write).parameters:
        found = super_factor_of(Path(book.run))
        if found is not None:
            more["super_factor"] = found
    write(tape, out, **more)
    return {
        "target": target,
        "assets": len(tape.assets),
        "sessions": len(tape.dates),
        "decisions": len(tape.weights),
        "files": sorted(p.name + ("/" if p.is_dir() else "") for p in out.iterdir()),
        "out": str(out),
    }


def writer_of(target: str) -> Callable[..., None]:
    """Find what writes the folder of a tool.

    Raises
    ------
    UnknownName
        with near misses
    """
    if target not in TARGETS:
        raise UnknownName("export target", target, TARGETS)
    room = importlib.import_module(f"{_ROOM}.export_{target}")
    found: Callable[[Tape, Path], None] = getattr(room, f"export_{target}")
    return found


def super_factor_of(run: Path) -> Panel | None:
    """Read the super-factor of a study's run; None if it is not there."""
    artifacts = Artifacts(run)
    if not artifacts.has("synthesis"):
        return None
    found: Panel = artifacts.load("synthesis")["super_factor"]
    return found
