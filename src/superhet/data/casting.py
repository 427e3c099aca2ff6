"""Give every column its canonical type, and say which cell does not fit.

Text is read as numbers, dates, times and flags where the schema wants these; NaN and blank text become
null; a cell that holds something else raises with file, row and column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from superhet.data.faults import Faults, Rule, enforce, own_columns
from superhet.data.table import Field, Kind, Table
from superhet.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_TRUE_WORDS = ("1", "1.0", "true", "t", "yes", "y", "是")
_FALSE_WORDS = ("0", "0.0", "false", "f", "no", "n", "否")
_ISO: dict[str, str] = {"date": "%Y-%m-%d", "time": "%Y-%m-%d %H:%M:%S"}
_USUAL = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%Y.%m.%d", "%Y年%m月%d日")
_USUAL_CLOCKS = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "%H%M%S")
_MEANT: dict[str, str] = {
    "date": "a date",
    "time": "a time",
    "text": "text",
    "number": "a finite number",
    "count": "a whole number",
    "flag": "yes or no (1/0, true/false)",
}


def cast_frame(
    spec: Table,
    frame: pl.DataFrame,
    sources: Sequence[str],
    formats: Mapping[str, str] | None = None,
    faults: Faults | None = None,
) -> pl.DataFrame:
    """Cast all columns; names that begin with `_` are working columns: numbers if most cells are, else text.

    Parameters
    ----------
    formats : column -> strptime format of its dates; a trailing `*` ignores what follows; ISO if not given
    faults : collects rows with a cell that does not fit; None = there may be none
    """
    import polars as pl

    casts: dict[str, pl.Expr] = {}
    rules: list[Rule] = []
    for column in own_columns(frame):
        dtype = frame.schema[column]
        field = spec.field_of(column) or Field()
        if column.startswith("_") and not (dtype == pl.String and _mostly_numbers(frame[column])):
            continue
        if not _fits(dtype, field.kind):
            raise DataError(
                f"{dtype} cannot be read as {_MEANT[field.kind]}",
                file=sources[0] if sources else "",
                column=column,
            )
        form = (formats or {}).get(column, _ISO.get(field.kind, ""))
        casts[column] = _cast(column, dtype, field.kind, form)
        rules.append(_cast_rule(spec, casts[column], column, dtype, form))
    frame = enforce(spec, frame, sources, rules, faults)
    return frame.with_columns(**casts)


def guess_format(value: str, kind: Kind) -> str:
    """Name a format that reads `value`; empty if none of the usual ones does.

    Examples
    --------
    >>> guess_format("20200131", "date")
    '%Y%m%d'
    """
    for day in _USUAL:
        for clock in _USUAL_CLOCKS:
            try:
                datetime.strptime(value.strip(), day + clock)
            except ValueError:
                continue
            return day + ("*" if clock and kind == "date" else clock)
    return ""


def _guess_hint(value: str, *, kind: Kind, column: str) -> str:
    guess = guess_format(value, kind)
    return f'; it looks like date_format: {{{column}: "{guess}"}}' if guess else ""


def _cast_rule(spec: Table, cast: pl.Expr, column: str, dtype: pl.DataType, form: str) -> Rule:
    import polars as pl

    kind = (spec.field_of(column) or Field()).kind
    given = pl.col(column).is_not_null()
    if dtype == pl.String:
        given &= pl.col(column).str.strip_chars() != ""
    elif dtype.is_float():
        given &= pl.col(column).is_not_nan()
    dated = kind in _ISO
    return Rule(
        name=f"not_a_{kind}",
        wrong=cast.is_null() & given,
        column=column,
        message=f"{{value}} is not {_MEANT[kind]}" + (f" of format {form}" if dated else ""),
        cure="Say the format in the column map, or mend the cell"
        if dated
        else "Mend the cell, or list the word under missing: in the map",
        hint=partial(_guess_hint, kind=kind, column=column) if dated else None,
    )


def _mostly_numbers(cells: pl.Series) -> bool:
    import polars as pl

    given = cells.drop_nulls()
    numbers = given.cast(pl.Float64, strict=False).drop_nulls()
    return 2 * len(numbers) > len(given)


def _fits(dtype: pl.DataType, kind: Kind) -> bool:
    import polars as pl

    if dtype in (pl.String, pl.Null):
        return True
    if kind in ("number", "count"):
        return dtype.is_numeric() or dtype == pl.Boolean
    if kind in ("date", "time"):
        return dtype == pl.Date or isinstance(dtype, pl.Datetime) or dtype.is_integer()
    if kind == "flag":
        return dtype.is_numeric() or dtype == pl.Boolean
    return dtype.is_integer() or isinstance(dtype, pl.Categorical | pl.Enum)


def _cast(column: str, dtype: pl.DataType, kind: Kind, form: str) -> pl.Expr:
    import polars as pl

    value = pl.col(column)
    if kind in ("number", "count"):
        text = value.str.strip_chars() if dtype == pl.String else value
        number = text.cast(pl.Float64, strict=False)
        number = pl.when(number.is_finite()).then(number)
        if kind == "number":
            return number
        return pl.when(number == number.round()).then(number).cast(pl.Int64, strict=False)
    if kind in ("date", "time"):
        if dtype == pl.String or dtype.is_integer():
            return _parse(value.cast(pl.String).str.strip_chars(), kind, form)
        if isinstance(dtype, pl.Datetime) and dtype.time_zone:
            value = value.dt.replace_time_zone(None)  # the clock on the wall of the exchange
        return value.cast(pl.Date if kind == "date" else pl.Datetime("ms"), strict=False)
    if kind == "flag":
        word = value.cast(pl.String).str.strip_chars().str.to_lowercase()
        return (
            pl.when(word.is_in(_TRUE_WORDS)).then(True).when(word.is_in(_FALSE_WORDS)).then(False)
        )
    text = value.cast(pl.String, strict=False).str.strip_chars()
    return pl.when(text != "").then(text)


def _parse(text: pl.Expr, kind: Kind, form: str) -> pl.Expr:
    import polars as pl

    if form.endswith("*"):
        form = form[:-1]
        text = text.str.slice(0, len(datetime(2000, 12, 31, 23, 59, 59).strftime(form)))
    if kind == "time" or any(code in form for code in ("%H", "%I", "%T", "%R", "%X")):
        parsed = text.str.to_datetime(form, time_unit="ms", strict=False)
        return parsed.cast(pl.Date) if kind == "date" else parsed
    return text.str.to_date(form, strict=False)
