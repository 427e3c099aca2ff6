"""`superhet orders`: the order file of the next session, for paper trading."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superhet.cli.console import emit, guarded
from superhet.cli.options import AsJson, Debug
from superhet.cli.stores import open_store, open_store_of


@guarded
def orders(
    run: Annotated[
        Path,
        typer.Argument(help="Run folder of a study, or a folder that superhet backtest wrote."),
    ],
    date: Annotated[str, typer.Option(help="A session; orders are for the one after it.")],
    out: Annotated[Path, typer.Option(help="File to write: .csv or .parquet.")],
    store: Annotated[
        Path | None, typer.Option(help="Folder of the store; left out, the one that was used.")
    ] = None,
    holdings: Annotated[
        Path | None,
        typer.Option(
            help="Parquet file of what is held: asset, shares (and sellable); left out, the book of the run."
        ),
    ] = None,
    cash: Annotated[float | None, typer.Option(help="Beside --holdings, in the account.")] = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write the orders of the session after a date, with checks; nothing later is read."""
    from superhet.cli.backtest_text import orders_text
    from superhet.errors import ConfigError, InputError
    from superhet.pipeline.orders import next_orders, write_orders
    from superhet.pipeline.orders_source import read_source

    if out.suffix not in {".csv", ".parquet"}:
        raise InputError(f"--out: {out}: name a .csv or .parquet file.")
    source = read_source(run)
    try:
        from datetime import date as day

        day.fromisoformat(date)
    except ValueError:
        raise ConfigError("--date", f"must be a date like 2018-01-31 (got {date!r})") from None
    tables = open_store(store) if store is not None else open_store_of(run, source.store)
    frame, found = next_orders(source, tables, date, holdings=holdings, cash=cash)
    write_orders(frame, out)
    found["out"] = str(out)
    emit(found, as_json=json, text=lambda: orders_text(found))
