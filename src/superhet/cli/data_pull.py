"""`superhet data pull` and `superhet data doctor`: ask a vendor for data, and whether it is well."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

import typer

from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, Debug, Quiet, StorePath
from superhet.cli.stores import cache_folder
from superhet.errors import ConfigError

VendorName: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="baostock, akshare, tushare, yfinance, vnpy_db, simulated, or a plug-in's."
    ),
]
TokenFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--token-file", help="File with the token; else VENDOR_TOKEN of the environment."),
]
TableNames: TypeAlias = Annotated[
    str,
    typer.Option("--tables", help="Names of tables with commas between; left out: the usual ones."),
]
Timeout: TypeAlias = Annotated[
    float, typer.Option("--timeout", min=0.1, help="Seconds within which a question is answered.")
]
Server: TypeAlias = Annotated[
    str, typer.Option("--server", help="Address in place of the vendor's own: host:port, or a URL.")
]
VendorFile: TypeAlias = Annotated[
    Path | None, typer.Option("--path", help="The file that vnpy_db reads.")
]
ENVIRONMENT = "{}_TOKEN"
T = TypeVar("T")
_MINUTE = 60.0


def register(app: typer.Typer) -> None:
    """Add the two commands."""
    app.command("pull")(pull)
    app.command("doctor")(doctor)


@guarded
def pull(
    vendor: VendorName,
    store: StorePath,
    start: Annotated[str, typer.Option(help="First day, 2015-01-05.")],
    end: Annotated[str, typer.Option(help="Last day; left out: today.")] = "",
    universe: Annotated[
        str,
        typer.Option(help="all, an index code (000300.SH), codes with commas, or a file of codes."),
    ] = "all",
    tables: TableNames = "",
    token_file: TokenFile = None,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Most questions a minute; else the vendor's.")
    ] = None,
    timeout: Timeout = _MINUTE,
    server: Server = "",
    path: VendorFile = None,
    again: Annotated[
        bool, typer.Option("--again", help="Ask everything anew, whatever was answered before.")
    ] = False,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Fetch data from a vendor; the same command goes on where it stopped. Exit code 1 if anything failed."""
    from superhet.data.pulling import Patience, paced
    from superhet.data.pulling import pull as pull_into
    from superhet.data.sources.vendor import (
        Access,
        PullRequest,
        Universe,
        chosen_tables,
        find_vendor,
        needed,
    )
    from superhet.data.store import Store

    source = find_vendor(vendor, "VENDOR")
    today = date.today()
    request = PullRequest(
        universe=Universe.parse(universe),
        start=_day(start, "--start"),
        end=_day(end, "--end") if end else today,
        today=today,
        tables=_names(tables),
    )
    if request.end < request.start:
        raise ConfigError("--end", f"{request.end} is before --start {request.start}")
    patience = Patience()
    access = Access(
        timeout=timeout,
        token=_token(vendor, token_file),
        server=server,
        path=path,
        pace=paced(source.rate if rate is None else rate, patience),
    )
    chosen_tables(source, request.tables)
    needed(source, access)  # before there is a store, so that a mistake leaves none behind
    with progress_bar(quiet) as progress:
        report = _interruptible(
            lambda: pull_into(
                source,
                request,
                Store.open_or_create(store, cache=cache_folder()),
                access,
                again=again,
                progress=progress,
                patience=patience,
            )
        )
    emit(report.to_dict(), as_json=json, text=lambda: str(report))
    if not report.ok:
        raise typer.Exit(1)


@guarded
def doctor(
    vendor: VendorName,
    universe: Annotated[str, typer.Option(help="Whom to ask about; else a well-known share.")] = "",
    tables: TableNames = "",
    token_file: TokenFile = None,
    timeout: Timeout = _MINUTE,
    server: Server = "",
    path: VendorFile = None,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Ask a vendor one small question for each table and show how it went. Exit code 1 if one fails."""
    from superhet.data.pulling import Patience, paced
    from superhet.data.pulling.doctor import diagnose
    from superhet.data.sources.vendor import Access, Universe, find_vendor

    source = find_vendor(vendor, "VENDOR")
    access = Access(
        timeout=timeout,
        token=_token(vendor, token_file),
        server=server,
        path=path,
        pace=paced(source.rate, Patience()),
    )
    with progress_bar(quiet) as progress:
        found = diagnose(
            source,
            access,
            date.today(),
            tables=_names(tables),
            universe=Universe.parse(universe) if universe else None,
            progress=progress,
        )
    emit(found.to_dict(), as_json=json, text=lambda: str(found))
    if not found.ok:
        raise typer.Exit(1)


def _interruptible(run: Callable[[], T]) -> T:
    try:
        return run()
    except KeyboardInterrupt:
        print(
            "superhet: interrupted; what was fetched is in the store. The same command goes on from here",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None


def _token(vendor: str, file: Path | None) -> str:
    """Read the user's secret; no message ever holds any of it."""
    if file is None:
        return os.environ.get(ENVIRONMENT.format(vendor.upper()), "").strip()
    try:
        token = file.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError("--token-file", f"{file} cannot be read as text") from None
    if not token or len(token.split()) != 1:
        raise ConfigError("--token-file", f"{file} must hold the token and nothing else")
    return token


def _names(tables: str) -> tuple[str, ...]:
    return tuple(t.strip() for t in tables.split(",") if t.strip())


def _day(text: str, key: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(key, f"{text!r} is no day; write it as 2015-01-05") from None
