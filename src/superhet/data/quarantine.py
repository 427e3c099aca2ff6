"""Rows set aside on import: kept in the store beside the tables, to be counted, mended and restored.

1. a few bad rows among many are set aside; many mean that map or file is wrong   -> admit
2. they are written with the tables, in the same step                             -> with_faults
3. listed, mended and put back, or given up                          -> listed, restore, forget
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from superhet.data.checking import check_frame
from superhet.data.destination import sessions_of
from superhet.data.faults import AS_READ, Faults
from superhet.data.schema import table_spec
from superhet.errors import ConfigError, DataError

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.base import Tables
    from superhet.data.store import Mode, Store

QUARANTINE = "quarantine"
FEW, MANY_ROWS = 0.001, 1_000
_SHOWN = 20


def admit(faults: Faults, read: int, share: float | None) -> None:
    """Let a few bad rows among many pass; raise for the first of too many.

    Parameters
    ----------
    faults : rows of one table that break the schema
    read : rows of the table that were read
    share : most bad rows, as a share of those read; None = none at all

    Raises
    ------
    DataError
        what the first row's fault is
    """
    if faults.first is None:
        return
    if share is None or read < MANY_ROWS or len(faults) > share * read:
        raise faults.first


def named(faults: Faults) -> list[dict[str, Any]]:
    """Name the first rows set aside: file, row, column and message."""
    return [{k: r[k] for k in ("file", "row", "column", "message")} for r in faults.rows[:_SHOWN]]


def with_faults(
    tables: Tables | None, replaced: Sequence[str], faults: Mapping[str, Faults]
) -> pl.DataFrame | None:
    """Give the table `quarantine` after an import; None if there is nothing to write.

    Parameters
    ----------
    tables : the store as it is, if there is one
    replaced : tables whose rows are all new, so that the rows set aside before belong to nothing
    faults : table -> rows set aside now
    """
    import polars as pl

    rows = [row for found in faults.values() for row in found.rows]
    before = None
    if tables is not None and QUARANTINE in tables.names():
        before = tables.read(QUARANTINE)
    if not rows and before is None:
        return None
    new = pl.DataFrame(rows, schema=_schema())
    if before is None:
        return new
    kept = before.filter(~pl.col("table").is_in(list(replaced)))
    return pl.concat([kept, new], how="diagonal").unique(["table", "fault"], keep="last")


def listed(
    tables: Tables, table: str | None = None, rule: str | None = None, ids: Sequence[str] = ()
) -> pl.DataFrame:
    """List rows set aside, in the order of table, file and row; all of them, or those asked for."""
    import polars as pl

    if QUARANTINE not in tables.names():
        return pl.DataFrame(schema=_schema())
    frame = tables.read(QUARANTINE)
    if table is not None:
        frame = frame.filter(pl.col("table") == table_spec(table).name)
    if rule is not None:
        frame = frame.filter(pl.col("rule") == rule)
    if ids:
        unknown = sorted(set(ids) - set(frame["fault"].to_list()))
        if unknown:
            raise ConfigError("--id", f"no row is set aside under {unknown[0]!r}")
        frame = frame.filter(pl.col("fault").is_in(list(ids)))
    return frame.sort("table", "file", "row")


def restore(
    store: Store, chosen: pl.DataFrame, values: Mapping[str, str], *, as_read: bool = False
) -> str:
    """Put rows back into their tables, with some cells mended; give the new snapshot's name.

    Parameters
    ----------
    chosen : rows from `listed`
    values : column -> what stands there instead, as text
    as_read : take rows, too, whose cells are as the file had them, before any units, codes and formulas of
        the column map

    Raises
    ------
    DataError
        if a row still breaks the schema, or its key is there already, or it is as it was read and may not
        be; nothing is changed
    """
    import polars as pl

    calendar = sessions_of(store)
    frames = {}
    for (table,), rows in chosen.group_by("table", maintain_order=True):
        name = str(table)
        cells = [{**json.loads(text), **values} for text in rows["cells"]]
        if not as_read:
            _refuse_as_read(name, cells, rows)
        made = pl.DataFrame(
            [{k: None if v is None else str(v) for k, v in row.items()} for row in cells],
            infer_schema_length=None,
        )
        made = made.drop([c for c in made.columns if c.startswith("_")])
        frame = check_frame(name, made, f"quarantine of {name}", sort=True, calendar=calendar)
        _refuse_known(store, name, frame)
        frames[name] = frame
    left = store.read(QUARANTINE).join(chosen, on=["table", "fault"], how="anti")
    modes: dict[str, Mode] = {**dict.fromkeys(frames, "upsert"), QUARANTINE: "replace"}
    return store.write({**frames, QUARANTINE: left}, modes, source="quarantine: restored")


def forget(store: Store, chosen: pl.DataFrame) -> str:
    """Give rows up for good; give the new snapshot's name."""
    left = store.read(QUARANTINE).join(chosen, on=["table", "fault"], how="anti")
    return store.write({QUARANTINE: left}, source="quarantine: forgotten")


def _refuse_as_read(table: str, cells: Sequence[Mapping[str, Any]], rows: pl.DataFrame) -> None:
    """Refuse rows that the column map has not been applied to."""
    for row, place in zip(cells, rows.iter_rows(named=True), strict=True):
        if AS_READ in row:
            raise DataError(
                f"this row of {table} was set aside as it was read, before the units, codes and formulas of "
                "the column map. Mend the file and import it again; or, if its cells are in our units and "
                "names already, say --as-read.",
                file=place["file"],
                row=place["row"],
                column=place["column"],
            )


def _refuse_known(store: Store, table: str, frame: pl.DataFrame) -> None:
    key = list(table_spec(table).key)
    if table not in store.names():
        return
    there = store.read(table, columns=key).join(frame.select(key), on=key, how="semi")
    if not there.is_empty():
        row = ", ".join(f"{k} {v}" for k, v in there.row(0, named=True).items())
        raise DataError(
            f"the table has a row with this key already ({row}). Mend the key with --set, or give the "
            "row up: superhet data quarantine forget.",
            file=table,
        )


def _schema() -> dict[str, Any]:
    from superhet.data.store.parts import polars_type

    kinds = {"text": "String", "count": "Int64"}
    spec = table_spec(QUARANTINE)
    return {name: polars_type(kinds[field.kind]) for name, field in spec.columns.items()}
