"""Files of lists (who was in the index, who had which industry on a day) -> spells from day to day.

1. an asset that stands twice in one list is set aside; a row without a key or a label is left to the check
2. the lists of each index or scheme, in order of their days                       -> _lists
3. an import that adds to a store goes on with what is open there                   -> _running
4. a label holds from the first list that shows it to the first that does not      -> spells.spells
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from superhet.data.base import Tables
from superhet.data.faults import ORIGIN_FILE, ORIGIN_ROW, Faults, Rule, enforce
from superhet.data.sources.spells import Snapshot, open_labels, open_members, spell_rows, spells
from superhet.data.table import Table
from superhet.errors import DataError

if TYPE_CHECKING:
    import polars as pl

SNAPSHOT_TABLES = {"industry": "scheme", "index_members": "index"}
"""Table that may come as lists -> what each list is of."""


def to_spells(
    spec: Table,
    frame: pl.DataFrame,
    sources: Sequence[str],
    faults: Faults,
    known: Tables | None = None,
) -> tuple[pl.DataFrame, int]:
    """Turn rows of lists, dated by `start_date`, into rows of spells.

    Parameters
    ----------
    frame : typed rows that know where they come from; those without a key or a label come back as they are
    faults : collects the second rows of an asset in one list
    known : tables that the rows are added to, so that a spell goes on; None if they replace all

    Returns
    -------
    The spells, and how many of them the store held already and a list has ended now.

    Raises
    ------
    DataError
        if the lists begin in the middle of those that the store has
    """
    import polars as pl

    of = SNAPSHOT_TABLES[spec.name]
    key = [of, "asset", "start_date"]
    asked = [*key, *(["industry"] if spec.name == "industry" else [])]
    if not set(asked) <= set(frame.columns):
        return frame, 0  # the check names what is missing
    again = Rule(
        name="duplicate_key",
        wrong=~pl.struct(key).is_first_distinct() & pl.all_horizontal(pl.col(key).is_not_null()),
        column="asset",
        message="{value} stands in one list a second time",
        cure="Mend the file, or say drop_duplicates: last (or first) in the column map",
    )
    frame = enforce(spec, frame, sources, [again], faults)
    whole = pl.all_horizontal(pl.col(asked).is_not_null())
    good, bad = frame.filter(whole), frame.filter(~whole)
    made = []
    for (name,), rows in good.sort("start_date").group_by(of, maintain_order=True):
        states = _lists(rows)
        running = _running(spec.name, str(name), states[0].known, known)
        made.append(spell_rows(spells(states, running), **{of: str(name)}))
    if not made:
        return bad, 0
    origin = good.select(*key, ORIGIN_FILE, ORIGIN_ROW)
    placed = pl.concat(made).join(origin, on=key, how="left", maintain_order="left")
    ended = placed[ORIGIN_ROW].null_count()  # such a row stands in no file, but in the store
    placed = placed.with_columns(pl.col(ORIGIN_FILE, ORIGIN_ROW).fill_null(strategy="zero"))
    return pl.concat([placed, bad], how="diagonal_relaxed"), ended


def _lists(rows: pl.DataFrame) -> list[Snapshot]:
    labelled = "industry" in rows.columns
    found = []
    for (day,), names in rows.group_by("start_date", maintain_order=True):
        assert isinstance(day, date)
        labels = names["industry"].to_list() if labelled else [""] * len(names)
        found.append(Snapshot(known=day, labels=dict(zip(names["asset"], labels, strict=True))))
    return found


def _running(table: str, of: str, first: date, known: Tables | None) -> dict[str, tuple[str, date]]:
    """Give the spells of a store that are open when the first list comes."""
    import polars as pl

    if known is None or table not in known.names():
        return {}
    there = known.read(table).filter(pl.col(SNAPSHOT_TABLES[table]) == of)
    begun = there["start_date"].min()
    latest = max(
        (d for d in (there["start_date"].max(), there["end_date"].max()) if d), default=None
    )
    if isinstance(begun, date) and isinstance(latest, date) and begun < first < latest:
        raise DataError(
            f"the store has lists of {of} from {begun} to {latest}, and these begin between, on {first}. "
            "Import all lists anew, or only those after the last",
            column="start_date",
        )
    ask = open_labels if table == "industry" else open_members
    return ask(known, of, first)
