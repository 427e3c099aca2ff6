"""`superhet backtest`: target weights, or a study's run, through one or several engines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, Debug, Quiet
from superhet.cli.stores import open_store, open_store_of

if TYPE_CHECKING:
    from superhet.pipeline.backtest import BacktestChoice, Book
    from superhet.progress import Progress


@guarded
def backtest(
    run: Annotated[
        Path | None, typer.Argument(help="Run folder of a study; or give --weights and --store.")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Parquet file of target weights: date, asset, weight (and strategy), or one column an asset."
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="Folder of the store; of a run, left out, that of the study."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write; of a run, left out, backtest in its folder."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="native, backtrader, vnpy, qlib; several with commas, or all.")
    ] = "native",
    rules: Annotated[
        str | None, typer.Option(help="Rules of the market: ashare, us, none.")
    ] = None,
    capital: Annotated[
        float | None, typer.Option(help="Currency at the start; 100 million.")
    ] = None,
    fill: Annotated[
        str | None,
        typer.Option(
            help="open, close, vwap, or minute bars of a window: 'vwap 09:35-10:30 5min' (twap, participate)."
        ),
    ] = None,
    participation: Annotated[
        str | None,
        typer.Option(help="Largest share of a session's volume of an order; none = no cap."),
    ] = None,
    cash: Annotated[
        str | None,
        typer.Option(
            help="Buys that do not fit the cash: cut, scale, refuse, or borrow the money."
        ),
    ] = None,
    max_gross: Annotated[
        float | None, typer.Option(help="Opening orders stop at this multiple of equity.")
    ] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(help="A cost of your own, as slippage=0.001; may be given several times."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Another key of the engine, as retry=false or frictions.impact=1."
        ),
    ] = None,
    start: Annotated[str | None, typer.Option(help="First decision.")] = None,
    end: Annotated[str | None, typer.Option(help="Last decision and last session.")] = None,
    benchmark: Annotated[
        str | None, typer.Option(help="Index code, cap_weighted or equal_weighted.")
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(help="capacity, slippage: try more capital, other slippage.")
    ] = None,
    language: Annotated[str, typer.Option(help="Of the page: en, zh, both, none.")] = "en",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on from the last state of the native engine with a longer file."
        ),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Run engines again whose books are there.")
    ] = False,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Trade target weights with one or several engines; write their books, and where they part."""
    from superhet.cli.backtest_options import engine_settings, out_folder
    from superhet.cli.backtest_text import backtest_text
    from superhet.errors import SuperhetError
    from superhet.pipeline import backtest as job
    from superhet.pipeline.backtest_engines import engine_names
    from superhet.pipeline.backtest_page import languages
    from superhet.pipeline.backtest_sweeps import sweep_names

    choice = job.BacktestChoice(
        engines=engine_names(engine),
        settings=engine_settings(
            {
                "rules": rules,
                "capital": capital,
                "fill": fill,
                "participation": participation,
                "cash_rule": cash,
                "max_gross": max_gross,
            },
            cost or [],
            setting or [],
        ),
        start=start,
        end=end,
        benchmark=benchmark,
        sweeps=sweep_names(sweep),
        languages=languages(language),
        fresh=fresh,
        resume=resume,
    )
    folder = out_folder(run, weights, out)
    with progress_bar(quiet) as progress:
        book = book_of(run, weights, store, choice, progress)
        found = job.backtest(book, folder, choice, progress)
    emit(found, as_json=json, text=lambda: backtest_text(found))
    error = job.failure(found, every=engine == "all")
    if error is not None:
        assert isinstance(error, SuperhetError)
        raise error


def book_of(
    run: Path | None,
    weights: Path | None,
    store: Path | None,
    choice: BacktestChoice,
    progress: Progress,
) -> Book:
    """Read what is traded: a file of weights, or those of a study's run."""
    from superhet.errors import InputError
    from superhet.pipeline.backtest import of_run, of_weights, run_config

    if (run is None) == (weights is None):
        raise InputError(
            "give either a run folder, or --weights with --store (see superhet backtest --help)."
        )
    if weights is not None:
        if store is None:
            raise InputError("--store: is required with --weights: the prices come from there.")
        return of_weights(open_store(store), weights, choice, progress)
    assert run is not None
    if store is not None:
        return of_run(open_store(store), run, choice, progress)
    return of_run(open_store_of(run, run_config(run).market.store), run, choice, progress)
