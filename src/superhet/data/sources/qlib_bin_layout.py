"""How a Qlib provider folder is laid out: names of symbols, calendars, spans of instruments, bins.

::

    calendars/day.txt, day_future.txt, 15min.txt      one session or moment a line, rising
    instruments/all.txt, <index>.txt                  SYMBOL <tab> first day <tab> last day, both included
    features/<symbol>/<field>.<freq>.bin              float32: first value's place in the calendar, values
    financial/<symbol>/<field>_q.data, .index         see `qlib_pit`
    superhet.json                                     what only we know, see `beside`

Symbols are written SH600000, folders in small letters; names that Windows reserves carry `_qlib_` before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from superhet.data.schema import MINUTES
from superhet.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

Floats32 = npt.NDArray[np.float32]
DAY = "day"
FREQUENCIES = (DAY, *(f"{m}min" for m in MINUTES))
UNIVERSE = "all"
_RESERVED = {"con", "prn", "aux", "nul", *(f"{n}{k}" for n in ("com", "lpt") for k in range(10))}
_PREFIX = "_qlib_"
_FUTURE = "_future"
_LARGEST = 2**24  # the largest place in a calendar that a float32 names


def to_symbol(asset: str) -> str:
    """Spell a name as Qlib does.

    Examples
    --------
    >>> to_symbol("600000.SH"), to_symbol("AAPL")
    ('SH600000', 'AAPL')
    """
    return re.sub(r"^(\d{6})\.(SH|SZ|BJ)$", r"\2\1", asset)


def to_asset(symbol: str) -> str:
    """Spell a symbol of Qlib as we do.

    Examples
    --------
    >>> to_asset("SH600000"), to_asset("AAPL")
    ('600000.SH', 'AAPL')
    """
    return re.sub(r"^(SH|SZ|BJ)(\d{6})$", r"\2.\1", symbol)


def is_index(symbol: str) -> bool:
    """Tell a Chinese index from a share: Shanghai 000xxx, Shenzhen 399xxx."""
    return re.fullmatch(r"SH000\d{3}|SZ399\d{3}", symbol) is not None


def to_folder(symbol: str) -> str:
    """Name the folder of a symbol.

    Examples
    --------
    >>> to_folder("SH600000"), to_folder("CON")
    ('sh600000', '_qlib_con')
    """
    name = symbol.lower()
    return f"{_PREFIX}{name}" if name in _RESERVED else name


def from_folder(name: str) -> str:
    """Give the symbol of a folder, in capitals."""
    return name.removeprefix(_PREFIX).upper()


@dataclass(frozen=True)
class Span:
    """From when until when a symbol is in a list, both days included."""

    symbol: str
    first: np.datetime64
    last: np.datetime64


def read_lines(path: Path, name: str) -> list[str]:
    """Read a text file without its blank lines at the end."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError("is no text in utf-8", file=name) from error
    return text.rstrip().splitlines()


def read_calendar(folder: Path, frequency: str) -> npt.NDArray[np.datetime64]:
    """Read the moments of a frequency, [moments] datetime64[s], rising.

    Raises
    ------
    DataError
        if the file is missing, a line is no date, or the dates do not rise
    """
    name = f"calendars/{frequency}.txt"
    path = folder / name
    if not path.is_file():
        raise DataError("this calendar is missing; a place in it dates every value", file=name)
    lines = read_lines(path, name)
    try:
        moments = np.array([line.strip() for line in lines], dtype="datetime64[s]")
    except ValueError:
        row = next(i for i, line in enumerate(lines) if not _is_moment(line.strip()))
        raise DataError(f"{lines[row]!r} is not a date", file=name, row=row + 1) from None
    late = np.flatnonzero(~(moments[1:] > moments[:-1]))
    if len(late):
        row = int(late[0]) + 1
        raise DataError(
            f"dates must rise: {lines[row]} comes after {lines[row - 1]}. The bins cannot be dated by an "
            "unsorted calendar; fetch it again.",
            file=name,
            row=row + 1,
        )
    if not len(moments):
        raise DataError("the calendar is empty", file=name)
    return moments


def read_future(folder: Path, known: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """Give the sessions of the daily calendar together with those ahead, where a file names them."""
    if not (folder / "calendars" / f"{DAY}{_FUTURE}.txt").is_file():
        return known
    return np.union1d(known, read_calendar(folder, f"{DAY}{_FUTURE}"))


def read_spans(path: Path) -> list[Span]:
    """Read a list of instruments.

    Raises
    ------
    DataError
        with the line that has no symbol, first and last day
    """
    name = f"instruments/{path.name}"
    spans = []
    for number, line in enumerate(read_lines(path, name), start=1):
        cells = [c.strip() for c in line.split("\t")]
        cells = line.split() if len(cells) < 3 and len(line.split()) == 3 else cells
        if len(cells) < 3 or not cells[0]:
            message = f"{line!r} is not: symbol, first day, last day, with tabs between"
            raise DataError(message, file=name, row=number)
        try:
            first, last = (np.datetime64(datetime.fromisoformat(c), "D") for c in cells[1:3])
        except ValueError:
            message = f"{cells[1]!r} or {cells[2]!r} is not a day YYYY-MM-DD"
            raise DataError(message, file=name, row=number) from None
        if last < first:
            message = f"{cells[0]} ends on {last}, before its first day {first}"
            raise DataError(message, file=name, row=number)
        spans.append(Span(cells[0], first, last))
    return spans


def read_bin(path: Path, name: str, length: int) -> tuple[int, Floats32]:
    """Read a bin: the place of its first value in the calendar, and the values.

    Parameters
    ----------
    name : how messages call the file
    length : length of the calendar

    Raises
    ------
    DataError
        if the length is no whole number of values, or the values do not lie in the calendar
    """
    size = path.stat().st_size
    if size % 4 or not size:
        raise DataError(
            f"{size} bytes are not a place in the calendar and whole float32 values: the file is cut off or "
            "no bin. Fetch it again.",
            file=name,
        )
    content = np.fromfile(path, dtype="<f4")
    place, values = float(content[0]), content[1:]
    if not (place >= 0 and place < _LARGEST and place == int(place)):
        message = f"the first number must be a place in the calendar, and is {place:g}"
        raise DataError(message, file=name)
    if int(place) + len(values) > length:
        raise DataError(
            f"{len(values)} values from place {int(place)} on reach beyond the {length} moments of the "
            "calendar; folder and calendar do not belong together.",
            file=name,
        )
    return int(place), values


def write_bin(path: Path, place: int, values: Floats32) -> None:
    """Write a bin."""
    path.write_bytes(np.float32(place).astype("<f4").tobytes() + values.astype("<f4").tobytes())


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a calendar or a list of instruments."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _is_moment(text: str) -> bool:
    try:
        return not np.isnat(np.datetime64(text, "s"))
    except ValueError:
        return False
