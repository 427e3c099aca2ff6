"""`superhet data calendar`: the sessions of a store, seeded from a library of exchange calendars."""

from __future__ import annotations

from typing import Annotated

import typer

from superhet.cli.console import emit, guarded
from superhet.cli.options import AsJson, Debug, StorePath
from superhet.cli.stores import open_store


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("calendar")(calendar)


@guarded
def calendar(
    store: StorePath,
    exchange: Annotated[
        str | None, typer.Option(help="Add the sessions of this exchange: XSHG, XNYS.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="First day to add.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day to add.")] = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show the sessions of a store; with --exchange, add those it does not cover yet.

    Sessions that the store covers are its own and stay as they are.
    """
    from superhet.data.calendar import TradingCalendar, extended

    opened = open_store(store)
    if exchange is not None:
        seed = TradingCalendar.of_exchange(exchange, start, end)
        frame = extended(opened, seed)
        opened.write({"calendar": frame}, source=f"calendar of {exchange}")
    own = TradingCalendar.from_tables(opened)
    found = {"sessions": len(own), "first": str(own.first), "last": str(own.last)}
    emit(
        found,
        as_json=json,
        text=lambda: f"{found['sessions']:,} sessions, {found['first']} .. {found['last']}",
    )
