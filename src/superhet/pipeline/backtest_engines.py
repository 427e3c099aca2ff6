"""Engines side by side: each makes its own books, in a process of its own; what fails takes nothing with it.

1. what the user set becomes an engine                                        -> make_engine
2. an engine whose finished books have the same key is not run again          -> _kept
3. the others run, at most one a core; ours first, for its books are compared with -> run_engines
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

from superhet.backtest import ENGINES, Engine, NativeEngine
from superhet.backtest.actions import corporate_actions
from superhet.backtest.engines.outside import stop_programs
from superhet.errors import ConfigError, InputError, SuperhetError, UnknownName
from superhet.evaluation.summary import plain
from superhet.panel import BacktestResult, Market, Panel, Records
from superhet.panel.code import code_digest
from superhet.pipeline.backtest_books import Books, frames_of, read_books, write_books
from superhet.pipeline.backtest_notes import require_trades
from superhet.pipeline.backtest_resume import go_on
from superhet.pipeline.build import build, describe
from superhet.pipeline.executors import cores
from superhet.progress import Progress, silent

if TYPE_CHECKING:
    import polars as pl

NATIVE = "native"
ORDER = (NATIVE, "backtrader", "vnpy", "qlib")
"""Order in which engines are named; others follow."""
_WAKE = 0.2  # seconds


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """What all engines are given.

    Parameters
    ----------
    weights : [decision dates, assets]
    market : with the same assets
    settings : key of an engine -> value, as in the YAML; keys that were not set are left out
    out : folder; an engine's books are in a folder of its name
    fresh : forget finished books
    data : what the market was loaded from and how, for the key of the books
    resume : let the native engine go on from its last state
    before : decisions of the earlier run, date, asset, weight
    """

    weights: Panel
    market: Market
    settings: Mapping[str, Any]
    out: Path
    fresh: bool = False
    data: str = ""
    resume: bool = False
    before: pl.DataFrame | None = None

    def key(self, name: str) -> str:
        """Name everything that the books of an engine depend on."""
        engine = make_engine(name, self.settings)
        parts = {
            "engine": name,
            "settings": describe(engine, {}),
            "weights": self.weights.fingerprint(),
            "dates": self.market.dates.digest.hex(),
            "assets": self.market.assets.digest.hex(),
            "snapshot": self.market.snapshot,
            "data": self.data,
            "code": code_digest("backtest", "kernels"),
        }
        text = json.dumps(parts, sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(eq=False, kw_only=True)
class Ran:
    """What came of it.

    Parameters
    ----------
    books : engine -> books on disk, in the order of `ORDER`
    results : engine -> result, of those that ran now
    failed : engine -> what it said
    errors : engine -> the error itself
    kept : engines whose books were there already
    """

    books: dict[str, Books] = field(default_factory=dict)
    results: dict[str, BacktestResult] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)


def engine_names(text: str) -> list[str]:
    """Read a list of engines: `native,backtrader`, or `all`.

    Raises
    ------
    UnknownName
        with near misses
    """
    words = [w.strip() for w in text.split(",") if w.strip()]
    if not words:
        raise ConfigError("--engine", f"name one of {', '.join(ENGINES.names())}, or all")
    if "all" in words:
        words = ENGINES.names()
    for word in words:
        ENGINES.get(word, "--engine")
    return sorted(set(words), key=place)


def place(name: str) -> tuple[int, str]:
    """Give the order in which engines are shown."""
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def make_engine(name: str, settings: Mapping[str, Any]) -> Engine:
    """Make an engine of what was set; keys of other engines are left out.

    Raises
    ------
    UnknownName
        for a key that no engine has
    ConfigError
        for a value out of bounds
    """
    cls = ENGINES.get(name, "--engine")
    own = _keys(cls)
    every = {key for other in ENGINES.names() for key in _keys(ENGINES.get(other))}
    for key in settings:
        if key not in every:
            raise UnknownName("setting of an engine", key, every, "backtest")
    engine: Engine = build(cls, {k: v for k, v in settings.items() if k in own}, "backtest")
    return engine


def _keys(cls: type) -> set[str]:
    return {f.name for f in dataclasses.fields(cls) if f.init}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay settings over others; parts of a part stay (costs: {slippage} over costs: {commission})."""
    found = dict(base)
    for key, value in over.items():
        below = found.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        found[key] = merged(below, value) if both and isinstance(below, Mapping) else value
    return found


def run_engines(names: Sequence[str], task: Task, progress: Progress = silent) -> Ran:
    """Run engines and keep their books.

    An engine that fails, whatever it raises, is written down; the books of the others stay.

    Parameters
    ----------
    names : of engines
    task : what they are given
    progress : called as (done, total, label)

    Raises
    ------
    InputError
        if ours refuses what it was given: so would the others
    """
    ran = Ran()
    engines = {name: make_engine(name, task.settings) for name in names}
    keys = {name: task.key(name) for name in names}
    waiting = []
    for name in sorted(names, key=place):
        books = None if task.fresh else _kept(task.out / name, name, keys[name])
        if books is None:
            waiting.append(name)
        else:
            ran.books[name] = books
            ran.kept.append(name)
    tax = float(task.settings.get("dividend_tax", 0.0))
    actions = action_records(task.weights, task.market, tax) if waiting else None
    lock = threading.Lock()

    def one(name: str) -> None:
        begun = time.perf_counter()
        try:
            found = _gone_on(name, task, engines[name], actions, keys[name])
            if found is None:
                result = engines[name].run(task.weights, task.market)
                require_trades(result, task.weights, task.market, engines[name])
                facts = _facts(keys[name], engines[name], begun)
                frames = frames_of(result, actions)
                found = write_books(task.out / name, name, frames, result, actions, facts), result
            with lock:
                ran.books[name], ran.results[name] = found
        except (
            Exception
        ) as error:  # an engine is somebody else's program: whatever it raises, ours stay
            with lock:
                ran.errors[name] = error
                ran.failed[name] = said(error)

    if NATIVE in waiting:
        progress(len(ran.kept), len(names), f"engine {NATIVE}")
        one(NATIVE)
        wrong = ran.errors.get(NATIVE)
        if isinstance(wrong, InputError):
            raise wrong
    _spread(one, [n for n in waiting if n != NATIVE], len(names), progress)
    ran.books = {n: ran.books[n] for n in sorted(ran.books, key=place)}
    return ran


def _facts(key: str, engine: Engine, begun: float) -> dict[str, Any]:
    seconds = round(time.perf_counter() - begun, 4)
    return {"key": key, "seconds": seconds, "settings": describe(engine, {})}


def _gone_on(
    name: str, task: Task, engine: Engine, actions: Records | None, key: str
) -> tuple[Books, BacktestResult] | None:
    """Let the native engine go on from its last state where that was asked for and there is one."""
    books = read_books(task.out / name, name)
    if not task.resume or name != NATIVE or books is None or task.before is None:
        return None
    if books.facts["settings"] != plain(describe(engine, {})):
        raise InputError(
            f"--resume: the book in {books.folder} was kept with other settings. Give the same, or run with "
            "--fresh."
        )
    assert isinstance(engine, NativeEngine)
    begun = time.perf_counter()
    return go_on(
        books,
        task.before,
        engine,
        task.weights,
        task.market,
        actions,
        lambda: _facts(key, engine, begun),
    )


def _spread(
    one: Callable[[str], None], waiting: Sequence[str], total: int, progress: Progress
) -> None:
    """Run engines side by side, each of which starts a process of its own."""
    if not waiting:
        return
    done = total - len(waiting)
    with ThreadPoolExecutor(max_workers=min(len(waiting), cores())) as pool:
        running = {pool.submit(one, name): name for name in waiting}
        progress(done, total, f"engines {', '.join(waiting)}")
        left = set(running)
        try:
            while left:  # waking up now and then, so that an interruption is heard
                finished, left = wait(left, timeout=_WAKE, return_when=FIRST_COMPLETED)
                for one_of_them in finished:
                    done += 1
                    progress(done, total, f"engine {running[one_of_them]} is done")
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(f.done() for f in running):  # one may be about to start its program
                stop_programs()
                time.sleep(0.05)
            raise


def _kept(folder: Path, name: str, key: str) -> Books | None:
    books = read_books(folder, name)
    return books if books is not None and books.facts["key"] == key else None


def said(error: Exception) -> str:
    """Give the message of an error, ours or a stranger's."""
    if isinstance(error, SuperhetError):
        return error.message
    return f"{type(error).__name__}: {error}"


def raise_failures(ran: Ran) -> Never:
    """End with what failed, where no engine has made books.

    Raises
    ------
    InputError
        if an engine is not installed or was given what it cannot do
    SuperhetError
        if an engine crashed
    """
    errors = list(ran.errors.values())
    if len(errors) == 1 and isinstance(errors[0], SuperhetError):
        raise errors[0]
    ours = all(isinstance(e, InputError) for e in errors)
    raise (InputError if ours else SuperhetError)(f"{told(ran.failed)}.")


def told(failed: Mapping[str, str]) -> str:
    """Put the messages of engines into one line, each with its engine."""
    said = []
    for name, message in failed.items():
        named = message if message.startswith(f"engine {name}") else f"engine {name}: {message}"
        said.append(named.rstrip("."))
    return "; ".join(said)


def action_records(weights: Panel, market: Market, dividend_tax: float = 0.0) -> Records:
    """List splits and dividends after the first decision, columns as `round_trips` reads them."""
    start = market.dates.index(weights.dates.values[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the engine warns of the same
        rows = corporate_actions(market, start, dividend_tax).rows
    return Records(
        name="actions",
        columns={
            "date": market.dates.days[start + rows.session],
            "asset": rows.asset,
            "split": rows.split,
            "dividend": rows.dividend,
            "dividend_gross": rows.dividend_gross,
        },
    )
