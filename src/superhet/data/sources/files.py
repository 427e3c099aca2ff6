"""Read CSV, Parquet and Excel files as a column map says, every row with its place of origin.

1. bytes to text, telling where an encoding fails                             -> _decode
2. text, Parquet or a sheet to columns under the file's own headers            -> read_raw
3. headers to our names, constants, values from the file's name                -> _rename
4. quarters and days without a year to dates                                   -> periods
5. cells to types, units, asset names, bar labels                              -> read_file
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from superhet.data.casting import cast_frame
from superhet.data.faults import ORIGIN_FILE, ORIGIN_ROW, Faults, Rule, enforce
from superhet.data.schema import table_spec
from superhet.data.sources.column_map import Rewrite, TableMap
from superhet.data.sources.periods import complete_years, spell_quarters, without_quarters
from superhet.data.sources.workbook import WORKBOOKS, read_sheet
from superhet.data.table import Table
from superhet.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".csv", ".txt", ".tsv", ".parquet", *WORKBOOKS)
_ENCODINGS = ("utf-8", "gb18030", "utf-16", "big5")


def expand(base: Path, patterns: str | Sequence[str] | None) -> list[Path]:
    """Find the files that patterns name, sorted; nothing names the path itself.

    Raises
    ------
    DataError
        if a pattern finds nothing
    """
    if not base.exists():
        raise DataError("there is no such file or folder; check --path", file=str(base))
    if patterns is None:
        found = [base] if base.is_file() else _data_files(base.iterdir())
        if not found:
            raise DataError("no CSV, Parquet or Excel file lies here", file=str(base))
        return found
    folder = base.parent if base.is_file() else base
    files: list[Path] = []
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        exact = folder / pattern
        matched = [exact] if exact.is_file() else sorted(folder.glob(pattern))
        matched = [p for m in matched for p in (_data_files(m.iterdir()) if m.is_dir() else [m])]
        if not matched:
            raise DataError(f"no file matches {pattern!r} in this folder", file=str(folder))
        files += matched
    return files


def read_file(
    path: Path, entry: TableMap, name: str, index: int = 0, faults: Faults | None = None
) -> tuple[pl.DataFrame, list[str]]:
    """Read one file; give its rows under our names, typed, and the headers that were not used.

    Parameters
    ----------
    name : how messages call the file
    index : what `ORIGIN_FILE` says for its rows
    faults : collects rows with a cell that cannot be read; None = there may be none
    """
    import polars as pl

    spec = table_spec(entry.table)
    raw = read_raw(path, entry, name)
    frame, ignored = _rename(raw, entry, spec, name)
    for column, pattern in entry.from_file.items():
        found = re.search(pattern, path.stem)
        if found is None or not found.groups():
            message = f"the name does not match {pattern!r} with a group (from_file: {column})"
            raise DataError(message, file=name)
        frame = frame.with_columns(pl.lit(found.group(1)).alias(column))
    frame = frame.with_columns(**{c: pl.lit(v) for c, v in entry.constants.items()})
    frame = _mark_missing(frame, entry, spec).with_row_index(ORIGIN_ROW, offset=1)
    dates = [c for c in frame.columns if (f := spec.field_of(c)) and f.kind in ("date", "time")]
    formats = entry.formats(dates)
    frame = complete_years(spell_quarters(frame, formats), entry.yearless)
    formats = {c: f for c, f in without_quarters(formats).items() if c not in entry.yearless}
    frame = cast_frame(spec, frame, [name], formats, faults)
    frame = _spell_assets(frame, entry, spec, name, faults)
    frame = _translate(frame, entry, spec, name, faults)
    for column, factor in entry.units.items():
        if column in _joined(entry):
            continue
        _require(frame, column, "units", name)
        frame = frame.with_columns(pl.col(column) * factor)
    if entry.bar_label == "start" and "time" in frame.columns:
        minutes = re.sub(r"\D", "", entry.table)
        frame = frame.with_columns(pl.col("time").dt.offset_by(f"{minutes}m"))
    return frame.with_columns(pl.lit(index, pl.UInt32).alias(ORIGIN_FILE)), ignored


def read_join(path: Path, entry: TableMap, columns: dict[str, str], name: str) -> pl.DataFrame:
    """Read some columns of another file, under our names and typed as the table's own."""
    changes: dict[str, object] = {
        "columns": columns,
        "from_file": {},
        "constants": {},
        "join": [],
        "header": None,
        "transpose": None,
        "yearless": {},
        "values": {c: words for c, words in entry.values.items() if c in columns},
        "units": {c: factor for c, factor in entry.units.items() if c in columns},
    }
    frame, _ = read_file(path, entry.model_copy(update=changes), name)
    return frame.select(list(columns))


def _joined(entry: TableMap) -> set[str]:
    """Name the columns that come from other files."""
    return {column for join in entry.join for column in join.columns}


def _data_files(paths: Iterable[Path]) -> list[Path]:
    return sorted(p for p in paths if p.suffix in SUFFIXES and not p.name.startswith("."))


def read_raw(path: Path, entry: TableMap, name: str) -> pl.DataFrame:
    """Read a file under its own headers; cells of CSV are text.

    Raises
    ------
    DataError
        if it cannot be read as what its name says
    """
    if path.suffix == ".parquet":
        return _read_parquet(path, name)
    workbook = path.suffix.lower() in WORKBOOKS
    raw = read_sheet(path, entry, name) if workbook else _read_csv(path, entry, name)
    return raw if entry.transpose is None else _transpose(raw, entry.transpose, name)


def _read_parquet(path: Path, name: str) -> pl.DataFrame:
    import polars as pl

    try:
        return pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        message = f"cannot be read as Parquet: {_first_line(error)}. Fetch or write the file again."
        raise DataError(message, file=name) from error


def _read_csv(path: Path, entry: TableMap, name: str) -> pl.DataFrame:
    import polars as pl

    try:
        text = _decode(path.read_bytes(), entry.encoding, name)
        frame = pl.read_csv(
            BytesIO(text.encode()),
            separator="\t" if path.suffix == ".tsv" and entry.separator == "," else entry.separator,
            infer_schema=False,
            has_header=entry.header is None,
            new_columns=entry.header,
            skip_rows=entry.skip_rows,
            skip_rows_after_header=entry.skip_rows_after_header,
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        message = (
            f"cannot be read as CSV: {_first_line(error)}. Look at the first lines: separator:, skip_rows: "
            "and encoding: in the column map say how they are made."
        )
        raise DataError(message, file=name) from error
    return frame


def _decode(content: bytes, encoding: str, name: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        other = next((e for e in _ENCODINGS if e != encoding and _decodes(content, e)), "")
        hint = f"it reads as {other}: say encoding: {other}" if other else "name its encoding:"
        message = f"byte {error.start} (line {line}) is not {encoding}; {hint} in the column map."
        raise DataError(message, file=name) from error
    if codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig") and _decodes(content, "utf-8"):
        foreign = sum(ord(letter) > 127 for letter in content[:100_000].decode("utf-8", "ignore"))
        if foreign > 8:  # text of another encoding is never well-formed UTF-8 for that long
            message = f"the file is utf-8, not {encoding}: say encoding: utf-8 in the column map."
            raise DataError(message, file=name)
    return text.removeprefix("\ufeff")


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _transpose(frame: pl.DataFrame, header: str, name: str) -> pl.DataFrame:
    """Turn a file whose rows are fields and whose further headers are dates."""
    import polars as pl

    first = frame.columns[0]
    if first != header:
        message = f"transpose: expects it as the first header, which is {first!r}"
        raise DataError(message, file=name, column=header)
    frame = frame[[s.name for s in frame if s.null_count() < frame.height]]
    frame = frame.filter(pl.col(first).str.strip_chars() != "")
    fields = frame[first].str.strip_chars().to_list()
    twice = sorted({f for f in fields if fields.count(f) > 1})
    if twice:
        message = f"transpose: the field {twice[0]!r} stands there more than once"
        raise DataError(message, file=name, column=header)
    return frame.drop(first).transpose(
        include_header=True, header_name=header, column_names=[str(f) for f in fields]
    )


def _rename(
    raw: pl.DataFrame, entry: TableMap, spec: Table, name: str
) -> tuple[pl.DataFrame, list[str]]:
    import polars as pl

    given = {*entry.from_file, *entry.constants}
    if entry.columns is None:
        numeric = {
            c for c, t in raw.schema.items() if t.is_numeric() or t in (pl.String, pl.Boolean)
        }
        open_to = numeric if spec.open_ended else set()
        taken = [c for c in raw.columns if (c in spec.columns or c in open_to) and c not in given]
        return raw.select(taken), [c for c in raw.columns if c not in taken]
    chosen, used = {}, set()
    for ours, header in entry.columns.items():
        headers = [header] if isinstance(header, str) else header
        for one in headers:
            if one not in raw.columns:
                raise _no_header(name, ours, one, raw.columns)
        used |= set(headers)
        parts = [pl.col(h).cast(pl.String).str.strip_chars() for h in headers]
        chosen[ours] = (
            pl.col(headers[0]) if len(headers) == 1 else pl.concat_str(parts, separator=" ")
        )
    return raw.select(**chosen), [c for c in raw.columns if c not in used]


def _no_header(name: str, ours: str, header: str, headers: Sequence[str]) -> DataError:
    hint = did_you_mean(header, headers)
    if any("\ufffd" in h or "Ã" in h for h in headers):
        hint += "; the headers look garbled, so check encoding:"
    return DataError(f"the file has no header {header!r}{hint}.", file=name, column=ours)


def _mark_missing(frame: pl.DataFrame, entry: TableMap, spec: Table) -> pl.DataFrame:
    import polars as pl

    marked = {}
    for column, dtype in frame.schema.items():
        field = spec.field_of(column)
        if dtype == pl.String and not (field and field.kind == "text"):
            cell = pl.col(column).str.strip_chars()
            marked[column] = pl.when(~cell.is_in(entry.missing)).then(cell)
    return frame.with_columns(**marked)


def _require(frame: pl.DataFrame, column: str, key: str, name: str) -> None:
    if column not in frame.columns:
        message = f"{key}: there is no such column here{did_you_mean(column, frame.columns)}"
        raise DataError(message, file=name, column=column)


def _translate(
    frame: pl.DataFrame, entry: TableMap, spec: Table, name: str, faults: Faults | None
) -> pl.DataFrame:
    import polars as pl

    for column, words in entry.values.items():
        if column in _joined(entry):
            continue
        _require(frame, column, "values", name)
        unknown = ~pl.col(column).is_in(list(words))
        message = f"values: {{value}} is none of {', '.join(words)}"
        cure = "Add the word under values: in the column map"
        rule = Rule(name="unknown_word", wrong=unknown, column=column, message=message, cure=cure)
        frame = enforce(spec, frame, [name], [rule], faults)
        frame = frame.with_columns(pl.col(column).replace(words))
    return frame


def _spell_assets(
    frame: pl.DataFrame, entry: TableMap, spec: Table, name: str, faults: Faults | None
) -> pl.DataFrame:
    import polars as pl

    if "asset" not in frame.columns or entry.asset_format == "plain":
        return frame
    if isinstance(entry.asset_format, Rewrite):
        pattern, to = entry.asset_format.pattern, entry.asset_format.to
        name_or_null = pl.when(pl.col("asset").str.contains(pattern)).then(pl.col("asset"))
        found = name_or_null.str.replace(pattern, to)
        meant = f"does not match {pattern}"
    else:
        found, meant = chinese_share(pl.col("asset")), "is not the code of a Chinese share"
    rule = Rule(
        name="unknown_code",
        wrong=found.is_null() & pl.col("asset").is_not_null(),
        column="asset",
        message=f"{{value}} {meant} (asset_format)",
    )
    return enforce(spec, frame, [name], [rule], faults).with_columns(asset=found)


def chinese_share(name: pl.Expr) -> pl.Expr:
    """Bring any spelling of a Chinese share to 600000.SH; null where it is none.

    A bare number (leading zeros may be lost) gets its exchange from its first digits: 5 6 900 Shanghai,
    0 1 2 3 Shenzhen, 4 8 92 Beijing.
    """
    import polars as pl

    text = name.str.strip_chars().str.to_uppercase()
    front = text.str.extract_groups(r"^(SH|SZ|BJ)[.]?(\d{6})$")
    back = text.str.extract_groups(r"^(\d{6})[.]?(SH|SZ|BJ|SS|XSHG|XSHE)$")
    exchange = back.struct[1].replace({"SS": "SH", "XSHG": "SH", "XSHE": "SZ"})
    bare = pl.when(text.str.contains(r"^\d{1,6}$")).then(text.str.zfill(6))
    inferred = (
        pl.when(bare.str.contains(r"^(5|6|900)"))
        .then(bare + ".SH")
        .when(bare.str.contains(r"^[0-3]"))
        .then(bare + ".SZ")
        .when(bare.str.contains(r"^(4|8|92)"))
        .then(bare + ".BJ")
    )
    return pl.coalesce(
        front.struct[1] + "." + front.struct[0], back.struct[0] + "." + exchange, inferred
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
