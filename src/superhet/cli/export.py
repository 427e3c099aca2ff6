"""`superhet export`: a book as a folder that Backtrader, vn.py or Qlib runs alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superhet.cli.backtest import book_of
from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, Debug, Quiet


@guarded
def export(
    target: Annotated[str, typer.Argument(help="backtrader, vnpy or qlib.")],
    run: Annotated[
        Path | None, typer.Argument(help="Run folder of a study; or give --weights and --store.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to make; must be empty or absent.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Parquet file of target weights: date, asset, weight.")
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="Folder of the store; of a run, left out, that of the study."),
    ] = None,
    rules: Annotated[
        str | None, typer.Option(help="Rules of the market: ashare, us, none.")
    ] = None,
    capital: Annotated[float | None, typer.Option(help="Currency at the start.")] = None,
    fill: Annotated[str | None, typer.Option(help="open, close or vwap.")] = None,
    participation: Annotated[
        str | None,
        typer.Option(help="Largest share of a session's volume of an order; none = no cap."),
    ] = None,
    cash: Annotated[
        str | None, typer.Option(help="Buys that do not fit the cash: cut, scale, refuse, borrow.")
    ] = None,
    cost: Annotated[
        list[str] | None, typer.Option(help="A cost of your own, as slippage=0.001.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Another key of the engine, as retry=false.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="First decision.")] = None,
    end: Annotated[str | None, typer.Option(help="Last decision and last session.")] = None,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write weights, market and rules as a folder that another tool runs alone; its README says how."""
    from superhet.cli.backtest_options import engine_settings
    from superhet.cli.backtest_text import export_text
    from superhet.errors import InputError
    from superhet.pipeline.backtest import BacktestChoice
    from superhet.pipeline.export_engines import export_book, writer_of

    if out is None:
        raise InputError("--out: is required: the folder to make.")
    writer_of(target)
    settings = engine_settings(
        {
            "rules": rules,
            "capital": capital,
            "fill": fill,
            "participation": participation,
            "cash_rule": cash,
        },
        cost or [],
        setting or [],
    )
    choice = BacktestChoice(settings=settings, start=start, end=end)
    with progress_bar(quiet) as progress:
        book = book_of(run, weights, store, choice, progress)
        progress(0, 1, f"writing for {target}")
        found = export_book(target, book, settings, out)
    emit(found, as_json=json, text=lambda: export_text(found))
