"""The Parquet parts of a table: named by what they hold, checked when first read.

A part's name carries the checksum of its bytes. The bytes depend on nothing but the rows (columns in one
order, none that is not known anywhere in the part, fixed row groups, one chunk, no clock), so equal rows
give equal names: writing the same data again touches no file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from superhet.data.durable import replace_file
from superhet.data.store.manifest import Part, TableEntry
from superhet.data.store.places import Place
from superhet.data.table import Table
from superhet.errors import CorruptedPart

if TYPE_CHECKING:
    import polars as pl

PARTS = "parts"
_ROW_GROUP = 65_536
_AT_ONCE = 8


def part_label(part: Part) -> str:
    """Give the year, month or day in a part's file name."""
    return Path(part.file).name.rpartition("-")[0]


def encode_part(spec: Table, label: str, frame: pl.DataFrame) -> tuple[Part, bytes]:
    """Turn rows into the bytes of a part."""
    known = [c for c in frame.columns if c in spec.key or frame[c].null_count() < frame.height]
    buffer = BytesIO()
    frame.select(ordered_columns(spec, known)).rechunk().write_parquet(
        buffer, compression="zstd", compression_level=3, row_group_size=_ROW_GROUP
    )
    content = buffer.getvalue()
    checksum = _checksum(content)
    first, last = _range(spec, frame)
    part = Part(
        file=f"{PARTS}/{spec.name}/{label}-{checksum[:16]}.parquet",
        rows=frame.height,
        checksum=checksum,
        first=first,
        last=last,
        size=len(content),
    )
    return part, content


def ordered_columns(spec: Table, columns: Iterable[str]) -> list[str]:
    """Give columns in the one order they are stored in: the schema's, then further ones by name."""
    names = list(columns)
    return [c for c in spec.columns if c in names] + sorted(set(names) - set(spec.columns))


class PartWriter:
    """Writes parts into a store and remembers which files are new, so that a failed write can be undone.

    Several parts are on their way at once: a disk brings them down together, a network side by side.

    Parameters
    ----------
    place : the store
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.created: list[str] = []
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._sent: list[Future[None]] = []

    def write(self, part: Part, content: bytes) -> None:
        """Send one part off; a file that already holds these bytes is left as it is."""
        self._sent.append(self._pool.submit(self._put, part, content))

    def finish(self) -> None:
        """Return when all parts are on the disk; raise what went wrong with any."""
        self._pool.shutdown(wait=True)
        for sent in self._sent:
            sent.result()
        self.place.settle()

    def undo(self, wanted: set[str]) -> None:
        """Remove the files this writer made, but those that are wanted all the same."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.place.remove(f for f in self.created if f not in wanted)

    def _put(self, part: Part, content: bytes) -> None:
        size = self.place.size(part.file)
        if size is None:
            self.created.append(part.file)
            self.place.put(part.file, content)
        elif size != len(content) or self._has_changed(part):  # this mends it
            self.place.put(part.file, content)

    def _has_changed(self, part: Part) -> bool:
        """Tell whether a file lost its bytes; an object store sees to that by itself."""
        folder = self.place.folder
        return folder is not None and file_checksum(folder / part.file) != part.checksum


class PartReader:
    """Reads parts, comparing each with its checksum before its first use.

    Parameters
    ----------
    place : the store
    cache : folder of this machine for parts of a remote store; without one they are held in memory while read
    """

    def __init__(self, place: Place, cache: Path | None = None) -> None:
        self._place = place
        self._folder = place.folder or cache
        self._verified: set[tuple[str, int, int]] = set()

    def fetch(self, part: Part) -> Path | BytesIO:
        """Give a part whose bytes are as the manifest says: as a file, or in memory.

        Raises
        ------
        CorruptedPart
            if the file is missing or its bytes have changed
        """
        if self._place.folder is not None:
            return self._local(part, self._place.folder / part.file)
        if self._folder is None:
            return BytesIO(self._download(part))
        path = self._folder / part.file
        try:
            return self._local(part, path)
        except CorruptedPart:  # not there yet, or harmed here: the store's own counts
            replace_file(path, self._download(part), settle=False)
            return path

    def fetch_all(self, parts: Sequence[Part]) -> list[Path | BytesIO]:
        """Give several parts, in order; fetching and the first comparing use all cores."""
        in_memory = self._folder is None
        new = [p for p in parts if in_memory or not self._is_known(p)]
        if len(new) < 2:
            return [self.fetch(part) for part in parts]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            fetched = list(pool.map(self.fetch, new))
        return fetched if in_memory else [self.fetch(part) for part in parts]

    def scan(self, spec: Table, entry: TableEntry, parts: Sequence[Part]) -> pl.LazyFrame:
        """Scan parts lazily; a column that a part lacks is null there."""
        import polars as pl

        order = ordered_columns(spec, entry.columns)
        schema = {name: polars_type(entry.columns[name]) for name in order}
        if not parts:
            return pl.LazyFrame(schema=schema)
        sources: Any = self.fetch_all(parts)  # all paths, or all in memory
        return pl.scan_parquet(
            sources,
            schema=schema,
            missing_columns="insert",
            extra_columns="ignore",
            glob=False,
        )

    def missing(self, part: Part) -> CorruptedPart:
        """Say that a part's file is not there."""
        return CorruptedPart(
            self._place.location,
            f"{part.file} is missing. If another process has written to the store since it was opened, "
            f"open it again; else {_MEND}",
            file=part.file,
        )

    def _is_known(self, part: Part) -> bool:
        """Tell whether a part's file here was compared, and has not been touched since."""
        assert self._folder is not None
        try:
            state = (self._folder / part.file).stat()
        except FileNotFoundError:
            return False
        return (part.file, state.st_mtime_ns, state.st_size) in self._verified

    def _local(self, part: Part, path: Path) -> Path:
        if self._is_known(part):
            return path
        try:
            state = path.stat()
            checksum = file_checksum(path)
        except FileNotFoundError as error:
            raise self.missing(part) from error
        self._compare(part, checksum)
        self._verified.add((part.file, state.st_mtime_ns, state.st_size))
        return path

    def _download(self, part: Part) -> bytes:
        try:
            content = self._place.read(part.file)
        except FileNotFoundError as error:
            raise self.missing(part) from error
        self._compare(part, _checksum(content))
        return content

    def _compare(self, part: Part, checksum: str) -> None:
        if checksum != part.checksum:
            raise CorruptedPart(
                self._place.location,
                f"{part.file} does not match its checksum: its bytes changed after they were "
                f"written. {_MEND[0].upper()}{_MEND[1:]}",
                file=part.file,
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


def file_checksum(path: Path) -> str:
    """Hash the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _checksum(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _range(spec: Table, frame: pl.DataFrame) -> tuple[str, str]:
    column = spec.range_column
    if column is None or frame.is_empty():
        return "", ""
    days = frame[column]
    return str(days.min())[:10], str(days.max())[:10]
