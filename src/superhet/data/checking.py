"""Hold a frame against the schema: cast it, find the first impossible row, say where it is, sort it.

1. every column is known, every required column is there                     -> _check_columns
2. each column gets its canonical type, cell by cell                          -> casting.cast_frame
3. rules of values, bars, keys, dates and the calendar, in one pass           -> _rules
4. sorted by date and the rest of the key, no key twice                       -> _sorted

A frame may carry `ORIGIN_FILE` (index into the list of sources) and `ORIGIN_ROW` (data row of that file, from
1), so that a message names the place in the user's own file; they are taken off at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from superhet.data.casting import cast_frame
from superhet.data.faults import ORIGIN_FILE, Faults, Rule, enforce, own_columns, with_origin
from superhet.data.schema import table_spec
from superhet.data.table import Table
from superhet.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

_SORT = "Put the rows in order of dates, or say sort: true in the column map"
_DROP_PRICE = "Mend the file, or drop such rows: drop: [non_positive_price] in the column map"
_DROP_BARS = "Mend the file, or drop such rows: drop: [bad_ohlc] in the column map"
_DROP_KEYS = "Mend the file, or drop such rows: drop: [missing_key] in the column map"
_DROP_SESSION = (
    "Mend the date or import a longer calendar, or drop such rows: drop: [not_a_session] "
    "in the column map"
)
_DROP_TWICE = "Mend the file, or say drop_duplicates: last (or first) in the column map"


def check_frame(
    table: str,
    frame: pl.DataFrame,
    source: str | Sequence[str] = "",
    *,
    sort: bool = False,
    calendar: pl.Series | None = None,
    faults: Faults | None = None,
) -> pl.DataFrame:
    """Give the frame in canonical form, or say which row of which file breaks the schema.

    Parameters
    ----------
    table : name of the table
    frame : its rows; text is read as numbers and ISO dates where the schema wants these; NaN becomes null
    source : name of the file (or files, see `ORIGIN_FILE`) for messages
    sort : whether rows may come in any order of dates
    calendar : the sessions, if known
    faults : collects the rows that break the schema; None = there may be none

    Returns
    -------
    Frame with the columns in the order of the schema, sorted by date and the rest of the key.

    Raises
    ------
    DataError
        with file, row (data row, from 1) and column of the first offence that `faults` does not take
    """
    import polars as pl

    spec, sources = table_spec(table), [source] if isinstance(source, str) else list(source)
    _check_columns(spec, frame, sources)
    if "revision" in spec.key and "revision" not in frame.columns:
        frame = frame.with_columns(revision=pl.lit(0, pl.Int64))
    frame = cast_frame(spec, with_origin(frame), sources, faults=faults)
    rules = _rules(spec, frame, sort=sort, calendar=calendar)
    frame = enforce(spec, frame, sources, rules, faults)
    frame = _sorted(spec, frame, sources, faults)
    ordered = [c for c in spec.columns if c in frame.columns]
    return frame.select(ordered + [c for c in own_columns(frame) if c not in spec.columns])


def bad_ohlc(columns: Sequence[str]) -> pl.Expr:
    """Tell the bars whose high is not the highest or whose low is not the lowest of their prices.

    A difference below one part in a million is rounding (vendors store float32), not a fault.
    """
    import polars as pl

    here = [c for c in ("open", "high", "low", "close") if c in columns]
    faults = [
        pl.col("high") < pl.col(c) * (1 - 1e-6) for c in here if "high" in here and c != "high"
    ]
    faults += [pl.col("low") > pl.col(c) * (1 + 1e-6) for c in here if "low" in here and c != "low"]
    return reduce(or_, (f.fill_null(False) for f in faults), pl.lit(False))


def _check_columns(spec: Table, frame: pl.DataFrame, sources: Sequence[str]) -> None:
    columns, file = own_columns(frame), sources[0] if sources else ""
    for column in spec.required:
        if column not in columns:
            close = did_you_mean(column, columns) if columns else ""
            raise DataError(
                f"table {spec.name} needs this column, and it is not there{close}. "
                f"Name the header that holds it in the column map: columns: {{{column}: HEADER}}.",
                file=file,
                column=column,
            )
    for column in columns:
        if spec.field_of(column) is None:
            raise DataError(
                f"table {spec.name} has no such column{did_you_mean(column, spec.columns)}. "
                "Further numbers that belong to a day go into table daily.",
                file=file,
                column=column,
            )


def _rules(
    spec: Table, frame: pl.DataFrame, *, sort: bool, calendar: pl.Series | None
) -> list[Rule]:
    import polars as pl

    rules = []
    for name in own_columns(frame):
        field = spec.field_of(name)
        if field is None:
            continue
        value = pl.col(name)
        if name in spec.key or (field.required and field.kind != "number"):
            rules.append(
                Rule(
                    name="missing",
                    wrong=value.is_null(),
                    column=name,
                    message="missing",
                    cure=_DROP_KEYS,
                )
            )
        if field.rule == "positive":
            message = f"{{value}} is not a positive {field.unit}"
            cure = _DROP_PRICE if field.unit == "price" else Rule.cure
            rules.append(
                Rule(name="not_positive", wrong=value <= 0, column=name, message=message, cure=cure)
            )
        elif field.rule == "not_negative":
            message = "{value} is negative"
            rules.append(Rule(name="negative", wrong=value < 0, column=name, message=message))
    return rules + _bar_rules(frame) + _date_rules(spec, frame, sort=sort, calendar=calendar)


def _bar_rules(frame: pl.DataFrame) -> list[Rule]:
    import polars as pl

    if "high" not in frame.columns or "low" not in frame.columns:
        return []
    return [
        Rule(
            name="bad_ohlc",
            wrong=pl.col("high") < pl.col("low") * (1 - 1e-6),
            column="high",
            message="high {value} is below low",
            cure=_DROP_BARS,
        ),
        Rule(
            name="bad_ohlc",
            wrong=bad_ohlc(frame.columns),
            column="high",
            message="open or close lies outside low to high {value}",
            cure=_DROP_BARS,
        ),
    ]


def _date_rules(
    spec: Table, frame: pl.DataFrame, *, sort: bool, calendar: pl.Series | None
) -> list[Rule]:
    import polars as pl

    rules = []
    if {"start_date", "end_date"} <= set(frame.columns):
        ended = pl.col("end_date") < pl.col("start_date")
        message = "{value} is before start_date"
        rules.append(
            Rule(name="ends_before_start", wrong=ended, column="end_date", message=message)
        )
    if spec.date is None or spec.date not in frame.columns:
        return rules
    date = pl.col(spec.date)
    day = date.dt.date() if spec.columns[spec.date].kind == "time" else date
    if spec.sessions and calendar is not None and len(calendar):
        first, last = calendar.min(), calendar.max()
        rules.append(
            Rule(
                name="not_a_session",
                wrong=~day.is_in(calendar.implode()),
                column=spec.date,
                message=f"{{value}} is not in the calendar, which has sessions from {first!s} to {last!s}",
                cure=_DROP_SESSION,
            )
        )
    if spec.ordered and not sort and not frame[spec.date].is_sorted():
        within = [k for k in spec.key if k != spec.date]
        within += [c for c in (ORIGIN_FILE,) if c in frame.columns]
        before = date.shift(1).over(within) if within else date.shift(1)
        rules.append(
            Rule(
                name="not_in_order",
                whole=True,
                wrong=date < before,
                column=spec.date,
                message="dates are not in order: {value} comes after a later date",
                cure=_SORT,
            )
        )
    return rules


def _sorted(
    spec: Table, frame: pl.DataFrame, sources: Sequence[str], faults: Faults | None
) -> pl.DataFrame:
    """Sort by date and the rest of the key; of equal rows one stays, of contradictory ones none."""
    import polars as pl

    order = sort_columns(spec)
    if not frame.select(_increasing(order).all()).item():
        frame = frame.sort(order, maintain_order=True)
    twice = pl.all_horizontal(pl.col(c) == pl.col(c).shift(1) for c in order)
    if faults is not None and frame.select(twice.any()).item():
        twice = _in_doubt(frame, order)
    again = Rule(
        name="duplicate_key",
        wrong=twice,
        column=order[-1],
        message=f"the same {' and '.join(spec.key)} a second time: {{value}}",
        cure=_DROP_TWICE,
    )
    return enforce(spec, frame, sources, [again], faults)


def _in_doubt(frame: pl.DataFrame, order: Sequence[str]) -> pl.Expr:
    """Tell repeated rows after the first, and every row whose key comes with other values, too."""
    import polars as pl

    key, row = pl.struct(order), pl.struct(own_columns(frame))
    contradicted = row.n_unique().over(order) > 1
    return contradicted | (key.is_duplicated() & ~key.is_first_distinct())


def sort_columns(spec: Table) -> list[str]:
    """Give the order of rows in the store: the date, then the rest of the key."""
    first = [spec.date] if spec.date else []
    return first + [k for k in spec.key if k != spec.date]


def _increasing(order: Sequence[str]) -> pl.Expr:
    import polars as pl

    result = pl.lit(False)
    for name in reversed(order):
        here, before = pl.col(name), pl.col(name).shift(1)
        result = (here > before) | ((here == before) & result)
    return result.fill_null(True)


__all__ = ["bad_ohlc", "check_frame", "sort_columns"]
