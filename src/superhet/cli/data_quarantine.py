"""`superhet data quarantine`: rows that an import set aside, to be looked at, mended and put back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superhet.cli.console import emit, guarded
from superhet.cli.options import AsJson, Debug, StorePath
from superhet.cli.stores import open_store

app = typer.Typer(help="Rows that an import set aside.", no_args_is_help=True)

_Table = Annotated[str | None, typer.Option("--table", help="Only rows of this table.")]
_Rule = Annotated[str | None, typer.Option("--rule", help="Only rows that break this rule.")]
_Ids = Annotated[list[str] | None, typer.Option("--id", help="Only this row; may be repeated.")]


@app.command("list")
@guarded
def list_(
    store: StorePath,
    table: _Table = None,
    rule: _Rule = None,
    limit: Annotated[int, typer.Option(help="Most rows to print.")] = 50,
    out: Annotated[Path | None, typer.Option(help="Write all of them to this CSV file.")] = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List them, with file, row and what is wrong."""
    from superhet.data.quarantine import listed

    found = listed(open_store(store), table, rule)
    if out is not None:
        found.write_csv(out)
    rows = found.rows(named=True)
    lines = [f"{len(rows):,} rows in quarantine"] + [
        f"{r['fault']}  {r['table']:<14}{r['rule']:<18}{r['file']}, row {r['row']}, "
        f"{r['column']}: {r['message']}"
        for r in rows[:limit]
    ]
    emit({"count": len(rows), "rows": rows[:limit]}, as_json=json, text=lambda: "\n".join(lines))


@app.command("restore")
@guarded
def restore(
    store: StorePath,
    table: _Table = None,
    rule: _Rule = None,
    ids: _Ids = None,
    mend: Annotated[
        list[str] | None, typer.Option("--set", help="column=value to mend; may be repeated.")
    ] = None,
    as_read: Annotated[
        bool, typer.Option("--as-read", help="Take rows that no column map has been applied to.")
    ] = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Put them back into their tables, mended; they are held against the schema again."""
    from superhet.data.quarantine import listed
    from superhet.data.quarantine import restore as put_back
    from superhet.errors import ConfigError

    values = {}
    for item in mend or ():
        column, equals, value = item.partition("=")
        if not equals:
            raise ConfigError("--set", f"expected column=value (got {item!r})")
        values[column] = value
    opened = open_store(store)
    chosen = listed(opened, table, rule, ids or ())
    snapshot = opened.snapshot
    if chosen.height:
        snapshot = put_back(opened, chosen, values, as_read=as_read)
    emit(
        {"restored": chosen.height, "snapshot": snapshot},
        as_json=json,
        text=lambda: f"{chosen.height:,} rows put back; snapshot {snapshot}",
    )


@app.command("forget")
@guarded
def forget(
    store: StorePath,
    table: _Table = None,
    rule: _Rule = None,
    ids: _Ids = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Give them up for good."""
    from superhet.data.quarantine import forget as give_up
    from superhet.data.quarantine import listed

    opened = open_store(store)
    chosen = listed(opened, table, rule, ids or ())
    snapshot = give_up(opened, chosen) if chosen.height else opened.snapshot
    emit(
        {"forgotten": chosen.height, "snapshot": snapshot},
        as_json=json,
        text=lambda: f"{chosen.height:,} rows forgotten; snapshot {snapshot}",
    )
