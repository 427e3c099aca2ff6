"""`superhet data export` and `superhet data map`: files out of a store, a map for files going in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superhet.cli.console import emit, guarded, progress_bar
from superhet.cli.options import AsJson, Debug, Quiet, StorePath
from superhet.cli.stores import open_store


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("export")(export)
    app.command("map")(map_)


@guarded
def export(
    store: StorePath,
    format: Annotated[str, typer.Option(help="qlib_bin, parquet or csv.")],
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    start: Annotated[str | None, typer.Option(help="First day, as 2015-01-05.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day.")] = None,
    fields: Annotated[
        str, typer.Option(help="Fields of Qlib's bins: close,volume; empty = all.")
    ] = "",
    overwrite: Annotated[bool, typer.Option(help="Replace what lies in the folder.")] = False,
    json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write a store as Qlib's bins, Parquet or CSV; the folder appears when it is whole."""
    from superhet.data.base import to_day
    from superhet.data.export import Wanted
    from superhet.data.export import export as write
    from superhet.errors import ConfigError

    days = {}
    for name, text in (("start", start), ("end", end)):
        try:
            days[name] = None if text is None else to_day(text)
        except ValueError as error:
            message = f"{text!r} is not a date; write it as 2020-04-30"
            raise ConfigError(f"--{name}", message) from error
    names = tuple(name.strip() for name in fields.split(",") if name.strip())
    wanted = Wanted(start=days["start"], end=days["end"], fields=names, overwrite=overwrite)
    with progress_bar(quiet) as progress:
        done = write(open_store(store), out, format, wanted, progress)
    emit(done.to_dict(), as_json=json, text=lambda: str(done))


@guarded
def map_(
    path: Annotated[Path, typer.Argument(help="File or folder to look at.")],
    out: Annotated[
        Path | None, typer.Option(help="YAML file to write; else it is printed.")
    ] = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draft a column map from the headers and values of files; each guess is said, each doubt marked."""
    from superhet.data.durable import replace_file
    from superhet.data.sources.draft_map import draft_map

    draft = draft_map(path)
    if out is not None:
        replace_file(out, draft.text.encode())
    text = draft.text if out is None else f"{draft.summary}\nwritten to {out}"
    emit({**draft.to_dict(), "out": str(out or "")}, as_json=json, text=text)
