"""What a strange file looks like: encoding, separator, junk above and below, headers, cells.

1. bytes to text: UTF-8 if it is, else the first of the usual encodings that reads it      -> _encoding
2. the separator that cuts most lines alike; lines above of another width are junk         -> _layout
3. headers are words; a first row of numbers and days means there are none                 -> _headers
4. the body is read as an import reads it                                                  -> Look.cells
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superhet.data.casting import guess_format
from superhet.data.sources.column_map import TableMap
from superhet.data.sources.files import read_raw
from superhet.data.sources.workbook import WORKBOOKS, read_cells, sheet_names
from superhet.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_ENCODINGS = ("utf-8", "gb18030", "big5", "utf-16")
_SEPARATORS = (",", "\t", ";", "|")
_HEAD, _TAIL = 1 << 18, 1 << 12
_SAMPLE = 200
_MANY = 3


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was seen of one file.

    Parameters
    ----------
    path : the file
    reading : keys of a column map that read it (encoding, skip_rows, header, …)
    headers : its headers, made up ones where it has none
    is_headless : whether the headers are made up
    transposed : header of the first column, if rows are fields and columns dates
    footers : first cells of lines at the end that are no rows
    lead : the bytes up to the end of the headers; files that begin alike are of one make
    """

    path: Path
    reading: dict[str, Any] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    is_headless: bool = False
    transposed: str = ""
    footers: tuple[str, ...] = ()
    lead: bytes = b""

    @property
    def signature(self) -> tuple[Any, ...]:
        """Files of the same signature belong to one table."""
        headers = self.headers if not self.transposed else (self.transposed,)
        return (self.path.suffix.lower(), headers, str(sorted(self.reading.items())))

    def cells(self, name: str) -> pl.DataFrame:
        """Read its rows as an import would, every cell as text; blank cells are null."""
        return _texts(read_raw(self.path, TableMap(table="daily", **self.reading), name))


def look(path: Path, name: str) -> Look:
    """Look at a file.

    Raises
    ------
    DataError
        if it holds no table
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return Look(path=path, headers=tuple(read_raw(path, TableMap(table="daily"), name).columns))
    if suffix in WORKBOOKS:
        return _sheet(path, name)
    return _text_file(path, name)


def is_number(cell: str) -> bool:
    """Tell a number from a word.

    Examples
    --------
    >>> is_number("1,234.5"), is_number("12%"), is_number("收盘价")
    (True, True, False)
    """
    text = cell.strip().replace(",", "").removesuffix("%")
    try:
        float(text)
    except ValueError:
        return False
    return text.lower() not in ("nan", "inf", "-inf", "infinity")


def is_day(cell: str) -> bool:
    """Tell a day, or a moment, from other cells."""
    text = cell.strip()
    return bool(re.match(r"^\d{4}-\d\d-\d\d", text) or guess_format(text, "date"))


def _text_file(path: Path, name: str) -> Look:
    with path.open("rb") as file:
        head = file.read(_HEAD)
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    if len(head) == _HEAD:
        head = head[: head.rfind(b"\n") + 1]
    if not head.strip():
        raise DataError("the file is empty", file=name)
    encoding = _encoding(head, name)
    lines = head.decode(encoding, "replace").removeprefix("\ufeff").splitlines()
    separator, rows = _separated(lines)
    width = _usual_width(rows)
    above = next((i for i, r in enumerate(rows) if len(r) >= width), 0)
    _refuse_sections(rows[above:], name)
    reading: dict[str, Any] = {}
    if encoding != "utf-8":
        reading["encoding"] = encoding
    if separator != ",":
        reading["separator"] = separator
    if above:
        reading["skip_rows"] = above
    headers, more = _headers(rows[above:])
    transposed = _transposed(rows[above])
    if transposed:
        more["transpose"] = transposed
    ends = list(csv.reader(tail.decode(encoding, "replace").splitlines()[1:], delimiter=separator))
    return Look(
        path=path,
        reading=reading | more,
        headers=tuple(headers),
        is_headless="header" in more,
        transposed=transposed,
        footers=_footers(ends, width),
        lead=b"".join(head.splitlines(keepends=True)[: above + 1]),
    )


def _sheet(path: Path, name: str) -> Look:
    sheets = sheet_names(path, name)
    widths = [read_cells(path, s, name, rows=_SAMPLE) for s in sheets]
    best = max(range(len(sheets)), key=lambda i: widths[i].height * widths[i].width)
    top = [["" if c is None else str(c) for c in row] for row in widths[best].rows()]
    if not top:
        raise DataError("the workbook has no cells", file=name)
    filled = [len([c for c in row if c.strip()]) for row in top]
    usual = Counter(filled).most_common(1)[0][0]
    above = next(i for i, count in enumerate(filled) if count >= min(usual, max(filled)))
    reading: dict[str, Any] = {"sheet": sheets[best]} if len(sheets) > 1 else {}
    if above:
        reading["skip_rows"] = above
    columns = read_raw(path, TableMap(table="daily", **reading), name).columns
    return Look(path=path, reading=reading, headers=tuple(columns))


def _encoding(content: bytes, name: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    for encoding in _ENCODINGS[:-1]:
        try:
            content.decode(encoding)
        except UnicodeDecodeError as error:
            if error.start < len(content) - 4:  # else the sample ends within a letter
                continue
        return encoding
    raise DataError(f"this is text in none of {', '.join(_ENCODINGS)}", file=name)


def _separated(lines: Sequence[str]) -> tuple[str, list[list[str]]]:
    best: tuple[float, str, list[list[str]]] | None = None
    for separator in _SEPARATORS:
        rows = list(csv.reader(lines, delimiter=separator))
        width = _usual_width(rows)
        alike = sum(len(r) == width for r in rows) / max(len(rows), 1)
        score = alike * (width > 1) * min(width, 8)
        if best is None or score > best[0]:
            best = (score, separator, rows)
    assert best is not None
    return best[1], best[2]


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    widths = Counter(len(r) for r in rows if any(c.strip() for c in r))
    return widths.most_common(1)[0][0] if widths else 0


def _headers(rows: Sequence[Sequence[str]]) -> tuple[list[str], dict[str, Any]]:
    """Give the headers, and what reads the rows below them."""
    first = [c.strip() for c in rows[0]]
    given = [c for c in first if c]
    values = sum(is_number(c) or is_day(c) for c in given)
    if values >= 2 and not _transposed(rows[0]):
        made = [f"c{i + 1}" for i in range(len(first))]
        return made, {"header": made}
    second = [c.strip() for c in rows[1]] if len(rows) > 1 else []
    third = [c.strip() for c in rows[2]] if len(rows) > 2 else []
    words = bool(second) and any(second) and not any(is_number(c) or is_day(c) for c in second)
    if words and any(is_number(c) for c in third):
        return first, {"skip_rows_after_header": 1}
    return first, {}


def _transposed(first: Sequence[str]) -> str:
    """Give the first header, if all the others are days."""
    rest = [c.strip() for c in first[1:] if c.strip()]
    days = sum(is_day(c) for c in rest)
    return first[0].strip() if len(rest) > 1 and days == len(rest) and not is_day(first[0]) else ""


def _refuse_sections(rows: Sequence[Sequence[str]], name: str) -> None:
    """Say no to a file of several little tables, one below the other."""
    words = [
        tuple(c.strip() for c in r)
        for r in rows
        if len([c for c in r if c.strip()]) > 1 and not any(is_number(c) or is_day(c) for c in r)
    ]
    again = [r for r, count in Counter(words).items() if count >= _MANY]
    if again:
        raise DataError(
            f"this is no one table: the headers {', '.join(again[0][:3])} … stand there "
            f"{Counter(words)[again[0]]} times, each with rows of its own. Cut it into one table with one "
            "row of headers, the section's title as a column; no column map can read it as it is.",
            file=name,
        )


def _footers(rows: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """Give the first cells of the last lines that have fewer cells than rows have."""
    found = []
    for row in reversed(rows):
        filled = [c.strip() for c in row if c.strip()]
        if filled and (len(row) == width or is_number(filled[0]) or is_day(filled[0])):
            break
        if filled:
            found.append(filled[0])
    return tuple(reversed(found))


def _texts(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    texts = frame.select(pl.all().cast(pl.String, strict=False).str.strip_chars())
    return texts.select(pl.when(pl.all() != "").then(pl.all()))
