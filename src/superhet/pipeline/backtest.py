"""From a file of weights, or a study's run, to the books of one or several engines.

1. weights and the market they trade on, checked against each other   -> of_weights, of_run
2. engines make their books                                           -> backtest_engines
3. books are laid beside each other                                   -> reconcile
4. the page                                                           -> backtest_page
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from superhet.backtest import NativeEngine
from superhet.data.base import Tables
from superhet.errors import ConfigError, InputError, MissingExtra, SuperhetError
from superhet.panel import Assets, BacktestResult, Market, Panel
from superhet.panel.frames import to_polars
from superhet.pipeline.artifacts import Artifacts, write_atomic, write_json
from superhet.pipeline.backtest_books import frames_of, summary_of
from superhet.pipeline.backtest_engines import (
    NATIVE,
    Ran,
    Task,
    make_engine,
    merged,
    raise_failures,
    run_engines,
    told,
)
from superhet.pipeline.backtest_market import only_held, some_assets, whole_market
from superhet.pipeline.backtest_notes import notes_of
from superhet.pipeline.backtest_resume import decisions_of
from superhet.pipeline.backtest_weights import (
    TargetWeights,
    between,
    read_weights,
    require_assets,
    weights_panel,
)
from superhet.pipeline.build import describe
from superhet.pipeline.config import Config, parse_config
from superhet.pipeline.orders_source import REQUEST, WEIGHTS
from superhet.progress import Progress, silent

SUMMARY = "backtest.json"


@dataclass(frozen=True, kw_only=True)
class BacktestChoice:
    """What is asked for, beside the weights.

    Parameters
    ----------
    engines : names
    settings : key of an engine -> value, as in a study's `backtest:`; keys left out are the engine's own
    start, end : first and last decision; `end` is the last session too; None = all
    benchmark : index code, "cap_weighted" or "equal_weighted"
    sweeps : "capacity" and "slippage" are tried with the native engine
    languages : of the page; none = no page
    fresh : run engines again whose books are there
    resume : let the native engine go on from its last state
    """

    engines: Sequence[str] = (NATIVE,)
    settings: Mapping[str, Any] = field(default_factory=dict)
    start: str | None = None
    end: str | None = None
    benchmark: str | None = None
    sweeps: Sequence[str] = ()
    languages: Sequence[str] = ("en",)
    fresh: bool = False
    resume: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Book:
    """Weights and the market they trade on.

    Parameters
    ----------
    weights : [decision dates, assets]
    market : with the same assets
    name : of the page
    notes : facts about the weights
    settings : those of a study; a choice is laid over them
    strategies : name -> its own weights, where the book has several
    store, run : where the data and the weights come from, as they were named
    """

    weights: Panel
    market: Market
    name: str
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    strategies: Mapping[str, Panel] = field(default_factory=dict)
    store: str = ""
    run: str = ""


def of_weights(
    tables: Tables, path: Path, choice: BacktestChoice, progress: Progress = silent
) -> Book:
    """Read a file of weights, and of its market what it trades.

    Raises
    ------
    InputError, DataError, ConfigError
        if the file cannot be read, or does not fit the store
    """
    read = between(read_weights(path), *_ordered(choice.start, choice.end))
    market = whole_market(
        tables,
        start=choice.start,
        end=choice.end,
        benchmark=choice.benchmark,
        frequency=_bars(choice.settings),
        progress=progress,
    )
    require_assets(read, market.assets)
    wanted = set(read.frame["asset"].unique().to_list())
    names = Assets([a for a in market.assets.values if a in wanted])
    cut = some_assets(market, names)
    weights = weights_panel(read, market.dates, names)
    return Book(
        weights=weights,
        market=cut,
        name=path.stem,
        notes=read.notes,
        strategies={s: _alone(read, s, market, names) for s in read.strategies},
        store=str(getattr(tables, "location", "")),
    )


def _alone(read: TargetWeights, strategy: str, market: Market, names: Assets) -> Panel:
    return weights_panel(read.of(strategy), market.dates, names).renamed(strategy)


def _ordered(start: str | None, end: str | None) -> tuple[str | None, str | None]:
    from datetime import date

    for option, text in (("--start", start), ("--end", end)):
        try:
            _ = text and date.fromisoformat(text)
        except ValueError:
            raise ConfigError(option, f"must be a date like 2018-01-31 (got {text!r})") from None
    if start and end and start > end:
        raise ConfigError("--start", f"lies after --end ({start} > {end})")
    return start, end


def _bars(settings: Mapping[str, Any]) -> str | None:
    """Name the bars that a fill within the day reads."""
    fill = settings.get("fill")
    return str(fill.get("bars", "5min")) if isinstance(fill, Mapping) else None


def run_config(folder: Path) -> Config:
    """Read the configuration of a study's run.

    Raises
    ------
    InputError
        if the folder is no finished run
    """
    file = folder / "config.yaml"
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder. Name the folder of a finished run.")
    if not file.is_file() or not (folder / "stages" / "portfolio.json").is_file():
        raise InputError(
            f"{folder}: no run of a study (config.yaml and a finished portfolio are missing). Name a run "
            "folder, or give --weights and --store."
        )
    raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    return parse_config(raw, Path())


def of_run(
    tables: Tables, folder: Path, choice: BacktestChoice, progress: Progress = silent
) -> Book:
    """Read the weights of a study's run, and load the market that the study traded on."""
    from superhet.pipeline import stages

    config = run_config(folder)
    weights: Panel = Artifacts(folder).load("portfolio")["weights"]
    market = stages.load(config, tables, progress)
    decided = np.flatnonzero(np.nan_to_num(weights.values).any(axis=1))
    if not decided.size:
        raise InputError(f"{folder}: the portfolio of this run holds nothing on any date.")
    start, end = _ordered(choice.start, choice.end)
    weights = weights.between(weights.dates.values[decided[0]], None).between(start, end)
    if not len(weights.dates):
        raise ConfigError("--start" if start else "--end", "no decision of this run is left")
    if end is not None:
        market = market.until(end)
    settings = settings_of(config.backtest)
    engine = make_engine(NATIVE, merged(settings, choice.settings))
    weights, market = only_held(weights, market, engine)
    return Book(
        weights=weights,
        market=market,
        name=folder.name,
        settings=settings,
        run=str(folder),
        store=config.market.store,
    )


def settings_of(engine: Any) -> dict[str, Any]:
    """Give the keys of an engine as the YAML would hold them."""
    found = describe(engine, {})
    assert isinstance(found, dict)
    return found


def _remember(book: Book, settings: Mapping[str, Any], out: Path) -> None:
    """Write what was asked for and the weights, from which orders of the next session are made."""
    asked = {"store": book.store, "run": book.run, "settings": dict(settings), "name": book.name}
    write_json(out / REQUEST, asked)
    weights = book.weights.renamed("weight")
    frame = to_polars(weights.with_values(np.nan_to_num(weights.values)))
    write_atomic(out / WEIGHTS, lambda aside: frame.write_parquet(aside, compression="zstd"))


def backtest(
    book: Book, out: Path, choice: BacktestChoice, progress: Progress = silent
) -> dict[str, Any]:
    """Run engines, lay their books beside each other, and write what was found.

    Parameters
    ----------
    book : weights and market
    out : folder; each engine's books are in a folder of its name
    choice : what is asked for

    Returns
    -------
    what `superhet backtest --json` prints

    Raises
    ------
    InputError, SuperhetError
        for what cannot be traded, or if an engine failed; books that were made stay
    """
    from superhet.pipeline.backtest_page import write_pages
    from superhet.pipeline.reconcile import reconcile, write_differences

    if out.exists() and not out.is_dir():
        raise InputError(f"--out: {out} is a file. Name a folder.")
    settings = merged(book.settings, choice.settings)
    _check_gross(book.weights, settings)
    task = Task(
        weights=book.weights,
        market=book.market,
        settings=settings,
        out=out,
        fresh=choice.fresh,
        resume=choice.resume,
        before=decisions_of(out) if choice.resume else None,
        data=str(choice.benchmark),
    )
    ran = run_engines(choice.engines, task, progress)
    if not ran.books:
        raise_failures(ran)
    _remember(book, settings, out)
    reasons = _gaps(task, ran, settings)
    notes = [*book.notes, *_facts(book, ran, settings)]
    differences = reconcile(ran.books)
    write_differences(differences, out)
    sweeps = _sweeps(book, settings, choice, out, progress)
    found = {
        **{name: books.summary for name, books in ran.books.items()},
        **differences.to_dict(),
        "difference_by_reason": reasons,
        "seconds": {n: b.facts["seconds"] for n, b in ran.books.items()},
        "kept": ran.kept,
        "failed": ran.failed,
        "missing": [n for n, e in ran.errors.items() if isinstance(e, MissingExtra)],
        "wrong_input": [n for n, e in ran.errors.items() if isinstance(e, InputError)],
        "strategies": _strategies(book, settings, progress),
        "sweeps": sweeps,
        "notes": notes,
        "out": str(out),
    }
    found["reports"] = write_pages(book, task, ran, differences, found, choice.languages, progress)
    write_json(out / SUMMARY, found)
    return found


def failure(found: Mapping[str, Any], *, every: bool) -> SuperhetError | None:
    """Give the error with which a command ends, although the books of other engines were made.

    Parameters
    ----------
    found : what `backtest` gave
    every : engines were not named but taken as they are there: one that is not installed is no error
    """
    failed = {n: e for n, e in found["failed"].items() if not (every and n in found["missing"])}
    if not failed:
        return None
    made = ", ".join(n for n in found["seconds"])
    wrong = set(failed) <= set(found["wrong_input"])
    return (InputError if wrong else SuperhetError)(
        f"{told(failed)}. The books of {made} are kept."
    )


def _gaps(task: Task, ran: Ran, settings: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    from superhet.pipeline.reconcile_reasons import gaps

    engine = make_engine(NATIVE, settings)
    assert isinstance(engine, NativeEngine)
    return gaps(task.weights, task.market, engine, ran.books)


def _facts(book: Book, ran: Ran, settings: Mapping[str, Any]) -> list[str]:
    if NATIVE not in ran.books:
        return []
    engine = make_engine(NATIVE, settings)
    books = ran.books[NATIVE]
    return notes_of(books, book.weights, book.market, engine)


def _check_gross(weights: Panel, settings: Mapping[str, Any]) -> None:
    """Say of all dates at once, before any engine starts, where weights ask for too much or nothing."""
    most = getattr(make_engine(NATIVE, settings), "max_gross", None)
    if most is None:
        return
    gross = np.abs(np.nan_to_num(weights.values)).sum(axis=1)
    if not gross.any():
        raise InputError("--weights: every weight is 0: there is nothing to trade.")
    over = np.flatnonzero(gross > most * (1.0 + 1e-9))
    if over.size:
        worst = int(gross.argmax())
        raise ConfigError(
            "--max-gross",
            f"the weights of {weights.dates.values[worst]} have gross {gross[worst]:.3f}, more than "
            f"{most:g}; {over.size:,} of {len(gross):,} decisions do (first "
            f"{weights.dates.values[over[0]]}). Scale the weights, or raise --max-gross if the leverage is "
            "meant.",
        )


def _strategies(
    book: Book, settings: Mapping[str, Any], progress: Progress
) -> dict[str, dict[str, Any]]:
    """Trade each strategy of a book alone, with the whole capital, on the native engine."""
    found: dict[str, dict[str, Any]] = {}
    for done, (name, weights) in enumerate(book.strategies.items()):
        progress(done, len(book.strategies), f"strategy {name} alone")
        result: BacktestResult = make_engine(NATIVE, settings).run(weights, book.market)
        found[name] = summary_of(frames_of(result, None), result.periods_per_year)
    return found


def _sweeps(
    book: Book, settings: Mapping[str, Any], choice: BacktestChoice, out: Path, progress: Progress
) -> dict[str, Any]:
    if not choice.sweeps:
        return {}
    from superhet.pipeline.backtest_sweeps import sweep

    return sweep(book.weights, book.market, settings, choice.sweeps, out, progress)
