"""Engine stage: other engines keep the books of a study, and are laid beside ours.

What `superhet backtest RUN` does on a finished run, a study with `backtest.also` does of itself: books,
differences and a page of their own are in the folder `engines` of the run. Finished books are kept, so that
a run taken up again goes on with the engines that are left.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from superhet.backtest import ENGINES
from superhet.panel import Market, Panel
from superhet.pipeline.backtest import BacktestChoice, Book, backtest, settings_of
from superhet.pipeline.backtest_books import read_books
from superhet.pipeline.backtest_engines import NATIVE
from superhet.pipeline.backtest_market import only_held
from superhet.pipeline.backtest_page import engine_row, languages
from superhet.pipeline.config import Config
from superhet.pipeline.reconcile import reconcile
from superhet.pipeline.stages import Values
from superhet.progress import Progress, silent

FOLDER = "engines"
METRIC = "max_abs_equity_difference"


def keep_beside(
    config: Config, market: Market, weights: Panel, run: Path, progress: Progress = silent
) -> Values:
    """Let all engines of a study keep its books.

    Parameters
    ----------
    config : names engines in `also`
    market, weights : of the study
    run : its folder; books and page are written to `engines` in it

    Returns
    -------
    `engines` (one row an engine, as `engine_row` gives it, without its seconds), `first` (engine -> first
    difference), `failed` (engine -> what it said), `pages` (language -> file, named from the run folder)
    """
    names = (ENGINES.name_of(type(config.backtest)), *config.also)
    wanted = languages(config.report.language)
    choice = BacktestChoice(engines=names, languages=wanted)
    found = backtest(_book(config, market, weights, run), run / FOLDER, choice, progress)
    kept = {n: read_books(run / FOLDER / n, n) for n in found["seconds"]}
    books = {n: one for n, one in kept.items() if one is not None}
    lost = {n: "did not finish" for n in names if n not in books}
    differences = reconcile(books)
    gaps = found["difference_by_reason"]
    rows = [engine_row(one, differences, gaps.get(n, {})) for n, one in books.items()]
    return {
        "engines": [{k: v for k, v in row.items() if k != "seconds"} for row in rows],
        "first": found["first_difference"],
        "failed": {**lost, **found["failed"]},
        "pages": {
            language: f"{FOLDER}/{Path(path).name}"
            for language, path in zip(wanted, found["reports"], strict=True)
        },
    }


def _book(config: Config, market: Market, weights: Panel, run: Path) -> Book:
    """Give the book that the study traded; other engines are spared the names that it never holds."""
    decided = np.flatnonzero(np.nan_to_num(weights.values).any(axis=1))
    weights = weights.between(weights.dates.values[decided[0]], None)
    weights, market = only_held(weights, market, config.backtest)
    return Book(
        weights=weights,
        market=market,
        name=config.name,
        settings=settings_of(config.backtest),
        run=str(run),
        store=config.market.store,
    )


def difference(found: Values) -> dict[str, float | None]:
    """Give the largest daily difference to the native engine: over all that finished, and of each."""
    most = {r["name"]: r["most"] for r in found["engines"] if r["name"] != NATIVE}
    known = [one for one in most.values() if one is not None]
    each = {f"{METRIC}_{name}": one for name, one in most.items()}
    return {METRIC: max(known) if known else None, **each}


def failures(found: Values) -> list[str]:
    """Say which engines did not finish, as warnings of the run."""
    return [f"engine {name}: {said}" for name, said in found["failed"].items()]
