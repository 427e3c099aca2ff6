"""`superhet data asof`: a table as it was known on a day."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superhet.cli.console import emit, guarded
from superhet.cli.options import AsJson, Debug, StorePath
from superhet.cli.stores import open_store


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("asof")(asof)


@guarded
def asof(
    store: StorePath,
    table: Annotated[str, typer.Option(help="Table to look at.")],
    date: Annotated[str, typer.Option(help="Day, as 2020-04-30: what was known at its close.")],
    out: Annotated[Path, typer.Option(help="Parquet file to write.")],
    period: Annotated[
        str | None, typer.Option(help="Only this period: 2019-12-31, 2019Q4, 2019-12 or 2019.")
    ] = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write a table as it was known on a day: no later revision, row, or end."""
    import io

    from superhet.data.asof import as_of
    from superhet.data.durable import replace_file
    from superhet.errors import ConfigError

    try:
        frame = as_of(open_store(store), table, date, period)
    except ValueError as error:
        raise ConfigError("--date", f"{date!r} is not a date; write it as 2020-04-30") from error
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    replace_file(out, buffer.getvalue())
    emit(
        {"table": table, "date": date, "rows": frame.height, "out": str(out)},
        as_json=json,
        text=lambda: (
            f"{frame.height:,} rows of {table} as known on {date}: {out}\n{frame.head(10)}"
        ),
    )
