"""`superhet data log|verify|rollback|prune|sql`: the history of a store, its health, and questions to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from superhet.cli.console import emit, guarded
from superhet.cli.options import AsJson, Debug, StorePath
from superhet.cli.stores import open_store

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.store.history import State

_SHOWN = 50

Snapshot = Annotated[
    str | None, typer.Option("--snapshot", help="A former state, as `superhet data log` names it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("log")(log)
    app.command("verify")(verify)
    app.command("rollback")(rollback)
    app.command("prune")(prune)
    app.command("sql")(sql)


@guarded
def log(
    store: StorePath,
    limit: Annotated[int, typer.Option(help="Most states to list.")] = 20,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """List what was written when, from where, and what it changed; the present state first."""
    opened = open_store(store)
    states = opened.log()[: max(limit, 1)]
    emit(
        {"snapshot": opened.snapshot, "states": [s.to_dict() for s in states]},
        as_json=json,
        text=lambda: "\n".join(_state_text(s) for s in states),
    )


@guarded
def verify(store: StorePath, json: AsJson = False, debug: Debug = False) -> None:
    """Compare every file with its checksum, former states too; exit code 1 if one is damaged."""
    from superhet.data.store.verify import Corrupt, Verification
    from superhet.errors import CorruptedPart

    try:
        found = open_store(store).verification()
    except CorruptedPart as error:  # the file that names all others
        corrupt = Corrupt(file=str(error.facts["file"]), table="", reason=error.message)
        found = Verification(files_checked=1, corrupt=(corrupt,))
    lines = [*found.problems, f"{found.files_checked} files checked, {len(found.corrupt)} damaged"]
    emit(found.to_dict(), as_json=json, text="\n".join(lines))
    if not found.ok:
        raise typer.Exit(1)


@guarded
def rollback(
    store: StorePath,
    snapshot: Annotated[
        str | None,
        typer.Argument(help="Where to go back to; left out, before the last write or pull."),
    ] = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Go back to a former state by writing it again; the state left behind stays in the log."""
    opened = open_store(store)
    before = opened.snapshot
    opened.rollback(snapshot)
    changed = opened.snapshot != before
    emit(
        {
            "snapshot": opened.snapshot,
            "before": before,
            "number": opened.number,
            "changed": changed,
        },
        as_json=json,
        text=lambda: (
            f"snapshot {opened.snapshot}; back again: superhet data rollback {before} --store {store}"
            if changed
            else f"snapshot {before} is the present state already"
        ),
    )


@guarded
def prune(
    store: StorePath,
    keep: Annotated[int, typer.Option(help="States to keep, the present one included.")],
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Let go of all but the last states and free their disk space."""
    swept = open_store(store).prune(keep)
    emit(
        {"states": swept.states, "files": swept.files, "bytes": swept.size},
        as_json=json,
        text=f"{len(swept.states)} states let go, {swept.files} files removed, {swept.size / 1e6:,.1f} MB",
    )


@guarded
def sql(
    text: Annotated[
        str, typer.Argument(metavar="QUERY", help="One query: select … from bars_1d …")
    ],
    store: StorePath,
    snapshot: Snapshot = None,
    limit: Annotated[
        int | None, typer.Option(help="Most rows; 50 on the screen, all with --json or --out.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write a .parquet or .csv file.")] = None,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Ask the tables of a store a question in SQL (DuckDB); nothing is changed."""
    from superhet.data.store.sql import query, write_answer

    asked = limit if limit is not None or json or out is not None else _SHOWN + 1
    frame = query(open_store(store, snapshot), text, asked)
    if out is not None:
        write_answer(frame, out)
        facts = {"rows": frame.height, "columns": frame.columns, "out": str(out)}
        emit(facts, as_json=json, text=f"{frame.height:,} rows: {out}")
        return
    emit(
        {
            "columns": frame.columns,
            "rows": _plain_rows(frame) if json else [],
            "count": frame.height,
        },
        as_json=json,
        text=lambda: _table_text(frame, _SHOWN if limit is None else limit),
    )


def _plain_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.rows(named=True)


def _table_text(frame: pl.DataFrame, shown: int) -> str:
    import polars as pl

    with pl.Config(
        tbl_rows=-1,
        tbl_cols=-1,
        tbl_hide_dataframe_shape=True,
        fmt_str_lengths=60,
        tbl_width_chars=-1,
    ):
        text = str(frame.head(shown))
    more = f"\nmore rows than {shown}; --limit N shows them" if frame.height > shown else ""
    return f"{text}{more}"


def _state_text(state: State) -> str:
    changes = ", ".join(
        f"{name} +{c.added:,} ~{c.changed:,} -{c.removed:,}" for name, c in state.tables.items()
    )
    kept = "" if state.kept else "  (no longer kept)"
    when = state.written.replace("T", " ")[:19] or "-"
    return (
        f"{state.number:>5}  {state.snapshot}  {when:<19}  {state.source or '-'}{kept}\n"
        f"       {changes or 'no rows changed'}"
    )
