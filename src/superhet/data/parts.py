"""The Parquet parts of a table: cut by year or month, named by what they hold, checked when first read.

A part's name carries the checksum of its bytes. The bytes depend on nothing but the rows (fixed row groups,
one chunk, no clock), so equal rows give equal names: writing the same data again touches no file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from superhet.data.durable import TEMPORARY, replace_file
from superhet.data.manifest import Part, TableEntry
from superhet.data.table import Table
from superhet.errors import CorruptedPart

if TYPE_CHECKING:
    import polars as pl

PARTS = "parts"
_ROW_GROUP = 65_536


def periods(spec: Table, frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Cut a frame into the parts of its table: ("2019", rows), ("2020", rows), … in order."""
    import polars as pl

    if not spec.period or spec.date is None:
        yield "all", frame
        return
    form = "%Y" if spec.period == "year" else "%Y-%m"
    stamp = pl.col(spec.date).dt.strftime(form)
    grouped = frame.with_columns(_period=stamp).partition_by(
        "_period", as_dict=True, maintain_order=True, include_key=False
    )
    for (name,), rows in sorted(grouped.items()):
        yield str(name), rows


def part_period(part: Part) -> str:
    """Give the period in a part's file name."""
    return Path(part.file).name.rpartition("-")[0]


class PartWriter:
    """Writes parts into a store and remembers which files are new, so that a failed write can be undone.

    Parameters
    ----------
    folder : the store
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.created: list[Path] = []

    def write(self, spec: Table, period: str, frame: pl.DataFrame) -> Part:
        """Write one part; a file that already holds these bytes is left as it is."""
        content = _encode(frame)
        checksum = hashlib.blake2b(content, digest_size=16).hexdigest()
        name = f"{PARTS}/{spec.name}/{period}-{checksum[:16]}.parquet"
        path = self.folder / name
        if not path.exists():
            self.created.append(path)
            replace_file(path, content)
        elif file_checksum(path) != checksum:  # the file was damaged; this mends it
            replace_file(path, content)
        first, last = _range(spec, frame)
        return Part(file=name, rows=frame.height, checksum=checksum, first=first, last=last)

    def undo(self) -> None:
        """Remove every file this writer made."""
        for path in self.created:
            path.unlink(missing_ok=True)


class PartReader:
    """Reads parts, comparing each file with its checksum before its first use.

    Parameters
    ----------
    folder : the store
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._verified: set[tuple[str, int, int]] = set()

    def verify(self, part: Part) -> Path:
        """Give the path of a part whose bytes are as the manifest says.

        Raises
        ------
        CorruptedPart
            if the file is missing or its bytes have changed
        """
        path = self.folder / part.file
        try:
            state = path.stat()
            seen = (part.file, state.st_mtime_ns, state.st_size)
            if seen in self._verified:
                return path
            checksum = file_checksum(path)
        except FileNotFoundError as error:
            raise CorruptedPart(
                self.folder,
                f"{part.file} is missing. If another process has written to the store since it was opened, "
                f"open it again; else {_MEND}",
                file=part.file,
            ) from error
        if checksum != part.checksum:
            raise CorruptedPart(
                self.folder,
                f"{part.file} does not match its checksum: its bytes changed after they were "
                f"written. {_MEND[0].upper()}{_MEND[1:]}",
                file=part.file,
            )
        self._verified.add(seen)
        return path

    def scan(self, spec: Table, entry: TableEntry, parts: Sequence[Part]) -> pl.LazyFrame:
        """Scan parts lazily; a column that an older part lacks is null there."""
        import polars as pl

        schema = {name: polars_type(dtype) for name, dtype in entry.columns.items()}
        if not parts:
            return pl.LazyFrame(schema=schema)
        return pl.scan_parquet(
            [self.verify(part) for part in parts],
            schema=schema,
            missing_columns="insert",
            glob=False,
        )


_MEND = (
    "import the table again (superhet data import …), which writes the part anew, or restore the file "
    "from a copy"
)


def type_name(dtype: pl.DataType) -> str:
    """Name a column type in the manifest."""
    import polars as pl

    return "Time" if isinstance(dtype, pl.Datetime) else str(dtype)


def polars_type(name: str) -> pl.DataType | type[pl.DataType]:
    """Give the polars type of a name in the manifest."""
    import polars as pl

    types: dict[str, pl.DataType | type[pl.DataType]] = {
        "Time": pl.Datetime("ms"),
        "Date": pl.Date,
        "String": pl.String,
        "Float64": pl.Float64,
        "Int64": pl.Int64,
        "Boolean": pl.Boolean,
    }
    return types[name]


def sweep(folder: Path, keep: set[str]) -> list[str]:
    """Remove half-written files, and parts that no kept manifest names; give their names."""
    removed = []
    for path in [*folder.glob(f"{TEMPORARY}*"), *folder.glob(f"manifests/{TEMPORARY}*")]:
        path.unlink(missing_ok=True)
        removed.append(path.relative_to(folder).as_posix())
    for path in folder.glob(f"{PARTS}/*/*"):
        name = path.relative_to(folder).as_posix()
        if name not in keep:
            path.unlink(missing_ok=True)
            removed.append(name)
    return removed


def file_checksum(path: Path) -> str:
    """Hash the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _encode(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.rechunk().write_parquet(
        buffer, compression="zstd", compression_level=3, row_group_size=_ROW_GROUP
    )
    return buffer.getvalue()


def _range(spec: Table, frame: pl.DataFrame) -> tuple[str, str]:
    column = spec.range_column
    if column is None or frame.is_empty():
        return "", ""
    days = frame[column]
    return str(days.min())[:10], str(days.max())[:10]
