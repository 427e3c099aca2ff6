"""SQL over a store: DuckDB in memory, one view a table, over the parts of one state.

1. one statement, and a query                                                   -> _only_query
2. tables that the text names: their parts are compared with their checksums and become views;
   the others are there by name and columns only                                -> _views
3. the door is shut: no file but those parts, no setting, no extension          -> _shut
4. the answer, or what is wrong with the names in it                            -> _explained
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superhet.data.store.reading import StoredTables
from superhet.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    import duckdb
    import polars as pl

_TYPES = {
    "Time": "TIMESTAMP_MS",
    "Date": "DATE",
    "String": "VARCHAR",
    "Float64": "DOUBLE",
    "Int64": "BIGINT",
    "Boolean": "BOOLEAN",
}
_NO_TABLE = re.compile(r"Table with name \"?([^\s\"]+)\"? does not exist")
_NO_COLUMN = re.compile(
    r"(?:Referenced column|Column) \"([^\"]+)\" (?:not found|in \w+ list not found|does not exist)"
    r"|does not have a column named \"([^\"]+)\""
)


def query(tables: StoredTables, text: str, limit: int | None = None) -> pl.DataFrame:
    """Ask a question in SQL.

    Parameters
    ----------
    tables : a store, in any state
    text : one SELECT (or FROM, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE)
    limit : most rows to give; None = all

    Raises
    ------
    UnknownName
        if a table or column does not exist
    ConfigError
        if the text is no query, or cannot be understood
    CorruptedPart
        if a file of a table that it names is damaged
    """
    import duckdb
    import polars as pl

    with duckdb.connect(":memory:") as connection:
        _only_query(connection, text)
        named = [name for name in tables.names() if re.search(rf"\b{name}\b", text, re.IGNORECASE)]
        files = _views(connection, tables, named)
        _shut(connection, files)
        try:
            answer = connection.sql(text)
            if limit is not None:
                answer = answer.limit(limit)
            return pl.DataFrame(pl.from_arrow(answer.to_arrow_table()))
        except duckdb.Error as error:
            raise _explained(error, tables, named) from error


def _only_query(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    import duckdb

    try:
        statements = connection.extract_statements(text)
    except duckdb.Error as error:
        raise ConfigError("sql", _words(error)) from error
    if len(statements) != 1:
        raise ConfigError("sql", f"one query is expected (got {len(statements)} statements)")
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = statements[0].type.name
        raise ConfigError(
            "sql", f"only queries are answered, a store is not changed by SQL (got {kind})"
        )


def _views(
    connection: duckdb.DuckDBPyConnection, tables: StoredTables, named: list[str]
) -> list[Path]:
    """Make a view of each named table, an empty table of each other; give the files behind them."""
    files: list[Path] = []
    for name in tables.names():
        columns = tables.columns(name)
        paths = tables.files(name) if name in named else []
        if paths is None:
            connection.register(name, tables.read(name).to_arrow())
        elif paths:
            connection.execute(_view(connection, name, columns, paths))
            files += paths
        else:
            fields = ", ".join(f'"{c}" {_TYPES[t]}' for c, t in columns.items())
            connection.execute(f'CREATE TABLE "{name}" ({fields})')
    return files


def _view(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], paths: list[Path]
) -> str:
    """Write a view over parts; a column that none of them has is null."""
    source = f"read_parquet([{', '.join(_quoted(p) for p in paths)}], union_by_name = true)"
    there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    fields = ", ".join(
        f'"{c}"' if c in there else f'CAST(NULL AS {_TYPES[t]}) AS "{c}"'
        for c, t in columns.items()
    )
    return f'CREATE VIEW "{name}" AS SELECT {fields} FROM {source}'


def _shut(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> None:
    allowed = ", ".join(_quoted(p) for p in files)
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _explained(error: Exception, tables: StoredTables, named: list[str]) -> ConfigError:
    words = _words(error)
    table = _NO_TABLE.search(words)
    if table:
        return UnknownName("table", table[1], tables.names(), "sql")
    column = _NO_COLUMN.search(words)
    if column:
        known = sorted({c for name in named for c in tables.columns(name)})
        return UnknownName("column", column[1] or column[2], known, "sql")
    return ConfigError("sql", words)


def _words(error: Exception) -> str:
    """Give DuckDB's message without its class."""
    return re.sub(r"^\w+ Error: ", "", str(error)).strip()


def _quoted(path: Path) -> str:
    text = str(path).replace("'", "''")
    return f"'{text}'"


def write_answer(frame: pl.DataFrame, out: Path) -> None:
    """Write an answer to a Parquet or CSV file, by its ending.

    Raises
    ------
    ConfigError
        if it ends otherwise
    """
    import io

    from superhet.data.durable import replace_file

    writers: dict[str, Any] = {".parquet": frame.write_parquet, ".csv": frame.write_csv}
    if out.suffix not in writers:
        raise ConfigError(
            "--out", f"expected a name that ends in .parquet or .csv (got {out.name})"
        )
    buffer = io.BytesIO()
    writers[out.suffix](buffer)
    replace_file(out, buffer.getvalue())
