"""Sheets of Excel as frames, through polars and calamine; numbers, texts and days as the cells hold them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from superhet.errors import DataError, MissingExtra, did_you_mean

if TYPE_CHECKING:
    import polars as pl

    from superhet.data.sources.column_map import TableMap

WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".xlsb")


def read_sheet(path: Path, entry: TableMap, name: str) -> pl.DataFrame:
    """Read one sheet under its own headers.

    Parameters
    ----------
    entry : `sheet` (the first, if it names none), `header`, `skip_rows`, `skip_rows_after_header`
    name : how messages call the file

    Raises
    ------
    DataError
        if it is no workbook, has no such sheet, or the row of headers holds a header twice
    MissingExtra
        if fastexcel is not installed
    """
    sheet = entry.sheet or sheet_names(path, name)[0]
    if entry.header is not None:
        headers, first = list(entry.header), entry.skip_rows
    else:
        above = read_cells(path, sheet, name, skip=entry.skip_rows, rows=1)
        if above.is_empty():
            raise DataError("the sheet has no row of headers", file=f"{name}[{sheet}]")
        headers, first = [_text(cell) for cell in above.row(0)], entry.skip_rows + 1
    body = read_cells(path, sheet, name, skip=first + entry.skip_rows_after_header)
    width = min(len(headers), body.width)
    headers = _distinct(headers)
    return body.select(body.columns[:width]).rename(
        dict(zip(body.columns[:width], headers[:width], strict=True))
    )


def sheet_names(path: Path, name: str) -> list[str]:
    """List the sheets of a workbook."""
    return list(_open(path, name).sheet_names)


def read_cells(
    path: Path, sheet: str, name: str, *, skip: int = 0, rows: int | None = None
) -> pl.DataFrame:
    """Read the cells of a sheet below `skip` rows, without headers."""
    book = _open(path, name)
    if sheet not in book.sheet_names:
        known = did_you_mean(sheet, book.sheet_names)
        raise DataError(f"the workbook has no sheet {sheet!r}{known}", file=name)
    try:
        loaded = book.load_sheet(
            sheet, header_row=None, skip_rows=skip, n_rows=rows, schema_sample_rows=None
        )
    except Exception as error:  # calamine has errors of its own, and none for a sheet that is over
        import polars as pl

        if "skip" in str(error).lower() or "empty" in str(error).lower():
            return pl.DataFrame()
        raise DataError(f"the sheet cannot be read: {error}", file=f"{name}[{sheet}]") from error
    frame: pl.DataFrame = loaded.to_polars()
    return frame


def _open(path: Path, name: str) -> Any:
    try:
        import fastexcel
    except ImportError as error:
        raise MissingExtra("fastexcel", "excel") from error
    try:
        return fastexcel.read_excel(path)
    except Exception as error:  # calamine has errors of its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = (
            f"cannot be read as a workbook of Excel: {reason}. Save it again as .xlsx or .csv."
        )
        raise DataError(message, file=name) from error


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell == int(cell):
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def _distinct(headers: list[str]) -> list[str]:
    """Give a second header of the same name a number, as is done in CSV."""
    seen: dict[str, int] = {}
    out = []
    for header in headers:
        count = seen.get(header, 0)
        seen[header] = count + 1
        out.append(f"{header}_duplicated_{count - 1}" if count else header)
    return out
