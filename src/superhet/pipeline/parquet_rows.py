"""Rows of a Parquet file that a user names on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from superhet.errors import InputError

if TYPE_CHECKING:
    import polars as pl


def read_rows(path: Path, what: str, columns: str) -> pl.DataFrame:
    """Read all rows of a file.

    Parameters
    ----------
    path : the file
    what : the option that named it, for messages
    columns : what belongs into such a file, for messages

    Raises
    ------
    InputError
        if it is not there or is no Parquet
    """
    import polars as pl

    if not path.is_file():
        raise InputError(f"{what}: {path}: no such file. Check the path.")
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        why = str(error).split("\n", 1)[0]
        raise InputError(
            f"{what}: {path}: cannot be read as Parquet ({why}). Write {columns}."
        ) from None
