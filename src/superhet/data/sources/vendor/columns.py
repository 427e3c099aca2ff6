"""The frame of a vendor -> columns of ours, or an error that names the function and what changed in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from superhet.errors import VendorError

if TYPE_CHECKING:
    import polars as pl


def check_columns(vendor: str, query: str, got: Sequence[str], wanted: Sequence[str]) -> None:
    """Compare the columns that came with those we read; further ones are welcome.

    Raises
    ------
    VendorError
        of reach "query", with the difference both ways
    """
    lost = [c for c in wanted if c not in got]
    if not lost:
        return
    new = [c for c in got if c not in wanted]
    raise VendorError(
        vendor,
        query,
        f"its columns have changed: without {', '.join(lost)}; "
        f"not known: {', '.join(new) or 'none'}. Update superhet, or install an earlier {vendor}",
        reach="query",
    )


def from_pandas(frame: Any) -> pl.DataFrame:
    """Turn a pandas frame into one of ours; NaN and NaT become null, mixed columns become text."""
    import polars as pl

    columns = {}
    for name in frame.columns:
        cells = frame[name]
        given = cells.astype(object).where(cells.notna(), None).tolist()
        try:
            columns[str(name)] = pl.Series(str(name), given, None if given else pl.String)
        except TypeError:
            texts = [None if cell is None else str(cell) for cell in given]
            columns[str(name)] = pl.Series(str(name), texts)
    return pl.DataFrame(columns)


def pick(
    vendor: str,
    query: str,
    frame: pl.DataFrame,
    columns: Mapping[str, str],
    scales: Mapping[str, float] | None = None,
) -> pl.DataFrame:
    """Take columns under our names, numbers in our units.

    Parameters
    ----------
    columns : ours -> theirs
    scales : ours -> what to multiply by (100 for lots, 0.01 for percent)

    Raises
    ------
    VendorError
        for a column that is not there, or a scaled one that holds no numbers
    """
    import polars as pl

    check_columns(vendor, query, frame.columns, list(columns.values()))
    taken = frame.select([pl.col(theirs).alias(ours) for ours, theirs in columns.items()])
    for ours, factor in (scales or {}).items():
        number = taken[ours].cast(pl.String).str.strip_chars().replace("", None)
        value = number.cast(pl.Float64, strict=False)
        bad = number.filter(value.is_null() & number.is_not_null())
        if len(bad):
            raise VendorError(
                vendor, query, f"column {columns[ours]} holds {bad[0]!r} where a number belongs"
            )
        taken = taken.with_columns((value.fill_nan(None) * factor).alias(ours))
    return taken


def to_dates(frame: pl.DataFrame, *columns: str, form: str = "%Y-%m-%d") -> pl.DataFrame:
    """Read dates of a vendor's format; what is no date becomes null (a key that is null is refused later)."""
    import polars as pl

    done = []
    for name in columns:
        kind = frame.schema[name]
        if kind == pl.Date or isinstance(kind, pl.Datetime):
            done.append(pl.col(name).cast(pl.Date))
        else:
            text = pl.col(name).cast(pl.String).str.strip_chars()
            done.append(text.str.to_date(form, strict=False).alias(name))
    return frame.with_columns(done)
